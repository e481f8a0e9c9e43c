"""The questions: their order, what an answer does, asking again, corrections, contradictions, and going on after a break."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from flows import speech
from flows.dialogue import conversation, wording
from flows.dialogue.conversation import answer, answer_audio, begin
from flows.dialogue.drafts import Draft
from flows.dialogue.errors import FlowError, FlowErrorCode
from flows.models import Citizen, DialogueSession, Turn
from flows.speech import SpeechError, SpeechErrorCode
from flows.types import FamilyMember, Slot
from tests.flows.conftest import USER, handshake, talk

pytestmark = pytest.mark.django_db

ID_CARD = "440103199003072817"
SENT = {"name": "张三", "gender": "男", "nationality": "汉", "phone": "13800138000"}


def draft() -> Draft:
    return Draft.from_json(DialogueSession.objects.get().draft)


def asked() -> str:
    """What the last question asked for."""
    return Turn.objects.filter(speaker="kiosk").order_by("-pk").values_list("slot", flat=True)[0]


def state() -> str:
    return DialogueSession.objects.get().state


def asked_slots() -> list[str]:
    slots = Turn.objects.filter(speaker="kiosk").exclude(slot="").order_by("position").values_list("slot", flat=True)
    return list(dict.fromkeys(slots))


ORDERS = {
    "necessary information, then the service's": (
        "我要办身份证",
        {},
        ["name", "gender", "nationality", "phone", "id_card", "address"],
    ),
    "then the family": (
        "我要领结婚证",
        {},
        ["name", "gender", "nationality", "phone", "id_card", "marital_status", "education", "spouse.name", "spouse.id_card"],
    ),
    "what the client sent is not asked": ("我要办身份证", SENT, ["id_card", "address"]),
    "what the ID number says is not asked": ("我要办身份证", {"id_card": ID_CARD}, ["name", "nationality", "phone", "address"]),
    "what was said at once is not asked": (
        "我叫张三，我要办身份证",
        {},
        ["gender", "nationality", "phone", "id_card", "address"],
    ),
}


@pytest.mark.parametrize(("request_text", "info", "order"), ORDERS.values(), ids=ORDERS.keys())
def test_order(visit, request_text, info, order):
    talk(visit(request_text, info=info))
    assert asked_slots() == order
    assert state() == "answered"


def test_one_question_at_a_time_and_its_record(visit):
    token = visit()
    question = begin(USER, token)
    assert question == "请问您叫什么名字？"
    following = answer(USER, token, "我叫张三")
    assert following.endswith("请问您的性别是？")
    turns = list(Turn.objects.order_by("position")[2:])
    assert [(turn.position, turn.speaker, turn.slot, turn.text) for turn in turns] == [
        (2, "kiosk", "name", question),
        (3, "citizen", "name", "我叫张三"),
        (4, "kiosk", "gender", following),
    ]
    assert 0 < turns[1].confidence <= 1
    assert draft().given == {Slot.NAME: "张三"}


def test_the_end_is_empty_and_stays_so(visit):
    token = visit()
    talk(token)
    session = DialogueSession.objects.get()
    assert (session.state, session.answered_at is not None) == ("answered", True)
    turns = Turn.objects.count()
    assert begin(USER, token) == begin(USER, token) == ""
    assert Turn.objects.count() == turns


def test_one_answer_fills_several_slots(visit):
    token = visit()
    begin(USER, token)
    question = answer(USER, token, "我叫张三，男的，汉族，电话13800138000")
    assert draft().given == {Slot.NAME: "张三", Slot.GENDER: "男", Slot.NATIONALITY: "汉", Slot.PHONE: "13800138000"}
    assert question.endswith(wording.question(conversation_field("id_card"), 0))


def conversation_field(name: str):
    from flows.dialogue.drafts import Field

    return Field.parse(name)


def test_a_lost_connection_goes_on_where_it_stopped(visit):
    token = visit()
    begin(USER, token)
    answer(USER, token, "我叫张三")
    turns = Turn.objects.count()
    assert begin(USER, token) == begin(USER, token) == "请问您的性别是？"
    assert Turn.objects.count() == turns


def test_an_answer_before_the_first_question_is_taken(visit):
    token = visit()
    assert answer(USER, token, "我叫张三").endswith("请问您的性别是？")


# Answers that don't help


def test_a_wrong_value_is_asked_again_with_the_reason(visit):
    token = visit(info={key: value for key, value in SENT.items() if key != "phone"})
    assert begin(USER, token) == wording.question(conversation_field("phone"), 0)
    again = answer(USER, token, "12345")
    assert again.endswith(wording.question(conversation_field("phone"), 1))
    assert len(again) > len(wording.question(conversation_field("phone"), 1))
    assert not again.startswith(wording.NOT_UNDERSTOOD)
    assert asked() == "phone"


def test_a_question_is_put_in_other_words_and_then_left_open(visit):
    token = visit(info={key: value for key, value in SENT.items() if key != "phone"})
    questions = [begin(USER, token), *(answer(USER, token, "12345") for _ in range(3))]
    assert [question[-6:] for question in questions[:3]] == [
        text[-6:] for text in wording.asking(conversation_field("phone")).questions
    ]
    assert questions[3].startswith(wording.LEFT_OPEN)
    assert asked() == "id_card"
    assert draft().left == {"phone"}


def test_visit_tries_is_a_setting(visit, settings):
    settings.KIOSK = settings.KIOSK.model_copy(update={"visit_tries": 1})
    token = visit(info={key: value for key, value in SENT.items() if key != "phone"})
    begin(USER, token)
    assert answer(USER, token, "12345").startswith(wording.LEFT_OPEN)


@pytest.mark.parametrize("words", ["不知道", "跳过", "不知道。", "跳过吧"])
def test_declining_leaves_it_open(visit, words):
    token = visit(info={key: value for key, value in SENT.items() if key != "phone"})
    begin(USER, token)
    assert answer(USER, token, words).startswith(wording.SKIPPED)
    assert draft().left == {"phone"}
    assert asked() == "id_card"


def test_what_was_left_open_can_be_told_later(visit):
    token = visit(info={key: value for key, value in SENT.items() if key != "phone"})
    begin(USER, token)
    answer(USER, token, "跳过")
    answer(USER, token, "我的电话是13800138000")
    assert draft().given[Slot.PHONE] == "13800138000"
    assert draft().left == set()


@pytest.mark.parametrize("words", ["", " ", "。。。", "\x00", "😀😀", "啊啊啊", "a" * 2000])
def test_noise_is_asked_again(visit, words):
    token = visit(info=SENT)
    begin(USER, token)
    assert answer(USER, token, words).endswith(wording.question(conversation_field("id_card"), 1))


def test_words_that_are_too_long(visit):
    token = visit()
    begin(USER, token)
    with pytest.raises(FlowError) as caught:
        answer(USER, token, "我" * 2001)
    assert caught.value.code is FlowErrorCode.TOO_LARGE
    assert begin(USER, token) == "请问您叫什么名字？"


# About the conversation


@pytest.mark.parametrize("words", ["再说一遍", "请再说一遍", "没听清", "你说什么？", "重复一下"])
def test_repeat(visit, words):
    token = visit()
    question = begin(USER, token)
    assert answer(USER, token, words) == question
    assert draft().tries == {}


@pytest.mark.parametrize("words", ["为什么要问这个", "为什么要我的电话？", "要这个干什么", "干嘛要知道这个"])
def test_why(visit, words):
    token = visit(info={key: value for key, value in SENT.items() if key != "phone"})
    question = begin(USER, token)
    assert answer(USER, token, words) == wording.asking(conversation_field("phone")).why + question


@pytest.mark.parametrize("words", ["什么意思", "籍贯是什么", "我听不懂", "这个怎么填"])
def test_meaning(visit, words):
    token = visit(info={key: value for key, value in SENT.items() if key != "phone"})
    question = begin(USER, token)
    assert answer(USER, token, words) == wording.asking(conversation_field("phone")).meaning + question


def test_explaining_ends_some_time(visit):
    token = visit()
    begin(USER, token)
    answers = [answer(USER, token, "再说一遍") for _ in range(4)]
    assert answers[3].startswith(wording.LEFT_OPEN)


@pytest.mark.parametrize("words", ["后面的都跳过", "别问了", "我不想再回答了", "全部跳过"])
def test_skip_all(visit, words):
    token = visit(info=SENT)
    begin(USER, token)
    assert answer(USER, token, words) == ""
    assert state() == "answered"
    assert draft().left == {"id_card", "address"}


@pytest.mark.parametrize("words", ["不办了", "我不想办了", "退出", "我要退出", "算了不办了", "取消办理"])
def test_leaving(visit, flow_post, words):
    token = visit("我叫张三，我要办身份证")
    begin(USER, token)
    assert answer(USER, token, words) == wording.REALLY_LEAVE
    assert begin(USER, token) == wording.REALLY_LEAVE
    assert answer(USER, token, "确定") == ""
    assert (state(), draft().given) == ("expired", {})
    with pytest.raises(FlowError) as caught:
        begin(USER, token)
    assert caught.value.code is FlowErrorCode.EXPIRED
    assert flow_post("/storage", {"user_id": USER, "type": "storage", "hash": token})["type"] == "error"
    assert Citizen.objects.count() == 0


@pytest.mark.parametrize("words", ["继续", "不是", "接着办吧", "嗯那个"])
def test_not_leaving_after_all(visit, words):
    token = visit()
    question = begin(USER, token)
    answer(USER, token, "不办了")
    assert answer(USER, token, words) == wording.GOING_ON + question
    assert state() == "asking"


def test_an_answer_instead_of_leaving(visit):
    token = visit()
    begin(USER, token)
    answer(USER, token, "不办了")
    assert answer(USER, token, "我叫张三").endswith("请问您的性别是？")


# Corrections


def test_a_correction_of_something_said_before(visit):
    token = visit(info=SENT)
    begin(USER, token)
    reply = answer(USER, token, "我刚才说错了，电话是13900139000")
    assert reply == wording.CORRECTED + wording.question(conversation_field("id_card"), 0)
    assert draft().given[Slot.PHONE] == "13900139000"


def test_a_correction_that_takes_back_the_last_answer(visit):
    token = visit(info={key: value for key, value in SENT.items() if key != "phone"})
    begin(USER, token)
    answer(USER, token, "13800138000")
    reply = answer(USER, token, "不对，是13900139000")
    assert draft().given[Slot.PHONE] == "13900139000"
    assert reply.startswith(wording.CORRECTED)


def test_a_correction_without_the_right_value_asks_for_it(visit):
    token = visit(info=SENT)
    begin(USER, token)
    assert answer(USER, token, "我的电话说错了") == wording.question(conversation_field("phone"), 0)
    reply = answer(USER, token, "13900139000")
    assert draft().given[Slot.PHONE] == "13900139000"
    assert reply.endswith(wording.question(conversation_field("id_card"), 0))


def test_a_correction_that_does_not_say_of_what(visit):
    token = visit(info=SENT)
    begin(USER, token)
    assert answer(USER, token, "说错了") == wording.WHAT_TO_CORRECT
    assert begin(USER, token) == wording.question(conversation_field("id_card"), 0)


def test_what_is_known_is_not_changed_in_passing(visit):
    token = visit(info=SENT)
    begin(USER, token)
    answer(USER, token, "回族")
    assert draft().given[Slot.NATIONALITY] == "汉"
    answer(USER, token, "我的民族是回族")
    assert draft().given[Slot.NATIONALITY] == "回"


def test_a_correction_after_the_end(visit):
    token = visit()
    talk(token)
    assert answer(USER, token, "我刚才说错了，电话是13900139000") == ""
    assert (state(), draft().given[Slot.PHONE]) == ("answered", "13900139000")


def test_a_corrected_id_number_takes_its_consequences_along(visit):
    token = visit(info={"name": "张三", "nationality": "汉", "phone": "13800138000", "id_card": ID_CARD})
    begin(USER, token)
    answer(USER, token, "我的身份证说错了，身份证号是110101198506150027")
    assert draft().given[Slot.GENDER] == "女"
    assert str(draft().given[Slot.BIRTH]) == "1985-06-15"


# Contradictions


@pytest.fixture
def contradicting(visit):
    """A visit whose citizen said to be a woman and gave a man's ID number."""
    token = visit(info=SENT | {"gender": "女"})
    begin(USER, token)
    question = answer(USER, token, ID_CARD)
    assert question.endswith(wording.dispute(Slot.GENDER, first_time=True))
    assert asked() == "gender"
    return token


