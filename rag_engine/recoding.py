"""Token vectors of an older knowledge base are written anew, an eighth as large.

Versions up to 0.7 kept eight bits a number of every token. What they kept is read, and kept in two
bits (see ``rag_engine.store.token_vectors``); no text is embedded again. Scores change a little
with it, and so nobody's are changed unasked.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from rag_engine.components import Components
from rag_engine.errors import InvalidInput, StoreCorrupt
from rag_engine.index_contract import index_contract
from rag_engine.opening import open_store
from rag_engine.own_parts import OwnParts
from rag_engine.settings import Settings
from rag_engine.store.check import read_all_meta
from rag_engine.store.copying import CatalogueContents, replace_catalogue, sequences
from rag_engine.store.failures import storage
from rag_engine.store.files import WriterLock
from rag_engine.store.progress import OnStage, counted, silent
from rag_engine.store.raw_rows import RawChunk, RawDocument, document_numbers, read_raw
from rag_engine.store.recognised import CATALOGUE
from rag_engine.store.schema import connect
from rag_engine.store.token_vectors import TokenCode, token_code

__all__ = ["recode_tokens"]


def recode_tokens(
    root: Path,
    settings: Settings | None = None,
    components: Components | Callable[[Settings], Components] | None = None,
    *,
    on_stage: OnStage = silent,
) -> bool:
    """Keep the token vectors of a knowledge base in two bits a number; tell whether they were not.

    The catalogue is written anew and takes the old one's place when it is whole: a kill before that
    changes nothing. False: they were kept so already. The index is built anew by the next writer.

    Raises:
        StoreNotFound: there is no knowledge base.
        StoreLocked: another process writes to it.
        InvalidInput: it keeps no token vectors.
        StoreCorrupt: the catalogue is damaged; nothing was changed.
        StoreError: another process is reading it in a way that would damage the new one. Whoever
            has it open for reading otherwise is told to open it again.
    """
    opened = open_store(root, OwnParts(), settings, components, read_only=False, create=False)
    parts, its_settings = opened.components, opened.settings
    opened.close(publish=False)
    space = parts.token_space
    if space is None:
        raise InvalidInput(f"the knowledge base {root} keeps no token vectors: nothing to recode")
    if space.bits == 2:
        return False
    in_two_bits = replace(space, bits=2)
    lock = WriterLock(root / "writer.lock")
    path = root / CATALOGUE
    try:
        with (
            storage("writing token vectors anew", path),
            contextlib.closing(connect(path, read_only=False)) as connection,
        ):
            meta = read_all_meta(connection)
            changed = index_contract(replace(parts, token_space=in_two_bits), its_settings)
            stored = meta.get("contract")
            if not isinstance(stored, dict):
                raise StoreCorrupt(f"{path} holds no index contract; it is damaged")
            if changed.keys() <= stored.keys():  # another process was quicker
                return False
            meta["contract"] = {**changed, **stored}  # the bits are all that it did not hold
            sources = dict(connection.execute("SELECT name, fingerprint FROM source"))
            documents = _recoded(connection, token_code(space), token_code(in_two_bits), on_stage)
            contents = CatalogueContents(
                meta=meta,
                sources=sources,
                documents=documents,
                sequences=sequences(connection),
            )
            replace_catalogue(path, connection, contents)
    finally:
        lock.release()
    return True


def _recoded(
    connection: sqlite3.Connection, old: TokenCode, new: TokenCode, on_stage: OnStage
) -> Iterator[RawDocument]:
    numbers = document_numbers(connection)
    for number in counted(numbers, "writing token vectors anew", len(numbers), on_stage):
        raw = read_raw(connection, number)
        yield replace(raw, chunks=tuple(_recoded_chunk(chunk, old, new) for chunk in raw.chunks))


def _recoded_chunk(chunk: RawChunk, old: TokenCode, new: TokenCode) -> RawChunk:
    """Return a chunk with its token vectors kept anew."""
    if not chunk.tokens:
        return chunk
    vectors = old.unpack({chunk.id: chunk.tokens}, [chunk.id]).vectors
    packed = new.pack(vectors)
    values = (*chunk.values[:9], len(packed), *chunk.values[10:])
    return RawChunk(values=values, tokens=packed)
