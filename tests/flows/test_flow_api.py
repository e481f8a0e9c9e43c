"""The flow POSTs at their edges: bad bodies, bad hashes, wrong order, who may call, and what is never told."""

from __future__ import annotations

import base64
import json
import uuid
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings
from django.utils import timezone

from flows import views
from flows.dialogue import tokens
from flows.dialogue.errors import FlowError
from flows.models import Citizen, DialogueSession, Turn
from flows.urls import root_urlpatterns
from kiosk.models import ApiToken
from tests.flows.conftest import USER, handshake, talk

pytestmark = pytest.mark.django_db

urlpatterns = root_urlpatterns
"""As port 10925 serves them; see override_settings(ROOT_URLCONF=…) below."""

HASH = "a" * 64


def storage(token=HASH, user_id=USER, **more):
    return {"user_id": user_id, "type": "storage", "hash": token, **more}


def summary(token=HASH, user_id=USER, **more):
    return {"user_id": user_id, "type": "summary", "hash": token, **more}


def nested(depth: int) -> bytes:
    return b'{"user_id": "a", "type": "handshake", "info": ' + b'{"a":' * depth + b"1" + b"}" * depth + b"}"


def speech(media):
    return {"user_id": USER, "type": "handshake", "input": {"type": "audio", "media": media}}