def test_a_contradiction_is_asked_about_without_saying_it_aloud(contradicting):
    question = begin(USER, contradicting)
    assert "身份证号" in question
    assert "男" not in question
    assert ID_CARD not in question


SETTLED = {
    "the card": ("以身份证为准", "男"),
    "the card, briefly": ("身份证", "男"),
    "my mistake": ("我刚才说错了", "男"),
    "my words": ("以我说的为准", "女"),
    "my words, briefly": ("我说的", "女"),
    "the card is wrong": ("身份证上的是错的", "女"),
}


@pytest.mark.parametrize(("words", "gender"), SETTLED.values(), ids=SETTLED.keys())
def test_settling_a_contradiction(contradicting, words, gender):
    following = answer(USER, contradicting, words)
    assert draft().given[Slot.GENDER] == gender
    assert following.endswith(wording.question(conversation_field("address"), 0))


@pytest.mark.parametrize(("words", "gender"), [("女的", "女"), ("我是男的", "男")], ids=["insisting", "giving in"])
def test_saying_it_once_more_settles_it(contradicting, words, gender):
    following = answer(USER, contradicting, words)
    assert draft().given[Slot.GENDER] == gender
    assert following.endswith(wording.question(conversation_field("address"), 0))


def test_saying_the_number_once_more_settles_nothing(contradicting):
    assert answer(USER, contradicting, ID_CARD).endswith(wording.dispute(Slot.GENDER, first_time=False))


