"""Which models the audit log follows, and what of them it may not write down."""

from __future__ import annotations

from typing import Any, Final

from auditlog.models import LogEntry
from auditlog.registry import auditlog
from auditlog.signals import pre_log

from flows.models import Citizen, DialogueSession, Relative, ServiceItem, Turn
from flows.types import Slot

_MASK: Final = "kiosk.runtime.masking.mask_given"


def register() -> None:
    """Follows service items as they are, and of citizens and visits the fields named here.

    Who did it is the entry's actor. A citizen's values appear as ***; what was said, the draft, the summary and the note of a
    review not at all. The course of a visit, from question to question, is the visit's own record, not a change of one.
    """
    auditlog.register(ServiceItem, exclude_fields=["shipped_hash", "created_at", "updated_at"])
    personal = ["number", *Slot.values]
    auditlog.register(Citizen, include_fields=[*personal, "person"], mask_fields=personal, mask_callable=_MASK)
    auditlog.register(
        Relative, include_fields=["citizen", "relation", "name", "id_card"], mask_fields=["name", "id_card"], mask_callable=_MASK
    )
    auditlog.register(
        DialogueSession,
        include_fields=["user_id", "citizen", "service", "review_state", "assigned_to"],
        mask_fields=["user_id"],
        mask_callable=_MASK,
    )
    auditlog.register(Turn, include_fields=["session", "position", "speaker", "slot"])
    pre_log.connect(_is_worth_an_entry, sender=Turn)


def _is_worth_an_entry(sender: Any, action: int, **_more: Any) -> bool:  # noqa: ARG001 - the signal's signature
    """A turn that is added is the visit's own course; a change or a deletion of one, or listening to it, is not."""
    return bool(action != LogEntry.Action.CREATE)
