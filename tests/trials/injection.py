"""Plants hostile texts wherever text comes from, and lets a generator obey every one of them."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import logging
import random
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import quote

import httpx

from rag_engine import KnowledgeBase, Settings
from rag_engine.connectors.generators.extractive import ExtractiveGenerator
from rag_engine.connectors.http.logs import log_to
from rag_engine.errors import RagEngineError
from rag_engine.pipelines import output
from rag_engine.pipelines.serve import ServeOptions, open_service
from rag_engine.ports import Generator, Prompt
from rag_engine.records import Answer
from rag_engine.serialisation import AskReply
from tests.conftest import components_with
from tests.connectors.http.service import client_of, serving, write_keys
from tests.doubles import HashEmbedder
from tests.trials.injected import HOST, hostile_name, hostile_text, hostile_word
from tests.trials.injection_checks import see_leads, see_logs, see_plain, see_prompt, see_text
from tests.trials.trial import Amounts, Figures, Trial

__all__ = ["TRIAL"]

_TENANTS = ("north", "south")
_FOREIGN = "southern-secret"
_SETTINGS = Settings.model_validate({"retrieval": {"mode": "bm25"}})
"""Words decide what is found: what the vectors mean does not matter here."""
_NAME = re.compile(r"[A-Za-z0-9_.\-]+")


@dataclass(slots=True)
class _Obedient:
    """A generator that quotes the best source, or does whatever it was told anywhere."""

    extractive: Generator
    obeys: bool = True
    cites_all: bool = False
    also_says: str = ""
    prompts: list[Prompt] = field(default_factory=list)
    name: str = "obedient \x1b[31m\u202e"

    @property
    def quotes(self) -> bool:
        """Tell whether it quotes only."""
        return not self.obeys

    def generate(self, prompt: Prompt) -> Iterator[str]:
        """Write what the sources and the question tell it to."""
        self.prompts.append(prompt)
        if not self.obeys:
            yield from self.extractive.generate(prompt)
            return
        numbers = range(1, len(prompt.passages) + 1)
        clean = [n for n in numbers if "handbuch.example" in prompt.passages[n - 1]]
        cited = numbers if self.cites_all else clean
        marks = "".join(f"[{number}]" for number in cited)
        whole = f"The warranty lasts long{marks}. {self.also_says} {prompt.question} [99] "
        whole += " ".join(re.sub(r"\d", "", _MARK.sub("", text)) for text in prompt.passages)
        for start in range(0, len(whole), 7):
            yield whole[start : start + 7]


_MARK = re.compile(r"[\[［【〔][^\]］】〕\[]{0,40}[\]］】〕]")
"""What may be a citation: the double cites on purpose, not by what it repeats."""


@dataclass(slots=True)
class _House:
    kb: KnowledgeBase
    client: httpx.Client
    generator: _Obedient
    folder: Path
    counts: dict[str, int] = field(default_factory=dict)

    def count(self, what: str, number: int = 1) -> None:
        self.counts[what] = self.counts.get(what, 0) + number


def _open(folder: Path, stack: ExitStack) -> _House:
    embedder = HashEmbedder()
    generator = _Obedient(ExtractiveGenerator(embedder=embedder))
    parts = dataclasses.replace(components_with(embedder), generator=generator)
    build = mock.patch("rag_engine.connectors.wiring.build_components", return_value=parts)
    stack.enter_context(build)
    keys = write_keys(folder / "keys.toml", _TENANTS)
    options = ServeOptions(tenants=folder / "kbs", keys=keys, settings=_SETTINGS)
    service = stack.enter_context(open_service(options))
    url = stack.enter_context(serving(service))
    with client_of(url, "admin", _TENANTS[1]) as client:
        body = {"text": f"The warranty of kennung is {_FOREIGN}.", "title": _FOREIGN}
        assert client.put("/v1/documents/common", json=body).status_code == 200
    client = stack.enter_context(client_of(url, "admin", _TENANTS[0]))
    tenant = service.tenants.of(_TENANTS[0])
    assert tenant is not None
    return _House(tenant.kb, client, generator, folder)


def _documents(number: int, drawn: random.Random) -> list[dict[str, Any]]:
    """Draw a sound document and two hostile ones, hostile in every field."""
    clean = {
        "id": f"clean/{number}",
        "text": f"The warranty of kennung lasts long. See https://handbuch.example/{number} first.",
        "title": "Handbuch",
    }
    hostile = []
    for which in (number * 2, number * 2 + 1):
        text = hostile_text(which, drawn)
        hostile.append(
            {
                "id": f"{hostile_word(which, drawn)[:500]}{which}",
                "text": f"The warranty of kennung: {text}",
                "title": hostile_text(which, drawn),
                "source": hostile_word(which, drawn),
                "spans": [{"start": 0, "end": 20, "section": [hostile_word(which, drawn)]}],
                "metadata": {hostile_word(which, drawn)[:50]: hostile_word(which, drawn)},
            }
        )
    return [clean, *hostile]


def _case(house: _House, number: int, drawn: random.Random) -> None:
    documents = _documents(number, drawn)
    reply = house.client.post("/v1/documents", json={"documents": documents})
    assert reply.status_code == 200, reply.text
    assert reply.json()["added"] == 3
    added = [each["id"] for each in documents]
    if number % 3 == 0:
        added += _file(house, number, drawn)
    for each in added:
        path = f"/v1/documents/{quote(each, safe='')}"
        assert house.client.get(path).status_code in {200, 404}, each
    planted = hostile_word(10**6 + number, drawn)
    question = f"warranty kennung? {planted if drawn.random() < 0.5 else ''}"
    house.generator.obeys = number % 4 != 0
    house.generator.cites_all = drawn.random() < 0.4
    house.generator.also_says = hostile_text(10**6 + number, drawn)
    house.generator.prompts.clear()
    _asked(house, question, number, stream=number % 2 == 0)
    answer = house.kb.ask(question)
    for prompt in house.generator.prompts:
        see_prompt(prompt, _FOREIGN)
        house.count("prompts")
    _see_answer(answer, house, number)
    _see_terminal(answer, question, house)
    gone = house.client.post("/v1/documents/delete", json={"ids": added})
    assert gone.status_code == 200, gone.text
    assert set(gone.json()["deleted"]) == set(added)
    house.count("cases")


def _file(house: _House, number: int, drawn: random.Random) -> list[str]:
    """Upload a file with a hostile name, and index one that lies in a folder."""
    name = hostile_name(number, drawn)
    text = f"The warranty of kennung: {hostile_text(number, drawn)}".encode()
    sent = house.client.post("/v1/files", files={"files": (name, text)})
    assert sent.status_code < 500, sent.text
    home = house.folder / "home"
    home.mkdir(exist_ok=True)
    path = home / name
    path.write_bytes(text)
    report = house.kb.add_files(home)
    path.unlink()
    told = io.StringIO()
    with contextlib.redirect_stderr(told), contextlib.redirect_stdout(told):
        for as_json in (True, False):
            lines = [f"skipped: {output.safe(each.source)}" for each in report.skipped]
            done = output.Outcome(result={"name": name}, lines=lines, problems=report.problems)
            output.print_outcome("index", done, as_json=as_json)
        output.print_error("index", RagEngineError(f"{name}: no"), as_json=True)
    see_plain(told.getvalue())
    house.count("files")
    return [each for each in house.kb.document_ids() if each.endswith(name)]


def _asked(house: _House, question: str, number: int, *, stream: bool) -> None:
    """Ask over HTTP; what is streamed holds no more than what was checked."""
    reply = house.client.post("/v1/ask", json={"question": question, "stream": stream})
    assert reply.status_code == 200, reply.text
    assert _FOREIGN not in reply.text
    if not stream:
        see_text(reply.json()["answer"])
        return
    events = [event for event in reply.text.split("\n\n") if event.startswith("event: ")]
    names = [event.partition("\n")[0] for event in events]
    assert names[-1] == "event: answer"
    data = [json.loads(event.partition("\ndata: ")[2]) for event in events]
    shown = "".join(each["text"] for each in data[:-1])
    see_text(shown)
    if not house.generator.cites_all:
        see_leads(shown, data[-1]["citations"], 10**6 + number)
    house.count("streams")


def _see_answer(answer: Answer, house: _House, number: int) -> None:
    assert answer.supported, answer
    see_text(answer.text)
    given = house.generator.prompts[-1].passages
    assert {int(mark) for mark in re.findall(r"\[(\d+)\]", answer.text)} <= {
        citation.number for citation in answer.citations
    }
    for citation in answer.citations:
        assert citation.text == given[citation.number - 1]
    cited = [
        {"text": citation.text, "source": citation.source, "title": citation.title}
        for citation in answer.citations
    ]
    see_leads(answer.text, cited, 10**6 + number)
    house.count("citations", len(answer.citations))


def _see_terminal(answer: Answer, question: str, house: _House) -> None:
    """See what the command line prints of an answer, for people and as JSON."""
    told = io.StringIO()
    lines = [line for hit in answer.hits for line in output.hit_lines(hit)]
    reply = AskReply.of(question, answer).model_dump()
    outcome = output.Outcome(result=reply, lines=[*lines, *output.answer_lines(answer)])
    with contextlib.redirect_stdout(told):
        output.print_outcome("ask", outcome, as_json=False)
    see_plain(told.getvalue())
    assert len(told.getvalue().splitlines()) == len(outcome.lines)
    told = io.StringIO()
    with contextlib.redirect_stdout(told):
        output.print_outcome("ask", outcome, as_json=True)
    see_plain(told.getvalue())
    assert json.loads(told.getvalue())["result"]["answer"] == answer.text
    house.count("lines of a terminal", len(outcome.lines))


def _paths(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def _run(folder: Path, amounts: Amounts, drawn: random.Random) -> Figures:
    inside = folder / "a" / "b"
    inside.mkdir(parents=True)
    loggers = [logging.getLogger(name) for name in ("rag_engine.http", "uvicorn.error")]
    before = [(each.handlers, each.propagate, each.level) for each in loggers]
    log = io.StringIO()
    log_to(log)
    try:
        with ExitStack() as stack:
            house = _open(inside, stack)
            for number in range(amounts["cases"]):
                try:
                    _case(house, number, drawn)
                except Exception as error:
                    raise AssertionError(f"case {number}: {error!r:.2000}") from error
    finally:
        for each, (handlers, propagate, level) in zip(loggers, before, strict=True):
            each.handlers, each.propagate = handlers, propagate
            each.setLevel(level)
    lines = see_logs(log)
    assert lines >= amounts["cases"]
    made = {path for path in _paths(folder) if not path.startswith("a/b/kbs/")}
    assert made <= {"a", "a/b", "a/b/keys.toml", "a/b/kbs", "a/b/home"}, made
    for path in (inside / "kbs").rglob("*"):
        assert _NAME.fullmatch(path.name), path
        assert HOST not in path.name, path
    return {**house.counts, "lines of the log": lines}


TRIAL = Trial(
    name="injection",
    what="hostile texts, titles, names and questions in 14 languages; a generator obeys them all",
    holds="sources stay data; links and citations are those of sources given; nothing steers a "
    "terminal, forges a log, leads to a file or to another tenant",
    small={"cases": 16},
    full={"cases": 300},
    run=_run,
)
