"""What a reranker is asked while it is trained: the first candidates of dense search."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np

from rag_engine.connectors.ranking import best_of
from rag_engine.connectors.training.reranker_records import RerankCheck
from rag_engine.errors import InvalidInput
from rag_engine.evaluation.datasets import load_test_set
from rag_engine.evaluation.ndcg import ndcg
from rag_engine.ports import Embedder

__all__ = ["first_candidates", "without_reranker"]


def first_candidates(
    folder: Path, embedder: Embedder, *, questions: int, pool: int, seed: int
) -> RerankCheck:
    """Find the ``pool`` nearest passages to at most so many ``questions`` of a test set.

    Raises:
        InvalidInput: the set can not be read, or holds no question with an answer.
    """
    test_set = load_test_set(folder)
    chosen = list(test_set.questions)
    if not chosen:
        raise InvalidInput(f"{folder} holds no question with an answer to check by")
    if len(chosen) > questions:
        chosen = random.Random(seed).sample(chosen, questions)
    texts = [passage.text for passage in test_set.corpus]
    vectors = embedder.embed_passages(texts)
    places = np.arange(len(texts))
    passages: list[list[str]] = []
    grades: list[list[int]] = []
    for question, vector in zip(
        chosen, embedder.embed_queries([q.text for q in chosen]), strict=True
    ):
        nearest = best_of(places, vectors @ vector, pool).ids.tolist()
        judged = test_set.qrels[question.id]
        passages.append([texts[place] for place in nearest])
        grades.append([judged.get(test_set.corpus[place].id, 0) for place in nearest])
    return RerankCheck(
        questions=[question.text for question in chosen],
        passages=passages,
        grades=grades,
        judged=[list(test_set.qrels[question.id].values()) for question in chosen],
    )


def without_reranker(check: RerankCheck) -> float:
    """Return the mean nDCG@10 of the candidates as dense search ranks them.

    >>> without_reranker(RerankCheck(questions=["q"], passages=[["a"]], grades=[[1]], judged=[[1]]))
    1.0
    """
    scored = zip(check.grades, check.judged, strict=True)
    return sum(ndcg(grades, judged) for grades, judged in scored) / len(check.questions)