def test_another_id_number_settles_it_too(contradicting):
    answer(USER, contradicting, "110101198506150027")
    assert (draft().given[Slot.GENDER], draft().given[Slot.ID_CARD]) == ("女", "110101198506150027")
    assert asked() == "address"


def test_a_contradiction_nobody_settles_is_left_to_staff(contradicting):
    replies = [answer(USER, contradicting, "嗯嗯嗯") for _ in range(3)]
    assert replies[0].endswith(wording.dispute(Slot.GENDER, first_time=False))
    assert asked() == "address"
    assert draft().given[Slot.GENDER] == "女"


@pytest.mark.parametrize("words", ["跳过", "不知道", "我不想说"])
def test_a_contradiction_is_left_to_staff_at_once_by_who_declines(contradicting, words):
    following = answer(USER, contradicting, words)
    assert draft().given[Slot.GENDER] == "女"
    assert following.endswith(wording.question(conversation_field("address"), 0))


def test_what_contradicts_at_the_handshake_is_asked_first(visit):
    token = visit(info=SENT | {"gender": "女", "id_card": ID_CARD})
    assert begin(USER, token) == wording.dispute(Slot.GENDER, first_time=True)


# Family


@pytest.fixture
def married(visit):
    token = visit("我要领结婚证", info=SENT | {"id_card": ID_CARD, "marital_status": False, "education": "本科"})
    assert begin(USER, token) == wording.question(conversation_field("spouse.name"), 0)
    return token


