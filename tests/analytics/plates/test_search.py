from __future__ import annotations

import itertools
import random

import pytest

from analytics.plates.search import (
    BadQuery,
    distance,
    folded_key,
    prefilter,
    score,
    search,
    search_key,
    understand,
)

TEXTS = [
    "苏D561GM",
    "苏D56IGM",
    "苏0561GM",
    "苏D561GN",
    "沪D561GM",
    "苏D567GM",
    "豫CG117挂",
    "豫CG711挂",
    "粤Z5A55港",
    "苏BD00111",
    "ABC123",
]


def found(query, texts=TEXTS, **options):
    return [match.text for match in search(query, enumerate(texts), **options)]


@pytest.mark.parametrize(
    "query",
    ["苏D561GM", "苏D·561GM", " 苏d561gm ", "苏Ｄ５６１ＧＭ", "苏D-561 GM"],
    ids=["plain", "dot", "lower case", "full width", "gaps"],
)
def test_the_exact_plate_comes_first_however_it_is_written(query):
    first, *rest = search(query, enumerate(TEXTS))
    assert (first.text, first.score, first.is_exact, first.key) == ("苏D561GM", 1.0, True, 0)
    assert all(not match.is_exact and match.score < 1.0 for match in rest)


def test_misreadings_come_before_other_differences():
    assert found("苏D561GM") == ["苏D561GM", "苏D56IGM", "苏0561GM", "苏D561GN", "苏D567GM", "沪D561GM"]


def test_scores_fall_with_every_difference():
    wanted = understand("苏D561GM")
    scores = [score(wanted, text) for text in ("苏D561GM", "苏D56IGM", "苏D561GN", "苏D561G9", "苏D561A9", "粤B8888Z")]
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == len(scores)
    assert scores[0] == 1.0
    assert scores[-1] < 0.2


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param("G117", ["豫CG117挂"], id="the middle"),
        pytest.param("117挂", ["豫CG117挂"], id="the end"),
        pytest.param("苏B", ["苏BD00111"], id="the beginning"),
        pytest.param("561GM", ["苏D561GM", "苏0561GM", "沪D561GM"], id="several plates have it"),
        pytest.param("豫C?117*", ["豫CG117挂"], id="wildcards"),
        pytest.param("豫C？117＊", ["豫CG117挂"], id="wildcards of a Chinese keyboard"),
        pytest.param("*港", ["粤Z5A55港"], id="ends in"),
        pytest.param("豫*", ["豫CG117挂", "豫CG711挂"], id="begins with"),
        pytest.param("***A5***", ["粤Z5A55港"], id="stars in a row"),
        pytest.param("ABC123", ["ABC123"], id="a short plate as a whole"),
    ],
)
def test_parts_and_wildcards(query, expected):
    assert found(query, threshold=0.85)[: len(expected)] == expected


def test_a_part_may_be_misread_too():
    assert found("56IGM")[0] == "苏D56IGM"
    assert {"苏D561GM", "苏0561GM", "沪D561GM"} < set(found("56IGM"))


def test_a_part_is_never_as_good_as_a_whole():
    matches = search("ABC123", enumerate(["XABC123", "ABC123"]))
    assert [(match.text, match.is_exact) for match in matches] == [("ABC123", True), ("XABC123", False)]
    assert matches[1].score == pytest.approx(0.9)


def test_limit_threshold_and_order_of_equals():
    same = [("b", "苏D561GM"), ("a", "苏D561GM"), ("c", "粤B8888Z")]
    assert [match.key for match in search("苏D561GM", same)] == ["b", "a"]
    assert [match.key for match in search("苏D561GM", same, limit=1)] == ["b"]
    assert [match.key for match in search("粤B88880", same, threshold=1.0)] == []


def test_nothing_fits():
    assert found("京A00000") == []
    assert found("苏D561GM", []) == []


