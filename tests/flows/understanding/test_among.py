"""Answers to the question which of a few services is meant."""

from __future__ import annotations

import pytest

from flows.understanding.base import Decision

ID_CARDS = ("id-card", "id-card-renewal", "id-card-loss")
FUND = ("provident-fund-withdrawal", "provident-fund-loan", "provident-fund-transfer")
TRAVEL = ("passport", "hk-macau-permit")

CHOSEN = {
    "first": ("第一个", ID_CARDS, "id-card"),
    "second, in digits": ("第2个", ID_CARDS, "id-card-renewal"),
    "third, bare": ("三", ID_CARDS, "id-card-loss"),
    "bare digit": ("2", FUND, "provident-fund-loan"),
    "number": ("二号", FUND, "provident-fund-loan"),
    "last": ("最后一个", FUND, "provident-fund-transfer"),
    "middle": ("中间那个", FUND, "provident-fund-loan"),
    "former": ("前面那个", TRAVEL, "passport"),
    "latter": ("后者", TRAVEL, "hk-macau-permit"),
    "politely": ("嗯，我要办第二个，谢谢", FUND, "provident-fund-loan"),
    "wrong character of the same sound": ("地一个", FUND, "provident-fund-withdrawal"),
    "corrected": ("不是第一个，是第二个", FUND, "provident-fund-loan"),
    "by its action": ("就是那个补办的", ID_CARDS, "id-card-loss"),
    "by its word": ("贷款", FUND, "provident-fund-loan"),
    "by its word, in a sentence": ("我想把钱取出来", FUND, "provident-fund-withdrawal"),
    "by its name": ("公积金转移", FUND, "provident-fund-transfer"),
    "by what is not meant": ("不是护照", TRAVEL, "hk-macau-permit"),
    "yes": ("对", ("passport",), "passport"),
    "yes, at length": ("嗯对，就是这个", ("passport",), "passport"),
    "another service after all": ("都不是，我要办居住证", ID_CARDS, "residence-permit"),
    "another service without a no": ("我要办结婚登记", ID_CARDS, "marriage-registration"),
}
ASKED_AGAIN = {
    "yes to three": ("对", FUND, set(FUND)),
    "all": ("两个都要", TRAVEL, set(TRAVEL)),
    "not the first of three": ("不是第一个", FUND, set(FUND[1:])),
    "the word they share": ("公积金", FUND, set(FUND)),
    "none": ("都不是", FUND, set()),
    "no": ("不是", FUND, set()),
    "no to the only one": ("不对", ("passport",), set()),
}
NOT_A_POSITION = {
    "more than there are": ("第三个", TRAVEL),
    "a third child": ("第三个孩子出生", FUND),
}


@pytest.mark.parametrize(("text", "among", "code"), CHOSEN.values(), ids=CHOSEN.keys())
def test_one_is_chosen(shipped, text, among, code):
    found = shipped.classify(text, among=among)
    assert (found.decision, found.service and found.service.code) == (Decision.SERVICE, code)


@pytest.mark.parametrize(("text", "among", "codes"), ASKED_AGAIN.values(), ids=ASKED_AGAIN.keys())
def test_it_is_asked_again(shipped, text, among, codes):
    found = shipped.classify(text, among=among)
    assert (found.decision, {candidate.code for candidate in found.candidates}) == (Decision.UNCLEAR, codes)


@pytest.mark.parametrize(("text", "among"), NOT_A_POSITION.values(), ids=NOT_A_POSITION.keys())
def test_no_position_is_guessed(shipped, text, among):
    found = shipped.classify(text, among=among)
    assert found.service is None or found.service.code not in among


def test_without_a_question_a_position_means_nothing(shipped):
    assert shipped.classify("第一个").decision is not Decision.SERVICE


def test_codes_that_are_offered_no_longer_are_as_if_not_asked(shipped):
    assert shipped.classify("第一个", among=["gone"]) == shipped.classify("第一个")
    assert shipped.classify("第一个", among=["gone", "passport"]).service.code == "passport"


@pytest.mark.parametrize("text", ["", "，。", "😀", "谢谢再见"])
def test_what_is_no_answer_is_no_service(shipped, text):
    assert shipped.classify(text, among=FUND).decision is not Decision.SERVICE
