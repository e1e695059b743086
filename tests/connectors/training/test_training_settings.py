"""Settings of trainings: what is refused, and with which words."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from rag_engine.connectors.training.embedder_settings import EmbedderTraining
from rag_engine.connectors.training.reranker_settings import RerankerTraining
from rag_engine.errors import InvalidInput


@pytest.mark.parametrize("kind", [EmbedderTraining, RerankerTraining])
@pytest.mark.parametrize("wrong", [{"rank": 4}, {"stepps": 4}])
def test_a_field_that_is_none_is_refused(kind, wrong):
    [name] = wrong
    with pytest.raises(InvalidInput, match=rf"^{name}: Extra inputs are not permitted \(got 4\)$"):
        kind(**wrong)


@pytest.mark.parametrize("kind", [EmbedderTraining, RerankerTraining])
@pytest.mark.parametrize(
    "wrong",
    [
        {"precision": "int8"},
        {"learning_rate": 0},
        {"learning_rate": float("inf")},
        {"warmup_steps": -1},
        {"lora_rank": -1},
        {"batch": 0},
        {"check_every": 0},
        {"patience": 0},
        {"steps": "many"},
    ],
)
def test_a_value_out_of_range_is_named(kind, wrong):
    [(name, value)] = wrong.items()
    with pytest.raises(InvalidInput) as caught:
        kind(**wrong)
    assert str(caught.value).startswith(name)
    assert f"(got {value!r})" in str(caught.value)


def test_the_option_of_the_command_line_is_named_where_it_differs():
    with pytest.raises(InvalidInput, match=r"^lora_rank \(--rank\): .* \(got -2\)$"):
        EmbedderTraining(lora_rank=-2)
    options = {EmbedderTraining.option(field) for field in EmbedderTraining.model_fields}
    assert {"keep", "keep-every", "share", "late", "rank", "check-every"} <= options


def test_all_that_is_wrong_is_told_at_once():
    with pytest.raises(InvalidInput, match=r"^steps: .*; batch: .*$"):
        EmbedderTraining(steps=0, batch=0)


def test_what_does_not_go_together():
    with pytest.raises(InvalidInput, match=r"^late_interaction_weight \(--late\) and matryoshka"):
        EmbedderTraining(late_interaction_weight=1, matryoshka=(64,))


def test_settings_are_frozen():
    settings = EmbedderTraining()
    with pytest.raises(ValidationError, match="frozen"):
        settings.steps = 3
