"""What is damaged on disk is never served: it is noticed first, or it says nothing.

The oracle is what the undamaged knowledge base answers. A damaged copy either answers the same, or
raises ``StoreCorrupt`` on opening or in the question that would have read the damage. ``check`` may
find nothing only where all that the tables hold, read by every index, is as it was. A writer heals
the index; a repair keeps every document as it was or names it.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from rag_engine import And, Document, Equals, In, KnowledgeBase, Not, Range
from rag_engine.calibration.token_space import TokenSpace
from rag_engine.components import Components
from rag_engine.connectors.dense.auto_index import AutoDenseFactory
from rag_engine.connectors.detectors.fasttext import FastTextDetector
from rag_engine.connectors.generators.extractive import ExtractiveGenerator
from rag_engine.connectors.lexical.tantivy_index import TantivyFactory
from rag_engine.errors import StoreCorrupt
from rag_engine.ports import Float32Array, TokenVectors
from rag_engine.store.check import REPAIR, CheckReport, check_store
from rag_engine.store.generation import read_manifest
from rag_engine.store.repair import repair_catalogue
from tests.doubles import HashEmbedder
from tests.trials.damage import CATALOGUE, KINDS, MANIFEST, Scene, is_of_catalogue
from tests.trials.trial import Amounts, Figures, Trial

_DIMENSION = 128
_WIDTH = 16
_WORDS = ("pump", "filter", "valve", "seal", "motor", "gauge", "pipe", "nozzle")
_READ_ONCE = 40
"""Documents of the older state."""
_TOLD = 20
"""So many of the rounds that fail are named."""


class _TokenHashEmbedder(HashEmbedder):
    """Token vectors without meaning: one for each word."""

    def embed_query_tokens(
        self, texts: Sequence[str], basis: Float32Array
    ) -> tuple[Float32Array, list[TokenVectors]]:
        tokens = [
            TokenVectors(
                np.ascontiguousarray(self._embed(words) @ basis.T),
                np.ones(len(words), dtype=np.float32),
            )
            for words in (text.split() for text in texts)
        ]
        return self._embed(texts), tokens

    embed_passage_tokens = embed_query_tokens


def _components() -> Components:
    embedder = _TokenHashEmbedder(_DIMENSION)
    background = np.random.default_rng(1).normal(size=(64, _WIDTH)).astype(np.float32)
    background /= np.linalg.norm(background, axis=1, keepdims=True)
    return Components(
        embedder=embedder,
        detector=FastTextDetector(),
        dense=AutoDenseFactory(exact_below=50),
        lexical=TantivyFactory(),
        generator=ExtractiveGenerator(embedder=embedder),
        token_space=TokenSpace(
            version="hash",
            basis=np.eye(_WIDTH, _DIMENSION, dtype=np.float32),
            background=background,
        ),
    )


def _document(name: str, drawn: random.Random) -> Document:
    words = [drawn.choice(_WORDS) for _ in range(6)]
    return Document(
        id=name,
        text=f"The {' '.join(words)} has the number {drawn.randrange(10**9)}.",
        title=f"Title of {name} {drawn.randrange(10**6)}",
        source=f"manuals/{drawn.randrange(9)}.txt",
        metadata={
            "year": 2000 + drawn.randrange(20),
            "draft": drawn.random() < 0.3,
            "tenant": drawn.choice(["a", "b"]),
        },
    )


def _make(root: Path, parts: Components, prefix: str, drawn: random.Random, older: Path) -> None:
    """Make a knowledge base with a tail after its generation: what came and went since."""
    with KnowledgeBase.open(root, components=parts) as kb:
        kb.add([_document(f"{prefix}{n}", drawn) for n in range(_READ_ONCE)])
    shutil.copytree(root, older)
    with KnowledgeBase.open(root, components=parts) as kb:
        kb.add([_document(f"{prefix}{n}", drawn) for n in range(20, 90)])
        kb.delete([f"{prefix}{n}" for n in range(3)])
    with KnowledgeBase.open(root, components=parts) as kb:
        kb.add([_document(f"{prefix}{n}", drawn) for n in range(85, 95)])
        kb.delete([f"{prefix}{n}" for n in range(10, 14)])
        kb._opened.close(publish=False)


_QUESTIONS: dict[str, Callable[[KnowledgeBase], object]] = {
    "documents": lambda kb: [kb.document(name) for name in kb.document_ids()],
    "sources": lambda kb: kb.sources(),
    "counts": lambda kb: (
        (told := kb.inspect()).documents,
        told.chunks,
        told.sources,
        told.languages,
        told.contract,
    ),
    "pumps": lambda kb: _hits(kb.search("pump valve number", k=30)),
    "all": lambda kb: _hits(kb.search("The seal of the motor", k=200)),
    "year": lambda kb: _hits(kb.search("gauge", k=200, where=Range(key="year", minimum=2010))),
    "tenant": lambda kb: _hits(
        kb.search("filter", k=200, where=And(Equals("tenant", "a"), Not(Equals("draft", True))))
    ),
    "source": lambda kb: _hits(
        kb.search("nozzle", k=200, where=In("source", ("manuals/1.txt", "manuals/4.txt")))
    ),
    "language": lambda kb: _hits(kb.search("pipe", k=200, where=Not(Equals("language", "de")))),
    "one": lambda kb: _hits(kb.search("pipe", where=Equals("document_id", "d50"))),
    "passages": lambda kb: kb.passages(kb.passage_ids()),
    "ranked": lambda kb: list(kb.rank(["pump filter"], depth=100)),
}
"""All that can be seen, each asked for by itself."""


def _hits(hits: Sequence[object]) -> list[object]:
    return [
        (hit.rank, round(hit.score, 4), hit.chunk, hit.title, hit.source, dict(hit.metadata))  # type: ignore[attr-defined]
        for hit in hits
    ]


_READS = {
    "document": ("NOT INDEXED", "INDEXED BY document_filter"),
    "field": ("NOT INDEXED", "INDEXED BY field_value"),
    "chunk": ("NOT INDEXED", "INDEXED BY chunk_filter", "INDEXED BY chunk_revision"),
    "token_vectors": ("NOT INDEXED",),
    "tombstone": ("NOT INDEXED",),
    "meta": ("NOT INDEXED",),
    "digest": ("NOT INDEXED",),
    "source": ("NOT INDEXED",),
    "sqlite_sequence": ("NOT INDEXED",),
}


def _all_rows(root: Path) -> object:
    """Return all that the tables hold, read by the tables and by their indexes; the manifest."""
    with sqlite3.connect(root / CATALOGUE) as connection:
        held: list[object] = [
            connection.execute("SELECT type, name, sql FROM sqlite_schema").fetchall()
        ]
        for table, ways in _READS.items():
            for way in ways:
                # The condition holds always; without one SQLite need not read the index.
                held.append(sorted(map(repr, connection.execute(f"SELECT * FROM {table} {way}"))))
    connection.close()
    return held, read_manifest(root)


def _run(folder: Path, amounts: Amounts, drawn: random.Random) -> Figures:
    parts = _components()
    whole, older, foreign = folder / "whole", folder / "older", folder / "foreign"
    _make(whole, parts, "d", drawn, older)
    _make(foreign, parts, "f", drawn, folder / "foreign older")
    rows = _all_rows(whole)
    rebuilt = folder / "rebuilt"
    shutil.copytree(whole, rebuilt)
    with KnowledgeBase.open(rebuilt, components=parts) as kb:
        kb.publish()
    expected: dict[str, list[object]] = {name: [] for name in _QUESTIONS}
    # An index that is of no use is built anew, by a writer into files, by a reader in memory:
    # scores are then estimated from all passages, not from those of the generation.
    in_memory = folder / "in memory"
    shutil.copytree(whole, in_memory)
    (in_memory / MANIFEST).unlink()
    for each in (whole, rebuilt, in_memory):
        with KnowledgeBase.open(each, components=parts, read_only=True) as kb:
            for name, ask in _QUESTIONS.items():
                expected[name].append(ask(kb))
    with KnowledgeBase.open(whole, components=parts, read_only=True) as kb:
        originals = {name: kb.document(name) for name in kb.document_ids()}
    assert not check_store(whole, lambda _: (parts.dense, parts.lexical)).problems
    counts: Counter[str] = Counter()
    names, faults = list(KINDS), list[str]()
    for number in range(amounts["corruptions"]):
        root = folder / "damaged"
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(whole, root)
        kind = names[number % len(names)]
        what = KINDS[kind](Scene(root, older, foreign, drawn))
        told = f"round {number}: {what}"
        try:
            counts[_served(root, parts, expected, told)] += 1
            report = check_store(root, lambda _: (parts.dense, parts.lexical))
            counts["found by check"] += bool(report.problems)
            if not report.problems:
                assert _all_rows(root) == rows, f"{told}: check finds nothing"
            _heal(root, parts, report, originals, told, counts, of_catalogue=is_of_catalogue(what))
        except AssertionError as error:
            faults.append(str(error))
        except Exception as error:  # a bare error, whatever it is
            faults.append(f"{told}: {error!r} from {traceback.extract_tb(error.__traceback__)[-1]}")
    assert not faults, f"{len(faults)} of {number + 1} rounds:\n" + "\n".join(faults[:_TOLD])
    return {"corruptions": amounts["corruptions"], **dict(sorted(counts.items()))}


def _served(root: Path, parts: Components, expected: dict[str, list[object]], told: str) -> str:
    """Ask a reader everything; return how far the damage came."""
    try:
        kb = KnowledgeBase.open(root, components=parts, read_only=True)
    except StoreCorrupt:
        return "refused on opening"
    refused = 0
    with kb:
        for name, ask in _QUESTIONS.items():
            try:
                found = ask(kb)
            except StoreCorrupt:
                refused += 1
            else:
                assert found in expected[name], f"{told}: served in {name!r}"
    return "refused by a question" if refused else "nothing to be seen"


def _heal(
    root: Path,
    parts: Components,
    report: CheckReport,
    originals: dict[str, Document | None],
    told: str,
    counts: Counter[str],
    *,
    of_catalogue: bool,
) -> None:
    """Let a writer heal the index, and a repair the catalogue: nothing is made up."""
    dropped: set[str] = set()
    if of_catalogue and report.problems:
        if REPAIR not in report.repairs:
            counts["beyond repair"] += 1
            return
        try:
            repaired = repair_catalogue(root)
        except StoreCorrupt:
            counts["beyond repair"] += 1
            return
        counts["repaired"] += 1
        dropped = {document.id for document in repaired.dropped}
        if "" in dropped:  # of some not even the name is left
            dropped = set(originals)
    with KnowledgeBase.open(root, components=parts) as kb:
        found = {name: kb.document(name) for name in kb.document_ids()}
        for name, document in found.items():
            assert document == originals[name], f"{told}: {name} is another document"
        lost = set(originals) - set(found)
        assert lost <= dropped, f"{told}: {sorted(lost)} are gone, and nobody said so"
        seen = {hit.chunk.document_id for hit in kb.search("The seal of the motor", k=200)}
        assert seen == set(found), f"{told}: a search does not find all"
    problems = check_store(root, lambda _: (parts.dense, parts.lexical)).problems
    assert not problems, f"{told}: after healing {problems[0]}"


TRIAL = Trial(
    name="corruption",
    what="bit flips, truncation, zeroed, misplaced and lost pages, swapped files and generations",
    holds="detected before it is served, found by check, healed or refused",
    small={"corruptions": 18},
    full={"corruptions": 500},
    run=_run,
)
