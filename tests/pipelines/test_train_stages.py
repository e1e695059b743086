"""Training in two stages, from the command's own entry: streams, scores, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from rag_engine.connectors.rerankers.cross_encoder import CrossEncoderReranker
from rag_engine.connectors.training import embedder_trainer
from rag_engine.connectors.training.runs import CARD
from rag_engine.pipelines.cli import main
from rag_engine.pipelines.train import second_stage
from tests.connectors.tiny_models import save_cross_encoder, save_embedder

ANIMALS = ["cat", "dog", "hen", "cow", "pig", "fox", "owl", "rat"]
WEIGHTS = "encoder.layer.1.attention.self.query.weight"


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    return save_embedder(
        tmp_path_factory.mktemp("base"), prompts={"query": "q: ", "document": "d: "}
    )


@pytest.fixture(scope="module")
def cross(tmp_path_factory) -> Path:
    return save_cross_encoder(tmp_path_factory.mktemp("cross"), dropout=0.0)


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("data") / "facts.jsonl"
    rows = [
        {
            "question": f"Which {animal}?",
            "positive": f"The {animal} is here.",
            "negatives": [f"No {animal} was seen.", f"A {animal} is no bird."],
        }
        for animal in ANIMALS
    ]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


def command(data: Path, base: Path, target: Path, *more: str) -> list[str]:
    settings = "--steps 4 --batch 4 --warmup-steps 1 --check-every 2 --rank 2 --keep 0 --seed 3"
    start = ["train", "embedder", str(data), "--model", str(base), "--out", str(target)]
    return [*start, *settings.split(), *more]


def weights(folder: Path) -> dict[str, np.ndarray]:
    from safetensors.numpy import load_file

    return load_file(folder / "model.safetensors")


@pytest.fixture(scope="module")
def trained(data: Path, base: Path, tmp_path_factory) -> Path:
    target = tmp_path_factory.mktemp("trained") / "model"
    assert main(command(data, base, target)) == 0
    return target


def test_cached_gradients_end_where_the_whole_batch_does(
    trained: Path, data: Path, base: Path, tmp_path: Path
):
    assert main(command(data, base, tmp_path / "parted", "--mini-batch", "3")) == 0
    card = json.loads((tmp_path / "parted" / CARD).read_text(encoding="utf-8"))
    assert card["settings"]["mini_batch"] == 3
    before, whole, parted = (
        weights(each)[WEIGHTS] for each in (base, trained, tmp_path / "parted")
    )
    assert np.abs(whole - before).max() > 1e-4
    np.testing.assert_allclose(parted, whole, atol=2e-5)


def test_a_stream_is_laid_out_on_disk_and_gone_on_with(
    data: Path, base: Path, tmp_path: Path, monkeypatch, capsys
):
    real = embedder_trainer.train_embedder
    asked = command(data, base, tmp_path / "model", "--stream", "--keep", "5")

    def stopped(*args, **kwargs):
        def on_step(step: int, steps: int) -> None:
            if step == 3:
                raise KeyboardInterrupt

        return real(*args, **(kwargs | {"on_step": on_step}))

    assert main(command(data, base, tmp_path / "whole", "--stream", "--keep", "5")) == 0
    monkeypatch.setattr(embedder_trainer, "train_embedder", stopped)
    assert main(asked) == 130
    [table] = (tmp_path / ".model.training").glob("*.arrow")
    written = table.stat().st_mtime_ns
    real_table = embedder_trainer.retrieval_task

    def same_table(*args):
        task = real_table(*args)
        assert table.stat().st_mtime_ns == written
        return task

    monkeypatch.undo()
    monkeypatch.setattr(embedder_trainer, "retrieval_task", same_table)
    capsys.readouterr()
    assert main(asked) == 0
    assert "going on from the last checkpoint" in capsys.readouterr().err
    one, other = (weights(tmp_path / name)[WEIGHTS] for name in ("whole", "model"))
    np.testing.assert_allclose(one, other, atol=1e-6)
    assert {each.name for each in tmp_path.iterdir()} == {"whole", "model"}


@pytest.mark.parametrize("loss", ["kl", "margin-mse"])
def test_a_cross_encoders_scores_are_learnt(
    loss: str, data: Path, base: Path, cross: Path, tmp_path: Path
):
    far = ["--learning-rate", "0.02", "--steps", "12", "--temperature", "0.1"]
    asked = ["--loss", loss, "--teacher", str(cross), "--teacher-temperature", "0.5", *far]
    assert main(command(data, base, tmp_path / "student", *asked)) == 0
    card = json.loads((tmp_path / "student" / CARD).read_text(encoding="utf-8"))
    assert card["teacher"]["name"] == str(cross)
    losses = [each["loss"] for each in card["result"]["losses"]]
    assert losses[-1] < losses[0]
    before, after = (divergence(each, cross, data) for each in (base, tmp_path / "student"))
    assert after < before


def divergence(model: Path, cross: Path, data: Path) -> float:
    """Return how far the model's order of a question's passages is from the cross-encoder's."""
    from rag_engine.connectors.embedders.sentence_transformer import SentenceTransformerEmbedder

    embedder = SentenceTransformerEmbedder(model=str(model), device="cpu")
    teacher = CrossEncoderReranker(model=str(cross), device="cpu")
    total = 0.0
    for line in data.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        passages = [row["positive"], *row["negatives"]]
        cosines = embedder.embed_passages(passages) @ embedder.embed_queries([row["question"]])[0]
        wanted = teacher.score(row["question"], passages) / 0.5
        total += float(np.square(np.diff(cosines / 0.1) - np.diff(wanted)).sum())
    return total


