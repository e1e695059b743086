"""One knowledge base for all tests that only read: that of the LangChain tests."""

from __future__ import annotations

import pytest

from rag_engine import KnowledgeBase
from tests.connectors.langchain.conftest import DOCUMENTS


@pytest.fixture(scope="session")
def kb(tmp_path_factory, real_components):
    path = tmp_path_factory.mktemp("llamaindex") / "kb"
    with KnowledgeBase.open(path, components=real_components) as kb:
        kb.add(DOCUMENTS)
        yield kb
