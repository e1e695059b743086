"""Questions for passages, from the command's own entry, by a scripted and by a real model."""

from __future__ import annotations

import errno
import functools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from rag_engine import Document, KnowledgeBase
from rag_engine.connectors import wiring
from rag_engine.connectors.training.examples import Example, read_examples
from rag_engine.connectors.training.synthesis.question_checks import Verdict
from rag_engine.errors import InvalidInput
from rag_engine.pipelines.cli import main
from rag_engine.pipelines.output import Exit
from rag_engine.pipelines.synthesis.passages import choose
from rag_engine.pipelines.synthesis.question_journal import Journal
from tests.connectors.scripted_server import Request, chunk, refusal, scripted_server, stream
from tests.test_twin_hits import RULES
from tests.waiting import PATIENCE_S, wait_until

FACTS = {
    "seal": (
        "Die Dichtung der Pumpe X-200 wird einmal im Jahr ersetzt, am besten im Frühling.",
        "Wie oft muss man die Dichtung der Pumpe wechseln?",
        "How often does the pump need a new seal?",
    ),
    "warranty": (
        "La garantie dure trois ans à partir de la date d'achat de l'appareil.",
        "Wie lange gilt die Garantie?",
        "For how long is the device under warranty?",
    ),
    "refund": (
        "Refunds are paid within fourteen days after the goods have come back to us.",
        "Wann bekomme ich mein Geld für zurückgeschickte Ware wieder?",
        "When do I get my money back?",
    ),
    "lunch": (
        "La cantina è aperta da mezzogiorno alle due; il venerdì c'è il pesce.",
        "Wann kann man in der Kantine zu Mittag essen?",
        "At what time can I have lunch in the canteen?",
    ),
    "parking": (
        "Bakom lagret finns tjugo parkeringsplatser, och de är bara för kunder.",
        "Wer darf hinter dem Lager parken?",
        "Who may park behind the warehouse?",
    ),
    "fire": (
        "Cuando suene la alarma de incendios, salga del edificio por la escalera.",
        "Was muss ich tun, wenn der Feueralarm losgeht?",
        "What should I do when the fire alarm rings?",
    ),
    "press": (
        "Na pytania dziennikarzy odpowiada wyłącznie biuro prasowe w Krakowie.",
        "Wer beantwortet Fragen von Journalisten?",
        "Who answers questions from journalists?",
    ),
    "holiday": (
        "Çalışanların yılda yirmi beş gün ücretli izni vardır.",
        "Wie viele Tage bezahlten Urlaub gibt es im Jahr?",
        "How many days of paid holiday are there in a year?",
    ),
    "filter": (
        "フィルターは半年に一度、石けんを使わずにぬるま湯で洗ってください。乾くまで待ってください。",
        "Womit soll der Filter gewaschen werden?",
        "What do I wash the filter with?",
    ),
    "lift": (
        "Лифт проверяют два раза в год, в марте и в сентябре.",
        "In welchen Monaten wird der Aufzug geprüft?",
        "In which months is the lift inspected?",
    ),
    "keys": (
        "Wie een sleutel verliest, meldt dat dezelfde dag nog aan de portier.",
        "Wem sage ich, dass ich meinen Schlüssel verloren habe?",
        "Whom do I tell that I lost my key?",
    ),
    "wifi": (
        "A vendéghálózat jelszava minden hétfőn megváltozik a recepción.",
        "Wann ändert sich das Passwort für das WLAN der Gäste?",
        "When does the password for guests change?",
    ),
}
Answer = Callable[[str, str], str | Callable]
"""From a fact's name and a language's English name to a reply, or to a step of the server."""


@pytest.fixture(scope="module")
def kb_path(tmp_path_factory, real_components) -> Path:
    path = tmp_path_factory.mktemp("synthesis") / "kb"
    with KnowledgeBase.open(path, components=real_components) as kb:
        kb.add(Document(id=name, text=texts[0]) for name, texts in FACTS.items())
    return path


@pytest.fixture(autouse=True)
def _shared_model(monkeypatch, bundled_e5):
    """Load the model once for all tests."""
    build = functools.partial(wiring.build_components, embedder=bundled_e5)
    monkeypatch.setattr(wiring, "build_components", build)


