"""One way of writing, and which parts of what was said are the request."""

from __future__ import annotations

import pytest

from flows.understanding.phonetics import coarse, initials, sound, spelled
from flows.understanding.text import clauses, normalise

NORMAL = {
    "traditional": ("身份證", "身份证"),
    "full width": ("ＩＤ　ｃａｒｄ", "身份证"),
    "dialect": ("俺想办个证咋整", "我想办证怎么办"),
    "a gap between characters": ("我 要 办", "我要办"),
    "punctuation": ("好！！办证……", "好,办证"),
    "a list is one clause": ("身份证、护照", "身份证和护照"),
    "measure words": ("考个驾照", "考驾照"),
    "not inside a word": ("个税", "个税"),
    "control characters": ("办\x00证", "办,证"),
    "nothing": ("！", ""),
}
REQUESTED = {
    "all": ("我要办护照", ["我要办护照"]),
    "not this but that": ("不是身份证，是居住证", ["是居住证"]),
    "declined": ("我不办护照，要办居住证", ["要办居住证"]),
    "a recogniser's 补办": ("户口本要不办", ["户口本要不办"]),
    "not lost": ("驾照没丢，到期了", ["驾照", "到期了"]),
    "a question": ("是不是要换", ["是不是要换"]),
    "brought": ("身份证带了，办护照", ["办护照"]),
    "brought, in one clause": ("带了身份证想办护照", ["想办护照"]),
    "in the hand": ("身份证我都拿着呢，想报销", ["想报销"]),
    "done before": ("昨天刚办完身份证，今天办护照", ["今天办护照"]),
    "possessed": ("我有护照，要办通行证", ["要办通行证"]),
    "introduced": ("我叫王建国，要办护照", ["要办护照"]),
    "compared": ("名字跟出生证不一样要改", ["名字不一样要改"]),
}


@pytest.mark.parametrize(("text", "normal"), NORMAL.values(), ids=NORMAL.keys())
def test_there_is_one_way_of_writing(text, normal):
    assert normalise(text) == normal


@pytest.mark.parametrize(("text", "wanted"), REQUESTED.values(), ids=REQUESTED.keys())
def test_what_is_not_wanted_weighs_less_or_is_left_out(text, wanted):
    found = clauses(normalise(text))
    likely = max(clause.weight for clause in found)
    assert [clause.text for clause in found if clause.weight == likely] == wanted


def test_only_the_beginning_and_the_end_of_a_long_text_are_read():
    normal = normalise("一" * 2_000 + "二" * 2_000)
    assert len(normal) <= 1_001
    assert set(normal) == {"一", "二", ","}


@pytest.mark.parametrize(
    ("one", "other"), [("身", "生"), ("证", "正"), ("南", "兰"), ("公", "工"), ("四", "是")], ids=lambda char: char
)
def test_what_is_often_confused_sounds_the_same(one, other):
    assert sound(one) == sound(other)


@pytest.mark.parametrize(("one", "other"), [("户", "护照"[1]), ("身", "份"), ("a", "b")], ids=["vowels", "initials", "Latin"])
def test_other_sounds_differ(one, other):
    assert sound(one) != sound(other)


def test_merged_sounds_are_merged_once():
    assert [coarse(syllable) for syllable in ("zheng", "ni", "n", "ying", "shang")] == ["zen", "li", "n", "yin", "sang"]


SPELLED = {
    "pinyin": ("juzhuzheng", ("ju", "zu", "zen")),
    "English": ("passport", ()),
    "too short": ("an", ()),
    "no syllables": ("xyzw", ()),
}


@pytest.mark.parametrize(("word", "syllables"), SPELLED.values(), ids=SPELLED.keys())
def test_pinyin_is_told_from_other_latin_words(word, syllables):
    assert spelled(word) == syllables


def test_initials_are_those_of_chinese_words_only():
    assert (initials("身份证"), initials("C1证")) == ("sfz", "")
