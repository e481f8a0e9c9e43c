"""The system's part of the admin: the audit log, users, groups and API tokens."""

from __future__ import annotations

import re

import pytest
from auditlog.models import LogEntry
from django.contrib.auth.models import Group, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.db import IntegrityError
from django.test import Client
from django.urls import reverse
from django.utils.timezone import localtime

from faces.models import Person
from faces.persons import register_person
from kiosk.models import ApiToken
from kiosk.runtime.audit import acting_client
from tests.flows.records import citizen, visit
from tests.staff import admin_client, shown_text, staff_client

LOG = reverse("admin:auditlog_logentry_changelist")
TOKENS = reverse("admin:kiosk_apitoken_changelist")

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin() -> Client:
    return admin_client()


def entry_of(model: str, action: int) -> LogEntry:
    return LogEntry.objects.filter(content_type__model=model, action=action).latest("pk")


class TestAuditLog:
    @pytest.mark.parametrize(
        ("query", "found"),
        [
            pytest.param({"action__exact": "0"}, True, id="action"),
            pytest.param({"action__exact": "2"}, False, id="other-action"),
            pytest.param({"resource": "person"}, True, id="resource"),
            pytest.param({"resource": "group"}, False, id="other-resource"),
            pytest.param({"q": "person_"}, True, id="entity-id"),
            pytest.param({"q": "hall-camera"}, True, id="client"),
            pytest.param({"q": "somebody"}, False, id="nobody"),
        ],
    )
    def test_filters(self, admin: Client, query: dict[str, str], found: bool) -> None:
        with acting_client("hall-camera"):
            person = Person.objects.create(name="张三", number="T001")
        if "resource" in query:
            model = {"person": Person, "group": Group}[query["resource"]]
            query = {"resource": str(ContentType.objects.get_for_model(model).pk)}
        rows = admin.get(LOG, query).context["cl"].result_list
        assert any(row.object_repr == person.entity_id for row in rows) is found

    def test_what_a_row_says(self, admin: Client) -> None:
        with acting_client("hall-camera"):
            person = Person.objects.create(name="张三", number="T001")
        admin.post(
            reverse("admin:faces_person_change", args=[person.pk]),
            {"number": "T001", "name": "张三丰", "user_type": "vip", "consent_source": ""},
        )
        text = shown_text(admin.get(LOG).content.decode())
        for shown in (
            f"人员 {person.entity_id}",
            "hall-camera",
            "创建",
            "修改",
            "类型: 访客 → 贵宾",
            "姓名: *** → ***",
            "127.0.0.1",
        ):
            assert shown in text

    def test_one_entry(self, admin: Client) -> None:
        person = Person.objects.create(name="张三", number="T001")
        url = reverse("admin:auditlog_logentry_change", args=[entry_of("person", LogEntry.Action.CREATE).pk])
        html = admin.get(url).content.decode()
        assert reverse("admin:faces_person_change", args=[person.pk]) in html
        text = shown_text(html)
        assert "操作 创建 对象" in text
        assert f"实体标识 – {person.entity_id}" in text
        assert f"创建时间 – {localtime(person.created_at):%Y-%m-%d %H:%M:%S}" in text
        assert "张三" not in text

    @pytest.mark.parametrize("action", ["delete", "change"])
    def test_nobody_changes_it(self, admin: Client, action: str) -> None:
        Person.objects.create(name="张三", number="T001")
        entry = entry_of("person", LogEntry.Action.CREATE)
        assert admin.post(reverse(f"admin:auditlog_logentry_{action}", args=[entry.pk]), {"post": "yes"}).status_code == 403
        assert LogEntry.objects.filter(pk=entry.pk).exists()

    def test_deleting_a_user_keeps_their_entries(self, admin: Client) -> None:
        other = staff_client("faces.view_person", "faces.add_person", username="leaving")
        other.post(
            reverse("admin:faces_person_add"), {"number": "T1", "name": "张三", "user_type": "visitor", "consent_source": ""}
        )
        user = User.objects.get(username="leaving")
        admin.post(reverse("admin:auth_user_delete", args=[user.pk]), {"post": "yes"})
        assert not User.objects.filter(username="leaving").exists()
        assert entry_of("person", LogEntry.Action.CREATE).object_repr == Person.objects.get().entity_id
        assert entry_of("user", LogEntry.Action.DELETE).object_repr == "leaving"


