"""The cases of ``fork_cases``, in a process that nothing else ran in."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.waiting import PATIENCE_S

CASES = Path(__file__).with_name("fork_cases.py")


def test_they_hold_in_a_process_of_their_own():
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", CASES],
        capture_output=True,
        text=True,
        check=False,
        timeout=5 * PATIENCE_S,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert re.search(r"^20 passed", done.stdout, re.MULTILINE), done.stdout
