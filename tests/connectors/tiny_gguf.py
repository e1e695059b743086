"""A reranker of random weights in the file format of llama.cpp: a BERT that reads a few words."""

from __future__ import annotations

from pathlib import Path

import numpy as np

WORDS = (
    *("wann", "wird", "der", "filter", "gewechselt", "die", "pumpe", "steht", "im", "keller"),
    *("das", "dach", "ist", "dicht"),
)
"""What it tells apart; all other words are one to it."""
CONTEXT = 128
"""Tokens of a pair that it reads."""
_WIDTH, _INNER, _LAYERS = 32, 64, 2


def save_gguf_reranker(path: Path) -> Path:
    """Write a BERT with a pooler and a classifier of one label."""
    import gguf

    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"▁{w}" for w in WORDS), "?", "."]
    drawn = np.random.default_rng(7)
    writer = gguf.GGUFWriter(str(path), "bert")
    writer.add_name("tiny-reranker")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(_WIDTH)
    writer.add_feed_forward_length(_INNER)
    writer.add_block_count(_LAYERS)
    writer.add_head_count(2)
    writer.add_layer_norm_eps(1e-12)
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType.RANK)
    writer.add_vocab_size(len(vocabulary))
    writer.add_tokenizer_model("bert")
    writer.add_token_list(vocabulary)
    writer.add_token_types(
        [gguf.TokenType.CONTROL] * 5 + [gguf.TokenType.NORMAL] * (len(WORDS) + 2)
    )
    writer.add_token_type_count(2)
    writer.add_pad_token_id(0)
    writer.add_unk_token_id(1)
    writer.add_bos_token_id(2)
    writer.add_eos_token_id(3)
    writer.add_sep_token_id(3)
    writer.add_mask_token_id(4)
    writer.add_classifier_output_labels(["LABEL_0"])

    def random(name: str, *shape: int) -> None:
        writer.add_tensor(name, (0.4 * drawn.normal(size=shape)).astype(np.float32))

    def linear(name: str, outputs: int, inputs: int) -> None:
        random(f"{name}.weight", outputs, inputs)
        random(f"{name}.bias", outputs)

    def norm(name: str) -> None:
        writer.add_tensor(f"{name}.weight", np.ones(_WIDTH, np.float32))
        writer.add_tensor(f"{name}.bias", np.zeros(_WIDTH, np.float32))

    random("token_embd.weight", len(vocabulary), _WIDTH)
    random("position_embd.weight", CONTEXT, _WIDTH)
    random("token_types.weight", 2, _WIDTH)
    norm("token_embd_norm")
    for layer in range(_LAYERS):
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            linear(f"blk.{layer}.{part}", _WIDTH, _WIDTH)
        norm(f"blk.{layer}.attn_output_norm")
        linear(f"blk.{layer}.ffn_up", _INNER, _WIDTH)
        linear(f"blk.{layer}.ffn_down", _WIDTH, _INNER)
        norm(f"blk.{layer}.layer_output_norm")
    linear("cls", _WIDTH, _WIDTH)
    linear("cls.output", 1, _WIDTH)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
