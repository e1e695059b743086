"""What compiling decided is kept: the same vectors, and nothing kept of what is not right."""

from __future__ import annotations

import gc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from rag_engine.connectors.embedders import bundled_e5, compiled_model
from rag_engine.connectors.embedders.bundled_e5 import BundledE5
from rag_engine.errors import ModelError

TEXTS = [
    "Wie hoch ist der Berg?",
    "東京は日本の首都です。",
    "The pump is cleaned every year. " * 20,
]


def embedded(cache: Path, **options: object) -> np.ndarray:
    return BundledE5(cache_dir=cache, threads=1, **options).embed_passages(TEXTS)


def kept_in(cache: Path) -> list[Path]:
    return sorted(cache.glob("*/compiled.blob"))


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """A cache in which a model was prepared once."""
    folder = tmp_path_factory.mktemp("cache")
    embedded(folder, precision="f32")
    return folder


@pytest.fixture
def compiled(monkeypatch):
    """Counts what is compiled and not imported."""
    counted = []
    whole = compiled_model.KeptCompilation.keep

    def keep(self):
        counted.append(self._to_keep is not None)
        whole(self)

    monkeypatch.setattr(compiled_model.KeptCompilation, "keep", keep)
    return counted


def test_imported_it_computes_exactly_what_it_did_compiled(tmp_path, cache, compiled):
    for precision in ("f32", "int8"):
        first = embedded(tmp_path, precision=precision)
        again = embedded(tmp_path, precision=precision)
        np.testing.assert_array_equal(first, again)
    assert compiled == [True, False, True, False]
    assert len(kept_in(tmp_path)) == 2
    assert min(path.stat().st_size for path in kept_in(tmp_path)) < 2_000_000


def test_what_it_reads_from_lives_as_long_as_it_does(cache):
    """Constants of an imported model are not copied: its memory must not be given to others."""
    expected = embedded(cache, precision="f32")
    sizes = {path.stat().st_size for path in kept_in(cache)}
    embedders, rubbish = [], []
    for _ in range(4):
        embedders.append(BundledE5(cache_dir=cache, threads=1, precision="f32"))
        gc.collect()
        rubbish += [np.full(size, 255, np.uint8) for size in sizes for _ in range(8)]
        rubbish += [np.zeros(size, np.uint8) + 1 for size in sizes for _ in range(8)]
    for embedder in embedders:
        embedder.embed_passages(["word " * length for length in (1, 3, 7, 40, 200)])
        np.testing.assert_array_equal(embedder.embed_passages(TEXTS), expected)


def test_another_way_to_compute_or_another_processor_has_its_own(cache, compiled, monkeypatch):
    before = len(kept_in(cache))
    BundledE5(cache_dir=cache, threads=2, precision="f32")
    monkeypatch.setattr(compiled_model, "processor_flags", lambda: frozenset({"another"}))
    embedded(cache, precision="f32")
    assert compiled == [True, True]
    assert len(kept_in(cache)) == before + 2


@pytest.mark.parametrize("damage", [b"", b"no compiled model", None])
def test_a_damaged_one_is_compiled_again(cache, compiled, damage):
    expected = embedded(cache, precision="f32")
    for path in kept_in(cache):
        data = bytearray(path.read_bytes() or b"?")
        data[len(data) // 2] ^= 1
        path.write_bytes(bytes(data) if damage is None else damage)
    np.testing.assert_array_equal(embedded(cache, precision="f32"), expected)
    np.testing.assert_array_equal(embedded(cache, precision="f32"), expected)
    assert compiled == [False, True, False]


def test_what_openvino_refuses_is_compiled(cache, monkeypatch):
    expected = embedded(cache, precision="f32")

    def refuse(*_):
        raise RuntimeError("of another version")

    monkeypatch.setattr(compiled_model.KeptCompilation, "_imported", refuse)
    np.testing.assert_array_equal(embedded(cache, precision="f32"), expected)


def test_nothing_is_kept_of_wrong_weights(tmp_path, cache, monkeypatch):
    def wrong(_):
        raise ModelError("these are other weights")

    monkeypatch.setattr(bundled_e5, "verify_weights", wrong)
    with pytest.raises(ModelError, match="other weights"):
        embedded(tmp_path, precision="f32")
    assert list(tmp_path.glob("*/*")) == []
    before = kept_in(cache)
    with pytest.raises(ModelError, match="other weights"):
        BundledE5(cache_dir=cache, threads=3, precision="f32")
    assert kept_in(cache) == before
    later = BundledE5(cache_dir=cache, threads=1, precision="f32", beside=True)
    for use in (later.ready, lambda: later.embed_queries(["?"])):
        with pytest.raises(ModelError, match="other weights"):
            use()


def test_nothing_is_kept_of_a_damaged_prepared_model(tmp_path, compiled):
    """Constants that were computed from damaged numbers would outlive them."""
    expected = embedded(tmp_path, precision="f32")
    [blob] = kept_in(tmp_path)
    blob.unlink()
    [weights] = tmp_path.glob("*/model.bin")
    data = bytearray(weights.read_bytes())
    data[4 : len(data) : 4096] = bytes(len(data[4 : len(data) : 4096]))
    weights.write_bytes(data)
    np.testing.assert_array_equal(embedded(tmp_path, precision="f32"), expected)
    assert len(kept_in(tmp_path)) == 1
    np.testing.assert_array_equal(embedded(tmp_path, precision="f32"), expected)
    assert compiled == [True, True, False]


def test_several_at_once_agree(tmp_path):
    with ThreadPoolExecutor(3) as threads:
        found = list(threads.map(lambda _: embedded(tmp_path, precision="int8"), range(3)))
    for one in found:
        np.testing.assert_array_equal(one, found[0])
    assert len(kept_in(tmp_path)) == 1
