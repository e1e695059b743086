"""One batch at a time, in order; and what OpenVINO keeps for the shapes of batches has an end."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from rag_engine.connectors.embedders.openvino_runtime import Encoder, load_openvino

_CHILD = """
import ctypes, gc
from pathlib import Path
from rag_engine.connectors.embedders.bundled_e5 import BundledE5

embedder = BundledE5(threads=1)

def held():
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith("RssAnon:")).split()[1])

def embed(sizes, lengths):
    for length in lengths:
        for texts in sizes:
            embedder.embed_queries(["a " * (length - 6)] * texts)
    return held()

start = embed([16], [120])  # the largest batch sets the size of the buffers
usual = embed([1, 2, 3, 4, 6, 8, 12, 16], range(16, 128, 8))
print(usual - start, embed([5, 7, 9, 10, 11, 13], range(13, 125, 8)) - usual)
"""


_CHANGING = """
import sys, time
from concurrent.futures import ThreadPoolExecutor
import numpy as np
from rag_engine.connectors.embedders.openvino_runtime import Encoder, load_openvino

openvino = load_openvino()
op = openvino.opset13
rows = op.parameter([-1, -1, 4], np.float32, name="rows")
shares = op.softmax(op.matmul(rows, op.constant(np.eye(4, dtype="f4")), False, True), -1)
shares.output(0).set_names({"shares"})
encoder = Encoder(openvino.Core().compile_model(openvino.Model([shares], [rows], "shares"), "CPU"))
until = time.monotonic() + float(sys.argv[1])

def ask(number):
    count = 0
    while time.monotonic() < until:
        count += 1
        given = np.full((count % 5 + 1, count % 7 + 1, 4), number, np.float32)
        [found] = encoder.compute({"rows": given}, ["shares"])
        assert found.shape == given.shape and np.allclose(found, 0.25)

with ThreadPoolExecutor(4) as threads:
    list(threads.map(ask, range(4)))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="NOT TRIED: /proc tells what a process holds")
def test_lists_of_new_sizes_take_no_memory_of_their_own():
    # oneDNN's own cache below holds 1,024 kernels, and would fill for hundreds of shapes.
    environment = os.environ | {"ONEDNN_PRIMITIVE_CACHE_CAPACITY": "16"}
    printed = subprocess.check_output([sys.executable, "-c", _CHILD], env=environment)
    usual, others = (int(grown) for grown in printed.split())
    assert usual > 10_000, f"the case is not met: 112 shapes took {usual} kB"
    assert others < usual / 10, (usual, others)


@pytest.fixture(scope="module")
def encoder():
    openvino = load_openvino()
    op = openvino.opset13
    rows = op.parameter([-1, 3], np.float32, name="rows")
    doubled = op.multiply(rows, op.constant(np.float32(2)))
    doubled.output(0).set_names({"doubled"})
    model = openvino.Model([doubled], [rows], "doubling")
    return Encoder(openvino.Core().compile_model(model, "CPU"))


def test_an_output_is_asked_for_as_itself_too(encoder):
    # One of a model that was exported from torch has no name.
    [output] = encoder._request.model_outputs
    [doubled] = encoder.compute({"rows": np.ones((1, 3), np.float32)}, [output])
    assert doubled.tolist() == [[2, 2, 2]]


def test_what_is_returned_is_the_callers_own(encoder):
    [first] = encoder.compute({"rows": np.ones((2, 3), np.float32)}, ["doubled"])
    [second] = encoder.compute({"rows": np.zeros((1, 3), np.float32)}, ["doubled"])
    assert first.tolist() == [[2, 2, 2]] * 2
    assert second.tolist() == [[0, 0, 0]]


def test_threads_get_what_they_asked_for(encoder):
    wrong = []

    def ask(number):
        for count in range(1, 40):
            rows = np.full((count, 3), number, np.float32)
            [doubled] = encoder.compute({"rows": rows}, ["doubled"])
            if doubled.shape != rows.shape or (doubled != 2 * number).any():
                wrong.append((number, count))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.slow
def test_threads_with_batches_of_ever_other_shapes_end_no_process():
    # With a request a batch, of 25 s three in four ended so; a service did after 12,000 requests.
    subprocess.run([sys.executable, "-c", _CHANGING, "20"], check=True, timeout=300)


def test_a_batch_that_can_not_be_computed_holds_up_nobody(encoder):
    with pytest.raises(RuntimeError):
        encoder.compute({"rows": np.ones((2, 4), np.float32)}, ["doubled"])
    [doubled] = encoder.compute({"rows": np.ones((1, 3), np.float32)}, ["doubled"])
    assert doubled.tolist() == [[2, 2, 2]]


def test_who_left_while_a_batch_was_computed_holds_up_nobody(encoder):
    # As Ctrl-C does between the start of a batch and the wait for it.
    encoder._request.start_async({"rows": np.ones((200_000, 3), np.float32)}, share_inputs=True)
    [doubled] = encoder.compute({"rows": np.ones((1, 3), np.float32)}, ["doubled"])
    assert doubled.tolist() == [[2, 2, 2]]
