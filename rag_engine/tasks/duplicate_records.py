"""What is told of duplicates: documents, groups of them, and all that was found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from rag_engine.records import MetadataValue

__all__ = ["DuplicateGroup", "Duplicates", "Kind", "ListedDocument"]


class Kind(StrEnum):
    """How documents, or passages, say the same."""

    EXACT = "exact"
    NEAR = "near"
    TRANSLATION = "translation"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedDocument:
    """What tells one document from another: ``added`` is its place in the order of adding.

    ``language`` is that of most of its characters, ``characters`` how many its passages have.
    """

    id: str
    source: str
    title: str
    language: str
    characters: int
    added: int
    metadata: Mapping[str, MetadataValue]


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicateGroup:
    """Documents that say the same: ``pairs`` are those that do so directly, by their ids.

    Of exact copies the first stands in ``pairs``; ``copies`` has the groups of them, all ids.
    """

    kind: Kind
    documents: tuple[ListedDocument, ...]
    pairs: tuple[tuple[str, str], ...]
    copies: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicates:
    """What a knowledge base holds twice.

    ``groups`` are those of documents, by kind and then as they were added; ``passages`` maps a kind
    to groups of passages' ids. ``looked_at`` passages and ``documents`` were compared.
    ``translations`` tells whether any were looked for: not where languages are not centred.
    """

    groups: tuple[DuplicateGroup, ...]
    passages: dict[Kind, tuple[tuple[int, ...], ...]]
    looked_at: int
    documents: int
    translations: bool

    def of(self, kinds: Iterable[Kind]) -> list[DuplicateGroup]:
        """Return the groups of documents of some kinds."""
        wanted = set(kinds)
        return [group for group in self.groups if group.kind in wanted]

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "looked_at": self.looked_at,
            "documents": self.documents,
            "translations": self.translations,
            "passages": {kind.value: list(map(list, self.passages[kind])) for kind in Kind},
            "groups": [
                {
                    "kind": group.kind.value,
                    "documents": [_listed(document) for document in group.documents],
                    "pairs": list(map(list, group.pairs)),
                    "copies": list(map(list, group.copies)),
                }
                for group in self.groups
            ],
        }


def _listed(document: ListedDocument) -> dict[str, Any]:
    return {
        "id": document.id,
        "source": document.source,
        "title": document.title,
        "language": document.language,
        "characters": document.characters,
    }
