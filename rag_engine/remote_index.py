"""The ports of indexes that live in a service, where several machines may search them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

from rag_engine.ports import (
    DenseIndex,
    DenseIndexFactory,
    Int64Array,
    LexicalIndex,
    LexicalIndexFactory,
)
from rag_engine.records import MetadataValue

__all__ = ["ChunkFields", "FieldsOf", "RemoteDenseFactory", "RemoteLexicalFactory"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkFields:
    """What a passage may be filtered by: its language, and fields of its document."""

    language: str = ""
    document: Mapping[str, MetadataValue] = field(default_factory=dict)
    """The other keys of ``filters.CHUNK_KEYS``; a page only where there is one."""
    metadata: Mapping[str, MetadataValue] = field(default_factory=dict)


FieldsOf = Callable[[Int64Array], Mapping[int, ChunkFields]]
"""Looks up the fields of those of some ids that still exist."""


@runtime_checkable
class RemoteDenseFactory(DenseIndexFactory, Protocol):
    """Builds and opens dense indexes in a service."""

    @property
    def local(self) -> DenseIndexFactory:
        """What indexes the few passages that were just added, in this process."""
        ...

    def within(self, root: Path, fields: FieldsOf) -> RemoteDenseFactory:
        """Return the factory of the knowledge base in the folder ``root``."""
        ...

    def sweep(self, current: DenseIndex) -> None:
        """Remove what the knowledge base left in the service and searches no more."""
        ...


@runtime_checkable
class RemoteLexicalFactory(LexicalIndexFactory, Protocol):
    """Builds and opens lexical indexes in a service; what is built in memory stays here."""

    def within(self, root: Path) -> RemoteLexicalFactory:
        """Return the factory of the knowledge base in the folder ``root``."""
        ...

    def sweep(self, current: LexicalIndex) -> None:
        """Remove what the knowledge base left in the service and searches no more."""
        ...