def test_a_relatives_values_are_the_relatives(married):
    answer(USER, married, "李丽")
    assert asked() == "spouse.id_card"
    assert answer(USER, married, "110101198506150027") == ""
    assert draft().relatives == {FamilyMember.SPOUSE: {Slot.NAME: "李丽", Slot.ID_CARD: "110101198506150027"}}
    assert draft().given[Slot.NAME] == "张三"


def test_no_such_relative(married):
    assert answer(USER, married, "没有") == ""
    assert (draft().absent, state()) == ({FamilyMember.SPOUSE}, "answered")


def test_an_unknown_name_does_not_mean_that_there_is_nobody(married):
    assert answer(USER, married, "不知道").endswith(wording.question(conversation_field("spouse.id_card"), 0))
    assert draft().absent == set()


# Audio


def test_an_utterance(visit, hears, settings):
    settings.KIOSK = settings.KIOSK.model_copy(update={"keep_audio": True})
    token = visit()
    begin(USER, token)
    hears("我叫张三")
    assert answer_audio(USER, token, b"sound").endswith("请问您的性别是？")
    turn = Turn.objects.get(speaker="citizen", slot="name")
    assert (turn.text, turn.confidence <= 0.9) == ("我叫张三", True)
    with turn.audio.open() as file:
        assert file.read() == b"sound"


