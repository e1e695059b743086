"""Numbers as lists and clauses count: letters, Roman numerals, the numerals of other scripts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

__all__ = ["counted"]

_ROMAN = (
    *((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l")),
    *((40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i")),
)
_HEBREW = (
    *((400, "ת"), (300, "ש"), (200, "ר"), (100, "ק"), (90, "צ"), (80, "פ"), (70, "ע"), (60, "ס")),
    *((50, "נ"), (40, "מ"), (30, "ל"), (20, "כ"), (16, "טז"), (15, "טו"), (10, "י"), (9, "ט")),
    *((8, "ח"), (7, "ז"), (6, "ו"), (5, "ה"), (4, "ד"), (3, "ג"), (2, "ב"), (1, "א")),
)
_LATIN = "abcdefghijklmnopqrstuvwxyz"
_RUSSIAN = "абвгдежзиклмнопрстуфхцчшщыэюя"
_GREEK = "αβγδεζηθικλμνξοπρστυφχψω"
_ARABIC = "أبتثجحخدذرزسشصضطظعغفقكلمنهوي"
_ABJAD = "أبجدهوزحطيكلمنسعفصقرشتثخذضظغ"
_HEBREW_LETTERS = "אבגדהוזחטיכלמנסעפצקרשת"
_GANADA = "가나다라마바사아자차카타파하"
_CHOSUNG = "ㄱㄴㄷㄹㅁㅂㅅㅇㅈㅊㅋㅌㅍㅎ"
_AIUEO = (
    "アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワヲン"
)
_IROHA = (
    "イロハニホヘトチリヌルヲワカヨタレソツネナラムウヰノオクヤマケフコエテアサキユメミシヱヒモセス"
)
_AIUEO_HIRAGANA = (
    "あいうえおかきくけこさしすせそたちつてとなにぬねのはひふへほまみむめもやゆよらりるれろわをん"
)
_IROHA_HIRAGANA = (
    "いろはにほへとちりぬるをわかよたれそつねならむうゐのおくやまけふこえてあさきゆめみしゑひもせす"
)
_STEMS, _BRANCHES = "甲乙丙丁戊己庚辛壬癸", "子丑寅卯辰巳午未申酉戌亥"
_HINDI_CONSONANTS = "कखगघङचछजझञटठडढणतथदधनपफबभमयरलवशषसह"
_HINDI_VOWELS = "अआइईउऊऋएऐओऔ"
_THAI_LETTERS = "กขคงจฉชซฌญฎฏฐฑฒณดตถทธนบปผฝพฟภมยรลวศษสหฬอฮ"
_CHICAGO = "*†‡§"
_HAN = "〇一二三四五六七八九"
_HANGUL = "영일이삼사오육칠팔구"
_HANGUL_ONES = ("", "하나", "둘", "셋", "넷", "다섯", "여섯", "일곱", "여덟", "아홉")
_HANGUL_TENS = ("", "열", "스물", "서른", "마흔", "쉰", "예순", "일흔", "여든", "아흔")

Count = Callable[[int], str]


def counted(number: int, style: str) -> str:
    """Write a number in a style by its name in Word or in CSS; unknown names give digits.

    >>> [counted(4, style) for style in ("upperRoman", "lower-alpha", "japaneseCounting")]
    ['IV', 'd', '四']
    >>> counted(23, "chineseCountingThousand"), counted(28, "lowerLetter")
    ('二十三', 'bb')
    """
    write = _STYLES.get(style)
    return (write(number) if write is not None and number > 0 else "") or str(number)


def _digits(digits: str) -> Count:
    return lambda number: "".join(digits[int(digit)] for digit in str(number))


def _letters(letters: Sequence[str]) -> Count:
    """Word goes on with doubled letters after the last one: aa, bb; nobody counts to 30 rounds."""
    return lambda number: (
        letters[(number - 1) % len(letters)] * ((number - 1) // len(letters) + 1)
        if number <= 30 * len(letters)
        else ""
    )


def _alphabetic(letters: str) -> Count:
    """A browser goes on with aa, ab."""

    def write(number: int) -> str:
        text = ""
        while number > 0:
            number, rest = divmod(number - 1, len(letters))
            text = letters[rest] + text
        return text

    return write


def _cycle(letters: str) -> Count:
    return lambda number: letters[number - 1] if number <= len(letters) else ""


def _additive(signs: Sequence[tuple[int, str]], most: int) -> Count:
    def write(number: int) -> str:
        if number > most:
            return ""
        text = ""
        for value, sign in signs:
            while number >= value:
                text += sign
                number -= value
        return text

    return write


def _east_asian(digits: str, units: tuple[str, str, str, str], *, one: bool) -> Count:
    """Count with units of ten, as in 二十三; ``one`` writes 一十 where others write 十."""

    def below(number: int) -> str:
        text = ""
        for unit, value in zip(units[:3], (1000, 100, 10), strict=True):
            count, number = divmod(number, value)
            if count:
                text += ("" if count == 1 and not one else digits[count]) + unit
        return text + (digits[number] if number else "")

    def write(number: int) -> str:
        if number >= 10**8:
            return ""
        high, low = divmod(number, 10_000)
        return (below(high) + units[3] if high else "") + below(low)

    return write


def _korean_native(number: int) -> str:
    return "" if number > 99 else _HANGUL_TENS[number // 10] + _HANGUL_ONES[number % 10]


def _chinese(digits: str, units: tuple[str, str, str, str]) -> Count:
    """As ``_east_asian``, with a zero for what is skipped: 一百零五; 十 begins without 一."""

    def write(number: int) -> str:
        if number >= 10_000:
            return ""
        text, skipped = "", False
        rest = number
        for unit, value in zip(units[:3], (1000, 100, 10), strict=True):
            count, rest = divmod(rest, value)
            if count:
                text += ("零" if skipped else "") + digits[count] + unit
                skipped = False
            else:
                skipped = bool(text)
        if rest:
            text += ("零" if skipped else "") + digits[rest]
        return text[1:] if 10 <= number < 20 else text

    return write


def _ordinal(number: int) -> str:
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10)
    return f"{number}{ending or 'th'}"


def _enclosed(first: int, most: int) -> Count:
    return lambda number: chr(first + number - 1) if number <= most else ""


def _circled(number: int) -> str:
    if number <= 20:
        return chr(0x2460 + number - 1)
    return chr(0x3251 + number - 21) if number <= 35 else ""


_lower_roman = _additive(_ROMAN, 4_999)
_han_units = _east_asian(_HAN, ("千", "百", "十", "万"), one=False)
_chinese_units = _chinese(_HAN, ("千", "百", "十", "万"))
_legal_japanese = _east_asian("〇壱弐参四伍六七八九", ("阡", "百", "拾", "萬"), one=True)
_full_width = _digits("０１２３４５６７８９")
_latin_lower, _latin_upper = _letters(_LATIN), _letters(_LATIN.upper())


def _upper_roman(number: int) -> str:
    return _lower_roman(number).upper()


_STYLES: dict[str, Count] = {
    "decimalZero": lambda number: f"{number:02d}",
    "lowerRoman": _lower_roman,
    "upperRoman": _upper_roman,
    "lowerLetter": _latin_lower,
    "upperLetter": _latin_upper,
    "ordinal": _ordinal,
    "hex": lambda number: f"{number:X}",
    "chicago": _letters(_CHICAGO),
    "numberInDash": lambda number: f"- {number} -",
    "decimalFullWidth": _full_width,
    "decimalFullWidth2": _full_width,
    "decimalEnclosedCircle": _circled,
    "decimalEnclosedCircleChinese": _circled,
    "decimalEnclosedFullstop": _enclosed(0x2488, 20),
    "decimalEnclosedParen": _enclosed(0x2474, 20),
    "ideographEnclosedCircle": _enclosed(0x3280, 10),
    "japaneseCounting": _han_units,
    "japaneseLegal": _legal_japanese,
    "japaneseDigitalTenThousand": _digits(_HAN),
    "ideographDigital": _digits(_HAN),
    "chineseCounting": _chinese_units,
    "chineseCountingThousand": _chinese_units,
    "chineseLegalSimplified": _chinese("零壹贰叁肆伍陆柒捌玖", ("仟", "佰", "拾", "万")),
    "taiwaneseCounting": _han_units,
    "taiwaneseCountingThousand": _chinese_units,
    "taiwaneseDigital": _digits("○一二三四五六七八九"),
    "ideographLegalTraditional": _chinese("零壹貳參肆伍陸柒捌玖", ("仟", "佰", "拾", "萬")),
    "ideographTraditional": _cycle(_STEMS),
    "ideographZodiac": _cycle(_BRANCHES),
    "aiueo": _letters(_AIUEO),
    "aiueoFullWidth": _letters(_AIUEO),
    "iroha": _letters(_IROHA),
    "irohaFullWidth": _letters(_IROHA),
    "koreanDigital": _digits(_HANGUL),
    "koreanDigital2": _digits("零一二三四五六七八九"),
    "koreanCounting": _east_asian(_HANGUL, ("천", "백", "십", "만"), one=False),
    "koreanLegal": _korean_native,
    "ganada": _letters(_GANADA),
    "chosung": _letters(_CHOSUNG),
    "hebrew1": _additive(_HEBREW, 9_999),
    "hebrew2": _letters(_HEBREW_LETTERS),
    "arabicAlpha": _letters(_ARABIC),
    "arabicAbjad": _letters(_ABJAD),
    "hindiNumbers": _digits("०१२३४५६७८९"),
    "hindiConsonants": _letters(_HINDI_CONSONANTS),
    "hindiVowels": _letters(_HINDI_VOWELS),
    "thaiNumbers": _digits("๐๑๒๓๔๕๖๗๘๙"),
    "thaiLetters": _letters(_THAI_LETTERS),
    "russianLower": _letters(_RUSSIAN),
    "russianUpper": _letters(_RUSSIAN.upper()),
    # CSS, and the values of <ol type>
    "decimal-leading-zero": lambda number: f"{number:02d}",
    "a": _alphabetic(_LATIN),
    "A": _alphabetic(_LATIN.upper()),
    "lower-alpha": _alphabetic(_LATIN),
    "upper-alpha": _alphabetic(_LATIN.upper()),
    "lower-latin": _alphabetic(_LATIN),
    "upper-latin": _alphabetic(_LATIN.upper()),
    "lower-greek": _alphabetic(_GREEK),
    "i": _lower_roman,
    "I": _upper_roman,
    "lower-roman": _lower_roman,
    "upper-roman": _upper_roman,
    "hebrew": _additive(_HEBREW, 9_999),
    "cjk-ideographic": _chinese_units,
    "trad-chinese-informal": _chinese_units,
    "simp-chinese-informal": _chinese_units,
    "japanese-informal": _han_units,
    "cjk-decimal": _digits(_HAN),
    "cjk-heavenly-stem": _cycle(_STEMS),
    "cjk-earthly-branch": _cycle(_BRANCHES),
    "katakana": _alphabetic(_AIUEO),
    "katakana-iroha": _alphabetic(_IROHA),
    "hiragana": _alphabetic(_AIUEO_HIRAGANA),
    "hiragana-iroha": _alphabetic(_IROHA_HIRAGANA),
    "arabic-indic": _digits("٠١٢٣٤٥٦٧٨٩"),
    "persian": _digits("۰۱۲۳۴۵۶۷۸۹"),
    "devanagari": _digits("०१२३४५६७८९"),
    "bengali": _digits("০১২৩৪৫৬৭৮৯"),
    "thai": _digits("๐๑๒๓๔๕๖๗๘๙"),
    "khmer": _digits("០១២៣៤៥៦៧៨៩"),
    "lao": _digits("໐໑໒໓໔໕໖໗໘໙"),
    "myanmar": _digits("၀၁၂၃၄၅၆၇၈၉"),
}
