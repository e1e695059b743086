"""How well the letters of a text fit a language, and each other: what tells a wrong code page.

Read in the wrong code page a text still is letters, but those of another alphabet, or in places
where no word has them: a capital after a small letter, a final sigma within a word, a vowel sign
without a consonant, a currency sign between letters.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass

__all__ = ["Letters", "fit", "letters_of"]

_LATIN = {
    "af": "áêëéèïîôöûü",
    "ca": "àçèéíïòóúü·",
    "cs": "áčďéěíňóřšťúůýž",
    "cy": "âêîôûŵŷáéëïöàèìòùŴŶ",
    "da": "åæøéü",
    "de": "äöüßé",
    "en": "éèêëïôöçàñâæœü",
    "eo": "ĉĝĥĵŝŭ",
    "es": "áéíñóúüªº",
    "et": "äõöüšž",
    "fi": "äöåšžé",
    "fr": "àâæçèéêëîïôœùûüÿ",
    "ga": "áéíóú",
    "gl": "áéíñóúüï",
    "hr": "čćđšž",
    "hu": "áéíóöőúüű",
    "is": "áðéíóúýþæö",
    "it": "àèéìíîòóùú",
    "lt": "ąčęėįšųūž",
    "lv": "āčēģīķļņšūž",
    "mt": "ċġħżàèìòùé",
    "nl": "áàäèéëêíïóöúü",
    "no": "åæøéòôóü",
    "pl": "ąćęłńóśźż",
    "pt": "áàâãçéêíóôõúüªº",
    "ro": "ăâîşţșț",
    "sk": "áäčďéíĺľňóôŕšťúýž",
    "sl": "čšžćđ",
    "sq": "ëç",
    "sv": "åäöéüà",
    "tr": "çğıöşüâîûİ",
    "vi": "àáâãèéêìíòóôõùúýăđĩũơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ",
}
_OTHER = {
    "be": "абвгдеёжзійклмнопрстуўфхцчшыьэюя",
    "bg": "абвгдежзийклмнопрстуфхцчшщъьюя",
    "el": "αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊϋΐΰ",
    "ba": "абвгғдҙежзийкҡлмнңоөпрсҫтуүфхһцчшщъыьэәюяё",
    "kk": "абвгғдежзийкқлмнңоөпрстуұүфхһцчшщъыіьэюяёә",
    "ky": "абвгдежзийклмнңоөпрстуүфхцчшщъыьэюяё",
    "mk": "абвгдѓежзѕијклљмнњопрстќуфхцчџш",
    "ru": "абвгдежзийклмнопрстуфхцчшщъыьэюяё",
    "sr": "абвгдђежзијклљмнњопрстћуфхцчџш",
    "tg": "абвгғдеёжзийӣкқлмнопрстуӯфхҳцчҷшъэюяыьщ",
    "tt": "абвгдежҗзийклмнңоөпрстуүфхһцчшщъыьэәюяё",
    "uk": "абвгдежзийклмнопрстуфхцчшщьюяєіїґ",
}
_ALPHABETS = {
    name: frozenset(letters + letters.upper()) for name, letters in (_LATIN | _OTHER).items()
}
_SCRIPTS = {
    "ar": "arabic",
    "fa": "arabic",
    "he": "hebrew",
    "th": "thai",
    **dict.fromkeys(("ja", "ko", "zh"), "east"),
}
"""Languages whose script is enough."""

_COMMON = {
    "ar": "اليمنرتوبةعدسفهكقحجأ",
    "fa": "اليمنرتوبدسهکگشخزپیكي",
    "he": "יוהלאמרתבשנםדקעחפכ",
    "el": "αοιετσνηυρπκμλςίάέόή",
    "cyrillic": "оеаинтсрвлкмдпуяыьгзбчйіјъ",
}
"""The letters that make up some nine tenths of a text."""

_PLAIN_SIGNS = frozenset("“”„‘’‚‹›«»–—…•†‡‰·°§©®™€£¥µ×÷±¹²³¼½¾¿¡ªº\xa0\xad")
# Signs that do not follow a letter: "tanº" may be, "tan±" is a letter of another code page.
_NEVER_AFTER_LETTERS = frozenset("‰±×÷¼½¾¹¥£€¿¡µ")
_OUTSIDE_ASCII = re.compile(r"[^\x00-\x7f]")
_SCRIPT_NAMES = {
    "LATIN": "latin",
    "GREEK": "greek",
    "CYRILLIC": "cyrillic",
    "HEBREW": "hebrew",
    "ARABIC": "arabic",
    "THAI": "thai",
    "CJK": "east",
    "HIRAGANA": "east",
    "KATAKANA": "east",
    "HANGUL": "east",
}
_CYRILLIC_CONSONANTS = "бвгджзклмнпрстфхцчшщ"
_THAI_MARKS = "ัิีึืฺุู็่้๊๋์ํ"

_ODD = math.log(0.04)
"""What a character costs that no text in the language would hold in this place."""
_MIXED = 2.0
"""How odd a letter of another script within a word is, with 1 for what no text would hold."""
_RARE = math.log(0.45)
_LONE_QUOTE = 0.7
"""How odd a quotation is that ends or begins nowhere, with 1 for what no text would hold."""
_CAPITALS = math.log(0.01)
"""A whole text in capitals."""


@dataclass(frozen=True, slots=True)
class Letters:
    """What is seen of a text before a language is thought of.

    ``sound`` counts the letters outside ASCII that stand where letters may, ``odd`` all characters
    that do not; ``script`` is the one of most of those letters. ``mixed``: words are of several.
    """

    sound: Counter[str]
    odd: float
    script: str
    capitals: bool
    mixed: bool


def letters_of(text: str, standard: str = "") -> Letters:
    """Look at every character outside ASCII, in its place.

    ``standard`` is the character set of East Asia that the text would be in: its common
    characters stand in the first level of it.

    >>> letters_of("señor").odd, letters_of("señOr ¤ ni±o").odd
    (0.0, 2.0)
    """
    sound: Counter[str] = Counter()
    odd, mixed = _LONE_QUOTE * _lone_quotes(text), False
    for match in _OUTSIDE_ASCII.finditer(text):
        sign, place = match.group(), match.start()
        before, after = text[max(place - 1, 0) : place], text[place + 1 : place + 2]
        strangeness = _strangeness(sign, before, after, standard)
        if not strangeness and sign.isalpha() and _stands_alone(text, place):
            strangeness = 1.0
        odd += strangeness
        mixed = mixed or strangeness == _MIXED
        if strangeness < 1 and unicodedata.category(sign)[0] in "LM":
            sound[sign] += 1
    scripts: Counter[str] = Counter()
    capitals = 0
    for sign, count in sound.items():
        scripts[_script(sign)] += count
        capitals += sign.isupper() * count
    script = max(scripts, key=lambda name: scripts[name], default="latin")
    return Letters(sound, odd, script, capitals > 0.6 * sum(sound.values()), mixed)


def fit(letters: Letters, language: str) -> float:
    """Return how well they fit a language: 0 at best, less for each letter that does not.

    >>> fit(letters_of("señor"), "es"), fit(letters_of("señor"), "pl") < -3
    (0.0, True)
    """
    total = letters.odd * _ODD
    alphabet = _ALPHABETS.get(language)
    if alphabet is None:
        script = _SCRIPTS.get(language)
        if script is None or script != letters.script:
            return total + _ODD * max(3, sum(letters.sound.values()))
    else:
        strange = sum(n for sign, n in letters.sound.items() if sign not in alphabet)
        total += strange * _ODD
    common = _COMMON.get("cyrillic" if letters.script == "cyrillic" else language)
    if common:
        rare = sum(n for sign, n in letters.sound.items() if sign.lower() not in common)
        total += rare * _RARE
    if letters.capitals and letters.script in {"cyrillic", "greek"}:
        total += _CAPITALS
    return total + 0.0


def _stands_alone(text: str, place: int) -> bool:
    """Tell whether a Latin capital or a Hebrew letter stands where a currency sign would.

    Or a small Cyrillic one before a number.

    >>> _stands_alone("20 Ä", 3), _stands_alone("20 Äpfel", 3), _stands_alone("20 א", 3)
    (True, False, True)
    >>> _stands_alone("г20", 0), _stands_alone("M 20 г", 5)
    (True, False)
    """
    sign, before = text[place], text[max(place - 2, 0) : place].rstrip(" \xa0")[-1:]
    after = text[place + 1 : place + 2]
    script = _script(sign)
    if script == "cyrillic":
        return sign.islower() and after.isdigit() and not text[max(place - 1, 0) : place].isalnum()
    letter = script == "hebrew" or (script == "latin" and sign.isupper())
    return letter and before.isdigit() and not after.isalnum()


def _lone_quotes(text: str) -> int:
    """Count the kinds of quotation marks that lack their other half.

    >>> _lone_quotes("‘ильтр насоса"), _lone_quotes("”hej”, säger han"), _lone_quotes("”ход")
    (1, 0, 1)
    """
    doubles = sum(map(text.count, "“”„"))
    angles = sum(map(text.count, "«»"))
    return doubles % 2 + angles % 2 + (text.count("‘") > text.count("’"))


def _strangeness(sign: str, before: str, after: str, standard: str) -> float:
    """Return how little a character may stand in its place: 0, up to 2 for mixed scripts."""
    kind = unicodedata.category(sign)
    if kind[0] in "LM" and kind != "Lm":
        script = _script(sign)
        if standard and script == "east":
            return _east_asian(sign, before, after, standard)
        if any(each.isalpha() and _script(each) != script for each in (before, after)):
            return _MIXED
        if sign.isupper() and (before.islower() or (before.isupper() and after.islower())):
            return 1.0
        if sign == "þ" and before.isalpha():
            return 0.3  # in Icelandic but in the middle of compounds
        return float(_is_misplaced(sign, before, after))
    if sign in _PLAIN_SIGNS:
        within = before.isalpha() and (after.isalpha() or sign in _NEVER_AFTER_LETTERS)
        opening = sign in "„‚" and (before.isalpha() or sign in {before, after})
        opening = opening or (sign in "€£¥" and after.islower())
        return float((within and sign not in "’·") or opening or (sign in "÷±" and after.isalpha()))
    if kind[0] == "P" and ord(sign) >= 0x5BE:
        within = before.isascii() and before.isalpha() and after.isascii() and after.isalpha()
        return float(within or "\uff61" <= sign <= "\uff65")
    return 0.0 if sign == "ー" else 1.0


def _script(sign: str) -> str:
    if sign.isascii():
        return "latin"
    return _SCRIPT_NAMES.get(unicodedata.name(sign, "").split(" ")[0].split("-")[0], "other")


def _east_asian(sign: str, before: str, after: str, standard: str) -> float:
    if "\uff61" <= sign <= "\uff9f":
        return 1.0
    if not (before > "\x7f" or after > "\x7f") and (before + after).strip().isalnum():
        return _MIXED  # a single one within Latin letters
    if standard == "euc_kr" and "a" <= after <= "z":
        return 1.0  # Korean puts its particles after Latin letters, not before them
    if standard != "euc_kr" and before == " ":
        return 0.3  # only Korean sets blanks between words
    if standard == "euc_kr" and not "\uac00" <= sign <= "\ud7a3":
        return 0.3
    if standard == "gb18030":
        try:
            code = sign.encode("gb2312")
        except UnicodeEncodeError:
            return 0.3 if len(sign.encode("gb18030")) == 2 else 1.0
        return 0.0 if code < b"\xd8" else 0.3
    try:
        code = sign.encode({"big5hkscs": "big5", "cp932": "shift_jis"}.get(standard, "euc_kr"))
    except UnicodeEncodeError:
        return 0.15 if standard == "big5hkscs" else 1.0
    last = {"big5hkscs": b"\xc6\x80", "cp932": b"\x98\x73"}.get(standard, b"\xff")
    return 0.0 if code < last else 0.3


def _is_misplaced(sign: str, before: str, after: str) -> bool:
    if sign in "ςםןץףך":
        return after.isalpha()
    if sign == "σ":
        return not after.isalpha()
    if sign in "ьъы":
        return not before.isalpha()
    if sign == "й":
        return before in _CYRILLIC_CONSONANTS and before != ""
    if "\u0591" <= sign <= "\u05c7":
        return not "\u0591" <= before <= "\u05f2"
    if sign in "ةى":
        return after.isalpha()
    if "\u064b" <= sign <= "\u0652":
        return not "\u0620" <= before <= "\u06ff"
    if sign in _THAI_MARKS or sign in "ะาำๅ":
        after_letter = "ก" <= before <= "ฮ" or (before != "" and before in _THAI_MARKS)
        return not (after_letter or (sign in "ะา" and before == "า"))
    if sign in "เแโใไ":
        return not "ก" <= after <= "ฮ"
    return sign in "ฃฅฯ๏๚๛"
