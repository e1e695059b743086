"""``rag-engine bench index``: what the write path costs on top of embedding, and opening."""

from __future__ import annotations

import os
import platform
import random
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pipelines.output import Outcome, note
from rag_engine.components import Components, default_components
from rag_engine.embedding.contract import EmbedderContract
from rag_engine.engine import KnowledgeBase
from rag_engine.errors import InvalidInput
from rag_engine.ports import Embedder, Float32Array
from rag_engine.records import Document
from rag_engine.settings import Settings

__all__ = ["TimedEmbedder", "bench_index", "peak_memory_mb", "synthetic_documents"]

_SEARCHES = 50


class TimedEmbedder:
    """Passes every call on to an embedder and adds up the seconds spent embedding passages."""

    def __init__(self, inner: Embedder) -> None:
        self._inner = inner
        self.seconds = 0.0

    @property
    def dimension(self) -> int:
        """The width of a vector."""
        return self._inner.dimension

    @property
    def max_tokens(self) -> int:
        """The longest input."""
        return self._inner.max_tokens

    @property
    def contract(self) -> EmbedderContract:
        """The inner embedder's contract."""
        return self._inner.contract

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count tokens (its time belongs to cutting, not to embedding)."""
        return self._inner.count_tokens(texts)

    def embed_queries(self, texts: Sequence[str]) -> Float32Array:
        """Embed questions."""
        return self._inner.embed_queries(texts)

    def embed_passages(self, texts: Sequence[str]) -> Float32Array:
        """Embed passages, timed."""
        started = time.perf_counter()
        vectors = self._inner.embed_passages(texts)
        self.seconds += time.perf_counter() - started
        return vectors


def synthetic_documents(chunks: int, texts: Sequence[Document], seed: int = 1) -> list[Document]:
    """Make documents of about ``chunks`` chunks by drawing sentences of real documents.

    Each is in one language: a document's sentences are drawn from one document of ``texts``,
    again and again, until there are some 600 characters (200 of Chinese, Japanese or Korean),
    which is about one chunk.
    """
    from rag_engine.text.sentences import sentences

    drawn = random.Random(seed)
    pools = [
        [document.text[start:end] for start, end in sentences(document.text)] for document in texts
    ]
    pools = [pool for pool in pools if len(pool) > 3]
    documents = []
    for number in range(chunks):
        pool = drawn.choice(pools)
        text = ""
        limit = 600 if pool[0][0] < "\u2e80" else 200
        while len(text) < limit:
            text += f"{drawn.choice(pool)} {number * 7919 % 100_000}. "
        documents.append(Document(id=f"document-{number}", text=text[:limit]))
    return documents


def peak_memory_mb() -> float:
    """Return the most memory that this process has held, in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)


def bench_index(chunks: int, path: Path | None) -> Outcome:
    """Index documents of about ``chunks`` chunks and tell what each part cost.

    Raises:
        InvalidInput: fewer than 1 chunk.
    """
    if chunks < 1:
        raise InvalidInput(f"--chunks is at least 1, got {chunks}")
    if path is not None:
        return _bench(chunks, path)
    with tempfile.TemporaryDirectory() as folder:
        return _bench(chunks, Path(folder) / "kb")


def _sample_texts() -> list[Document]:
    from pipelines import wiring
    from pipelines.demo import sample_documents

    settings = Settings()
    loaders = {
        suffix: loader
        for loader in wiring.build_loaders(settings.loaders)
        for suffix in loader.suffixes
    }
    return [
        document
        for file in sorted(sample_documents().rglob("*"))
        if file.is_file()
        for document in loaders[file.suffix].load(file, file.name)
        if isinstance(document, Document)
    ]


def _bench(chunks: int, path: Path) -> Outcome:
    settings = Settings()
    parts: Components = default_components(settings)
    timed = TimedEmbedder(parts.embedder)
    components = replace(parts, embedder=timed)
    documents = synthetic_documents(chunks, _sample_texts())
    timed.embed_passages([document.text for document in documents[:64]])  # warm-up
    timed.seconds = 0.0
    note(f"indexing {len(documents)} documents ...")
    started = time.perf_counter()
    with KnowledgeBase.open(path, settings=settings, components=components) as kb:
        kb.add(documents, on_progress=lambda done: note(f"  {done} documents"))
        added = time.perf_counter() - started
        kb.publish()
        total = time.perf_counter() - started
        inspection = kb.inspect()
    started = time.perf_counter()
    kb = KnowledgeBase.open(path, components=components, read_only=True)
    opened = time.perf_counter() - started
    times = []
    for document in documents[:_SEARCHES]:
        started = time.perf_counter()
        kb.search(document.text[:60])
        times.append(time.perf_counter() - started)
    kb.close()
    overhead = (total - timed.seconds) / timed.seconds
    result = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python "
        f"{platform.python_version()}",
        "documents": inspection.documents,
        "chunks": inspection.chunks,
        "embedding_s": round(timed.seconds, 2),
        "cutting_analysing_storing_s": round(added - timed.seconds, 2),
        "building_index_s": round(total - added, 2),
        "total_s": round(total, 2),
        "overhead": round(overhead, 4),
        "chunks_per_s": round(inspection.chunks / total, 1),
        "open_s": round(opened, 3),
        "first_search_ms": round(times[0] * 1e3, 2),
        "search_median_ms": round(sorted(times)[len(times) // 2] * 1e3, 2),
        "bytes_a_chunk": round(sum(inspection.bytes.values()) / max(1, inspection.chunks)),
        "peak_memory_mb": round(peak_memory_mb()),
    }
    lines = [f"{name:<28}{value}" for name, value in result.items()]
    return Outcome(result=result, lines=lines)
