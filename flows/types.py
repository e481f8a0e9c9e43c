"""What the flows app speaks of: the information of the protocol, family members, and the states of a visit."""

from __future__ import annotations

from datetime import date

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Gender(models.TextChoices):
    """As the protocol's database section writes it."""

    MALE = "男", _("male")
    FEMALE = "女", _("female")


class Slot(models.TextChoices):
    """Everything that is asked of a citizen, by the protocol's keys, in the order in which it is asked.

    The first five are the necessary information (必要信息), the others the basic information (基本信息, BasicSlot).
    """

    NAME = "name", pgettext_lazy("person", "name")
    GENDER = "gender", _("gender")
    NATIONALITY = "nationality", _("nationality")
    PHONE = "phone", _("phone")
    ID_CARD = "id_card", _("ID number")
    NATIVE_PLACE = "native_place", _("native place")
    BIRTH = "birth", _("date of birth")
    EMAIL = "email", _("e-mail")
    CAREER = "career", _("occupation")
    ADDRESS = "address", _("home address")
    HUKOU = "hukou", _("registered residence")
    POLITICAL_STATUS = "political_status", _("political status")
    MARITAL_STATUS = "marital_status", _("marital status")
    RELIGION = "religion", _("religion")
    EDUCATION = "education", _("education")


NECESSARY_SLOTS = (Slot.NAME, Slot.GENDER, Slot.NATIONALITY, Slot.PHONE, Slot.ID_CARD)
RELATIVE_SLOTS = (Slot.NAME, Slot.ID_CARD)
"""What is asked about each family member."""

SlotValue = str | bool | date
"""A checked value: bool for marital_status (married or not), date for birth, text for all others."""


class BasicSlot(models.TextChoices):
    """The fields of the basic information (基本信息) of the platform protocol, by their keys there.

    The order is the one in which a service's questions are asked, whatever order they were chosen in.
    """

    NATIVE_PLACE = "native_place", _("native place")
    BIRTH = "birth", _("date of birth")
    EMAIL = "email", _("e-mail")
    CAREER = "career", _("occupation")
    ADDRESS = "address", _("home address")
    HUKOU = "hukou", _("registered residence")
    POLITICAL_STATUS = "political_status", _("political status")
    MARITAL_STATUS = "marital_status", _("marital status")
    RELIGION = "religion", _("religion")
    EDUCATION = "education", _("education")


class FamilyMember(models.TextChoices):
    """Relatives of the citizen who get a row of their own in the summary's tables when a service asks about them."""

    SPOUSE = "spouse", _("spouse")
    CHILD = "child", _("child")
    PARENT = "parent", _("parent")


class Origin(models.TextChoices):
    """Whose words a service item carries."""

    SHIPPED = "shipped", _("shipped")
    EDITED = "edited", _("shipped, edited by staff")
    OWN = "own", _("written by staff")


class SessionState(models.TextChoices):
    """Where a visit stands. flows.dialogue.states says which step may follow which."""

    CREATED = "created", pgettext_lazy("visit", "created")
    TRANSCRIBING = "transcribing", _("listening to the audio")
    UNCLEAR = "unclear", _("request unclear")
    """Several services may be meant, or none: the citizen is asked back, and the next handshake goes on from here."""
    ASKING = "asking", _("questions being asked")
    ANSWERED = "answered", _("questions ended")
    STORED = "stored", _("stored")
    SUMMARISED = "summarised", _("summarised")
    EXPIRED = "expired", _("expired")
    FAILED = "failed", _("failed")


class ReviewState(models.TextChoices):
    """What staff said to the stored data of a visit."""

    NONE = "none", _("nothing stored yet")
    PENDING = "pending", _("waiting for review")
    APPROVED = "approved", _("approved")
    CORRECTED = "corrected", _("corrected")
    RETURNED = "returned", _("sent back")


class Speaker(models.TextChoices):
    """Who said it."""

    CITIZEN = "citizen", _("citizen")
    KIOSK = "kiosk", _("kiosk")
