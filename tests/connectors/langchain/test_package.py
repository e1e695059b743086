"""What the package offers, and what it costs and needs to import it."""

from __future__ import annotations

import subprocess
import sys

import pytest

import rag_engine.connectors.langchain
from tests.waiting import PATIENCE_S


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=PATIENCE_S
    )
    return done.stdout


def test_the_public_names():
    names = rag_engine.connectors.langchain.__all__
    assert names == [
        "ChatModelGenerator",
        "FairEmbeddings",
        "LangChainEmbedder",
        "RagEngineEmbeddings",
        "RagEngineRetriever",
        "RagEngineVectorStore",
    ]
    assert [getattr(rag_engine.connectors.langchain, name).__name__ for name in names] == names
    assert dir(rag_engine.connectors.langchain) == names
    with pytest.raises(AttributeError, match="RagEngineRetreiver"):
        _ = rag_engine.connectors.langchain.RagEngineRetreiver


def test_importing_it_loads_nothing_heavy():
    heavy = ["langchain_core", "openvino", "langsmith", "openai"]
    module = "rag_engine.connectors.langchain"
    code = f"import sys, {module}; print([n for n in {heavy} if n in sys.modules])"
    assert run(code) == "[]\n"


def test_the_vendors_packages_are_not_loaded_with_the_classes():
    code = (
        "import sys, rag_engine.connectors.langchain as it\n"
        "for name in it.__all__: getattr(it, name)\n"
        "print([n for n in ('openai', 'langchain_openai', 'langchain', 'torch', 'openvino') "
        "if n in sys.modules])"
    )
    assert run(code) == "[]\n"


@pytest.mark.parametrize(
    "statement",
    [
        "import rag_engine.connectors.langchain",
        "from rag_engine.connectors.langchain import RagEngineRetriever",
        "import rag_engine.connectors.langchain.vector_store",
    ],
)
def test_without_langchain_it_names_the_extra(statement):
    code = (
        "import sys; sys.modules['langchain_core'] = None\n"
        "from rag_engine.errors import MissingExtra\n"
        f"try: {statement}\n"
        "except MissingExtra as error: print(error.extra, '|', error)\n"
    )
    told = run(code)
    assert told.startswith("langchain |")
    assert "pip install 'rag-engine[langchain]'" in told
