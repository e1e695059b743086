"""Answers without a language model: the best sentences of the best passages, quoted."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rag_engine.answering.citations import without_marks
from rag_engine.errors import InvalidInput
from rag_engine.ports import Embedder, Float32Array, Prompt
from rag_engine.text.sentences import sentences

__all__ = ["ExtractiveGenerator"]

_QUESTION_END = re.compile(r"[?？؟՞;⸮፧][\s\"'»”’)）」]*$")
_FEWEST_LETTERS = 8
"""A shorter piece is a heading or a number, not a statement; ideographs count double."""


class ExtractiveGenerator:
    """A ``Generator`` that quotes: one line a sentence, each with the number of its source.

    It writes nothing of its own and can not translate: the quotations stay in the languages of
    their sources, whatever the question's is, which its name says. At most ``max_sentences`` are
    quoted: half of them (rounded up) from the first passage, then one from each that follows.

    Within a passage, a sentence is chosen by the cosine of its vector and the question's. Across
    passages the retriever's order decides, because a model like E5 gives sentences in the
    question's own language higher cosines than better ones in another. A sentence that only asks
    (an FAQ's question) is never quoted; what follows it inherits its cosine.

    The same prompt always gives the same answer.
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

    def generate(self, prompt: Prompt) -> Iterator[str]:
        """Yield one line a quotation; nothing if there is no passage with a sentence."""
        question = self._embedder.embed_queries([prompt.question])[0]
        left = self._max_sentences
        for number, passage in enumerate(prompt.passages, start=1):
            share = -(-left // 2) if left == self._max_sentences else 1
            for quoted in self._best(question, passage, share):
                yield f"“{without_marks(quoted)}” [{number}]\n"
                left -= 1
            if left <= 0:
                return

    def _best(self, question: Float32Array, passage: str, count: int) -> list[str]:
        """Return the ``count`` best statements of a passage, in its order."""
        found = [passage[start:end] for start, end in sentences(passage)]
        statements = [row for row, text in enumerate(found) if _is_statement(text)]
        if not statements:
            return []
        cosines = self._embedder.embed_passages(found) @ question
        scores = [_score(cosines, found, row) for row in statements]
        best = sorted(range(len(statements)), key=lambda each: (-scores[each], each))[:count]
        return [" ".join(found[statements[each]].split()) for each in sorted(best)]


def _score(cosines: Float32Array, found: list[str], row: int) -> float:
    """Return a statement's cosine, or that of the question right before it, if greater."""
    own = float(cosines[row])
    asked = row > 0 and _QUESTION_END.search(found[row - 1])
    return max(own, float(cosines[row - 1])) if asked else own


def _is_statement(text: str) -> bool:
    letters = sum(
        2 if "\u2e80" <= c <= "\u9fff" or "\uac00" <= c <= "\ud7af" else 1
        for c in text
        if c.isalnum()
    )
    return letters >= _FEWEST_LETTERS and not _QUESTION_END.search(text)
