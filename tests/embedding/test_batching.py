from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rag_engine.embedding.batching import padded_length, same_length_batches, token_batches

lengths_of_texts = st.lists(st.integers(0, 600), max_size=80)
budgets = st.integers(1, 5000)


@given(lengths_of_texts, budgets)
def test_every_text_is_in_one_batch_that_is_long_enough(lengths, budget):
    batches = token_batches(lengths, budget=budget)
    rows = [row for batch in batches for row in batch.rows]
    assert sorted(rows) == list(range(len(lengths)))
    for batch in batches:
        longest = max(lengths[row] for row in batch.rows)
        assert batch.length == padded_length(longest)


@given(st.integers(1, 5000))
def test_padding_adds_little(length):
    padded = padded_length(length)
    assert length <= padded < length + 32
    assert padded < length + 8 or padded < length * 1.125
    assert padded_length(padded) == padded


@given(lengths_of_texts, budgets)
def test_a_batch_of_several_texts_keeps_the_budget(lengths, budget):
    for batch in token_batches(lengths, budget=budget):
        assert len(batch.rows) == 1 or len(batch.rows) * batch.length <= budget


@given(lengths_of_texts, budgets)
def test_batches_are_at_least_two_thirds_full(lengths, budget):
    left = len(lengths)
    for batch in token_batches(lengths, budget=budget):
        assert len(batch.rows) * 3 >= min(max(1, budget // batch.length), left) * 2
        left -= len(batch.rows)


def test_the_shapes_of_batches_are_few():
    budget, longest = 2_048, 512
    shapes = {
        (len(batch.rows), batch.length)
        for length in range(1, longest + 1)
        for texts in range(1, 260)
        for batch in token_batches([length] * texts, budget=budget)
    }
    assert len(shapes) == 245


@given(lengths_of_texts, budgets)
def test_the_longest_come_first_and_equal_ones_in_order(lengths, budget):
    rows = [row for batch in token_batches(lengths, budget=budget) for row in batch.rows]
    assert rows == sorted(rows, key=lambda row: (-lengths[row], row))


@given(lengths_of_texts, budgets)
def test_texts_of_one_padded_length_stand_together(lengths, budget):
    batches = same_length_batches(lengths, budget=budget)
    assert sorted({row for batch in batches for row in batch.rows}) == list(range(len(lengths)))
    assert sum(len(set(batch.rows)) for batch in batches) == len(lengths)
    for batch in batches:
        assert {padded_length(lengths[row]) for row in batch.rows} == {batch.length}
        assert len(batch.rows) == 1 or len(batch.rows) * batch.length <= budget
        count = len(batch.rows)
        assert count.bit_count() == 1 or (count % 3 == 0 and (count // 3).bit_count() == 1)
        assert count < 2 * len(set(batch.rows))
