"""One knowledge base for all tests that only read."""

from __future__ import annotations

import pytest

from rag_engine import Document, KnowledgeBase, Span

GUIDE = (
    "Wartung der Pumpe X-200. Die Dichtung der Pumpe wird jedes Jahr ersetzt. "
    "Dafür wird der Strom abgeschaltet.\n\n"
    "Lagerung im Winter. Der Behälter wird vor dem ersten Frost geleert."
)
CUT = GUIDE.index("Lagerung")
DOCUMENTS = [
    Document(
        id="pump",
        text=GUIDE,
        title="Handbuch",
        source="manuals/pump.pdf",
        spans=(
            Span(start=0, end=CUT, section=("Pflege", "Wartung"), page=3),
            Span(start=CUT, end=len(GUIDE), page=4),
        ),
        metadata={"year": 2024, "score": "five stars"},
    ),
    Document(id="garantie", text="La garantie dure trois ans à partir de l'achat."),
    Document(id="退款", text="退款通常在十四天内到账。", metadata={"year": 2023}),
    Document(id="насос", text="Максимальная температура воды составляет шестьдесят градусов."),
]


@pytest.fixture(scope="session")
def kb_path(tmp_path_factory, real_components):
    path = tmp_path_factory.mktemp("langchain") / "kb"
    with KnowledgeBase.open(path, components=real_components) as kb:
        kb.add(DOCUMENTS)
    return path


@pytest.fixture(scope="session")
def kb(kb_path, real_components):
    with KnowledgeBase.open(kb_path, components=real_components, read_only=True) as kb:
        yield kb
