"""Killing the writing process at any moment loses nothing that was acknowledged."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from rag_engine import KnowledgeBase
from rag_engine.filters import And

KILLS = 50
SEED = 20
ROOT = Path(__file__).parents[2]


def written_until_killed(path: Path, seed: int, seconds: float) -> list[str]:
    """Let the writer work for a while, kill it, and return the lines that it said."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.store.writer", str(path), str(seed)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "opened\n"
        time.sleep(seconds)
        writer.send_signal(signal.SIGKILL)
        return writer.stdout.read().splitlines()


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


def test_kills(tmp_path: Path, quick_components):
    path = tmp_path / "kb"
    drawn = random.Random(SEED)
    model: dict[str, set[str | None]] = {}
    killed_in_work = 0
    for kill in range(KILLS):
        said = written_until_killed(path, SEED * 1000 + kill, drawn.uniform(0.0, 0.35))
        killed_in_work += bool(said)
        apply(said, model)
        started = time.perf_counter()
        with KnowledgeBase.open(path, components=quick_components) as kb:
            assert time.perf_counter() - started < 2, f"kill {kill}: opening took too long"
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
    assert killed_in_work > KILLS / 2
