"""What the kiosk says to an answer: takes its values, asks again with the reason, explains, or asks the next question. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import Enum

from flows.dialogue import wording
from flows.dialogue.drafts import Draft, Field, Mode
from flows.dialogue.intents import Intent, is_yes, mentioned, trusts_card
from flows.dialogue.questions import Plan, missing
from flows.dialogue.reading import Heard
from flows.slots import cross_check
from flows.types import RELATIVE_SLOTS, Slot, SlotValue


@dataclass(frozen=True, slots=True)
class Reply:
    """What the kiosk says next; "" where nothing is left to ask."""

    text: str = field(repr=False)
    cancelled: bool = False
    """The citizen broke the visit off: nothing of it may be kept."""


class Taken(Enum):
    """What became of the values of an answer."""

    NOTHING = "nothing"
    NEW = "new"
    CHANGED = "changed"
    """At least one stood there otherwise before."""


def open_question(draft: Draft, plan: Plan, *, today: date) -> str:
    """The question that is open, or the next one, which is open from now on; "" where none is left."""
    return draft.question or _ask_next(draft, plan, today).text


def respond(draft: Draft, plan: Plan, heard: Heard, *, today: date, most_tries: int) -> Reply:
    """The reply to what was said to the open question; writes what was found out to the draft."""
    if draft.mode is Mode.LEAVING and (is_yes(heard.text) or heard.intent is Intent.LEAVE):
        return Reply("", cancelled=True)
    if heard.intent is not None and heard.intent is not Intent.CORRECTION and draft.asked:
        return _about_the_conversation(draft, plan, heard.intent, today=today, most_tries=most_tries)
    if draft.mode is Mode.DISPUTE and _settle(draft, heard, today):
        return _ask_next(draft, plan, today, wording.thanks(draft.turns))
    taken = _take(draft, heard, today)
    still_disputed = draft.mode is Mode.DISPUTE and Slot(draft.asked) in disputed(draft, today=today)
    if taken is not Taken.NOTHING and not still_disputed:
        before = wording.CORRECTED if taken is Taken.CHANGED else wording.thanks(draft.turns)
        return _ask_next(draft, plan, today, before, problems=heard.answer.problems)
    if not draft.asked:
        return Reply("")
    return _without_values(draft, plan, heard, today=today, most_tries=most_tries)


def _without_values(draft: Draft, plan: Plan, heard: Heard, *, today: date, most_tries: int) -> Reply:
    if heard.intent is Intent.CORRECTION:
        return _ask_for_correction(draft, heard)
    if draft.mode is Mode.LEAVING:
        return _ask_next(draft, plan, today, wording.GOING_ON)
    if draft.mode is Mode.VALUE and heard.answer.declined:
        return _leave_open(draft, plan, heard, today)
    if draft.mode is Mode.DISPUTE and heard.answer.declined:
        return _give_up(draft, plan, today)
    return _ask_again(draft, plan, heard, today=today, most_tries=most_tries)


def derive(draft: Draft, *, today: date) -> None:
    """Fills what follows from the values that are known, and fits it to an ID number that has changed."""
    for slot in draft.derived:
        draft.given.pop(slot, None)
    draft.derived = set()
    for slot, value in cross_check(draft.values, today=today).derived.items():
        if slot not in draft.values:
            draft.given[slot] = value
            draft.derived.add(slot)


def disputed(draft: Draft, *, today: date) -> list[Slot]:
    """Slots whose values contradict the ID number, and about which the citizen has not been asked to the end."""
    conflicts = cross_check(draft.values, today=today).conflicts
    # A stored number that is no ID number contradicts nothing; staff mend it.
    return [slot for slot in Slot if slot in conflicts and slot not in draft.settled and slot is not Slot.ID_CARD]


def leave_all_open(draft: Draft, plan: Plan, *, today: date) -> None:
    """Ends the questions: whatever is missing stays open, whatever is disputed stays as it was said."""
    draft.left.update(str(field) for field in missing(plan, draft))
    draft.settled.update(disputed(draft, today=today))
    draft.mode, draft.asked, draft.question = Mode.VALUE, "", ""


def _take(draft: Draft, heard: Heard, today: date) -> Taken:
    """Writes the values of an answer that may be written: those of free fields, and those the citizen means to change."""
    named = mentioned(heard.text) if heard.relation is None else set()
    taken = Taken.NOTHING
    for slot, value in heard.answer.values.items():
        about = Field(slot, heard.relation)
        if about.relation is not None and slot not in RELATIVE_SLOTS:
            continue
        before = draft.value_of(about)
        free = before is None or slot in draft.derived or about == heard.target or str(about) == draft.asked or slot in named
        if free or heard.intent is Intent.CORRECTION:
            _write(draft, about, value)
            changed = before not in {None, value} and slot not in draft.derived
            taken = Taken.CHANGED if changed or taken is Taken.CHANGED else Taken.NEW
    if taken is not Taken.NOTHING:
        derive(draft, today=today)
    return taken


def _write(draft: Draft, about: Field, value: SlotValue) -> None:
    if about.relation is not None:
        draft.relatives.setdefault(about.relation, {})[about.slot] = value
        draft.absent.discard(about.relation)
    else:
        if draft.given.get(about.slot) != value:
            # Whatever was settled before was about other values.
            draft.settled -= set(Slot) if about.slot is Slot.ID_CARD else {about.slot}
        draft.given[about.slot] = value
        draft.derived.discard(about.slot)
    draft.left.discard(str(about))
    draft.last = str(about)


def _ask_next(draft: Draft, plan: Plan, today: date, before: str = "", *, problems: dict[Slot, str] | None = None) -> Reply:
    """Opens the next question; `before` is said in front of it."""
    for slot in disputed(draft, today=today):
        draft.mode, draft.asked = Mode.DISPUTE, slot.value
        draft.question = wording.dispute(slot, first_time=_dispute_key(slot) not in draft.tries)
        return Reply(before + draft.question)
    draft.mode = Mode.VALUE
    left = missing(plan, draft)
    if not left:
        draft.asked = draft.question = ""
        return Reply("")
    about = left[0]
    if problems and about.relation is None and about.slot in problems:
        before += wording.because(problems[about.slot])
    draft.asked = str(about)
    draft.question = wording.question(about, draft.tries.get(draft.asked, 0))
    return Reply(before + draft.question)


def _ask_again(draft: Draft, plan: Plan, heard: Heard, *, today: date, most_tries: int) -> Reply:
    """The answer did not help: the same again with the reason, in other words, until it has been asked often enough."""
    slot = Field.parse(draft.asked).slot
    key = _dispute_key(slot) if draft.mode is Mode.DISPUTE else draft.asked
    draft.tries[key] = draft.tries.get(key, 0) + 1
    if draft.tries[key] >= most_tries:
        return _give_up(draft, plan, today)
    reason = heard.answer.problems.get(slot)
    return _ask_next(draft, plan, today, wording.because(reason) if reason else wording.NOT_UNDERSTOOD)


def _give_up(draft: Draft, plan: Plan, today: date) -> Reply:
    if draft.mode is Mode.DISPUTE:
        # Both stay as they were said; staff see the contradiction when they review the visit.
        draft.settled.add(Slot(draft.asked))
        return _ask_next(draft, plan, today, wording.thanks(draft.turns))
    draft.left.add(draft.asked)
    return _ask_next(draft, plan, today, wording.LEFT_OPEN)


def _leave_open(draft: Draft, plan: Plan, heard: Heard, today: date) -> Reply:
    about = Field.parse(draft.asked)
    if about.relation is not None and about.slot is Slot.NAME and heard.says_none:
        draft.absent.add(about.relation)
        return _ask_next(draft, plan, today, wording.ABSENT)
    draft.left.add(draft.asked)
    return _ask_next(draft, plan, today, wording.SKIPPED)


def _ask_for_correction(draft: Draft, heard: Heard) -> Reply:
    """Something was wrong, but not what would be right: asks for the field that was named, or which one is meant."""
    named = [slot for slot in Slot if slot in mentioned(heard.text)]
    if len(named) == 1 and heard.relation is None:
        draft.mode, draft.asked = Mode.VALUE, named[0].value
        draft.question = wording.question(Field(named[0]), 0)
        return Reply(draft.question)
    return Reply(wording.WHAT_TO_CORRECT)


def _settle(draft: Draft, heard: Heard, today: date) -> bool:
    """Takes the citizen's word on which side of a contradiction is right; whether they gave it."""
    slot = Slot(draft.asked)
    insists = heard.answer.values.get(slot) == draft.values.get(slot)
    card = False if insists else trusts_card(heard.text)
    if card is None:
        return False
    if card:
        draft.given.pop(slot, None)
        others = {key: value for key, value in draft.values.items() if key is not slot}
        value = cross_check(others, today=today).derived.get(slot)
        if value is not None:
            draft.given[slot] = value
    draft.settled.add(slot)
    return True


def _about_the_conversation(draft: Draft, plan: Plan, intent: Intent, *, today: date, most_tries: int) -> Reply:
    """Repeats, explains, skips or asks whether to end."""
    if intent is Intent.LEAVE:
        draft.mode, draft.question = Mode.LEAVING, wording.REALLY_LEAVE
        return Reply(draft.question)
    if intent is Intent.SKIP_ALL:
        leave_all_open(draft, plan, today=today)
        return Reply("")
    if draft.mode is Mode.LEAVING:
        return Reply(draft.question)
    draft.helped[draft.asked] = draft.helped.get(draft.asked, 0) + 1
    if draft.helped[draft.asked] > most_tries:
        return _give_up(draft, plan, today)
    about = wording.asking(Field.parse(draft.asked))
    if draft.mode is Mode.DISPUTE:
        return Reply((wording.DISPUTE_WHY if intent is not Intent.REPEAT else "") + draft.question)
    explained = {Intent.WHY: about.why, Intent.MEANING: about.meaning}.get(intent, "")
    return Reply(explained + draft.question)


def _dispute_key(slot: Slot) -> str:
    return f"?{slot.value}"
