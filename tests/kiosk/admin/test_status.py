"""The status page: what a technician reads of a machine in order, and of one that is not."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from flows.models import DialogueSession
from kiosk import listeners
from kiosk.health import NotReady, _probes, register_probe
from kiosk.listeners import Listener, open_listeners
from tests.flows.records import citizen, visit
from tests.live_server import free_port
from tests.staff import shown_text, staff_client

pytestmark = pytest.mark.django_db
PAGE = reverse("status")


@pytest.fixture
def technician() -> Client:
    return staff_client("kiosk.view_systemstatus")


def text_of(client: Client, language: str = "zh-hans") -> str:
    return shown_text(client.get(PAGE, headers={"accept-language": language}).content.decode())


@pytest.mark.parametrize(
    ("language", "words"),
    [
        pytest.param(
            "zh-hans", ["人脸识别", "引擎 正常： fake chosen by name", "语音转文字", "数据库", "待执行的迁移 正常： 0"], id="zh"
        ),
        pytest.param("en", ["Face recognition", "Engine In order: fake", "Speech to text", "Database", "Django 5.2"], id="en"),
    ],
)
def test_what_it_says(technician, language: str, words: list[str]):
    text = text_of(technician, language).lower()
    assert [word for word in words if word.lower() not in text] == []


def test_nothing_of_citizens_or_secrets(technician, settings):
    of = citizen()
    visit(of)
    html = technician.get(PAGE).content.decode()
    for secret in (of.name, of.number, of.phone, settings.SECRET_KEY):
        assert secret not in html


class TestPorts:
    @pytest.fixture(autouse=True)
    def _none_opened(self, monkeypatch):
        monkeypatch.setattr(listeners, "_opening", listeners.Opening())

    def test_of_a_process_that_serves_nothing(self, technician):
        assert "本进程未打开" in text_of(technician)

    def test_open_and_not(self, technician, monkeypatch):
        port = free_port()
        mine = [
            Listener("web", "127.0.0.1", port, "KIOSK_PORT"),
            Listener("flow socket", "127.0.0.1", port, "KIOSK_FLOW_SOCKET_PORT"),
        ]
        monkeypatch.setattr("kiosk.asgi.listeners", lambda: [*mine, Listener("tools", "127.0.0.1", 0, "KIOSK_TOOL_PORT")])
        opened, _failed = open_listeners(mine)
        for one in opened:
            one.socket.close()
        text = text_of(technician)
        assert f"web 正常： 已打开 http://127.0.0.1:{port}/" in text
        assert "flow socket 故障： 无法打开" in text
        assert "tools 已关闭 KIOSK_TOOL_PORT=0" in text


class TestProblems:
    def test_a_part_that_is_not_ready(self, technician):
        def probe() -> None:
            raise NotReady("the camera is asleep")

        register_probe("camera", probe)
        try:
            text = text_of(technician)
        finally:
            _probes.pop("camera")
        assert "camera 故障： 未就绪 the camera is asleep" in text

    def test_little_space(self, technician, monkeypatch):
        usage = SimpleNamespace(total=10**12, free=5 * 10**10)
        monkeypatch.setattr("shutil.disk_usage", lambda _path: usage)
        assert "故障： 50.0 GB / 1000.0 GB" in text_of(technician)

    def test_overdue_visits(self, technician, settings):
        made = visit(citizen())
        assert "超期未删除的办理记录 正常： 0" in text_of(technician)
        long_ago = timezone.now() - timedelta(days=settings.KIOSK.visit_days + 1)
        DialogueSession.objects.filter(pk=made.pk).update(created_at=long_ago, updated_at=long_ago, expires_at=long_ago)
        assert "超期未删除的办理记录 故障： 1 manage.py enforce_retention" in text_of(technician)

    def test_queries_are_few(self, technician, django_assert_max_num_queries):
        for number in range(5):
            visit(citizen(f"c{number}", id_card=""))
        with django_assert_max_num_queries(60):
            technician.get(PAGE)
