"""Numbers and dates as a spreadsheet shows them: the format codes of Excel.

ECMA-376 part 1, 18.8.30 and 18.8.31. Names of months and separators are those of the language that
a code names; a date in the reader's own form (built-in formats) is written as ISO 8601 has it.
"""

from __future__ import annotations

import operator
import re
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from fractions import Fraction
from functools import lru_cache
from locale import windows_locale
from typing import NamedTuple

__all__ = ["BUILT_IN", "general", "shown", "shown_text"]

BUILT_IN: dict[int, str] = {
    1: "0",
    2: "0.00",
    3: "#,##0",
    4: "#,##0.00",
    9: "0%",
    10: "0.00%",
    11: "0.00E+00",
    14: "yyyy-mm-dd",
    15: "d-mmm-yy",
    16: "d-mmm",
    17: "mmm-yy",
    18: "h:mm AM/PM",
    19: "h:mm:ss AM/PM",
    20: "h:mm",
    21: "h:mm:ss",
    22: "yyyy-mm-dd hh:mm",
    37: "#,##0;-#,##0",
    38: "#,##0;-#,##0",
    39: "#,##0.00;-#,##0.00",
    40: "#,##0.00;-#,##0.00",
    45: "mm:ss",
    46: "[h]:mm:ss",
    47: "mm:ss.0",
    48: "##0.0E+0",
    49: "@",
    # Dates in Chinese, Japanese and Korean, and times of day.
    **dict.fromkeys((27, 28, 29, 30, 31, 36, 50, 51, 52, 53, 54, 57, 58), "yyyy-mm-dd"),
    **dict.fromkeys((32, 33, 34, 35, 55, 56), "h:mm:ss"),
}
"""What a number of a format means where the file does not say it."""

_TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"?|\\(?P<escaped>.)|_.|\*.|(?P<ampm>AM/PM|A/P|上午/下午)'
    r"|\[(?P<elapsed>h+|m+|s+)\]|\[\$(?P<currency>[^\]-]*)(?:-(?P<locale>[0-9a-f]+))?[^\]]*\]"
    r"|\[(?P<condition>[<>=]{1,2}-?[0-9.]{1,30})\]|\[[^\]]*\]|(?P<at>@)|(?P<exponent>e[+-]0+)|(?P<general>general)|(?P<date>y+|m+|d+|h+|s+(?:\.0+)?|b+|e+|g+)"
    r"|(?P<digits>[0#?][0#?,]*(?:\.[0#?]*,*)?|\.[0#?]+)|(?P<sign>.)",
    re.IGNORECASE | re.DOTALL,
)
_THAI_CALENDAR, _BUDDHIST_YEARS = 7, 543
_LAST_DAY = 2_958_466
_LONGEST = 60

_FRACTION = re.compile(
    r"(?:(?P<whole>[#0?]+) +)?[#0?]+ */ *(?:(?P<places>[#0?]+)|(?P<fixed>[1-9][0-9]{0,3}))"
)
_COMPARISONS = {"<": operator.lt, "<=": operator.le, "=": operator.eq, ">": operator.gt}
_COMPARISONS |= {">=": operator.ge, "<>": operator.ne}

_Token = tuple[str, str]


class _Section(NamedTuple):
    """One of up to four codes: its tokens, the language it names, and which numbers it is for."""

    tokens: tuple[_Token, ...]
    lcid: int
    condition: str
    kinds: frozenset[str]

    def holds(self, value: float, usual: str) -> bool:
        """Tell whether it is for a number; ``usual`` is the condition where it states none."""
        sign, number = _parted(self.condition or usual)
        return sign not in _COMPARISONS or bool(_COMPARISONS[sign](value, number))

    @property
    def is_text(self) -> bool:
        return "at" in self.kinds

    @property
    def is_time(self) -> bool:
        if "elapsed" in self.kinds:
            return True
        return not self.kinds.isdisjoint({"date", "ampm"}) and "digits" not in self.kinds


