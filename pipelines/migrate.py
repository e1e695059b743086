"""``rag-engine migrate``: the same knowledge base with its vectors elsewhere.

The catalogue stays what and where it is. Another dense index is built from it, and compared with
the one before; only then do the settings change. Whatever stops it, the knowledge base stays
searchable as it was, and the same command goes on.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from rag_engine.errors import InvalidInput, ServiceError, StoreError
from rag_engine.knowledge_base import KnowledgeBase
from rag_engine.pipelines.output import Outcome, note
from rag_engine.pipelines.progress import Bar
from rag_engine.settings import MilvusSettings, Settings

__all__ = ["migrate", "settings_for"]

_QUESTIONS, _DEPTH, _ALIKE = 30, 10, 0.95
_TARGET = re.compile(r"milvus(?P<secure>\+tls)?://(?P<host>[^/@?#]+:\d+)")


def settings_for(target: str, settings: Settings) -> Settings:
    """Return settings with vectors in ``target``.

    That is ``milvus://HOST:PORT``, ``milvus+tls://HOST:PORT``, ``milvus:FILE.db`` (Milvus Lite),
    or ``local``.

    Raises:
        InvalidInput: another target.

    >>> settings_for("milvus+tls://db.example:19530", Settings()).milvus.uri
    'https://db.example:19530'
    >>> settings_for("local", settings_for("milvus:/kb/vectors.db", Settings())).dense.kind
    'auto'
    """
    if target == "local":
        return settings.of_kind("dense", "auto")
    match = _TARGET.fullmatch(target)
    if match:
        uri = f"http{'s' if match['secure'] else ''}://{match['host']}"
    elif target.startswith("milvus:") and target.endswith(".db"):
        uri = str(Path(target.removeprefix("milvus:")).resolve())
    else:
        raise InvalidInput(
            "--to is milvus://HOST:PORT, milvus+tls://HOST:PORT, milvus:FILE.db or local, got "
            f"{target!r:.120}"
        )
    kept = settings.milvus.model_dump(exclude_unset=True)
    server = MilvusSettings.model_validate({**kept, "uri": uri})  # the address is the caller's
    return settings.of_kind("dense", "milvus").model_copy(update={"milvus": server})


def migrate(path: Path, target: str) -> Outcome:
    """Move the vectors of the knowledge base at ``path`` to ``target``, and compare.

    Raises:
        StoreError: searches find other passages afterwards; the settings stay as they were.
    """
    with KnowledgeBase.open(path, create=False) as kb:
        kb.publish()  # what is compared is built of the same catalogue
        settings, before = kb.settings, kb.inspect()
        questions = _questions(kb)
        expected = [_first_hits(kb, question) for question in questions]
    wanted = settings_for(target, settings)
    note(f"{before.chunks:,} chunks, from {before.dense or 'none'} to {target} ...")
    with KnowledgeBase.open(path, settings=wanted, create=False) as kb:
        with Bar() as bar:
            kb.publish(on_stage=bar.stage)
        after = kb.inspect()
        hits = [_first_hits(kb, question) for question in questions]
        shares = [
            len(set(one) & set(other)) / max(1, len(one))
            for one, other in zip(expected, hits, strict=True)
        ]
        alike = float(np.mean(shares)) if shares else 1.0
        if after.chunks != before.chunks or alike < _ALIKE:
            raise StoreError(
                f"{path}: {after.chunks} chunks instead of {before.chunks}, and only {alike:.0%} "
                f"of the first {_DEPTH} hits are the same; the settings stay as they were"
            )
        kb.keep_settings()
    if before.dense != after.dense and settings.dense.kind == "milvus":
        _clear(path, settings)
    equal = sum(one == other for one, other in zip(expected, hits, strict=True))
    return Outcome(
        result={
            "chunks": after.chunks,
            "dense": after.dense,
            "questions": len(questions),
            "equal": equal,
            "alike": round(alike, 4),
        },
        lines=[
            f"{after.chunks:,} chunks in {after.dense}",
            f"the first {_DEPTH} hits are the same, in the same order, for {equal} of "
            f"{len(questions)} questions ({alike:.1%} of all hits)",
        ],
    )


def _clear(path: Path, settings: Settings) -> None:
    """Drop the collections that the knowledge base had, or say that they are still there."""
    from rag_engine.connectors.milvus.collection_journal import VECTORS, CollectionJournal
    from rag_engine.connectors.milvus.service import MilvusService

    journal = CollectionJournal(path, VECTORS, MilvusService(settings.milvus))
    try:
        journal.clear()
    except ServiceError as error:
        left = ", ".join(entry.name for entry in journal.entries())
        note(f"{error}; these collections are left there: {left}")


def _questions(kb: KnowledgeBase) -> list[str]:
    """Take the beginnings of some documents as questions."""
    ids = kb.document_ids()
    drawn = np.linspace(0, len(ids) - 1, min(_QUESTIONS, len(ids))).astype(np.intp)
    documents = [kb.document(ids[place]) for place in drawn.tolist()]
    texts = [document.text.strip()[:80] for document in documents if document is not None]
    return [text for text in texts if text]


def _first_hits(kb: KnowledgeBase, question: str) -> list[int]:
    return [hit.chunk_id for hit in kb.search(question, k=_DEPTH)]
