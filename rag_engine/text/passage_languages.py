"""Which language each passage of a document is in, in the light of the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rag_engine.ports import Detection, LanguageDetector
from rag_engine.records import UNDETERMINED
from rag_engine.text.codes import normalise_language
from rag_engine.text.scripts import LONE_LANGUAGE, main_script

__all__ = ["passage_languages"]

_ELSEWHERE = 0.2
"""How likely a passage is in any one language before the document is looked at; that it is in the
document's language counts 1 more."""
_HINT_CHARACTERS = 400
"""The hint weighs as much as so many characters that are surely in its language."""
_WHOLE = 800
"""Characters of the document that are looked at as one text: short passages tell more together."""
_UNKNOWN = 0.25
"""What the detector leaves open (1 less all shares) may be each language to this part; one that is
near to its first guess whole."""
_UNSURE = 0.5
"""So much counts what a detector says of a text that it calls ``und``."""
_NEAR = tuple(
    frozenset(group.split())
    for group in (
        *("da no", "no sv", "fo is", "af nl", "cs sk", "bs hr sr", "ast es gl", "gl pt", "id ms"),
        *("az tr", "rn rw", "nso st tn", "nr ss xh zu", "be ru uk", "bg mk", "hi mr ne", "ga gd"),
    )
)
"""Languages whose short texts a detector takes for each other."""
_STATED = 2.0
"""What a file says of a part counts so much more than 1, which the document's language does. It has
to outweigh a document and its neighbours, and not what the detector is sure of."""
_SURE = 0.6
"""A detector's share of a language from which on none is believed that it can not tell."""
_TRUSTED_CHARACTERS = 400
"""What a file says of its parts is trusted as if so many characters had borne it out before."""
_MISSED = 0.01
"""How likely the detector is to overlook the right language altogether."""
_ROUNDS = 4


def passage_languages(
    passages: Sequence[str],
    hint: str | None,
    detector: LanguageDetector,
    stated: Sequence[Mapping[str, float]] = (),
) -> list[str]:
    """Return the language of each passage of one document, ``und`` where nothing tells it.

    The chance of a language is what the detector says of the passage, times a prior: how much of
    the document, and of the two passages next to this one, is in it. So what is open in itself
    (names, a few words, Danish or Norwegian, a Japanese title without kana) goes with its
    document, and a long or clear passage keeps its own language. Shares of the document and
    languages of passages are estimated in turn, some rounds of expectation maximisation (Dempster,
    Laird and Rubin 1977) of a mixture whose components are the languages.

    ``hint`` is what is said of the document: it weighs as much as 400 characters in that language.
    One that the detector can not tell is taken at its word, but for scripts that write only
    another.

    ``stated`` is what is said of each passage itself, if anything: which part of it (0 to 1) is in
    a language. It adds to the prior of that language, if the detector finds it plausible there, or
    can not tell it and is sure of no other, by as much as such statements proved right in the whole
    document: where they say one thing and the passages clearly another, they fade.

    No other document counts: the languages of one do not depend on what was indexed before it.
    """
    claimed = normalise_language(hint) if hint else UNDETERMINED
    evidence = [_shares(detector.plausible(passage)) for passage in passages]
    whole, whole_told = _shares(detector.plausible("\n".join(passages)[:_WHOLE]))
    # Whether it is a ListingDetector: isinstance looks at every member, for each document.
    known: frozenset[str] | None = getattr(detector, "languages", None)
    stated = stated or [{}] * len(passages)
    heeded = [
        _heeded(said, shares, known) for said, (shares, _) in zip(stated, evidence, strict=True)
    ]
    told = {language for shares, is_told in evidence if is_told for language in shares}
    told = told.union(*heeded)
    if whole_told:
        told |= whole.keys()
    if claimed != UNDETERMINED:
        told.add(claimed)
    if not (passages and told):
        return [UNDETERMINED] * len(passages)
    if len(told) == 1 and not any(stated):  # nothing else is to be weighed against it
        return [*told] * len(passages)
    likelihoods = [
        _likelihoods(shares, told, _taken((*said, claimed), known) if _is_open(passage) else None)
        for passage, (shares, _), said in zip(passages, evidence, heeded, strict=True)
    ]
    lengths = [len(passage) for passage in passages]
    if whole_told:
        likelihoods.append(_likelihoods(whole, told, _taken([claimed], known)))
        lengths.append(min(_WHOLE, sum(lengths)))
    chances = _chances(likelihoods, lengths, claimed, stated, heeded)
    return [max(sorted(its), key=its.__getitem__) for its in chances]