BAD_BODIES = {
    "empty body": (b"", "请求体不是有效的 JSON"),
    "half json": (b'{"user_id": "a", "type": "hand', "请求体不是有效的 JSON"),
    "a list": (b"[]", "请求体应为 JSON 对象"),
    "a text": (b'"handshake"', "请求体应为 JSON 对象"),
    "null": (b"null", "请求体应为 JSON 对象"),
    "not utf-8": (b'{"user_id": "\xff\xfe"}', "请求体不是有效的 JSON"),
    "a lone surrogate": (
        rb'{"user_id": "a", "type": "handshake", "input": {"type": "text", "text": "\ud800"}}',
        "请求体不是有效的 JSON",
    ),
    "NaN": (b'{"user_id": NaN}', "请求体不是有效的 JSON"),
    "ten thousand levels": (nested(10_000), "请求体不是有效的 JSON"),
    "type missing": ({"user_id": USER}, "type 应为"),
    "type null": ({"user_id": USER, "type": None}, "type 应为"),
    "type unknown": ({"user_id": USER, "type": "login"}, "type 应为"),
    "type in capitals": ({"user_id": USER, "type": "HANDSHAKE"}, "type 应为"),
    "type a number": ({"user_id": USER, "type": 1}, "type 应为"),
    "type a list": ({"user_id": USER, "type": ["handshake"]}, "type 应为"),
    "type qna": ({"user_id": USER, "type": "qna", "hash": HASH}, "websocket"),
    "type face_train": ({"user_id": USER, "type": "face_train"}, "websocket"),
    "type busy": ({"user_id": USER, "type": "busy"}, "type 应为"),
    "user_id missing": ({"type": "handshake", "input": {"type": "text", "text": "我要办身份证"}}, "缺少 user_id"),
    "user_id null": (handshake(user_id=None), "缺少 user_id"),
    "user_id empty": (handshake(user_id=""), "缺少 user_id"),
    "user_id blank": (handshake(user_id="  "), "user_id 应为"),
    "user_id of 65 characters": (handshake(user_id="x" * 65), "user_id 应为"),
    "user_id a number": (handshake(user_id=42), "缺少 user_id"),
    "user_id true": (handshake(user_id=True), "缺少 user_id"),
    "user_id a list": (handshake(user_id=["a"]), "缺少 user_id"),
    "user_id with a line break": (handshake(user_id="a\nb"), "user_id 应为"),
    "user_id with NUL": (handshake(user_id="a\x00b"), "user_id 应为"),
    "user_id with a direction mark": (handshake(user_id="\u202eabc"), "user_id 应为"),
    "hash a number": (handshake(hash=5), "hash 应为字符串"),
    "hash an object": (handshake(hash={"a": 1}), "hash 应为字符串"),
    "hash unknown": (handshake(hash=HASH), "尚未握手"),
    "hash of another kind": (handshake(hash="你好"), "尚未握手"),
    "info a text": (handshake(info="张三"), "info 应为对象"),
    "info a list": (handshake(info=[1]), "info 应为对象"),
    "info a number": (handshake(info=0), "info 应为对象"),
    "input missing": ({"user_id": USER, "type": "handshake"}, "缺少 input"),
    "input null": (handshake() | {"input": None}, "缺少 input"),
    "input a text": (handshake() | {"input": "我要办身份证"}, "缺少 input"),
    "input a list": (handshake() | {"input": []}, "缺少 input"),
    "input without type": (handshake() | {"input": {"text": "我要办身份证"}}, "input.type 应为"),
    "input of another type": (handshake() | {"input": {"type": "video", "text": "我要办身份证"}}, "input.type 应为"),
    "input type a list": (handshake() | {"input": {"type": ["text"], "text": "我要办身份证"}}, "input.type 应为"),
    "text missing": (handshake() | {"input": {"type": "text"}}, "文字应为字符串"),
    "text null": (handshake(text=None), "文字应为字符串"),
    "text a number": (handshake(text=110), "文字应为字符串"),
    "text empty": (handshake(text=""), "不能为空"),
    "text blank": (handshake(text=" \t\n　"), "不能为空"),
    "text of NULs": (handshake(text="\x00\x00"), "不能为空"),
    "text of 2001 characters": (handshake(text="办" * 2001), "文字过长"),
    "5 MB of text": (handshake(text="办" * (5 * 1024 * 1024 // 3)), "文字过长"),
    "media missing": (speech(None), "base64"),
    "media empty": (speech(""), "base64"),
    "media a list of bytes": (speech([1, 2, 3]), "base64"),
    "media no base64": (speech("这不是音频"), "base64"),
    "media half base64": (speech("UklGR"), "base64"),
    "media of 11 MB": (speech(base64.b64encode(bytes(11 * 1024 * 1024)).decode()), "音频过大"),
    "storage without hash": ({"user_id": USER, "type": "storage"}, "尚未握手"),
    "storage with hash null": (storage(None), "尚未握手"),
    "storage with hash a number": (storage(12), "hash 应为字符串"),
    "storage without user_id": ({"type": "storage", "hash": HASH}, "缺少 user_id"),
    "storage with another's hash form": (storage("a1dadafgdas3asd4s2sfad"), "尚未握手"),
    "storage with a very long hash": (storage("a" * 100_000), "尚未握手"),
    "storage with NUL in the hash": (storage("\x00" * 64), "尚未握手"),
    "summary without hash": ({"user_id": USER, "type": "summary"}, "尚未握手"),
    "summary with digits of another script": (summary("１" * 64), "尚未握手"),
}


@pytest.mark.parametrize(("body", "detail"), BAD_BODIES.values(), ids=BAD_BODIES.keys())
@override_settings(ROOT_URLCONF=__name__)
def test_bad_body(services, flow_post, body, detail):
    answer = flow_post("/", body)
    assert set(answer) == {"user_id", "type", "hash", "detail"}
    assert answer["type"] == "error"
    assert detail in answer["detail"]
    assert DialogueSession.objects.count() == Turn.objects.count() == Citizen.objects.count() == 0


@pytest.mark.parametrize("form", ["x" * 64, "g" * 64, "A" * 64], ids=["x", "g", "capitals"])
def test_forged_hash(services, flow_post, form):
    assert flow_post("/storage", storage(form))["type"] == "error"


def test_error_repeats_user_id_and_hash(services, flow_post):
    answer = flow_post("/storage", storage())
    assert answer == {"user_id": USER, "type": "error", "hash": HASH, "detail": "尚未握手，或者 hash 与 user_id 不符"}


def test_error_does_not_repeat_what_can_not_be_one(services, flow_post):
    answer = flow_post("/storage", storage("\x00" * 64, user_id="x" * 1000))
    assert (answer["user_id"], answer["hash"]) == ("", "")


@pytest.mark.parametrize(
    "change",
    [
        lambda token: token[:-1],
        lambda token: token + "0",
        lambda token: token[:-1] + ("0" if token[-1] != "0" else "1"),
        lambda token: ("0" if token[0] != "0" else "1") + token[1:],
        lambda token: token.upper(),
        lambda token: token[:32] + "0" * 32,
        lambda token: f" {token}",
        lambda _token: tokens.hash_of(uuid.uuid4(), USER),
    ],
    ids=["truncated", "longer", "last digit", "first digit", "capitals", "mac of zeros", "a blank", "of no visit"],
)
def test_wrong_hash(visit, flow_post, change):
    token = visit()
    talk(token)
    assert flow_post("/storage", storage(change(token)))["detail"].startswith("尚未握手")
    assert flow_post("/storage", storage(token))["type"] == "storage"


def test_a_hash_is_good_for_one_user_id():
    key = uuid.uuid4()
    token = tokens.hash_of(key, USER)
    assert tokens.key_of(token, USER) == key
    assert tokens.key_of(token, "citizen-2") is None
    assert tokens.hash_of(key, "citizen-2")[32:] != token[32:]


def test_different_requests_have_different_digests():
    requests = [("a", "audio", b"bc"), ("ab", "audio", b"c"), ("a", "text", b"bc"), ("a", "audio", b"bd")]
    assert len({tokens.request_digest(*request) for request in requests}) == len(requests)


def test_another_users_hash_is_as_unknown_as_any(visit, flow_post):
    token = visit()
    talk(token)
    stranger, nobody = (flow_post("/storage", storage(value, user_id="citizen-2")) for value in (token, HASH))
    assert stranger | {"hash": ""} == nobody | {"hash": ""}
    assert Citizen.objects.count() == 0


@pytest.mark.parametrize("kind", ["handshake", "storage", "summary"])
def test_expired_hash(visit, flow_post, kind):
    token = visit()
    DialogueSession.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    body = flow_post(f"/{kind}", handshake() | {"type": kind, "hash": token})
    assert body == {"user_id": USER, "type": "error", "hash": token, "detail": "会话已过期，请重新握手"}
    assert DialogueSession.objects.get().state == "asking"


def test_the_hash_lives_on_with_every_use(visit, flow_post):
    token = visit()
    DialogueSession.objects.update(expires_at=timezone.now() + timedelta(seconds=20))
    talk(token)
    assert DialogueSession.objects.get().expires_at > timezone.now() + timedelta(minutes=29)


WRONG_ORDER = {
    "storage while questions are open": ("/storage", "提问尚未结束"),
    "summary while questions are open": ("/summary", "提问尚未结束"),
}


@pytest.mark.parametrize(("where", "detail"), WRONG_ORDER.values(), ids=WRONG_ORDER.keys())
def test_wrong_order(visit, flow_post, where, detail):
    token = visit()
    answer = flow_post(where, storage(token) | {"type": where[1:]})
    assert answer["type"] == "error"
    assert detail in answer["detail"]
    talk(token)
    assert flow_post("/storage", storage(token))["type"] == "storage"


def test_summary_before_storage(visit, flow_post):
    token = visit()
    talk(token)
    assert "信息尚未录入" in flow_post("/summary", summary(token))["detail"]


def test_storage_of_an_unclear_visit(services, flow_post):
    token = flow_post("/handshake", handshake("驾驶证"))["hash"]
    assert "还不明确" in flow_post("/storage", storage(token))["detail"]


def test_handshake_after_storage(visit, flow_post):
    token = visit()
    talk(token)
    flow_post("/storage", storage(token))
    assert "已经录入" in flow_post("/handshake", handshake(hash=token))["detail"]


@pytest.mark.parametrize("where", ["handshake", "storage", "summary"])
def test_type_of_another_path(services, flow_post, where):
    other = {"handshake": "storage"}.get(where, "handshake")
    assert flow_post(f"/{where}", handshake() | {"type": other})["detail"] == "type 与请求路径不符"


def test_a_path_of_its_own_needs_no_type(services, flow_post):
    body = handshake()
    del body["type"]
    assert flow_post("/handshake", body)["type"] == "handshake"


@override_settings(ROOT_URLCONF=__name__)
def test_a_whole_visit_on_one_path(services, flow_post):
    token = flow_post("/", handshake())["hash"]
    talk(token)
    assert [flow_post("/", body(token))["type"] for body in (storage, summary)] == ["storage", "summary"]


@pytest.mark.parametrize("method", ["get", "put", "delete", "patch", "options"])
def test_other_methods(client, services, method):
    response = getattr(client, method)("/handshake")
    assert (response.status_code, response.json()["type"], response.json()["detail"]) == (200, "error", "仅支持 POST 请求")


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "application/xml"])
def test_other_content_types(services, flow_post, content_type):
    answer = flow_post("/handshake", json.dumps(handshake()), content_type=content_type)
    assert answer["detail"] == "Content-Type 应为 application/json"


# Who may call


def token_with(*scopes: str) -> str:
    _token, key = ApiToken.objects.create_key(name="client", scopes=list(scopes))
    return str(key)


@pytest.mark.parametrize(
    ("scopes", "kind"),
    [(["flows:converse"], "handshake"), (["faces:recognise"], "error"), ([], "error")],
    ids=["flows", "faces", "none"],
)
def test_scope(services, flow_post, scopes, kind):
    assert flow_post("/handshake", handshake(), authorization=f"Bearer {token_with(*scopes)}")["type"] == kind


def test_no_token_where_tokens_exist(services, client):
    token_with("flows:converse")
    response = client.post("/handshake", json.dumps(handshake()), content_type="application/json", REMOTE_ADDR="192.0.2.1")
    assert (response.status_code, response.json()["type"]) == (200, "error")
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert DialogueSession.objects.count() == 0


def test_too_many_requests_are_told_busy(services, flow_post, settings):
    settings.KIOSK = settings.KIOSK.model_copy(update={"api_rate": "2/min"})
    kinds = [flow_post("/handshake", handshake())["type"] for _ in range(3)]
    assert kinds == ["handshake", "handshake", "busy"]


def test_too_many_visits_are_told_busy(services, visit, flow_post, settings):
    settings.KIOSK = settings.KIOSK.model_copy(update={"visits_at_once": 2})
    first = visit(user_id="a")
    visit(user_id="b")
    answer = flow_post("/handshake", handshake(user_id="c"))
    assert answer == {"user_id": "c", "type": "busy", "hash": "", "detail": "办理人数较多，请稍后再试"}
    talk(first, "a")
    flow_post("/storage", storage(first, "a"))
    assert flow_post("/handshake", handshake(user_id="c"))["type"] == "handshake"


def test_a_visit_that_goes_on_is_not_told_busy(visit, flow_post, settings):
    token = visit()
    settings.KIOSK = settings.KIOSK.model_copy(update={"visits_at_once": 1})
    assert flow_post("/handshake", handshake(hash=token))["type"] == "handshake"


# Forms


def form(**fields):
    sound = SimpleUploadedFile("speech.wav", b"RIFF....", content_type="audio/wav")
    return {"user_id": USER, "type": "handshake", "media": sound} | fields


@pytest.mark.parametrize(
    ("fields", "detail"),
    [
        ({"info": "{"}, "info 不是有效的 JSON"),
        ({"info": "[1]"}, "info 应为对象"),
        ({"user_id": ""}, "缺少 user_id"),
        ({"type": "video"}, "type 应为"),
        ({"media": "RIFF"}, "缺少 input"),
        ({"media": SimpleUploadedFile("speech.wav", b"")}, "不能为空"),
        ({"hash": "x"}, "尚未握手"),
    ],
    ids=["half json", "info a list", "no user_id", "unknown type", "media as text", "empty file", "wrong hash"],
)
def test_bad_form(client, services, fields, detail):
    answer = client.post("/handshake", form(**fields)).json()
    assert answer["type"] == "error"
    assert detail in answer["detail"]
    assert DialogueSession.objects.count() == 0


def test_half_a_form(flow_post, services):
    body = b'--x\r\nContent-Disposition: form-data; name="user_id"\r\n\r\na'
    assert flow_post("/handshake", body, content_type="multipart/form-data; boundary=x")["type"] == "error"


def test_a_form_without_boundary(flow_post, services):
    assert flow_post("/handshake", b"abc", content_type="multipart/form-data")["detail"] == "multipart 请求体不完整"


def test_a_form_of_another_site(client, services):
    answer = client.post("/handshake", form(), headers={"Origin": "https://evil.example"}).json()
    assert answer["detail"] == "不接受其他网站提交的表单"


def test_a_large_file(client, services, settings):
    settings.KIOSK = settings.KIOSK.model_copy(update={"audio_mb": 1})
    sound = SimpleUploadedFile("speech.wav", bytes(1024 * 1024 + 1))
    assert "音频过大" in client.post("/handshake", form(media=sound)).json()["detail"]


# What goes wrong inside


def test_what_nobody_foresaw(services, client, monkeypatch, caplog):
    def broken(_asked):
        raise RuntimeError("440103199003072817")

    monkeypatch.setattr(views, "shake_hands", broken)
    answer = Client(raise_request_exception=False).post("/handshake", json.dumps(handshake()), content_type="application/json")
    assert answer.json() == {"user_id": USER, "type": "error", "hash": "", "detail": "服务内部错误"}


def test_errors_and_visits_say_nothing_in_their_repr(visit):
    token = visit("我叫张三，我要办身份证", info={"id_card": "440103199003072817", "phone": "13800138000"})
    session = DialogueSession.objects.get()
    from flows.dialogue.visits import Visit

    shown = repr([session, list(session.turns.all()), Visit(session).draft, FlowError.__mro__])
    for secret in (token, "张三", "440103199003072817", "13800138000"):
        assert secret not in shown


def test_the_hash_is_not_in_the_database(visit):
    token = visit()
    row = DialogueSession.objects.values().get()
    assert token not in str(row)
    assert row["key"].hex == token[:32]


def test_paths_of_the_web_port(client):
    assert [route.name for route in root_urlpatterns] == ["flow", "handshake", "storage", "summary"]
    assert client.post("/", {}).status_code in {403, 405, 200}
