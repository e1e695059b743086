"""Files of parallel sentences, as FLORES, NTREX and Tatoeba can be had: JSON Lines, also gzipped.

A row has ``language``, ``text``, and either ``sentence`` (the same number for the same content) or
``english`` (its translation). A row that can not be read is a problem and stops nothing.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from rag_engine.calibration.model_fitting import Aligned, Paired
from rag_engine.errors import InvalidInput
from rag_engine.pipelines.aligned_lines import raw_lines, row_of, sentence_of, text_of
from rag_engine.records import UNDETERMINED
from rag_engine.text.codes import normalise_language
from rag_engine.told_problems import ToldProblems

__all__ = ["LEFT_OUT", "read_parallel_file"]

LEFT_OUT = {"arz_Arab", "als_Latn", "arb_Latn", "azb_Arab", "nno_Latn", "prs_Arab", "yue_Hant",
            "zho_Hant"}  # fmt: skip
"""Codes of FLORES whose language, or whose script's language, another code of it has."""
_FORM = '{"language": "...", "sentence": 1, "text": "..."} or {..., "english": "..."}'


def read_parallel_file(path: Path) -> tuple[Aligned | Paired, ToldProblems]:
    """Read all sentences of a file, and what could not be read.

    Raises:
        InvalidInput: the file can not be read, or holds no sentence.
    """
    problems = ToldProblems(str(path))
    aligned: dict[str, dict[int, str]] = defaultdict(dict)
    paired: dict[str, list[tuple[str, str]]] = defaultdict(list)
    seen: set[tuple[str, int]] = set()
    for number, raw in raw_lines(path):
        try:
            row = row_of(raw, _FORM)
            language, text = text_of(row, "language"), text_of(row, "text")
            if language in LEFT_OUT:
                continue
            code = normalise_language(language)
            if code == UNDETERMINED:
                raise ValueError(f"its language is a code such as de, got {language!r:.40}")
            if "sentence" in row:
                sentence = sentence_of(row)
                # Of a language in two scripts both tell its place, each as other sentences.
                key = sentence if sentence not in aligned[code] else -1 - sentence
                if (language, sentence) in seen or key in aligned[code]:
                    raise ValueError(f"sentence {sentence} of {language} came before")
                seen.add((language, sentence))
                aligned[code][key] = text
            else:
                english = text_of(row, "english")
                paired[code].append((text, english))
        except ValueError as error:
            problems.add(f"line {number:,}: {error}; a row is {_FORM}; it was passed over")
    if aligned and paired:
        raise InvalidInput(
            f"{path} has rows with 'sentence' and rows without; give them as two files"
        )
    if not aligned and not paired:
        raise InvalidInput(f"{path} holds no parallel sentences; a line is {_FORM}")
    source = Aligned(path.name, aligned) if aligned else Paired(path.name, paired)
    return source, problems