def general(value: float) -> str:
    """Write a number that has no format.

    >>> general(12.0), general(0.1 + 0.2), general(1e20)
    ('12', '0.3', '1E+20')
    """
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return f"{value:.11g}".replace("e", "E")


@lru_cache(maxsize=10_000)
def shown(value: float, code: str, *, from_1904: bool = False) -> str:
    """Write a number in a format; ``from_1904`` counts its days as old Macintosh files do.

    >>> shown(1234.5, "#,##0.00 [$€-407]"), shown(0.125, "0.0%"), shown(-3, '0;(0);"none"')
    ('1.234,50 €', '12.5%', '(3)')
    >>> shown(45725, "d. mmmm yyyy"), shown(45725, "[$-407]d. mmmm yyyy"), shown(0.75, "hh:mm")
    ('9. March 2025', '9. März 2025', '18:00')
    """
    sections = _sections(code or "General")
    numeric = [section for section in sections[:3] if len(sections) == 1 or not section.is_text]
    usual = {1: ("",), 2: (">=0", ""), 3: (">0", "<0", "")}.get(len(numeric), ())
    if len(numeric) == 3 and numeric[0].condition and numeric[1].condition:
        usual = ("", "", "")
    pairs = enumerate(zip(numeric, usual, strict=True))
    index, section = next(
        ((index, section) for index, (section, rule) in pairs if section.holds(value, rule)),
        (0, None),
    )
    if section is None or section.is_text:
        return general(value)
    # A code of its own for negative numbers says itself how they are told.
    usual_parts = not any(each.condition for each in numeric)
    number = -value if index == 1 and value < 0 and usual_parts else value
    try:
        if number < 0 and "elapsed" in section.kinds:
            return f"-{_date(-number, section.tokens, section.lcid, from_1904=from_1904)}"
        if section.is_time:
            return _date(number, section.tokens, section.lcid, from_1904=from_1904)
        return _number(number, section.tokens, section.lcid)
    except (ValueError, OverflowError, InvalidOperation):
        return general(value)


def shown_text(text: str, code: str) -> str:
    """Write a text in a format: what the code puts around it, or nothing if it hides texts.

    >>> shown_text("17", '"No. "@'), shown_text("a", "0.00"), shown_text("a", ";;;")
    ('No. 17', 'a', '')
    """
    sections = _sections(code)
    last = sections[-1]
    if len(sections) < 4 and not last.is_text:
        return text
    return "".join(
        text if kind == "at" else token for kind, token in last.tokens if kind in {"at", "text"}
    )


@lru_cache(maxsize=1_000)
def _parted(condition: str) -> tuple[str, float]:
    number = condition.lstrip("<>=")
    try:
        return condition[: len(condition) - len(number)], float(number)
    except ValueError:
        return "", 0.0


@lru_cache(maxsize=1_000)
def _sections(code: str) -> tuple[_Section, ...]:
    """Split a code at its semicolons, and each part into tokens."""
    sections: list[_Section] = []
    tokens: list[_Token] = []
    lcid, condition = 0, ""
    for match in _TOKEN.finditer(code[:500]):
        kind = match.lastgroup or ""
        if match["currency"] is not None:
            lcid = int(match["locale"] or "0", 16) & 0xFFFFFFFF or lcid
            tokens.append(("text", match["currency"]))
        elif kind == "sign" and match["sign"] == ";":
            sections.append(_section(tokens, lcid, condition))
            tokens, lcid, condition = [], 0, ""
        elif kind == "condition":
            condition = match["condition"]
        elif kind in {"quoted", "escaped", "sign"}:
            tokens.append(("text", match[kind]))
        elif kind:
            tokens.append((kind, match[kind].lower()))
    return (*sections, _section(tokens, lcid, condition))


def _section(tokens: list[_Token], lcid: int, condition: str) -> _Section:
    return _Section(tuple(tokens), lcid, condition, frozenset(kind for kind, _ in tokens))


