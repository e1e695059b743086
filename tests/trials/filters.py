"""Draws filters, and compares what comes through them with what plain Python says."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import httpx

from rag_engine import KnowledgeBase
from rag_engine.connectors.dense.milvus_index import MilvusIndexFactory
from rag_engine.errors import InvalidDocument, InvalidFilter
from rag_engine.filters import And, Filter
from rag_engine.pipelines.cli.options import chosen_filter
from rag_engine.pipelines.serve import ServeOptions, open_service
from rag_engine.records import Document, Hit
from tests.conftest import components_with
from tests.connectors.http.service import client_of, serving, write_keys
from tests.doubles import HashEmbedder
from tests.trials.drawn_filters import (
    NO_METADATA,
    drawn_document,
    drawn_node,
    drawn_value,
    spoilt,
)
from tests.trials.filter_oracle import MOST_IN_LIST, engine_filter, fault, passes, same, size
from tests.trials.trial import Amounts, Figures, Trial

__all__ = ["TRIAL"]

_TENANTS = ("north", "south")
_FOREIGN = "southern"
"""Stands in every text of the tenant that is not asked."""
_QUESTION = "Pumpe filtre насос 阀门 מנוע وقود पंप valve válvula น้ำ"
_K = 1_000
_LONGEST_BODY = 1_000_000
_MOST_FOR_MILVUS = 1_000
"""Conditions and values; Milvus Lite takes seconds for tens of thousands."""

Passages = dict[str, dict[str, object]]
"""Of each passage, by its text, the fields that a filter may name."""


@dataclass(slots=True)
class _House:
    """Two tenants with the same ids, one of which is asked, and how it may be reached."""

    kb: KnowledgeBase
    client: httpx.Client
    passages: Passages
    known: list[tuple[str, Any]]
    milvus: Any = None
    counts: Counter[str] = field(default_factory=Counter)

    def expected(self, node: Any) -> set[str]:
        """Return the texts of the passages that a valid filter lets through."""
        return {text for text, fields in self.passages.items() if passes(node, fields)}


def _fields(document: Document, hit: Hit) -> dict[str, object]:
    """Return what a filter reads: of the passage what the engine says, the rest as it was drawn."""
    return {
        **document.metadata,
        "document_id": document.id,
        "title": document.title,
        "source": document.source or document.id,
        "language": hit.chunk.language,
        "page": hit.chunk.page,
    }


def _open(folder: Path, documents: int, drawn: random.Random, stack: ExitStack) -> _House:
    parts = components_with(HashEmbedder())
    build = mock.patch("rag_engine.connectors.wiring.build_components", return_value=parts)
    stack.enter_context(build)
    keys = write_keys(folder / "keys.toml", _TENANTS)
    options = ServeOptions(tenants=folder / "kbs", keys=keys)
    service = stack.enter_context(open_service(options))
    url = stack.enter_context(serving(service))
    with client_of(url, "admin", _TENANTS[1]) as client:
        for number in range(documents):
            body = {"text": f"{_FOREIGN} {_QUESTION} {number}", "metadata": {"tenant": "north"}}
            assert client.put(f"/v1/documents/d{number}", json=body).status_code == 200
    client = stack.enter_context(client_of(url, "admin", _TENANTS[0]))
    made = [drawn_document(number, drawn) for number in range(documents)]
    tenant = service.tenants.of(_TENANTS[0])
    assert tenant is not None
    kb = tenant.kb
    kb.add(made)
    kb.publish()
    by_id = {each.id: each for each in made}
    hits = kb.search(_QUESTION, k=_K)
    assert len(hits) == sum(len(each.spans) for each in made), "not every passage is found"
    passages = {hit.chunk.text: _fields(by_id[hit.chunk.document_id], hit) for hit in hits}
    assert len(passages) == len(hits)
    known = [
        (key, value)
        for fields in passages.values()
        for key, value in fields.items()
        if value is not None and fault({"op": "equals", "key": key, "value": value}) is None
    ]
    return _House(kb, client, passages, sorted(known, key=repr))


def _hosted(house: _House, folder: Path, stack: ExitStack) -> None:
    """Let Milvus Lite hold the passages' fields, if it is installed."""
    try:
        import milvus_lite  # noqa: F401
        import pymilvus
    except ImportError:
        return
    from rag_engine.connectors.milvus.service import MilvusService
    from rag_engine.settings import MilvusSettings

    service = MilvusService(MilvusSettings(uri=str(folder / "lite.db"), prefix="trial"))
    stack.callback(service.close)
    catalogue = house.kb._catalogue
    ids = catalogue.matching(And())
    (folder / "journal").mkdir()
    factory = MilvusIndexFactory(service=service).bind(folder / "journal", catalogue.fields)
    vectors = HashEmbedder(16).embed_passages([str(each) for each in ids])
    index = factory.build(ids, vectors)
    assert index.filterable
    texts = {hit.chunk_id: hit.chunk.text for hit in house.kb.search(_QUESTION, k=_K)}
    client = pymilvus.MilvusClient(uri=service.uri)

    def chosen(where: Filter) -> set[str]:
        from rag_engine.connectors.milvus.expressions import compile_expression

        wanted = compile_expression(where)
        rows = client.query(index.name, filter=wanted, output_fields=["id"], limit=16_000)
        return {texts[row["id"]] for row in rows}

    house.milvus = chosen


