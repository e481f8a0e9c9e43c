"""What the lists of a service item may hold. Each validator raises Django's ValidationError."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.utils.deconstruct import deconstructible
from django.utils.translation import gettext_lazy as _


@deconstructible
@dataclass
class LineListValidator:
    """Accepts a list of different lines of text: each without surrounding blanks, line breaks or control characters."""

    max_lines: int
    max_length: int
    """Of one line, in characters."""

    def __call__(self, value: object) -> None:
        if not isinstance(value, list) or any(not isinstance(line, str) for line in value):
            raise ValidationError(_("A list of lines of text is needed."), code="not_lines")
        if len(value) > self.max_lines:
            raise ValidationError(_("At most %(max)d lines are allowed."), code="too_many", params={"max": self.max_lines})
        for line in value:
            self._check_line(line)
        if repeated := first_repeated(value):
            raise ValidationError(_("“%(line)s” stands there twice."), code="repeated", params={"line": repeated})

    def _check_line(self, line: str) -> None:
        if not line or line != line.strip() or any(unicodedata.category(char) in {"Cc", "Zl", "Zp"} for char in line):
            raise ValidationError(_("A line is empty, has blanks around it or control characters in it."), code="bad_line")
        if len(line) > self.max_length:
            raise ValidationError(
                _("“%(line)s…” is longer than %(max)d characters."),
                code="too_long",
                params={"line": line[:20], "max": self.max_length},
            )


@deconstructible
@dataclass
class ChoiceListValidator:
    """Accepts a list of different values out of `choices`."""

    choices: tuple[str, ...]

    def __call__(self, value: object) -> None:
        if not isinstance(value, list) or any(not isinstance(choice, str) for choice in value):
            raise ValidationError(_("A list of choices is needed."), code="not_choices")
        for choice in value:
            if choice not in self.choices:
                raise ValidationError(_("“%(choice)s” is not one of the choices."), code="unknown", params={"choice": choice})
        if repeated := first_repeated(value):
            raise ValidationError(_("“%(line)s” stands there twice."), code="repeated", params={"line": repeated})


def first_repeated(values: Iterable[str]) -> str | None:
    """The first value that occurred before, or None."""
    seen: set[str] = set()
    for value in values:
        if value in seen:
            return value
        seen.add(value)
    return None
