"""What the built-in understanding makes of requests, of a hall's own catalogue, and of input that is none."""

from __future__ import annotations

import logging
import time

import pytest

from bench.understanding import builtin_for
from flows.slots import read_answer
from flows.types import Slot
from flows.understanding.base import MOST_CANDIDATES, Decision
from flows.understanding.retrieval import ServiceWords

REQUESTS = {
    "plain": ("我要办身份证", "id-card"),
    "the action tells items apart: lost": ("身份证丢了", "id-card-loss"),
    "the action tells items apart: expired": ("身份证到期了要换", "id-card-renewal"),
    "wrong characters of the same sound": ("我要提取工积金", "provident-fund-withdrawal"),
    "a sound that is often confused": ("我要办居注证", "residence-permit"),
    "traditional characters": ("想辦居住證", "residence-permit"),
    "Cantonese": ("護照唔見咗點算", "passport"),
    "Sichuan": ("娃儿上户口要啥子材料", "birth-registration"),
    "English inside": ("renew 我的 passport", "passport"),
    "English only": ("I want to get married", "marriage-registration"),
    "pinyin": ("我要办juzhuzheng", "residence-permit"),
    "initials": ("补办sfz", "id-card-loss"),
    "full width and spaces": ("我　要　办　护　照", "passport"),
    "corrected": ("不是身份证，是居住证", "residence-permit"),
    "declined first": ("我不是来结婚的，我们要离婚", "divorce-registration"),
    "documents that are only brought": ("我带了身份证来，想给孩子上户口", "birth-registration"),
    "brought, without punctuation": ("我带了身份证户口本来想给孩子上户口", "birth-registration"),
    "who they are first": ("我叫张三，男的，汉族，我要办身份证", "id-card"),
    "who they are first, with numbers": ("我叫李娜，女，13800138000，要办护照", "passport"),
}
UNCLEAR = {
    "a shared alias": ("公积金", {"provident-fund-withdrawal", "provident-fund-loan", "provident-fund-transfer"}),
    "a shared alias by sound": ("我要办工积金", {"provident-fund-withdrawal", "provident-fund-loan", "provident-fund-transfer"}),
    "a shared alias with a verb that one of them has in its own": ("我要办房产证", {"real-estate-first", "real-estate-transfer"}),
    "two services": ("我要办护照和港澳通行证", {"passport", "hk-macau-permit"}),
    "a second wish without a word of wishing": ("办结婚登记，顺便把户口迁过来", {"marriage-registration", "hukou-transfer"}),
    "two services in two clauses": ("给孩子上户口，还要办居住证", {"birth-registration", "residence-permit"}),
}
NO_SERVICE = {
    "nothing": "",
    "spaces": " \t\n　",
    "punctuation": "，。！？…",
    "emoji": "😀🎉",
    "control characters": "\x00\x01\x1b[31m\u200b\ufeff",
    "an unpaired surrogate": "\ud800",
    "Latin nonsense": "asdfghjkl",
    "digits": "1234567890",
    "greeting": "您好",
    "weather": "今天天气怎么样",
    "the hall": "厕所在哪里",
    "insult": "你是傻子吗",
    "emergency": "救命啊，有人晕倒了",
    "another office": "我要办烟草专卖许可证",
    "only mentioned": "我昨天刚办完身份证",
    "only brought": "身份证我带了，户口本也带了",
    "declined": "我不办护照了",
}


@pytest.mark.parametrize(("text", "code"), REQUESTS.values(), ids=REQUESTS.keys())
def test_a_request_is_understood(shipped, text, code):
    found = shipped.classify(text)
    assert (found.decision, found.service and found.service.code) == (Decision.SERVICE, code)
    assert found.candidates == ()
    assert 0 < found.confidence <= 1


@pytest.mark.parametrize(("text", "codes"), UNCLEAR.values(), ids=UNCLEAR.keys())
def test_what_may_be_several_is_asked_about(shipped, text, codes):
    found = shipped.classify(text)
    assert found.decision is Decision.UNCLEAR
    assert codes <= {candidate.code for candidate in found.candidates}
    assert len(found.candidates) <= MOST_CANDIDATES
    assert found.service is None


def test_a_wish_without_a_service_is_asked_about_without_candidates(shipped):
    found = shipped.classify("我想办理业务")
    assert (found.decision, found.candidates) == (Decision.UNCLEAR, ())


