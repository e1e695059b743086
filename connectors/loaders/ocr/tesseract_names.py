"""What Tesseract calls languages and scripts, what others call them, and who packages them.

Tesseract names a language by ISO 639-2/T (``hin``), with a script behind it where a language has
several (``chi_tra``, ``srp_latn``), and a script by a word (``script/Devanagari``, in Debian
without the folder); its manual (``man tesseract``, "LANGUAGES AND SCRIPTS") lists them. CLDR's
likely subtags tell a language's script; the tables below hold what differs from that.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

__all__ = [
    "how_to_install",
    "is_language",
    "language_of",
    "likely_name",
    "script_of",
    "scripts_of_word",
    "tesseract_name",
]

_PLAIN = (
    *("afr", "amh", "ara", "asm", "aze", "bel", "ben", "bod", "bos", "bre", "bul", "cat", "ceb"),
    *("ces", "chr", "cos", "cym", "dan", "deu", "div", "dzo", "ell", "eng", "enm", "epo", "est"),
    *("eus", "fao", "fas", "fil", "fin", "fra", "frm", "fry", "gla", "gle", "glg", "grc", "guj"),
    *("hat", "heb", "hin", "hrv", "hun", "hye", "iku", "ind", "isl", "ita", "jav", "jpn", "kan"),
    *("kat", "kaz", "khm", "kir", "kor", "lao", "lat", "lav", "lit", "ltz", "mal", "mar", "mkd"),
    *("mlt", "mon", "mri", "msa", "mya", "nep", "nld", "nor", "oci", "ori", "pan", "pol", "por"),
    *("pus", "que", "ron", "rus", "san", "sin", "slk", "slv", "snd", "spa", "sqi", "srp", "sun"),
    *("swa", "swe", "syr", "tam", "tat", "tel", "tgk", "tha", "tir", "ton", "tur", "uig", "ukr"),
    *("urd", "uzb", "vie", "yid", "yor"),
)
"""The languages that Tesseract names by ISO 639-2/T or 639-3."""

_BY_NAME = {
    "aze_cyrl": "az-Cyrl",
    "chi_sim": "zh-Hans",
    "chi_sim_vert": "zh-Hans",
    "chi_tra": "zh-Hant",
    "chi_tra_vert": "zh-Hant",
    "deu_latf": "de-Latf",
    "frk": "de-Latf",
    "ita_old": "it",
    "jpn_vert": "ja",
    "kat_old": "ka",
    "kmr": "ku-Latn",
    "kor_vert": "ko",
    "kur_ara": "ku-Arab",
    "spa_old": "es",
    "srp_latn": "sr-Latn",
    "uzb_cyrl": "uz-Cyrl",
}
"""Tesseract's names that are no plain ISO 639-2/T, and BCP-47 for them."""
_NO_LANGUAGES = frozenset({"osd", "equ", "snum"})

_SCRIPT_WORDS = {
    "Arab": "Arabic",
    "Armn": "Armenian",
    "Beng": "Bengali",
    "Cans": "Canadian_Aboriginal",
    "Cher": "Cherokee",
    "Cyrl": "Cyrillic",
    "Deva": "Devanagari",
    "Ethi": "Ethiopic",
    "Geor": "Georgian",
    "Grek": "Greek",
    "Gujr": "Gujarati",
    "Guru": "Gurmukhi",
    "Hans": "HanS",
    "Hant": "HanT",
    "Hebr": "Hebrew",
    "Jpan": "Japanese",
    "Khmr": "Khmer",
    "Knda": "Kannada",
    "Kore": "Hangul",
    "Laoo": "Lao",
    "Latf": "Fraktur",
    "Latn": "Latin",
    "Mlym": "Malayalam",
    "Mymr": "Myanmar",
    "Orya": "Oriya",
    "Sinh": "Sinhala",
    "Syrc": "Syriac",
    "Taml": "Tamil",
    "Telu": "Telugu",
    "Thaa": "Thaana",
    "Thai": "Thai",
    "Tibt": "Tibetan",
}
"""ISO 15924, and Tesseract's word for the script."""
_DETECTED = {
    "Han": ("Hans", "Hant"),
    "Hiragana": ("Jpan",),
    "Katakana": ("Jpan",),
    "Korean": ("Kore",),
}
"""Words of the script detection that are no names of a model, and the scripts that they may be."""

_FIRST_LANGUAGES = {
    "Arab": "ara",
    "Beng": "ben",
    "Cyrl": "rus",
    "Deva": "hin",
    "Ethi": "amh",
    "Hebr": "heb",
    "Latf": "frk",
    "Latn": "eng",
    "Tibt": "bod",
}
"""The language that is offered first for a script that several are written in."""


