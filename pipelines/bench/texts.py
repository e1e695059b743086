"""Texts to measure with, as many as are wanted, in many languages, without any download.

The sentences are those of the sample knowledge base; a document is drawn from the sentences of one
of its documents, so that it stays in one language and script, and carries a number of its own, so
that no two are the same.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from rag_engine.records import Document
from rag_engine.settings import Settings

__all__ = ["sample_questions", "sample_texts", "synthetic_documents"]

_CHARACTERS, _CHARACTERS_CJK = 600, 200
_FIRST_CJK = "\u2e80"
_FEWEST_SENTENCES = 4


def sample_texts() -> list[Document]:
    """Load the documents of the sample knowledge base."""
    from rag_engine.connectors import wiring
    from rag_engine.pipelines.demo import sample_documents

    loaders = {
        suffix: loader
        for loader in wiring.build_loaders(Settings().loaders)
        for suffix in loader.suffixes
    }
    return [
        document
        for file in sorted(sample_documents().rglob("*"))
        if file.is_file()
        for document in loaders[file.suffix].load(file, file.name)
        if isinstance(document, Document)
    ]


def sample_questions(count: int, texts: Sequence[Document], seed: int = 2) -> list[str]:
    """Draw short sentences of real documents, as questions of about a dozen words."""
    from rag_engine.text.sentences import sentences

    pool = sorted(
        {
            document.text[start:end].strip()
            for document in texts
            for start, end in sentences(document.text)
            if 20 <= end - start <= 100
        }
    )
    drawn = random.Random(seed)
    return [drawn.choice(pool) for _ in range(count)]


def synthetic_documents(chunks: int, texts: Sequence[Document], seed: int = 1) -> list[Document]:
    """Make documents of about ``chunks`` chunks by drawing sentences of real documents.

    Sentences are drawn until there are some 600 characters (200 of Chinese, Japanese or Korean),
    which is about one chunk.
    """
    from rag_engine.text.sentences import sentences

    drawn = random.Random(seed)
    pools = [
        [document.text[start:end] for start, end in sentences(document.text)] for document in texts
    ]
    pools = [pool for pool in pools if len(pool) >= _FEWEST_SENTENCES]
    documents = []
    for number in range(chunks):
        pool = drawn.choice(pools)
        text = ""
        limit = _CHARACTERS if pool[0][0] < _FIRST_CJK else _CHARACTERS_CJK
        while len(text) < limit:
            text += f"{drawn.choice(pool)} {number * 7919 % 100_000}. "
        documents.append(Document(id=f"document-{number}", text=text[:limit]))
    return documents
