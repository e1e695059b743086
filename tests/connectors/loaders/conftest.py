"""One child process for all tests of loaders, and short ways to load what a test writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rag_engine.connectors.loaders.sandbox import Sandbox
from rag_engine.ports import Loader
from rag_engine.records import Document, Problem
from tests.waiting import PATIENCE_S


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(timeout_s=PATIENCE_S) as box:
        yield box


@pytest.fixture
def load(tmp_path: Path) -> Callable[..., list[Document | Problem]]:
    """Write bytes or text to a file and load it; the source is the file's name."""

    def write_and_load(loader: Loader, name: str, content: bytes | str) -> list[Document | Problem]:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return list(loader.load(path, name))

    return write_and_load


@pytest.fixture
def load_one(load: Callable[..., list[Document | Problem]]) -> Callable[..., Document]:
    def first(loader: Loader, name: str, content: bytes | str) -> Document:
        found = load(loader, name, content)
        assert len(found) == 1, found
        assert isinstance(found[0], Document)
        return found[0]

    return first
