"""What may be kept only for a while: each app registers its own part, `manage.py enforce_retention` deletes what is overdue."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Retention:
    """One part. Both return a line for the operator, without personal data."""

    name: str
    count: Callable[[datetime], str]
    """What would be deleted now."""
    enforce: Callable[[datetime], str]
    """Deletes what is overdue, its files too, and leftovers that no row names."""


_parts: dict[str, Retention] = {}


def register_retention(part: Retention) -> None:
    """To be called from an app's ready(); registering the same name again replaces it."""
    _parts[part.name] = part


def enforce_retention(now: datetime, *, dry_run: bool) -> Iterator[str]:
    """The lines of all parts, each deleted, or counted in a dry run, when its line is asked for."""
    for part in _parts.values():
        yield part.count(now) if dry_run else part.enforce(now)
