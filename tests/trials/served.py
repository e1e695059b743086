"""A real ``rag-engine serve`` in a process of its own, and what the system says of that process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rag_engine.knowledge_base import KnowledgeBase
from rag_engine.pipelines.demo import sample_documents
from tests.waiting import wait_until

__all__ = ["Served", "sample_kb", "served"]

_RUN = "from rag_engine.pipelines.cli import main; raise SystemExit(main())"


@dataclass(frozen=True, slots=True)
class Served:
    """A service that runs: its address, its process, and the file that it logs to."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def lives(self) -> bool:
        """Tell whether the process still runs."""
        return self.process.poll() is None

    def failures(self) -> list[str]:
        """Return the lines of the log that tell of a fault of ours."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return [line for line in lines if '"level": "error"' in line or not line.startswith("{")]

    def last_lines(self) -> str:
        """Return the end of the log."""
        return self.log.read_text(encoding="utf-8", errors="replace")[-2000:]

    def resident_mb(self) -> float:
        """Return what the process holds in memory (10^6 bytes)."""
        fields = (self._proc / "status").read_text(encoding="ascii").splitlines()
        line = next(line for line in fields if line.startswith("VmRSS:"))
        return int(line.split()[1]) * 1024 / 1e6

    def descriptors(self) -> int:
        """Count open file descriptors."""
        return sum(1 for _ in (self._proc / "fd").iterdir())

    def threads(self) -> int:
        """Count threads, native ones too."""
        return sum(1 for _ in (self._proc / "task").iterdir())

    @property
    def _proc(self) -> Path:
        return Path("/proc") / str(self.process.pid)


def sample_kb(path: Path) -> Path:
    """Make a knowledge base of the sample's documents with the bundled model."""
    with KnowledgeBase.open(path) as kb:
        kb.add_files(sample_documents(), prefix="")
    return path


@contextmanager
def served(folder: Path, *arguments: str, before: str = "") -> Iterator[Served]:
    """Serve on a free port until the end of the block; then a SIGTERM must end it well.

    Its log and its temporary files are in ``folder``. ``before`` is Python that its process runs
    first, for planted faults.
    """
    temporary = folder / "tmp"
    temporary.mkdir(exist_ok=True)
    log = folder / "serve.log"
    command = [sys.executable, "-c", before + _RUN, "serve", "--port", "0", *arguments]
    with log.open("wb") as sink:
        process = subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            stderr=sink,
            env={**os.environ, "TMPDIR": str(temporary)},
        )
    try:
        wait_until(lambda: _address(log) or process.poll() is not None, "for the service to start")
        url = _address(log)
        service = Served(url=url or "", process=process, log=log)
        assert url is not None, service.last_lines()
        yield service
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0, "the service did not end well"
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _address(log: Path) -> str | None:
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        if '"event": "listening"' in line and line.endswith("}"):
            return str(json.loads(line)["url"])
    return None
