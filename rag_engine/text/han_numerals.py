"""Numbers in Chinese characters, as digits: 第五百六十三条 is 563, 二〇二四年 is 2024."""

from __future__ import annotations

import re
from decimal import Decimal

__all__ = ["han_numbers", "han_value"]

_DIGITS = {
    **{character: index for index, character in enumerate("〇一二三四五六七八九")},
    **{character: index for index, character in enumerate("零壹贰叁肆伍陆柒捌玖")},
    **dict.fromkeys("两兩弐貳", 2),
    **dict.fromkeys("参參", 3),
    **dict(zip("壱陸○", (1, 6, 0), strict=True)),
}
_TENS = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
_THOUSANDS = {"万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8, "兆": 10**12}
_NUMERALS = "".join((*_DIGITS, *_TENS, *_THOUSANDS))
_RUN = re.compile(
    rf"(?P<ordinal>第)?(?<![.,\d])(?P<number>(?:\d+(?:[.,]\d+)*|[{_NUMERALS}])+)(?P<after>\w?)"
)
_PART = re.compile(rf"\d+(?:\.\d+)?|[{_NUMERALS}]")
_GROUPING = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_PLAIN = re.compile(r"[\d.,]+")
# What is counted: articles, chapters, dates, times, years of age, money, people, times, floors.
_COUNTERS = frozenset(
    "条條項项款章节節编編号號年月日時时分秒歳岁歲円元圆圓人名個个箇回次期階层層楼樓位世度課课級级"
)
# "Fully", a search engine, a greengrocer, a fixed game, two families, more often than a number.
_NO_NUMBERS = frozenset({"十分", "百度", "八百屋", "八百長", "八百长", "五十嵐", "五十鈴"})
_FRACTION = "分之"
_TWO_OF = frozenset("两兩")
"""Two of something: never a digit in a row of them (三三两两: in twos and threes)."""
_SHORTEST_ROW = 3
_LONGEST = 40


def han_numbers(text: str) -> list[str]:
    """Return the numbers that a tidied text writes with Chinese characters, in ASCII digits.

    A run of numerals is a number if it can be read as one and is either longer than a character
    (千 alone is half of a name), or stands after 第, or before what is counted (三人, 四年). A
    row of digits without units is one from three on, or with a nought, or after 第: two are
    "two or three". Digits with units count as well (3万). What stands under a fraction is none
    (百分之二十 is 20), nor are words that happen to begin with one (百度).

    >>> han_numbers("第五百六十三条、二〇二四年、第百十八条"), han_numbers("3万人、1億2千万円")
    (['563', '2024', '118'], ['30000', '120000000'])
    >>> han_numbers("一般に千葉で、万一")
    []
    """
    numbers = []
    for match in _RUN.finditer(text):
        number = match["number"]
        if _PLAIN.fullmatch(number) or len(number) > _LONGEST:
            continue
        sure = match["ordinal"] is not None
        if not sure and (
            (len(number) == 1 and match["after"] not in _COUNTERS)
            or number + match["after"] in _NO_NUMBERS
            or text.startswith(_FRACTION, match.end("number"))
        ):
            continue
        value = han_value(number, row=2 if sure else _SHORTEST_ROW)
        if value is not None:
            numbers.append(value)
    return numbers


def han_value(number: str, *, row: int = 2) -> str | None:
    """Return the value of a numeral, or None where its characters make no number.

    ``row``: how many digits without units make a number, unless one of them is a nought.

    >>> [han_value(each) for each in ("百十八", "三千五百", "壱弐参", "3.5万", "二三十", "万一")]
    ['118', '3500', '123', '35000', None, None]
    """
    parts = _PART.findall(_GROUPING.sub("", number))
    if len(parts) > 1 and all(part in _DIGITS for part in parts):
        if not _TWO_OF.isdisjoint(parts):
            return None
        digits = "".join(str(_DIGITS[part]) for part in parts)
        return digits if len(digits) >= row or "0" in digits[1:] else None
    total, group, waiting = Decimal(0), Decimal(0), Decimal(-1)
    last_ten, last_thousand = Decimal(10**5), Decimal(10**16)
    for part in parts:
        if part in _THOUSANDS:
            unit = Decimal(_THOUSANDS[part])
            group += max(waiting, Decimal(0))
            if unit >= last_thousand or not group:
                return None
            total += group * unit
            group, waiting = Decimal(0), Decimal(-1)
            last_ten, last_thousand = Decimal(10**5), unit
        elif part in _TENS:
            unit = Decimal(_TENS[part])
            if unit >= last_ten or waiting == 0:
                return None
            group += (waiting if waiting > 0 else 1) * unit
            last_ten, waiting = unit, Decimal(-1)
        elif waiting > 0:
            return None  # 二三十: twenty or thirty
        else:
            waiting = Decimal(_DIGITS[part]) if part in _DIGITS else Decimal(part)
    total += group + max(waiting, Decimal(0))
    return f"{total.normalize():f}"