def test_silence_is_asked_again(visit, hears):
    token = visit()
    question = begin(USER, token)
    hears(SpeechError(SpeechErrorCode.SILENT))
    assert answer_audio(USER, token, b"silence") == wording.NOT_HEARD + question
    assert draft().tries == {}


@pytest.mark.parametrize(
    ("speech_code", "code"),
    [
        (SpeechErrorCode.NOT_AUDIO, FlowErrorCode.BAD_AUDIO),
        (SpeechErrorCode.TOO_LONG, FlowErrorCode.BAD_AUDIO),
        (SpeechErrorCode.TOO_LARGE, FlowErrorCode.TOO_LARGE),
        (SpeechErrorCode.UNAVAILABLE, FlowErrorCode.SPEECH_UNAVAILABLE),
        (SpeechErrorCode.BUSY, FlowErrorCode.BUSY),
        (SpeechErrorCode.FAILED, FlowErrorCode.SPEECH_FAILED),
    ],
)
def test_sound_that_can_not_be_heard_leaves_the_question_open(visit, hears, speech_code, code):
    token = visit()
    question = begin(USER, token)
    turns = Turn.objects.count()
    hears(SpeechError(speech_code))
    with pytest.raises(FlowError) as caught:
        answer_audio(USER, token, b"a video")
    assert caught.value.code is code
    assert (begin(USER, token), Turn.objects.count()) == (question, turns)


def test_nothing_is_transcribed_for_a_wrong_hash(services, monkeypatch):
    monkeypatch.setattr(speech, "transcribe", lambda _audio: pytest.fail("heard"))
    with pytest.raises(FlowError):
        answer_audio(USER, "a" * 64, b"sound")


# Who, when, and how often


@pytest.mark.parametrize("call", [begin, lambda user, token: answer(user, token, "我叫张三")], ids=["begin", "answer"])
def test_whose_and_how_long(visit, call):
    token = visit()
    for user, value in ((USER, "a" * 64), ("citizen-2", token), (USER, token[:-1]), (USER, "")):
        with pytest.raises(FlowError) as caught:
            call(user, value)
        assert caught.value.code is FlowErrorCode.NO_VISIT
    DialogueSession.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(FlowError) as caught:
        call(USER, token)
    assert caught.value.code is FlowErrorCode.EXPIRED
    assert draft().given == {}


def test_an_unclear_visit_asks_nothing(services, flow_post):
    token = flow_post("/handshake", handshake("驾驶证"))["hash"]
    with pytest.raises(FlowError) as caught:
        begin(USER, token)
    assert caught.value.code is FlowErrorCode.WRONG_ORDER


def test_after_storage_nothing_is_asked_or_changed(visit, flow_post):
    token = visit()
    talk(token)
    flow_post("/storage", {"user_id": USER, "type": "storage", "hash": token})
    assert begin(USER, token) == answer(USER, token, "我刚才说错了，电话是13900139000") == ""
    assert Citizen.objects.get().phone == "13800138000"


def test_a_visit_does_not_talk_for_ever(visit, monkeypatch):
    monkeypatch.setattr(conversation, "_MOST_TURNS", 10)
    token = visit()
    begin(USER, token)
    replies = [answer(USER, token, "再说一遍") for _ in range(4)]
    assert replies[-1] == ""
    assert state() == "answered"


def test_few_queries(visit, django_assert_max_num_queries):
    token = visit()
    begin(USER, token)
    with django_assert_max_num_queries(5):
        answer(USER, token, "我叫张三")


@pytest.mark.django_db(transaction=True)
def test_of_two_answers_at_once_one_is_taken(visit, monkeypatch):
    token = visit()
    begin(USER, token)
    both_have_read = threading.Barrier(2, timeout=10)
    hear = conversation.hear

    def slow(*arguments, **options):
        heard = hear(*arguments, **options)
        both_have_read.wait()
        return heard

    monkeypatch.setattr(conversation, "hear", slow)
    outcomes: list[object] = []

    def say(name: str) -> None:
        try:
            outcomes.append(answer(USER, token, f"我叫{name}"))
        except FlowError as error:
            outcomes.append(error.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=say, args=[name]) for name in ("张三", "李四")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["FlowErrorCode", "str"]
    assert FlowErrorCode.CONCURRENT in outcomes
    assert Turn.objects.filter(speaker="citizen", slot="name").count() == 1
