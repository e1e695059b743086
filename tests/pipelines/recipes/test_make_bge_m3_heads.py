"""The recipe for BGE-M3's heads: its loss by hand, its examples, and a model that opens."""

from __future__ import annotations

import gzip
import json
from itertools import permutations

import numpy as np
import pytest

from rag_engine.connectors.embedders.bge_m3 import BgeM3Embedder
from rag_engine.errors import InvalidInput
from rag_engine.pipelines.recipes.make_bge_m3_heads import distillation_loss, examples, main
from tests.connectors.tiny_models import save_embedder

NAMES = ["".join(letters) for letters in permutations("aeirt", 3)]
"""Of letters that the tiny tokenizer knows."""


def row(number, **more):
    return {
        "question": f"Wo ist Pumpe {NAMES[number % 60]}?",
        "passage": f"Die Pumpe {NAMES[number % 60]} startet nicht {number}.",
        "language": "de",
        **more,
    }


@pytest.fixture
def files(tmp_path):
    plain, packed = tmp_path / "plain.jsonl", tmp_path / "packed.jsonl.gz"
    rows = [row(number) for number in range(60)] + [row(99, answerable=False)]
    plain.write_text("".join(json.dumps(each) + "\n" for each in rows), encoding="utf-8")
    texts = {"de": "Der Filter wird sechs Monate benutzt.", "en": "The filter is used six months."}
    with gzip.open(packed, "wt", encoding="utf-8") as file:
        file.write(json.dumps({"texts": texts}) + "\n")
        file.write(json.dumps({"texts": {"de": "Allein."}}) + "\n")
    return [plain, packed]


def log_softmax(scores):
    shifted = scores - scores.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def test_the_loss_is_that_of_section_3_2():
    import torch

    random = np.random.default_rng(3)
    dense, lexical, multi = random.random((3, 5, 5)) * 0.1
    whole = dense + 0.3 * lexical + multi
    teacher = np.exp(log_softmax(whole / 0.02))

    def infonce(scores):
        return -np.diag(log_softmax(scores / 0.02)).mean()

    def taught(scores):
        return -(teacher * log_softmax(scores / 0.02)).sum(axis=1).mean()

    own = (infonce(dense) + 0.1 * infonce(lexical) + infonce(multi) + infonce(whole)) / 4
    distilled = (taught(dense) + 0.1 * taught(lexical) + taught(multi)) / 3
    given = [torch.tensor(each) for each in (dense, lexical, multi)]
    assert float(distillation_loss(given)) == pytest.approx((own + distilled) / 2)


def test_examples_are_what_the_lines_say(files):
    found = examples(files, most=100)
    assert len(found) == 61
    assert not [each for each in found if "99" in each.passage]
    [crossing] = [each for each in found if "Pumpe" not in each.passage]
    assert {crossing.question[:3], crossing.passage[:3]} == {"Der", "The"}
    assert len(examples(files, most=10)) == 11


def test_it_writes_a_model_that_opens_and_has_learnt(tmp_path, files, capsys):
    model, out = save_embedder(tmp_path), tmp_path / "out"
    arguments = [str(model), str(out), *map(str, files), "--epochs", "3"]
    main(arguments)
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["epoch"] for each in told] == [1, 2, 3]
    assert told[-1]["loss"] < told[0]["loss"]
    embedder = BgeM3Embedder(model=str(out), device="cpu")
    [sparse] = embedder.embed_passage_kinds([f"Die Pumpe {NAMES[7]} startet nicht."]).sparse
    assert len(sparse.tokens)
    with pytest.raises(InvalidInput, match="is there already"):
        main(arguments)
    with pytest.raises(InvalidInput, match="0 examples"):
        main([str(model), str(tmp_path / "none"), str(files[0]), "--examples", "0"])
