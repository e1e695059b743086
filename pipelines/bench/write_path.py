"""``rag-engine bench index``: what the write path costs, stage by stage, and opening after it."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from rag_engine.components import default_components
from rag_engine.errors import InvalidInput
from rag_engine.knowledge_base import KnowledgeBase
from rag_engine.pipelines.bench.bench_report import machine, memory_mb, milliseconds
from rag_engine.pipelines.bench.stopwatch import Stopwatch, timed_components
from rag_engine.pipelines.bench.texts import sample_questions, sample_texts, synthetic_documents
from rag_engine.pipelines.output import Outcome
from rag_engine.pipelines.progress import Bar
from rag_engine.pipelines.tables import table
from rag_engine.settings import Settings

__all__ = ["bench_index"]

_SEARCHES = 100
_IN_ADDING = ("embedding", "counting tokens", "detecting languages")
_IN_PUBLISHING = ("building the lexical index", "building the dense index")


def bench_index(chunks: int, path: Path | None) -> Outcome:
    """Index documents of about ``chunks`` chunks and tell what each stage cost.

    Raises:
        InvalidInput: fewer than 1 chunk.
    """
    if chunks < 1:
        raise InvalidInput(f"--chunks is at least 1, got {chunks}")
    if path is not None:
        return _bench(chunks, path)
    with tempfile.TemporaryDirectory() as folder:
        return _bench(chunks, Path(folder) / "kb")


def _bench(chunks: int, path: Path) -> Outcome:
    settings, watch = Settings(), Stopwatch()
    components = default_components(settings)
    timed_components(components, watch)
    texts = sample_texts()
    documents = synthetic_documents(chunks, texts)
    components.embedder.embed_passages([document.text for document in documents[:64]])  # warm-up
    watch.seconds.clear()
    started = time.perf_counter()
    with KnowledgeBase.open(path, settings=settings, components=components) as kb:
        with Bar("indexing", len(documents), "document") as bar:
            kb.add(documents, on_progress=bar.to)
        added = time.perf_counter() - started
        with Bar() as bar:
            kb.publish(on_stage=bar.stage)
        total = time.perf_counter() - started
        inspection = kb.inspect()
    stages = {name: watch.seconds[name] for name in _IN_ADDING}
    stages["cutting, analysing, storing"] = added - sum(stages.values())
    building = {name: watch.seconds[name] for name in _IN_PUBLISHING}
    building["calibrating, finding twins, publishing"] = total - added - sum(building.values())
    stages |= building
    started = time.perf_counter()
    with KnowledgeBase.open(path, components=components, read_only=True) as kb:
        opened = time.perf_counter() - started
        times = []
        for question in sample_questions(_SEARCHES, texts):
            started = time.perf_counter()
            kb.search(question)
            times.append(time.perf_counter() - started)
    overhead = (total - stages["embedding"]) / stages["embedding"]
    result = {
        "machine": machine(),
        "documents": inspection.documents,
        "chunks": inspection.chunks,
        "stages_s": {name: round(seconds, 2) for name, seconds in stages.items()},
        "total_s": round(total, 2),
        "documents_per_s": round(inspection.documents / total, 1),
        "overhead": round(overhead, 4),
        "open_s": round(opened, 3),
        "first_search_ms": round(times[0] * 1e3, 2),
        "search_ms": milliseconds(times[1:]),
        "bytes_a_chunk": round(sum(inspection.bytes.values()) / max(1, inspection.chunks)),
        "peak_memory_mb": memory_mb()["peak"],
    }
    rows = [
        {"stage": name, "seconds": round(seconds, 2), "share": f"{seconds / total:.1%}"}
        for name, seconds in [*stages.items(), ("all", total)]
    ]
    lines = [
        f"{inspection.documents:,} documents, {inspection.chunks:,} chunks; "
        f"{machine()['processor']}, {machine()['cores']} cores",
        *table(rows),
        "",
        f"{inspection.documents / total:.1f} documents a second; {overhead:.1%} on top of "
        "embedding",
        f"{result['bytes_a_chunk']:,} bytes a chunk on disk; {result['peak_memory_mb']:,} MB of "
        f"memory at most; opened in {opened:.2f} s",
    ]
    return Outcome(result=result, lines=lines)
