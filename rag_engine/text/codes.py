"""Language codes as files and tools write them, brought to one form."""

from __future__ import annotations

import re
from functools import lru_cache

from rag_engine.errors import InvalidInput
from rag_engine.records import UNDETERMINED

__all__ = ["code_table", "normalise_language", "stated_language"]


def code_table(*lines: str) -> dict[str, str]:
    """Read lines of ``code:meaning`` pairs.

    >>> code_table("deu:de fra:fr", "spa:es")
    {'deu': 'de', 'fra': 'fr', 'spa': 'es'}
    """
    pairs = (pair.split(":") for line in lines for pair in line.split())
    return dict(pairs)


# Codes that name the same language, or one so near that a model can not keep them apart.
_ALIASES = code_table(
    "als:gsw arb:ar arz:ar azb:az bh:bho cmn:zh fil:tl hyw:hy in:id iw:he ji:yi jw:jv mo:ro",
    "nb:no nn:no pes:fa sh:hr wuu:zh yue:zh zsm:ms",
)
# ISO 639-2 and 639-3 codes of the languages that files most often claim.
_THREE_LETTERS = code_table(
    "afr:af alb:sq amh:am ara:ar arm:hy aze:az baq:eu bel:be ben:bn bod:bo bos:bs bul:bg",
    "bur:my cat:ca ces:cs chi:zh cym:cy cze:cs dan:da deu:de dut:nl ell:el eng:en est:et",
    "eus:eu fas:fa fin:fi fra:fr fre:fr geo:ka ger:de gle:ga glg:gl gre:el guj:gu hau:ha",
    "heb:he hin:hi hrv:hr hun:hu hye:hy ice:is ind:id isl:is ita:it jpn:ja kan:kn kat:ka",
    "kaz:kk khm:km kor:ko lao:lo lav:lv lit:lt mac:mk mal:ml mar:mr may:ms mkd:mk mon:mn",
    "msa:ms mya:my nep:ne nld:nl nno:no nob:no nor:no pan:pa per:fa pol:pl por:pt ron:ro",
    "rum:ro rus:ru sin:si slk:sk slo:sk slv:sl som:so spa:es sqi:sq srp:sr swa:sw swe:sv",
    "tam:ta tel:te tgl:tl tha:th tib:bo tur:tr ukr:uk urd:ur uzb:uz vie:vi wel:cy yor:yo",
    "zho:zh zul:zu bak:ba bre:br cor:kw div:dv dzo:dz ewe:ee fao:fo fij:fj fry:fy gla:gd ibo:ig",
    "ido:io ile:ie ina:ia jav:jv kin:rw kir:ky kmr:ku kur:ku lat:la ltz:lb lvs:lv mlg:mg mlt:mt",
    "mri:mi nde:nd nya:ny oci:oc orm:om prs:fa pus:ps smo:sm sna:sn snd:sd ssw:ss swh:sw tah:ty",
    "tat:tt tgk:tg tir:ti ton:to tsn:tn tuk:tk uig:ug ven:ve wol:wo xho:xh yid:yi",
)


@lru_cache(maxsize=1_000)
def normalise_language(code: str) -> str:
    """Return the primary BCP-47 subtag of a language code, or ``und`` for what is none.

    Codes of ISO 639-2/3 become the two-letter ones where those exist; old codes and codes of
    near varieties become the usual ones (``nb`` is ``no``, ``iw`` is ``he``, ``yue`` is ``zh``).

    >>> [normalise_language(code) for code in ("zh-Hant-TW", "EN_us", "ger", "nb", "?")]
    ['zh', 'en', 'de', 'no', 'und']
    """
    primary = re.split(r"[-_.@]", code.strip().lower(), maxsplit=1)[0]
    if not (2 <= len(primary) <= 3 and primary.isascii() and primary.isalpha()):
        return UNDETERMINED
    primary = _THREE_LETTERS.get(primary, primary)
    return _ALIASES.get(primary, primary)


def stated_language(code: str | None) -> str | None:
    """Return a language that somebody says texts are in, in one form; None stays None.

    Raises:
        InvalidInput: it is no code of a language.

    >>> stated_language("pt-BR"), stated_language(None)
    ('pt', None)
    """
    if code is None:
        return None
    language = normalise_language(code) if isinstance(code, str) else UNDETERMINED
    if language == UNDETERMINED:
        raise InvalidInput(
            f"a language is a code such as de, pt-BR or swh, got {code!r:.80}; leave it out to "
            "have it detected"
        )
    return language
