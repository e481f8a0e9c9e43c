"""How much of a person one member of staff gets to see."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

from faces.models import Person
from kiosk.runtime.masking import mask_name, mask_number

UNMASK = "faces.view_personal_data"


def sees_personal_data(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Whether names and numbers are shown to this user as they are."""
    return bool(getattr(user, "is_active", False)) and user.has_perm(UNMASK)  # type: ignore[union-attr]


@dataclass(frozen=True, slots=True)
class Disclosure:
    """Names and numbers as one user may see them."""

    unmasked: bool

    @classmethod
    def to(cls, user: AbstractBaseUser | AnonymousUser) -> Disclosure:
        return cls(sees_personal_data(user))

    def name(self, person: Person) -> str:
        return person.name if self.unmasked else mask_name(person.name)

    def number(self, person: Person) -> str:
        return person.number if self.unmasked else mask_number(person.number)
