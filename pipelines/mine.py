"""``rag-engine mine``: the pairs of two files that translate each other.

Both files may be of a million lines. Nothing but where lines stand is held in memory: texts are
read when they are embedded and when they are printed, vectors lie in files that are mapped into
memory (``mining_work``).
"""

from __future__ import annotations

import contextlib
import json
import math
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from rag_engine.calibration.margins import Margin
from rag_engine.calibration.model_fit import prior_of
from rag_engine.components import default_detector
from rag_engine.connectors.wiring import build_dense, build_embedder
from rag_engine.errors import InvalidInput
from rag_engine.pipelines.mining_work import MiningWork
from rag_engine.pipelines.output import Outcome, note, safe
from rag_engine.pipelines.output_files import write_lines
from rag_engine.pipelines.progress import Bar
from rag_engine.pipelines.text_lines import TextLines, read_utf8
from rag_engine.ports import Embedder, VectorRows
from rag_engine.records import UNDETERMINED, Problem
from rag_engine.settings import LangChainDenseSettings, MilvusDenseSettings, Settings
from rag_engine.store.progress import OnStage
from rag_engine.tasks.mining import (
    NEIGHBOURS,
    MinedPairs,
    centred_sides,
    nearest_neighbours,
    pairs_of_neighbours,
)
from rag_engine.tasks.mining_quality import MiningQuality, mining_quality
from rag_engine.tasks.similarity import unread
from rag_engine.text.codes import stated_language

__all__ = ["Mining", "mine", "read_gold"]

_SAMPLE = 200
"""Texts of a file that are asked which language it is in."""
_JSON_LINES = ".jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mining:
    """How to mine, and what becomes of the pairs; the languages are those of the two files."""

    k: int = NEIGHBOURS
    margin: Margin = "distance"
    raw: bool = False
    one_to_one: bool = False
    threshold: float | None = None
    gold: Path | None = None
    named: bool = False
    languages: tuple[str | None, str | None] = (None, None)
    work: Path | None = None
    out: Path | None = None

    def __post_init__(self) -> None:
        """Refuse what has no effect, before anything is read."""
        if self.k < 1:
            raise InvalidInput(f"-k is a number of neighbours, 1 or more, got {self.k}")
        if self.threshold is not None and not math.isfinite(self.threshold):
            raise InvalidInput(f"--threshold is a number, got {self.threshold}")
        if self.raw and any(self.languages):
            raise InvalidInput(
                "--language and --other-language have no effect with --raw, which centres nothing; "
                "leave them or --raw out"
            )


def mine(path: Path, other_path: Path, settings: Settings, how: Mining) -> Outcome:
    """Mine the pairs of two files with a text a line.

    Raises:
        InvalidInput: a file can not be read or holds no text; the gold pairs do not fit; the
            working folder is of other work; vectors are to lie in a service.
        StorageFailed: the working folder or the output can not be written.
        StoreCorrupt: what the working folder holds is damaged.
    """
    if isinstance(settings.dense, MilvusDenseSettings | LangChainDenseSettings):
        raise InvalidInput(
            f"dense.kind = {settings.dense.kind!r} keeps the passages of a knowledge base; to "
            "mine, set another, such as 'auto', or leave it out"
        )
    with Bar(unit="line") as bar:
        sides = [_read(each, how, bar) for each in (path, other_path)]
        if sides[0].digest == sides[1].digest:
            raise InvalidInput(
                f"{path} and {other_path} hold the same: every text would be paired with itself; "
                "name a file of another language"
            )
        gold = None if how.gold is None else read_gold(how.gold, sides[0], sides[1])
        pairs, facts, unread_files = _pairs(sides, settings, how, bar.stage)
    quality = None if gold is None else mining_quality(pairs, gold, how.threshold)
    threshold = how.threshold if quality is None else quality.threshold
    if threshold is not None:
        pairs = pairs.above(threshold)
    problems = [*(problem for side in sides for problem in side.problems), *unread_files]
    return _outcome(sides, pairs, quality, threshold, facts, how, problems)


