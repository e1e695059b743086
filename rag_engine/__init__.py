"""Retrieval that finds the right passage whatever language it is written in.

``KnowledgeBase`` is the door: open, add, delete, search, ask. ``rag_engine.ports`` has what a part
of your own must be able to do, ``rag_engine.errors`` what is raised.

A name is imported when it is first used: the child process that parses untrusted files lives
below this package, and has no room for an engine.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rag_engine.errors import RagEngineError
    from rag_engine.federation import Federation
    from rag_engine.filters import And, Equals, Filter, In, Not, Or, Range
    from rag_engine.inspection import Inspection
    from rag_engine.knowledge_base import KnowledgeBase
    from rag_engine.passages import Passage
    from rag_engine.records import (
        AddReport,
        Answer,
        Chunk,
        Citation,
        Document,
        Hit,
        Message,
        Note,
        Problem,
        ScoreParts,
        Span,
        Twin,
    )
    from rag_engine.retrieval.document_ranking import RankedDocument
    from rag_engine.settings import Settings
    from rag_engine.tasks.classification import classify
    from rag_engine.tasks.similarity import similarity

__all__ = [
    "AddReport",
    "And",
    "Answer",
    "Chunk",
    "Citation",
    "Document",
    "Equals",
    "Federation",
    "Filter",
    "Hit",
    "In",
    "Inspection",
    "KnowledgeBase",
    "Message",
    "Not",
    "Note",
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
    "classify",
    "similarity",
]

_NAMES = {
    "errors": ("RagEngineError",),
    "federation": ("Federation",),
    "filters": ("And", "Equals", "Filter", "In", "Not", "Or", "Range"),
    "inspection": ("Inspection",),
    "knowledge_base": ("KnowledgeBase",),
    "passages": ("Passage",),
    "records": (
        *("AddReport", "Answer", "Chunk", "Citation", "Document", "Hit", "Message", "Note"),
        *("Problem", "ScoreParts", "Span", "Twin"),
    ),
    "retrieval.document_ranking": ("RankedDocument",),
    "settings": ("Settings",),
    "tasks.classification": ("classify",),
    "tasks.similarity": ("similarity",),
}
_MODULES = {name: module for module, names in _NAMES.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module 'rag_engine' has no attribute {name!r}")
    value: object = getattr(import_module(f"rag_engine.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
