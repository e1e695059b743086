"""What the documents promise is held by a test: the table in tests/README.md names one for each."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.trials.plan import NAMES

ROOT = Path(__file__).parents[1]
_README = ROOT / "tests" / "README.md"
_SECTION = re.compile(
    r"^## What is promised, and what holds it$(.*?)^## ", re.MULTILINE | re.DOTALL
)
_NODE = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)(?:\[(\w+)\])?`")
_UNSAFE_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}


class Promise(NamedTuple):
    """A row of the table: the words, the document that says them, the tests that hold them."""

    words: str
    document: Path
    tests: list[tuple[str, str, str]]


def promises() -> list[Promise]:
    """Read the table."""
    section = _SECTION.search(_README.read_text(encoding="utf-8"))
    assert section is not None
    made = []
    for line in section[1].splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|") or cells[0] in {"promise", "---"}:
            continue
        words, document, tests = cells
        link = re.search(r"\]\(([^)]+)\)", document)
        assert link is not None, line
        made.append(Promise(words, (_README.parent / link[1]).resolve(), _NODE.findall(tests)))
    return made


def plain(text: str) -> str:
    """Return a text without emphasis, its blanks and line ends alike."""
    return " ".join(re.sub(r"\*\*", "", text).split())


PROMISES = promises()


def test_there_are_promises():
    assert len(PROMISES) >= 30
    assert {promise.document.relative_to(ROOT).as_posix() for promise in PROMISES} >= {
        "README.md",
        "rag_engine/README.md",
        "pipelines/README.md",
        "connectors/http/README.md",
    }


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.words[:40])
def test_each_stands_in_its_document_and_has_tests_that_exist(promise: Promise):
    assert plain(promise.words) in plain(promise.document.read_text(encoding="utf-8"))
    assert promise.tests
    for file, name, parameter in promise.tests:
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        functions = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        assert name in functions, (file, name)
        if file == "tests/test_trials.py":
            assert parameter in NAMES


def test_nothing_reads_or_writes_a_pickle_or_runs_a_text():
    found = []
    folders = [ROOT / name for name in ("rag_engine", "connectors", "pipelines")]
    paths = [path for folder in folders for path in sorted(folder.rglob("*.py"))]
    assert len(paths) > 300
    for path in paths:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            found += [(path.name, node.lineno, what) for what in _unsafe(node)]
    assert not found


def _unsafe(node: ast.AST) -> list[str]:
    """Return what of a node would run what it reads."""
    if isinstance(node, ast.Import):
        return [each.name for each in node.names if each.name.split(".")[0] in _UNSAFE_MODULES]
    if isinstance(node, ast.ImportFrom):
        return [node.module] if (node.module or "").split(".")[0] in _UNSAFE_MODULES else []
    if not isinstance(node, ast.Call):
        return []
    called = ast.unparse(node.func)
    given = {each.arg: ast.unparse(each.value) for each in node.keywords if each.arg}
    if called == "torch.load" and given.get("weights_only") == "True":
        return []  # it reads tensors, and refuses all else
    told = (
        [called] if called in {"eval", "exec", "torch.load", "yaml.load", "pd.read_pickle"} else []
    )
    told += [name for name in ("allow_pickle", "trust_remote_code") if given.get(name) == "True"]
    return told
