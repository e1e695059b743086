"""Late interaction: each token of the question looks for its best match among a passage's tokens.

One vector a text blurs what a passage says beside the answer. The vectors of its tokens, from the
same run of the same model, do not: a passage's score is the mean, over the question's tokens, of
the greatest cosine with any of its tokens (MaxSim, Khattab and Zaharia 2020, "ColBERT", section
3.2). Weighing tokens by their information, taking out what is language and what any passage of
that length and kind would match, is this project's own.
"""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from rag_engine.calibration.token_space import TokenSpace, centred_tokens
from rag_engine.matmul import matmul_on_one_thread
from rag_engine.ports import Float32Array, TokenVectors
from rag_engine.retrieval.candidates import Candidates
from rag_engine.retrieval.formulations import mean_of
from rag_engine.retrieval.query import PreparedQuery
from rag_engine.store.token_vectors import ChunkTokens, token_code
from rag_engine.store.view import View

__all__ = ["PassageTokens", "compare_tokens", "late_interaction_scores", "middle_of"]

_EXPECTED = 0.5
"""How much of the mean match with foreign tokens is taken off."""
_LENGTH = 0.005
"""What is taken off for each e-fold of a passage's length in tokens."""
_SMALLEST = 1e-12
_HOME_PART = 6
_AT_HOME = 0.5


class PassageTokens:
    """The tokens of passages, compared as if they were centred and of unit length.

    Moving and scaling every token costs more than comparing them. The cosine of a token less an
    offset with a unit vector comes from products with the tokens themselves, as they are kept::

        cos = (token @ unit - offset @ unit) / |token - offset|

    ``offsets`` ``(g, width)`` are those of the passages' languages, ``groups`` ``(n,)`` says which
    is whose.

    A vector that stands for tokens is about their mean, and so shorter than they are: what matches
    one of them matches it less, by the ratio of both lengths. That is made good for each passage::

        cos * sqrt((kept + lost) / kept)

    where ``kept`` is the mean squared length of its vectors, and ``lost`` what they have not.
    """

    def __init__(
        self, tokens: ChunkTokens, offsets: Float32Array, groups: npt.NDArray[np.intp]
    ) -> None:
        vectors = tokens.vectors
        self.lengths, self.tokens = tokens.lengths, tokens.tokens
        self._vectors = vectors
        self._offsets = offsets
        self._groups = np.repeat(groups, tokens.lengths)
        along = matmul_on_one_thread(vectors, offsets)[np.arange(len(vectors)), self._groups]
        squares = np.vecdot(vectors, vectors) - 2 * along
        squares += np.vecdot(offsets, offsets)[self._groups]
        squares = np.maximum(squares, _SMALLEST)
        kept = np.add.reduceat(squares, np.cumsum(tokens.lengths) - tokens.lengths) / tokens.lengths
        made_good = np.sqrt(1 + tokens.lost / kept).astype(np.float32)
        self._inverse_norms = np.repeat(made_good, tokens.lengths) / np.sqrt(squares)

    def best(
        self, units: Float32Array, passages: npt.NDArray[np.intp] | None = None
    ) -> Float32Array:
        """Return the greatest cosine of each unit vector with a token of each passage, ``(n, m)``.

        ``units`` is ``(m, width)``; ``passages`` names some by their places, ascending.
        """
        tokens: slice | npt.NDArray[np.bool_] = slice(None)
        lengths = self.lengths
        if passages is not None and len(passages) < len(lengths):
            wanted = np.zeros(len(lengths), dtype=np.bool_)
            wanted[passages] = True
            tokens, lengths = np.repeat(wanted, lengths), lengths[passages]
        cosines = matmul_on_one_thread(self._vectors[tokens], units)
        cosines -= matmul_on_one_thread(self._offsets, units)[self._groups[tokens]]
        cosines *= self._inverse_norms[tokens, np.newaxis]
        best: Float32Array = np.maximum.reduceat(cosines, np.cumsum(lengths) - lengths, axis=0)
        return best


def late_interaction_scores(
    question: Float32Array,
    weights: Float32Array,
    passages: PassageTokens,
    ids: npt.NDArray[np.int64],
    background: Float32Array,
    expected: MutableMapping[int, float],
) -> Float32Array:
    """Score passages by how well they match the question token by token, shape ``(n,)``.

    ``question`` is ``(q, width)`` and ``weights`` ``(q,)``, ``background`` ``(b, width)``; all
    rows are centred and of unit length. The score is::

        sum(weight * best match) / sum(weight) - 0.5 * expected - 0.005 * ln(tokens)

    where a passage's ``expected`` is the mean best match of the ``background`` tokens. It is the
    same for every question: those of the passages ``ids`` ``(n,)`` that are not known are added.

    >>> from rag_engine.store.token_vectors import EightBits
    >>> code = EightBits(3)
    >>> tokens = code.unpack({1: code.pack(np.eye(2, 3, dtype=np.float32))}, [1])
    >>> passages = PassageTokens(tokens, np.zeros((1, 3), np.float32), np.array([0]))
    >>> question, background = np.eye(3, dtype=np.float32)[[0, 2], np.newaxis]
    >>> late_interaction_scores(
    ...     question, np.ones(1, np.float32), passages, np.array([1]), background, {}
    ... ).round(4)
    array([0.9965], dtype=float32)
    """
    unknown = np.array([row for row, chunk in enumerate(ids.tolist()) if chunk not in expected])
    if len(unknown):
        matches = passages.best(background, unknown).mean(axis=1)
        expected.update(zip(ids[unknown].tolist(), matches.tolist(), strict=True))
    usual = np.array([expected[chunk] for chunk in ids.tolist()], dtype=np.float32)
    matched = passages.best(question) @ weights / max(float(weights.sum()), 1e-9)
    scores = matched - _EXPECTED * usual - _LENGTH * np.log(passages.tokens)
    return scores.astype(np.float32)


