"""The words of the kiosk's pages in templates: written in the first language, and marked so that scripts can change it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import template
from django.template import Context
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag(takes_context=True)
def t(context: Context, key: str) -> SafeString:
    """A text as an element that knows its key: <span data-words="welcome.title">…</span>."""
    return format_html('<span data-words="{}">{}</span>', key, text_of(context["words"], key))


@register.simple_tag(takes_context=True)
def t_attribute(context: Context, attribute: str, key: str) -> SafeString:
    """An attribute that knows its key: aria-label="…" data-words-aria-label="bar.tools"."""
    return format_html('{}="{}" data-words-{}="{}"', attribute, text_of(context["words"], key), attribute, key)


def text_of(words: Mapping[str, Any], key: str) -> str:
    """The text with this dotted key; KeyError where there is none."""
    value: Any = words
    for part in key.split("."):
        value = value[part]
    return str(value)
