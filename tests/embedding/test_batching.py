from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rag_engine.embedding.batching import token_batches

lengths_of_texts = st.lists(st.integers(0, 600), max_size=80)
budgets = st.integers(1, 5000)
multiples = st.integers(1, 64)


@given(lengths_of_texts, budgets, multiples)
def test_every_text_is_in_one_batch_that_is_long_enough(lengths, budget, multiple):
    batches = token_batches(lengths, budget=budget, multiple=multiple)
    rows = [row for batch in batches for row in batch.rows]
    assert sorted(rows) == list(range(len(lengths)))
    for batch in batches:
        longest = max(lengths[row] for row in batch.rows)
        assert longest <= batch.length < max(longest, 1) + multiple
        assert batch.length % multiple == 0


@given(lengths_of_texts, budgets, multiples)
def test_a_batch_of_several_texts_keeps_the_budget(lengths, budget, multiple):
    for batch in token_batches(lengths, budget=budget, multiple=multiple):
        assert len(batch.rows) == 1 or len(batch.rows) * batch.length <= budget


@given(lengths_of_texts, budgets)
def test_no_batch_could_have_taken_the_next_text(lengths, budget):
    batches = token_batches(lengths, budget=budget)
    for batch in batches[:-1]:
        assert (len(batch.rows) + 1) * batch.length > budget


@given(lengths_of_texts, budgets)
def test_the_longest_come_first_and_equal_ones_in_order(lengths, budget):
    rows = [row for batch in token_batches(lengths, budget=budget) for row in batch.rows]
    assert rows == sorted(rows, key=lambda row: (-lengths[row], row))
