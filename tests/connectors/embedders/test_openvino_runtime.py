"""What OpenVINO keeps for every shape of a batch does not grow without end."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

_CHILD = """
import ctypes, gc, sys
from pathlib import Path
from rag_engine.connectors.embedders import openvino_runtime

openvino_runtime._KERNELS = int(sys.argv[1])
from rag_engine.connectors.embedders.bundled_e5 import BundledE5

embedder = BundledE5(threads=1)

def held():
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith("RssAnon:")).split()[1])

embedder.embed_queries(["a " * 100] * 20)  # the largest batch sets the size of the buffers
for lengths in (range(8, 48, 8), range(48, 88, 8)):
    before = held()
    for length in lengths:
        for texts in range(1, 6):
            embedder.embed_queries(["a " * (length - 6)] * texts)
print(held() - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="NOT TRIED: /proc tells what a process holds")
def test_new_shapes_of_batches_do_not_take_memory_for_ever():
    # oneDNN's own cache below holds 1,024 kernels, and would fill for hundreds of shapes.
    environment = os.environ | {"ONEDNN_PRIMITIVE_CACHE_CAPACITY": "16"}
    few, all_of_them = (
        int(subprocess.check_output([sys.executable, "-c", _CHILD, kept], env=environment))
        for kept in ("16", "5000")
    )
    assert all_of_them > 10_000, f"the case is not met: 25 shapes took {all_of_them} kB"
    assert few < all_of_them / 3, (few, all_of_them)
