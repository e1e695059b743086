"""Which language each passage of a document is in, in the light of the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rag_engine.ports import Detection, LanguageDetector, ListingDetector
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
_MISSED = 0.01
"""How likely the detector is to overlook the right language altogether."""
_ROUNDS = 4


def passage_languages(
    passages: Sequence[str], hint: str | None, detector: LanguageDetector
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

    No other document counts: the languages of one do not depend on what was indexed before it.
    """
    claimed = normalise_language(hint) if hint else UNDETERMINED
    evidence = [_shares(detector.plausible(passage)) for passage in passages]
    told = {language for shares, is_told in evidence if is_told for language in shares}
    whole, whole_told = _shares(detector.plausible("\n".join(passages)[:_WHOLE]))
    if whole_told:
        told |= whole.keys()
    if claimed != UNDETERMINED:
        told.add(claimed)
    if not (passages and told):
        return [UNDETERMINED] * len(passages)
    taken_at_its_word = (
        claimed != UNDETERMINED
        and isinstance(detector, ListingDetector)
        and claimed not in detector.languages
    )
    likelihoods = [
        _likelihoods(shares, told, claimed if taken_at_its_word and _is_open(passage) else None)
        for passage, (shares, _) in zip(passages, evidence, strict=True)
    ]
    lengths = [len(passage) for passage in passages]
    if whole_told:
        likelihoods.append(_likelihoods(whole, told, claimed if taken_at_its_word else None))
        lengths.append(min(_WHOLE, sum(lengths)))
    chances = _chances(likelihoods, lengths, claimed, len(passages))
    return [max(sorted(its), key=its.__getitem__) for its in chances]


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
    first = max(sorted(shares), key=shares.__getitem__, default=UNDETERMINED)
    near = frozenset[str]().union(*(group for group in _NEAR if first in group))
    likely = {
        language: shares.get(language, 0.0)
        + _MISSED
        + left * (1.0 if language in near else _UNKNOWN)
        for language in sorted(told)
    }
    if taken is not None:
        likely[taken] = 1.0
    return likely


def _chances(
    likelihoods: Sequence[Mapping[str, float]],
    lengths: Sequence[int],
    claimed: str,
    passages: int,
) -> list[dict[str, float]]:
    """Return the chances of the languages of each of the first ``passages`` texts."""
    chances = [_normalised(likely) for likely in likelihoods]
    for _ in range(_ROUNDS):
        document = dict.fromkeys(likelihoods[0], 0.0)
        if claimed in document:
            document[claimed] += _HINT_CHARACTERS
        for its, length in zip(chances, lengths, strict=True):
            for language, chance in its.items():
                document[language] += length * chance
        document = _normalised(document)
        chances = [
            _normalised(
                {
                    language: likely
                    * (_ELSEWHERE + _near(document, chances[:passages], number, language))
                    for language, likely in likelihoods[number].items()
                }
            )
            for number in range(len(likelihoods))
        ]
    return chances[:passages]


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
