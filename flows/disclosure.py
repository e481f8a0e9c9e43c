"""How much of a citizen one member of staff gets to see."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from flows.models import Citizen, Relative
from flows.types import Slot
from kiosk.runtime.encryption import Undecryptable
from kiosk.runtime.masking import mask_address, mask_all, mask_email, mask_id_card, mask_name, mask_number, mask_phone

UNMASK: Final = "flows.view_citizen_personal_data"


def _mask_date(text: str) -> str:
    """The year stays."""
    return text[:4] + text[4:].translate(dict.fromkeys(range(ord("0"), ord("9") + 1), "*"))


_MASKS: Final[dict[Slot, Callable[[str], str]]] = {
    Slot.NAME: mask_name,
    Slot.PHONE: mask_phone,
    Slot.ID_CARD: mask_id_card,
    Slot.BIRTH: _mask_date,
    Slot.EMAIL: mask_email,
    Slot.ADDRESS: mask_address,
    Slot.HUKOU: mask_address,
    Slot.POLITICAL_STATUS: mask_all,
    Slot.RELIGION: mask_all,
}
"""What identifies or reaches a citizen, and beliefs; the rest (nationality, education, …) is shown to all who see citizens."""


def sees_citizen_data(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Whether citizens' data is shown to this user as it is."""
    return bool(getattr(user, "is_active", False)) and user.has_perm(UNMASK)  # type: ignore[union-attr]


def in_words(value: Any) -> str:
    """A value of any slot as staff read it; "" where there is none. Takes what the database or a draft's JSON holds."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return pgettext("marital status", "married") if value else pgettext("marital status", "not married")
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


@dataclass(frozen=True, slots=True)
class Disclosure:
    """Citizens as one user may see them."""

    unmasked: bool

    @classmethod
    def to(cls, user: AbstractBaseUser | AnonymousUser) -> Disclosure:
        return cls(sees_citizen_data(user))

    def number(self, number: str) -> str:
        """A citizen's number, the protocol's user_id, which may be anything the client chose."""
        return number if self.unmasked else mask_number(number)

    def value(self, slot: Slot, value: Any) -> str:
        """Any value of a slot in words, masked where it has to be; "" where there is none."""
        text = in_words(value)
        return text if self.unmasked or not text or slot not in _MASKS else _MASKS[slot](text)

    def of(self, row: Citizen | Relative, slot: Slot) -> str:
        """What the row has for a slot; where it can't be decrypted, words that say so."""
        try:
            return self.value(slot, getattr(row, slot.value))
        except Undecryptable:
            return _("(can't be decrypted)")

    def words(self, text: str) -> str:
        """What somebody said, which may hold anything about them: nothing of it is shown masked."""
        return text if self.unmasked or not text else mask_all(text)
