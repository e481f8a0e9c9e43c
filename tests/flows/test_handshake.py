"""The handshake: what is understood, what the database and the client know, and audio with its processing answers."""

from __future__ import annotations

import base64
import threading
import time

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from flows.dialogue import handshake as handshaking
from flows.dialogue import listening
from flows.dialogue.conversation import begin
from flows.dialogue.drafts import Draft
from flows.models import Citizen, DialogueSession, Relative, ServiceItem, Turn
from flows.speech import SpeechError, SpeechErrorCode
from flows.types import Slot
from flows.understanding.builtin import BuiltIn
from tests.flows.conftest import USER, handshake, talk
from tests.flows.factories import service_item

pytestmark = pytest.mark.django_db

KEYS = {"user_id", "type", "hash", "classify", "flow", "candidates", "materials", "info", "masked", "warnings"}
NOTHING_KNOWN = dict.fromkeys(["name", "age", *(slot.value for slot in Slot)])
ID_CARD = "440103199003072817"


def citizen(**values) -> Citizen:
    return Citizen.objects.create(number=USER, **values)


def test_a_clear_request(services, flow_post):
    answer = flow_post("/handshake", handshake())
    assert set(answer) == KEYS
    assert (answer["user_id"], answer["type"], answer["classify"]) == (USER, "handshake", "身份证")
    assert answer["flow"].startswith("办理身份证呢，请带上户口簿，到派出所办理。")
    assert answer["flow"].endswith("接下来有6个问题要问您。")
    assert answer["candidates"] == answer["masked"] == answer["warnings"] == []
    assert answer["info"] == NOTHING_KNOWN
    assert len(answer["hash"]) == 64


def test_the_catalogue_of_the_database_is_understood(db, flow_post, monkeypatch):
    # A fresh one: what another test's catalogue taught would be good for half a second.
    fresh = BuiltIn()
    monkeypatch.setattr(handshaking, "understanding", lambda: fresh)
    service_item("passport", name="护照", aliases=["护照本"], examples=["我要办护照"], required_slots=[])
    assert flow_post("/handshake", handshake("我要办护照"))["classify"] == "护照"


def test_what_is_written(services, flow_post):
    answer = flow_post("/handshake", handshake())
    session = DialogueSession.objects.get()
    assert (session.state, session.classify, session.service, session.citizen) == ("asking", "身份证", services["id-card"], None)
    said = list(session.turns.values_list("position", "speaker", "slot"))
    assert said == [(0, "citizen", ""), (1, "kiosk", "")]
    assert [turn.text for turn in session.turns.all()] == ["我要办身份证", answer["flow"]]
    assert Citizen.objects.count() == 0


def test_every_handshake_without_a_hash_is_a_visit(services, flow_post):
    assert len({flow_post("/handshake", handshake())["hash"] for _ in range(3)}) == 3


def test_materials_are_spoken_where_the_guidance_does_not(services, flow_post):
    flow = flow_post("/handshake", handshake("我要领结婚证"))["flow"]
    assert "需要带的材料有：双方户口簿；三张合照。" in flow
    assert "材料有" not in flow_post("/handshake", handshake())["flow"]


# Unclear


def test_an_unclear_request_is_asked_back(services, flow_post):
    answer = flow_post("/handshake", handshake("驾驶证"))
    assert (answer["type"], answer["classify"]) == ("handshake", "")
    assert {item["name"] for item in answer["candidates"]} == {"驾驶证换证", "驾驶证补证"}
    assert {item["code"] for item in answer["candidates"]} == {"license-renewal", "license-replacement"}
    assert "还是" in answer["flow"]
    assert DialogueSession.objects.get().state == "unclear"


def test_an_unclear_visit_goes_on_with_its_hash(services, flow_post):
    first = flow_post("/handshake", handshake("我叫张三，驾驶证"))
    answer = flow_post("/handshake", handshake("驾驶证补证", hash=first["hash"]))
    assert (answer["hash"], answer["classify"], answer["info"]["name"]) == (first["hash"], "驾驶证补证", "张三")
    session = DialogueSession.objects.get()
    assert (session.state, session.candidates) == ("asking", [])
    assert session.turns.count() == 4


