"""What is told of a knowledge base without opening it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from rag_engine import Document, KnowledgeBase
from rag_engine.errors import StoreNotFound
from rag_engine.inspection import inspect_location
from tests.doubles import HashEmbedder

ROOT = Path(__file__).parents[1]
NEEDLESS = ("openvino", "faiss", "tantivy", "sentencepiece", "rag_engine.knowledge_base")


def test_a_folder_tells_what_the_opened_knowledge_base_tells(tmp_path: Path):
    with KnowledgeBase.open(tmp_path / "kb", embedder=HashEmbedder(16)) as kb:
        kb.add([Document(id="pump", text="Die Dichtung wird jedes Jahr ersetzt.")])
        unpublished = inspect_location(kb.path)
        assert unpublished == kb.inspect()
        assert (unpublished.documents, unpublished.published) == (1, False)
    with KnowledgeBase.open(tmp_path / "kb", embedder=HashEmbedder(16), read_only=True) as kb:
        assert inspect_location(kb.path) == kb.inspect()
        assert kb.inspect().published


def test_none_is_said_to_be_none(tmp_path: Path):
    with pytest.raises(StoreNotFound, match="no knowledge base at"):
        inspect_location(tmp_path)


def test_the_command_loads_no_model_and_no_index(tmp_path: Path):
    with KnowledgeBase.open(tmp_path / "kb", embedder=HashEmbedder(16)) as kb:
        kb.add([Document(id="pump", text="Die Dichtung wird jedes Jahr ersetzt.")])
    code = (
        "import sys; from rag_engine.pipelines.cli import main;"
        f"assert main(['inspect', '--kb', {str(tmp_path / 'kb')!r}]) == 0;"
        f"print([name for name in {NEEDLESS!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        cwd=ROOT,
    )
    assert done.stdout.startswith("1 documents from 0 files")
    assert done.stdout.splitlines()[-1] == "[]"
