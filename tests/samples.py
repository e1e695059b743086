"""Four documents in four languages, and what a search found of them."""

from __future__ import annotations

from rag_engine import Document

PUMP = Document(id="pump", text="Die Pumpe X-200 braucht jedes Jahr eine neue Dichtung.", title="P")
RULES = [
    PUMP,
    Document(id="garantie", text="La garantie dure trois ans. Gardez la facture."),
    Document(id="水", text="泵不能在没有水的情况下运行。"),
    Document(id="насос", text="Максимальная температура воды составляет шестьдесят градусов."),
]


def ids(hits) -> list[str]:
    return [hit.chunk.document_id for hit in hits]
