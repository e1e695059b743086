"""Killing the writing process at any moment loses nothing that was acknowledged."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rag_engine import KnowledgeBase
from rag_engine.filters import And

SEED = 20
ROOT = Path(__file__).parents[2]


def written_until_killed(path: Path, seed: int, lines: int, part: float) -> list[str]:
    """Let the writer say so many lines, kill it a while later, and return the lines that it said.

    That while is a part of what the lines took, so that the work goes on as far on any machine.
    """
    with subprocess.Popen(
        [sys.executable, "-m", "tests.store.writer", str(path), str(seed)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "opened\n"
        started = time.monotonic()
        said = [writer.stdout.readline() for _ in range(lines)]
        time.sleep(part * (time.monotonic() - started))
        writer.send_signal(signal.SIGKILL)
        said += writer.stdout.readlines()
        return [line.rstrip("\n") for line in said]


def apply(said: list[str], model: dict[str, set[str | None]]) -> None:
    """Follow what was said: what each document may hold now (None: it is gone).

    An operation that was begun and not acknowledged may have happened or not.
    """
    for line in said:
        sign, name, *rest = line.split(" ", 2)
        state: str | None = rest[0] if rest else None
        if sign in "+-":
            model[name] = {state}
        else:
            model[name] = model.get(name, {None}) | {state}


@pytest.mark.parametrize("kills", [6, pytest.param(50, marks=pytest.mark.slow)])
def test_kills(tmp_path: Path, quick_components, kills: int):
    path = tmp_path / "kb"
    drawn = random.Random(SEED)
    model: dict[str, set[str | None]] = {}
    for kill in range(kills):
        seed = SEED * 1000 + kill
        apply(written_until_killed(path, seed, drawn.randrange(60), drawn.random()), model)
        with KnowledgeBase.open(path, components=quick_components) as kb:
            found = {h.chunk.document_id: h.chunk.text for h in kb.search("text", k=200)}
            assert set(found) == set(kb.document_ids())
            for name, states in model.items():
                assert found.get(name) in states, f"kill {kill}, document {name}"
            assert not set(found) - set(model)
            by_id = kb._catalogue.matching(And()).tolist()
            snapshot = kb._index.snapshot()
            live = {
                each
                for segment in snapshot.segments
                for each in segment.passages.ids.tolist()
                if each not in set(snapshot.deleted.tolist())
            }
            assert sorted(live) == by_id
            model = {name: {found.get(name)} for name in model}
