"""What runs in the forks of ``kills``: work without end until it is killed, and a look at it."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

from rag_engine import Document, KnowledgeBase
from tests.trials.fork_server import Say
from tests.trials.load_child import held, parts, use_temporary_folder

__all__ = ["look", "prepare", "work"]

_NAMES = 40


def prepare() -> None:
    """Load what takes long, before the forks."""
    parts()


def work(say: Say, *, root: str, seed: int, steps: int, part: float) -> None:
    """Change the knowledge base without end; say what is begun, and what was acknowledged.

    After so many steps a process of its own waits for a part of the time of a step, and kills this
    one (SIGKILL): it may be in the middle of anything.
    """
    drawn = random.Random(seed)
    killer = _killer_of_this_process()  # forked before there is anything open
    use_temporary_folder(Path(root))
    kb = KnowledgeBase.open(root, components=parts())
    say("opened")
    started = time.monotonic()
    done = 0
    while True:
        if done == steps:
            taken = (time.monotonic() - started) / max(1, steps)
            os.write(killer, f"{part * max(taken, 0.02)}\n".encode())
        _step(say, kb, drawn)
        done += 1


def _step(say: Say, kb: KnowledgeBase, drawn: random.Random) -> None:
    match drawn.choice(["add", "add", "add", "delete", "publish", "compact", "search"]):
        case "add":
            texts = {f"d{drawn.randrange(_NAMES)}": f"number {drawn.random()}" for _ in range(4)}
            say({"texts": texts, "ids": []})
            kb.add(Document(id=name, text=text) for name, text in texts.items())
        case "delete":
            ids = sorted({f"d{drawn.randrange(_NAMES)}" for _ in range(2)})
            say({"texts": {}, "ids": ids})
            kb.delete(ids)
        case "publish":
            say({"texts": {}, "ids": []})
            kb.publish()
        case "compact":
            say({"texts": {}, "ids": []})
            kb.compact()
        case "search":
            say({"texts": {}, "ids": []})
            kb.search("number", k=5)
    say("done")


def _killer_of_this_process() -> int:
    """Return a pipe: whoever writes a number of seconds into it is killed after them."""
    reads, writes = os.pipe()
    victim = os.getpid()
    if os.fork():
        os.close(reads)
        return writes
    os.closerange(3, reads)
    os.closerange(reads + 1, 1_024)  # also what the other says: it must end with it
    try:
        time.sleep(float(os.read(reads, 64)))
        os.kill(victim, signal.SIGKILL)
    finally:
        os._exit(0)


def look(say: Say, *, root: str) -> None:
    """Say what is there once it is opened, how long that took, and which folders are left."""
    use_temporary_folder(Path(root))
    started = time.monotonic()
    kb = KnowledgeBase.open(root, components=parts())
    opened = time.monotonic() - started
    documents = held(kb)  # vectors, words and catalogue hold the same passages
    published = kb.inspect().published
    kb.close()
    say({"documents": documents, "seconds": opened, "published": published})
