"""Which passages are asked about."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rag_engine.answering.answer_language import weight
from rag_engine.knowledge_base import KnowledgeBase
from rag_engine.passages import Passage

__all__ = ["Chosen", "choose", "read_in_order"]

_FEWEST = 40
"""Letters (ideographs count double) of a passage about which something can be asked."""
_BATCH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Passages in the order in which they are asked about.

    ``digest`` is the SHA-256 of their ids and texts; ``thin`` and ``copies`` count what was passed
    over: passages that say too little, and those with the very text of another.
    """

    ids: tuple[int, ...]
    digest: str
    thin: int
    copies: int


def choose(kb: KnowledgeBase, *, limit: int | None, seed: int) -> Chosen:
    """Choose at most ``limit`` passages (None: all) by chance, the same ones for a ``seed``."""
    order = kb.passage_ids()
    random.Random(seed).shuffle(order)
    digest = hashlib.sha256()
    known: set[bytes] = set()
    ids: list[int] = []
    thin = copies = 0
    for passage in read_in_order(kb, order):
        if limit is not None and len(ids) == limit:
            break
        text = hashlib.sha256(passage.chunk.text.encode("utf-8")).digest()
        if weight(passage.chunk.text) < _FEWEST:
            thin += 1
        elif text in known:
            copies += 1
        else:
            known.add(text)
            ids.append(passage.id)
            digest.update(f"{passage.id}\n".encode() + text)
    return Chosen(ids=tuple(ids), digest=digest.hexdigest(), thin=thin, copies=copies)


def read_in_order(kb: KnowledgeBase, ids: Sequence[int]) -> Iterator[Passage]:
    """Yield passages, read some at a time; those that are gone meanwhile are left out."""
    for start in range(0, len(ids), _BATCH):
        yield from kb.passages(ids[start : start + _BATCH])
