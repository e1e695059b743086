"""``rag-engine bench languages``: which language is a text in, whole and cut to a few words?

Macro F1 is the mean over languages of the harmonic mean of precision and recall, so that every
language counts alike. It is given over the languages that a detector claims, over those of
multilingual E5 (XLM-R's, of which it was trained on about 94), and over all of the file.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag_engine.connectors.detectors.by_script import LanguageModel
from rag_engine.connectors.detectors.cld2 import Cld2Model
from rag_engine.connectors.detectors.cld3 import Cld3Model
from rag_engine.connectors.detectors.fasttext import FastTextDetector, FastTextModel
from rag_engine.connectors.detectors.several import SeveralModelsDetector
from rag_engine.errors import InvalidInput
from rag_engine.pipelines.bench.bench_report import machine
from rag_engine.pipelines.output import Outcome
from rag_engine.pipelines.tables import table
from rag_engine.ports import ListingDetector
from rag_engine.records import UNDETERMINED
from rag_engine.text.codes import code_table, normalise_language
from rag_engine.text.encoder_languages import ENCODER_LANGUAGES

__all__ = ["bench_languages", "few_words", "macro_f1"]

# As parallel corpora call varieties, where the code of the whole language says enough.
_VARIETIES = code_table(
    "acm:ar acq:ar aeb:ar aka:ak ajp:ar als:sq apc:ar ars:ar ary:ar asm:as ayr:ay azj:az bam:bm",
    "epo:eo ewe:ee fuv:ff gaz:om grn:gn hat:ht kas:ks khk:mn kik:ki kon:kg lim:li lin:ln lug:lg",
    "nob:no npi:ne ory:or pbt:ps plt:mg quy:qu run:rn sag:sg san:sa sot:st srd:sc sun:su tso:ts",
    "twi:ak tw:ak uzn:uz ydd:yi nor:no",
)
_FEWEST, _MOST = 3, 6
_FEWEST_UNSPACED, _MOST_UNSPACED = 8, 16


@dataclass(frozen=True, slots=True)
class _Text:
    language: str
    whole: str
    cut: str


def bench_languages(path: Path, sentences: int, seed: int = 1) -> Outcome:
    """Measure on JSON Lines (``.gz`` too) of ``language`` and ``text``.

    ``sentences`` are drawn of each code in the file. Its codes may have a script (``swh_Latn``).

    Raises:
        InvalidInput: a line can not be read, or there is none.
    """
    texts = _drawn(path, sentences, seed)
    every = {text.language for text in texts}
    rows = []
    for name, detect, claimed in _detectors():
        started = time.perf_counter()
        found = [(_code(detect(text.whole)), _code(detect(text.cut))) for text in texts]
        seconds = time.perf_counter() - started
        row: dict[str, Any] = {"detector": name, "claims": len(claimed & every)}
        for number, kind in enumerate(("whole", "cut")):
            pairs = [(text.language, of[number]) for text, of in zip(texts, found, strict=True)]
            row[f"{kind}: claimed"] = macro_f1(pairs, claimed & every)
            row[f"{kind}: E5"] = macro_f1(pairs, ENCODER_LANGUAGES & every)
            row[f"{kind}: all"] = macro_f1(pairs, every)
            row[f"{kind}: und"] = sum(of == UNDETERMINED for _, of in pairs) / len(pairs)
        row["ms a text"] = 1e3 * seconds / (2 * len(texts))
        rows.append(row)
    shown = [
        {key: f"{value:.3f}" if isinstance(value, float) else value for key, value in row.items()}
        for row in rows
    ]
    result = {"machine": machine(), "languages": len(every), "texts": len(texts), "rows": rows}
    return Outcome(result=result, lines=table(shown))


def macro_f1(pairs: Sequence[tuple[str, str]], languages: Collection[str]) -> float:
    """Return the mean F1 over ``languages`` of (true, found) pairs; texts in others do not count.

    >>> macro_f1([("de", "de"), ("de", "nl"), ("nl", "nl"), ("fr", "nl")], {"de", "nl"})
    0.6666666666666666
    """
    counted = [(true, found) for true, found in pairs if true in languages]
    right = Counter(true for true, found in counted if true == found)
    trues = Counter(true for true, _ in counted)
    founds = Counter(found for _, found in counted)
    scores = [2 * right[code] / ((trues[code] + founds[code]) or 1) for code in languages]
    return sum(scores) / len(scores) if scores else 0.0


def few_words(text: str, drawn: random.Random) -> str:
    """Cut 3 to 6 words out of a sentence; 8 to 16 characters of one that has no blanks.

    >>> few_words("one two three four five six seven", random.Random(1))
    'one two three four'
    """
    words = text.split()
    count = drawn.randint(_FEWEST, _MOST)
    if len(words) > count and len(text) < 20 * len(words):
        first = drawn.randrange(len(words) - count + 1)
        return " ".join(words[first : first + count])
    length = drawn.randint(_FEWEST_UNSPACED, _MOST_UNSPACED)
    first = drawn.randrange(max(1, len(text) - length + 1))
    return text[first : first + length]


def _code(code: str) -> str:
    language = normalise_language(code)
    return _VARIETIES.get(language, language)


def _drawn(path: Path, sentences: int, seed: int) -> list[_Text]:
    by_code: dict[str, list[str]] = defaultdict(list)
    number = 0
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8") as file:
            for line in file:
                number += 1
                row = json.loads(line)
                by_code[row["language"]].append(row["text"])
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path} can not be read: {error}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidInput(
            f'{path}, line {number}: {error!r}; a line is {{"language": "...", "text": "..."}}'
        ) from error
    if not by_code:
        raise InvalidInput(f"{path} holds no sentence")
    texts = []
    for code, its in sorted(by_code.items()):
        drawn = random.Random(f"{seed} {code}")
        primary = code.split("_")[0]
        language = _VARIETIES.get(primary) or _code(primary)
        texts += [
            _Text(language, text, few_words(text, drawn))
            for text in drawn.sample(its, min(sentences, len(its)))
        ]
    return texts


_Named = tuple[str, Callable[[str], str], frozenset[str]]


def _detectors() -> Iterator[_Named]:
    """Yield ours, its models one by one, and what else is installed."""
    yield _ours("the default", SeveralModelsDetector())
    yield _ours("fastText, by script", FastTextDetector())
    for kind in (FastTextModel, Cld2Model, Cld3Model):
        with contextlib.suppress(ImportError):
            yield _alone(kind())
    for other in (_lingua, _langid, _langidentify):
        with contextlib.suppress(ImportError):
            yield other()


def _ours(name: str, detector: ListingDetector) -> _Named:
    codes = frozenset(map(_code, detector.languages))
    return name, lambda text: detector.detect(text).language, codes


def _alone(model: LanguageModel) -> _Named:
    def detect(text: str) -> str:
        shares = model.shares(text)
        return max(sorted(shares), key=shares.__getitem__, default=UNDETERMINED)

    return model.version, detect, frozenset(map(_code, model.languages))


def _lingua() -> _Named:
    import lingua

    builder = lingua.LanguageDetectorBuilder.from_all_languages()
    detector = builder.with_preloaded_language_models().build()

    def detect(text: str) -> str:
        found = detector.detect_language_of(text)
        return found.iso_code_639_1.name.lower() if found else UNDETERMINED

    codes = frozenset(_code(each.iso_code_639_1.name) for each in lingua.Language.all())
    return "lingua", detect, codes


def _langid() -> _Named:
    from py3langid import langid

    detector = langid.LanguageIdentifier.from_modelpath(langid.MODEL_DIR / langid.MODEL_FILE)
    labels = frozenset(map(_code, detector.labels))
    return "py3langid", lambda text: str(detector.classify(text)[0]), labels


def _langidentify() -> _Named:
    import langidentify

    languages = [each for each in langidentify.Language if each.name != "UNKNOWN"]
    detector = langidentify.Detector(langidentify.Model.load(languages))
    codes = frozenset(_code(each.iso_code) for each in languages) - {UNDETERMINED}
    return "langidentify", lambda text: str(detector.detect(text).iso_code), codes
