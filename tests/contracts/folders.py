"""Seeing whether a folder changed."""

from __future__ import annotations

import hashlib
from pathlib import Path


def listing(folder: Path) -> dict[str, tuple[int, str]]:
    """Map each file below ``folder`` to its time of change and its SHA-256."""
    return {
        path.relative_to(folder).as_posix(): (
            path.stat().st_mtime_ns,
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "",
        )
        for path in sorted(folder.rglob("*"))
    }
