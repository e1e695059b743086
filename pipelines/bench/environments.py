"""Environments of their own for what is measured beside this project."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

from rag_engine.errors import RagEngineError

__all__ = ["INSTALL_S", "PeerFailed", "made_environment", "run_to_end", "versions_of"]

INSTALL_S = 1_800
"""Seconds that an installation may take."""


class PeerFailed(RagEngineError):
    """A peer could not be installed, or its script failed."""


def made_environment(home: Path, wanted: Sequence[str]) -> Path:
    """Return the interpreter of an environment with some packages, which is made if needed.

    Raises:
        PeerFailed: they can not be installed.
    """
    python = home / "bin" / "python"
    if not (home / "ready").exists():
        venv.create(home, with_pip=True, clear=True)
        run_to_end([str(python), "-m", "pip", "install", "-q", *wanted], INSTALL_S)
        (home / "ready").touch()
    return python


def versions_of(python: Path, packages: Sequence[str]) -> dict[str, str]:
    """Return the versions of some packages in an environment, as far as they are there.

    Raises:
        PeerFailed: the environment can not be asked.
    """
    listing = [sys.executable, "-m", "pip", f"--python={python}", "list", "--format=json"]
    installed = json.loads(run_to_end(listing, INSTALL_S))
    return {
        package["name"]: package["version"] for package in installed if package["name"] in packages
    }


def run_to_end(command: Sequence[str], limit_s: float) -> str:
    """Run a program and return what it printed.

    Raises:
        PeerFailed: it failed, or took longer than ``limit_s`` seconds.
    """
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, encoding="utf-8", timeout=limit_s, check=True
        )
    except subprocess.CalledProcessError as error:
        last = [line for line in error.stderr.strip().splitlines() if line.strip()][-3:]
        raise PeerFailed(" | ".join(last) or f"exit status {error.returncode}") from error
    except subprocess.TimeoutExpired as error:
        raise PeerFailed(f"it took longer than {limit_s:.0f} s") from error
    except OSError as error:
        raise PeerFailed(f"{command[0]} can not be run: {error}") from error
    return done.stdout
