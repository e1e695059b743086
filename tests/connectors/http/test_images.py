"""Thumbnails over HTTP: for whoever may read, of their own knowledge base, and as pictures only."""

from __future__ import annotations

import dataclasses
from unittest import mock

import pytest

from rag_engine.pipelines.serve import ServeOptions, open_service
from tests.connectors.http.service import client_of, serving, write_keys
from tests.doubles import ColourImages
from tests.images.drawn import encoded, picture

TENANTS = ("acme", "globex")


@pytest.fixture(scope="module")
def house(tmp_path_factory, quick_components):
    folder = tmp_path_factory.mktemp("pictures")
    keys = write_keys(folder / "keys.toml", TENANTS)
    components = dataclasses.replace(quick_components, images=ColourImages())
    with (
        mock.patch("rag_engine.connectors.wiring.build_components", return_value=components),
        open_service(ServeOptions(tenants=folder / "kbs", keys=keys)) as service,
        serving(service) as url,
    ):
        for tenant, colour in zip(TENANTS, ("red", "blue"), strict=True):
            kb = service.tenants.of(tenant).kb
            kb.add([picture("sign", colour, text="the sign at the door")])
        yield url


def image_of(url, tenant, question):
    with client_of(url, "read", tenant) as client:
        [hit] = client.post("/v1/search", json={"question": question, "k": 1}).json()["hits"]
    assert hit["document"] == "sign"
    assert hit["parts"]["image"] > 0
    return hit["image"]


def test_a_hit_s_picture_is_sent_as_a_picture_and_as_nothing_else(house):
    image = image_of(house, "acme", "the red one")
    with client_of(house, "read", "acme") as client:
        reply = client.get(f"/v1/images/{image}")
        assert (reply.status_code, reply.content) == (200, encoded("red"))
        assert reply.headers["content-type"] == "image/jpeg"
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["content-security-policy"] == "default-src 'none'; sandbox"
        assert reply.headers["cross-origin-resource-policy"] == "same-origin"
        assert reply.headers["cache-control"] == "private, no-cache"
        again = client.get(f"/v1/images/{image}", headers={"If-None-Match": reply.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


def test_nobody_is_shown_what_is_another_s(house):
    of_acme, of_globex = (
        image_of(house, tenant, f"the {colour} one")
        for tenant, colour in zip(TENANTS, ("red", "blue"), strict=True)
    )
    assert of_acme != of_globex
    with client_of(house, "admin", "globex") as client:
        assert client.get(f"/v1/images/{of_globex}").status_code == 200
        reply = client.get(f"/v1/images/{of_acme}")
        assert (reply.status_code, reply.json()["error"]["code"]) == (404, "not_found")
    with client_of(house, None) as client:
        assert client.get(f"/v1/images/{of_acme}").status_code == 401
    with client_of(house, "metrics") as client:
        assert client.get(f"/v1/images/{of_acme}").status_code == 403


@pytest.mark.parametrize("image", ["x", "a" * 63, "A" * 64, "../catalogue.sqlite", "%2e%2e%2fx"])
def test_what_is_no_picture_s_name_is_refused(house, image):
    with client_of(house, "read", "acme") as client:
        assert client.get(f"/v1/images/{image}").status_code in {404, 422}


def test_a_picture_goes_with_its_document(house):
    with client_of(house, "write", "acme") as client:
        added = client.put("/v1/documents/plain", json={"text": "no picture at all"})
        assert added.status_code == 200
    image = image_of(house, "acme", "the red one")
    with client_of(house, "write", "acme") as client:
        assert client.delete("/v1/documents/sign").status_code == 200
        assert client.get(f"/v1/images/{image}").status_code == 404
