"""Pages of a file, drawn in a child process as OCR asks for them."""

from __future__ import annotations

from typing import BinaryIO

from rag_engine.connectors.loaders.parsing.picture import Picture, PictureOptions
from rag_engine.connectors.loaders.sandbox import Sandbox
from rag_engine.errors import LoadError

__all__ = ["PageDrawer"]


class PageDrawer:
    """Draws the pages of one open file.

    Args:
        sandbox: what the child process is had from.
        parser: the module of ``parsing`` that draws.
        file: the open file.
        dpi: dots an inch.
        name: what messages call the file.
    """

    def __init__(
        self, sandbox: Sandbox, parser: str, file: BinaryIO, *, dpi: int, name: str
    ) -> None:
        self._sandbox = sandbox
        self._parser = parser
        self._file = file
        self._dpi = dpi
        self._name = name
        self.pages = 1
        """How many pages the file has, once one was drawn."""

    def __call__(self, page: int) -> Picture:
        """Draw a page, by its number from 1.

        Raises:
            LoadError: it can not be drawn; the message does not name the file.
        """
        options = PictureOptions(page=page, dpi=self._dpi)
        try:
            picture = self._sandbox.picture(self._parser, self._file, options, name=self._name)
        except LoadError as error:
            raise type(error)(str(error).removeprefix(f"{self._name}: ")) from error
        self.pages = picture.pages
        return picture
