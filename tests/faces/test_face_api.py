"""POST /face, the Face Handle API: add, find, list, every message of the document, and bad inputs."""

from __future__ import annotations

import io
import re
import time
from urllib.parse import urlsplit

import pytest
from auditlog.models import LogEntry
from django.core.files.storage import default_storage
from django.db import DatabaseError
from PIL import Image

from faces import enrolment, views
from faces.engines.fake import Behaviour, FakeFace
from faces.models import FaceSample, Person
from tests.faces.conftest import as_base64
from tests.media import Placed, as_jpeg, blank, fake_jpeg

pytestmark = pytest.mark.django_db

ZHANG = FakeFace(1)
LI = FakeFace(2)
WHOLE = as_base64(fake_jpeg(ZHANG))


def add(name: object = "张三", image: object = WHOLE) -> dict[str, object]:
    return {"type": "face", "action": "add", "name": name, "image": image}


def find(image: object = WHOLE) -> dict[str, object]:
    return {"type": "face", "action": "find", "image": image}


def stored_photos() -> int:
    return sum(len(default_storage.listdir(f"faces/{folder}")[1]) for folder in default_storage.listdir("faces")[0])


def test_add(post, client):
    answer = post("/face", add(image="data:image/jpeg;base64," + WHOLE))

    url = answer["data"].pop("oss_url")
    entity_id = answer["data"].pop("entity_id")
    assert answer == {
        "type": "face",
        "action": "add",
        "status": "success",
        "message": "成功添加人员: 张三",
        "data": {"name": "张三", "method": "fake_with_filesystem"},
    }
    assert re.fullmatch(r"person_[a-z0-9]{8}", entity_id)
    photo = client.get(urlsplit(url).path)
    assert photo.status_code == 200
    assert photo.headers["Content-Type"] == "image/jpeg"
    assert Image.open(io.BytesIO(b"".join(photo.streaming_content))).size == (640, 480)


def test_add_records_consent_and_a_stripped_photo(post):
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    buffer = io.BytesIO()
    Image.open(io.BytesIO(fake_jpeg(ZHANG))).save(buffer, "JPEG", exif=exif)

    post("/face", add(image=as_base64(buffer.getvalue())))

    person = Person.objects.get()
    assert person.has_consent
    assert person.consent_source == "client"
    assert person.number == person.entity_id
    with person.samples.get().photo.open() as file:
        assert b"taken at home" not in file.read()


def test_find(post):
    entity_id = post("/face", add())["data"]["entity_id"]
    answer = post("/face", find(as_base64(fake_jpeg(FakeFace(1, variation=2)))))
    confidence = answer["data"].pop("confidence")
    assert 0.95 < confidence < 1
    assert answer == {
        "type": "face",
        "action": "find",
        "status": "success",
        "message": "找到匹配的人员",
        "data": {"name": "张三", "entity_id": entity_id, "search_method": "fake_with_filesystem"},
    }


@pytest.mark.parametrize("somebody", [True, False], ids=["somebody else enrolled", "nobody enrolled"])
def test_find_nobody(post, somebody):
    if somebody:
        post("/face", add())
    answer = post("/face", find(as_base64(fake_jpeg(LI))))
    assert answer == {
        "type": "face",
        "action": "find",
        "status": "error",
        "message": "未找到匹配的人员",
        "data": {"search_method": "fake_with_filesystem"},
    }


def test_a_list_of_everybody_is_in_the_audit_log(post):
    post("/face", add())
    assert not LogEntry.objects.filter(action=LogEntry.Action.ACCESS).exists()
    listed = post("/face", {"type": "face", "action": "list"})["data"]["people"]
    entry = LogEntry.objects.get(action=LogEntry.Action.ACCESS)
    assert entry.additional_data["use"] == "list"
    assert entry.additional_data["ids"] == [listed[0]["entity_id"]]
    assert "张三" not in str(entry.additional_data)


def test_list(post):
    assert post("/face", {"type": "face", "action": "list"}) == {
        "type": "face",
        "action": "list",
        "status": "success",
        "message": "共找到 0 个人员",
        "data": {"count": 0, "people": []},
    }
    before = int(time.time())
    ids = [
        post("/face", add(name, as_base64(fake_jpeg(face))))["data"]["entity_id"]
        for name, face in [("张三", ZHANG), ("李四", LI)]
    ]

    answer = post("/face", {"type": "face", "action": "list"})

    assert answer["message"] == "共找到 2 个人员"
    assert answer["data"]["count"] == 2
    assert all(before <= person.pop("created_at") <= time.time() for person in answer["data"]["people"])
    assert answer["data"]["people"] == [{"name": "张三", "entity_id": ids[0]}, {"name": "李四", "entity_id": ids[1]}]


