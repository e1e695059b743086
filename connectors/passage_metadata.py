"""What other frameworks' documents carry as metadata, where they are passages that were found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rag_engine.records import Hit
from rag_engine.serialisation import HitOut

__all__ = ["hit_facts", "passage_id", "passage_metadata"]

_IF_TAKEN = "hit_"


def passage_id(hit: Hit) -> str:
    """Return what names a passage: ``<document id>#<number of the passage>``."""
    return f"{hit.chunk.document_id}#{hit.chunk.ordinal}"


def hit_facts(hit: Hit, own: Mapping[str, Any]) -> dict[str, Any]:
    """Return what ``HitOut`` tells of a hit beside its text, and ``question_language``, as data.

    Where the document's ``own`` metadata has a field of such a name, the fact, if it is another, is
    under ``hit_`` and the name.
    """
    facts = HitOut.of(hit).model_dump(exclude={"text", "metadata"})
    facts["question_language"] = hit.query_language
    return {
        _IF_TAKEN + key if key in own else key: value
        for key, value in facts.items()
        if key not in own or own[key] != value
    }


def passage_metadata(hit: Hit, own: Mapping[str, Any]) -> dict[str, Any]:
    """Return a passage's metadata: its document's ``own``, as they are, and ``hit_facts``."""
    return {**hit_facts(hit, own), **own}