def test_the_candidates_are_told_to_whoever_reads_the_next_words(services, flow_post, monkeypatch):
    engine, among = handshaking.understanding(), []

    class Listening:
        def classify(self, text, **options):
            among.append(options["among"])
            return engine.classify(text, **options)

        read = staticmethod(engine.read)

    monkeypatch.setattr(handshaking, "understanding", Listening)
    token = flow_post("/handshake", handshake("驾驶证"))["hash"]
    candidates = DialogueSession.objects.get().candidates
    flow_post("/handshake", handshake("第二个", hash=token))
    assert among == [(), tuple(candidates)]
    assert len(candidates) == 2


def test_no_service(services, flow_post):
    answer = flow_post("/handshake", handshake("今天天气怎么样"))
    assert (answer["type"], answer["classify"], answer["candidates"]) == ("handshake", "", [])
    assert "办不了" in answer["flow"]


def test_a_service_that_is_switched_off_is_not_offered(services, flow_post):
    ServiceItem.objects.filter(code="id-card").update(enabled=False)
    assert flow_post("/handshake", handshake())["classify"] == ""


def test_another_wish_in_the_middle(visit, flow_post):
    token = visit("我叫张三，我要办身份证")
    answer = flow_post("/handshake", handshake("我要领结婚证", hash=token))
    assert (answer["hash"], answer["classify"], answer["info"]["name"]) == (token, "结婚登记", "张三")
    assert "请问您的性别是？" in talk(token)[0]


def test_what_a_second_handshake_brings_is_not_asked_any_more(visit, flow_post):
    token = visit("我叫张三，我要办身份证")
    assert "性别" in begin(USER, token)
    flow_post("/handshake", handshake(hash=token, info={"gender": "男"}))
    assert "民族" in begin(USER, token)


# Information


def test_the_request_itself_fills_slots(services, flow_post):
    info = flow_post("/handshake", handshake("我叫张三，男的，汉族，我要办身份证"))["info"]
    assert (info["name"], info["gender"], info["nationality"]) == ("张三", "男", "汉")


def test_the_clients_information_is_taken_and_not_asked_again(services, flow_post):
    sent = {
        "name": "张三",
        "gender": "男",
        "nationality": "汉",
        "phone": "13800138000",
        "age": 18,
        "shoe_size": 43,
        "email": None,
    }
    answer = flow_post("/handshake", handshake(info=sent))
    assert answer["info"] == NOTHING_KNOWN | {"name": "张三", "gender": "男", "nationality": "汉", "phone": "13800138000"}
    assert (answer["masked"], answer["warnings"]) == ([], [])
    assert "接下来还要问您：身份证号、住址。" in answer["flow"]


def test_the_id_number_fills_what_follows_from_it(services, flow_post):
    info = flow_post("/handshake", handshake(info={"id_card": ID_CARD}))["info"]
    assert (info["gender"], info["birth"]) == (
        "男",
        flow_post("/handshake", handshake(info={"birth": 19900307}))["info"]["birth"],
    )
    assert info["age"] >= 35


WRONG_VALUES = {
    "phone too short": {"phone": "110"},
    "phone a list": {"phone": ["13800138000"]},
    "phone an object": {"phone": {"number": "13800138000"}},
    "id number without checksum": {"id_card": "12345"},
    "birth that never was": {"birth": 20250230},
    "birth a text": {"birth": "昨天"},
    "birth a huge number": {"birth": 10**30},
    "gender unknown": {"gender": "火星"},
    "married a text": {"marital_status": "看情况"},
    "name of digits": {"name": "123"},
    "name true": {"name": True},
    "name very long": {"name": "张" * 5000},
    "address a number": {"address": 1.5},
}


