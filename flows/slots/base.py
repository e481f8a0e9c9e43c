"""What the slot parsers hand around: the reading of an utterance, a refused value, what an ID number tells."""

from __future__ import annotations

from dataclasses import dataclass, field

from flows.types import Slot, SlotValue


class WrongValue(ValueError):
    """A value that no citizen can have. `reason` is plain spoken Chinese, without the value itself."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Answer:
    """What one utterance says. Its repr names the slots and hides what was said."""

    values: dict[Slot, SlotValue] = field(default_factory=dict)
    """Checked values."""
    problems: dict[Slot, str] = field(default_factory=dict)
    """Slots that were tried but are wrong: the reason in plain spoken Chinese, to be said before asking again."""
    declined: bool = False
    """The citizen does not know, has none or won't say; the asked slot stays open."""
    confidence: float = 0.0
    """0 (nothing was understood) to 1."""

    def __repr__(self) -> str:
        values, problems = ", ".join(sorted(self.values)), ", ".join(sorted(self.problems))
        return f"<Answer values={{{values}}} problems={{{problems}}} declined={self.declined} confidence={self.confidence:.2f}>"


@dataclass(frozen=True, slots=True)
class CrossCheck:
    """What the ID number says about the other slots. Its repr names the slots only."""

    derived: dict[Slot, SlotValue]
    """Slots that were missing and that the ID number fills."""
    conflicts: dict[Slot, str]
    """Slots whose value contradicts the ID number: the reason in plain spoken Chinese."""

    def __repr__(self) -> str:
        return f"<CrossCheck derived={{{', '.join(sorted(self.derived))}}} conflicts={{{', '.join(sorted(self.conflicts))}}}>"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a parser made of its slot: a value, or a reason why not; `start` and `end` are where it stood."""

    value: SlotValue | None = field(default=None, repr=False)
    problem: str | None = None
    confidence: float = 0.9
    start: int = 0
    end: int = 0

    @property
    def span(self) -> tuple[int, int]:
        return self.start, self.end


def text_of(reading: Reading | None, problem: str) -> str:
    """The text that was read. Raises WrongValue with the reading's problem, or with `problem` where it tells none."""
    if reading is not None and isinstance(reading.value, str):
        return reading.value
    raise WrongValue((reading and reading.problem) or problem)


CERTAIN = 0.97
"""Confidence of a value that was said with its name, or that carries a checksum."""
LIKELY = 0.9
"""Of a bare answer to the question."""
GUESSED = 0.7
"""Of a bare answer whose form alone does not say what it is, and of numbers with repaired homophones."""