class Model:
    """A server that answers by a function of what it is asked about."""

    def __init__(self, server, folder: Path) -> None:
        self.server = server
        self.answer: Answer = good
        self.pause_s = 0.0
        self.together = 1
        """Nobody is answered before so many have asked at once."""
        self.busy = self.busiest = 0
        self._lock = threading.Lock()
        server.script = [self._step]
        self.settings = folder / "llm.toml"
        self.settings.write_text(
            '[generator]\nkind = "openai-compatible"\nmodel = "writer"\n'
            f'base_url = "{server.url}"\n',
            encoding="utf-8",
        )

    @property
    def asked(self) -> Counter[str]:
        return Counter(about(request)[0] for request in self.server.requests)

    def _step(self, handler, request: Request) -> None:
        with self._lock:
            self.busy += 1
            self.busiest = max(self.busy, self.busiest)
        wait_until(lambda: self.busiest >= self.together)
        time.sleep(self.pause_s)
        replied = self.answer(*about(request))
        if isinstance(replied, str):
            replied = stream(chunk(replied), chunk(None, "stop"), "[DONE]")
        with self._lock:
            self.busy -= 1
        replied(handler, request)


def about(request: Request) -> tuple[str, str]:
    told = request.body["messages"][1]["content"]
    name = next(name for name, texts in FACTS.items() if texts[0] in told)
    return name, told.rpartition("Write one question in ")[2].split()[0]


def good(name: str, language: str) -> str:
    return FACTS[name][1 if language == "German" else 2]


@pytest.fixture
def model(tmp_path: Path):
    with scripted_server() as server:
        yield Model(server, tmp_path)


def command(kb: Path, model: Model, out: Path, *more: str) -> list[str]:
    given = ["synthesize", "--kb", str(kb), "--settings", str(model.settings), "--out", str(out)]
    return [*given, "--keep-within", "3", "--min-score", "0", *more]


