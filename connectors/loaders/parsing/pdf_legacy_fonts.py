"""Fonts of before Unicode, which draw letters of one script in the place of another's.

Their text reads as Latin words (``vkidks`` for आपको), and nothing but the font's name says that
it is none. Those that are named here are of India, Nepal, Bangladesh, Sri Lanka and Vietnam, where
they are still in use.
"""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["draws_another_script", "legacy_script"]

_FONTS = {
    "Devanagari": (
        "akrutidev|aps-?dv|devlys|dv[bw]?-?tt|himalb|kantipur|kruti ?dev|preeti|sagarmatha"
        "|shree-?dev|shusha|walkman-?chanakya"
    ),
    "Gurmukhi": "anmollipi|asees|gurbaniakhar|satluj",
    "Gujarati": "gopika|harikrishna|lmg-|terafont",
    "Bengali": "bijoy|sutonnymj",
    "Tamil": "bamini|tab-|tam-|tscu?_|vanavil",
    "Kannada": "brhkan|nudi ?0",
    "Malayalam": "fml-?tt|ml[bw]?-?tt",
    "Sinhala": "dl-(?:araliya|manel|paras)|fm-?(?:abhaya|bindumathi|emanee)",
    "Vietnamese": r"\.vn(?:arial|time|avant|helv|book|courier)|vni-",
}
_SCRIPTS = {script: re.compile(f"(?:{names})", re.IGNORECASE) for script, names in _FONTS.items()}
_TOLD = re.compile("[\u01a0\u01a1\u01af\u01b0\u0900-\u1cff\u1ea0-\u1eff]")
_FEW = 0.02
_SUBSET = re.compile(r"^[A-Z]{6}\+")


@lru_cache(maxsize=256)
def legacy_script(font: str) -> str:
    """Return the script that a font of before Unicode draws; nothing for any other font.

    >>> legacy_script("ABCDEF+KrutiDev010"), legacy_script("Times-Roman"), legacy_script("VNI-Top")
    ('Devanagari', '', 'Vietnamese')
    """
    name = _SUBSET.sub("", font)
    return next((script for script, names in _SCRIPTS.items() if names.match(name)), "")


def draws_another_script(text: str) -> bool:
    """Tell whether a text has none of the letters that these fonts draw: the file tells of none.

    >>> draws_another_script("vkidks ;g lwfpr"), draws_another_script("आपको यह")
    (True, False)
    """
    return len(_TOLD.findall(text)) <= _FEW * len(text)
