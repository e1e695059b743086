"""What pictures cost questions about texts: ``measure_pictures SET_DIR KB_DIR [COUNT [PICTURES]]``.

``SET_DIR`` is a set in BEIR's layout. ``COUNT`` of its questions (200) are asked of its passages
alone, then of the same with ``PICTURES`` (100) beside them that answer none, first as their texts,
the names of files, then as pictures: what embeds them is blind, its vectors are drawn at random, so
that any that stands above a passage does so by chance. The knowledge bases in ``KB_DIR`` are made
if they are not there. Prints nDCG@10, how often the first is right, how often a picture is, and the
mean score of the best picture; then what a picture that answers is worth, by how far above chance.
"""

from __future__ import annotations

import hashlib
import io
import random
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean

import numpy as np

from rag_engine.components import Components, default_components
from rag_engine.embedding.embedder_contract import EmbedderContract
from rag_engine.evaluation.datasets import TestSet, load_test_set
from rag_engine.evaluation.ndcg import ndcg
from rag_engine.images.document_image import DocumentImage
from rag_engine.images.evidence import evidence, posterior, tail
from rag_engine.knowledge_base import KnowledgeBase
from rag_engine.ports import Float32Array
from rag_engine.records import Document
from rag_engine.settings import Settings

__all__ = ["BlindImages", "main", "pictures", "worth"]

_DEPTH = 10
_WIDTH = 512
_ABOVE = (2, 3, 4, 5, 6)
_AMONG = (10, 100, 1_000, 10_000)


class BlindImages:
    """An ``ImageEmbedder`` whose vectors say nothing: the hash of a text or picture draws them."""

    dimension = _WIDTH
    contract = EmbedderContract(
        model="blind",
        weights="blind 1",
        dimension=_WIDTH,
        pooling="none",
        normalised=True,
        query_prompt="",
        passage_prompt="",
        max_tokens=512,
    )

    def embed_queries(self, texts: Sequence[str]) -> Float32Array:
        """Return a unit vector for each text."""
        return self.embed_images([text.encode() for text in texts])

    def embed_images(self, images: Sequence[bytes]) -> Float32Array:
        """Return a unit vector for each picture."""
        vectors = np.empty((len(images), _WIDTH), dtype=np.float32)
        for row, data in enumerate(images):
            seed = int.from_bytes(hashlib.sha256(data).digest()[:8], "big")
            vectors[row] = np.random.default_rng(seed).normal(size=_WIDTH)
        unit: Float32Array = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit


def pictures(count: int) -> list[Document]:
    """Return documents that are pictures, each another one, named as cameras name them."""
    from PIL import Image

    made = []
    for number in range(count):
        file = io.BytesIO()
        Image.new("RGB", (8, 8 + number), (128, 128, 128)).save(file, format="JPEG")
        image = DocumentImage(data=file.getvalue(), thumbnail=file.getvalue())
        name = f"IMG {number:04}"
        made.append(Document(id=name, text=name, image=image))
    return made


def worth(above: float, among: int) -> float:
    """Return the probability of a picture so many standard deviations above chance.

    The others ``among`` the passages are worth what chance is worth, 1 each.

    >>> round(worth(4, 100), 2), round(worth(2, 100), 2)
    (0.6, 0.01)
    """
    evidences = np.ones(among)
    evidences[0] = evidence(tail(np.array([above], np.float32)))[0]
    return float(posterior(evidences, among)[0])


def _line(kb: KnowledgeBase, test_set: TestSet, asked: Sequence[str], name: str) -> str:
    texts = {question.id: question.text for question in test_set.questions}
    grades, first, of_pictures, best = [], [], [], []
    for question in asked:
        judged = test_set.qrels[question]
        hits = kb.search(texts[question], k=_DEPTH)
        found = [hit.chunk.document_id for hit in hits]
        grades.append(ndcg([judged.get(one, 0) for one in found], list(judged.values()), _DEPTH))
        first.append(judged.get(found[0], 0) > 0)
        of_pictures.append(hits[0].image is not None)
        best.append(max((hit.parts.image or 0.0 for hit in hits), default=0.0))
    figures = (mean(grades), mean(first), mean(of_pictures), mean(best))
    return f"| {name} | " + " | ".join(f"{figure:.3f}" for figure in figures) + " |"


def main(arguments: Sequence[str]) -> None:
    """Measure; see the module."""
    folder, kbs, *rest = arguments
    count, many = int(rest[0]) if rest else 200, int(rest[1]) if len(rest) > 1 else 100
    test_set = load_test_set(Path(folder))
    asked = sorted(test_set.qrels)
    random.Random(7).shuffle(asked)
    asked = asked[:count]
    _say(f"{len(asked)} questions over {len(test_set.corpus)} passages")
    _say("|  | nDCG@10 | first is right | first is a picture | best picture |")
    shown = pictures(many)
    for place, (name, added, blind) in enumerate(
        (
            ("passages alone", [], False),
            (f"and {many} names of files", [replace(one, image=None) for one in shown], False),
            (f"that are {many} pictures", shown, True),
        )
    ):
        with KnowledgeBase.open(Path(kbs) / str(place), components=_components(blind)) as kb:
            kb.add([*test_set.corpus, *added])
            kb.publish()
            _say(_line(kb, test_set, asked, name))
    _say("")
    _say("| above chance | " + " | ".join(f"of {among:,}" for among in _AMONG) + " |")
    for above in _ABOVE:
        _say(f"| {above} | " + " | ".join(f"{worth(above, among):.3f}" for among in _AMONG) + " |")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _components(blind: bool) -> Components:
    return replace(default_components(Settings()), images=BlindImages() if blind else None)


if __name__ == "__main__":
    main(sys.argv[1:])
