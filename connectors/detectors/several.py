"""The detector that is used unless another is given: three small models beside each other."""

from __future__ import annotations

import contextlib

from rag_engine.connectors.detectors.by_script import LanguageModel, ScriptFirstDetector
from rag_engine.connectors.detectors.cld2 import Cld2Model
from rag_engine.connectors.detectors.cld3 import Cld3Model
from rag_engine.connectors.detectors.fasttext import FastTextModel

__all__ = ["SeveralModelsDetector"]

# Four names of places out of five are less sure than this. Of 3 to 6 words in ninety widespread
# languages it leaves one text in six undetermined; of those told, one in sixteen is told wrong.
_SURE = 0.5
_FIRST_MODEL = "lid.176.ftz-"


class SeveralModelsDetector(ScriptFirstDetector):
    """Detects languages by their scripts and by fastText, CLD3 and CLD2 (17 MB altogether).

    Where pycld2 is not installed (it has no wheels for Linux on ARM, nor yet for Python 3.14, and
    is compiled there), the other two go without it. It opens knowledge bases that were built with
    or without CLD2, and those of earlier versions, which asked fastText alone.

    Raises:
        ModelError: a bundled model can not be read.
    """

    def __init__(self) -> None:
        models: list[LanguageModel] = [FastTextModel(), Cld3Model()]
        with contextlib.suppress(ImportError):
            models.append(Cld2Model())
        super().__init__(models, sure=_SURE)

    def accepts(self, version: str) -> bool:
        """Tell whether some of the same models told the languages of a knowledge base.

        >>> SeveralModelsDetector().accepts("lid.176.ftz-8f3472cf-rules-1")
        True
        """
        return version.startswith(_FIRST_MODEL)
