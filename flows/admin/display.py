"""Pieces that several pages of citizens and visits show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from django.forms.widgets import Media, Script
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from flows.disclosure import Disclosure
from flows.figures import END, REQUEST, START
from flows.models import Citizen, DialogueSession, Turn
from flows.selectors import Extracted
from flows.types import RELATIVE_SLOTS, FamilyMember, ReviewState, SessionState, Slot, Speaker
from kiosk.runtime.encryption import Undecryptable

MEDIA: Final = Media(css={"all": ["flows/admin.css"]})
REVIEW_MEDIA: Final = Media(js=[Script("flows/review.mjs", type="module")])  # type: ignore[list-item]
STATE_COLOURS: Final = {
    SessionState.CREATED: "info",
    SessionState.TRANSCRIBING: "info",
    SessionState.UNCLEAR: "warning",
    SessionState.ASKING: "info",
    SessionState.ANSWERED: "primary",
    SessionState.STORED: "success",
    SessionState.SUMMARISED: "success",
    SessionState.EXPIRED: "default",
    SessionState.FAILED: "danger",
}
REVIEW_COLOURS: Final = {
    ReviewState.NONE: "default",
    ReviewState.PENDING: "warning",
    ReviewState.APPROVED: "success",
    ReviewState.CORRECTED: "primary",
    ReviewState.RETURNED: "danger",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One piece of information: what the visit found out, what the record has, and the form's field to correct it."""

    name: str
    """Of the slot, as turns name it: "phone", "spouse.name"."""
    label: str
    said: str
    recorded: str
    field: Any = None
    """A bound field, or None where nothing may be corrected."""

    @property
    def differs(self) -> bool:
        """Whether the visit said something that the record does not have."""
        return bool(self.said) and self.said != self.recorded


@dataclass(frozen=True, slots=True)
class Group:
    """The rows about one person: the citizen, or a relative."""

    title: str
    rows: list[Row]


@dataclass(frozen=True, slots=True)
class Line:
    """One turn of the transcript."""

    turn: Turn
    text: str
    about: str
    confidence: str
    audio_url: str
    found: str
    """What the visit took from the answers to this question, beside the last of them; else ""."""

    @property
    def by_citizen(self) -> bool:
        return bool(self.turn.speaker == "citizen")


def record_groups(citizen: Citizen | None, said: Extracted, disclosure: Disclosure, form: Any = None) -> list[Group]:
    """The record, where there is one, beside what a visit found out. `form`: a CorrectionForm of this citizen.

    Relatives appear where there is anything to show of them or to fill in. Raises nothing: what can't be decrypted says so.
    """
    relatives = {relative.relation: relative for relative in citizen.relatives.all()} if citizen is not None else {}

    def row(slot: Slot, found: Any, owner: Any, name: str) -> Row:
        recorded = disclosure.of(owner, slot) if owner is not None else ""
        return Row(name, capfirst(str(slot.label)), disclosure.value(slot, found), recorded, None if form is None else form[name])

    groups = [Group(_("Citizen"), [row(slot, said.citizen.get(slot.value), citizen, slot.value) for slot in Slot])]
    for relation in FamilyMember:
        found, owner = said.relatives.get(relation.value, {}), relatives.get(relation.value)
        if found or owner is not None or (form is not None and relation in form.relations):
            rows = [row(slot, found.get(slot.value), owner, f"{relation.value}.{slot.value}") for slot in RELATIVE_SLOTS]
            groups.append(Group(capfirst(str(relation.label)), rows))
    return groups


def transcript(visit: DialogueSession, said: Extracted, disclosure: Disclosure) -> list[Line]:
    """What was said, in order, and beside each answer what was understood."""
    turns = list(visit.turns.all())
    last = {turn.slot: turn.pk for turn in turns if turn.speaker == Speaker.CITIZEN and turn.slot}
    found = {pk: _found(slot, said, disclosure) for slot, pk in last.items()}
    return [_line(turn, disclosure, found.get(turn.pk, "")) for turn in turns]


def _found(name: str, said: Extracted, disclosure: Disclosure) -> str:
    relation, _dot, slot = name.rpartition(".")
    values = said.relatives.get(relation, {}) if relation else said.citizen
    return disclosure.value(Slot(slot), values.get(slot)) if slot in Slot.values else ""


def _line(turn: Turn, disclosure: Disclosure, found: str) -> Line:
    text = readable_words(disclosure, lambda: turn.text)
    audio = reverse("admin:flows_dialoguesession_audio", args=[turn.pk]) if turn.audio and disclosure.unmasked else ""
    confidence = "" if turn.confidence is None else f"{turn.confidence:.0%}"
    return Line(turn, text, slot_label(turn.slot), confidence, audio, found)


def readable_words(disclosure: Disclosure, read: Callable[[], str]) -> str:
    """What `read` returns, as far as it may be shown; where it can't be decrypted, words that say so."""
    try:
        return disclosure.words(read())
    except Undecryptable:
        return _("(can't be decrypted)")


def slot_label(name: str) -> str:
    """What a turn's slot is called; "spouse.name" names both. A name that is no slot stays as it is."""
    relation, _dot, slot = name.rpartition(".")
    words = [str(FamilyMember(relation).label) if relation in FamilyMember.values else relation] if relation else []
    words.append(str(Slot(slot).label) if slot in Slot.values else slot)
    return capfirst(" · ".join(words))


def point_label(point: str) -> str:
    """Where somebody gave up, in words."""
    words = {
        REQUEST: _("before the service was found"),
        START: _("before the first question"),
        END: _("after the last question"),
    }
    return words.get(point) or _("asked for: %(slot)s") % {"slot": slot_label(point)}


def citizen_link(citizen: Citizen, disclosure: Disclosure, number: str) -> SafeString:
    """Name and number, leading to the citizen's page."""
    return format_html(
        '<a class="flow-link" href="{}"><strong>{}</strong><small>{}</small></a>',
        reverse("admin:flows_citizen_change", args=[citizen.pk]),
        disclosure.of(citizen, Slot.NAME) or _("(no name)"),
        disclosure.number(number),
    )


def person_cell(citizen: Citizen, disclosure: Disclosure) -> SafeString:
    """Name and number of a row of a list."""
    return format_html(
        '<span class="flow-link"><strong>{}</strong><small>{}</small></span>',
        disclosure.of(citizen, Slot.NAME) or _("(no name)"),
        disclosure.number(citizen.number),
    )
