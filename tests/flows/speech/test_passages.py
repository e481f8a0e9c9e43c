"""What a recogniser says it heard: inventions left out, repetitions cut, parts joined."""

from __future__ import annotations

import math

import pytest

from flows.speech.passages import PROMPT, Heard, Passage, heard, is_invented, join, without_repetition

HINTS = ("身份证", "户口本", "居住证", "护照", "社保卡")


def passage(text: str, *, logprob: float = -0.2, compression_ratio: float = 1.0, tokens: int = 8) -> Passage:
    return Passage(text, logprob, compression_ratio, tokens)


@pytest.mark.parametrize(
    ("said", "invented"),
    [
        (passage("我要办身份证"), False),
        (passage("身份证"), False),
        (passage("身份证、户口本和居住证"), False),
        (passage("普通话"), False),
        (passage("感谢你们的帮助，再见"), False),
        (passage("我要我要我要办证", compression_ratio=3.0), False),
        (passage("我想订阅办事通知", logprob=-1.5), False),
        (passage(""), True),
        (passage("。"), True),
        (passage(PROMPT), True),
        (passage("普通话的句子"), True),
        (passage("请不吝点赞 订阅 转发 打赏支持明镜与点点栏目"), True),
        (passage("字幕由 Amara.org 社区提供"), True),
        (passage("谢谢观看"), True),
        (passage("Thanks for watching!"), True),
        (passage("身份证、户口本、居住证、护照、社保卡"), True),
        (passage("户口本，居住证，护照，社保卡。"), True),
        (passage("办办办办办办办办", logprob=-1.5, compression_ratio=3.0), True),
    ],
    ids=lambda value: value.text[:12] if isinstance(value, Passage) else "",
)
def test_inventions(said, invented):
    assert is_invented(said, hints=HINTS) is invented


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("我要办证，我要办证，我要办证，我要办证，", "我要办证，"),
        ("我要办证，我要办证，我要办证", "我要办证，我要办证，我要办证"),
        ("好的好的好的好的好的谢谢", "好的谢谢"),
        ("我的号码是13800000000", "我的号码是13800000000"),
        ("我的号码是幺三八零零零零零零零零", "我的号码是幺三八零零零零零零零零"),
        ("11 11 11 11 11", "11 11 11 11 11"),
        ("人人人人", "人人人人"),
        ("yes yes yes yes yes", "yes yes"),
        ("", ""),
    ],
)
def test_repetitions(text, expected):
    assert without_repetition(text) == expected


def test_repetition_of_a_long_text_is_found_quickly():
    assert len(without_repetition("一二三四五六七八九十百千万" * 2000)) < 40


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        (("我要", "办证"), "我要办证"),
        ((" I want", " a permit"), "I want a permit"),
        (("我要办 ID", "证"), "我要办 ID证"),
        (("", "办证"), "办证"),
        ((), ""),
    ],
)
def test_join(parts, text):
    assert join([Heard(part, 0.5, 3) for part in parts]).text == text


def test_confidence_is_the_mean_probability_of_a_token():
    found = heard([passage("我要办", logprob=math.log(0.9), tokens=9), passage("身份证", logprob=math.log(0.4), tokens=1)])
    assert found.confidence == pytest.approx(0.85)
    assert heard([]).confidence == 0


def test_nothing_that_was_said_is_shown():
    assert "办证" not in repr(passage("办证")) + repr(heard([passage("办证")]))
