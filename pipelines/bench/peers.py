"""``rag-engine bench peers``: the same corpus, model and questions, through other frameworks.

Each peer runs in an environment of its own, which the command makes, as its documentation shows
hybrid search: dense search and BM25, fused by reciprocal ranks where it offers that, with the
prefixes that the model wants. Its script (``recipes/peer_scripts``, in a clone of the project) is
all it runs; it imports nothing of this project. Questions are asked one by one, embedding included.

``--chunks`` fills the corpus up with drawn passages (``synthetic_corpus.py``), whose vectors are
given to every side alike: then index times leave out embedding.
"""

from __future__ import annotations

import json
import multiprocessing
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from rag_engine.components import default_components
from rag_engine.errors import InvalidInput
from rag_engine.evaluation.datasets import TestSet, load_test_set
from rag_engine.knowledge_base import KnowledgeBase
from rag_engine.pipelines.bench.bench_report import machine
from rag_engine.pipelines.bench.environments import (
    PeerFailed,
    made_environment,
    run_to_end,
    versions_of,
)
from rag_engine.pipelines.bench.peer_requirements import REQUIREMENTS, Peer
from rag_engine.pipelines.bench.synthetic_corpus import DrawnEmbedder
from rag_engine.pipelines.export_bundled import export_bundled
from rag_engine.pipelines.output import Outcome, note
from rag_engine.pipelines.tables import table
from rag_engine.ports import TokenEmbedder
from rag_engine.records import Document
from rag_engine.settings import Settings

__all__ = ["PeerFailed", "bench_peers"]

_SCRIPTS = Path(__file__).parents[1] / "recipes" / "peer_scripts"
_TORCH = ("torch==2.13.0", "sentence-transformers==6.2.0")
_DEPTH = 10
_RUN_S = 7_200


def bench_peers(
    test_set: Path,
    *,
    chunks: int | None = None,
    queries: int = 500,
    peers: Sequence[str] | None = None,
    work: Path | None = None,
) -> Outcome:
    """Measure ours and the peers on a test set; a peer that fails is a problem, not the end.

    Raises:
        InvalidInput: no questions, or a corpus to be filled up to fewer passages than it has.
    """
    if work is not None:
        work.mkdir(parents=True, exist_ok=True)
        return _bench(test_set, chunks, queries, peers or list(Peer), work)
    with tempfile.TemporaryDirectory() as folder:
        return _bench(test_set, chunks, queries, peers or list(Peer), Path(folder))


def _bench(
    folder: Path, chunks: int | None, queries: int, peers: Sequence[str], work: Path
) -> Outcome:
    loaded = load_test_set(folder)
    if queries < 1 or (chunks is not None and chunks < len(loaded.corpus)):
        raise InvalidInput(
            f"--queries is at least 1 and --chunks at least the {len(loaded.corpus)} passages of "
            f"the set, got {queries} and {chunks}"
        )
    model = work / "model"
    if not model.exists():
        export_bundled(model, adapter=False)  # what anyone can have
    drawn = np.random.default_rng(1).permutation(len(loaded.questions))[:queries]
    questions = [loaded.questions[place] for place in sorted(drawn.tolist())]
    data = work / f"data-{chunks or len(loaded.corpus)}"
    _write_data(data, loaded, questions, chunks)
    rows, failures, details = [], [], {}
    for name in ("rag_engine", *peers):
        note(f"{name} ...")
        try:
            measured = (
                _ours(data, chunks) if name == "rag_engine" else _peer(name, model, data, work)
            )
        except PeerFailed as failure:
            note(f"  failed: {failure}")
            failures.append({"peer": name, "reason": str(failure)})
            continue
        details[name] = measured["versions"]
        rows.append(
            {
                "framework": name,
                "index s": round(measured["index_s"], 1),
                "ms/query p50": round(float(np.median(measured["seconds"])) * 1e3, 2),
                "p95": round(float(np.percentile(measured["seconds"], 95)) * 1e3, 2),
                "ratio": None,
                f"nDCG@{_DEPTH}": round(_ndcg(loaded, measured["run"]), 3),
            }
        )
    for row in rows:
        row["ratio"] = round(row["ms/query p50"] / rows[0]["ms/query p50"], 1)
    result = {
        "machine": machine(),
        "set": loaded.name,
        "passages": chunks or len(loaded.corpus),
        "questions": len(questions),
        "frameworks": rows,
        "versions": details,
        "failures": failures,
    }
    filled = ", filled up with drawn ones (index times without embedding)" if chunks else ""
    lines = [
        f"{loaded.name}: {result['passages']:,} passages{filled}, {len(questions)} questions one "
        f"by one; {machine()['processor']}, {machine()['cores']} cores",
        *table(rows),
        *(f"failed: {failure['peer']}: {failure['reason']}" for failure in failures),
    ]
    return Outcome(result=result, lines=lines)


