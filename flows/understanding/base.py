"""What understands citizens: which service they want, and what they answered."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Protocol

from flows.slots import Answer
from flows.types import Slot

MOST_CANDIDATES = 3


class Decision(Enum):
    """What may be done with a request."""

    SERVICE = "service"
    """One service is meant, surely enough to go on with it."""
    UNCLEAR = "unclear"
    """Something of the hall is meant: ask back, with the candidates where there are any."""
    NO_SERVICE = "no service"
    """Nothing that the hall offers."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A service that may be meant."""

    code: str
    name: str
    score: float
    """0 to 1."""


@dataclass(frozen=True, slots=True)
class Classification:
    """What a request was taken for."""

    decision: Decision
    service: Candidate | None = None
    """Set for SERVICE, and only then."""
    candidates: tuple[Candidate, ...] = ()
    """For UNCLEAR: at most MOST_CANDIDATES, the best first; may be empty."""
    confidence: float = 0.0
    """0 to 1: that the decision is right."""


class Understanding(Protocol):
    """Safe to call from several threads at once. Bad input is no error: it is NO_SERVICE, or an answer without values."""

    name: str

    def classify(self, text: str, *, among: Collection[str] = ()) -> Classification:
        """Which service is wanted. `among`: codes of the candidates just asked about, in the order in which they were named."""

    def read(self, text: str, *, asked: Slot | None, today: date) -> Answer:
        """What the citizen said about themselves; see flows.slots.read_answer."""
