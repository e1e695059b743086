"""Prompts of one's own: checked when they are read, and sent as they are."""

from __future__ import annotations

import tomllib

import pytest

from rag_engine import Document, KnowledgeBase, Settings
from rag_engine.connectors.wiring import build_components
from rag_engine.errors import SettingsError
from tests.connectors.scripted_server import chunk, scripted_server, stream
from tests.doubles import HashEmbedder

SYSTEM = "Only <source-{boundary}>, in {language}. Nothing there: {no_answer}"
USER = "Q: {question}\n{sources}"


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ({"prompt": "Q: {question}"}, "answering.prompt: a template needs {sources}"),
        ({"prompt": "{sources}"}, "answering.prompt: a template needs {question}, the question"),
        ({"prompt": ""}, "needs {sources}"),
        ({"prompt": "{{sources}} {question}"}, "needs {sources}"),
        ({"prompt": f"{USER} {{context}}"}, "{language}, {again}, got {context}"),
        ({"prompt": f"{USER} {{}}"}, "got {}; double other braces"),
        ({"prompt": f"{USER} {{question.__class__}}"}, "got {question.__class__}"),
        ({"prompt": f"{USER} {{question!r}}"}, "got {question!r}"),
        ({"prompt": f"{USER} {{question:>9}}"}, "got {question:>9}"),
        ({"prompt": f"{USER} {{"}, "braces are those of fields, others are doubled"),
        ({"system_prompt": "Be brief. {no_answer}"}, "system_prompt: a template needs {boundary}"),
        ({"system_prompt": "Be brief. {boundary}"}, "needs {no_answer}"),
        ({"system_prompt": f"{SYSTEM} {{sources}}"}, "got {sources}"),
    ],
)
def test_a_template_is_checked_when_it_is_read(table, told):
    with pytest.raises(SettingsError) as caught:
        Settings.checked({"answering": table}, origin="rag.toml")
    assert told in str(caught.value)
    assert str(caught.value).startswith("rag.toml: answering.")


def test_good_templates_are_kept():
    table = {"system_prompt": SYSTEM, "prompt": f"{USER} {{{{json}}}}"}
    settings = Settings.checked({"answering": table}, origin="x")
    again = Settings.checked(settings.model_dump(mode="json"), origin="kb", stored=True)
    assert again.answering == settings.answering
    assert settings.answering.prompt == table["prompt"]


@pytest.mark.parametrize("field", ["system_prompt", "prompt"])
def test_a_generator_that_quotes_is_not_asked(field):
    table = {field: {"system_prompt": SYSTEM, "prompt": USER}[field]}
    settings = Settings.model_validate({"answering": table})
    with pytest.raises(SettingsError, match=rf"answering\.{field} = .* has no effect: 'extractive"):
        build_components(settings, embedder=HashEmbedder(16))


@pytest.mark.parametrize(
    "toml", ["stop = ['']", "stop = ['a', 'b', 'c', 'd', 'e']", "temperature = 2.1"]
)
def test_what_no_server_takes_is_refused(toml):
    table = {"kind": "openai-compatible", "model": "m", "base_url": "http://x/v1"}
    table |= tomllib.loads(toml)
    with pytest.raises(SettingsError, match=r"generator\.(stop|temperature)"):
        Settings.checked({"generator": table}, origin="x")


def test_a_server_is_asked_as_the_settings_say(tmp_path):
    with scripted_server() as server:
        server.script[:] = [stream(chunk("Ein Jahr [1]."), chunk(None, "stop"))]
        settings = Settings.model_validate(
            {
                "answering": {
                    "system_prompt": SYSTEM,
                    "prompt": USER,
                    "min_score": 0,
                    "strictness": "eager",
                },
                "generator": {
                    "kind": "openai-compatible",
                    "model": "m",
                    "base_url": server.url,
                    "temperature": 0.4,
                    "stop": ["###"],
                },
            }
        )
        with KnowledgeBase.open(
            tmp_path / "kb", settings=settings, embedder=HashEmbedder(64)
        ) as kb:
            kb.add([Document(id="1", text="Die Dichtung hält ein Jahr.")])
            assert kb.ask("Wie lange hält die Dichtung?").text == "Ein Jahr [1]."
    body = server.requests[-1].body
    system, user = (message["content"] for message in body["messages"])
    assert system.startswith("Only <source-")
    assert system.endswith("in German. Nothing there: [0]")
    assert user.startswith("Q: Wie lange hält die Dichtung?\n<source-")
    assert (body["temperature"], body["stop"]) == (0.4, ["###"])
