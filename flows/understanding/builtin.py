"""The understanding that works out of the box: retrieval over the catalogue, and the slot parsers."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from flows.slots import Answer, read_answer
from flows.types import Slot
from flows.understanding.among import choose
from flows.understanding.base import Classification
from flows.understanding.catalogue import LearntCatalogue
from flows.understanding.decision import decide
from flows.understanding.retrieval import ServiceWords


class BuiltIn:
    """Needs the database only. See retrieval, evidence and decision for the three steps of classify()."""

    name = "built-in"

    def __init__(self, catalogue: LearntCatalogue | None = None) -> None:
        self._catalogue = LearntCatalogue() if catalogue is None else catalogue

    def classify(self, text: str, *, among: Collection[str] = ()) -> Classification:
        matcher = self._catalogue.matcher()
        evidence = matcher.evidence(text)
        anew = decide(evidence, matcher.services)
        return choose(text, tuple(among), anew, evidence, matcher) if among else anew

    def services(self) -> tuple[ServiceWords, ...]:
        """What the hall offers now; the same object as long as nothing changes."""
        return self._catalogue.matcher().services

    def read(self, text: str, *, asked: Slot | None, today: date) -> Answer:
        return read_answer(text, asked=asked, today=today)
