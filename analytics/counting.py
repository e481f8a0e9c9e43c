"""How many passed when: tracks, counted once each, in intervals of the video's time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from analytics.engines.base import Kind
from analytics.tracking import Track


@dataclass(frozen=True, slots=True)
class Count:
    """People and vehicles."""

    people: int = 0
    vehicles: int = 0

    def __add__(self, other: Count) -> Count:
        return Count(self.people + other.people, self.vehicles + other.vehicles)


def count_kinds(kinds: Iterable[Kind]) -> Count:
    """How many of each kind."""
    people = vehicles = 0
    for kind in kinds:
        people += kind is Kind.PERSON
        vehicles += kind is Kind.VEHICLE
    return Count(people, vehicles)


class PassageCounter:
    """Counts tracks as they are confirmed. The sum over all intervals is the number of different people and vehicles."""

    def __init__(self) -> None:
        self.total = Count()
        """Over all closed intervals."""
        self._open = Count()

    @property
    def so_far(self) -> Count:
        """All of them, the open interval included."""
        return self.total + self._open

    def add(self, counted: Iterable[Track]) -> None:
        """Takes tracks that were counted just now: each one once in its life."""
        self._open += count_kinds(track.kind for track in counted)

    def close_interval(self) -> Count:
        """Who was counted since the interval before was closed."""
        closed, self._open = self._open, Count()
        self.total += closed
        return closed
