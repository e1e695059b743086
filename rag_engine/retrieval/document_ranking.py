"""Many questions at once, ranked by document: what an evaluation needs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import chain, islice
from typing import NamedTuple

import numpy as np

from rag_engine.ports import IdSelector
from rag_engine.retrieval.retriever import Retriever
from rag_engine.store.view import View

__all__ = ["RankedDocument", "rank_documents"]

_BATCH = 512
"""Questions that are embedded in one call."""


class RankedDocument(NamedTuple):
    """A document and its score in one ranking; higher is better."""

    document_id: str
    score: float


def rank_documents(
    retriever: Retriever,
    view: View,
    questions: Sequence[Sequence[str]],
    *,
    depth: int,
    without: Sequence[Collection[str]] | None,
) -> Iterator[list[RankedDocument]]:
    """Yield for each question its best ``depth`` documents, each at the place of its best chunk.

    A question is given in its formulations, one or several.
    ``without`` names for each question documents that are treated as if they were not there. All
    questions are asked of one revision; which passages are of which document is read at once.

    Raises:
        ServiceError: a remote model failed; without its reranker no ranking is measured.
        ViewOutdated: the catalogue changed since the view's revision, and it is not lenient.
    """
    documents = view.documents_of_chunks()
    return _ranked(retriever, view.without_vanished(), documents, questions, depth, without)


def _ranked(
    retriever: Retriever,
    view: View,
    documents: dict[int, str],
    questions: Sequence[Sequence[str]],
    depth: int,
    without: Sequence[Collection[str]] | None,
) -> Iterator[list[RankedDocument]]:
    for start in range(0, len(questions), _BATCH):
        batch = questions[start : start + _BATCH]
        embedded = iter(retriever.embed_questions(list(chain.from_iterable(batch))))
        for number, formulations in enumerate(batch, start=start):
            question = list(islice(embedded, len(formulations)))
            allowed = None if without is None else _all_but(documents, without[number])
            ranked = retriever.rank(view, question, k=depth, allowed=allowed).candidates
            best: dict[str, float] = {}
            for chunk, score in zip(ranked.ids.tolist(), ranked.scores.tolist(), strict=True):
                if chunk in documents:
                    best.setdefault(documents[chunk], score)
            yield [RankedDocument(document, score) for document, score in best.items()][:depth]


def _all_but(documents: dict[int, str], left_out: Collection[str]) -> IdSelector:
    """Allow all chunks but those of some documents."""
    names = set(left_out)
    chunks = sorted(chunk for chunk, document in documents.items() if document not in names)
    return IdSelector(np.array(chunks, dtype=np.int64))
