from __future__ import annotations

import time

import pytest

from analytics.plates.grammar import MAX_CHARACTERS, normalise, parse, parse_characters
from analytics.plates.templates import CITY_LETTERS, PROVINCES
from analytics.plates.types import UNREAD, PlateKind, ReadCharacter

K = PlateKind
CLEAR = 0.85
"""A text that is a plate as it stands scores above; one that needed guesses, or is unusual, below."""

PLATES = [
    ("京A12345", K.ORDINARY, "京A12345"),
    ("京A·12345", K.ORDINARY, "京A12345"),
    ("京A•12345", K.ORDINARY, "京A12345"),
    ("京A.12345", K.ORDINARY, "京A12345"),
    ("京A-12345", K.ORDINARY, "京A12345"),
    ("京A 12345", K.ORDINARY, "京A12345"),
    ("京 A12345", K.ORDINARY, "京A12345"),
    ("京a12345", K.ORDINARY, "京A12345"),
    ("京Ａ１２３４５", K.ORDINARY, "京A12345"),
    ("  京A12345\n", K.ORDINARY, "京A12345"),
    ("藏D·T5022", K.ORDINARY, "藏DT5022"),
    ("苏D561GM", K.ORDINARY, "苏D561GM"),
    ("沪A·D1234", K.ORDINARY, "沪AD1234"),
    ("粤B·8888Z", K.ORDINARY, "粤B8888Z"),
    ("豫U·A123B", K.ORDINARY, "豫UA123B"),
    ("新Q·00001", K.ORDINARY, "新Q00001"),
    ("琼E·99999", K.ORDINARY, "琼E99999"),
    ("车牌号:苏D561GM", K.ORDINARY, "苏D561GM"),
    ("豫C\n12345", K.ORDINARY, "豫C12345"),
    ("苏B·D00111", K.NEW_ENERGY, "苏BD00111"),
    ("苏E D51712", K.NEW_ENERGY, "苏ED51712"),
    ("京A·DA1234", K.NEW_ENERGY, "京ADA1234"),
    ("沪A·F12345", K.NEW_ENERGY, "沪AF12345"),
    ("粤B·K12345", K.NEW_ENERGY, "粤BK12345"),
    ("粤B·12345D", K.NEW_ENERGY, "粤B12345D"),
    ("川A·98765F", K.NEW_ENERGY, "川A98765F"),
    ("京A·0001警", K.POLICE, "京A0001警"),
    ("苏B·A123警", K.POLICE, "苏BA123警"),
    ("京A·1234学", K.TRAINING, "京A1234学"),
    ("沪B0001学", K.TRAINING, "沪B0001学"),
    ("豫CG117挂", K.TRAILER, "豫CG117挂"),
    ("豫·C\nG117挂", K.TRAILER, "豫CG117挂"),
    ("豫CG117挂-1.00", K.TRAILER, "豫CG117挂"),
    ("粤Z·5A55港", K.HONG_KONG, "粤Z5A55港"),
    ("粤Z·AB12港", K.HONG_KONG, "粤ZAB12港"),
    ("粤Z·1234澳", K.MACAU, "粤Z1234澳"),
    ("使·014·578", K.EMBASSY, "使014578"),
    ("224·578使", K.EMBASSY, "224578使"),
    ("沪A·0023领", K.CONSULATE, "沪A0023领"),
    ("粤A·1234领", K.CONSULATE, "粤A1234领"),
    ("京A·1234临", K.TEMPORARY, "京A1234临"),
    ("浙A·H3N81临", K.TEMPORARY, "浙AH3N81临"),
    ("临京A12345", K.TEMPORARY, "临京A12345"),
    ("京·临A1234", K.TEMPORARY, "京临A1234"),
    ("苏A·临1234", K.TEMPORARY, "苏A临1234"),
    ("吉A·1234试", K.TEMPORARY, "吉A1234试"),
    ("吉A·1234超", K.TEMPORARY, "吉A1234超"),
    ("云26 27252", K.TRACTOR, "云2627252"),
    ("云·26\n27252", K.TRACTOR, "云2627252"),
    ("鲁06·12345", K.TRACTOR, "鲁0612345"),
    ("京X·1234应急", K.EMERGENCY, "京X1234应急"),
    ("川S·A001应急", K.EMERGENCY, "川SA001应急"),
    ("军A·12345", K.MILITARY, "军A12345"),
    ("南K12345", K.MILITARY, "南K12345"),
    ("VA·01234", K.MILITARY, "VA01234"),
    ("KB 12345", K.MILITARY, "KB12345"),
    ("WJ京·12345", K.ARMED_POLICE, "WJ京12345"),
    ("WJ京1234X", K.ARMED_POLICE, "WJ京1234X"),
    ("WJ·京·1234D", K.ARMED_POLICE, "WJ京1234D"),
    ("WJ01-12345", K.ARMED_POLICE, "WJ0112345"),
    ("AB 1234", K.FOREIGN, "AB1234"),
    ("MA-12-34", K.FOREIGN, "MA1234"),
    ("ABC-1234", K.FOREIGN, "ABC1234"),
    ("AB12 CDE", K.FOREIGN, "AB12CDE"),
    ("ab12cde", K.FOREIGN, "AB12CDE"),
    ("AB-123-CD", K.FOREIGN, "AB123CD"),
    ("1234 BBC", K.FOREIGN, "1234BBC"),
    ("B-AB 1234", K.FOREIGN, "BAB1234"),
    ("HH AB 123", K.FOREIGN, "HHAB123"),
    ("7ABC123", K.FOREIGN, "7ABC123"),
    ("А123ВС 77", K.FOREIGN, "A123BC77"),
    ("123 ABC 02", K.FOREIGN, "123ABC02"),
    ("29A-123.45", K.FOREIGN, "29A12345"),
    ("12가 3456", K.FOREIGN, "12가3456"),
    ("品川 300 あ 12-34", K.FOREIGN, "品川300あ1234"),
]

