"""``rag-engine bench search``: what a question costs at scale, and what it misses.

The knowledge base holds real passages, as many as there are, and drawn ones
(``synthetic_corpus.py``). It is opened in a process of its own, so that its memory is its own;
questions are real and embedded.
"""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from rag_engine.calibration.model_fit import token_space_of
from rag_engine.components import default_components
from rag_engine.errors import InvalidInput
from rag_engine.evaluation.datasets import load_test_set
from rag_engine.knowledge_base import KnowledgeBase
from rag_engine.pipelines.bench.bench_report import (
    machine,
    memory_mb,
    milliseconds,
)
from rag_engine.pipelines.bench.stopwatch import DenseSearches, Stopwatch, timed_components
from rag_engine.pipelines.bench.synthetic_corpus import DrawnCorpus, DrawnEmbedder
from rag_engine.pipelines.bench.texts import sample_questions, sample_texts, synthetic_documents
from rag_engine.pipelines.output import Outcome, note
from rag_engine.pipelines.progress import Bar
from rag_engine.pipelines.tables import table
from rag_engine.ports import (
    Float32Array,
    Int64Array,
    Ranking,
    TokenEmbedder,
)
from rag_engine.records import Document
from rag_engine.settings import Settings

__all__ = ["bench_search", "drawn_corpus", "real_texts"]

_REAL = 4_000
"""Real passages that are embedded; the others are drawn after them."""
_THREADS = (1, 2, 8)
_DEPTH = 10
_STAGES = {
    "detecting languages": "detect",
    "embedding": "embed",
    "dense search": "dense",
    "lexical search": "lexical",
}


def bench_search(
    chunks: int, queries: int, path: Path | None, settings: Settings, test_set: Path | None = None
) -> Outcome:
    """Build a knowledge base of ``chunks`` chunks, if there is none at ``path``, and search it.

    ``test_set`` gives real passages and questions; without it they come from the sample.

    Raises:
        InvalidInput: fewer than 100 chunks or 10 questions.
    """
    if chunks < 100 or queries < 10:
        raise InvalidInput(
            f"--chunks is at least 100 and --queries at least 10, got {chunks} and {queries}"
        )
    if path is not None:
        return _bench(chunks, queries, path, settings, test_set)
    with tempfile.TemporaryDirectory() as folder:
        return _bench(chunks, queries, Path(folder) / "kb", settings, test_set)


def real_texts(test_set: Path | None, queries: int) -> tuple[list[Document], list[str]]:
    """Return real passages, at most 4,000, and questions: a test set's, or the sample's."""
    random = np.random.default_rng(1)
    if test_set is None:
        texts = sample_texts()
        return synthetic_documents(_REAL, texts), sample_questions(queries, texts)
    loaded = load_test_set(test_set)
    drawn = random.permutation(len(loaded.corpus))[:_REAL]
    chosen = random.permutation(len(loaded.questions))[:queries]
    documents = [loaded.corpus[place] for place in sorted(drawn.tolist())]
    return documents, [loaded.questions[place].text for place in chosen.tolist()]


def drawn_corpus(real: Sequence[Document], settings: Settings) -> DrawnCorpus:
    """Embed real passages, to draw others after them."""
    parts = default_components(settings)
    space = token_space_of(parts.embedder)
    assert isinstance(parts.embedder, TokenEmbedder)
    assert space is not None
    return DrawnCorpus(real, parts.embedder, space, parts.detector)


def _bench(
    chunks: int, queries: int, path: Path, settings: Settings, test_set: Path | None
) -> Outcome:
    real, questions = real_texts(test_set, queries)
    built = _built(chunks, path, settings, real[:chunks])
    note("searching, in a process of its own ...")
    spawning = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawning) as processes:
        measured = processes.submit(_searched, path, settings, questions).result()
    result = {"machine": machine(), "real": min(len(real), chunks), **built, **measured}
    lines = [
        f"{measured['chunks']:,} chunks ({result['real']:,} real, the others drawn), "
        f"{len(questions)} questions; {machine()['processor']}, {machine()['cores']} cores",
        *(f"{name:<22}{value}" for name, value in _summary(result)),
        "",
        *table([{"ms a question": name, **ms} for name, ms in measured["ms"].items()]),
        "",
        *table(
            [
                {"threads": threads, "questions/s": rate}
                for threads, rate in measured["questions_per_s"].items()
            ]
        ),
    ]
    return Outcome(result=result, lines=lines)


def _summary(result: dict[str, Any]) -> list[tuple[str, str]]:
    lines = [
        ("open", f"{result['open_s']:.2f} s; first question {result['first_ms']:.1f} ms"),
        ("memory", ", ".join(f"{name} {mb:,} MB" for name, mb in result["memory_mb"].items())),
        ("on disk", f"{result['bytes_a_chunk']:,} bytes a chunk"),
        (f"recall@{_DEPTH}", f"{result['recall']:.4f} of dense search, against exact search"),
    ]
    if "build_s" in result:
        alike = result["recall_alike"]
        building = f"{result['build_s']:.0f} s, after {result['add_s']:.0f} s of writing chunks"
        lines.insert(0, ("build", f"{building}; {result['build_peak_mb']} MB at most"))
        lines.append(
            (
                "recall on real/drawn",
                f"{alike['real']:.4f} / {alike['drawn']:.4f} of {alike['vectors']:,} in a graph",
            )
        )
    return lines


