"""Retrieval that finds the right passage whatever language it is written in.

``KnowledgeBase`` is the door: open, add, delete, search, ask. ``rag_engine.ports`` has what a part
of your own must be able to do, ``rag_engine.errors`` what is raised.
"""

from rag_engine.errors import RagEngineError
from rag_engine.filters import And, Equals, Filter, In, Not, Or, Range
from rag_engine.inspection import Inspection
from rag_engine.knowledge_base import KnowledgeBase, RankedDocument
from rag_engine.passages import Passage
from rag_engine.records import (
    AddReport,
    Answer,
    Chunk,
    Citation,
    Document,
    Hit,
    Problem,
    ScoreParts,
    Span,
    Twin,
)
from rag_engine.settings import Settings

__all__ = [
    "AddReport",
    "And",
    "Answer",
    "Chunk",
    "Citation",
    "Document",
    "Equals",
    "Filter",
    "Hit",
    "In",
    "Inspection",
    "KnowledgeBase",
    "Not",
    "Or",
    "Passage",
    "Problem",
    "RagEngineError",
    "Range",
    "RankedDocument",
    "ScoreParts",
    "Settings",
    "Span",
    "Twin",
]