MENDED = [
    pytest.param("亰A12345", "京A12345", id="a look-alike for the province"),
    pytest.param("蘇D561GM", "苏D561GM", id="the traditional form"),
    pytest.param("京A1234O", "京A12340", id="O is no serial's letter"),
    pytest.param("京A1I234", "京A11234", id="nor is I"),
    pytest.param("苏ED5171Z", "苏ED51712", id="new energy ends in digits"),
    pytest.param("苏EDS1B12", "苏EDS1812", id="Z, S, B only where a digit has to be"),
    pytest.param("苏8D0111", "苏BD0111", id="the second place is a letter"),
    pytest.param("沪012345", "沪D12345", id="of 0's twins the letter that the city has"),
    pytest.param("云2G27252", "云2627252", id="a tractor's number is all digits"),
    pytest.param("豫CG117桂", "豫CG117挂", id="a look-alike for the kind"),
    pytest.param("京A0001誓", "京A0001警", id="another"),
    pytest.param("粵Z5A55巷", "粤Z5A55港", id="two at once"),
    pytest.param("Z·5A55港", "粤Z5A55港", id="only 粤 can stand before Z and 港"),
    pytest.param("1京A12345", "京A12345", id="the frame's left edge"),
    pytest.param("京A12345I", "京A12345", id="the frame's right edge"),
    pytest.param("ABI2 CDE", "AB12CDE", id="one twin in a foreign one"),
]

NO_PLATES = [
    "", " ", "·", "???", "😀🚗", "😀京A", "\x00", "nan", "NaN", "京", "京A", "京A1234", "A12345", "12345", "1234567",
    "18787609746", "13912345678", "400-820-8820", "FORLAND", "BEIJING", "ISUZU", "ISUZU CXZ", "CXZ", "DONGFENG", "FOTON",
    "SINOTRUK", "HOWO", "MODEL S", "VOLVO FH16", "V6 24V", "4WD", "TURBO", "TAXI 96106", "限速40", "3000KG", "总质量3000KG",
    "核载5人", "公正法治", "爱国", "空车拉货", "京东物流", "京东12345", "豫章书院", "川味火锅", "苏宁易购", "云南白药",
    "粤港直通", "浙江万里", "学校慢行", "警务站110", "海军路88号", "A座1203", "1203", "B1层", "NO.20240518", "2024-05-18",
    "12:34:56", "CAM 01 2024", "www.kiosk.cn", "SED517120.8", "88D00111-0.94", "京ABCDEF", "京AABCDE", "苏BABCDEF",
    "京A123456789", "123京A12345678", "京A·BCDEF", "G45大广高速", "CX50", "J6P", "M9", "ABCDEFG", "ABCDEFGH", "I00000",
    "QQ12345678", "深圳8号", "北京2008", "成都31", "警", "挂",
]  # fmt: skip


@pytest.mark.parametrize(("text", "kind", "expected"), PLATES, ids=[repr(row[0]) for row in PLATES])
def test_a_plate_is_read_with_its_kind(text, kind, expected):
    best = parse(text)[0]
    assert (best.text, best.kind) == (expected, kind)
    assert best.score > CLEAR
    assert len(best.char_scores) == len(best.text)
    in_text = next((character for character in expected if character in PROVINCES), "")
    assert best.province == ("" if kind is K.FOREIGN else in_text)


