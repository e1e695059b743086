"""What the docstrings of the public door show is true: every example runs as it stands there."""

from __future__ import annotations

import inspect
import re
import textwrap
from pathlib import Path

import pytest

import rag_engine
from rag_engine import Document, KnowledgeBase

_INLINE = re.compile(r"Example: ``(.+?)``$", re.MULTILINE)
_BLOCK = re.compile(r"Example::\n\n((?:(?: {4}.*)?\n?)+)")
MEMBERS = {
    name: member
    for name, member in vars(KnowledgeBase).items()
    if not name.startswith("_") and not isinstance(member, str)
}


def example_of(docstring: str) -> str:
    [example] = _INLINE.findall(docstring) or _BLOCK.findall(docstring)
    return textwrap.dedent(example).strip()


@pytest.fixture
def names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quick_components, capsys):
    """What an example may speak of: a knowledge base with a few documents, and some files."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "manuals").mkdir()
    manual = tmp_path / "manuals" / "pump.txt"
    manual.write_text("Die Pumpe braucht jedes Jahr eine neue Dichtung.", encoding="utf-8")
    (tmp_path / "rag.toml").write_text("[dense]\nkind = 'exact'\n", encoding="utf-8")
    original = KnowledgeBase.open

    def quick(path, *, settings=None):
        return original(path, settings=settings, components=quick_components)

    monkeypatch.setattr(KnowledgeBase, "open", quick)
    with KnowledgeBase.open("other") as kb:
        kb.add([Document(id="1", text="pump"), Document(id="2", text="La garantie: trois ans.")])
        yield {
            **{name: getattr(rag_engine, name) for name in rag_engine.__all__},
            "Path": Path,
            "kb": kb,
            "manuals": {"pump": "Die Pumpe"},
            "upload": manual,
        }


@pytest.mark.parametrize("name", ["KnowledgeBase", *MEMBERS])
def test_the_example_runs(name: str, names):
    described = KnowledgeBase if name == "KnowledgeBase" else MEMBERS[name]
    docstring = inspect.getdoc(described)
    assert docstring is not None
    exec(example_of(docstring), names)
    opened = names["kb"]
    opened.close()
