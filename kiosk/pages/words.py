"""The words of the kiosk's pages in both languages: kiosk/pages/words/LANGUAGE.json.

Both are sent with the page, so that the language can change in the middle of a visit without asking the server. Templates take
theirs from the same files for the first picture, before any script runs.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any, Final

from django.conf import settings

LANGUAGES: Final = ("zh-hans", "en")
FOLDER: Final = Path(__file__).resolve().parent / "words"

Words = dict[str, Any]


@functools.cache
def words(language: str) -> Words:
    """Every text by its key; keys with dots in templates and scripts are objects in objects here."""
    loaded: Words = json.loads((FOLDER / f"{language}.json").read_text(encoding="utf-8"))
    return loaded


def catalogues() -> dict[str, Words]:
    """Every language's words."""
    return {language: words(language) for language in LANGUAGES}


def first_language() -> str:
    """What a visit begins in: the hall's language, not the browser's, which belongs to nobody in particular."""
    return str(settings.KIOSK.language)