@lru_cache(maxsize=100)
def _locale(lcid: int) -> str:
    """Return the language that a Windows code means, as Babel calls it."""
    from babel import Locale, UnknownLocaleError

    try:
        return str(Locale.parse(windows_locale.get(lcid & 0xFFFF, "en")))
    except (UnknownLocaleError, ValueError):
        return "en"


def _number(value: float, tokens: tuple[_Token, ...], lcid: int) -> str:
    digits = [text for kind, text in tokens if kind == "digits"]
    texts = "".join(text for kind, text in tokens if kind == "text")
    if "/" in texts and digits and (fraction := _fraction(value, tokens)):
        return fraction
    scaled = Decimal(repr(value)) * 100 ** texts.count("%")
    exponent = next((text for kind, text in tokens if kind == "exponent"), "")
    if len(digits) > 1 and not exponent:
        parts = iter(_dealt(scaled, digits, lcid))
    else:
        parts = iter([_digits(scaled, digits[0], lcid, exponent)] if digits else [])
    sign = "-" if value < 0 else ""
    out = []
    for kind, text in tokens:
        if kind == "text":
            out.append(text)
        elif kind == "digits":
            out.append(sign + next(parts, ""))
            sign = ""
        elif kind == "general":
            out.append(general(value))
    return "".join(out).strip()


def _digits(value: Decimal, pattern: str, lcid: int, exponent: str) -> str:
    whole, _, fraction = pattern.partition(".")
    ends = (whole, fraction)  # each comma behind the last digit of one divides by a thousand
    thousands = sum(len(part) - len(part.rstrip(",")) for part in ends)
    fraction = fraction.rstrip(",")
    most, least = len(fraction), fraction.count("0")
    value = abs(value)
    if exponent:
        mantissa, _, power = f"{value:.{most}E}".partition("E")
        return f"{mantissa}E{power[0]}{power[1:].zfill(len(exponent) - 2)}"
    value /= 1000**thousands
    value = value.quantize(Decimal(1).scaleb(-most), rounding=ROUND_HALF_UP)
    before, _, after = f"{value:f}".partition(".")
    before = before.zfill(min(whole.count("0"), _LONGEST))
    if not whole.count("0") and not before.strip("0"):
        before = ""
    if "," in whole.rstrip(","):
        before = f"{int(before or '0'):,}"
    while len(after) > least and after.endswith("0"):
        after = after[:-1]
    point, group = _separators(lcid)
    return before.replace(",", group) + (f"{point}{after}" if after else "")


def _dealt(value: Decimal, patterns: list[str], lcid: int) -> list[str]:
    """Deal a number's digits out to several places, as in 000-00-0000; # is none, if it is not."""
    *before, last = patterns
    last, _, decimals = last.partition(".")
    rounded = abs(value).quantize(Decimal(1).scaleb(-len(decimals)), rounding=ROUND_HALF_UP)
    digits, _, after = f"{rounded:f}".partition(".")
    digits = digits.lstrip("0")
    parts: list[str] = []
    for pattern in reversed([*before, last]):
        taken = digits[max(len(digits) - len(pattern), 0) :]
        digits = digits[: len(digits) - len(taken)]
        absent = pattern[: len(pattern) - len(taken)]
        parts.append("0" * absent.count("0") + taken)
    parts[-1] = digits + parts[-1]
    parts[0] += f"{_separators(lcid)[0]}{after}" if after else ""
    return parts[::-1]


