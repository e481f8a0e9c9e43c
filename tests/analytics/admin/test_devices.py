"""Devices in admin: what is asked of their form, and who sees and may do what."""

from __future__ import annotations

import pytest
from auditlog.models import LogEntry
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction
from django.utils import timezone

from analytics.models import MediaDevice, RecognitionEvent
from tests.staff import admin_client, shown_text, staff_client

pytestmark = pytest.mark.django_db

URL = "/admin/analytics/mediadevice/"
SECRET = "geheim/Zq83"
CHANGE = ("analytics.view_mediadevice", "analytics.change_mediadevice")


@pytest.fixture
def device():
    return MediaDevice.objects.create(name="东门", address="rtsp://10.0.0.8/live", username="viewer", password=SECRET)


def posted(**changes):
    """A whole form."""
    return {
        "name": "东门",
        "device_type": "rtsp",
        "address": "rtsp://10.0.0.8/live",
        "username": "viewer",
        "enabled": "on",
        "cooldown_seconds": "60",
        "threshold": "",
        "min_face": "",
        "lines": "[]",
        "zones": "[]",
        "new_password": "",
        "ip": "",
        "zone": "",
    } | changes


def save(client, device, **changes):
    answer = client.post(f"{URL}{device.pk}/change/", posted(**changes))
    device.refresh_from_db()
    return answer


class TestPassword:
    def test_is_never_shown(self, device):
        client = admin_client()
        for page in (URL, f"{URL}{device.pk}/change/", f"{URL}{device.pk}/history/"):
            assert "Zq83" not in client.get(page).content.decode()

    def test_empty_keeps_it(self, device):
        assert save(admin_client(), device, name="西门").status_code == 302
        assert (device.name, device.password) == ("西门", SECRET)

    def test_a_new_one_takes_its_place_and_is_in_no_log(self, device):
        assert save(admin_client(), device, new_password="neu-Zq84").status_code == 302
        assert device.password == "neu-Zq84"
        assert "Zq8" not in str(list(LogEntry.objects.values_list("changes", "changes_text", "additional_data")))

    def test_can_be_forgotten(self, device):
        save(admin_client(), device, forget_password="on")
        assert device.password == ""

    def test_in_the_address_is_taken_out_of_it(self, device):
        save(admin_client(), device, address="rtsp://boss:p%40ss@10.0.0.8/live")
        assert (device.address, device.username, device.password) == ("rtsp://10.0.0.8/live", "boss", "p@ss")

    @pytest.mark.parametrize(
        "address", ["rtsp://10.0.0.9/live", "rtsp://10.0.0.8:8554/live", "http://10.0.0.8/live"], ids=["host", "port", "scheme"]
    )
    def test_is_not_sent_to_another_host(self, device, address):
        answer = save(staff_client(*CHANGE), device, address=address)
        assert "请重新输入密码" in shown_text(answer.content.decode())
        assert device.address == "rtsp://10.0.0.8/live"
        assert save(admin_client(), device, address=address, new_password="neu").status_code == 302


BAD = {
    "no scheme": ({"address": "10.0.0.8/live"}, "无法识别该地址"),
    "another scheme": ({"address": "ftp://10.0.0.8/live"}, "无法识别该地址"),
    "a playlist of files": ({"address": "concat:/etc/passwd"}, "无法识别该地址"),
    "a file that is no file device": ({"address": "/srv/film.mp4"}, "无法识别该地址"),
    "a port that is none": ({"address": "rtsp://10.0.0.8:99999/live"}, "无法识别该地址"),
    "a space": ({"address": "rtsp://10.0.0.8/a b"}, "无法识别该地址"),
    "stills over RTSP": ({"device_type": "photo"}, "无法识别该地址"),
    "no name": ({"name": ""}, "必填"),
    "an unknown type": ({"device_type": "radio"}, "radio"),
    "a wrong IP": ({"ip": "10.0.0"}, "IP"),
    "a threshold above 1": ({"threshold": "1.01"}, "1"),
    "a threshold below 0": ({"threshold": "-0.1"}, "0"),
    "a threshold that is none": ({"threshold": "nan"}, "数"),
    "a percentage": ({"threshold": "40%"}, "数"),
    "faces of a few pixels": ({"min_face": "19"}, "20"),
    "faces larger than the picture": ({"min_face": "1001"}, "1000"),
    "half a pixel": ({"min_face": "20.5"}, "整数"),
    "lines that are no JSON": ({"lines": "[{"}, "JSON"),
    "a line outside of the picture": ({"lines": '[{"name": "门", "start": [0, 0], "end": [2, 0]}]'}, "0"),
    "a zone of two corners": ({"zones": '[{"name": "区", "corners": [[0, 0], [1, 1]]}]'}, "3"),
    "zones that are an object": ({"zones": "{}x"}, "JSON"),
}