class TestWhoMayDoWhat:
    def test_changes_of_users_and_groups_are_noted(self, admin: Client) -> None:
        permission = Permission.objects.get(codename="view_person")
        admin.post(reverse("admin:auth_group_add"), {"name": "窗口", "permissions": [permission.pk]})
        group = Group.objects.get()
        assert list(group.permissions.all()) == [permission]
        assert entry_of("group", LogEntry.Action.CREATE).object_repr == "窗口"
        assert entry_of("group", LogEntry.Action.UPDATE).changes["permissions"]["operation"] == "add"

        password = "correct horse battery"
        admin.post(
            reverse("admin:auth_user_add"),
            {"username": "lin", "password1": password, "password2": password, "usable_password": "true"},
        )
        entry = entry_of("user", LogEntry.Action.CREATE)
        assert entry.actor.username == "admin"
        assert set(entry.changes["password"]) == {"***"}
        assert User.objects.get(username="lin").password not in str(list(LogEntry.objects.values_list()))

    def test_permissions_are_named_in_chinese_and_grouped(self, admin: Client) -> None:
        text = shown_text(admin.get(reverse("admin:auth_group_add")).content.decode())
        assert re.search(r"人员 查看 新增 修改 删除 查看未脱敏的姓名和编号 查询照片中的人是谁 导出人员 导入人员", text)
        assert "Can " not in text

    def test_a_sign_in_is_no_change_of_the_user(self) -> None:
        User.objects.create_superuser("admin", password="secret-enough")
        Client().post(reverse("admin:login"), {"username": "admin", "password": "secret-enough"})
        assert not LogEntry.objects.filter(action=LogEntry.Action.UPDATE).exists()


class TestTokens:
    def test_a_token_is_shown_once(self, admin: Client) -> None:
        data = {"name": "大厅摄像头", "scopes": ["faces:recognise"], "expiry_date_0": "", "expiry_date_1": ""}
        page = admin.post(reverse("admin:kiosk_apitoken_add"), data, follow=True)
        token = ApiToken.objects.get()
        (shown,) = re.findall(rf"{token.prefix}\.\w+", shown_text(page.content.decode()))
        assert ApiToken.objects.is_valid(shown)
        assert f"大厅摄像头 的令牌为 {shown}" in shown_text(page.content.decode())
        assert shown not in admin.get(TOKENS).content.decode()
        rows = str(list(LogEntry.objects.values_list("changes", "object_repr", "additional_data")))
        assert shown not in rows
        assert token.hashed_key not in rows
        assert entry_of("apitoken", LogEntry.Action.CREATE).changes["scopes"][1] == '["faces:recognise"]'

    def test_a_token_needs_a_scope(self, admin: Client) -> None:
        assert admin.post(reverse("admin:kiosk_apitoken_add"), {"name": "x"}).status_code == 200
        assert not ApiToken.objects.exists()

    def test_a_revoked_token_stays_revoked(self, admin: Client) -> None:
        token, _key = ApiToken.objects.create_key(name="x", scopes=["faces:recognise"])
        url = reverse("admin:kiosk_apitoken_change", args=[token.pk])
        data = {"name": "x", "scopes": ["faces:recognise"], "expiry_date_0": "", "expiry_date_1": ""}
        admin.post(url, data | {"revoked": "on"})
        token.refresh_from_db()
        assert token.revoked
        admin.post(url, data)
        token.refresh_from_db()
        assert token.revoked
        assert "已吊销" in shown_text(admin.get(TOKENS).content.decode())
        assert admin.post(reverse("admin:kiosk_apitoken_delete", args=[token.pk]), {"post": "yes"}).status_code == 403


class TestDeletions:
    def test_say_what_went_with_a_row(self, admin: Client) -> None:
        made = visit(citizen())
        admin.post(reverse("admin:flows_citizen_delete", args=[made.citizen_id]), {"post": "yes"})
        entry = entry_of("citizen", LogEntry.Action.DELETE)
        text = shown_text(admin.get(LOG).content.decode())
        assert re.search(r"删除 群众 #\d+ .*家庭成员: 1 办理记录: 1 对话轮次: 3", text)
        page = shown_text(admin.get(reverse("admin:auditlog_logentry_change", args=[entry.pk])).content.decode())
        assert "家庭成员: 1" in page

    def test_say_nothing_of_a_rows_own_fields(self, admin: Client) -> None:
        group = Group.objects.create(name="窗口")
        admin.post(reverse("admin:auth_group_delete", args=[group.pk]), {"post": "yes"})
        assert "Removed" not in shown_text(admin.get(LOG).content.decode())


class TestTwoAtOnce:
    @pytest.mark.parametrize("times", [1, 2], ids=["once", "again"])
    def test_the_second_is_told(self, admin: Client, monkeypatch: pytest.MonkeyPatch, times: int) -> None:
        """Somebody saves the same number between the check of the form and the write: the form is checked again."""
        save, calls = register_person, []

        def taken(person: Person) -> None:
            calls.append(person)
            if len(calls) <= times:
                raise IntegrityError("UNIQUE: number")
            save(person)

        monkeypatch.setattr("faces.admin.persons.register_person", taken)
        data = {"number": "T1", "name": "张三", "user_type": "visitor", "consent_source": ""}
        if times == 1:
            assert admin.post(reverse("admin:faces_person_add"), data).status_code == 302
            assert Person.objects.get().number == "T1"
        else:
            with pytest.raises(IntegrityError):
                admin.post(reverse("admin:faces_person_add"), data)
            assert len(calls) == 2
