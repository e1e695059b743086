"""The suite itself: everything is collected once, and by default nothing heavy is imported."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.marks import PACKAGES, lacking, mark_of_file, unavailable

ROOT = Path(__file__).parents[1]
COLLECT = """
import json, sys
import pytest

class Names:
    def pytest_collection_finish(self, session):
        self.items = [item.nodeid for item in session.items]
        self.modules = list(sys.modules)

names = Names()
status = pytest.main(["--collect-only", "-qq", "-p", "no:cacheprovider", *sys.argv[2:]], [names])
with open(sys.argv[1], "w") as out:
    json.dump([int(status), names.items, names.modules], out)
"""


def collected(out: Path, *arguments: str) -> tuple[list[str], set[str]]:
    """Return the names of what is collected, and of the modules that this imports."""
    command = [sys.executable, "-c", COLLECT, out, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    status, items, modules = json.loads(out.read_text())
    assert status == 0, done.stdout
    return items, set(modules)


@pytest.mark.slow
def test_everything_is_collected_once_under_one_name(tmp_path: Path):
    items, modules = collected(tmp_path / "out.json", "-m", "")
    assert not [name for name, count in Counter(items).items() if count > 1]
    assert {name.split("/")[0] for name in items} == {"rag_engine", "tests"}
    doctests = [name for name in items if name.startswith("rag_engine/")]
    assert all(name.split("::")[1].startswith("rag_engine.") for name in doctests)
    assert not {"connectors", "pipelines"} & {name.split(".")[0] for name in modules}


@pytest.mark.slow
def test_by_default_nothing_of_a_mark_is_imported(tmp_path: Path):
    items, modules = collected(tmp_path / "out.json")
    marked = {name for packages in PACKAGES.values() for name in packages} - {"build"}
    assert items
    assert not marked & modules


@pytest.mark.parametrize("mark", PACKAGES)
def test_every_mark_has_tests(mark):
    paths = [*ROOT.glob("tests/**/*.py"), *(ROOT / "rag_engine/connectors").glob("**/*.py")]
    of_files = {mark_of_file(path.relative_to(ROOT).as_posix()) for path in paths}
    assert mark in of_files


def test_what_is_missing_is_skipped_with_its_reason_or_fails_where_it_is_required(monkeypatch):
    monkeypatch.setitem(PACKAGES, "llm", ("json", "no_such_package"))
    assert lacking("llm") == "not installed: no_such_package (extra test-all)"
    assert lacking("slow") is None
    monkeypatch.delenv("RAG_ENGINE_REQUIRE_LLM", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no_such_package"):
        unavailable("llm", lacking("llm"))
    monkeypatch.setenv("RAG_ENGINE_REQUIRE_LLM", "1")
    with pytest.raises(pytest.fail.Exception, match="RAG_ENGINE_REQUIRE_LLM is set"):
        unavailable("llm", lacking("llm"))