def lines_of(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_good_questions_become_examples_to_train_on(kb_path, model, tmp_path, capsys):
    out = tmp_path / "made.jsonl"
    more = ["--languages", "de", "--negatives", "2"]
    assert main([*command(kb_path, model, out, *more), "--json"]) == Exit.DONE
    result = json.loads(capsys.readouterr().out)["result"]
    examples = read_examples(out).examples
    assert result["asked"] == len(FACTS)
    assert result["kept"] == len(examples) >= len(FACTS) - 2  # the bundled model is a small one
    assert sum(result["dropped"].values()) == len(FACTS) - len(examples)
    assert set(result["dropped"]) <= {"not found"}
    texts = {passage: name for name, (passage, _, _) in FACTS.items()}
    for each in examples:
        name = texts[each.positive]
        assert each.question == FACTS[name][1]
        assert (each.question_language, each.group) == ("de", f"{name}#0")
        assert set(each.negatives) <= texts.keys() - {each.positive}
    assert sum(len(each.negatives) == 2 for each in examples) >= len(examples) - 2
    assert {each.passage_language for each in examples} >= {"de", "fr", "en", "ja", "ru"}
    card = json.loads((tmp_path / "made.synthesis.json").read_text(encoding="utf-8"))
    assert (card["model"]["name"], card["settings"]["languages"]) == ("writer", ["de"])
    assert {each.name for each in tmp_path.iterdir()} == {
        *("llm.toml", "made.jsonl", "made.synthesis.json")
    }


def test_what_is_useless_is_dropped_and_said_why(kb_path, model, tmp_path, capsys):
    first, second = [name for name in in_order(kb_path) if name in {"press", "holiday"}]
    replies = {
        "seal": "Die Dichtung der Pumpe X-200 wird einmal im Jahr ersetzt?",
        "warranty": " \n",
        "refund": "Wie hoch?",
        "lunch": "Man kann von zwölf bis zwei Uhr in der Kantine essen.",
        "parking": "Wann ändert sich das Passwort für die Gäste?",
        "fire": "Was soll ich tun, wenn der Alarm läutet, und was " + "noch und noch " * 20 + "?",
        first: FACTS[first][1],
        second: f"- {FACTS[first][1].upper()}",
        "filter": FACTS["filter"][1],
        "lift": "В какие месяцы проверяют лифт?",
        "keys": "Whom do I tell that I lost my key?",
        "wifi": f"<think>Is it Monday?</think>\n1. **Frage:** „{FACTS['wifi'][1]}“ (Monday.)",
    }
    model.answer = lambda name, _: replies[name]
    out = tmp_path / "made.jsonl"
    assert main(command(kb_path, model, out, "--languages", "de", "--keep-within", "1")) == 0
    kept = {each["question"] for each in lines_of(out)}
    assert kept == {FACTS[name][1] for name in (first, "filter", "wifi")}
    table = capsys.readouterr().out.splitlines()
    heads = [part.strip() for part in table[0].split("  ") if part.strip()]
    assert dict(zip(heads, table[1].split(), strict=True)) == {
        "language": "de",
        "asked": "12",
        "kept": "3",
        "of them unsure": "0",
        "empty": "1",
        "too short": "1",
        "too long": "1",
        "no question": "1",
        "other language": "2",
        "copied": "1",
        "duplicate": "1",
        "not found": "1",
    }


def in_order(kb_path: Path) -> list[str]:
    """Return the facts in the order in which they are asked about."""
    with KnowledgeBase.open(kb_path, read_only=True) as kb:
        chosen = choose(kb, limit=None, seed=1)
        return [each.chunk.document_id for each in kb.passages(chosen.ids)]


def test_languages_take_turns_and_a_second_question_differs(kb_path, model, tmp_path):
    prompts: dict[str, list[str]] = {}

    def answer(name: str, language: str) -> str:
        told = model.server.requests
        mine = [each.body["messages"][1]["content"] for each in told if about(each)[0] == name]
        prompts[name] = mine
        return good(name, language)

    model.answer = answer
    out = tmp_path / "made.jsonl"
    more = ["--languages", "de,en", "--per-passage", "3", "--limit", "5"]
    assert main(command(kb_path, model, out, *more)) == Exit.DONE
    asked = Counter(about(each) for each in model.server.requests)
    assert len(prompts) == 5
    assert sorted(asked.values()) == [1] * 5 + [2] * 5  # two in one language, one in the other
    assert 7 <= sum(n for (_, language), n in asked.items() if language == "German") <= 8
    for name, (first, second, third) in prompts.items():
        assert not {FACTS[name][1], FACTS[name][2]} & set(first.splitlines())
        assert sum(f"- {question}" in second for question in FACTS[name][1:]) == 1
        assert all(f"- {question}" in third for question in FACTS[name][1:])
    questions = [each["question"] for each in lines_of(out)]
    assert len(questions) == len(set(questions)) > 5


def test_several_are_asked_at_once_and_written_in_order(kb_path, model, tmp_path):
    one, four = tmp_path / "one.jsonl", tmp_path / "four.jsonl"
    more = ["--languages", "en", "--limit", "8"]
    assert main(command(kb_path, model, one, *more, "--at-once", "1")) == Exit.DONE
    assert model.busiest == 1
    model.together = 2
    model.answer = lambda name, language: (
        time.sleep(0.2) or good(name, language) if name == "seal" else good(name, language)
    )
    assert main(command(kb_path, model, four, *more)) == Exit.DONE
    assert 2 <= model.busiest <= 4
    assert one.read_bytes() == four.read_bytes()


def passages_done(log: Path) -> int:
    return log.read_bytes().count(b"\n") if log.exists() else 0


def test_killed_it_goes_on_and_ends_as_it_would_have(kb_path, model, tmp_path, capsys):
    whole, out = tmp_path / "whole.jsonl", tmp_path / "made.jsonl"
    more = ["--languages", "de,en"]
    assert main(command(kb_path, model, whole, *more)) == Exit.DONE
    model.server.requests.clear()
    model.pause_s = 0.3
    code = "import sys; from rag_engine.pipelines.cli import main; sys.exit(main(sys.argv[1:]))"
    given = command(kb_path, model, out, *more, "--at-once", "1")
    log = tmp_path / ".made.jsonl.synthesis" / "done.jsonl"
    with subprocess.Popen([sys.executable, "-c", code, *given], stderr=subprocess.PIPE) as process:
        # A passage is done when the log says so; its questions are written before that.
        wait_until(lambda: process.poll() is not None or passages_done(log) >= 3)
        assert process.poll() is None, process.stderr.read()
        os.kill(process.pid, signal.SIGKILL)
    begun = set(in_order(kb_path)[:3])
    with out.open("a", encoding="utf-8") as file, log.open("a", encoding="utf-8") as done:
        file.write('{"question": "torn')
        done.write('{"passage": 1')
    model.pause_s = 0
    assert main(command(kb_path, model, out, *more, "--seed", "2")) == Exit.FAILED
    assert "was begun by another command" in capsys.readouterr().err
    before = model.asked
    assert main(command(kb_path, model, out, *more)) == Exit.DONE
    assert "going on after" in capsys.readouterr().err
    assert out.read_bytes() == whole.read_bytes()
    assert not {name for name in begun if model.asked[name] > before[name]}
    assert not log.parent.exists()
    cards = [json.loads(each.with_suffix(".synthesis.json").read_text()) for each in (whole, out)]
    assert cards[0] == cards[1]


def test_a_passage_that_the_model_fails_with_stops_nothing(kb_path, model, tmp_path, capsys):
    def answer(name: str, language: str) -> str | Callable:
        if name == "seal":
            return refusal(400, "too many tokens")
        return refusal(500, "out of memory") if name == "lift" else good(name, language)

    model.answer = answer
    out = tmp_path / "made.jsonl"
    given = [*command(kb_path, model, out, "--languages", "en"), "--json"]
    assert main(given) == Exit.PROBLEMS
    told = json.loads(capsys.readouterr().out)
    assert told["result"]["dropped"]["model failed"] == 2
    assert len(lines_of(out)) == told["result"]["kept"] >= len(FACTS) - 4
    assert [each["reason"].partition(";")[0] for each in told["problems"]] == [
        "questions not written: 1"
    ] * 2
    assert any("out of memory" in each["reason"] for each in told["problems"])
    assert (model.asked["seal"], model.asked["lift"]) == (1, 3)  # a 500 is tried again


def test_a_server_at_fault_stops_it_and_loses_nothing(kb_path, model, tmp_path, capsys):
    out = tmp_path / "made.jsonl"
    given = command(kb_path, model, out, "--languages", "en", "--at-once", "1")
    model.answer = lambda name, language: refusal(404, "no such model")
    assert main(given) == Exit.FAILED
    said = capsys.readouterr().err
    assert model.server.url in said
    assert "none of the last 8 questions" in said
    assert "no such model" in said
    assert out.read_bytes() == b""
    answered: list[str] = []

    def dies_after_three(name: str, language: str) -> str | Callable:
        if len(answered) == 3:
            return refusal(404, "unloaded")
        answered.append(name)
        return good(name, language)

    model.answer = dies_after_three
    assert main(given) == Exit.FAILED
    assert len(lines_of(out)) <= 3
    model.answer = good
    model.server.requests.clear()
    assert main(given) == Exit.DONE
    assert set(model.asked) == FACTS.keys() - set(answered)
    assert len(lines_of(out)) >= len(FACTS) - 2


def test_fewer_than_eight_that_all_fail_are_no_result(kb_path, model, tmp_path, capsys):
    model.answer = lambda name, language: refusal(401, "who are you?")
    given = command(kb_path, model, tmp_path / "made.jsonl", "--languages", "en", "--limit", "2")
    assert main(given) == Exit.FAILED
    said = capsys.readouterr().err
    assert "none of the last 2 questions" in said
    assert "check the API key" in said


def test_what_says_the_same_is_one_group_and_no_negative(
    model, tmp_path, real_components, monkeypatch
):
    path = tmp_path / "kb"
    everything = {
        f"{name}-{code}": text for name, each in RULES.items() for code, text in each.items()
    }
    with KnowledgeBase.open(path, components=real_components) as kb:
        kb.add(Document(id=name, text=text) for name, text in everything.items())
    monkeypatch.setitem(globals(), "FACTS", {name: (text,) for name, text in everything.items()})
    model.answer = lambda name, _: {
        "warranty": "How long does the guarantee on a pump last, {}?",
        "seal": "When must the seal of the pump be replaced, {}?",
        "filter": "How often do I wash the filter, {}?",
        "holiday": "How many days of paid holiday do employees have, {}?",
        "parking": "Who may use the car park behind the warehouse, {}?",
        "fire": "How do I leave the building when the fire alarm rings, {}?",
        "refund": "Within how many days do refunds reach my account, {}?",
        "lunch": "From when to when does the canteen serve lunch, {}?",
    }[name[:-3]].format(name)  # fmt: skip
    out = tmp_path / "made.jsonl"
    assert main(command(path, model, out, "--languages", "en", "--negatives", "3")) == Exit.DONE
    names = {text: name[:-3] for name, text in everything.items()}
    groups: dict[str, set[str]] = {}
    for each in lines_of(out):
        mine = names[each["positive"]]
        groups.setdefault(mine, set()).add(each["group"])
        assert each["negatives"]
        assert mine not in {names[negative] for negative in each["negatives"]}
    assert len(groups) == len(RULES)
    assert sum(len(each) == 1 for each in groups.values()) >= len(RULES) - 1  # as twins are found


def test_passages_that_say_too_little_or_the_same_are_passed_over(tmp_path, quick_components):
    text = "A text that is long enough for somebody to ask a question about it."
    with KnowledgeBase.open(tmp_path / "kb", components=quick_components) as kb:
        kb.add(Document(id=str(n), text=text) for n in range(3))
        kb.add([Document(id="thin", text="Contents."), Document(id="other", text=text.upper())])
        chosen = choose(kb, limit=None, seed=1)
        assert (len(chosen.ids), chosen.thin, chosen.copies) == (2, 1, 2)
        few = choose(kb, limit=1, seed=1)
        assert few.ids == chosen.ids[:1]
        assert few.digest != chosen.digest


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--languages", "de,xx"], "got 'xx'"),
        (["--languages", ","], "at least one language"),
        (["--languages", "de", "--per-passage", "0"], "per_passage: Input should be greater"),
        (["--languages", "de", "--keep-within", "1001"], "keep_within: Input should be less"),
        (["--languages", "de", "--min-score", "2"], "min_score: Input should be less"),
        (["--languages", "xx-none"], "languages are BCP-47 codes"),
        (["--languages", "de", "--at-once", "0"], "at_once is at least 1"),
        (["--languages", "de", "--keep-within", "0"], "keep_within: Input should be greater"),
        (["--languages", "de", "--out", "made.json"], "ending in .jsonl"),
        (["--languages", "de", "--out", __file__ + "l"], "exists already"),
    ],
)
def test_what_can_not_be_asked_for(kb_path, model, tmp_path, capsys, monkeypatch, more, told):
    monkeypatch.chdir(tmp_path)
    taken = tmp_path / "taken.jsonl"
    taken.write_text("precious", encoding="utf-8")
    more = [str(taken) if each.startswith(__file__) else each for each in more]
    assert main(command(kb_path, model, tmp_path / "made.jsonl", *more)) == Exit.FAILED
    assert told in capsys.readouterr().err
    assert model.server.requests == []
    assert taken.read_text(encoding="utf-8") == "precious"
    assert {each.name for each in tmp_path.iterdir()} == {"llm.toml", "taken.jsonl"}


