"""What other formulations of a question are worth: ``measure_formulations SET_DIR KB_DIR [COUNT]``.

``SET_DIR`` is a set in BEIR's layout whose questions are asked in several languages, English among
them: their ids are ``LANGUAGE-REST``, with the same ``REST`` for the same question. Of ``COUNT``
questions (400) one language each, not English, is drawn; it is asked alone, and with others. The
knowledge base in ``KB_DIR`` is made if there is none. Prints nDCG@10, how often the first document
is right, and the mean score of the first, with the right documents in the knowledge base and
without.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import mean

from rag_engine.evaluation.datasets import TestSet, load_test_set
from rag_engine.evaluation.ndcg import ndcg
from rag_engine.knowledge_base import KnowledgeBase
from rag_engine.text.analysis import analyse

__all__ = ["Asked", "draw", "main"]

_ENGLISH = "en"
_DEPTH = 10
Asked = Mapping[str, str]
"""A question's formulations by their names, and its ``id``."""
_WAYS: Mapping[str, Sequence[str]] = {
    "question": ["own"],
    "English": ["english"],
    "question, English": ["own", "english"],
    "question, English, two more languages": ["own", "english", "third", "fourth"],
    "question, without its stop words": ["own", "keywords"],
    "question, and one of something else": ["own", "unrelated"],
}


def draw(test_set: TestSet, count: int, seed: int = 7) -> list[Asked]:
    """Return questions with their formulations, the same ones for the same seed."""
    texts: dict[str, dict[str, str]] = {}
    for question in test_set.questions:
        language, _, rest = question.id.partition("-")
        texts.setdefault(rest, {})[language] = question.text
    chosen = random.Random(seed)
    names = sorted(name for name, languages in texts.items() if len(languages) >= len(_WAYS) - 2)
    chosen.shuffle(names)
    return list(_formulated(texts, names[:count], chosen))


def _formulated(
    texts: Mapping[str, Mapping[str, str]], names: Sequence[str], chosen: random.Random
) -> Iterator[Asked]:
    for place, name in enumerate(names):
        own, third, fourth = chosen.sample(sorted(texts[name].keys() - {_ENGLISH}), 3)
        question = texts[name][own]
        # As they are written; a language that puts no spaces keeps its question whole.
        words = [
            word for word in question.split() if not all(token.stop for token in analyse(word, own))
        ]
        yield {
            "id": f"{own}-{name}",
            "own": question,
            "english": texts[name][_ENGLISH],
            "third": texts[name][third],
            "fourth": texts[name][fourth],
            "keywords": " ".join(words) or question,
            "unrelated": texts[names[place - 1]][_ENGLISH],
        }


def _line(kb: KnowledgeBase, test_set: TestSet, asked: Sequence[Asked], way: str) -> str:
    first, *others = _WAYS[way]
    judged = [test_set.qrels[question["id"]] for question in asked]
    texts = [question[first] for question in asked]
    also = [[question[other] for other in others] for question in asked]
    there = list(kb.rank(texts, also=also, depth=_DEPTH))
    gone = list(kb.rank(texts, also=also, depth=1, without=[list(grades) for grades in judged]))
    grades = [
        [of.get(document.document_id, 0) for document in ranked]
        for ranked, of in zip(there, judged, strict=True)
    ]
    figures = (
        mean(ndcg(ranked, list(of.values())) for ranked, of in zip(grades, judged, strict=True)),
        mean(ranked[0] > 0 for ranked in grades),
        mean(ranked[0].score for ranked in there),
        mean(ranked[0].score for ranked in gone),
    )
    return f"| {way} | " + " | ".join(f"{figure:.3f}" for figure in figures) + " |"


def main(arguments: Sequence[str]) -> None:
    """Measure; see the module."""
    folder, kb_path, *rest = arguments
    test_set = load_test_set(Path(folder))
    asked = draw(test_set, int(rest[0]) if rest else 400)
    print(f"{len(asked)} questions over {len(test_set.corpus)} documents")  # noqa: T201
    with KnowledgeBase.open(kb_path) as kb:
        kb.add(test_set.corpus)
        kb.publish()
        for way in _WAYS:
            print(_line(kb, test_set, asked, way))  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
