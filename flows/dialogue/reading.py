"""What one utterance says, read with the open question in mind."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from flows.dialogue.drafts import Draft, Field, Mode
from flows.dialogue.intents import Intent, core_of, intent_of, mentioned, takes_back
from flows.slots import Answer, relative_answer
from flows.types import FamilyMember, Slot
from flows.understanding import understanding

_RELATIVE_WORDS = ("配偶", "爱人", "老公", "老婆", "丈夫", "妻子", "孩子", "儿子", "女儿", "小孩", "父", "母", "爸", "妈")
_NONE = ("没有", "没", "无", "没得", "冇")


@dataclass(frozen=True, slots=True)
class Heard:
    """One utterance."""

    text: str = field(repr=False)
    intent: Intent | None
    target: Field | None
    """The field it was read as an answer for."""
    answer: Answer = field(repr=False)

    @property
    def relation(self) -> FamilyMember | None:
        """Whose values the answer holds; None is the citizen."""
        return self.target.relation if self.target else None

    @property
    def says_none(self) -> bool:
        """Whether it says that there is no such thing or person, as against not knowing it."""
        core = core_of(self.text)
        return core.startswith(_NONE) or core.endswith("没有")


def hear(draft: Draft, text: str, *, today: date) -> Heard:
    """Reads an utterance. May call out to the understanding engine, so never inside a transaction."""
    intent = intent_of(text)
    asked = Field.parse(draft.asked) if draft.asked else None
    targets = _targets(draft, text, asked, intent)
    for target in targets[:-1]:
        answer = _read(text, target, today)
        if answer.values:
            return Heard(text, intent, target, answer)
    return Heard(text, intent, targets[-1], _read(text, targets[-1], today))


def _targets(draft: Draft, text: str, asked: Field | None, intent: Intent | None) -> list[Field | None]:
    """Which field the words may be an answer for, the likeliest first; None stands for whatever they name themselves."""
    match draft.mode:
        case Mode.VALUE:
            # In the middle of an answer (女的，不对，男的) the parsers sort a correction out themselves.
            return [*_taken_back(draft, text), asked] if intent is Intent.CORRECTION and takes_back(text) else [asked]
        case Mode.DISPUTE:
            return [Field(Slot.ID_CARD), asked]
        case Mode.LEAVING:
            return [None]


def _taken_back(draft: Draft, text: str) -> list[Field | None]:
    """Which fields words that take back something said before may be about: what they name, else what was filled last."""
    fields: list[Field | None] = []
    if not any(word in text for word in _RELATIVE_WORDS):
        named = mentioned(text)
        fields += [None, *(Field(slot) for slot in Slot if slot in named)]
    if draft.last:
        fields.append(Field.parse(draft.last))
    return fields


def _read(text: str, target: Field | None, today: date) -> Answer:
    if target is not None and target.relation is not None:
        return relative_answer(text, asked=target.slot, today=today)
    return understanding().read(text, asked=target.slot if target else None, today=today)