def _read(path: Path, how: Mining, bar: Bar) -> TextLines:
    bar.stage(f"reading {path.name}", 0, 0)
    side = TextLines.read(path, named=how.named, on_line=bar.to)
    told = [f"{len(side):,} texts"]
    told += [f"{side.blank:,} blank lines"] if side.blank else []
    told += [f"{side.repeated:,} repeated lines, mined once"] if side.repeated else []
    note(f"{path}: {', '.join(told)}")
    return side


def read_gold(path: Path, side: TextLines, other: TextLines) -> set[tuple[int, int]]:
    """Read the gold pairs: a line of the one file and its translation in the other, a tab between.

    They are told by their numbers (from 1) or, where lines have names, by those.

    Raises:
        InvalidInput: the file can not be read, or names a line that is none.
    """
    gold = set()
    what = "names" if side.named else "line numbers"
    for number, line in enumerate(read_utf8(path).splitlines(), start=1):
        if not line.strip():
            continue
        cells = [cell.strip() for cell in line.split("\t")]
        rows = [each.row_of(cell) for each, cell in zip((side, other), cells, strict=False)]
        if len(cells) != 2 or None in rows:
            raise InvalidInput(
                f"{path}, line {number}: two {what} with a tab between are needed, of texts in "
                f"{side.path.name} and {other.path.name}, got {line!r:.120}"
            )
        gold.add((rows[0], rows[1]))
    if not gold:
        raise InvalidInput(f"{path} holds no pair: a line is two {what} with a tab between")
    return gold  # type: ignore[return-value]


def _pairs(
    sides: list[TextLines], settings: Settings, how: Mining, on_stage: OnStage
) -> tuple[MinedPairs, dict[str, Any], list[Problem]]:
    """Embed what is not yet, look for neighbours in both directions, and pair them."""
    embedder = build_embedder(settings.embedder)
    index = build_dense(settings.dense, settings.milvus)
    with _work_folder(how.work) as folder, MiningWork.opened(folder, sides, embedder) as work:
        if work.resumed:
            note(f"{folder}: {work.resumed:,} texts were embedded before")
        vectors = [work.vectors(number, on_stage) for number in (0, 1)]
        first, second, languages = _sides(vectors, sides, embedder, how)
        of = {"k": how.k, "raw": how.raw, "languages": languages, "index": repr(settings.dense)}
        forth = work.neighbours(
            "forth", of, partial(nearest_neighbours, first, second, index, how.k, "looking forth",
                                 on_stage)
        )  # fmt: skip
        back = work.neighbours(
            "back", of, partial(nearest_neighbours, second, first, index, how.k, "looking back",
                                on_stage)
        )  # fmt: skip
    pairs = pairs_of_neighbours(forth, back, margin=how.margin, one_to_one=how.one_to_one)
    facts = {"languages": languages, "resumed": work.resumed}
    return pairs, facts, list(_unread(sides, languages, embedder))


def _unread(sides: list[TextLines], languages: list[str], embedder: Embedder) -> Iterator[Problem]:
    """Yield the files whose language the model can not read; of which it can, not all are known."""
    prior = prior_of(embedder)
    lost = [] if prior is None else unread(languages, prior)
    for side, language in zip(sides, languages, strict=bool(languages)):
        if language in lost:
            yield Problem(
                source=str(side.path),
                reason=f"the model can not read {language}: what its texts are paired with means "
                "nothing",
            )


@contextlib.contextmanager
def _work_folder(named: Path | None) -> Iterator[Path]:
    if named is not None:
        yield named
        return
    with tempfile.TemporaryDirectory(prefix="rag-engine-mine-") as folder:
        yield Path(folder) / "work"