def _ndcg(loaded: TestSet, run: dict[str, list[str]]) -> float:
    """Return the mean nDCG@10 of the questions asked."""
    import ir_measures

    judged = {question: loaded.qrels[question] for question in run}
    ranked = {
        question: {document: float(-rank) for rank, document in enumerate(documents)}
        for question, documents in run.items()
    }
    measure = ir_measures.nDCG @ _DEPTH
    return float(ir_measures.calc_aggregate([measure], judged, ranked)[measure])


def _write_data(data: Path, loaded: TestSet, questions: Sequence[Any], chunks: int | None) -> None:
    """Write what every side reads: passages, questions, and vectors if the corpus is filled up."""
    data.mkdir(exist_ok=True)
    documents = list(loaded.corpus)
    if chunks is not None:
        from rag_engine.pipelines.bench.search import drawn_corpus

        corpus = drawn_corpus(documents, Settings())
        documents = list(corpus.documents(chunks))
        extra = [corpus.vector(number) for number in range(chunks - len(loaded.corpus))]
        np.save(data / "vectors.npy", np.concatenate([corpus.vectors, np.array(extra)]))
    with (data / "corpus.jsonl").open("w", encoding="utf-8") as file:
        for document in documents:
            text = f"{document.title}\n{document.text}" if document.title else document.text
            file.write(json.dumps({"id": document.id, "text": text}) + "\n")
    with (data / "queries.jsonl").open("w", encoding="utf-8") as file:
        for question in questions:
            file.write(json.dumps({"id": question.id, "text": question.text}) + "\n")


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def _ours(data: Path, chunks: int | None) -> dict[str, Any]:
    """Measure this project, in a process of its own as the others."""
    spawning = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawning) as processes:
        return processes.submit(_measured, data, chunks).result()


def _measured(data: Path, chunks: int | None) -> dict[str, Any]:
    from rag_engine.pipelines.bench.search import drawn_corpus

    documents = [Document(id=row["id"], text=row["text"]) for row in _rows(data / "corpus.jsonl")]
    settings = Settings()
    components = default_components(settings)
    if chunks is not None:
        real = [document for document in documents if not document.id.startswith("drawn-")]
        assert isinstance(components.embedder, TokenEmbedder)
        embedder = DrawnEmbedder(components.embedder, drawn_corpus(real, settings))
        components = replace(components, embedder=embedder)
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        with KnowledgeBase.open(Path(folder) / "kb", components=components) as kb:
            kb.add(documents)
            kb.publish()
            index_s = time.perf_counter() - started
            kb.search("warm")
            run, seconds = {}, []
            for row in _rows(data / "queries.jsonl"):
                started = time.perf_counter()
                hits = kb.search(row["text"], k=_DEPTH)
                seconds.append(time.perf_counter() - started)
                chunks_found = [twin for hit in hits for twin in (hit.chunk, *_twins(hit))]
                documents_found = dict.fromkeys(chunk.document_id for chunk in chunks_found)
                run[row["id"]] = list(documents_found)[:_DEPTH]
    return {
        "index_s": index_s,
        "seconds": seconds,
        "run": run,
        "versions": machine()["versions"],
    }


def _twins(hit: Any) -> list[Any]:
    return [twin.chunk for twin in hit.twins]


def _peer(name: str, model: Path, data: Path, work: Path) -> dict[str, Any]:
    """Make a peer's environment, if there is none, and run its script in it."""
    python = made_environment(work / f"env-{name}", [*_TORCH, *REQUIREMENTS[name]])
    result = data / f"{name}.json"
    script = _SCRIPTS / f"with_{name}.py"
    if not script.exists():
        raise PeerFailed(f"its script {script} comes with a clone of the project, not with a wheel")
    run_to_end([str(python), str(script), str(model), str(data), str(result)], _RUN_S)
    measured: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
    wanted_names = {requirement.partition("=")[0] for requirement in (*_TORCH, *REQUIREMENTS[name])}
    measured["versions"] = versions_of(python, sorted(wanted_names))
    return measured
