"""Which process holds a lock, where the system tells."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

__all__ = ["lock_holder"]

_LOCKS = Path("/proc/locks")
_LONGEST = 120


def lock_holder(path: Path) -> str:
    """Say which process holds the lock on a file, as words of a sentence.

    Linux tells the process in ``/proc/locks``; elsewhere, and of another machine or container,
    nobody is named.

    >>> lock_holder(Path(__file__))
    'another process'
    """
    with suppress(OSError, ValueError):
        number = path.stat().st_ino
        for line in _LOCKS.read_text(encoding="ascii").splitlines():
            words = line.split()  # 1: FLOCK ADVISORY WRITE 4711 08:01:1234 0 EOF
            if words[1] == "FLOCK" and words[3] == "WRITE" and words[5].endswith(f":{number}"):
                return f"process {int(words[4])}{_command_of(int(words[4]))}"
    return "another process"


def _command_of(process: int) -> str:
    with suppress(OSError):
        data = Path(f"/proc/{process}/cmdline").read_bytes()
        command = data.replace(b"\0", b" ").decode("utf-8", "replace").strip()
        shown = command if len(command) <= _LONGEST else f"{command[:_LONGEST]}..."
        return f" ({shown})" if shown else ""
    return ""
