"""Hits to answer from, written down in as few words as a test needs."""

from __future__ import annotations

import pytest

from rag_engine.answering.context import Context, Source
from rag_engine.records import Chunk, Hit, ScoreParts


@pytest.fixture
def make_hit():
    """Return a function that makes the hit of one chunk; ranks and ids count up."""
    made = []

    def make(
        text,
        *,
        document=None,
        start=0,
        section=(),
        page=None,
        title="",
        source="",
        language="und",
    ):
        number = len(made) + 1
        document = document or f"doc-{number}"
        chunk = Chunk(
            document_id=document,
            ordinal=start,
            start=start,
            end=start + len(text),
            text=text,
            section=section,
            page=page,
            language=language,
        )
        hit = Hit(
            rank=number,
            score=1 / number,
            chunk_id=100 + number,
            chunk=chunk,
            title=title,
            source=source or f"{document}.txt",
            metadata={},
            query_language="en",
            parts=ScoreParts(dense=0.5, dense_plain=0.5, lexical=0.0),
        )
        made.append(hit)
        return hit

    return make


@pytest.fixture
def make_context(make_hit):
    """Return a function that makes a context with one source a text."""

    def make(*texts, **each):
        sources = tuple(
            Source(number=number, hit=make_hit(text, **each), text=text)
            for number, text in enumerate(texts, start=1)
        )
        return Context(sources=sources, dropped=(), tokens=0)

    return make