def _built(chunks: int, path: Path, settings: Settings, real: Sequence[Document]) -> dict[str, Any]:
    """Build the knowledge base, or finish it; nothing if it is there."""
    note("embedding real passages ...")
    corpus = drawn_corpus(real, settings)
    parts = default_components(settings)
    assert isinstance(parts.embedder, TokenEmbedder)
    components = replace(parts, embedder=DrawnEmbedder(parts.embedder, corpus))
    with KnowledgeBase.open(path, settings=settings, components=components) as kb:
        there = kb.inspect().documents
        if there >= chunks and kb.inspect().published:
            return {}
        started = time.perf_counter()
        with Bar("writing chunks", chunks, "chunk") as bar:
            kb.add(corpus.documents(chunks), on_progress=bar.to)
        added = time.perf_counter() - started
        note(f"{chunks:,} chunks written in {added:.0f} s; building the index ...")
        started = time.perf_counter()
        with Bar() as bar:
            kb.publish(on_stage=bar.stage)
        published = time.perf_counter() - started
    return {
        "add_s": round(added, 1),
        "build_s": round(published, 1),
        "build_peak_mb": memory_mb()["peak"],
        "recall_alike": _recall_alike(corpus),
    }


def _recall_alike(corpus: DrawnCorpus) -> dict[str, float]:
    """Compare what a small graph misses among real vectors, and among as many drawn ones."""
    from rag_engine.connectors.dense.faiss_hnsw import FaissHnswFactory

    count = len(corpus.real)
    held_out = max(1, count // 10)
    drawn = np.array([corpus.vector(number) for number in range(count)])
    ids = np.arange(1, count - held_out + 1, dtype=np.int64)
    recalls: dict[str, float] = {"vectors": count - held_out}
    for name, vectors in (("real", corpus.vectors), ("drawn", drawn)):
        mixed = vectors[np.random.default_rng(1).permutation(count)]
        graph = FaissHnswFactory(m=4, ef_construction=16, ef_search=12, threads=1)
        index = graph.build(ids, mixed[held_out:])
        recalls[name] = round(_recall(index.search, ids, mixed[held_out:], mixed[:held_out]), 4)
    return recalls


def _recall(search: Any, ids: Int64Array, vectors: Any, queries: Float32Array) -> float:
    """Return which share of the nearest ten a search finds."""
    from rag_engine.connectors.dense.exact_index import ExactIndex

    exact = ExactIndex(ids, vectors).search(queries, _DEPTH)
    shares = [
        len(set(one.ids.tolist()) & set(other.ids.tolist())) / max(1, len(other.ids))
        for one, other in zip(search(queries, _DEPTH), exact, strict=True)
    ]
    return float(np.mean(shares))


def _searched(path: Path, settings: Settings, questions: Sequence[str]) -> dict[str, Any]:
    """Open the knowledge base and search it, in a fresh process."""
    watch = Stopwatch()
    components = default_components(settings)
    searches = timed_components(components, watch)
    components.embedder.embed_queries(["warm"])
    started = time.perf_counter()
    with KnowledgeBase.open(path, components=components, read_only=True) as kb:
        opened = time.perf_counter() - started
        started = time.perf_counter()
        kb.search(questions[0])
        first = time.perf_counter() - started
        for question in questions[: len(questions) // 5]:
            kb.search(question)
        searches.queries.clear()
        times: dict[str, list[float]] = {name: [] for name in ("all", *_STAGES.values(), "fuse")}
        for question in questions:
            watch.seconds.clear()
            started = time.perf_counter()
            kb.search(question)
            taken = time.perf_counter() - started
            stages = {short: watch.seconds[name] for name, short in _STAGES.items()}
            stages["fuse"] = taken - sum(stages.values())
            for name, seconds in {"all": taken, **stages}.items():
                times[name].append(seconds)
        asked = list(searches.queries)
        rates = {threads: _rate(kb, questions, threads) for threads in _THREADS}
        memory = memory_mb()
        inspection = kb.inspect()
        recall = _recall_as_asked(searches, asked)
    return {
        "chunks": inspection.chunks,
        "open_s": round(opened, 3),
        "first_ms": round(first * 1e3, 2),
        "memory_mb": memory,
        "bytes_a_chunk": round(sum(inspection.bytes.values()) / max(1, inspection.chunks)),
        "bytes": dict(inspection.bytes),
        "recall": round(recall, 4),
        "ms": {name: milliseconds(seconds) for name, seconds in times.items()},
        "questions_per_s": rates,
    }


def _recall_as_asked(searches: DenseSearches, asked: Sequence[tuple[Float32Array, int]]) -> float:
    """Return which share of the nearest ten the engine's own searches found.

    It asks for more than ten, and so walks farther than a search for ten would.
    """
    queries = np.concatenate([query for query, _ in asked])

    def search(_: Float32Array, k: int) -> list[Ranking]:
        rankings = [searches.search(query, wanted)[0] for query, wanted in asked]
        return [Ranking(ranking.ids[:k], ranking.scores[:k]) for ranking in rankings]

    return _recall(search, searches.ids, searches.vectors, queries)


def _rate(kb: KnowledgeBase, questions: Sequence[str], threads: int) -> float:
    """Return the questions a second that some threads get answered together."""
    with ThreadPoolExecutor(threads) as pool:
        started = time.perf_counter()
        list(pool.map(kb.search, questions))
        return round(len(questions) / (time.perf_counter() - started), 1)
