"""Which files are read at all."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from rag_engine.connectors.loaders.limits import read_file
from rag_engine.connectors.loaders.registry import default_loaders
from rag_engine.errors import LoadError, LoadLimitExceeded
from rag_engine.file_endings import loader_for
from rag_engine.ports import Loader
from rag_engine.regular_file import open_regular


def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path) -> None:
    fifo = tmp_path / "pipe.txt"
    os.mkfifo(fifo)
    (tmp_path / "loop.txt").symlink_to("loop.txt")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket.txt"))
        cases = {
            fifo: "a pipe",
            Path("/dev/zero"): "a device",
            tmp_path: "a folder",
            tmp_path / "socket.txt": "socket|can not be opened",
            tmp_path / "loop.txt": "can not be opened",
            tmp_path / "none.txt": "can not be opened",
            tmp_path / "nul\0.txt": "can not be opened",
        }
        for path, reason in cases.items():
            with pytest.raises(LoadError, match=reason):
                open_regular(path)


@pytest.mark.parametrize(
    "suffix",
    [
        *("txt", "md", "html", "pdf", "docx", "csv", "jsonl", "json"),
        *("ipynb", "rst", "adoc", "srt", "po", "xml"),
    ],
)
def test_no_loader_waits_for_a_pipe(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    os.mkfifo(path)
    loader = loader_for(path, default_loaders())
    assert loader is not None
    with pytest.raises(LoadError, match="is a pipe; only regular files are read"):
        list(loader.load(path, "a"))


def test_a_file_over_the_limit_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "sparse.pdf"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(LoadLimitExceeded, match=r"has 1,099,511,627,776 bytes; at most 200 MB"):
        read_file(path, max_file_mb=200)


def test_every_format_has_one_loader(tmp_path: Path) -> None:
    loaders = default_loaders()
    assert all(isinstance(loader, Loader) for loader in loaders)
    suffixes = [suffix for loader in loaders for suffix in loader.suffixes]
    assert sorted(suffixes) == sorted(set(suffixes))
    assert set(suffixes) == {
        *(".adoc", ".asciidoc", ".atom", ".csv", ".docx", ".htm", ".html", ".ipynb", ".json"),
        *(".jsonl", ".markdown", ".md", ".ndjson", ".pdf", ".po", ".rest", ".rss", ".rst", ".srt"),
        *(".text", ".tsv", ".txt", ".vtt", ".xhtml", ".xml"),
        *(".eml", ".epub", ".fodp", ".fods", ".fodt", ".msg", ".odp", ".ods", ".odt"),
        *(".doc", ".ppsx", ".ppt", ".pptm", ".pptx", ".rtf", ".xls", ".xlsm", ".xlsx"),
        *(".docm", ".dotm", ".dotx", ".potm", ".potx", ".ppsm", ".xltm", ".xltx"),
        *(".mbox", ".mht", ".mhtml", ".otp", ".ots", ".ott", ".zip"),
        *(".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"),
    }
    assert loader_for(Path("x/Y.HTML"), loaders) is loader_for(Path("y.htm"), loaders)
    assert loader_for(Path("x/y.exe"), loaders) is None
    assert loader_for(Path("noending"), loaders) is None
