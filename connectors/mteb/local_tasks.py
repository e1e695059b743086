"""Tasks of MTEB's own classes over files of one's own: nothing is fetched from a hub.

- a folder in BEIR's layout: retrieval;
- ``NAME.bitext.jsonl``: lines of ``language``, ``sentence`` (a number) and ``text``: bitext mining
  between ``en`` (or the file's first language) and every other;
- ``NAME.classification.jsonl``: lines of ``text``, ``label`` and ``split`` (``train``, ``test``);
- ``NAME.clustering.jsonl``: lines of ``text`` and ``label``;
- ``NAME.sts.jsonl``: lines of ``text``, ``other`` and ``score``.

Other fields are passed over: a model is told no language.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rag_engine.connectors.mteb.model import loaded_mteb
from rag_engine.errors import InvalidInput
from rag_engine.evaluation.datasets import load_test_set
from rag_engine.text.codes import normalise_language

__all__ = ["KINDS", "local_task"]

KINDS = ("bitext", "classification", "clustering", "sts")
"""What a file's name ends in, before ``.jsonl``."""

_MANY = "mul-Zyyy"
"""How ISO writes several languages in undetermined scripts: nobody has to say them."""


def local_task(path: Path) -> Any:
    """Return the task that a folder or a file is.

    Raises:
        InvalidInput: its name tells no kind; it can not be read; it holds too little.
        MissingExtra: mteb is not installed.

    >>> local_task(Path("sentences.jsonl"))
    Traceback (most recent call last):
        ...
    rag_engine.errors.InvalidInput: sentences.jsonl is no local task: one is a folder in BEIR's \
layout, or a file NAME.KIND.jsonl with bitext, classification, clustering or sts for KIND
    """
    if path.is_dir():
        return _retrieval(path)
    name, _, kind = path.name.removesuffix(".jsonl").rpartition(".")
    if not path.name.endswith(".jsonl") or kind not in KINDS or not name:
        raise InvalidInput(
            f"{path} is no local task: one is a folder in BEIR's layout, or a file NAME.KIND.jsonl "
            f"with {', '.join(KINDS[:-1])} or {KINDS[-1]} for KIND"
        )
    build: Callable[[str, list[dict[str, Any]], Path], Any] = {
        "bitext": _bitext,
        "classification": _classification,
        "clustering": _clustering,
        "sts": _sts,
    }[kind]
    return build(name, _rows(path, _FIELDS[kind]), path)


_FIELDS: dict[str, dict[str, type | tuple[type, ...]]] = {
    "bitext": {"language": str, "sentence": int, "text": str},
    "classification": {"text": str, "label": (str, int), "split": str},
    "clustering": {"text": str, "label": (str, int)},
    "sts": {"text": str, "other": str, "score": (int, float)},
}


def _rows(path: Path, fields: Mapping[str, type | tuple[type, ...]]) -> list[dict[str, Any]]:
    rows = []
    number = 0
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):  # noqa: B007 (told in errors)
                if line.strip():
                    rows.append(_row(line, fields))
    except OSError as error:
        raise InvalidInput(f"{path} can not be read: {error.strerror or error}") from error
    except ValueError as error:
        raise InvalidInput(
            f"{path}, line {number + 1 if number == 0 else number}: {error}; a "
            f"line has {', '.join(fields)}"
        ) from error
    return rows


def _row(line: str, fields: Mapping[str, type | tuple[type, ...]]) -> dict[str, Any]:
    row = json.loads(line)
    for name, kind in fields.items():
        value = row.get(name) if isinstance(row, dict) else None
        if not isinstance(value, kind) or isinstance(value, bool) or value == "":
            raise ValueError(f"its {name} is {value!r:.80}")
    return {name: row[name] for name in fields}


def _task(base: str, name: str, *, main_score: str, dataset: Any, **more: Any) -> Any:
    """Return a task of a class of MTEB's; ``dataset`` is what its ``load_data`` would load."""
    mteb = loaded_mteb()
    parent = getattr(mteb.abstasks, base)
    kind = {
        "AbsTaskSTS": "STS",
        "AbsTaskBitextMining": "BitextMining",
        "AbsTaskClassification": "Classification",
        "AbsTaskClustering": "Clustering",
        "AbsTaskRetrieval": "Retrieval",
    }[base]
    subsets = more.pop("subsets", None)
    metadata = mteb.TaskMetadata(
        dataset={"path": f"local/{name}", "revision": "local"},
        name=name,
        description=f"{kind} over a file of one's own",
        type=kind,
        category="t2t",
        eval_splits=["test"],
        eval_langs=[_MANY] if subsets is None else {subset: [_MANY] for subset in subsets},
        main_score=main_score,
    )

    def load_data(self: Any, **_: Any) -> None:
        self.dataset = dataset
        self.data_loaded = True

    return type(name, (parent,), {"metadata": metadata, "load_data": load_data, **more})()


