"""What the flows app speaks of: the basic information of the protocol and the family members a service may ask about."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


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
