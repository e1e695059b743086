"""Pictures as documents: files that are pictures, and those that documents hold.

A loader of pictures stands before the loader of a file's text: it yields what that one yields, and
the pictures after it. What is said of a picture (its alternative text, what OCR reads in it, else
the name of its file) is its document's text.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path, PurePosixPath

from rag_engine.connectors.loaders.limits import BYTES_OF_A_MB, MAX_FILE_MB, check_size
from rag_engine.connectors.loaders.parsing.shown_picture import PicturesOptions, ShownPicture
from rag_engine.connectors.loaders.sandbox import Sandbox
from rag_engine.errors import InvalidInput, LoadError, LoadSkipped, MissingExtra
from rag_engine.file_encoding import EncodedLoader
from rag_engine.images.document_image import IMAGES_OF_A_FILE, DocumentImage
from rag_engine.ports import Loader
from rag_engine.records import Document, Note, Problem, Span
from rag_engine.regular_file import open_regular

__all__ = ["ImageFiles", "PictureRules", "Pictured", "document_image", "with_pictures"]

_PARSERS = {
    **dict.fromkeys((".htm", ".html", ".xhtml"), "html_pictures"),
    **dict.fromkeys((".docm", ".docx", ".dotm", ".dotx", ".epub"), "office_pictures"),
    **dict.fromkeys((".odg", ".odp", ".ods", ".odt", ".otg", ".otp"), "office_pictures"),
    **dict.fromkeys((".potm", ".potx", ".ppsm", ".ppsx", ".pptm", ".pptx"), "office_pictures"),
    ".pdf": "pdf_pictures",
}
_BETWEEN_WORDS = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureRules:
    """Which pictures of a document are taken: see ``images.min_side`` and ``max_per_file``."""

    min_side: int = 48
    most: int = 500

    @property
    def signature(self) -> str:
        """What files are read again for when it changes."""
        return f"pictures {self.min_side} {self.most}"


def with_pictures(
    loaders: tuple[Loader, ...], images: Loader | None, rules: PictureRules, sandbox: Sandbox
) -> tuple[Loader, ...]:
    """Return loaders that yield pictures too, where their files hold any.

    ``images`` reads what stands in files that are pictures (OCR), if anything does.
    """
    told: list[Loader] = []
    for loader in loaders:
        if loader is images or not loader.suffixes & _PARSERS.keys():
            told.append(loader)
        elif isinstance(loader, EncodedLoader):
            told.append(_EncodedPictured(loader, rules, sandbox))
        else:
            told.append(Pictured(loader, rules, sandbox))
    files = ImageFiles(images, rules, sandbox)
    return (*(loader for loader in told if loader is not images), files)


class Pictured:
    """A loader of documents that yields the pictures in them after their texts."""

    gives_pictures = True
    needs_extra = ("ocr", "PIL")

    def __init__(self, texts: Loader, rules: PictureRules, sandbox: Sandbox) -> None:
        self._texts, self._rules, self._sandbox = texts, rules, sandbox
        self.suffixes = frozenset(texts.suffixes)
        self.version = f"{getattr(texts, 'version', '')} {rules.signature}".strip()
        self.max_bytes: int = getattr(texts, "max_bytes", MAX_FILE_MB * BYTES_OF_A_MB)

    def load(self, path: Path, source: str) -> Iterator[Document | Problem | Note]:
        """Yield what the loader of texts yields, then each picture as ``source#image-N``.

        A picture that can not be read is a problem, and costs nothing else.

        Raises:
            LoadError, LoadSkipped: as the loader of texts does.
        """
        yield from self._texts.load(path, source)
        parser = _PARSERS.get(path.suffix.lower())
        if parser is not None:
            options = PicturesOptions(min_side=self._rules.min_side, most=self._rules.most)
            yield from _documents(self._sandbox, parser, path, source, options, self.max_bytes)


class _EncodedPictured(Pictured):
    """One whose texts may be in an encoding that somebody names."""

    def in_encoding(self, name: str) -> Loader:
        """Return the loader for files in one encoding, whatever their bytes look like."""
        assert isinstance(self._texts, EncodedLoader)
        return Pictured(self._texts.in_encoding(name), self._rules, self._sandbox)


class ImageFiles:
    """Reads files that are pictures: each page a picture, with what OCR reads in it.

    Args:
        words: what reads the words in them; None: the name of the file is all that is said.
        rules: of these only the number counts: such files are taken whatever their size.
        sandbox: the child process that unpacks them.
    """

    suffixes = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
    format = "image"
    gives_pictures = True
    needs_extra = ("ocr", "PIL")

    def __init__(self, words: Loader | None, rules: PictureRules, sandbox: Sandbox) -> None:
        self._words, self._rules, self._sandbox = words, rules, sandbox
        self.max_bytes: int = getattr(words, "max_bytes", MAX_FILE_MB * BYTES_OF_A_MB)

    @property
    def version(self) -> str:
        """What files are read again for: another way of reading words, or that they can be now."""
        words = getattr(self._words, "version", "no OCR")
        return f"{words} {getattr(self._words, 'lacking', '')} {self._rules.signature}"

    def load(self, path: Path, source: str) -> Iterator[Document | Problem | Note]:
        """Yield a file of one page as one document, other pages as ``source#image-N``.

        Raises:
            LoadError: it is damaged, or too large.
        """
        options = PicturesOptions(min_side=1, most=self._rules.most)
        most = self.max_bytes
        found = list(
            _documents(self._sandbox, "pictures", path, source, options, most, told=LoadError)
        )
        pictures = [one for one in found if isinstance(one, Document)]
        problems = [one for one in found if isinstance(one, Problem)]
        if problems and not pictures:
            raise LoadError(f"{source}: {'; '.join(problem.reason for problem in problems)}")
        words: Document | None = None
        for read in self._read(path, source):
            if isinstance(read, Document):
                words = read
            else:
                yield read
        if len(pictures) == 1:
            [picture] = pictures
            whole = words or replace(picture, id=source)
            yield replace(whole, image=picture.image, metadata={**whole.metadata, **_FORMAT})
        else:
            yield from pictures if words is None else (words, *pictures)
        yield from problems

    def _read(self, path: Path, source: str) -> Iterator[Document | Problem | Note]:
        """Yield what OCR reads; that it finds no words in a picture is no problem here."""
        if self._words is None or path.suffix.lower() not in self._words.suffixes:
            return
        try:
            for read in self._words.load(path, source):
                if isinstance(read, Problem):
                    yield Note(source=source, text=f"OCR: {read.reason}")
                else:
                    yield read
        except LoadSkipped:
            return
        except LoadError as error:
            reason = str(error).removeprefix(f"{source}: ")
            yield Note(source=source, text=f"OCR: {reason}")


_FORMAT = {"format": ImageFiles.format}


def document_image(image: bytes | Path, *, sandbox: Sandbox | None = None) -> DocumentImage:
    """Return a picture for a ``Document`` of one's own: its file's path or bytes.

    It is unpacked in a child process with limits on memory and time, and drawn anew.

    Raises:
        MissingExtra: Pillow is not installed.
        LoadError: it is no image, damaged, or too large.
    """
    if find_spec("PIL") is None:
        raise MissingExtra("ocr", package="PIL")
    if not isinstance(image, bytes | Path):
        raise InvalidInput(f"an image is a Path or bytes, got {type(image).__name__}")
    name = "the image" if isinstance(image, bytes) else image.name
    options = PicturesOptions(min_side=1, most=1)
    with sandbox or Sandbox() as child:
        if isinstance(image, bytes):
            import tempfile

            with tempfile.TemporaryFile() as file:
                file.write(image)
                file.flush()
                found = list(child.shown("pictures", file, options, name=name))
        else:
            with open_regular(image) as file:
                found = list(child.shown("pictures", file, options, name=name))
    for one in found:
        if isinstance(one, ShownPicture):
            return DocumentImage(data=one.data, thumbnail=one.thumbnail)
    raise LoadError(f"{name}: {'; '.join(map(str, found)) or 'it holds no picture'}")


def _documents(
    sandbox: Sandbox,
    parser: str,
    path: Path,
    source: str,
    options: PicturesOptions,
    max_bytes: int,
    *,
    told: type[LoadError] | None = None,
) -> Iterator[Document | Problem]:
    """Yield the pictures of a file; what stops that is a problem, or raised where ``told`` so."""
    number = 0
    try:
        if find_spec("PIL") is None:
            raise LoadError("pictures need Pillow: pip install 'rag-engine[ocr]'")
        with open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
            check_size(size, path, max_file_mb=max_bytes // BYTES_OF_A_MB)
            for shown in sandbox.shown(parser, file, options, name=source):
                if isinstance(shown, str):
                    yield Problem(source=source, reason=shown)
                    continue
                number += 1
                yield _document(shown, number, source)
    except LoadError as error:
        if told is not None:
            raise
        reason = str(error).removeprefix(f"{source}: ")
        # Named as theirs: what the file gave of them before stays until they can be read again.
        reason = f"its pictures can not be read: {reason}"
        yield Problem(source=f"{source}{IMAGES_OF_A_FILE}", reason=reason)


def _document(shown: ShownPicture, number: int, source: str) -> Document:
    text = shown.caption or words_of_name(source) or source
    whole = Span(start=0, end=len(text), page=shown.page)
    return Document(
        id=f"{source}{IMAGES_OF_A_FILE}-{number}",
        text=text,
        source=source,
        spans=(whole,) if shown.page else (),
        metadata=_FORMAT,
        image=DocumentImage(data=shown.data, thumbnail=shown.thumbnail),
    )


def words_of_name(source: str) -> str:
    """Return the name of a file as words.

    >>> words_of_name("manuals/pump_X200-front.png")
    'pump X200 front'
    """
    return _BETWEEN_WORDS.sub(" ", PurePosixPath(source).stem).strip()
