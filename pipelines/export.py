"""Any sentence-transformers model, written so that it runs without torch, and fast.

The graph takes token ids and their mask and gives unit vectors, and those of the tokens where the
model has them: encoder, pooling and scaling are all in it. Before the folder appears, what it
computes is compared with torch on texts of many languages; a model whose vectors turned too far is
refused.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from rag_engine.connectors.embedders.exported import (
    DESCRIPTION,
    FORMAT,
    GRAPHS,
    TOKENIZER,
    ExportedEmbedder,
)
from rag_engine.errors import InvalidInput, MissingExtra, ModelError
from rag_engine.pipelines.bench.texts import sample_texts, synthetic_documents
from rag_engine.pipelines.export_bundled import export_bundled
from rag_engine.pipelines.export_target import BUNDLED, Target
from rag_engine.ports import Float32Array

__all__ = ["export_model", "new_folder"]

_CALIBRATION_TEXTS, _CHECKED_TEXTS = 300, 64
_LEAST_COSINE = {False: 0.999, True: 0.99}
"""How near each vector must be to torch's, without and with ``int8``."""


def export_model(
    model: str,
    target: Path,
    to: str,
    *,
    int8: bool = False,
    least_cosine: float | None = None,
    adapter: bool = True,
) -> dict[str, Any]:
    """Write ``model`` into the new folder ``target``; return what ``embedder.json`` says.

    ``model`` is a directory, a hub name, or ``bundled``. With ``int8``, weights and the inputs of
    matrix products take 8 bits: less room, more speed, vectors a little off. ``least_cosine`` is
    how near each must be to torch's, 0.999 by default and 0.99 with ``int8``. ``adapter`` tells
    whether the bundled model is written with what training has added to it. The folder appears
    whole or not at all.

    Raises:
        InvalidInput: an unknown format, or ``target`` is something else than a missing or an empty
            folder.
        MissingExtra: a package of the extra ``export`` is not installed.
        ModelError: the model can not be loaded, or what was written is too far from it.
    """
    if to not in get_args(Target) or (int8 and to == "sentence-transformers"):
        raise InvalidInput(
            f"a model is exported to one of {get_args(Target)}, int8 only to the first two; got "
            f"{to!r}{' with int8' if int8 else ''}"
        )
    new_folder(target)
    if to == "sentence-transformers":
        if model != BUNDLED:
            raise InvalidInput(
                f"{model!r} is a sentence-transformers model already; copy its folder"
            )
        export_bundled(target, adapter=adapter)
        return {}
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        if model == BUNDLED:
            export_bundled(aside / "source", adapter=adapter)
            model = str(aside / "source")
        description = _written(model, aside / "out", to, int8=int8, least_cosine=least_cosine)
        (aside / "out").chmod(0o755)
        (aside / "out").rename(target)
        return description
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def new_folder(target: Path) -> None:
    """Check that ``target`` is missing or an empty folder.

    Raises:
        InvalidInput: it is something else.
    """
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise InvalidInput(
            f"{str(target)!r} exists and is not an empty folder; name a new one to export into"
        )


def _written(
    model: str, folder: Path, to: str, *, int8: bool, least_cosine: float | None
) -> dict[str, Any]:
    from rag_engine.connectors.embedders.sentence_transformer import SentenceTransformerEmbedder

    original = SentenceTransformerEmbedder(model=model, device="cpu", precision="f32")
    folder.mkdir()
    tokenizer = original.fast_tokenizer()
    tokenizer.save(str(folder / TOKENIZER), pretty=False)
    texts = [document.text for document in synthetic_documents(_CALIBRATION_TEXTS, sample_texts())]
    examples = [original.features(texts[start : start + 4]) for start in range(0, len(texts), 4)]
    write: Callable[..., None] = {"onnx": _to_onnx, "openvino": _to_openvino}[to]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tracing warns of every number that it takes as fixed
        write(original.sentence_module(), examples, folder / GRAPHS[to], int8)
    description: dict[str, Any] = {
        "format": FORMAT,
        "runtime": to,
        "int8": int8,
        "contract": asdict(original.contract),
        "pad": original.pad,
        "tokens_refused": original.tokens_refused,
    }
    _describe(folder, description)
    # In the precision that the file has, whatever this processor would choose.
    precision: Literal["auto", "f32"] = "auto" if to == "onnx" else "f32"
    exported = ExportedEmbedder(folder, precision=precision)
    checked = texts[:: max(1, len(texts) // _CHECKED_TEXTS)]
    cosines = _cosines(original.embed_passages(checked), exported.embed_passages(checked))
    description["cosine_to_torch"] = {
        "min": round(float(cosines.min()), 6),
        "mean": round(float(cosines.mean()), 6),
        "texts": len(checked),
    }
    bound = _LEAST_COSINE[int8] if least_cosine is None else least_cosine
    if float(cosines.min()) < bound:
        raise ModelError(
            f"exported to {to}{' with int8' if int8 else ''}, a vector of {model!r} has cosine "
            f"{cosines.min():.4f} to torch's, less than {bound}; nothing was written"
        )
    _describe(folder, description)
    return description


def _describe(folder: Path, description: dict[str, Any]) -> None:
    (folder / DESCRIPTION).write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")


def _cosines(one: Float32Array, other: Float32Array) -> Float32Array:
    cosines: Float32Array = np.vecdot(one, other)
    return cosines


def _to_openvino(module: Any, examples: list[dict[str, Any]], path: Path, int8: bool) -> None:
    import openvino

    inputs = {name: examples[0][name] for name in ("input_ids", "attention_mask")}
    converted = openvino.convert_model(
        module,
        example_input=inputs,
        input=[(name, [-1, -1], openvino.Type.i64) for name in inputs],
    )
    if int8:
        converted = _quantized(converted, examples)
    openvino.save_model(converted, path, compress_to_fp16=False)


def _quantized(model: Any, examples: Iterable[dict[str, Any]]) -> Any:
    try:
        import nncf
    except ImportError as exc:
        raise MissingExtra("export", package="nncf") from exc
    data = [
        {name: example[name].numpy() for name in ("input_ids", "attention_mask")}
        for example in examples
    ]
    return nncf.quantize(
        model,
        nncf.Dataset(data),
        model_type=nncf.ModelType.TRANSFORMER,
        preset=nncf.QuantizationPreset.MIXED,
        subset_size=len(data),
    )


def _to_onnx(module: Any, examples: list[dict[str, Any]], path: Path, int8: bool) -> None:
    import torch

    try:
        import onnx  # noqa: F401 (torch writes with it)
        from onnxruntime.quantization import QuantType, quantize_dynamic
    except ImportError as exc:
        raise MissingExtra("export", package="onnx") from exc
    names = ["input_ids", "attention_mask"]
    both = {0: "rows", 1: "length"}
    outputs = ["sentence_embedding", *([] if module.tokens.refused else ["token_embeddings"])]
    whole = path.with_name("float32.onnx") if int8 else path
    torch.onnx.export(
        module,
        tuple(examples[0][name] for name in names),
        str(whole),
        input_names=names,
        output_names=outputs,
        dynamic_axes={
            **dict.fromkeys(names, both),
            "sentence_embedding": {0: "rows"},
            **dict.fromkeys(outputs[1:], both),
        },
        opset_version=17,
        dynamo=False,
    )
    if int8:
        quantize_dynamic(whole, path, weight_type=QuantType.QInt8, per_channel=True)
        whole.unlink()