def test_same_person_again_adds_a_sample(post):
    first = post("/face", add())
    again = post("/face", add(image=as_base64(fake_jpeg(FakeFace(1, variation=1)))))
    assert again["status"] == "success"
    assert again["data"]["entity_id"] == first["data"]["entity_id"]
    assert FaceSample.objects.count() == 2


def test_two_people_of_one_name(post):
    ids = {post("/face", add(image=as_base64(fake_jpeg(face))))["data"]["entity_id"] for face in (ZHANG, LI)}
    assert len(ids) == 2


def jpeg_of(*faces: FakeFace | Placed) -> str:
    return as_base64(fake_jpeg(*faces))


def darkened() -> str:
    return as_base64(fake_jpeg(Placed(ZHANG, 200, 100, light=40, dark=8)))


REFUSED_ADDS = {
    "no face": (as_base64(as_jpeg(blank())), "未检测到人脸"),
    "several faces": (jpeg_of(ZHANG, LI), "多张人脸"),
    "too small": (jpeg_of(Placed(ZHANG, 100, 100, 50)), "过小"),
    "turned away": (jpeg_of(FakeFace(1, behaviour=Behaviour.TURNED_AWAY)), "正"),
    "gif": (as_base64(b"GIF89a" + bytes(40)), "图片格式不支持"),
    "truncated": (as_base64(fake_jpeg(ZHANG)[:4000]), "图片格式不支持"),
    "not base64": ("abc", "base64 解码失败: Incorrect padding"),
    "detector raises": (jpeg_of(FakeFace(1, behaviour=Behaviour.DETECTION_FAILS)), "人脸检测服务内部错误: "),
    "network raises": (jpeg_of(FakeFace(1, behaviour=Behaviour.EMBEDDING_FAILS)), "人脸特征提取失败: "),
}


@pytest.mark.parametrize(("image", "reason"), REFUSED_ADDS.values(), ids=REFUSED_ADDS.keys())
def test_refused_add_leaves_nothing(post, image, reason):
    before = stored_photos() if default_storage.exists("faces") else 0
    answer = post("/face", add(image=image))
    assert set(answer) == {"type", "action", "status", "message"}
    assert answer["status"] == "error"
    assert answer["message"].startswith("添加人员失败: ")
    assert reason in answer["message"]
    assert Person.objects.count() == 0
    assert (stored_photos() if default_storage.exists("faces") else 0) == before


def test_somebody_elses_face_is_refused(post):
    post("/face", add())
    before = stored_photos()
    answer = post("/face", add("李四", as_base64(fake_jpeg(FakeFace(1, variation=2)))))
    assert answer["status"] == "error"
    assert answer["message"].startswith("添加人员失败: ")
    assert "张三" not in answer["message"]
    assert Person.objects.count() == 1
    assert stored_photos() == before


def test_the_same_photo_twice_is_refused(post):
    post("/face", add())
    assert post("/face", add())["message"] == "添加人员失败: 该照片已录入"


@pytest.mark.parametrize("name", ["名" * 65, "张\n三", "a\0b", "\u202e三张"], ids=["long", "line break", "nul", "direction mark"])
def test_bad_name(post, name):
    answer = post("/face", add(name))
    assert answer["message"] == "添加人员失败: 姓名应为 1 到 64 个可显示的字符"


MISSING = {"type": "face", "status": "error", "message": "缺少参数"}
MISSING_ACTION = {"type": "face", "status": "error", "message": "缺少操作类型参数"}
MISSING_IMAGE = {"type": "face", "status": "error", "message": "缺少图片数据"}


def unknown(action: str) -> dict[str, str]:
    return {"type": "face", "status": "error", "message": f"未知操作类型：{action}"}