@pytest.mark.parametrize("text", NO_SERVICE.values(), ids=NO_SERVICE.keys())
def test_what_asks_for_no_service_is_none(shipped, text):
    found = shipped.classify(text)
    assert (found.decision, found.service, found.candidates) == (Decision.NO_SERVICE, None, ())


LONG = {
    "5 MB of one character": "办" * 5_000_000,
    "5 MB without punctuation": "我带了身份证来想办" * 200_000,
    "5 MB of punctuation": "，" * 5_000_000,
    "5 MB of requests": "我要办护照，" * 300_000,
    "many corrections": "不是身份证是" * 300,
    "deep repetition of a pattern's parts": "可以能想要" * 300,
    "5 MB of Latin": "a" * 5_000_000,
}


@pytest.mark.parametrize("text", LONG.values(), ids=LONG.keys())
def test_however_long_a_text_is_it_costs_little(shipped, text):
    shipped.classify("")
    started = time.perf_counter()
    shipped.classify(text)
    assert time.perf_counter() - started < 0.5


def test_what_is_wanted_at_the_end_of_a_long_story_is_heard(shipped):
    assert shipped.classify("我跟你说说我们村里的事情，" * 500 + "我要办护照").decision is not Decision.NO_SERVICE


OWN = [
    ServiceWords("pet", "宠物登记", ("狗证", "养犬证", "给狗上户口"), ("我要给狗办证", "新养了一只狗要登记")),
    ServiceWords("tobacco", "烟草专卖零售许可证", ("烟草证", "卖烟的证"), ("我想开店卖烟", "烟草证怎么办")),
    ServiceWords("well", "取水许可证", ("打井", "取水证"), ("我要打一口井", "办取水许可")),
]
OWN_REQUESTS = {
    "a name": ("我要办宠物登记", "pet"),
    "an alias that is elsewhere in the shipped lexicon": ("我想办个烟草证", "tobacco"),
    "by sound": ("取税许可正怎么办", "well"),
    "a paraphrase": ("家里新养了条狗，想登记一下", "pet"),
}


@pytest.fixture(scope="module")
def own():
    return builtin_for(OWN)


@pytest.mark.parametrize(("text", "code"), OWN_REQUESTS.values(), ids=OWN_REQUESTS.keys())
def test_a_catalogue_that_a_hall_wrote_itself_is_understood(own, text, code):
    found = own.classify(text)
    named = {found.service.code} if found.service else {candidate.code for candidate in found.candidates}
    assert code in named


@pytest.mark.parametrize("text", ["我要办身份证", "公积金怎么取", "今天天气怎么样", "离婚"])
def test_what_it_does_not_offer_is_not_taken_for_what_it_offers(own, text):
    assert own.classify(text).decision is not Decision.SERVICE


@pytest.mark.parametrize("services", [[], OWN[:1]], ids=["empty", "one service"])
def test_a_catalogue_may_be_tiny(services):
    builtin = builtin_for(services)
    assert builtin.classify("我要办护照").decision is not Decision.SERVICE
    assert builtin.classify("我要办护照", among=["passport"]).decision is not Decision.SERVICE
    assert builtin.classify("").decision is Decision.NO_SERVICE


def test_services_without_words_of_their_own_do_no_harm():
    builtin = builtin_for([ServiceWords("blank", "！！"), *OWN])
    assert builtin.classify("我要办烟草证").service.code == "tobacco"


def test_a_catalogue_that_is_too_large_to_learn_whole_is_learnt_in_part(caplog, monkeypatch):
    monkeypatch.setattr("flows.understanding.retrieval._MOST_PHRASES", 6)
    with caplog.at_level(logging.WARNING):
        builtin = builtin_for(OWN)
        assert builtin.classify("我要办烟草专卖零售许可证").service.code == "tobacco"
    assert "16 phrases; 6 are used" in caplog.text


def test_reading_is_the_slot_parsers(shipped, today):
    text = "我叫张三，男的"
    assert shipped.read(text, asked=Slot.NAME, today=today) == read_answer(text, asked=Slot.NAME, today=today)


def test_nothing_that_was_said_is_logged(shipped, caplog):
    with caplog.at_level(logging.DEBUG):
        shipped.classify("我叫王建国，要办护照")
    assert "王建国" not in caplog.text
