"""What citizens say about the conversation, and what only looks like it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flows.dialogue.intents import Intent, intent_of, is_yes, mentioned, takes_back, trusts_card
from flows.types import Slot

INTENTS = {
    Intent.REPEAT: [
        "再说一遍",
        "请您再说一遍好吗？",
        "没听清",
        "我没听清楚，再说一遍",
        "嗯？你说什么",
        "什么？",
        "能不能再说一次",
        "重复一下",
        "听不清",
        "你刚才问的啥",
    ],
    Intent.WHY: [
        "为什么要问这个",
        "为啥要我的身份证号",
        "问这个干嘛",
        "要这个干什么呀",
        "这有什么用",
        "凭什么问我",
        "你们为什么要知道这个",
    ],
    Intent.MEANING: [
        "什么意思",
        "这是什么意思啊",
        "籍贯是什么",
        "政治面貌是啥意思",
        "我不懂",
        "听不懂",
        "没听懂",
        "这个怎么填",
        "解释一下",
    ],
    Intent.SKIP_ALL: ["全部跳过", "后面的都跳过吧", "剩下的都不填了", "别问了", "你不要再问了", "我不想再回答了", "不想回答问题"],
    Intent.LEAVE: [
        "不办了",
        "我不想办了",
        "算了，不办了",
        "退出",
        "我要退出",
        "取消办理",
        "结束对话",
        "下次再来吧",
        "再见",
        "我先走了",
    ],
    Intent.CORRECTION: ["我刚才说错了", "不对，是13900139000", "电话说错了", "改一下名字", "口误口误"],
}
NOTHING = [
    "不知道",
    "跳过",
    "不想说",
    "不想填",
    "没有",
    "我叫再兴",
    "张三",
    "我在退出办公室工作",
    "我住在什么路我忘了，就在人民医院旁边，过了红绿灯左转那个小区",
    "无业",
    "不清楚",
    "我是自由职业，平时不坐班",
    "",
    "。。。",
]


@pytest.mark.parametrize(("words", "intent"), [(words, intent) for intent, listed in INTENTS.items() for words in listed])
def test_intent(words, intent):
    assert intent_of(words) is intent


@pytest.mark.parametrize("words", NOTHING)
def test_no_intent(words):
    assert intent_of(words) is None


ANSWERS = Path(__file__).parents[1] / "data" / "answers.jsonl"


def test_no_answer_is_taken_for_talk_about_the_conversation():
    lines = [json.loads(line) for line in ANSWERS.read_text(encoding="utf-8").splitlines()]
    answers = [line["text"] for line in lines if line["values"] or line["declined"]]
    assert len(answers) > 500
    assert [text for text in answers if intent_of(text) not in {None, Intent.CORRECTION}] == []


def test_no_request_is_taken_for_talk_about_the_conversation():
    lines = [json.loads(line) for line in (ANSWERS.parent / "requests.jsonl").read_text(encoding="utf-8").splitlines()]
    services = [line["text"] for line in lines if line["service"]]
    assert len(services) > 200
    assert [text for text in services if intent_of(text) not in {None, Intent.CORRECTION}] == []


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("不对，是1990年", True),
        ("我刚才说错了，电话是139", True),
        ("错了，是李四", True),
        ("等一下，不是，我叫李四", True),
        ("女的，不对，男的", False),
        ("13800138000", False),
    ],
)
def test_taking_back(words, expected):
    assert takes_back(words) is expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("确定", True),
        ("是的，不办了", True),
        ("对", True),
        ("嗯", True),
        ("好的", True),
        ("继续", False),
        ("不是", False),
        ("我叫张三", False),
    ],
)
def test_yes(words, expected):
    assert is_yes(words) is expected


CARD, WORDS = True, False


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("以身份证为准", CARD),
        ("身份证上的对", CARD),
        ("身份证", CARD),
        ("按身份证来吧", CARD),
        ("我刚才说错了", CARD),
        ("是我记错了", CARD),
        ("以我说的为准", WORDS),
        ("我说的对", WORDS),
        ("听我的", WORDS),
        ("身份证上的是错的", WORDS),
        ("身份证号登记错了", WORDS),
        ("不知道", None),
        ("两个都对", None),
        ("440103199003072817", None),
    ],
)
def test_which_side(words, expected):
    assert trusts_card(words) is expected


@pytest.mark.parametrize(
    ("words", "slots"),
    [
        ("我的电话说错了", {Slot.PHONE}),
        ("名字和生日都错了", {Slot.NAME, Slot.BIRTH}),
        ("不对", set()),
    ],
)
def test_mentioned(words, slots):
    assert mentioned(words) == slots
