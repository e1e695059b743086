"""Importing a connector costs nothing: what is heavy is imported when it is used."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.waiting import PATIENCE_S

MODULES = [
    "rag_engine.connectors.embedders.openai_compatible",
    "rag_engine.connectors.embedders.sentence_transformer",
    "rag_engine.connectors.generators.extractive",
    "rag_engine.connectors.generators.openai_compatible",
    "rag_engine.connectors.loaders.documents_of",
    "rag_engine.connectors.mcp_server",
    "rag_engine.connectors.rerankers.cross_encoder",
    "rag_engine.pipelines.cli",
    "rag_engine.pipelines.mcp",
    "rag_engine.answering.answer_prompt",
    "rag_engine.knowledge_base",
]
HEAVY = [
    "PIL",
    "anyio",
    "babel",
    "docutils",
    "gcld3",
    "haystack",
    "httpx",
    "huggingface_hub",
    "langchain_core",
    "llama_index",
    "mcp",
    "pycld2",
    "rag_engine.connectors.loaders.registry",
    "sentence_transformers",
    "torch",
    "transformers",
]


@pytest.mark.parametrize("module", MODULES)
def test_importing_a_module_imports_nothing_heavy(module):
    code = f"import sys, {module}; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=PATIENCE_S
    )
    assert done.stdout == "[]\n"


def test_the_process_that_parses_files_loads_no_engine():
    code = (
        "import sys, rag_engine.connectors.loaders.parsing.worker; "
        "print([name for name in ('numpy', 'pydantic', 'sqlite3', 'rag_engine.knowledge_base') "
        "if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "[]\n"


def test_every_name_of_the_door_is_there_when_it_is_asked_for():
    code = (
        "import rag_engine; names = rag_engine.__all__; assert names == sorted(names); "
        "assert set(names) <= set(dir(rag_engine)); "
        "print([n for n in names if getattr(getattr(rag_engine, n), '__name__', '') != n]); "
        "print(hasattr(rag_engine, 'Nothing'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "['Filter']\nFalse\n"  # a union of types has no name