def _heeded(
    said: Mapping[str, float], shares: Mapping[str, float], known: frozenset[str] | None
) -> dict[str, float]:
    """Return what of that which is said of a passage the detector leaves possible, or can not tell.

    Many parts are in their program's language by no more than a setting of it. One that the
    detector can not tell counts where it is sure of no other, nor of a few that are near.
    """
    near = _near_to(shares)
    found = max(shares.values(), default=0.0)
    is_open = max(found, sum(shares.get(language, 0.0) for language in near)) < _SURE
    possible = {*shares, *near}
    return {
        language: part
        for language, part in said.items()
        if language in possible or (is_open and _taken([language], known))
    }


def _taken(claims: Iterable[str], known: frozenset[str] | None) -> str | None:
    """Return the first claim that the detector can not tell, and which is taken at its word."""
    if known is None:
        return None
    return next((code for code in claims if code != UNDETERMINED and code not in known), None)


def _shares(detections: Sequence[Detection]) -> tuple[dict[str, float], bool]:
    """Return the plausible languages, and whether the detector is sure of the first."""
    is_told = detections[0].language != UNDETERMINED
    part = 1.0 if is_told else _UNSURE
    return {
        each.language: part * each.confidence
        for each in detections
        if each.language != UNDETERMINED
    }, is_told


def _is_open(passage: str) -> bool:
    return main_script(passage) not in LONE_LANGUAGE


def _likelihoods(
    shares: Mapping[str, float], told: set[str], taken: str | None
) -> dict[str, float]:
    """Return how likely a passage would be in each language that the document may have."""
    left = max(0.0, 1.0 - sum(shares.values()))
    near = _near_to(shares)
    likely = {
        language: shares.get(language, 0.0)
        + _MISSED
        + left * (1.0 if language in near else _UNKNOWN)
        for language in sorted(told)
    }
    if taken is not None:
        likely[taken] = 1.0
    return likely


def _near_to(shares: Mapping[str, float]) -> frozenset[str]:
    """Return the languages that the likeliest is taken for, and itself, if there are any."""
    first = max(sorted(shares), key=shares.__getitem__, default=UNDETERMINED)
    return frozenset[str]().union(*(group for group in _NEAR if first in group))


def _chances(
    likelihoods: Sequence[Mapping[str, float]],
    lengths: Sequence[int],
    claimed: str,
    stated: Sequence[Mapping[str, float]],
    heeded: Sequence[Mapping[str, float]],
) -> list[dict[str, float]]:
    """Return the chances of the languages of each passage; ``stated`` has one entry for each.

    A text more than there are passages is the document.
    """
    passages = len(stated)
    chances = [_normalised(likely) for likely in likelihoods]
    for _ in range(_ROUNDS):
        document = dict.fromkeys(likelihoods[0], 0.0)
        if claimed in document:
            document[claimed] += _HINT_CHARACTERS
        for its, length in zip(chances, lengths, strict=True):
            for language, chance in its.items():
                document[language] += length * chance
        document = _normalised(document)
        weight = _STATED * _trust(stated, chances, lengths)
        said = [*heeded, {}]
        chances = [
            _normalised(
                {
                    language: likely
                    * (
                        _ELSEWHERE
                        + _near(document, chances[:passages], number, language)
                        + weight * said[number].get(language, 0.0)
                    )
                    for language, likely in likelihoods[number].items()
                }
            )
            for number in range(len(likelihoods))
        ]
    return chances[:passages]


def _trust(
    stated: Sequence[Mapping[str, float]],
    chances: Sequence[Mapping[str, float]],
    lengths: Sequence[int],
) -> float:
    """Return how much of what is said of passages they bear out, 0 to 1."""
    borne_out = of_all = float(_TRUSTED_CHARACTERS)
    for said, its, length in zip(stated, chances, lengths, strict=False):
        borne_out += length * sum(part * its.get(code, 0.0) for code, part in said.items())
        of_all += length * sum(said.values())
    return borne_out / of_all


def _near(
    document: Mapping[str, float],
    chances: Sequence[Mapping[str, float]],
    number: int,
    language: str,
) -> float:
    """Return how much of the document and of the passages beside one is in a language, 0 to 1."""
    beside = [
        chances[other].get(language, 0.0)
        for other in (number - 1, number + 1)
        if 0 <= other < len(chances)
    ]
    if not beside or number >= len(chances):
        return document[language]
    return (document[language] + sum(beside) / len(beside)) / 2


def _normalised(weights: Mapping[str, float]) -> dict[str, float]:
    total = sum(weights.values()) or 1.0
    return {language: weight / total for language, weight in weights.items()}
