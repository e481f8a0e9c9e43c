"""The front page: what each member of staff finds on it, that every number leads to as many records, and its queries."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from flows.models import DialogueSession
from kiosk.roles import apply_roles
from tests.showroom import fill
from tests.staff import admin_client, shown_text, staff_client

pytestmark = pytest.mark.django_db

PAGE = reverse("admin:index")
VISITS = reverse("admin:flows_dialoguesession_changelist")


@pytest.fixture
def hall(settings, tmp_path) -> None:
    """A hall in the middle of its day, however late it is where the tests run."""
    settings.STORAGES = settings.STORAGES | {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": tmp_path / "media"}}
    }
    from django.core.management import call_command

    call_command("load_catalogue")
    fill(days=8)


def member(username: str) -> Client:
    client = Client(headers={"accept-language": "zh-hans"})
    client.force_login(User.objects.get(username=username))
    return client


class TestWhatIsShown:
    @pytest.mark.parametrize(
        ("username", "shown", "hidden"),
        [
            pytest.param("lin", ["等待审核", "按事项", "在哪一步放弃"], ["陌生人", "车辆"], id="reviewer"),
            pytest.param("chen", ["等待审核", "陌生人", "车辆"], [], id="manager"),
            pytest.param("zhao", ["系统状态", "接口令牌"], ["等待审核", "陌生人"], id="technician"),
            pytest.param("sun", ["等待审核"], ["陌生人"], id="auditor"),
        ],
    )
    def test_by_role(self, hall, username, shown, hidden):
        text = shown_text(member(username).get(PAGE).content.decode()).partition("概览")[2]
        assert [word for word in shown if word not in text] == []
        assert [word for word in hidden if word in text] == []

    def test_nothing_happened_yet(self):
        text = shown_text(staff_client("flows.view_dialoguesession").get(PAGE).content.decode())
        assert "这段时间没有办理记录" in text
        assert "这段时间没有数据" in text

    @pytest.mark.parametrize("span", ["today", "week", "month", "nonsense"])
    def test_no_names(self, hall, span):
        html = member("chen").get(PAGE, {"span": span}).content.decode()
        assert "hall-000" not in html
        assert 'aria-current="true">' in html


class TestLinks:
    @pytest.mark.parametrize("span", ["today", "week", "month"])
    def test_each_number_leads_to_as_many_visits(self, hall, span):
        client = member("chen")
        html = client.get(PAGE, {"span": span}).content.decode()
        number = re.compile(r'<a href="([^"]+)">\s*<span>[^<]*</span> <strong>(\d+)</strong>')
        found = [(unescape(url), int(count)) for url, count in number.findall(html) if unescape(url).startswith(VISITS)]
        assert len(found) > 6
        for url, count in found:
            assert client.get(url).context["cl"].result_count == count, url

    def test_each_hour_of_the_chart(self, hall):
        client = member("chen")
        html = client.get(PAGE, {"span": "week"}).content.decode()
        rows = re.findall(r'<th scope="row"><a href="([^"]+)">[^<]+</a></th>((?:<td>\d+</td>)+)', html)
        rows = [(unescape(url), sum(map(int, re.findall(r"\d+", cells)))) for url, cells in rows if VISITS in unescape(url)]
        assert len(rows) == 7
        assert sum(count for _url, count in rows) > 0
        for url, count in rows:
            assert client.get(url).context["cl"].result_count == count, url


class TestQueries:
    def test_do_not_grow_with_the_records(self, hall, django_assert_max_num_queries):
        """The page as a whole, with its menu, session and user."""
        client = member("chen")
        client.get(PAGE)
        for span in ("today", "month"):
            with django_assert_max_num_queries(25):
                client.get(PAGE, {"span": span})
        DialogueSession.objects.filter(created_at__lt=timezone.now() - timedelta(days=2)).delete()
        with django_assert_max_num_queries(25):
            client.get(PAGE, {"span": "month"})


def test_signing_in_leads_there():
    apply_roles()
    admin_client("boss")
    response = Client().post(reverse("admin:login"), {"username": "boss", "password": "secret-enough"})
    assert response["Location"] == PAGE
