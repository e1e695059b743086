"""A process that opens a knowledge base when it is told to, for the trials with several processes.

``Contender`` starts ``python -m tests.trials.contender ROOT`` and sends it orders, a line each.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from rag_engine import Document, KnowledgeBase
from rag_engine.errors import StoreLocked
from tests.trials.load import components

__all__ = ["Contender"]

ROOT = Path(__file__).parents[2]


class Contender:
    """One such process, as the trial sees it."""

    def __init__(self, root: Path) -> None:
        environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.trials.contender", str(root)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            cwd=ROOT,
        )

    def tell(self, order: str, **arguments: object) -> None:
        """Send an order; several processes can be told before any is heard."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"order": order, **arguments}) + "\n")
        self._process.stdin.flush()

    def hear(self) -> dict[str, Any]:
        """Wait for what came of the order."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"a process ended with {self._process.wait()}"
        told: dict[str, Any] = json.loads(line)
        return told

    def ask(self, order: str, **arguments: object) -> dict[str, Any]:
        """Send an order, and wait for what comes of it."""
        self.tell(order, **arguments)
        return self.hear()

    def kill(self) -> None:
        """Kill it (SIGKILL), and see that it is gone."""
        self._process.send_signal(signal.SIGKILL)
        self._process.communicate()

    def end(self) -> None:
        """Let it end by itself."""
        self._process.communicate()


def _main(root: str) -> None:
    parts = components()
    kb: KnowledgeBase | None = None
    for line in sys.stdin:
        order = json.loads(line)
        started = time.monotonic()
        told: dict[str, object] = {}
        match order["order"]:
            case "wake":
                pass
            case "open":
                try:
                    kb = KnowledgeBase.open(root, components=parts, read_only=order["read_only"])
                    told["got"] = True
                except StoreLocked:
                    told["got"] = False
            case "add":
                assert kb is not None
                kb.add(Document(id=name, text=text) for name, text in order["texts"].items())
            case "find":
                assert kb is not None
                hits = kb.search("number", k=1_000)
                told["found"] = {hit.chunk.document_id: hit.chunk.text for hit in hits}
            case "close":
                assert kb is not None
                kb.close()
        told["seconds"] = time.monotonic() - started
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _main(sys.argv[1])
