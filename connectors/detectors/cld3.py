"""Compact Language Detector 3, by way of cld3-py."""

from __future__ import annotations

import threading
from importlib import metadata

from rag_engine.records import UNDETERMINED
from rag_engine.text.codes import normalise_language

__all__ = ["Cld3Model"]

# As the model's own list has them (github.com/google/cld3, README); it can not be asked for it.
_LANGUAGES = (
    "af am ar bg bn bs ca ceb co cs cy da de el en eo es et eu fa fi fil fr fy ga gd gl gu ha haw",
    "hi hmn hr ht hu hy id ig is it iw ja jv ka kk km kn ko ku ky la lb lo lt lv mg mi mk ml mn mr",
    "ms mt my ne nl no ny pa pl ps pt ro ru sd si sk sl sm sn so sq sr st su sv sw ta te tg th tr",
    "uk ur uz vi xh yi yo zh zu",
)
_MOST_BYTES = 2_000


class Cld3Model:
    """CLD3 (some 100 languages, 1.4 MB): a small network over characters.

    Source: github.com/google/cld3; Botha et al. 2017 describe its kind of network.
    """

    def __init__(self) -> None:
        import gcld3

        self._model = gcld3.NNetLanguageIdentifier(0, _MOST_BYTES)
        # It lets other threads run meanwhile, and is not made for two at once.
        self._turn = threading.Lock()
        self.languages = frozenset(
            normalise_language(code) for line in _LANGUAGES for code in line.split()
        )
        self.version = f"cld3-{metadata.version('cld3-py')}"

    def shares(self, words: str) -> dict[str, float]:
        """Return the likeliest language of a text and how likely it is; empty without letters."""
        with self._turn:
            found = self._model.FindLanguage(words)
        language = normalise_language(found.language)
        return {} if language == UNDETERMINED else {language: float(found.probability)}
