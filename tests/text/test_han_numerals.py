"""Chinese and Japanese numerals, read as digits, and left alone inside words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag_engine.text.analysis import analyse
from rag_engine.text.han_numerals import han_numbers, han_value


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("第五百六十三条", ["563"]),
        ("第百十八条", ["118"]),
        ("第十八条", ["18"]),
        ("第八十一條", ["81"]),
        ("二〇二四年", ["2024"]),
        ("一九九八年", ["1998"]),
        ("三千五百円", ["3500"]),
        ("十二", ["12"]),
        ("一千零五十", ["1050"]),
        ("一万零三", ["10003"]),
        ("壹贰叁", ["123"]),
        ("壱弐参", ["123"]),
        ("伍佰元", ["500"]),
        ("两年", ["2"]),
        ("兩百", ["200"]),
        ("三人", ["3"]),
        ("3万", ["30000"]),
        ("3.5億", ["350000000"]),
        ("1,200万", ["12000000"]),
        ("1億2千万円", ["120000000"]),
        ("令和六年四月一日", ["6", "4", "1"]),
        ("第二三条", ["23"]),
        ("十月三十一日", ["10", "31"]),
        ("百分之二十、三分之一", ["20"]),
        ("八百円、百度ではなく三百六十度", ["800", "360"]),
        ("两千零二", ["2002"]),
    ],
)
def test_numerals_are_read(text, numbers):
    assert han_numbers(text) == numbers


@pytest.mark.parametrize(
    "text",
    [
        "一般",
        "千葉県",
        "三井",
        "万一",
        "一定",
        "十分",
        "百度地图",
        "千分之一",
        "八百屋と五十嵐さん",
        "三三两两",
        "五六百人",
        "二三日",
        "数千",
        "〇",
        "百",
        "2024年3月",
        "",
    ],
)
def test_words_and_vague_numbers_are_not(text):
    assert han_numbers(text) == []


@pytest.mark.parametrize(
    ("question", "passage"),
    [("第563条", "第五百六十三条　届け出"), ("81条", "第八十一条による"), ("第二十条", "第20条")],
)
@pytest.mark.parametrize("language", ["ja", "zh"])
def test_a_number_is_found_however_it_is_written(question, passage, language):
    def numbers(text):
        return {token.surface for token in analyse(text, language) if token.neutral}

    assert numbers(question) == numbers(passage)


def test_a_part_of_a_number_is_no_number():
    assert [token.surface for token in analyse("第百十八条", "ja") if token.neutral] == ["118"]


def spelled(number):
    """Write a number below 10,000 in characters, with 零 for each gap."""
    digits, text, gap = "零一二三四五六七八九", "", False
    for unit, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = number // unit % 10
        if digit:
            text += ("零" if gap else "") + digits[digit] + name
            gap = False
        elif text:
            gap = True
    return text


@given(st.integers(1, 9_999), st.integers(0, 9_999))
def test_every_number_is_read_back(high, low):
    text = spelled(high) + "万" + ("零" if 0 < low < 1_000 else "") + spelled(low)
    assert han_value(text) == str(high * 10_000 + low)
    if high > 9:
        assert han_value(spelled(high)) == str(high)


@given(st.text(alphabet="〇一二十百千万億两3,.第条a", max_size=30))
def test_any_text_gives_digits(text):
    assert all(number.replace(".", "").isdigit() for number in han_numbers(text))
