"""The shipped catalogue itself: every item complete, fit to be read aloud, and to be told from its neighbours."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

import pytest

from flows.catalogue import SHIPPED_CATALOGUE, read_catalogue
from flows.types import BasicSlot, FamilyMember

ENTRIES = read_catalogue()
every_item = pytest.mark.parametrize("entry", ENTRIES, ids=[entry.code for entry in ENTRIES])

EXPECTED_NAMES = """
    身份证 身份证换领 身份证补领 临时身份证 户口本 户口迁移 出生登记 死亡注销户口 姓名变更 居住证
    护照 港澳通行证 港澳签注 台湾通行证
    社保卡 社保参保 养老保险关系转移 退休申请 失业登记 失业保险金 医保参保 异地就医备案 医保报销 生育津贴
    公积金提取 公积金贷款 公积金转移 结婚登记 离婚登记 婚姻登记证补领 收养登记 出生医学证明 生育登记
    企业设立登记 个体工商户登记 营业执照变更 营业执照注销 税务登记 发票办理 个人所得税
    驾驶证申领 驾驶证换证 驾驶证补证 机动车注册登记 机动车年检 车牌补换领
    不动产首次登记 不动产转移登记 不动产抵押登记 不动产查询 公租房申请 低保申请 残疾人证 老年优待证
    法律援助 公证 人事档案转递 灵活就业登记 教师资格认定 入学报名 信访
"""


def test_the_services_of_every_hall_are_there():
    assert set(EXPECTED_NAMES.split()) - {entry.name for entry in ENTRIES} == set()


@every_item
def test_it_has_examples_aliases_and_materials(entry):
    assert len(entry.examples) >= 6
    assert len(entry.aliases) >= 5
    assert len(entry.materials) >= 1


@every_item
def test_its_guidance_can_be_read_aloud(entry):
    sentences = re.findall(r"[^。！？]+[。！？]", entry.guidance)
    assert "".join(sentences) == entry.guidance
    assert 2 <= len(sentences) <= 5
    assert 60 <= len(entry.guidance) <= 260
    others = {char for char in entry.guidance if not unicodedata.name(char).startswith("CJK UNIFIED")} - set("，。；：、！？〇")
    assert others == set(), "digits, Latin letters and brackets are not spoken well"


@every_item
def test_its_guidance_says_what_it_costs_or_where_that_is_told(entry):
    assert re.search(r"不收|免费|收.{0,4}费|工本费|费用|登记费|元|费", entry.guidance)
    assert re.search(r"免费|元|费|规定|标准", entry.fee)


@every_item
def test_its_lists_follow_the_order_of_the_choices(entry):
    assert entry.required_slots == [slot for slot in BasicSlot.values if slot in entry.required_slots]
    assert entry.family_questions == [member for member in FamilyMember.values if member in entry.family_questions]


@every_item
def test_it_asks_nobody_for_religion(entry):
    """Sensitive personal information that none of these services needs."""
    assert BasicSlot.RELIGION not in entry.required_slots


@every_item
def test_its_texts_use_chinese_punctuation(entry):
    texts = [entry.guidance, entry.fee, entry.time_limit, entry.department, entry.legal_basis, *entry.materials, *entry.examples]
    assert [text for text in texts if re.search(r"[,;:()?!]|\s", text)] == []


def test_no_phrase_asks_for_two_services():
    counts = Counter(phrase for entry in ENTRIES for phrase in [*entry.examples, entry.name])
    assert [phrase for phrase, count in counts.items() if count > 1] == []


FACTS = {
    "the first ID card is free": ("id-card", "fee", "首次申领免费"),
    "renewing an ID card": ("id-card-renewal", "fee", "20元"),
    "replacing a lost ID card": ("id-card-loss", "fee", "40元"),
    "temporary ID card": ("temporary-id-card", "fee", "10元"),
    "passport": ("passport", "fee", "120元"),
    "Hong Kong and Macau permit": ("hk-macau-permit", "fee", "60元"),
    "marriage without the household register": ("marriage-registration", "guidance", "不再需要户口本"),
    "marriage anywhere": ("marriage-registration", "guidance", "全国都能办"),
    "divorce after thirty days": ("divorce-registration", "guidance", "三十天冷静期"),
    "retirement age moves": ("retirement", "guidance", "二〇二五年"),
    "cars over ten years are inspected every year": ("vehicle-inspection", "guidance", "超过十年的每年检一次"),
}


@pytest.mark.parametrize(("code", "field", "fact"), FACTS.values(), ids=FACTS.keys())
def test_a_fact_that_changed_in_recent_years_is_told(code, field, fact):
    entry = next(entry for entry in ENTRIES if entry.code == code)
    assert fact in getattr(entry, field)


def test_the_file_is_readable_in_a_diff():
    text = SHIPPED_CATALOGUE.read_text(encoding="utf-8")
    assert "\\u" not in text
    assert text.endswith("}\n")