BAD_REQUESTS = {
    "empty object": ({}, MISSING_ACTION),
    "no action": ({"type": "face", "name": "张三", "image": WHOLE}, MISSING_ACTION),
    "action null": ({"type": "face", "action": None}, MISSING_ACTION),
    "action empty": ({"type": "face", "action": ""}, MISSING_ACTION),
    "action unknown": ({"type": "face", "action": "delete"}, unknown("delete")),
    "action in capitals": ({"type": "face", "action": "ADD"}, unknown("ADD")),
    "action a number": ({"type": "face", "action": 5}, unknown("5")),
    "action a list": ({"type": "face", "action": ["add"]}, unknown("['add']")),
    "action very long": ({"type": "face", "action": "x" * 10_000}, unknown("x" * 64)),
    "type wrong": ({"type": "dog", "action": "list"}, MISSING),
    "type null": ({"type": None, "action": "list"}, MISSING),
    "add without anything": ({"type": "face", "action": "add"}, MISSING),
    "add without name": ({"type": "face", "action": "add", "image": WHOLE}, MISSING),
    "add without image": ({"type": "face", "action": "add", "name": "张三"}, MISSING),
    "name null": (add(None), MISSING),
    "name empty": (add(""), MISSING),
    "name blank": (add("  "), MISSING),
    "name a number": (add(42), MISSING),
    "name a list": (add(["张三"]), MISSING),
    "add image null": (add(image=None), MISSING),
    "add image empty": (add(image=""), MISSING),
    "add image a number": (add(image=1), MISSING),
    "add image only a prefix": (add(image="data:image/jpeg;base64,"), MISSING),
    "find without image": ({"type": "face", "action": "find"}, MISSING_IMAGE),
    "find image null": (find(None), MISSING_IMAGE),
    "find image empty": (find(""), MISSING_IMAGE),
    "find image an object": (find({"data": WHOLE}), MISSING_IMAGE),
    "empty body": (b"", MISSING_ACTION),
    "not json": (b"action=add", MISSING_ACTION),
    "half json": (b'{"type": "face"', MISSING_ACTION),
    "a list": (b"[]", MISSING_ACTION),
    "null": (b"null", MISSING_ACTION),
}


@pytest.mark.parametrize(("body", "expected"), BAD_REQUESTS.values(), ids=BAD_REQUESTS.keys())
def test_bad_request(post, body, expected):
    assert post("/face", body) == expected
    assert Person.objects.count() == 0


BAD_FINDS = {
    "not base64": ("abc", "base64 解码失败: Incorrect padding"),
    "not a picture": (as_base64(b"hello"), "图片格式不支持"),
    "no face": (as_base64(as_jpeg(blank())), "未检测到人脸"),
    "too small": (jpeg_of(Placed(ZHANG, 100, 100, 50)), "人脸像素过小("),
    "detector raises": (jpeg_of(FakeFace(1, behaviour=Behaviour.DETECTION_FAILS)), "人脸检测服务内部错误: "),
}


@pytest.mark.parametrize(("image", "reason"), BAD_FINDS.values(), ids=BAD_FINDS.keys())
def test_bad_find(post, image, reason):
    answer = post("/face", find(image))
    assert answer["action"] == "find"
    assert answer["status"] == "error"
    assert answer["message"].startswith(f"查找人员失败: {reason}")
    assert "data" not in answer


def broken(*_args, **_kwargs):
    raise DatabaseError


@pytest.mark.parametrize(
    ("target", "body", "message"),
    [
        ("enrol_person", add(), "添加人员失败: 数据库连接失败"),
        ("recognise", find(), "查找人员失败: 数据库连接失败"),
        ("list_persons", {"type": "face", "action": "list"}, "列出人员失败: 数据库连接失败"),
    ],
    ids=["add", "find", "list"],
)
def test_database_away(post, monkeypatch, target, body, message):
    monkeypatch.setattr(views, target, broken)
    assert post("/face", body) == {"type": "face", "action": body["action"], "status": "error", "message": message}


def test_failed_write_leaves_no_photo(post, monkeypatch):
    post("/face", add())
    before = stored_photos()
    monkeypatch.setattr(enrolment, "_add_sample", broken)
    post("/face", add("李四", as_base64(fake_jpeg(LI))))
    assert stored_photos() == before


@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_other_methods(client, method):
    response = getattr(client, method)("/face")
    assert response.status_code == 405
    assert response.json() == {"type": "face", "status": "error", "message": "仅支持 POST 请求"}


@pytest.mark.parametrize("token", ["x", "ImZhY2VzL2EuanBnIg:1:x"], ids=["garbage", "forged"])
def test_photo_links_are_signed(client, token):
    assert client.get(f"/photos/{token}").status_code == 404


def test_photo_links_expire(post, client, settings, monkeypatch):
    path = urlsplit(post("/face", add())["data"]["oss_url"]).path
    later = time.time() + settings.KIOSK.photo_url_seconds + 5
    monkeypatch.setattr("django.core.signing.time.time", lambda: later)
    assert client.get(path).status_code == 404
