"""Answers without a language model: the best sentences of the best passages, quoted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import zip_longest

from rag_engine.answering.citations import without_marks
from rag_engine.errors import InvalidInput
from rag_engine.ports import Embedder, Float32Array, Prompt
from rag_engine.text.sentences import sentences

__all__ = ["ExtractiveGenerator"]

_CLOSING = r"[\s\"'»”’)\]）」』】]*$"
_QUESTION_END = re.compile(rf"[?？؟՞;⸮፧]{_CLOSING}")
_STOP = re.compile(rf"[.!。！．…؟?？।॥։።។៕၊။།]{_CLOSING}")
_LIST_ITEM = re.compile(r"(?:[-*+•‣·–—]|\(?\w{1,3}[.)])\s|.*\|")
_FEWEST_LETTERS = 8
"""A shorter piece is a label or a number, not a statement; ideographs count double."""
_LONGEST_HEADING = 60
"""Letters of a line without a stop that may be a heading; Thai and Lao text has no stops."""


class ExtractiveGenerator:
    """A ``Generator`` that quotes: one line a sentence, each with the number of its source.

    It writes nothing of its own and can not translate: quotations stay in the languages of their
    sources, whatever the question's is, which its name says. At most ``max_sentences`` are
    quoted: the best of the first passage in its own order, then, if that has fewer, one from each
    that follows.

    Within a passage, sentences are chosen by the cosine of their vectors and the question's.
    Across passages only the retriever's order counts: E5 gives a sentence in the question's own
    language a higher cosine than a better one in another. Headings are not quoted, nor is a
    sentence that only asks (an FAQ's question); what follows it inherits its cosine.

    The same prompt always gives the same answer.

    Raises:
        InvalidInput: ``max_sentences`` below 1.
    """

    def __init__(self, *, embedder: Embedder, max_sentences: int = 3) -> None:
        if max_sentences < 1:
            raise InvalidInput(f"max_sentences is at least 1, got {max_sentences!r}")
        self._embedder = embedder
        self._max_sentences = max_sentences

    @property
    def name(self) -> str:
        """Says that the answer is quoted, untranslated."""
        return "extractive (quotes the sources word for word, no language model)"

    @property
    def quotes(self) -> bool:
        """It does."""
        return True

    def generate(self, prompt: Prompt) -> Iterator[str]:
        """Yield one line a quotation; nothing if no passage holds a sentence."""
        question = self._embedder.embed_queries([prompt.question])[0]
        left = self._max_sentences
        passages = zip_longest(prompt.passages, prompt.passage_languages, fillvalue="")
        for number, (passage, language) in enumerate(passages, start=1):
            for quoted in self._best(question, passage, language, left if number == 1 else 1):
                yield f"“{without_marks(quoted)}” [{number}]\n"
                left -= 1
            if not left:
                return

    def _best(self, question: Float32Array, passage: str, language: str, count: int) -> list[str]:
        """Return the ``count`` best statements of a passage, in its order."""
        spans = sentences(passage, language)
        texts = [passage[start:end] for start, end in spans]
        statements = [row for row, text in enumerate(texts) if _is_statement(text)]
        bodies = [row for row in statements if not _is_heading(passage, *spans[row])]
        candidates = bodies or statements
        if len(candidates) > count:
            cosines = self._embedder.embed_passages(texts) @ question
            scores = {row: _score(cosines, texts, row) for row in candidates}
            candidates = sorted(candidates, key=lambda row: (-scores[row], row))[:count]
        return [" ".join(texts[row].split()) for row in sorted(candidates)]


def _score(cosines: Float32Array, sentences: list[str], row: int) -> float:
    """Return a statement's cosine, or that of the question right before it, if greater."""
    after_question = row > 0 and _QUESTION_END.search(sentences[row - 1])
    return float(max(cosines[row - 1], cosines[row]) if after_question else cosines[row])


def _is_statement(text: str) -> bool:
    return _letters(text) >= _FEWEST_LETTERS and not _QUESTION_END.search(text)


def _is_heading(passage: str, start: int, end: int) -> bool:
    """Tell whether a sentence is a short line of its own, without a stop, and no list item."""
    before, text, after = passage[:start], passage[start:end], passage[end:]
    alone = not before.rpartition("\n")[2].strip() and not after.partition("\n")[0].strip()
    return (
        alone
        and not _STOP.search(text)
        and not _LIST_ITEM.match(text)
        and _letters(text) <= _LONGEST_HEADING
    )


def _letters(text: str) -> int:
    """Count letters and digits, ideographs, kana and hangul double."""
    return sum(
        2 if "\u2e80" <= c <= "\u9fff" or "\uac00" <= c <= "\ud7af" else 1
        for c in text
        if c.isalnum()
    )
