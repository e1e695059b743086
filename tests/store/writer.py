"""A process that changes a knowledge base without end and says what was acknowledged.

Run as ``python -m tests.store.writer PATH SEED``; killed by the test. Each line on stdout is an
operation that has returned: ``+ id text`` or ``- id``.
"""

from __future__ import annotations

import random
import sys

from rag_engine import Document, KnowledgeBase
from tests.conftest import components_with
from tests.doubles import HashEmbedder


def main(path: str, seed: int) -> None:
    drawn = random.Random(seed)
    kb = KnowledgeBase.open(path, components=components_with(HashEmbedder()))
    say("opened")
    while True:
        match drawn.choice(["add", "add", "add", "delete", "compact", "search"]):
            case "add":
                batch = {f"d{drawn.randrange(60)}": f"text {drawn.random()}" for _ in range(4)}
                for name, text in batch.items():
                    say(f"? {name} {text}")
                kb.add(Document(id=name, text=text) for name, text in batch.items())
                for name, text in batch.items():
                    say(f"+ {name} {text}")
            case "delete":
                name = f"d{drawn.randrange(60)}"
                say(f"~ {name}")
                kb.delete([name])
                say(f"- {name}")
            case "compact":
                kb.compact()
            case "search":
                kb.search("text", k=5)


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