@pytest.mark.parametrize(("text", "expected"), MENDED)
def test_what_cannot_stand_in_a_place_is_mended_by_its_look_at_a_cost(text, expected):
    best = parse(text)[0]
    assert best.text == expected
    assert best.score < 1.0


@pytest.mark.parametrize("text", NO_PLATES, ids=repr)
def test_other_texts_are_no_plates(text):
    assert [plate.text for plate in parse(text)] == []


@pytest.mark.parametrize("province", sorted(PROVINCES))
def test_every_province_has_its_letters(province):
    given = CITY_LETTERS[province]
    assert len(set(given)) == len(given)
    assert not set(given) & {"I", "O"}
    usual = parse(f"{province}{given[0]}12345")[0]
    assert (usual.score, usual.province) == (1.0, province)


@pytest.mark.parametrize(
    "text", ["X京A1234567", "藏X12345", "宁K12345", "贵Z12345", "琼W12345", "京O00001", "吉A1BCD2", "粤BABC12"]
)
def test_the_unusual_is_possible_but_less_likely(text):
    usual = parse("京A12345")[0]
    best = parse(text)[0]
    assert best.score <= 0.5 < usual.score


@pytest.mark.parametrize(
    ("text", "alternatives", "expected"),
    [
        pytest.param("喝Z5A55港", {0: {"粤": 0.03}}, "粤Z5A55港", id="a province that general text hardly has"),
        pytest.param("粤Z5A55进", {6: {"港": 0.2, "澳": 0.01}}, "粤Z5A55港", id="the likelier of two kinds"),
        pytest.param("豪A12345", {0: {"豫": 0.3}}, "豫A12345", id="what the reader saw weighs more than the look-alike table"),
        pytest.param(UNREAD + "A12345", {0: {"湘": 0.3}}, "湘A12345", id="a faint character"),
    ],
)
def test_a_readers_second_thoughts_decide(text, alternatives, expected):
    scores = [0.2 if index in alternatives else 0.98 for index in range(len(text))]
    plates = parse(text, scores, [alternatives.get(index, {}) for index in range(len(text))])
    assert plates[0].text == expected


def test_the_score_is_the_product_of_the_characters():
    assert parse("京A12345", [0.9, 1, 1, 0.5, 1, 1, 1])[0].score == pytest.approx(0.45)


def test_an_unlikely_character_makes_the_whole_unlikely():
    assert parse("京A12345", [0.01, 1, 1, 1, 1, 1, 1]) == []


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -1.0])
def test_a_score_that_is_none_counts_as_nothing(bad):
    assert parse("京A12345", [bad, 1, 1, 1, 1, 1, 1]) == []


@pytest.mark.parametrize(("scores", "alternatives"), [([1.0], None), (None, [{}]), ([], [])])
def test_scores_have_to_fit_the_text(scores, alternatives):
    with pytest.raises(ValueError, match="entries for a text of 7"):
        parse("京A12345", scores, alternatives)


def test_plates_are_ranked():
    plates = parse("苏B·D00111")
    assert plates[0].kind is PlateKind.NEW_ENERGY
    assert [plate.score for plate in plates] == sorted((plate.score for plate in plates), reverse=True)
    assert len({(plate.text, plate.kind) for plate in plates}) == len(plates)


@pytest.mark.parametrize(("text", "distinctive"), [("京A12345", True), ("军A12345", True), ("VA01234", False), ("AB1234", False)])
def test_a_text_of_letters_and_digits_alone_is_not_distinctive(text, distinctive):
    assert parse(text)[0].is_distinctive is distinctive


def test_foreign_ones_can_be_left_out():
    assert parse("AB1234", foreign=False) == []
    assert parse("京A12345", foreign=False)[0].text == "京A12345"


def test_a_foreign_plate_has_to_be_the_whole_text():
    assert parse("AB1234")
    assert parse("CALL AB1234") == []
    assert parse_characters([ReadCharacter(UNREAD, 0.0), *map(ReadCharacter, "AB1234")]) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("苏 b·ｄ００１１１", "苏BD00111"),
        ("豫C-G117/挂", "豫CG117挂"),
        ("🚗", ""),
        ("", ""),
        ("\u200b京\u00a0A1", "京A1"),
        ("A" * 500, "A" * MAX_CHARACTERS),
    ],
)
def test_normalised_text_has_no_separators(text, expected):
    assert normalise(text) == expected


@pytest.mark.parametrize(
    "text", ["京A1" * 50_000, "0O1I8B" * 50_000, "京津沪" * 50_000, "-" * 5_000_000, "ﷺ" * 20_000], ids=lambda text: text[:6]
)
def test_a_long_text_takes_no_longer_than_a_short_one_is_allowed_to(text):
    start = time.perf_counter()
    parse(text)
    assert time.perf_counter() - start < 1.0