def middle_of(tokens: Float32Array) -> Float32Array:
    """Return what tokens at random ``(n, width)`` have in common, ``(width,)``; 0 of none.

    In a space of tokens' own nothing is known of where languages lie, and this alone is subtracted.
    Left in, it would be taken for a match, and a right hit for one by chance.

    >>> middle_of(np.array([[1, 0], [0, 1]], np.float32)).tolist()
    [0.5, 0.5]
    """
    if len(tokens) == 0:
        return np.zeros(tokens.shape[1], dtype=np.float32)
    mean: Float32Array = tokens.mean(axis=0)
    return mean


def compare_tokens(
    view: View,
    space: TokenSpace,
    queries: Sequence[PreparedQuery],
    each: Sequence[Candidates],
    pool: int,
) -> list[Float32Array] | None:
    """Compare the formulations of a question with the ``pool`` candidates worth it, by tokens.

    ``each`` are the candidates as each formulation sees them, best first of all together. Returns
    for each what they match above chance, ``(n,)``, NaN for the others; None where there are no
    tokens to compare. One of them whose tokens are not kept gets what the least of them gets; a
    formulation without tokens what the others get in the mean.
    """
    candidates = each[0]
    if len(candidates) == 0 or all(_tokens(query) is None for query in queries):
        return None
    wanted = _worth_it(np.max([one.same_language_probability for one in each], axis=0), pool)
    passage_tokens = view.token_vectors(candidates.ids[wanted].tolist(), token_code(space))
    if len(passage_tokens.ids) == 0:
        return None
    places = wanted
    if len(passage_tokens.ids) < len(wanted):
        places = wanted[np.isin(candidates.ids[wanted], passage_tokens.ids)]
    snapshot = view.snapshot
    offsets, null_distribution = snapshot.offsets, snapshot.calibration.null_distribution
    codes, groups = np.unique(candidates.languages[places], return_inverse=True)
    names = [snapshot.language_names[code] for code in codes.tolist()]
    passage_shifts = space.shifts(offsets.of_passage_tokens(names))
    middle = None
    if space.own:
        middle = middle_of(null_distribution.tokens)
        null_distribution = replace(
            null_distribution, tokens=centred_tokens(null_distribution.tokens, middle)
        )
        passage_shifts += middle
    passages = PassageTokens(passage_tokens, passage_shifts, groups)

    def compared(query: PreparedQuery, tokens: TokenVectors) -> Float32Array:
        embedded = query.embedded
        query_shift = space.shift(offsets.of_query_tokens(embedded.vector, embedded.detections))
        query_shift = query_shift if middle is None else middle
        query_tokens = centred_tokens(tokens.vectors, query_shift)
        scores = late_interaction_scores(
            query_tokens,
            tokens.weights,
            passages,
            passage_tokens.ids,
            null_distribution.tokens,
            snapshot.expected_matches,
        )
        late = np.full(len(candidates), np.nan, dtype=np.float32)
        late[wanted] = scores.min()
        late[places] = scores
        late -= null_distribution.chance_match(query_tokens, tokens.weights)
        return late

    late = [
        None if (tokens := _tokens(query)) is None else compared(query, tokens) for query in queries
    ]
    usual = mean_of([one for one in late if one is not None])
    return [usual if one is None else one for one in late]


def _tokens(query: PreparedQuery) -> TokenVectors | None:
    tokens = query.embedded.tokens
    return None if tokens is None or len(tokens.vectors) == 0 else tokens


def _worth_it(same_language: Float32Array, pool: int) -> npt.NDArray[np.intp]:
    """Return the places, ascending, of the candidates to compare: ``pool``, best first as they are.

    A sixth of them are the best in the question's language, if there are so many: a small language
    would else be crowded out before its tokens are seen.

    >>> _worth_it(np.array([0, 0, 0, 0, 0, 0, 0, 1], np.float32), 6).tolist()
    [0, 1, 2, 3, 4, 7]
    """
    at_home = np.flatnonzero(same_language > _AT_HOME)[: pool // _HOME_PART]
    others = np.setdiff1d(np.arange(len(same_language)), at_home)
    return np.sort(np.concatenate([at_home, others[: pool - len(at_home)]]))