def _through_the_api(house: _House, node: Any) -> None:
    wrong = fault(node)
    if wrong is not None and wrong.startswith("other fields"):  # Python has no such call
        return
    found: set[str] = set()
    refused = None
    try:
        found = _texts(house.kb.search(_QUESTION, k=_K, where=engine_filter(node)))
    except InvalidFilter as error:
        refused = str(error)
    if refused is not None:
        assert wrong is not None, f"refused: {refused}"
        assert len(refused) < 300, refused
        house.counts["refused by the API"] += 1
        return
    assert wrong is None, f"taken, though {wrong}"
    assert found == house.expected(node), found ^ house.expected(node)
    house.counts["answered by the API"] += 1


def _texts(hits: list[Hit]) -> set[str]:
    """Return the texts of hits and of their twins."""
    found = [hit.chunk.text for hit in hits]
    assert len(set(found)) == len(found)
    return {*found, *(twin.chunk.text for hit in hits for twin in hit.twins)}


def _through_http(house: _House, node: Any) -> None:
    try:
        body = json.dumps({"question": _QUESTION, "k": _K, "where": node})
    except (TypeError, ValueError):  # what JSON does not hold
        return
    wrong = fault(node)
    reply = house.client.post(
        "/v1/search", content=body, headers={"Content-Type": "application/json"}
    )
    assert _FOREIGN not in reply.text
    if reply.status_code == 200:
        assert wrong is None, f"taken, though {wrong}"
        hits = reply.json()["hits"]
        found = {each["text"] for hit in hits for each in (hit, *hit["twins"])}
        assert found == house.expected(node)
        house.counts["answered by HTTP"] += 1
        return
    if reply.status_code == 413:
        assert len(body) > _LONGEST_BODY, reply.text
        return
    assert wrong is not None, reply.text
    assert reply.status_code in {400, 422}, (reply.status_code, reply.text)
    code = reply.json()["error"]["code"]
    assert code in {"invalid_filter", "invalid_request", "invalid_json"}, reply.text
    house.counts["refused by HTTP"] += 1


def _through_milvus(house: _House, node: Any) -> None:
    if house.milvus is None or fault(node) is not None or size(node) > _MOST_FOR_MILVUS:
        return
    missed = house.expected(node) - house.milvus(engine_filter(node))
    assert not missed, f"Milvus hides {missed}"
    house.counts["asked of Milvus"] += 1


def _typed(house: _House, drawn: random.Random) -> None:
    """Ask as ``--where`` does, by texts of which it is not known what they stand for."""
    typed = []
    for _ in range(drawn.choice([1, 1, 2])):
        key, value = drawn.choice(house.known)
        value = drawn.choice([value, value, drawn_value(drawn), drawn.choice(_TYPED)])
        typed.append((key, str(value).lower() if isinstance(value, bool) else str(value)))
    options = [f"{key}={value}" for key, value in typed]
    try:
        hits = house.kb.search(_QUESTION, k=_K, where=chosen_filter(None, options))
        expected = {
            text
            for text, fields in house.passages.items()
            if all(_means(key, value, fields.get(key)) for key, value in typed)
        }
        assert _texts(hits) == expected
    except (AssertionError, InvalidFilter) as error:
        raise AssertionError(f"--where {options}: {error}") from error
    house.counts["typed"] += 1


