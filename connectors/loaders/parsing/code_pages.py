"""Which of the old code pages a text in Latin, Cyrillic or Japanese script was written in.

The code pages for Western, Central European, Turkish and Baltic languages put different letters
on the same bytes, and a general detector often takes one for another: Spanish "ñ" comes out as
"ń". What tells them apart is that only the right one gives letters of a single language's
alphabet, inside its words.
"""

from __future__ import annotations

import re

__all__ = ["CYRILLIC", "cyrillic_code_page", "japanese_code_page", "latin_code_page"]

_ALPHABETS = {
    "German": "äöüß",
    "French": "àâæçèéêëîïôœùûüÿ",
    "Spanish": "áéíñóúü",
    "Portuguese": "àáâãçéêíóôõúü",
    "Italian": "àèéìíîòóùú",
    "Catalan": "àçèéíïòóúü",
    "Dutch": "áàäéèëíïóöúü",
    "Nordic": "åäöæøéü",
    "Polish": "ąćęłńóśźż",
    "Czech": "áčďéěíňóřšťúůýž",
    "Slovak": "áäčďéíĺľňóôŕšťúýž",
    "Hungarian": "áéíóöőúüű",
    "Romanian": "ăâîşţ",
    "Croatian": "čćđšž",
    "Turkish": "çğıöşüâîûİ",
    "Lithuanian": "ąčęėįšųūž",
    "Latvian": "āčēģīķļņšūž",
    "Estonian": "äõöüšž",
    "Icelandic": "áðéíóúýþæö",
}
_CANDIDATES = (
    ("cp1252", "German French Spanish Portuguese Italian Catalan Dutch Nordic Estonian"),
    ("cp1250", "Polish Czech Slovak Hungarian Romanian"),
    ("cp1250", "Croatian"),
    ("cp1254", "Turkish"),
    ("cp1257", "Lithuanian Latvian Estonian"),
    ("iso8859_2", "Polish Czech Slovak Hungarian Romanian"),
    ("cp1252", "Icelandic"),
)
_HIGH_RUN = re.compile(rb"[\x80-\xff]+")
_ASCII_LETTER = re.compile(rb"[A-Za-z]")
_PLAIN_SIGNS = frozenset("“”„‘’‚‹›«»–—…•·°§©®™€£¥µ×÷±¹²³¼½¾¿¡ºª\xa0\xad")
# Signs that do not follow a letter: "tanº" may be, "tan±" is a letter of another code page.
_NEVER_AFTER_LETTERS = frozenset("±×÷¼½¾¹¥£€¿¡µ")
_OUTSIDE_ASCII = re.compile(r"[^\x00-\x7f]")
_ENOUGH = 0.85

CYRILLIC = ("cp1251", "koi8_r", "iso8859_5", "cp866")
_COMMON_CYRILLIC = re.compile("[оеаинтсрвлкмдпуяыьгзбчйіјъ]")
_KANA = re.compile(r"[\u3041-\u30ff]")


def latin_code_page(data: bytes) -> str | None:
    """Name the code page of a text in Latin script; None if it does not look like one.

    >>> latin_code_page("El niño bebió agua en la montaña.".encode("cp1252"))
    'cp1252'
    >>> latin_code_page("Pompę należy płukać co tydzień.".encode("cp1250"))
    'cp1250'
    >>> latin_code_page("Насос не включается.".encode("cp1251")) is None
    True
    """
    runs = _HIGH_RUN.findall(data)
    high = sum(map(len, runs))
    if not runs or high > 2 * len(runs) or high > len(_ASCII_LETTER.findall(data)):
        # Latin words mix in single accented letters; other scripts come in whole words of them.
        return None
    best, best_score = None, _ENOUGH
    for name, languages in _CANDIDATES:
        text = data.decode(name, errors="replace")
        score = max(_plausibility(text, _ALPHABETS[language]) for language in languages.split())
        if score > best_score:
            best, best_score = name, score
    return best


def _plausibility(text: str, alphabet: str) -> float:
    """Return the share of characters outside ASCII that this language would write there."""
    letters = set(alphabet + alphabet.upper())
    good = total = 0
    for match in _OUTSIDE_ASCII.finditer(text):
        total += 1
        character, position = match.group(), match.start()
        before, after = text[max(position - 1, 0) : position], text[position + 1 : position + 2]
        if character in letters:
            good += not (character.isupper() and before.islower())
        elif character in _PLAIN_SIGNS:
            within = before.isalpha() and (after.isalpha() or character in _NEVER_AFTER_LETTERS)
            good += character == "’" or not within
    return good / total if total else 0.0


def cyrillic_code_page(data: bytes) -> str | None:
    """Name the code page in which a Cyrillic text has the most of the commonest small letters.

    >>> cyrillic_code_page("Насос не включается.".encode("koi8_r"))
    'koi8_r'
    """
    best, best_score = None, 0.6
    for name in CYRILLIC:
        text = data.decode(name, errors="replace")
        outside = len(_OUTSIDE_ASCII.findall(text))
        score = len(_COMMON_CYRILLIC.findall(text)) / max(1, outside)
        if score > best_score:
            best, best_score = name, score
    return best


def japanese_code_page(data: bytes) -> str | None:
    """Name the code page of a Japanese text; None if kana, which only Japanese has, are few.

    >>> japanese_code_page("ポンプは動きます。".encode("euc_jp"))
    'euc_jp'
    """
    for name in ("euc_jp", "cp932"):
        try:
            text = data.decode(name)
        except UnicodeDecodeError:
            continue
        outside = len(_OUTSIDE_ASCII.findall(text))
        if outside and len(_KANA.findall(text)) > outside * 0.25:
            return name
    return None
