"""Freed memory goes back to the system, in a process that asked for it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

_GLIBC = sys.platform == "linux" and "glibc" in (os.confstr("CS_GNU_LIBC_VERSION") or "")

# Eight threads fill 16 MB each, then free them.
_PROGRAM = """
import ctypes, threading
from rag_engine.pipelines.process_memory import give_memory_back
{call}
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
libc.free(libc.malloc(30 << 20))  # where nothing is set, this moves both thresholds
barrier = threading.Barrier(8)
def work():
    blocks = [libc.malloc(2 << 20) for _ in range(8)]
    for block in blocks:
        ctypes.memset(block, 1, 2 << 20)
    barrier.wait()
    for block in blocks:
        libc.free(block)
    barrier.wait()
threads = [threading.Thread(target=work) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
with open("/proc/self/status") as file:
    print(next(int(line.split()[1]) // 1024 for line in file if line.startswith("RssAnon:")))
"""


def _resident_mb(call: str, **environment: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM.format(call=call)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **environment},
    )
    return int(done.stdout)


@pytest.mark.skipif(not _GLIBC, reason="only glibc can be told")
def test_what_is_freed_goes_back():
    assert _resident_mb("give_memory_back()") + 16 < _resident_mb("")


@pytest.mark.skipif(not _GLIBC, reason="only glibc can be told")
def test_what_the_environment_chose_stays():
    said = _resident_mb("assert 'arena_max' not in give_memory_back()", MALLOC_ARENA_MAX="8")
    assert said > 0
