"""Training examples: a question, the passage that answers it, and passages that do not."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from rag_engine.errors import InvalidInput

__all__ = ["Example", "ExampleFile", "each_example", "file_digest", "read_examples"]

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Example(BaseModel):
    """One line of a file of examples.

    ``negatives`` are passages that look right and are not; may be none. ``group`` names what the
    positive says: of two examples of one group the other's positive would be right as well, so
    that no batch holds both. Without one, the positive itself is the group. ``topic`` names what
    the group is about, an article or a document: examples of one topic share batches, so that the
    batch's other passages are near misses. ``symmetric`` says that both texts are of one kind, as
    of a sentence and its translation: both get the question's prompt. ``original_question`` and
    ``original_positive`` are what the model whose similarities are held to is asked in place of
    the texts, as of translations their English. Languages are BCP-47 codes, for reports; other
    keys are passed over.

    >>> Example(question="Wie hoch?", positive="324 metres.").what
    '324 metres.'
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    question: Text
    positive: Text
    negatives: tuple[Text, ...] = ()
    question_language: str = ""
    passage_language: str = ""
    group: str = ""
    topic: str = ""
    symmetric: bool = False
    original_question: str = ""
    original_positive: str = ""

    @property
    def what(self) -> str:
        """The group, else the positive."""
        return self.group or self.positive


class ExampleFile(BaseModel):
    """A file of examples as it was read; ``sha256`` is that of its bytes."""

    model_config = ConfigDict(frozen=True)

    name: str
    sha256: str
    examples: tuple[Example, ...]


def read_examples(path: Path) -> ExampleFile:
    """Read JSON Lines (``.gz`` too), one ``Example`` a line; empty lines are passed over.

    Raises:
        InvalidInput: the file is missing, holds no example, or a line is none; it names the line.
    """
    examples = tuple(each_example(path))
    return ExampleFile(name=path.name, sha256=file_digest(path), examples=examples)


def each_example(path: Path) -> Iterator[Example]:
    """Yield the examples of a file, which is read as they are asked for.

    Raises:
        InvalidInput: as ``read_examples``; at the line that is none.
    """
    some = False
    try:
        with _opened(path) as file:
            for example in _parsed(path, file):
                some = True
                yield example
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise InvalidInput(f"{path}: no examples can be read: {error}") from error
    if not some:
        raise InvalidInput(f"{path} holds no example; a line is {_SHAPE}")


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file's bytes.

    Raises:
        InvalidInput: it can not be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InvalidInput(f"{path}: no examples can be read: {error}") from error


_SHAPE = '{"question": "...", "positive": "...", "negatives": ["..."], "group": "..."}'


def _opened(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8")
    return path.open(encoding="utf-8")


def _parsed(path: Path, lines: IO[str]) -> Iterator[Example]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield Example.model_validate_json(line)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise InvalidInput(
                f"{path}, line {number}: {where + ': ' if where else ''}{first['msg']}; a line is "
                f"{_SHAPE}"
            ) from error
