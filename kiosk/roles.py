"""The roles that an installation starts with: what each may do, and how their groups follow a new release.

A role is a group of Django's like any other. Staff may rename it, take permissions out of it, add some or delete it: what they
did stays. A release that knows more permissions adds them once; one that takes a permission from a role takes it from its group.
docs/roles.md says what each role is for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from kiosk.models import Role
from kiosk.runtime.audit import acting_client

_CLIENT: Final = "bootstrap"


@dataclass(frozen=True, slots=True)
class RoleSpec:
    """One role as the release knows it."""

    key: str
    label: str | Promise
    """The group's name when it is made, in the installation's language."""
    permissions: frozenset[str]
    """app_label.codename."""


def _all_of(app_label: str, verbs: str, *models: str) -> frozenset[str]:
    return frozenset(f"{app_label}.{verb}_{model}" for verb in verbs.split() for model in models)


ROLES: Final = (
    RoleSpec(
        "reviewer",
        _("Reviewer"),
        _all_of("flows", "view", "dialoguesession", "citizen", "serviceitem")
        | {"flows.review_dialoguesession", "flows.view_citizen_personal_data"},
    ),
    RoleSpec(
        "manager",
        _("Manager"),
        _all_of("flows", "view delete", "dialoguesession", "citizen")
        | _all_of("flows", "view add change delete import export", "serviceitem")
        | {"flows.assign_dialoguesession", "flows.export_citizen"}
        | _all_of("faces", "view add change delete import export identify", "person")
        | _all_of("faces", "view add delete", "facesample")
        | {"faces.view_personal_data"}
        | _all_of("analytics", "view", "mediadevice", "recognitionevent", "facesighting", "platesighting")
        | _all_of("analytics", "view add change delete", "video")
        | {"analytics.export_recognitionevent", "analytics.search_facesighting", "analytics.search_platesighting"},
    ),
    RoleSpec(
        "technician",
        _("Technician"),
        frozenset({"kiosk.view_systemstatus"})
        | _all_of("kiosk", "view add change", "apitoken")
        | _all_of("analytics", "view add change delete", "mediadevice", "webhook")
        | _all_of("analytics", "view", "webhookdelivery"),
    ),
    RoleSpec(
        "auditor",
        _("Auditor"),
        _all_of("auditlog", "view", "logentry")
        | _all_of("auth", "view", "user", "group")
        | _all_of("kiosk", "view", "apitoken")
        | _all_of("flows", "view", "dialoguesession", "citizen", "serviceitem")
        | _all_of("faces", "view", "person")
        | _all_of("analytics", "view", "mediadevice"),
    ),
)


@transaction.atomic
def apply_roles() -> list[str]:
    """Makes the groups of roles that are new here and brings the others up to date; returns the keys of those that changed.

    Permissions of models that are not installed are left out until they are. Doing it again changes nothing.
    """
    with acting_client(_CLIENT):
        return [spec.key for spec in ROLES if _apply(spec)]


def _apply(spec: RoleSpec) -> bool:
    role = Role.objects.select_for_update().filter(key=spec.key).first()
    new = role is None
    if role is None:
        role = Role(key=spec.key, group=_new_group(_in_hall_language(spec.label)))
    if role.group is None:
        # Deleted by staff: it does not come back.
        return False
    known = _existing(spec.permissions)
    given = set(role.granted)
    if not new and given == set(known):
        return False
    role.group.permissions.add(*(permission for name, permission in known.items() if name not in given))
    role.group.permissions.remove(*_existing(frozenset(given) - spec.permissions).values())
    role.granted = sorted(known)
    role.save()
    return True


def _in_hall_language(text: str | Promise) -> str:
    """The text in the language of the installation, whoever runs the command."""
    with override(settings.LANGUAGE_CODE):
        return str(text)


def _new_group(name: str) -> Group:
    """A group of this name; one that staff made under it before stays theirs, and the role's gets a number."""
    free, number = name, 2
    while Group.objects.filter(name=free).exists():
        free, number = f"{name} {number}", number + 1
    return Group.objects.create(name=free)


def _existing(names: frozenset[str]) -> dict[str, Permission]:
    wanted = Q()
    for app_label in {name.partition(".")[0] for name in names}:
        codenames = [name.partition(".")[2] for name in names if name.startswith(f"{app_label}.")]
        wanted |= Q(content_type__app_label=app_label, codename__in=codenames)
    if not wanted:
        return {}
    found = Permission.objects.filter(wanted).select_related("content_type")
    return {f"{permission.content_type.app_label}.{permission.codename}": permission for permission in found}