def _table(columns: Mapping[str, Sequence[Any]]) -> Any:
    from datasets import Dataset

    return Dataset.from_dict({name: list(values) for name, values in columns.items()})


def _retrieval(folder: Path) -> Any:
    found = load_test_set(folder)
    right = {
        question: {passage: grade for passage, grade in judged.items() if grade > 0}
        for question, judged in found.qrels.items()
    }
    asked = [question for question in found.questions if right.get(question.id)]
    if not asked:
        raise InvalidInput(f"{folder} has no question with a right answer")
    corpus = {
        "id": [document.id for document in found.corpus],
        "title": [document.title for document in found.corpus],
        "text": [document.text for document in found.corpus],
    }
    queries = {
        "id": [question.id for question in asked],
        "text": [question.text for question in asked],
    }
    split = {
        "corpus": _table(corpus),
        "queries": _table(queries),
        "relevant_docs": {question.id: right[question.id] for question in asked},
        "top_ranked": None,
    }
    return _task(
        "AbsTaskRetrieval",
        folder.resolve().name,
        main_score="ndcg_at_10",
        dataset={"default": {"test": split}},
    )


def _bitext(name: str, rows: list[dict[str, Any]], path: Path) -> Any:
    texts: dict[str, dict[int, str]] = {}
    for row in rows:
        texts.setdefault(row["language"], {})[row["sentence"]] = row["text"]
    first = next(
        (code for code in texts if normalise_language(code) == "en"), next(iter(texts), "")
    )
    subsets = {}
    for code in sorted(texts.keys() - {first}):
        shared = sorted(texts[code].keys() & texts[first].keys())
        if len(shared) > 1:
            sides = {
                "sentence1": [texts[code][number] for number in shared],
                "sentence2": [texts[first][number] for number in shared],
            }
            subsets[f"{code}-{first}"] = {"test": _table(sides)}
    if not subsets:
        raise InvalidInput(f"{path} has no two languages that share two sentences")
    return _task(
        "AbsTaskBitextMining", name, main_score="f1", dataset=subsets, subsets=list(subsets)
    )


def _classification(name: str, rows: list[dict[str, Any]], path: Path) -> Any:
    labels = {label: number for number, label in enumerate(sorted({str(r["label"]) for r in rows}))}
    splits = {}
    for split in ("train", "test"):
        own = [row for row in rows if row["split"] == split]
        if len({str(row["label"]) for row in own}) < 2:
            raise InvalidInput(
                f'{path} has fewer than two labels in the split {split!r}; a line has "split": '
                '"train" or "test"'
            )
        columns = {
            "text": [row["text"] for row in own],
            "label": [labels[str(row["label"])] for row in own],
        }
        splits[split] = _table(columns)
    return _task("AbsTaskClassification", name, main_score="accuracy", dataset=splits)


def _clustering(name: str, rows: list[dict[str, Any]], path: Path) -> Any:
    if len({str(row["label"]) for row in rows}) < 2:
        raise InvalidInput(f"{path} has fewer than two labels")
    columns = {
        "sentences": [row["text"] for row in rows],
        "labels": [str(row["label"]) for row in rows],
    }
    # Local files are small: all of one is embedded, where MTEB's default takes 4 %.
    return _task(
        "AbsTaskClustering",
        name,
        main_score="v_measure",
        dataset={"test": _table(columns)},
        max_fraction_of_documents_to_embed=None,
    )


def _sts(name: str, rows: list[dict[str, Any]], path: Path) -> Any:
    scores = [float(row["score"]) for row in rows]
    if len(set(scores)) < 2:
        raise InvalidInput(f"{path} has fewer than two different scores: nothing to order")
    columns = {
        "sentence1": [row["text"] for row in rows],
        "sentence2": [row["other"] for row in rows],
        "score": scores,
    }
    return _task(
        "AbsTaskSTS",
        name,
        main_score="cosine_spearman",
        dataset={"test": _table(columns)},
        min_score=min(scores),
        max_score=max(scores),
    )
