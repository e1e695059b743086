"""Which tokenizer a name means."""

from __future__ import annotations

from pathlib import Path

from rag_engine.errors import InvalidInput
from rag_engine.tasks.token_parity import TokenCounter

__all__ = ["open_counter"]

_TIKTOKEN = "tiktoken:"
_KINDS = (
    "a tokenizer.json, a SentencePiece model (.model), a model's folder, its name on the hub "
    "(owner/name) or tiktoken:ENCODING"
)


def open_counter(name: str) -> TokenCounter:
    """Open the tokenizer that is named: a file, a folder, a hub name or ``tiktoken:ENCODING``.

    Raises:
        InvalidInput: a file of another kind, or none where one was meant.
        MissingExtra: what reads it is not installed.
        ModelError: it can not be read.

    >>> open_counter("tokenizer.json")
    Traceback (most recent call last):
        ...
    rag_engine.errors.InvalidInput: there is no file 'tokenizer.json'; a tokenizer is a \
tokenizer.json, a SentencePiece model (.model), a model's folder, its name on the hub (owner/name) \
or tiktoken:ENCODING
    """
    if name.startswith(_TIKTOKEN):
        from rag_engine.connectors.token_counters.tiktoken_encoding import TiktokenTokens

        return TiktokenTokens(name.removeprefix(_TIKTOKEN))
    path = Path(name).expanduser()
    is_file, is_folder = path.is_file(), path.is_dir()
    if path.suffix in {".json", ".model", ".gguf"} and not is_file and not is_folder:
        raise InvalidInput(f"there is no file {name!r}; a tokenizer is {_KINDS}")
    if is_file and path.suffix == ".model":
        from rag_engine.connectors.token_counters.sentencepiece_model import SentencePieceTokens

        return SentencePieceTokens(path)
    from rag_engine.connectors.token_counters.hf_tokenizer import HfTokens

    if is_file and path.suffix == ".json":
        return HfTokens.from_file(path)
    if is_file or not name.strip():
        raise InvalidInput(f"{name!r} is no tokenizer that is read here; one is {_KINDS}")
    return HfTokens.from_model(str(path) if is_folder else name)
