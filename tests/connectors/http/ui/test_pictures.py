"""The page shows what a picture shows."""

from __future__ import annotations

import dataclasses
from unittest import mock

import pytest

from rag_engine import Document, KnowledgeBase
from rag_engine.pipelines.serve import ServeOptions, open_service
from tests.connectors.http.service import secret, serving, write_keys
from tests.doubles import ColourImages
from tests.images.drawn import picture

pytestmark = pytest.mark.usefixtures("browser")


@pytest.fixture(scope="module")
def service(tmp_path_factory, real_components):
    folder = tmp_path_factory.mktemp("pictures")
    components = dataclasses.replace(real_components, images=ColourImages())
    with KnowledgeBase.open(folder / "kb", components=components) as kb:
        kb.add(
            [
                picture("sign", "red", text='the "sign" <img src=x onerror=window.pwned=1>'),
                Document(id="text", text="The museum is closed on Mondays."),
            ]
        )
    options = ServeOptions(kb=folder / "kb", keys=write_keys(folder / "keys.toml"))
    with (
        mock.patch("rag_engine.connectors.wiring.build_components", return_value=components),
        open_service(options) as opened,
        serving(opened) as url,
    ):
        yield url, opened


def shown(browser):
    return browser.js(
        "return [...document.querySelectorAll('#hits .picture img')]"
        ".map((image) => [image.naturalWidth, image.alt])"
    )


def test_a_thumbnail_stands_in_its_hit_and_is_asked_for_with_the_key(browser, service):
    url, opened = service
    browser.open(url, ready=False, q="the red one")
    browser.until(lambda: browser.one("#key-panel").is_displayed())
    browser.one("#key").send_keys(secret("default", "read"), "\ue007")  # Enter
    browser.until_status(" · ")
    browser.until(lambda: shown(browser) and shown(browser)[0][0] > 0)
    [[width, told]] = shown(browser)
    assert width == 64
    assert told.startswith('the "sign" <img')
    assert browser.js("return window.pwned") is None
    browser.assert_clean(network=False)  # the question before the key was refused
    kb = opened.tenants.of("default").kb
    with mock.patch.object(kb, "thumbnail", return_value=None):  # gone meanwhile
        browser.one("#question").send_keys("?", "\ue007")
        browser.until(lambda: not browser.all("#hits .picture"))
    assert browser.all("#hits article")