def scripts_of_word(word: str) -> tuple[str, ...]:
    """Return the scripts (ISO 15924) that a word of Tesseract's script detection stands for.

    >>> scripts_of_word("Devanagari"), scripts_of_word("Han"), scripts_of_word("Common")
    (('Deva',), ('Hans', 'Hant'), ())
    """
    if word in _DETECTED:
        return _DETECTED[word]
    return tuple(script for script, known in _SCRIPT_WORDS.items() if known == word)


def is_language(name: str) -> bool:
    """Tell a model of one language from the others that Tesseract lists with them.

    >>> [is_language(name) for name in ("hin", "osd", "script/Thai", "Thai", "mine")]
    [True, False, False, False, True]
    """
    return name not in _NO_LANGUAGES and not _word_of(name)


def _word_of(name: str) -> str:
    """Return the script's word that a model of a whole script is named by, ``""`` for no such."""
    word = name.rpartition("/")[2].removesuffix("_vert")
    return word if word in _SCRIPT_WORDS.values() or "/" in name else ""


def language_of(name: str) -> str:
    """Return the language (BCP-47) that a model of Tesseract reads.

    >>> [language_of(name) for name in ("hin", "deu", "chi_tra", "ceb")]
    ['hi', 'de', 'zh-Hant', 'ceb']
    """
    from babel.core import get_global

    if name in _BY_NAME:
        return _BY_NAME[name]
    base = name.partition("_")[0]
    return str(get_global("language_aliases").get(base, base))


def script_of(name: str) -> str:
    """Return the script (ISO 15924) that a model reads, ``""`` where that is not known.

    >>> [script_of(name) for name in ("hin", "deu", "srp", "srp_latn", "jpn", "script/Thai")]
    ['Deva', 'Latn', 'Cyrl', 'Latn', 'Jpan', 'Thai']
    """
    from babel.core import get_global

    if word := _word_of(name):
        return next((script for script, known in _SCRIPT_WORDS.items() if known == word), "")
    parts = language_of(name).split("-")
    if len(parts) > 1:
        return parts[1]
    likely = str(get_global("likely_subtags").get(parts[0], "")).split("_")
    return likely[1] if len(likely) > 1 else ""


def tesseract_name(code: str, installed: Collection[str] = ()) -> str:
    """Return Tesseract's name for a language that a person named in their way.

    A name that is ``installed`` is taken as it is, and so is one that nobody knows.

    >>> [tesseract_name(code) for code in ("hi", "de-AT", "zh-TW", "sr-Latn", "ger", "ku", "nb")]
    ['hin', 'deu', 'chi_tra', 'srp_latn', 'deu', 'kmr', 'nor']
    >>> tesseract_name("chi_sim"), tesseract_name("mine", ["mine"])
    ('chi_sim', 'mine')
    >>> tesseract_name("de-Latf", ["frk"])  # its older name, which Debian has
    'frk'
    """
    from babel.core import get_global

    if code in installed or code in _BY_NAME or _word_of(code):
        return code
    aliases, likely = get_global("language_aliases"), get_global("likely_subtags")
    first, *rest = code.replace("_", "-").split("-")
    language = str(aliases.get(first.lower(), first.lower()))
    language = {"nb": "no", "nn": "no"}.get(language, language)
    script = next((part.title() for part in rest if len(part) == 4), "")
    if not script:
        whole = "_".join((language, *(part.upper() for part in rest)))
        parts = str(likely.get(whole) or likely.get(language) or "").split("_")
        script = parts[1] if len(parts) > 1 else ""
    named = [name for name, tag in _BY_NAME.items() if tag == f"{language}-{script}"]
    named = named or [name for name in _PLAIN if aliases.get(name, name) == language]
    return next((name for name in named if name in installed), named[0] if named else code)


def likely_name(script: str) -> str:
    """Return the language that is offered first to who lacks one of a script, ``""`` for none.

    >>> likely_name("Deva"), likely_name("Thai"), likely_name("Zzzz")
    ('hin', 'tha', '')
    """
    if script in _FIRST_LANGUAGES:
        return _FIRST_LANGUAGES[script]
    return next((name for name in (*_PLAIN, *_BY_NAME) if script_of(name) == script), "")


def how_to_install(names: Iterable[str] = ()) -> str:
    """Return how Tesseract and some of its languages are installed.

    >>> how_to_install(["hin", "chi_sim"])
    'apt-get install tesseract-ocr tesseract-ocr-hin tesseract-ocr-chi-sim (Debian, Ubuntu), brew \
install tesseract tesseract-lang (macOS)'
    """
    packages = ["tesseract-ocr"]
    for name in names:
        package = name.replace("_", "-")
        if word := _word_of(name):
            iso = {"Fraktur": "frak", "Hangul": "hang"}.get(word, script_of(name).lower() or word)
            package = f"script-{iso}"
        packages.append(f"tesseract-ocr-{package}")
    return (
        f"apt-get install {' '.join(packages)} (Debian, Ubuntu), "
        "brew install tesseract tesseract-lang (macOS)"
    )
