"""Reads one file with one reader: ``read_with.py READER FILE`` prints text, seconds and MB as JSON.

It runs in the reader's own environment, and so imports nothing but it. Seconds are the median of
three times, so that what is only done at first is not counted; MB are the most that was resident
in the process and in what it started.
"""

from __future__ import annotations

import gc
import json
import resource
import statistics
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

_TIMES = 3
_BYTES_OF_MAXRSS = 1 if sys.platform == "darwin" else 1024


def with_rag_engine() -> Callable[[Path], str]:
    """Read as ``rag-engine index`` does, in its own child process."""
    loaders = import_module("rag_engine.connectors.loaders.registry").default_loaders()
    loader_for = import_module("rag_engine.files").loader_for

    def read(path: Path) -> str:
        records = loader_for(path, loaders).load(path, path.name)
        return "\n\n".join(record.text for record in records if hasattr(record, "text"))

    return read


def with_pypdf() -> Callable[[Path], str]:
    """Read PDF pages in plain mode, the default."""
    reader = import_module("pypdf").PdfReader
    return lambda path: "\n\n".join(page.extract_text() for page in reader(path).pages)


def with_pymupdf() -> Callable[[Path], str]:
    """Read pages with ``get_text``."""
    opened = import_module("pymupdf").open
    return lambda path: "\n\n".join(page.get_text() for page in opened(path))


def with_markitdown() -> Callable[[Path], str]:
    """Read as Markdown."""
    reader = import_module("markitdown").MarkItDown()
    return lambda path: str(reader.convert(path).text_content)


def with_kreuzberg() -> Callable[[Path], str]:
    """Read with its default configuration."""
    read = import_module("kreuzberg").extract_file_sync
    return lambda path: str(read(str(path)).content)


def with_unstructured() -> Callable[[Path], str]:
    """Read elements, each on its lines."""
    partition = import_module("unstructured.partition.auto").partition
    return lambda path: "\n\n".join(map(str, partition(filename=str(path))))


def with_docling() -> Callable[[Path], str]:
    """Read as Markdown."""
    converter = import_module("docling.document_converter").DocumentConverter()
    return lambda path: str(converter.convert(path).document.export_to_markdown())


def main() -> None:
    """Read the file and print what was measured."""
    reader, path = sys.argv[1], Path(sys.argv[2])
    read = globals()[f"with_{reader}"]()
    seconds = []
    text = ""
    for _ in range(_TIMES):
        started = time.perf_counter()
        text = read(path)
        seconds.append(time.perf_counter() - started)
    del read
    gc.collect()  # ends the process that parses for us, so that its memory is counted
    used = sum(
        resource.getrusage(whose).ru_maxrss
        for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    measured = {
        "text": text,
        "seconds": statistics.median(seconds),
        "mb": used * _BYTES_OF_MAXRSS / 1e6,
    }
    sys.stdout.write(f"\n{json.dumps(measured)}\n")


if __name__ == "__main__":
    main()