def _fraction(value: float, tokens: tuple[_Token, ...]) -> str:
    """Write a number as a fraction, with a whole number before it where the code has a place."""
    code = "".join(text for _, text in tokens)
    match = _FRACTION.search(code)
    if match is None:
        return ""
    exact = abs(Fraction(value))
    fixed = int(match["fixed"] or 0)
    if fixed:
        near = Fraction(round(exact * fixed), 1)
        above, below = int(near), fixed
    else:
        near = exact.limit_denominator(10 ** min(len(match["places"] or "?"), 4) - 1)
        above, below = near.numerator, near.denominator
    whole = 0
    if match["whole"]:
        whole, above = divmod(above, below)
    parts = [str(whole)] if whole or not above else []
    parts += [f"{above}/{below}"] if above or not match["whole"] else []
    sign = "-" if value < 0 else ""
    return f"{code[: match.start()]}{sign}{' '.join(parts)}{code[match.end() :]}".strip()


@lru_cache(maxsize=100)
def _separators(lcid: int) -> tuple[str, str]:
    if not lcid & 0xFFFF:
        return ".", ","
    from babel.numbers import get_decimal_symbol, get_group_symbol

    return get_decimal_symbol(_locale(lcid)), get_group_symbol(_locale(lcid))


def _date(value: float, tokens: tuple[_Token, ...], lcid: int, *, from_1904: bool) -> str:
    if not 0 <= value < _LAST_DAY:
        return general(value)
    day = datetime(1904, 1, 1) if from_1904 else datetime(1899, 12, 30)
    if not from_1904 and value < 60:  # there is a 29 February 1900 for Excel
        day += timedelta(days=1)
    parts = [text for kind, text in tokens if kind in {"date", "elapsed"}]
    fine = any("." in text for kind, text in tokens if kind in {"date", "digits"})
    seconds = round(value * 86_400, 3 if fine else 0)
    moment = day + timedelta(seconds=seconds)
    out = []
    seen = -1
    for kind, text in tokens:
        if kind in {"date", "elapsed"}:
            seen += 1
        if kind == "text":
            out.append(text)
        elif kind == "digits" and text.startswith("."):  # of seconds
            out.append(f"{seconds % 1:.{len(text) - 1}f}"[1:])
        elif kind == "ampm":
            out.append("AM" if moment.hour < 12 else "PM")
        elif kind == "elapsed":
            unit = {"h": 3_600, "m": 60, "s": 1}[text[0]]
            out.append(str(int(seconds // unit)).zfill(len(text)))
        elif kind == "date":
            near = (parts[seen - 1 : seen] if seen else []) + parts[seen + 1 : seen + 2]
            before = parts[seen - 1][0] if seen else ""
            minute = before == "h" or any(other[0] == "s" for other in near)
            half = any(kind == "ampm" for kind, _ in tokens)
            out.append(_part(moment, text, lcid, minute=minute, half=half))
    return "".join(out).strip()


def _part(moment: datetime, text: str, lcid: int, *, minute: bool, half: bool) -> str:
    match text[0]:
        case "y" | "b" | "e":
            buddhist = text[0] == "b" or (lcid >> 16) & 0xFF == _THAI_CALENDAR
            year = moment.year + (_BUDDHIST_YEARS if buddhist else 0)
            return f"{year % 100:02d}" if len(text) < 3 and text[0] != "e" else str(year)
        case "m" if not minute or len(text) > 2:
            return _named(moment.month, text, lcid, months=True)
        case "m":
            return str(moment.minute).zfill(len(text))
        case "d" if len(text) > 2:
            return _named(moment.weekday(), text, lcid, months=False)
        case "d":
            return str(moment.day).zfill(len(text))
        case "h":
            return str((moment.hour - 1) % 12 + 1 if half else moment.hour).zfill(len(text))
        case "s":
            digits = len(text.partition(".")[2])
            tail = f".{moment.microsecond:06d}"[: digits + 1] if digits else ""
            return str(moment.second).zfill(len(text.partition(".")[0])) + tail
    return ""  # the name of an era


def _named(number: int, text: str, lcid: int, *, months: bool) -> str:
    if len(text) < 3:
        return str(number).zfill(len(text))
    from babel.dates import get_day_names, get_month_names

    names = get_month_names if months else get_day_names
    return str(names("abbreviated" if len(text) == 3 else "wide", locale=_locale(lcid))[number])
