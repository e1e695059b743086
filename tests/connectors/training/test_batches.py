"""What stands beside what in a batch of training examples."""

from __future__ import annotations

import pytest

from rag_engine.connectors.training.batches import held_batches, laid_out, ordered_batches
from rag_engine.connectors.training.embedder_settings import EmbedderTraining
from rag_engine.connectors.training.examples import Example
from rag_engine.errors import InvalidInput


def test_no_batch_holds_a_group_twice():
    examples = [Example(question=str(n), positive=f"p{n}", group=str(n % 13)) for n in range(200)]
    ordered = ordered_batches(examples, 8, seed=3)
    assert len(ordered) >= 180
    assert len({each.question for each in ordered}) == len(ordered)
    for start in range(0, len(ordered), 8):
        assert len({each.group for each in ordered[start : start + 8]}) == 8


def test_no_batch_holds_a_negative_beside_a_question_that_it_answers():
    examples = [
        Example(
            question=str(n),
            positive=f"{n % 40} said by {n // 40}",
            negatives=(f"{(n + 1) % 40} said by {n // 40}", f"answers nothing {n}"),
            group=str(n % 40),
        )
        for n in range(200)
    ]
    ordered = ordered_batches(examples, 8, seed=3)
    assert len(ordered) >= 180
    for start in range(0, len(ordered), 8):
        batch = ordered[start : start + 8]
        wrong = {each.negatives[0].split()[0] for each in batch}
        assert wrong.isdisjoint(each.group for each in batch)


@pytest.mark.parametrize("seed", range(5))
def test_one_example_that_is_everybodys_negative_costs_nothing_else(seed: int):
    examples = [Example(question=str(n), positive=f"p{n}", negatives=("p0",)) for n in range(100)]
    ordered = ordered_batches(examples, 8, seed=seed)
    assert len(ordered) == 96
    assert examples[0] not in ordered


def test_examples_that_never_go_together_are_trained_on_as_they_are():
    examples = [
        Example(
            question=str(n),
            positive=f"p{n}",
            negatives=tuple(f"p{other}" for other in range(12) if other != n),
        )
        for n in range(12)
    ]
    notes: list[str] = []
    pairs = laid_out(examples, 10, EmbedderTraining(batch=4), on_note=notes.append)
    assert len(pairs.questions) == 40
    assert {len(each) for each in pairs.negatives} == {11}
    assert len(notes) == 1
    assert "a smaller batch or fewer negatives" in notes[0]


def test_what_says_the_same_is_no_negative():
    one = Example(question="1", positive="a", negatives=("b", "c"), group="same")
    other = Example(question="2", positive="b", negatives=("c",), group="same")
    pairs = laid_out([one, other], 2, EmbedderTraining(batch=1))
    assert set(pairs.negatives) == {("c",)}


def test_a_batch_is_of_few_topics():
    examples = [
        Example(question=str(n), positive=f"p{n}", topic=str(n % 10) if n < 150 else "")
        for n in range(200)
    ]
    ordered = ordered_batches(examples, 10, seed=3)
    assert sorted(int(each.question) for each in ordered) == list(range(200))
    topics = [
        {each.topic for each in ordered[start : start + 10] if each.topic}
        for start in range(0, 200, 10)
    ]
    assert max(map(len, topics)) <= 3
    assert [each.question for each in ordered] != sorted(each.question for each in ordered)


def with_negatives(count: int, start: int, negatives: int) -> list[Example]:
    return [
        Example(
            question=f"q{n}",
            positive=f"p{n}",
            negatives=tuple(f"x{n} {other}" for other in range(negatives)),
        )
        for n in range(start, start + count)
    ]


def test_few_poor_examples_do_not_take_the_others_their_negatives():
    examples = [*with_negatives(9, 0, 2), *with_negatives(2, 9, 0)]
    notes: list[str] = []
    pairs = laid_out(examples, 3, EmbedderTraining(batch=3), on_note=notes.append)
    assert set(pairs.questions) == {f"q{n}" for n in range(9)}
    assert {len(each) for each in pairs.negatives} == {2}
    [note] = notes
    assert "2 of 11 examples of a file have fewer than 2 negatives and are left out" in note


def test_many_examples_without_negatives_are_worth_more_than_the_negatives_of_few():
    examples = [*with_negatives(3, 0, 1), *with_negatives(9, 3, 0)]
    notes: list[str] = []
    pairs = laid_out(examples, 4, EmbedderTraining(batch=3), on_note=notes.append)
    assert len(set(pairs.questions)) == 12
    assert not pairs.negatives
    [note] = notes
    assert "9 of 12 examples of a file have no more than 0 negatives" in note
    assert "--mine 1 finds more" in note


def test_negatives_are_given_up_for_a_batch_that_is_full():
    examples = [*with_negatives(7, 0, 1), *with_negatives(1, 7, 0)]
    pairs = laid_out(examples, 1, EmbedderTraining(batch=8))
    assert len(set(pairs.questions)) == 8
    assert not pairs.negatives


def test_what_is_held_comes_topic_by_topic_with_its_originals():
    rows = [
        Example(
            question=f"{topic}{n}",
            positive=f"p{n}",
            topic=topic,
            original_question=f"en{n}" if topic == "b" else "",
        )
        for n in range(7)
        for topic in "ab"
    ]
    held = held_batches(rows, 5, 3, seed=1)
    batches = [held.questions[start : start + 3] for start in range(0, 15, 3)]
    assert len(held.questions) == 15
    assert all(len({each[0] for each in batch}) == 1 for batch in batches)
    assert sorted(map(tuple, batches[:4])) == [
        ("a0", "a1", "a2"),
        ("a3", "a4", "a5"),
        ("b0", "b1", "b2"),
        ("b3", "b4", "b5"),
    ]
    for question, original in zip(held.questions, held.original_questions, strict=True):
        assert original == (f"en{question[1]}" if question[0] == "b" else question)
    assert held.original_passages == held.passages


def test_no_topic_that_fills_a_batch():
    with pytest.raises(InvalidInput, match="2 examples of 2 topics: none fills a batch of 2"):
        held_batches([Example(question=t, positive="p", topic=t) for t in "ab"], 1, 2, seed=1)
