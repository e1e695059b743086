"""Whatever gives documents: a loader of LangChain's, or documents of any kind one after the other.

LangChain itself is not imported: whoever hands over its documents has done so.
"""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rag_engine.connectors.loaders.parsing.json_values import checked
from rag_engine.connectors.loaders.parsing.rows import RowColumns, RowOptions
from rag_engine.connectors.plugins import import_named
from rag_engine.errors import InvalidDocument, LoadError, SettingsError
from rag_engine.records import Document, Problem

__all__ = ["documents_of", "named_documents"]


def named_documents(name: str) -> Iterator[Document | Problem]:
    """Return the documents of a loader by its name, ``module:function``.

    The function takes no arguments and returns what ``documents_of`` takes; a class is made, and
    any other object is taken as it is.

    Raises:
        SettingsError: there is no such module or function, or it takes arguments.
        LoadError: it fails, or gives no documents.
    """
    where = f"--loader {name}"
    if not all(name.partition(":")):
        raise SettingsError(f"{where}: a loader is named module:function")
    found = import_named(name, where)
    if callable(found):
        try:
            inspect.signature(found).bind()
        except (TypeError, ValueError) as error:
            raise SettingsError(
                f"{where} is called without arguments, and it takes "
                f"{inspect.signature(found)}: name a function that makes the loader"
            ) from error
        try:
            found = found()
        except Exception as error:
            raise LoadError(f"{where} failed: {type(error).__name__}: {error}") from error
    return documents_of(found, where)


def documents_of(loaded: object, name: str = "the loader") -> Iterator[Document | Problem]:
    """Return the documents that something gives, for ``KnowledgeBase.add``.

    It is a document loader of LangChain's (``lazy_load``), or an iterable of LangChain's documents,
    of mappings, or of ``Document`` and ``Problem`` objects. A document's id is its own, else its
    metadata's ``source`` (with a number from the second document of a source on: ``a.pdf#2``), else
    its place among all, counted from 1. Of a mapping, text, title, id and language are found by
    their names as in JSON Lines; ``metadata`` may be a mapping in it.

    A document that can not be used is a ``Problem``, named by its id.

    Raises:
        LoadError: it gives no documents, or fails on the way.

    >>> [pump] = documents_of([{"id": "p", "text": "Die Pumpe.", "metadata": {"year": 2026}}])
    >>> pump.id, pump.text, dict(pump.metadata)
    ('p', 'Die Pumpe.', {'year': 2026})
    """
    lazy = getattr(loaded, "lazy_load", None)
    if not callable(lazy) and (
        isinstance(loaded, str | bytes | Mapping | Document) or not isinstance(loaded, Iterable)
    ):
        raise LoadError(
            f"{name} gives {type(loaded).__name__}, which is no document loader of LangChain's and "
            "no list of documents"
        )
    return _records(lazy if callable(lazy) else lambda: loaded, name)


def _records(begin: Any, name: str) -> Iterator[Document | Problem]:
    names = _Names()
    number = 0
    try:
        for number, item in enumerate(begin(), start=1):
            yield _record(item, number, names)
    except LoadError:
        raise
    except Exception as error:
        raise LoadError(
            f"{name} failed after {number:,} documents: {type(error).__name__}: {error}; those "
            "that were written are kept, nothing was dropped, and the same command goes on"
        ) from error


class _Names:
    """Gives ids to documents that have none."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def name(self, own: object, source: object, number: int) -> str:
        if own is not None and own != "":
            return str(own)
        if not isinstance(source, str) or not source.strip():
            return str(number)
        self._seen[source] += 1
        count = self._seen[source]
        return source if count == 1 else f"{source}#{count}"


def _record(item: Any, number: int, names: _Names) -> Document | Problem:
    if isinstance(item, Document | Problem):
        return item
    if isinstance(item, Mapping):
        return _of_mapping(item, number, names)
    if not hasattr(item, "page_content"):
        reason = f"it is no document but {type(item).__name__}: {item!r:.60}"
        return Problem(source=str(number), reason=reason)
    from rag_engine.connectors.langchain.documents import as_stored

    document_id = names.name(getattr(item, "id", None), item.metadata.get("source"), number)
    try:
        return as_stored(item, document_id)
    except InvalidDocument as error:
        return Problem(source=document_id, reason=str(error))


def _of_mapping(item: Mapping[Any, Any], number: int, names: _Names) -> Document | Problem:
    inner = item.get("metadata")
    beside = {**inner, **item} if isinstance(inner, Mapping) else item
    values = checked({key: value for key, value in beside.items() if isinstance(key, str)})
    if isinstance(values, str):
        return Problem(source=names.name(item.get("id"), item.get("source"), number), reason=values)
    columns = RowColumns.found_in(list(values), RowOptions(format=""))
    source = values.get("source")
    document_id = names.name(values.get(columns.id) if columns.id else None, source, number)
    row = columns.row(values, number=number, file_format="")
    if isinstance(row, str):
        return Problem(source=document_id, reason=row.partition(": ")[2])
    try:
        return Document(
            id=document_id,
            text=row.text,
            title=row.title,
            source=source if isinstance(source, str) else "",
            language_hint=row.language,
            metadata={key: value for key, value in row.metadata.items() if (key, value) != _FORMAT},
        )
    except InvalidDocument as error:
        return Problem(source=document_id, reason=str(error))


_FORMAT = ("format", "")
"""What a row says of the file that it comes from; there is none."""
