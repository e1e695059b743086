"""Makes the examples of the two-stage recipe: ``make_two_stage_data TRAIN OUT``.

``TRAIN`` holds ``qa.jsonl.gz`` and ``qa_more.jsonl.gz`` (questions, and the passages of their own
language that answer them). Of a passage the sentence that holds the answer is taken: short texts,
so that both stages are done in minutes. ``OUT`` receives

- ``pairs.jsonl``: raw pairs of question and sentence for ``rag-engine train embedder`` and ``train
  reranker``, as many of each language where there are so many;
- ``held/``: a test set (BEIR layout) of other articles, all languages' passages in one pool.

An article is held back as a whole, by the hash of its title; where a source names no articles, a
passage is. The result depends on the files and the seed alone.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rag_engine.connectors.training.examples import Example
from rag_engine.pipelines.output import note
from rag_engine.pipelines.recipes.adapter_news import read_rows
from rag_engine.text.sentences import sentences

__all__ = ["is_held_back", "main"]

_SEED = 20_261_130
_HELD_IN = 8
"""One article of so many is held back."""
_FEW_TITLES = 2
"""A source with fewer names no articles."""


def is_held_back(name: str) -> bool:
    """Tell whether an article is kept for measuring.

    >>> [is_held_back(name) for name in ("Ankara", "Edirne", "Izmir")].count(True) < 3
    True
    """
    return hashlib.sha256(name.encode("utf-8")).digest()[0] % _HELD_IN == 0


def main(arguments: Sequence[str] | None = None) -> None:
    """Write pairs and a held-back set into the folder ``OUT``."""
    parser = argparse.ArgumentParser(prog="make_two_stage_data")
    parser.add_argument("train", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--pairs", type=int, default=300, help="of each language")
    parser.add_argument("--asked", type=int, default=50, help="held-back questions a language")
    parser.add_argument("--pool", type=int, default=150, help="held-back passages a language")
    given = parser.parse_args(arguments)
    chance = random.Random(_SEED)
    by_language = _rows(given.train)
    pairs: list[Example] = []
    held: list[tuple[Mapping[str, Any], list[str]]] = []
    for language, rows in sorted(by_language.items()):
        kept, back = _parted(rows)
        chance.shuffle(kept)
        pairs += [_example(row) for row in kept[: given.pairs]]
        chance.shuffle(back)
        asked = back[: given.asked]
        own = dict.fromkeys(map(_sentence, asked))
        others = dict.fromkeys(map(_sentence, back[given.asked : 4 * given.pool]))
        pool = list({**own, **others})[: max(given.pool, len(own))]
        held += [(row, pool) for row in asked]
        note(f"{language}: {len(kept[: given.pairs])} pairs, {len(asked)} questions held back")
    given.out.mkdir(parents=True, exist_ok=True)
    chance.shuffle(pairs)
    lines = [each.model_dump_json(exclude_defaults=True) + "\n" for each in pairs]
    (given.out / "pairs.jsonl").write_text("".join(lines), encoding="utf-8")
    _write_set(given.out / "held", held)


def _rows(train: Path) -> dict[str, list[dict[str, Any]]]:
    """Return the rows that have an answer, by language, each question once."""
    by_language: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    for name in ("qa.jsonl.gz", "qa_more.jsonl.gz"):
        for row in read_rows(train / name):
            if row.get("answerable", True) and row["answer"] in row["passage"]:
                by_language[row["language"]].setdefault(row["question"], row)
    return {language: list(rows.values()) for language, rows in by_language.items()}


def _parted(rows: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Part a language's rows into those to train on and those of held-back articles.

    A passage that stands in both is not trained on.
    """
    titles: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        titles[row["source"]].add(row["title"])
    whole = {source for source, names in titles.items() if len(names) < _FEW_TITLES}
    back = [
        row
        for row in rows
        if is_held_back(row["passage"] if row["source"] in whole else row["title"])
    ]
    seen = {row["passage"] for row in back}
    return [row for row in rows if row["passage"] not in seen], back


def _sentence(row: Mapping[str, Any]) -> str:
    """Return the sentence of a row's passage that holds its answer, where that comes first."""
    passage = row["passage"]
    place = passage.index(row["answer"])
    start, end = next(span for span in sentences(passage) if place < span[1])
    return str(passage[start:end]).strip()


def _example(row: Mapping[str, Any]) -> Example:
    return Example(
        question=row["question"],
        positive=_sentence(row),
        question_language=row["language"],
        passage_language=row["language"],
    )


def _write_set(folder: Path, held: Iterable[tuple[Mapping[str, Any], list[str]]]) -> None:
    """Write a test set: of each question its language's pool, in which its passage stands."""
    (folder / "qrels").mkdir(parents=True, exist_ok=True)
    names: dict[str, str] = {}
    corpus: list[dict[str, str]] = []
    queries: list[dict[str, str]] = []
    qrels = ["query-id\tcorpus-id\tscore"]
    for number, (row, pool) in enumerate(held):
        for passage in pool:
            if passage not in names:
                names[passage] = f"p{len(names)}"
                corpus.append({"_id": names[passage], "text": passage, "language": row["language"]})
        queries.append({"_id": f"q{number}", "text": row["question"], "language": row["language"]})
        qrels.append(f"q{number}\t{names[_sentence(row)]}\t1")
    for name, rows in (("corpus", corpus), ("queries", queries)):
        text = "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in rows)
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
    (folder / "qrels" / "test.tsv").write_text("\n".join(qrels) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