@pytest.mark.parametrize(("changes", "said"), BAD.values(), ids=BAD)
def test_bad_input_is_refused_with_a_reason(device, changes, said):
    answer = save(admin_client(), device, **changes)
    assert answer.status_code == 200
    assert said in shown_text(answer.content.decode())
    assert (device.name, device.address, device.lines, device.zones) == ("东门", "rtsp://10.0.0.8/live", [], [])
    assert device.threshold is device.min_face is None


def test_what_is_saved(device):
    line = '[{"name": "门口", "start": [0.1, 0.5], "end": [0.9, 0.5]}]'
    assert save(admin_client(), device, lines=line, cooldown_seconds="0", zone="大厅").status_code == 302
    assert device.lines[0]["name"] == "门口"
    assert (device.cooldown_seconds, device.zone, device.ip) == (3, "大厅", "10.0.0.8")


def test_how_it_recognises_faces(device):
    client = admin_client()
    page = client.get(f"{URL}{device.pk}/change/").content.decode()
    assert 'placeholder="0.4"' in page
    assert 'placeholder="40"' in page
    assert "认错人" in shown_text(page)
    assert save(client, device, threshold="0.25", min_face="20").status_code == 302
    assert (device.threshold, device.min_face) == (0.25, 20)
    change = LogEntry.objects.get_for_object(device).first().changes_dict
    assert (change["threshold"][1], change["min_face"][1]) == ("0.25", "20")
    assert save(client, device, threshold="0").status_code == 302
    assert (device.threshold, device.min_face) == (0.0, None)


@pytest.mark.parametrize(
    "values",
    [{"threshold": -0.01}, {"threshold": 1.5}, {"min_face": 19}, {"min_face": 1001}],
    ids=str,
)
def test_what_the_table_itself_refuses(device, values):
    with pytest.raises(IntegrityError), transaction.atomic():
        MediaDevice.objects.filter(pk=device.pk).update(**values)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        pytest.param({"error": "unauthorized", "error_since": timezone.now()}, "摄像头不接受该用户名和密码", id="broken"),
        pytest.param({"enabled": False}, "关", id="switched off"),
        pytest.param({}, "暂无画面", id="no picture"),
        pytest.param({"last_seen_at": timezone.now()}, "正常", id="working"),
        pytest.param({"relayed_from": "box-1"}, "来自盒子", id="of a box"),
        pytest.param({"error": "<b>box</b>", "error_since": timezone.now()}, "<b>box</b>", id="a foreign error is shown as text"),
    ],
)
def test_state(device, state, words):
    MediaDevice.objects.update(**state)
    assert words in shown_text(admin_client().get(f"{URL}{device.pk}/change/").content.decode())


class TestPermissions:
    def test_snapshot(self, device):
        device.snapshot.save("x.jpg", ContentFile(b"\xff\xd8\xffpicture"))
        url = f"{URL}{device.pk}/snapshot/"
        assert staff_client("analytics.view_recognitionevent", username="a").get(url).status_code == 403
        answer = staff_client("analytics.view_mediadevice", username="b").get(url)
        assert answer.content == b"\xff\xd8\xffpicture"
        assert "no-store" in answer["Cache-Control"]

    def test_who_may_only_look_has_no_form_and_can_try_nothing(self, device):
        client = staff_client("analytics.view_mediadevice")
        page = client.get(f"{URL}{device.pk}/change/").content.decode()
        assert 'name="address"' not in page
        assert client.get(f"{URL}{device.pk}/try/").status_code == 403
        assert client.post(f"{URL}{device.pk}/change/", posted()).status_code == 403

    def test_deleting_takes_the_pictures_along(self, device, django_capture_on_commit_callbacks):
        device.snapshot.save("x.jpg", ContentFile(b"snapshot"))
        event = RecognitionEvent.objects.create(device=device, event_id="1", happened_at=timezone.now(), score=1)
        event.face.save("y.jpg", ContentFile(b"face"))
        with django_capture_on_commit_callbacks(execute=True):
            admin_client().post(f"{URL}{device.pk}/delete/", {"post": "yes"})
        assert not MediaDevice.objects.exists()
        assert not default_storage.exists(event.face.name)
        assert not default_storage.exists(device.snapshot.name)