def test_triplets_are_pulled_apart(data: Path, base: Path, tmp_path: Path):
    asked = ["--loss", "triplet", "--margin", "0.5", "--learning-rate", "0.01", "--steps", "12"]
    assert main(command(data, base, tmp_path / "apart", *asked)) == 0
    card = json.loads((tmp_path / "apart" / CARD).read_text(encoding="utf-8"))
    losses = [each["loss"] for each in card["result"]["losses"]]
    assert losses[-1] < losses[0]


def test_what_a_cross_encoder_takes_for_right_is_no_negative(
    data: Path, base: Path, cross: Path, tmp_path: Path, monkeypatch, capsys
):
    bare = tmp_path / "bare.jsonl"
    rows = map(json.loads, data.read_text(encoding="utf-8").splitlines())
    bare.write_text("\n".join(json.dumps(r | {"negatives": []}) for r in rows), encoding="utf-8")
    asked: list[tuple[str, int]] = []

    def score(self, question: str, passages) -> np.ndarray:
        asked.append((question, len(passages)))
        own, right = question.split()[1].rstrip("?"), ("cat", "dog")
        return np.array(
            [3.0 if own in text else 5.0 * any(each in text for each in right) for text in passages]
        )

    monkeypatch.setattr(CrossEncoderReranker, "score", score)
    seen: list[list[str]] = []
    real = second_stage.with_negatives

    def watched(task, count):
        examples = real(task, count)
        seen.extend(list(each.negatives) for each in examples)
        return examples

    monkeypatch.setattr(second_stage, "with_negatives", watched)
    more = ["--mine", "2", "--mine-filter", str(cross), "--loss", "kl", "--teacher", str(cross)]
    assert main(command(bare, base, tmp_path / "out", *more)) == 0
    told = capsys.readouterr().err
    assert "candidates may be right" in told
    negatives = {text for row in seen for text in row}
    assert len(negatives) > 1
    assert not any("cat" in text or "dog" in text for text in negatives)
    assert len(asked) == len(ANIMALS)  # who filters and teaches is asked of each pair once
    card = json.loads((tmp_path / "out" / CARD).read_text(encoding="utf-8"))
    assert card["filter"] == card["teacher"]


