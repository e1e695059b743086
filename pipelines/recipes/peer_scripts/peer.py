"""What the peers' scripts share: reading the data, timing, writing what was found.

A script is run as ``script.py MODEL DATA RESULT`` in the peer's own environment.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

DEPTH = 10
POOL = 50
"""Passages that each of the two searches gives to the fusion."""


def rows(path: Path) -> list[dict[str, str]]:
    """Read JSON Lines."""
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def given_vectors(data: Path) -> Any:
    """Return the vectors that are given with the corpus, or None if it is to be embedded."""
    import numpy as np

    path = data / "vectors.npy"
    return np.load(path) if path.exists() else None


def measure(
    build: Callable[[str, list[str], list[str], Any], Callable[[str], Sequence[str]]],
) -> None:
    """Build a peer's index, ask it every question, and write times and rankings.

    ``build(model, ids, texts, vectors)`` returns a function from a question to ranked ids.
    """
    model, data, result = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    corpus, questions = rows(data / "corpus.jsonl"), rows(data / "queries.jsonl")
    ids, texts = [row["id"] for row in corpus], [row["text"] for row in corpus]
    vectors = given_vectors(data)
    started = time.perf_counter()
    search = build(model, ids, texts, vectors)
    index_s = time.perf_counter() - started
    search("warm")
    run, seconds = {}, []
    for row in questions:
        started = time.perf_counter()
        found = search(row["text"])
        seconds.append(time.perf_counter() - started)
        run[row["id"]] = list(dict.fromkeys(found))[:DEPTH]
    report = {"index_s": index_s, "seconds": seconds, "run": run}
    result.write_text(json.dumps(report), encoding="utf-8")