def test_without_a_language_model_it_says_what_to_set(kb_path, tmp_path, capsys):
    given = ["synthesize", "--kb", str(kb_path), "--out", str(tmp_path / "made.jsonl")]
    assert main([*given, "--languages", "de"]) == Exit.FAILED
    said = capsys.readouterr().err
    assert "openai-compatible" in said
    assert "--settings" in said
    assert not list(tmp_path.iterdir())


def test_a_real_model_whatever_it_writes(kb_path, llama_server, tmp_path, capsys):
    settings = tmp_path / "llm.toml"
    settings.write_text(
        f'[generator]\nkind = "openai-compatible"\nmodel = "{llama_server.model}"\n'
        f'base_url = "{llama_server.base_url}"\nmax_tokens = 24\ntimeout_s = {PATIENCE_S}\n',
        encoding="utf-8",
    )
    out = tmp_path / "made.jsonl"
    given = ["synthesize", "--kb", str(kb_path), "--settings", str(settings), "--out", str(out)]
    status = main([*given, "--languages", "en,de", "--limit", "3", "--at-once", "1", "--json"])
    result = json.loads(capsys.readouterr().out)["result"]
    assert result["asked"] == 3
    assert result["kept"] + sum(result["dropped"].values()) == 3
    assert "model failed" not in result["dropped"]
    assert status == (Exit.DONE if result["kept"] else Exit.PROBLEMS)
    positives = {texts[0] for texts in FACTS.values()}
    made = lines_of(out)
    assert len(made) == result["kept"]
    assert {each["positive"] for each in made} <= positives


