"""Twenty tenants, every route: nobody sees what is another's. Every role, every route."""

from __future__ import annotations

import threading
from unittest import mock

import httpx
import pytest

from rag_engine.connectors.http.app import create_app
from rag_engine.connectors.http.keys import Role
from rag_engine.connectors.http.limits import Limits
from rag_engine.connectors.http.pool import Busy
from rag_engine.connectors.http.service import Service
from rag_engine.pipelines.serve import ServeOptions, open_service
from tests.connectors.http.probes import PROBES, Owned, routes_of, text_of
from tests.connectors.http.service import client_of, secret, serving, write_keys

TENANTS = tuple(f"tenant-{number:02}" for number in range(20))
OWNED = {
    tenant: Owned(
        tenant=tenant,
        document=f"private-{number * 7919 % 997:03}-of-{tenant}",
        file=f"file-{number * 104729 % 997:03}-of-{tenant}.txt",
        word=f"Geheimwort{number * 15485863 % 99991:05}x",
    )
    for number, tenant in enumerate(TENANTS)
}


def fill(client: httpx.Client, own: Owned) -> None:
    text = f"The secret word of this house is {own.word}."
    files = {"files": (own.file, f"Das geheime Wort lautet {own.word}.".encode())}
    assert client.post("/v1/files", files=files).json()["files"][0]["added"] == 1
    body = {"text": text, "title": own.word, "metadata": {"word": own.word}}
    assert client.put(f"/v1/documents/{own.document}", json=body).status_code == 200
    # The same id everywhere, with another text.
    assert client.put("/v1/documents/common", json={"text": text}).status_code == 200


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, quick_components):
    """Twenty knowledge bases; what the vectors mean does not matter here."""
    folder = tmp_path_factory.mktemp("tenants")
    keys = write_keys(folder / "keys.toml", TENANTS)
    with (
        mock.patch("rag_engine.connectors.wiring.build_components", return_value=quick_components),
        open_service(ServeOptions(tenants=folder / "kbs", keys=keys)) as service,
        serving(service) as url,
    ):
        for tenant in TENANTS:
            with client_of(url, "admin", tenant) as client:
                fill(client, OWNED[tenant])
        yield service, url


def test_every_route_has_a_probe_and_every_probe_a_route(house):
    service, _ = house
    assert routes_of(create_app(service)) == sorted(PROBES)


@pytest.mark.parametrize("route", sorted(PROBES), ids=" ".join)
def test_no_reply_holds_what_is_anothers(house, route):
    _, url = house
    for number, tenant in enumerate(TENANTS):
        own, other = OWNED[tenant], OWNED[TENANTS[(number + 7) % len(TENANTS)]]
        foreign = [OWNED[each] for each in TENANTS if each != tenant]
        with client_of(url, "admin", tenant) as client:
            replies = PROBES[route].send(client, own, other)
            for method in ("PUT", "POST"):  # what a probe wrote under another's id is its own
                if route[0] == method and route[1].startswith("/v1/documents"):
                    client.delete(f"/v1/documents/{other.document}")
        assert replies[0].status_code == PROBES[route].status, replies[0].text
        for reply in replies:
            assert reply.status_code < 500
            said = text_of(reply)
            assert not [each.word for each in foreign if each.word in said]
            assert not [each.file for each in foreign if each.file in said]
            assert not [each.document for each in foreign if each.document in said]


def test_afterwards_everyone_has_what_is_theirs(house):
    """Runs after the probes: none of them changed another's documents."""
    _, url = house
    for tenant in TENANTS:
        own = OWNED[tenant]
        with client_of(url, "read", tenant) as client:
            assert own.word in client.get(f"/v1/documents/{own.document}").json()["text"]
            assert own.word in client.get("/v1/documents/common").json()["text"]
            asked = {"question": "What is the secret word?", "k": 1}
            hits = client.post("/v1/search", json={**asked, "k": 9}).json()["hits"]
            assert own.word in "".join(hit["text"] for hit in hits)
            ids = client.get("/v1/documents").json()["ids"]
            assert {own.document, own.file, "common"} <= set(ids)


def test_figures_do_not_name_tenants(house):
    _, url = house
    with client_of(url, "metrics") as client:
        figures = client.get("/metrics").text
    assert "rag_engine_knowledge_bases 20.0" in figures
    assert 'route="/v1/documents/{document_id:path}"' in figures
    for own in OWNED.values():
        for name in (own.tenant, own.document, own.file, own.word):
            assert name not in figures


def test_a_busy_tenant_leaves_room_for_others(house):
    house_service, _ = house
    limits = Limits(max_wait_s=3_600)  # so that places alone decide
    service = Service(tenants=house_service.tenants, keys=house_service.keys, limits=limits)
    places = (limits.search_workers + limits.search_queue) // 2
    go = threading.Event()
    held = [service.searching.submit(TENANTS[0], go.wait) for _ in range(places)]
    try:
        with pytest.raises(Busy):
            service.searching.submit(TENANTS[0], go.wait)
        held.append(service.searching.submit(TENANTS[1], go.wait))
    finally:
        go.set()
    assert all(each.result(300) for each in held)


ROLES = (None, Role.METRICS, Role.READ, Role.WRITE, Role.ADMIN)


def allowed(needed: Role | None, role: Role | None) -> bool:
    if needed is None:
        return True
    if needed is Role.METRICS or role is Role.METRICS:
        return needed is role
    return role is not None and role >= needed


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name.lower() if role else "no key")
@pytest.mark.parametrize("route", sorted(PROBES), ids=" ".join)
def test_every_role_may_do_what_it_may_and_nothing_else(house, route, role):
    _, url = house
    own, other = OWNED[TENANTS[0]], OWNED[TENANTS[1]]
    name = None if role is None else role.name.lower()
    with client_of(url, name, "default" if role is Role.METRICS else own.tenant) as client:
        replies = PROBES[route].send(client, own, other)
    statuses = {reply.status_code for reply in replies}
    if allowed(PROBES[route].role, role):
        assert not statuses & {401, 403}
    else:
        assert statuses == {401 if role is None else 403}
        codes = {reply.json()["error"]["code"] for reply in replies}
        assert codes == {"unauthenticated" if role is None else "forbidden"}
    if role is not None and route[1].startswith("/v1/documents") and route[0] in {"PUT", "POST"}:
        with client_of(url, "admin", own.tenant) as client:
            client.delete(f"/v1/documents/{other.document}")


@pytest.mark.parametrize(
    "authorization",
    [
        "Bearer wrong",
        "Bearer",
        "Basic " + secret(TENANTS[0], "admin"),
        secret(TENANTS[0], "admin"),
        "Bearer " + secret(TENANTS[0], "admin") + " x",
        "Bearer " + secret(TENANTS[0], "admin").upper(),
        "Bearer " + "x" * 10_000,
        b"Bearer \xff\xfe",
    ],
)
def test_what_is_no_key_opens_nothing(house, authorization):
    _, url = house
    with client_of(url, None) as client:
        headers = {"Authorization": authorization}
        reply = client.get("/v1/knowledge-base", headers=headers)
        assert reply.status_code == 401
        assert reply.headers["www-authenticate"] == "Bearer"
        twice = [("Authorization", f"Bearer {secret(each, 'read')}") for each in TENANTS[:2]]
        assert client.get("/v1/knowledge-base", headers=twice).status_code == 401
