"""The roles that come with the product: what each one's members see, and that staff's own changes stay."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from faces.models import Person
from flows.models import ServiceItem
from kiosk.models import Role
from kiosk.roles import ROLES, apply_roles
from tests.flows.factories import service_item
from tests.flows.records import citizen, visit
from tests.staff import shown_text

pytestmark = pytest.mark.django_db

KEYS = ("reviewer", "manager", "technician", "auditor")


@pytest.fixture
def groups() -> dict[str, Group]:
    apply_roles()
    return {role.key: role.group for role in Role.objects.select_related("group")}


def member(group: Group, username: str = "lin") -> Client:
    user = User.objects.create_user(username, password="secret-enough", is_staff=True)
    user.groups.add(group)
    client = Client(headers={"accept-language": "zh-hans"})
    client.force_login(user)
    return client


# Page: the roles that may open it; all others get 403.
PAGES = {
    "admin:index": KEYS,
    "status": ("technician",),
    "admin:flows_dialoguesession_changelist": ("reviewer", "manager", "auditor"),
    "admin:flows_dialoguesession_change": ("reviewer", "manager", "auditor"),
    "admin:flows_dialoguesession_delete": ("manager",),
    "admin:flows_citizen_changelist": ("reviewer", "manager", "auditor"),
    "admin:flows_citizen_change": ("reviewer", "manager", "auditor"),
    "admin:flows_citizen_delete": ("manager",),
    "admin:flows_citizen_export": ("manager",),
    "admin:flows_citizen_import": (),
    "admin:flows_serviceitem_changelist": ("reviewer", "manager", "auditor"),
    "admin:flows_serviceitem_change": ("reviewer", "manager", "auditor"),
    "admin:flows_serviceitem_add": ("manager",),
    "admin:flows_serviceitem_import": ("manager",),
    "admin:flows_serviceitem_export": ("manager",),
    "admin:faces_person_changelist": ("manager", "auditor"),
    "admin:faces_person_change": ("manager", "auditor"),
    "admin:faces_person_add": ("manager",),
    "admin:faces_person_delete": ("manager",),
    "admin:faces_person_import": ("manager",),
    "admin:faces_person_export": ("manager",),
    "admin:faces_person_identify": ("manager",),
    "admin:faces_facesample_changelist": ("manager",),
    "admin:analytics_mediadevice_changelist": ("manager", "technician", "auditor"),
    "admin:analytics_mediadevice_add": ("technician",),
    "admin:analytics_recognitionevent_changelist": ("manager",),
    "admin:analytics_video_changelist": ("manager",),
    "admin:analytics_video_add": ("manager",),
    "admin:analytics_webhook_changelist": ("technician",),
    "admin:kiosk_apitoken_changelist": ("technician", "auditor"),
    "admin:kiosk_apitoken_add": ("technician",),
    "admin:auditlog_logentry_changelist": ("auditor",),
    "admin:auth_user_changelist": ("auditor",),
    "admin:auth_user_add": (),
    "admin:auth_group_changelist": ("auditor",),
    "admin:auth_group_add": (),
}


class TestPages:
    @pytest.mark.parametrize("key", KEYS)
    @pytest.mark.parametrize("page", PAGES)
    def test_who_opens_what(self, groups, key: str, page: str):
        rows = {
            "dialoguesession": visit(citizen()),
            "citizen": citizen("other", id_card=""),
            "serviceitem": service_item(),
            "person": Person.objects.create(name="张三", number="T001"),
        }
        model = page.rpartition(":")[2].split("_")
        one = page.endswith(("_change", "_delete"))
        response = member(groups[key]).get(reverse(page, args=[rows[model[1]].pk] if one else []))
        assert response.status_code == (200 if key in PAGES[page] else 403)

    @pytest.mark.parametrize(("key", "sees"), [("reviewer", True), ("manager", False), ("auditor", False)])
    def test_who_sees_a_citizens_data(self, groups, key: str, sees: bool):
        of = citizen()
        page = member(groups[key]).get(reverse("admin:flows_citizen_change", args=[of.pk])).content.decode()
        assert (of.id_card in page) is sees
        assert (of.phone in page) is sees

    @pytest.mark.parametrize(("key", "may"), [("reviewer", True), ("manager", False), ("auditor", False)])
    def test_who_decides(self, groups, key: str, may: bool):
        made = visit(citizen())
        page = reverse("admin:flows_dialoguesession_change", args=[made.pk])
        member(groups[key]).post(page, {"decision": "approve", "seen": made.citizen.updated_at.isoformat()})
        made.refresh_from_db()
        assert (made.review_state == "approved") is may

    def test_an_auditor_changes_nothing(self, groups):
        item = service_item()
        client = member(groups["auditor"])
        assert client.post(reverse("admin:flows_serviceitem_change", args=[item.pk]), {"name": "x"}).status_code == 403
        assert ServiceItem.objects.get(pk=item.pk).name == item.name


class TestGroups:
    def test_every_permission_exists(self, groups):
        names = {
            f"{permission.content_type.app_label}.{permission.codename}"
            for permission in Permission.objects.select_related("content_type")
        }
        for spec in ROLES:
            assert spec.permissions <= names

    def test_bootstrap_makes_them_once(self, capsys):
        call_command("bootstrap")
        assert {role.group.name for role in Role.objects.all()} == {"审核员", "大厅经理", "技术员", "审计员"}
        assert "Roles made" in capsys.readouterr().out
        before = {group.pk: set(group.permissions.all()) for group in Group.objects.all()}
        call_command("bootstrap")
        assert "Roles made" not in capsys.readouterr().out
        assert {group.pk: set(group.permissions.all()) for group in Group.objects.all()} == before

    def test_what_staff_changed_stays(self, groups):
        reviewer = groups["reviewer"]
        taken = Permission.objects.get(codename="view_serviceitem")
        given = Permission.objects.get(codename="view_person")
        reviewer.permissions.remove(taken)
        reviewer.permissions.add(given)
        reviewer.name = "窗口"
        reviewer.save()
        groups["auditor"].delete()
        assert apply_roles() == []
        reviewer.refresh_from_db()
        names = set(reviewer.permissions.values_list("codename", flat=True))
        assert (reviewer.name, "view_serviceitem" in names, "view_person" in names) == ("窗口", False, True)
        assert Group.objects.count() == len(KEYS) - 1

    def test_what_a_release_adds_and_takes(self, groups):
        """As if the last release had known one permission more and one less."""
        role = Role.objects.get(key="reviewer")
        extra, missing = Permission.objects.get(codename="delete_person"), Permission.objects.get(codename="view_citizen")
        role.group.permissions.add(extra)
        role.group.permissions.remove(missing, Permission.objects.get(codename="view_serviceitem"))
        role.granted = [name for name in role.granted if name != "flows.view_citizen"] + ["faces.delete_person"]
        role.save()
        assert apply_roles() == ["reviewer"]
        names = set(role.group.permissions.values_list("codename", flat=True))
        assert ("view_citizen" in names, "delete_person" in names, "view_serviceitem" in names) == (True, False, False)

    def test_an_auditor_reads_in_words_what_a_group_may(self, groups):
        page = reverse("admin:auth_group_change", args=[groups["technician"].pk])
        text = shown_text(member(groups["auditor"]).get(page).content.decode())
        assert "接口令牌 查看, 新增, 修改" in text
        assert "Can " not in text

    def test_a_group_of_that_name_stays_staffs_own(self):
        own = Group.objects.create(name="审核员")
        apply_roles()
        assert not own.permissions.exists()
        assert Role.objects.get(key="reviewer").group.name == "审核员 2"
