"""What the package offers, and what it costs and needs to import it."""

from __future__ import annotations

import subprocess
import sys

import pytest

import rag_engine.connectors.llamaindex as package
from tests.waiting import PATIENCE_S


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=PATIENCE_S
    )
    return done.stdout


def test_the_public_names():
    assert package.__all__ == dir(package) == ["RagEngineQuery", "RagEngineRetriever"]
    assert package.RagEngineRetriever.__name__ == "RagEngineRetriever"
    with pytest.raises(AttributeError, match="RagEngineRetreiver"):
        _ = package.RagEngineRetreiver


def test_importing_it_loads_nothing_heavy():
    heavy = ["llama_index.core", "openai", "posthog", "nltk", "sqlalchemy", "openvino"]
    module = "rag_engine.connectors.llamaindex"
    code = f"import sys, {module}; print([n for n in {heavy} if n in sys.modules])"
    assert run(code) == "[]\n"


@pytest.mark.parametrize(
    "statement",
    [
        "import rag_engine.connectors.llamaindex",
        "from rag_engine.connectors.llamaindex import RagEngineRetriever",
        "import rag_engine.connectors.llamaindex.filters",
    ],
)
def test_without_the_framework_it_names_the_extra(statement):
    code = (
        "import sys; sys.modules['llama_index'] = None\n"
        "from rag_engine.errors import MissingExtra\n"
        f"try: {statement}\n"
        "except MissingExtra as error: print(error.extra, '|', error)\n"
    )
    told = run(code)
    assert told.startswith("llamaindex |")
    assert "pip install 'rag-engine[llamaindex]'" in told