_TYPED = (
    *("1_000", " 12", "12 ", "+1", "01", "-0", "1.", ".5", "1e3", "1e400", "NaN", "Infinity"),
    *(
        "-inf",
        "9007199254740993",
        "9223372036854775808",
        "9" * 5_000,
        "0x10",
        "1,5",
        "",
        "=",
        "a=b",
    ),
)


def _means(key: str, typed: str, value: object) -> bool:
    """Tell whether a text on the command line may stand for a field's value."""
    if isinstance(value, str):
        return same(key, typed, value)
    if isinstance(value, bool):
        return typed == ("true" if value else "false")
    if not isinstance(value, int | float):
        return False
    whole = typed[1:] if typed[:1] in {"+", "-"} else typed
    digits, _, exponent = whole.replace("E", "e").partition("e")
    sign = exponent[:1] in {"+", "-"}
    plain = digits.replace(".", "", 1).isdecimal() and (
        exponent[sign:].isdecimal() or "e" not in whole.lower()
    )
    if not plain:
        return False
    if whole.isdecimal() and len(whole) < 19:
        return value == int(typed)
    exact = int(typed) if whole.isdecimal() and len(whole) < 25 else None
    if exact is not None and -(2**63) <= exact < 2**63:
        return value == exact
    return value == float(typed)


def _no_documents(house: _House, drawn: random.Random) -> None:
    """Try what no metadata may hold: it is refused, never made something else of."""
    wrong = drawn.choice(NO_METADATA)
    refused = False
    try:
        Document(id="d", text="t", metadata={"alpha": wrong})
    except InvalidDocument:
        refused = True
    assert refused, f"metadata took {wrong!r}"
    try:
        body = json.dumps({"text": "t", "metadata": {"alpha": wrong}})
    except (TypeError, ValueError):  # what JSON does not hold
        return
    kind = {"Content-Type": "application/json"}
    reply = house.client.put("/v1/documents/refused", content=body, headers=kind)
    assert reply.status_code in {400, 422}, (wrong, reply.status_code, reply.text)
    house.counts["documents refused"] += 1


def _nodes(house: _House, amounts: Amounts, drawn: random.Random) -> Iterator[Any]:
    for _ in range(amounts["filters"]):
        node = drawn_node(drawn, house.known)
        yield spoilt(node, drawn, MOST_IN_LIST) if drawn.random() < 0.3 else node


def _run(folder: Path, amounts: Amounts, drawn: random.Random) -> Figures:
    with ExitStack() as stack:
        house = _open(folder, amounts["documents"], drawn, stack)
        _hosted(house, folder, stack)
        for number, node in enumerate(_nodes(house, amounts, drawn)):
            if node is None:  # no filter at all
                continue
            try:
                _through_the_api(house, node)
                if number % amounts["http_each"] == 0:
                    _through_http(house, node)
                if number % amounts["milvus_each"] == 0:
                    _through_milvus(house, node)
                _typed(house, drawn)
                if number % amounts["http_each"] == 0:
                    _no_documents(house, drawn)
            except Exception as error:
                raise AssertionError(f"filter {number}, {node!r:.500}: {error!r:.800}") from error
        return {
            "filters": amounts["filters"],
            "passages": len(house.passages),
            **dict(sorted(house.counts.items())),
            "Milvus": "Lite" if house.milvus is not None else "not installed",
        }


TRIAL = Trial(
    name="filters",
    what="drawn filters, some of them wrong, over documents with odd metadata of two tenants",
    holds="what plain Python says, by every way in, or a typed error; nothing of another tenant",
    small={"filters": 40, "documents": 20, "http_each": 2, "milvus_each": 6},
    full={"filters": 5_000, "documents": 60, "http_each": 2, "milvus_each": 5},
    run=_run,
)
