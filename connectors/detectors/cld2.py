"""Compact Language Detector 2, by way of pycld2."""

from __future__ import annotations

from importlib import metadata

from rag_engine.text.codes import normalise_language

__all__ = ["Cld2Model"]

# What it calls scripts ("xx-Cyrl"), jokes ("zzp" is Pig Latin, "tlh" Klingon) and nothing ("un").
_NO_LANGUAGE = ("xx", "zz", "tlh", "un")


class Cld2Model:
    """CLD2 (some 160 languages, 14 MB): quadgrams and whole words, strong on a few words.

    Source: Sites, "Compact Language Detection 2", 2013 (github.com/CLD2Owners/cld2).

    Raises:
        ImportError: pycld2 is not installed.
    """

    def __init__(self) -> None:
        import pycld2

        self._detect = pycld2.detect
        detected = frozenset(pycld2.DETECTED_LANGUAGES)
        self.languages = frozenset(
            normalise_language(code)
            for name, code in pycld2.LANGUAGES
            if name in detected and not code.startswith(_NO_LANGUAGE)
        )
        self.version = f"cld2-{metadata.version('pycld2')}"

    def shares(self, words: str) -> dict[str, float]:
        """Return how much of a text is in each of at most three languages."""
        # It refuses what may not be interchanged: control characters, lone surrogates.
        clean = words if words.isprintable() else "".join(filter(str.isprintable, words))
        _, _, details = self._detect(clean, isPlainText=True, bestEffort=True)
        scores: dict[str, float] = {}
        for _, code, percent, _ in details:
            if not code.startswith(_NO_LANGUAGE):
                language = normalise_language(code)
                scores[language] = scores.get(language, 0.0) + percent / 100
        return scores
