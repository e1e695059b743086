"""A knowledge base that is re-embedded, here or in a process of its own that is killed on the way.

``python -m tests.reembed_cases ROOT (reembed|back) STAGE NUMBER (exchange|renames)`` ends itself
with SIGKILL when the stage tells of something for the NUMBERth time.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from rag_engine import Document, KnowledgeBase, Settings
from rag_engine.components import Components
from rag_engine.connectors.dense.auto_index import AutoDenseFactory
from rag_engine.connectors.generators.extractive import ExtractiveGenerator
from rag_engine.connectors.lexical.tantivy_index import TantivyFactory
from rag_engine.ports import Detection
from rag_engine.records import Span
from rag_engine.reembedding import go_back, reembed
from rag_engine.store import exchange
from tests.doubles import HashEmbedder

OLD = Settings()
NEW = Settings.model_validate({"chunking": {"max_tokens": 40}})
SENTENCE = "Die Pumpe {} braucht jedes Jahr eine neue Dichtung und einen Filter dazu. "
DOCUMENTS = [
    Document(
        id=f"manuals/{number}",
        text=SENTENCE.format(number) * 9,
        title=f"Pumpe {number}",
        spans=(Span(start=0, end=60, section=("Wartung",), page=number + 1),),
        metadata={"year": 2000 + number, "new": number % 2 == 0, "weight": -0.0},
        language_hint="de",
    )
    for number in range(30)
]


class OnlyGerman:
    """Takes every text for German."""

    version = "only German 1"

    def detect(self, text: str) -> Detection:
        return Detection("de", 1.0)

    def plausible(self, text: str) -> tuple[Detection, ...]:
        return (self.detect(text),)


class CountingEmbedder(HashEmbedder):
    """Counts the passages that it embeds."""

    passages = 0

    def embed_passages(self, texts):
        self.passages += len(texts)
        return super().embed_passages(texts)


def parts(_: Settings, embedder: HashEmbedder | None = None) -> Components:
    embedder = embedder or HashEmbedder()
    return Components(
        embedder=embedder,
        detector=OnlyGerman(),
        dense=AutoDenseFactory(exact_below=200),
        lexical=TantivyFactory(),
        generator=ExtractiveGenerator(embedder=embedder, token_space=None, prior=None),
        prior=None,
        token_space=None,
    )


def opened(root: Path, *, read_only: bool = True) -> KnowledgeBase:
    return KnowledgeBase.open(root, components=parts, read_only=read_only, create=False)


def documents(root: Path) -> dict[str, Document]:
    with opened(root) as kb:
        found = {name: kb.document(name) for name in kb.document_ids()}
    return {name: document for name, document in found.items() if document is not None}


def main(root: str, action: str, stage: str, number: str, how: str) -> None:
    left = int(number)

    def on_stage(name: str, done: int, total: int) -> None:
        nonlocal left
        if name == stage:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    if how == "renames":
        exchange._swapped = lambda one, other: False  # type: ignore[assignment]
    if action == "reembed":
        reembed(Path(root), NEW, parts, on_stage=on_stage)
    else:
        go_back(Path(root), parts, on_stage=on_stage)


if __name__ == "__main__":
    main(*sys.argv[1:])
