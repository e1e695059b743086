"""One server for most tests of the HTTP service: one knowledge base, keys of every role."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag_engine import Document, KnowledgeBase
from rag_engine.pipelines.serve import ServeOptions, open_service
from tests.connectors.http.service import client_of, serving, write_keys

DOCUMENTS = [
    Document(
        id="handbuch/pumpe.md",
        text="Die Dichtung der Pumpe X-200 wird jedes Jahr ersetzt. Das Öl wird alle zwei Jahre "
        "gewechselt. Die Pumpe darf nie ohne Wasser laufen.",
        title="Pumpe X-200",
        metadata={"format": "md", "price": 12, "stock": True},
    ),
    Document(
        id="garantie", text="La garantie dure trois ans à partir de l'achat. Gardez la facture."
    ),
    Document(id="אחריות", text="המשאבה X-200 מגיעה עם מדריך בעברית. יש לקרוא אותו לפני ההפעלה."),
    Document(id="退款", text="退款通常在十四天内到账。请保留收据。"),
]


@pytest.fixture(scope="session")
def http_service(tmp_path_factory: pytest.TempPathFactory):
    folder: Path = tmp_path_factory.mktemp("http")
    with KnowledgeBase.open(folder / "kb") as kb:
        kb.add(DOCUMENTS)
    options = ServeOptions(kb=folder / "kb", keys=write_keys(folder / "keys.toml"))
    with open_service(options) as service:
        yield service


@pytest.fixture(scope="session")
def url(http_service):
    with serving(http_service) as address:
        yield address


@pytest.fixture
def client(url):
    with client_of(url) as made:
        yield made