@pytest.mark.parametrize("info", WRONG_VALUES.values(), ids=WRONG_VALUES.keys())
def test_wrong_values_are_left_out_with_a_warning(services, flow_post, info):
    answer = flow_post("/handshake", handshake(info=info | {"nationality": "汉"}))
    assert answer["type"] == "handshake"
    (warning,) = answer["warnings"]
    assert warning["field"] == next(iter(info))
    assert warning["reason"]
    assert answer["info"] == NOTHING_KNOWN | {"nationality": "汉"}


def test_what_the_database_knows_is_merged_and_masked(services, flow_post):
    citizen(name="张三", gender="男", nationality="汉", phone="13800138000", id_card=ID_CARD, religion="无", education="本科")
    answer = flow_post("/handshake", handshake())
    info = answer["info"]
    assert (info["name"], info["gender"], info["nationality"], info["education"]) == ("张三", "男", "汉", "本科")
    assert (info["phone"], info["religion"]) == ("138****8000", "***")
    assert info["id_card"].endswith("2817")
    assert "*" in info["id_card"]
    assert set(answer["masked"]) == {"phone", "id_card", "religion"}
    assert info["email"] is None
    assert "接下来还要问您：住址。" in answer["flow"]
    assert DialogueSession.objects.get().citizen.number == USER


def test_what_the_client_sends_itself_is_not_masked(services, flow_post):
    citizen(phone="13800138000", id_card=ID_CARD)
    answer = flow_post("/handshake", handshake(info={"phone": "13800138000"}))
    assert (answer["info"]["phone"], answer["masked"], answer["warnings"]) == ("13800138000", ["id_card"], [])


def test_the_database_wins_over_the_client(services, flow_post):
    citizen(name="张三", phone="13800138000")
    answer = flow_post("/handshake", handshake(info={"name": "李四", "phone": "138****8000"}))
    assert answer["info"]["name"] == "张三"
    assert [warning["field"] for warning in answer["warnings"]] == ["name"]


def test_nothing_known_is_asked_again(services, flow_post, visit):
    citizen(
        name="张三", gender="男", nationality="汉", phone="13800138000", id_card=ID_CARD, address="广东省广州市天河区体育西路1号"
    )
    answer = flow_post("/handshake", handshake())
    assert answer["flow"].endswith("您的信息已经齐全，不用再填写了。")
    assert DialogueSession.objects.get().state == "answered"
    assert talk(answer["hash"]) == []


def test_relatives_who_are_known_are_not_asked_for(services, flow_post):
    known = citizen(
        name="张三", gender="男", nationality="汉", phone="13800138000", id_card=ID_CARD, marital_status=False, education="本科"
    )
    Relative.objects.create(citizen=known, relation="spouse", name="李丽")
    assert flow_post("/handshake", handshake("我要领结婚证"))["flow"].endswith("接下来还要问您：配偶的身份证号。")


def test_somebody_elses_data_is_not_told(services, flow_post):
    citizen(name="张三")
    assert flow_post("/handshake", handshake(user_id="citizen-2"))["info"] == NOTHING_KNOWN


def test_control_characters_in_the_request(services, flow_post):
    flow_post("/handshake", handshake("我要办\x00身份证\u2028\r\n"))
    assert Turn.objects.order_by("position").first().text == "我要办 身份证"


def test_few_queries(services, flow_post, django_assert_max_num_queries):
    citizen(name="张三")
    flow_post("/handshake", handshake())
    with django_assert_max_num_queries(10):
        flow_post("/handshake", handshake())


def test_a_draft_is_read_as_it_was_written(visit):
    visit("我叫张三，我要办身份证", info={"birth": "1990年3月7日", "id_card": ID_CARD})
    stored = DialogueSession.objects.get().draft
    assert Draft.from_json(stored).as_json() == stored
    assert stored["citizen"]["birth"] == "1990-03-07"


# Audio

SOUND = b"RIFF sound"
in_threads = pytest.mark.django_db(transaction=True)


def spoken(sound: bytes = SOUND, **more):
    media = base64.b64encode(sound).decode()
    return {"user_id": USER, "type": "handshake", "input": {"type": "audio", "media": media}, **more}


def poll(token):
    return {"user_id": USER, "type": "handshake", "hash": token}


