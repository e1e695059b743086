"""The page shows what a question was searched as, too: in a search, and with an answer."""

from __future__ import annotations

from dataclasses import replace
from unittest import mock

import pytest

from rag_engine import KnowledgeBase, Settings
from rag_engine.connectors.generators.openai_compatible import OpenAICompatibleGenerator
from rag_engine.pipelines.serve import ServeOptions, open_service
from tests.connectors.http.service import serving
from tests.connectors.http.ui.conftest import DOCUMENTS, Running
from tests.connectors.http.ui.test_answer import ask
from tests.connectors.http.ui.test_conversation import replies

SWAHILI = "Je, dhamana ya pampu hudumu kwa muda gani?"
ENGLISH = "How long does the guarantee on a pump last?"
ARABIC = "كم تدوم ضمانة المضخة؟"


@pytest.fixture(scope="module")
def translating(browser, model, real_components, tmp_path_factory):
    """Yield a service whose settings want questions in English and Arabic."""
    folder = tmp_path_factory.mktemp("translating") / "kb"
    settings = Settings.model_validate({"retrieval": {"translate": ["en", "ar"]}})
    generator = OpenAICompatibleGenerator(base_url=model.url, model="m")
    components = replace(real_components, generator=generator)
    with KnowledgeBase.open(folder, components=components) as kb:
        kb.add(DOCUMENTS)
    with (
        mock.patch("rag_engine.connectors.wiring.build_components", return_value=components),
        open_service(ServeOptions(kb=folder, settings=settings)) as service,
        serving(service) as url,
    ):
        yield Running(url=url, service=service, model=model)
    generator.close()


def test_translations_that_were_searched_are_shown(browser, translating):
    replies(translating, ENGLISH)  # which is no Arabic: one translation is left out
    with browser.reader_of("de"):
        browser.open(translating.url, q=SWAHILI)
        browser.until(lambda: browser.text("#hits .notes") == f"Auch gesucht als: {ENGLISH}")
        browser.picture("translated-search")
        replies(translating, "Dhamana hudumu kwa miaka mitatu kuanzia siku ya ununuzi [1].")
        ask(browser, translating, SWAHILI)
        browser.until(lambda: f"Auch gesucht als: {ENGLISH}" in browser.text("#answer .notes"))
        assert browser.all("#hits .notes li") == []  # it is said once
        browser.assert_clean()


def test_a_translation_is_read_in_its_own_direction(browser, translating):
    replies(translating, ARABIC)
    browser.open(translating.url, q="How many years is the guarantee on a pump?")
    browser.until(lambda: browser.text("#hits .notes") == f"Also searched as: {ARABIC}")
    assert browser.one("#hits .notes bdi").get_attribute("dir") == "rtl"
    browser.assert_clean()


def test_nothing_is_said_where_nothing_was_translated(browser, plain):
    browser.open(plain.url, q=SWAHILI)
    browser.until_status("passages ·")
    assert not browser.one("#hits .notes").is_displayed()