@pytest.mark.parametrize(
    "query",
    ["", "  ", "·-", "?", "***", "?*?", "😀", "\x00", "A" * 33, "?" * 40, "京A12345" * 10_000],
    ids=lambda text: repr(text[:9]),
)
def test_bad_queries(query):
    with pytest.raises(BadQuery):
        search(query, enumerate(TEXTS))
    with pytest.raises(BadQuery):
        prefilter(query)


@pytest.mark.parametrize(
    "options", [{"limit": 0}, {"limit": -1}, {"threshold": -0.1}, {"threshold": 1.1}, {"threshold": float("nan")}]
)
def test_bad_options(options):
    with pytest.raises(ValueError, match="limit must be"):
        search("苏D561GM", enumerate(TEXTS), **options)


@pytest.mark.parametrize(
    ("pattern", "text", "anywhere", "expected"),
    [
        ("苏D561GM", "苏D561GM", False, 0.0),
        ("苏D561GM", "苏D56IGM", False, 0.35),
        ("苏D561GM", "苏D561GN", False, 0.6),
        ("苏D561GM", "沪D561GM", False, 0.7),
        ("苏D561GM", "苏D561G9", False, 1.0),
        ("苏D561GM", "苏D561G", False, 0.9),
        ("苏D561G", "苏D561GM", False, 0.9),
        ("561", "苏D561GM", True, 0.0),
        ("561", "苏D561GM", False, 3.6),
        ("苏*GM", "苏D561GM", False, 0.0),
        ("苏?GM", "苏D561GM", False, 2.7),
        ("*", "", False, 0.0),
        ("A", "", False, 0.9),
    ],
)
def test_distance(pattern, text, anywhere, expected):
    assert distance(pattern, text, anywhere=anywhere) == pytest.approx(expected)


@pytest.mark.parametrize(("one", "other"), [("苏D56IGM", "苏 d·561gm"), ("京O8B2Z5", "京08822S"), ("粤Q0000D", "粤OOOOO0")])
def test_twins_share_the_folded_key(one, other):
    assert folded_key(one) == folded_key(other)
    assert search_key(one) != search_key(other)


def test_the_prefilter_loses_nothing_within_its_edits():
    chosen = random.Random(5)
    letters = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"
    for max_edits, _ in itertools.product((0, 1, 2), range(200)):
        query = chosen.choice("京苏粤豫") + chosen.choice("ABCD") + "".join(chosen.choices(letters, k=5))
        text = list(query)
        for _edit in range(max_edits):
            place = chosen.randrange(len(text))
            text[place : place + 1] = chosen.choice([[], [chosen.choice(letters)], [text[place], chosen.choice(letters)]])
        key = folded_key("".join(text))
        narrowed = prefilter(query, max_edits)
        assert any(piece in key for piece in narrowed.pieces)
        assert narrowed.exact == query


@pytest.mark.parametrize(
    ("query", "max_edits", "exact", "pieces"),
    [
        ("苏D561GM", 0, "苏D561GM", ("苏0561"[:4] + "16M",)),
        ("苏D561GM", 1, "苏D561GM", ("苏056", "16M")),
        ("豫C?117*", 0, None, ("117",)),
        ("A", 1, "A", ()),
    ],
)
def test_pieces(query, max_edits, exact, pieces):
    narrowed = prefilter(query, max_edits)
    assert (narrowed.exact, narrowed.pieces) == (exact, pieces)


def test_the_quick_look_changes_no_answer():
    chosen = random.Random(7)
    letters = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"
    texts = ["".join([chosen.choice("京苏粤"), chosen.choice("ABD"), *chosen.choices(letters[:14], k=5)]) for _ in range(1500)]
    for query in (texts[0], texts[1][2:6], texts[2][:3] + "?" + texts[2][4:], "苏*" + texts[3][-2:]):
        wanted = understand(query)
        slowly = sorted((-score(wanted, text), number) for number, text in enumerate(texts) if score(wanted, text) >= 0.7)
        quickly = [(-match.score, match.key) for match in search(query, enumerate(texts), limit=2000, threshold=0.7)]
        assert quickly == slowly
