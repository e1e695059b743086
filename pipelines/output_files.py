"""Files that a command writes for its user: there whole or not at all, and never over its input."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rag_engine.errors import InvalidInput
from rag_engine.store.failures import storage
from rag_engine.store.files import sync_file

__all__ = ["check_output", "whole_file", "write_lines"]


def check_output(option: str, out: Path | None, inputs: Iterable[str | Path | None]) -> None:
    """Refuse to write over what is read; an input may also be a text, which is no file.

    Raises:
        InvalidInput: ``out`` is one of the ``inputs``, by whatever name.
    """
    if out is None:
        return
    for given in inputs:
        if given is not None and _same(out, given):
            raise InvalidInput(
                f"{option} {out} is {given!s:.200}, which is read: what it holds would be lost; "
                "name another file"
            )


def _same(out: Path, given: str | Path) -> bool:
    try:
        # What is no file of its own, as a terminal, holds nothing that could be lost.
        return out.is_file() and out.samefile(given)
    except (OSError, ValueError):
        return False


@contextmanager
def whole_file(path: Path, doing: str) -> Iterator[Path]:
    """Give where to write what becomes the file ``path`` at the end; an error leaves all as it was.

    A link stays one, and a file keeps its rights. What is no file, as a pipe, is written to itself.

    Raises:
        StorageFailed: it can not be written; ``doing`` is what that was for.
    """
    with storage(doing, path):
        if path.exists() and not path.is_file():
            yield path
            return
        target = path.resolve()
        if target.exists() and not os.access(target, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        beside = target.with_name(f".rag-engine-{secrets.token_hex(8)}.new")
        try:
            beside.touch(exist_ok=False)
            yield beside
            sync_file(beside)
            if target.exists():
                shutil.copymode(target, beside)
            beside.replace(target)
        except OSError as error:
            if error.filename == str(beside):  # a name that tells nobody anything
                error.filename = str(path)
            raise
        finally:
            beside.unlink(missing_ok=True)


def write_lines(path: Path, doing: str, lines: Iterable[str]) -> None:
    """Write a text file of lines, whole or not at all.

    Raises:
        StorageFailed: it can not be written; ``doing`` is what that was for.
    """
    with whole_file(path, doing) as beside, beside.open("w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)
