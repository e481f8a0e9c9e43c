"""What the status page shows: each app registers a reader of its own part, the page asks them all.

Readers are called in a request's thread for people who run the machine: they return within a moment, start nothing, and say
nothing about anybody whom the hall serves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from kiosk.runtime.workers import PoolStatus

Text = str | Promise


class Health(StrEnum):
    """How a line of the status page is to be taken."""

    GOOD = "good"
    ATTENTION = "attention"
    BAD = "bad"
    NEUTRAL = "neutral"


@dataclass(frozen=True, slots=True)
class Line:
    """One line: what it is about, how it is, and why or where."""

    label: Text
    value: Text
    note: Text = ""
    health: Health = Health.NEUTRAL
    url: str = ""
    """Where the records behind it are."""


@dataclass(frozen=True, slots=True)
class Section:
    """The lines under one heading."""

    title: Text
    lines: Sequence[Line]
    icon: str = "monitor_heart"
    """A name of Material Symbols."""


Reader = Callable[[], Sequence[Section]]
_readers: dict[str, Reader] = {}


def register_status(name: str, reader: Reader) -> None:
    """To be called from an app's ready(); registering the same name again replaces it."""
    _readers[name] = reader


def readers() -> dict[str, Reader]:
    """What was registered, in that order."""
    return dict(_readers)


def pool_line(label: Text, pool: PoolStatus) -> Line:
    """The processes and the queue of an engine."""
    full = pool.pending >= pool.capacity
    note = (
        _("%(workers)d processes; %(died)d ended before their time since the start") if pool.died else _("%(workers)d processes")
    )
    health = Health.BAD if full else Health.ATTENTION if pool.died else Health.GOOD
    value = _("%(pending)d of %(capacity)d") % {"pending": pool.pending, "capacity": pool.capacity}
    return Line(label, value, note % {"workers": pool.workers, "died": pool.died}, health)