def test_what_was_changed_by_others_is_refused_not_cut(tmp_path):
    out, identity = tmp_path / "made.jsonl", {"model": "a", "limit": None}
    log = tmp_path / ".made.jsonl.synthesis" / "done.jsonl"
    with Journal(out, identity) as journal:
        for number in range(3):
            example = Example(question=f"Wie, {number}?", positive=f"Sö {number}.")
            journal.add(number, [("de", Verdict.KEPT), ("ja", Verdict.COPY)], [example])
        with pytest.raises(InvalidInput, match="another process is writing"):
            Journal(out, identity)
    whole, told = out.read_bytes(), log.read_bytes()
    log.write_bytes(told[:-1])  # the last line lacks its end: it is done again
    with Journal(out, identity) as journal:
        assert journal.done == {0, 1}
        assert journal.tally == {("de", Verdict.KEPT): 2, ("ja", Verdict.COPY): 2}
        assert journal.known == {"wie0", "wie1"}
        assert len(out.read_bytes().splitlines()) == 2
    damaged = [
        (whole, told.replace(b'"passage": 1', b'"passage": x'), "damaged in line 2"),
        (whole, told.replace(b'"kept"', b'"kept well"', 1), "damaged in line 1"),
        (whole[:-1], told, "bytes instead of"),
        (whole.replace(b'"question"', b'"asked for"'), told, "was changed since it was begun"),
        (b"\xff" + whole, told, "was changed since it was begun"),
    ]
    for data, lines, message in damaged:
        out.write_bytes(data)
        log.write_bytes(lines)
        with pytest.raises(InvalidInput, match=message):
            Journal(out, identity)
        assert log.read_bytes() == lines
    with pytest.raises(InvalidInput, match=r"begun by another command.*\(limit\)"):
        Journal(out, identity | {"limit": 3})


@pytest.mark.parametrize("failing", [1, 2])
def test_what_a_failed_sync_leaves_is_asked_for_again(tmp_path, monkeypatch, failing):
    out, identity = tmp_path / "made.jsonl", {"model": "a"}
    examples = [Example(question=f"Wie, {number}?", positive=f"Sö {number}.") for number in (0, 1)]
    syncs, sync = iter(range(1, 9)), os.fsync

    def fails(descriptor: int) -> None:
        if next(syncs) == failing:
            raise OSError(errno.EIO, "Input/output error")
        sync(descriptor)

    with Journal(out, identity) as journal:
        journal.add(0, [("de", Verdict.KEPT)], examples[:1])
        monkeypatch.setattr("os.fsync", fails)
        with pytest.raises(OSError, match="Input/output"):
            journal.add(1, [("de", Verdict.KEPT)], examples[1:])
    with Journal(out, identity) as journal:
        assert journal.done == {0}
        assert len(out.read_bytes().splitlines()) == 1
        journal.add(1, [("de", Verdict.KEPT)], examples[1:])
    assert [each["question"] for each in lines_of(out)] == ["Wie, 0?", "Wie, 1?"]
