"""What a visit has found out so far, and where its questions stand: DialogueSession.draft as the code knows it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any, Self

from flows.types import FamilyMember, Slot, SlotValue


@dataclass(frozen=True, slots=True)
class Field:
    """What one question asks for: a slot of the citizen, or of a relative. str() is Turn.slot: "name", "spouse.name"."""

    slot: Slot
    relation: FamilyMember | None = None

    def __str__(self) -> str:
        return f"{self.relation.value}.{self.slot.value}" if self.relation else self.slot.value

    @classmethod
    def parse(cls, text: str) -> Self:
        relation, dot, slot = text.rpartition(".")
        return cls(Slot(slot), FamilyMember(relation) if dot else None)


class Mode(StrEnum):
    """What kind of question is open."""

    VALUE = "value"
    """For the value of a field."""
    DISPUTE = "dispute"
    """Which of two values that contradict each other is right."""
    LEAVING = "leaving"
    """Whether the citizen really wants to break off."""


Values = dict[Slot, SlotValue]


@dataclass(slots=True)
class Draft:
    """Values are checked ones. Written as a whole; nothing of it is in a repr."""

    known: Values = field(default_factory=dict, repr=False)
    """What the database knew at the handshake; never written back."""
    given: Values = field(default_factory=dict, repr=False)
    """What was said in this visit, came with the handshake, or follows from it. Wins over `known`."""
    known_relatives: dict[FamilyMember, Values] = field(default_factory=dict, repr=False)
    """What the database knew of the family members the service asks about; never written back."""
    relatives: dict[FamilyMember, Values] = field(default_factory=dict, repr=False)
    """What was said of them; wins over `known_relatives`."""
    absent: set[FamilyMember] = field(default_factory=set)
    """Relatives the citizen does not have."""
    left: set[str] = field(default_factory=set)
    """Fields that stay open: not known, not told, or asked for in vain."""
    derived: set[Slot] = field(default_factory=set)
    """Of `given`, what nobody said: it follows from the ID number, and changes with it."""
    settled: set[Slot] = field(default_factory=set)
    """Contradicted by the ID number, and confirmed by the citizen as they are."""
    tries: dict[str, int] = field(default_factory=dict)
    """How often each field was asked for without success."""
    helped: dict[str, int] = field(default_factory=dict)
    """How often each field was explained or repeated."""
    mode: Mode = Mode.VALUE
    asked: str = ""
    """The field that the open question is about; "" where no question is open."""
    question: str = field(default="", repr=False)
    """The open question, as it was asked."""
    last: str = ""
    """The field that was filled last, which a correction is likely about."""
    turns: int = 0
    """How many there are."""
    listener: str = ""
    """Which process listens to the audio of this visit; see dialogue.listening."""
    before: str = ""
    """The state to which a visit returns when its audio can't be understood."""
    failure: tuple[str, str] | None = None
    """Code and detail of what went wrong with the audio, until the client has been told."""

    @property
    def values(self) -> Values:
        """All that is known of the citizen."""
        return self.known | self.given

    def value_of(self, asked: Field) -> SlotValue | None:
        """What is known of a field."""
        if asked.relation is None:
            return self.given.get(asked.slot, self.known.get(asked.slot))
        known = self.known_relatives.get(asked.relation, {}).get(asked.slot)
        return self.relatives.get(asked.relation, {}).get(asked.slot, known)

    def as_json(self) -> dict[str, Any]:
        """What is stored; empty parts are left out."""
        whole: dict[str, Any] = {
            "known": _values_as_json(self.known),
            "citizen": _values_as_json(self.given),
            "known_relatives": _relatives_as_json(self.known_relatives),
            "relatives": _relatives_as_json(self.relatives),
            "absent": sorted(self.absent),
            "declined": sorted(self.left),
            "derived": sorted(self.derived),
            "settled": sorted(self.settled),
            "tries": self.tries,
            "helped": self.helped,
            "mode": self.mode.value,
            "asked": self.asked,
            "question": self.question,
            "last": self.last,
            "turns": self.turns,
            "listener": self.listener,
            "before": self.before,
            "failure": list(self.failure) if self.failure else None,
        }
        return {key: part for key, part in whole.items() if part}

    @classmethod
    def from_json(cls, stored: dict[str, Any] | None) -> Self:
        """The draft that as_json() wrote."""
        stored = stored or {}
        failure = stored.get("failure")
        return cls(
            known=_values_from_json(stored.get("known", {})),
            given=_values_from_json(stored.get("citizen", {})),
            known_relatives=_relatives_from_json(stored.get("known_relatives", {})),
            relatives=_relatives_from_json(stored.get("relatives", {})),
            absent={FamilyMember(name) for name in stored.get("absent", [])},
            left=set(stored.get("declined", [])),
            derived={Slot(name) for name in stored.get("derived", [])},
            settled={Slot(name) for name in stored.get("settled", [])},
            tries=dict(stored.get("tries", {})),
            helped=dict(stored.get("helped", {})),
            mode=Mode(stored.get("mode", Mode.VALUE)),
            asked=stored.get("asked", ""),
            question=stored.get("question", ""),
            last=stored.get("last", ""),
            turns=stored.get("turns", 0),
            listener=stored.get("listener", ""),
            before=stored.get("before", ""),
            failure=(failure[0], failure[1]) if failure else None,
        )


def _values_as_json(values: Values) -> dict[str, str | bool]:
    return {slot.value: value.isoformat() if isinstance(value, date) else value for slot, value in values.items()}


def _values_from_json(stored: dict[str, Any]) -> Values:
    return {Slot(name): date.fromisoformat(value) if name == Slot.BIRTH else value for name, value in stored.items()}


def _relatives_as_json(relatives: dict[FamilyMember, Values]) -> dict[str, dict[str, str | bool]]:
    return {relation.value: _values_as_json(values) for relation, values in relatives.items()}


def _relatives_from_json(stored: dict[str, Any]) -> dict[FamilyMember, Values]:
    return {FamilyMember(name): _values_from_json(values) for name, values in stored.items()}