def _sides(
    vectors: list[Any], sides: list[TextLines], embedder: Embedder, how: Mining
) -> tuple[VectorRows, VectorRows, list[str]]:
    """Return the vectors to compare, centred or not, and the languages of the files."""
    if how.raw:
        return vectors[0], vectors[1], []
    languages = [
        _language(side, stated_language(said))
        for side, said in zip(sides, how.languages, strict=True)
    ]
    prior = prior_of(embedder)
    first, second = centred_sides(vectors[0], vectors[1], languages, prior=prior)
    return first, second, languages


def _language(side: TextLines, said: str | None) -> str:
    """Return the language that most texts of a file are in, and say so."""
    if said is not None:
        return said
    detector = default_detector()
    rows = np.linspace(0, len(side) - 1, min(len(side), _SAMPLE)).astype(int)
    with side.opened() as entry:
        told = Counter(detector.detect(entry(int(row))[1]).language for row in rows)
    del told[UNDETERMINED]
    if not told:
        note(f"{side.path}: no language could be told; its own mean says where it lies")
        return UNDETERMINED
    [(language, count)] = told.most_common(1)
    note(f"{side.path}: {language} ({count} of {len(rows)} texts looked at)")
    return language


def _outcome(
    sides: list[TextLines],
    pairs: MinedPairs,
    quality: MiningQuality | None,
    threshold: float | None,
    facts: dict[str, Any],
    how: Mining,
    problems: list[Problem],
) -> Outcome:
    result: dict[str, Any] = {
        "files": [
            {
                "path": str(side.path),
                "texts": len(side),
                "blank": side.blank,
                "repeated": side.repeated,
            }
            for side in sides
        ],
        **facts,
        "margin": how.margin,
        "k": how.k,
        "one_to_one": how.one_to_one,
        "threshold": threshold,
        "mined": len(pairs),
        "quality": None if quality is None else asdict(quality),
        "out": None if how.out is None else str(how.out),
    }
    summary = _summary(pairs, quality, threshold)
    if how.out is None:
        found = list(_found(sides, pairs))
        note(summary)
        lines = [_as_tsv(pair) for pair in found]
        return Outcome(result={**result, "pairs": found}, lines=lines, problems=problems)
    line = _as_json if how.out.suffix == _JSON_LINES else _as_tsv
    write_lines(how.out, "writing the pairs", map(line, _found(sides, pairs)))
    return Outcome(result=result, lines=[f"{how.out}: {summary}"], problems=problems)


def _summary(pairs: MinedPairs, quality: MiningQuality | None, threshold: float | None) -> str:
    told = f"{len(pairs):,} pairs"
    told += "" if threshold is None else f" that score {threshold:.4f} or more"
    if quality is not None:
        told += (
            f"; precision {quality.precision:.3f}, recall {quality.recall:.3f}, F1 {quality.f1:.3f}"
        )
    return told


def _found(sides: list[TextLines], pairs: MinedPairs) -> Iterator[dict[str, Any]]:
    """Yield the pairs as they are printed, best first."""
    with sides[0].opened() as entry, sides[1].opened() as other_entry:
        for row, other, score, cosine in zip(
            pairs.rows.tolist(),
            pairs.others.tolist(),
            pairs.scores.tolist(),
            pairs.cosines.tolist(),
            strict=True,
        ):
            (line, text), (other_line, other_text) = entry(row), other_entry(other)
            yield {
                "score": round(score, 6),
                "cosine": round(cosine, 6),
                "line": line,
                "other_line": other_line,
                "text": text,
                "other_text": other_text,
            }


def _as_tsv(pair: dict[str, Any]) -> str:
    cells = (pair["line"], pair["other_line"], pair["text"], pair["other_text"])
    return "\t".join([f"{pair['score']:.4f}", *map(safe, cells)])


def _as_json(pair: dict[str, Any]) -> str:
    return json.dumps(pair, ensure_ascii=False)
