"""Written Chinese to what a voice reads."""

from __future__ import annotations

import pytest

from flows.speech.spoken_text import in_parts, is_speakable, spoken


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("您好。", "您好。"),
        ("身份证号11010119900307721X", "身份证号幺幺零幺零幺，幺九九零零三零七，七二幺艾克斯"),
        ("请拨打12345热线", "请拨打幺二三四五热线"),
        ("报警110，急救120", "报警幺幺零，急救幺二零"),
        ("手机13812345678", "手机幺三八，幺二三四，五六七八"),
        ("手机138 1234 5678", "手机幺三八，幺二三四，五六七八"),
        ("电话010-12345678", "电话零幺零，幺二三四五六七八"),
        ("工本费20元", "工本费二十元"),
        ("120元", "一百二十元"),
        ("￥1,200.50", "一千二百点五零元"),
        ("12345元", "一万二千三百四十五元"),
        ("2025年3月5日", "二零二五年三月五日"),
        ("2025-03-05", "二零二五年三月五日"),
        ("2025/12/31", "二零二五年十二月三十一日"),
        ("2008年出生", "二零零八年出生"),
        ("9:00-11:30", "九点到十一点三十分"),
        ("14:05", "十四点零五分"),
        ("14：05", "十四点零五分"),
        ("3-5个工作日", "三到五个工作日"),
        ("2张2寸照片", "两张两寸照片"),
        ("2月2日", "二月二日"),
        ("2号窗口", "二号窗口"),
        ("12张", "十二张"),
        ("取号A012", "取号A零幺二"),
        ("3幢2单元101室", "三幢二单元幺零幺室"),
        ("3-101室", "三-幺零幺室"),
        ("下降3.5%", "下降百分之三点五"),
        ("５０％", "百分之五十"),
        ("36.5℃", "三十六点五摄氏度"),
        ("90㎡", "九十平方米"),
        ("第一行\n第二行", "第一行。第二行"),
        ("第一行。\n\n第二行", "第一行。第二行"),
        ("好😀的👨‍👩‍👧\u200b\ufeff", "好的"),
        ("红心❤️", "红心"),
        ("a\x00b\x07c\x1b[31m", "abc[三十一m"),
        ("Wi-Fi密码", "Wi-Fi密码"),
        ("版本1.2.3", "版本一.二.三"),
        ("007", "零零七"),
        ("0", "零"),
        ("٣٤", "٣٤"),
    ],
)
def test_chinese(written, read):
    assert spoken(written) == read


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("一二三。四五六。", ["一二三。", "四五六。"]),
        ("一二。三四。五", ["一二。", "三四。五"]),
        ("一二三四五六七八", ["一二三四五", "六七八"]),
        ("一。！！！！！！二", ["一。！！！", "！！！二"]),
        ("。", []),
        ("", []),
    ],
)
def test_parts(text, parts):
    assert in_parts(text, 5) == parts


def test_another_language_keeps_its_numbers():
    assert spoken("Window 3,\x00 20 yuan", chinese=False) == "Window 3, 20 yuan"


def test_a_very_long_number_is_read_in_groups():
    assert spoken("1" * 2000).count("幺幺幺幺") == 500


@pytest.mark.parametrize(
    ("text", "speakable"),
    [("你", True), ("a", True), ("7", True), ("", False), (" \n", False), ("😀", False), ("。！", False), ("\x00\u200b", False)],
)
def test_is_speakable(text, speakable):
    assert is_speakable(text) is speakable
