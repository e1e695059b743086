"""Token parity: how many tokens a tokenizer makes of the same content, language by language.

A tokenizer's *premium* for a language is how many tokens it makes of texts in it over how many it
makes of their translations in another language (Petrov et al. 2023, "Language Model Tokenizers
Introduce Unfairness Between Languages", section 3: |t(A)| / |t(B)|). Here both are summed over all
sentences that both languages have. As there (section 3), nothing is told of a language of which the
tokenizer can not read more than a tenth of the characters: what it drops costs no tokens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from rag_engine.errors import InvalidInput
from rag_engine.store.progress import OnStage, silent

__all__ = [
    "MOST_UNKNOWN",
    "Aligned",
    "LanguageParity",
    "TokenCount",
    "TokenCounter",
    "token_parity",
]

MOST_UNKNOWN = 0.1
"""The share of a language's characters from which on a tokenizer is said not to read it."""

Aligned = Mapping[str, Mapping[int, str]]
"""Texts by language and by the number of the sentence that they say."""


class TokenCount(NamedTuple):
    """The tokens of a text, and how many of its characters are in tokens that stand for nothing.

    ``unknown`` is None where the tokenizer does not tell.
    """

    tokens: int
    unknown: int | None


class TokenCounter(Protocol):
    """A tokenizer, as far as it counts."""

    @property
    def name(self) -> str:
        """What a report calls it."""
        ...

    def count(self, texts: Sequence[str]) -> list[TokenCount]:
        """Count the tokens of each text, without special tokens."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageParity:
    """What a language costs, over the ``sentences`` that it and the reference have.

    ``tokens``, ``characters`` (code points) and ``bytes`` (UTF-8) are sums; ``premium``,
    ``characters_ratio`` and ``bytes_ratio`` are those over the reference's, of the same sentences.
    ``premium`` is None where the tokenizer can not read the language, or makes nothing of the
    reference; ``unknown`` is the share of characters that it can not read, None where it does not
    tell. ``missing`` counts the reference's sentences that the language lacks.
    """

    language: str
    sentences: int
    missing: int
    tokens: int
    characters: int
    bytes: int
    premium: float | None
    characters_ratio: float
    bytes_ratio: float
    unknown: float | None

    @property
    def readable(self) -> bool:
        """Whether the tokenizer can read the language, as far as that is told."""
        return self.unknown is None or self.unknown <= MOST_UNKNOWN


class _Size(NamedTuple):
    tokens: int
    unknown: int | None
    characters: int
    bytes: int


def token_parity(
    texts: Aligned, counter: TokenCounter, *, relative_to: str, on_stage: OnStage = silent
) -> list[LanguageParity]:
    """Measure every language against ``relative_to``, one of ``texts``' own names of languages.

    Languages that share no sentence with it are left out; they come in the order of their names.

    Raises:
        InvalidInput: there are no texts in ``relative_to``, or the tokenizer can not read them.

    >>> class Letters:
    ...     name = "letters"
    ...     def count(self, texts):
    ...         return [TokenCount(len(text), 0) for text in texts]
    >>> texts = {"en": {1: "a cat", 2: "one"}, "de": {1: "eine Katze"}}
    >>> [german, english] = token_parity(texts, Letters(), relative_to="en")
    >>> german.sentences, german.missing, german.tokens, german.premium  # 10 letters over 5
    (1, 1, 10, 2.0)
    """
    if not texts.get(relative_to):
        raise InvalidInput(
            f"there are no texts in {relative_to!r} to compare with; there are some in "
            f"{', '.join(sorted(texts)) or 'no language'}"
        )
    base = _sizes(texts[relative_to], counter)
    if not _compared(relative_to, list(base.values()), list(base.values()), 0).premium:
        raise InvalidInput(
            f"{counter.name} can not read {relative_to}: nothing can be told relative to it; "
            "name a language that it reads"
        )
    found = []
    for number, language in enumerate(sorted(texts)):
        on_stage(f"languages, {counter.name}", number, len(texts))
        own = base if language == relative_to else _sizes(texts[language], counter)
        shared = own.keys() & base.keys()
        if shared:
            mine, its = ([sizes[key] for key in shared] for sizes in (own, base))
            found.append(_compared(language, mine, its, len(base) - len(shared)))
    return found


def _sizes(sentences: Mapping[int, str], counter: TokenCounter) -> dict[int, _Size]:
    texts = list(sentences.values())
    return {
        number: _Size(*count, len(text), len(text.encode("utf-8", "replace")))
        for number, text, count in zip(sentences, texts, counter.count(texts), strict=True)
    }


def _compared(
    language: str, own: Sequence[_Size], base: Sequence[_Size], missing: int
) -> LanguageParity:
    characters, in_bytes = sum(size.characters for size in own), sum(size.bytes for size in own)
    tokens = sum(size.tokens for size in own)
    told = [size.unknown for size in own if size.unknown is not None]
    unknown = sum(told) / max(1, characters) if told else None
    its_tokens = sum(size.tokens for size in base)
    readable = unknown is None or unknown <= MOST_UNKNOWN
    return LanguageParity(
        language=language,
        sentences=len(own),
        missing=missing,
        tokens=tokens,
        characters=characters,
        bytes=in_bytes,
        premium=tokens / its_tokens if readable and its_tokens else None,
        characters_ratio=characters / sum(size.characters for size in base),
        bytes_ratio=in_bytes / sum(size.bytes for size in base),
        unknown=unknown,
    )