def test_a_cross_encoder_that_tells_nothing_apart_is_no_filter(
    data: Path, base: Path, cross: Path, tmp_path: Path, monkeypatch, capsys
):
    monkeypatch.setattr(
        CrossEncoderReranker, "score", lambda self, question, passages: np.zeros(len(passages))
    )
    asked = command(data, base, tmp_path / "out", "--mine", "2", "--mine-filter", str(cross))
    assert main(asked) == 1
    assert "it tells nothing apart here" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("--teacher CROSS", "is a cross-encoder: it scores a question and a passage together"),
        ("--teacher CROSS", "learnt with --loss kl or --loss margin-mse"),
        ("--teacher BASE --loss kl", "is an embedder: it gives a text its vector"),
        ("--mine 2 --mine-filter BASE", "is an embedder"),
        ("--hold DATA --hold-to CROSS", "is a cross-encoder"),
        ("--model CROSS", "is a cross-encoder"),
        ("--loss kl", "name one with --teacher"),
        ("--loss triplet --mini-batch 2", "mini_batch (--mini-batch) 2 is for loss = 'infonce'"),
        ("--mini-batch 4", "is to be less than the batch, got 4"),
        ("--mini-batch 2 --late 1", "does not go with late"),
        ("--mini-batch 2 --hold DATA", "do not go together"),
        ("--stream --mine 2", "--stream and --mine 2 do not go together"),
        ("--stream --teacher BASE", "do not go together"),
        ("--margin 0.2", "margin 0.2 does nothing with loss 'infonce'"),
        ("--infonce 1", "infonce 1.0 does nothing with loss 'infonce'"),
        ("--loss triplet --temperature 0.1", "compares plain cosines"),
        ("--teacher-temperature 2", "does nothing without a cross-encoder"),
        ("--hold-weight 2", "does nothing without --hold FILE"),
        ("--patience 2", "does nothing without --check"),
        ("--keep-every 2", "does nothing with keep 0"),
        ("--mine-across", "does nothing without --mine N"),
        ("--mine-filter CROSS", "does nothing without --mine N"),
        ("--teacher BASE --mine 2", "does nothing where a teacher's vectors are learnt"),
        ("--teacher BASE --temperature 0.1", "does nothing where a teacher's vectors are learnt"),
        ("--teacher BASE --loss triplet", "does nothing with a teacher that gives vectors"),
        ("--teacher BASE --matryoshka 16", "does nothing where a teacher's vectors are learnt"),
        ("--matryoshka 64", "the model's vectors have 32 components; got 64"),
        ("--matryoshka 32", "some of 1 to 31"),
        ("--matryoshka 8,8", "twice"),
        ("--matryoshka 8,many", "'many' is no whole number"),
        ("--loss huber", "huber"),
    ],
)
def test_what_is_refused(
    more: str, told: str, data: Path, base: Path, cross: Path, tmp_path: Path, capsys
):
    names = {"CROSS": str(cross), "BASE": str(base), "DATA": str(data)}
    words = [names.get(word, word) for word in more.split()]
    assert main(command(data, base, tmp_path / "out", *words)) in {1, 2}
    assert told in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_loss_over_negatives_needs_some(base: Path, tmp_path: Path, capsys):
    bare = tmp_path / "bare.jsonl"
    rows = [{"question": f"{each}?", "positive": f"{each}."} for each in ANIMALS]
    bare.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    assert main(command(bare, base, tmp_path / "out", "--loss", "triplet")) == 1
    told = capsys.readouterr().err
    assert "those of bare.jsonl have none" in told
    assert "--mine N" in told
    assert main(command(bare, base, tmp_path / "out", "--batch", "1")) == 1
    assert "nothing to tell the positive from" in capsys.readouterr().err
    assert [each.name for each in tmp_path.iterdir()] == ["bare.jsonl"]


def test_a_reranker_learns_from_no_embedder(data: Path, base: Path, cross: Path, tmp_path, capsys):
    start = ["train", "reranker", str(data), "--model", str(cross), "--out", str(tmp_path / "out")]
    assert main([*start, "--teacher", str(base)]) == 1
    assert "is an embedder: it gives a text its vector" in capsys.readouterr().err
    assert main([*start, "--check-pool", "9"]) == 1
    assert "check-pool 9 does nothing without --check SET_DIR" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
