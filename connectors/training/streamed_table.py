"""A table of examples on disk: written as they come, mapped into memory as they are trained on.

sentence-transformers takes several tasks in turns, each with its own loss, only where a table of
each can be counted and read at any place: not from its ``IterableDataset``. A file of Arrow can, in
the memory of a page, and where training goes on from a checkpoint it is there.

Raises:
    MissingExtra: the extra ``train`` is not installed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from rag_engine.connectors.training.examples import Example
from rag_engine.connectors.training.training_records import StreamedPairs
from rag_engine.embedding.prompts import Prompts
from rag_engine.errors import MissingExtra
from rag_engine.store.failures import storage

try:
    import datasets
    import pyarrow
except ImportError as error:
    raise MissingExtra("train", package=str(error.name)) from error

__all__ = ["streamed_table"]

_BLOCK = 1_000
"""Examples that are written at once."""


def streamed_table(
    part: StreamedPairs, prompts: Prompts, file: Path, on_laid: Callable[[int, int], None]
) -> Any:
    """Return the part as the losses take it, from ``file``, which is written if it is not there.

    Raises:
        InvalidInput: an example can not be read.
        StorageFailed: the table can not be written.
    """
    if not file.exists():
        aside = file.with_name(f"{file.name}.new")
        names = ["question", "positive", *(f"negative_{n + 1}" for n in range(part.negatives))]
        schema = pyarrow.schema([(name, pyarrow.large_string()) for name in names])
        examples = part.examples()
        done = 0
        with (
            storage("laying out the examples", aside),
            pyarrow.OSFile(str(aside), "wb") as sink,
            pyarrow.ipc.new_stream(sink, schema) as writer,
        ):
            while block := list(islice(examples, _BLOCK)):
                rows = [dict(zip(names, _texts(each, prompts), strict=True)) for each in block]
                writer.write_batch(pyarrow.RecordBatch.from_pylist(rows, schema=schema))
                done += len(block)
                on_laid(done, part.count)
        aside.rename(file)
    return datasets.Dataset.from_file(str(file))


def _texts(example: Example, prompts: Prompts) -> Iterator[str]:
    before = prompts.query if example.symmetric else prompts.passage
    yield prompts.query + example.question
    for text in (example.positive, *example.negatives):
        yield before + text