@pytest.fixture(autouse=True)
def patient(settings):
    """A busy machine does not make a handshake answer processing, unless the test wants it to."""
    settings.KIOSK = settings.KIOSK.model_copy(update={"handshake_seconds": 20})


@pytest.fixture
def impatient(patient, settings):
    settings.KIOSK = settings.KIOSK.model_copy(update={"handshake_seconds": 0.05})


class Gate:
    """Sound that is heard when the test lets it."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.heard = 0

    def __call__(self, _sound: bytes) -> str:
        assert self.open.wait(10)
        self.heard += 1
        return "我要办身份证"


@pytest.fixture
def gate(hears):
    made = Gate()
    hears(made)
    yield made
    made.open.set()
    until(lambda: not listening._jobs)


def until(condition, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@in_threads
def test_audio_in_time(services, flow_post, hears):
    hears("我叫张三，我要办身份证")
    answer = flow_post("/handshake", spoken())
    assert set(answer) == KEYS | {"text"}
    assert (answer["type"], answer["classify"], answer["text"]) == ("handshake", "身份证", "我叫张三，我要办身份证")
    assert answer["info"]["name"] == "张三"
    turn = Turn.objects.order_by("position").first()
    assert (turn.confidence, turn.audio.name) == (0.9, "")


@in_threads
def test_audio_as_a_file(services, client, hears):
    hears("我要办身份证")
    sound = SimpleUploadedFile("speech.webm", SOUND, content_type="audio/webm")
    body = {"user_id": USER, "type": "handshake", "info": '{"name": "张三"}', "media": sound}
    answer = client.post("/handshake", body).json()
    assert (answer["classify"], answer["info"]["name"]) == ("身份证", "张三")


@in_threads
def test_audio_is_kept_where_the_settings_say_so(services, flow_post, hears, settings):
    settings.KIOSK = settings.KIOSK.model_copy(update={"keep_audio": True})
    hears("我要办身份证")
    flow_post("/handshake", spoken())
    with Turn.objects.order_by("position").first().audio.open() as file:
        assert file.read() == SOUND


@in_threads
@pytest.mark.parametrize("way", ["the same request", "the hash alone", "both"])
def test_processing_and_then_the_result(services, flow_post, gate, impatient, way):
    first = flow_post("/handshake", spoken())
    assert first == {"user_id": USER, "type": "processing", "hash": first["hash"], "detail": "语音正在识别，请稍后再试"}
    again = {"the same request": spoken(), "the hash alone": poll(first["hash"]), "both": spoken(hash=first["hash"])}[way]
    assert flow_post("/handshake", again) == first
    gate.open.set()
    until(lambda: DialogueSession.objects.get().state != "transcribing")
    answer = flow_post("/handshake", again)
    assert (answer["type"], answer["hash"], answer["classify"]) == ("handshake", first["hash"], "身份证")
    assert flow_post("/handshake", again) == answer
    assert (gate.heard, DialogueSession.objects.count()) == (1, 1)


@in_threads
def test_while_it_listens_nothing_else_is_done(services, flow_post, gate, impatient):
    token = flow_post("/handshake", spoken())["hash"]
    for body in (handshake(hash=token), spoken(b"other", hash=token)):
        assert flow_post("/handshake", body)["type"] == "processing"
    for kind in ("storage", "summary"):
        assert flow_post(f"/{kind}", {"user_id": USER, "type": kind, "hash": token})["type"] == "processing"


@in_threads
def test_somebody_elses_same_audio_is_another_visit(services, flow_post, gate, impatient):
    hashes = {flow_post("/handshake", spoken() | {"user_id": user})["hash"] for user in (USER, "citizen-2")}
    assert len(hashes) == 2


SPEECH_ERRORS = {
    "silence": (SpeechErrorCode.SILENT, "error", "没有听到说话"),
    "a video": (SpeechErrorCode.NOT_AUDIO, "error", "无法读取音频"),
    "too long": (SpeechErrorCode.TOO_LONG, "error", "录音过长"),
    "no engine": (SpeechErrorCode.UNAVAILABLE, "error", "manage.py models pull whisper-small"),
    "engine failed": (SpeechErrorCode.FAILED, "error", "语音处理失败"),
    "queue full": (SpeechErrorCode.BUSY, "busy", "繁忙"),
}


def speech_error(code: SpeechErrorCode) -> SpeechError:
    message = "语音服务不可用：请运行 manage.py models pull whisper-small" if code is SpeechErrorCode.UNAVAILABLE else ""
    return SpeechError(code, message)


@in_threads
@pytest.mark.parametrize(("code", "kind", "detail"), SPEECH_ERRORS.values(), ids=SPEECH_ERRORS.keys())
def test_audio_that_is_not_understood(services, flow_post, hears, code, kind, detail):
    hears(speech_error(code))
    answer = flow_post("/handshake", spoken())
    assert (answer["type"], detail in answer["detail"]) == (kind, True)
    assert DialogueSession.objects.get().state == "failed"
    hears("我要办身份证")
    again = flow_post("/handshake", spoken(hash=answer["hash"]))
    assert (again["hash"], again["classify"]) == (answer["hash"], "身份证")


@in_threads
def test_the_same_audio_is_listened_to_again_after_its_failure_was_told(services, flow_post, hears):
    hears(speech_error(SpeechErrorCode.FAILED))
    flow_post("/handshake", spoken())
    hears("我要办身份证")
    assert flow_post("/handshake", spoken())["classify"] == "身份证"


@in_threads
def test_silence_leaves_an_unclear_visit_where_it_was(services, flow_post, hears):
    token = flow_post("/handshake", handshake("驾驶证"))["hash"]
    hears(speech_error(SpeechErrorCode.SILENT))
    assert flow_post("/handshake", spoken(hash=token))["type"] == "error"
    session = DialogueSession.objects.get()
    assert (session.state, len(session.candidates)) == ("unclear", 2)
    hears("驾驶证补证")
    assert flow_post("/handshake", spoken(hash=token))["classify"] == "驾驶证补证"


def test_a_recogniser_that_hears_no_words(services, flow_post, hears):
    assert isinstance(listening._heard(b"x") if hears("  ") is None else None, SpeechError)


def lost(monkeypatch):
    """As after a restart: another process listened, and is gone."""
    monkeypatch.setattr(listening, "_BOOT", "another")


@in_threads
def test_after_a_restart_the_same_request_starts_anew(services, flow_post, gate, impatient, hears, settings, monkeypatch):
    first = flow_post("/handshake", spoken())
    lost(monkeypatch)
    hears("我要办身份证")
    settings.KIOSK = settings.KIOSK.model_copy(update={"handshake_seconds": 20})
    answer = flow_post("/handshake", spoken())
    assert (answer["type"], answer["hash"] != first["hash"]) == ("handshake", True)
    assert DialogueSession.objects.order_by("pk").first().state == "failed"


@in_threads
def test_after_a_restart_the_hash_alone_is_told(services, flow_post, gate, impatient, monkeypatch):
    token = flow_post("/handshake", spoken())["hash"]
    lost(monkeypatch)
    answer = flow_post("/handshake", poll(token))
    assert (answer["type"], answer["hash"], answer["detail"]) == ("error", token, "语音处理中断，请重新提交")
    assert DialogueSession.objects.get().state == "failed"


@in_threads
def test_too_many_utterances_are_told_busy(services, flow_post, gate, impatient, monkeypatch):
    monkeypatch.setattr(listening, "_capacity", lambda: 2)
    kinds = [flow_post("/handshake", spoken(bytes([number])))["type"] for number in range(3)]
    assert kinds == ["processing", "processing", "busy"]
    assert DialogueSession.objects.count() == 2


@in_threads
def test_a_transcript_that_comes_too_late_changes_nothing(services, flow_post, gate, impatient, caplog):
    flow_post("/handshake", spoken())
    DialogueSession.objects.update(state="expired")
    gate.open.set()
    until(lambda: not listening._jobs)
    session = DialogueSession.objects.get()
    assert (session.state, session.turns.count()) == ("expired", 0)
    assert caplog.records == []
