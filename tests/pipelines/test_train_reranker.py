"""Training real cross-encoders for a few steps, from the command's own entry."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from rag_engine.connectors.rerankers.cross_encoder import CrossEncoderReranker
from rag_engine.connectors.torch_models import weights_digest
from rag_engine.connectors.training import reranker_trainer
from rag_engine.connectors.training.checkpoints import last_checkpoint
from rag_engine.connectors.training.examples import Example, read_examples
from rag_engine.connectors.training.rerank_check import first_candidates, without_reranker
from rag_engine.connectors.training.rerank_lists import (
    ranked_lists,
    taught_lists,
    with_wrong_passages,
)
from rag_engine.connectors.training.reranker_settings import RerankerTraining
from rag_engine.connectors.training.runs import CARD
from rag_engine.errors import InvalidInput, ModelError
from rag_engine.evaluation.metrics import measure
from rag_engine.evaluation.ndcg import ndcg
from rag_engine.pipelines.cli import main
from tests.connectors.tiny_models import SIZES, save_cross_encoder, save_embedder, save_tokenizer

FACTS = [
    ("Wie lange läuft die Pumpe?", "The pump runs for nine hours."),
    ("¿De qué es la válvula?", "The valve is made of brass."),
    ("Où est le filtre ?", "The filter sits behind the tank."),
    ("How much does the tank hold?", "The tank holds forty litres."),
    ("Wann wird geprüft?", "It is inspected every spring."),
    ("When does it come?", "It is delivered in a week."),
]
PASSAGES = [passage for _, passage in FACTS]
SETTINGS = {
    "steps": 12,
    "batch": 6,
    "learning-rate": 1e-2,
    "warmup-steps": 1,
    "max-tokens": 48,
    "negatives": 5,
    "check-every": 6,
    "device": "cpu",
}


def write_examples(path: Path, *, negatives: bool = True) -> Path:
    rows = [
        {
            "question": question,
            "positive": positive,
            "negatives": [each for each in PASSAGES if each != positive] if negatives else [],
        }
        for question, positive in FACTS
    ]
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    """A start that learns a few lines by heart in a few steps."""
    return save_cross_encoder(tmp_path_factory.mktemp("base"), dropout=0.0)


@pytest.fixture(scope="module")
def drawing(tmp_path_factory) -> Path:
    """A start whose training draws what it drops, so that it must go on drawing where it was."""
    return save_cross_encoder(tmp_path_factory.mktemp("drawing"))


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return write_examples(tmp_path_factory.mktemp("data") / "facts.jsonl")


@pytest.fixture(scope="module")
def test_set(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("sets") / "set"
    (folder / "qrels").mkdir(parents=True)
    corpus = [json.dumps({"_id": f"p{n}", "text": text}) for n, text in enumerate(PASSAGES)]
    queries = [json.dumps({"_id": f"q{n}", "text": text}) for n, (text, _) in enumerate(FACTS)]
    lines = ["h\th\th", *(f"q{n}\tp{n}\t1" for n in range(len(FACTS)))]
    (folder / "corpus.jsonl").write_text("\n".join(corpus), encoding="utf-8")
    (folder / "queries.jsonl").write_text("\n".join(queries), encoding="utf-8")
    (folder / "qrels" / "test.tsv").write_text("\n".join(lines), encoding="utf-8")
    return folder


def command(data: Path, base: object, target: Path, *more: str, **changed: object) -> list[str]:
    settings = SETTINGS | {name.replace("_", "-"): value for name, value in changed.items()}
    options = [text for name, value in settings.items() for text in (f"--{name}", str(value))]
    told = ["train", "reranker", str(data), "--model", str(base), "--out", str(target)]
    return [*told, *options, *more]


@pytest.fixture(scope="module")
def trained(data: Path, base: Path, tmp_path_factory) -> Path:
    target = tmp_path_factory.mktemp("trained") / "model"
    assert main(command(data, base, target)) == 0
    return target


def weights(folder: Path) -> dict[str, np.ndarray]:
    from safetensors.numpy import load_file

    return load_file(folder / "model.safetensors")


def changes(before: Path, after: Path) -> set[str]:
    old, new = weights(before), weights(after)
    assert old.keys() == new.keys()
    return {name for name in old if not np.array_equal(old[name], new[name])}


def scores(folder: Path) -> np.ndarray:
    """Score each passage for each question, with our connector."""
    reranker = CrossEncoderReranker(model=str(folder), device="cpu")
    return np.stack([reranker.score(question, PASSAGES) for question, _ in FACTS])


def margin(folder: Path) -> float:
    found = scores(folder)
    wrong = found.sum() - np.trace(found)
    return float(np.trace(found) / 6 - wrong / 30)


def test_a_trained_model_opens_and_has_learnt_what_it_was_shown(trained: Path, base: Path):
    assert margin(trained) > margin(base) + 4
    before, after = (
        CrossEncoderReranker(model=str(each), device="cpu") for each in (base, trained)
    )
    assert before._model.max_seq_length == after._model.max_seq_length  # no limit of training's
    changed = changes(base, trained)
    assert "bert.embeddings.word_embeddings.weight" not in changed
    assert {"classifier.weight", "bert.pooler.dense.weight"} <= changed
    assert "bert.encoder.layer.1.attention.self.query.weight" in changed


def test_its_card_says_what_it_was_made_of(trained: Path, data: Path, base: Path):
    card = json.loads((trained / CARD).read_text(encoding="utf-8"))
    assert card["data"] == [
        {"file": "facts.jsonl", "sha256": read_examples(data).sha256, "examples": 6}
    ]
    assert card["model"] == {"name": str(base), "weights": weights_digest(base)}
    assert (card["trained"], card["teacher"], card["validation"]) == ("reranker", None, None)
    assert (card["settings"]["steps"], card["result"]["steps"]) == (12, 12)
    assert [each["step"] for each in card["result"]["losses"]] == [6, 12]
    assert card["packages"]["sentence-transformers"]
    assert not list(trained.parent.glob(".*"))  # nothing is left beside it


def save_roberta(folder: Path) -> Path:
    import torch
    from transformers import XLMRobertaConfig, XLMRobertaForSequenceClassification

    torch.manual_seed(7)
    target = folder / "roberta"
    config = XLMRobertaConfig(
        vocab_size=save_tokenizer(target),
        max_position_embeddings=50,
        pad_token_id=1,
        num_labels=1,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        **SIZES,
    )
    XLMRobertaForSequenceClassification(config).save_pretrained(target)
    return target


@pytest.mark.parametrize("kind", ["bert", "roberta"])
def test_adapters_are_merged(data: Path, base: Path, tmp_path: Path, kind: str):
    start = base if kind == "bert" else save_roberta(tmp_path)
    assert main(command(data, start, tmp_path / "out", rank=4)) == 0
    changed = changes(start, tmp_path / "out")
    layers = {name for name in changed if ".encoder.layer." in name}
    assert layers
    assert not {name for name in layers if name.endswith("bias") or "LayerNorm" in name}
    assert not {name for name in changed if ".embeddings." in name}
    assert {name for name in changed if name.startswith("classifier.")}  # the head is trained whole
    assert margin(tmp_path / "out") > margin(start)


@pytest.mark.parametrize("rank", [0, 4])
@pytest.mark.parametrize("checked", [False, True])
def test_stopped_it_goes_on_and_ends_where_it_would_have(
    data: Path, drawing: Path, test_set: Path, tmp_path: Path, monkeypatch, capsys, rank, checked
):
    more = {"rank": rank} | ({"check": test_set} if checked else {})
    if checked:
        monkeypatch.setattr("rag_engine.pipelines.train.reranker._check", lambda *_: a_check())
    assert main(command(data, drawing, tmp_path / "whole", **more)) == 0
    real = reranker_trainer.train_reranker

    def stopped(*args, **kwargs):
        def on_step(step: int, steps: int) -> None:
            if step == 9:
                raise KeyboardInterrupt

        return real(*args, **(kwargs | {"on_step": on_step}))

    target = tmp_path / "model"
    monkeypatch.setattr(reranker_trainer, "train_reranker", stopped)
    assert main(command(data, drawing, target, **more)) == 130
    assert not target.exists()
    run = tmp_path / ".model.training"
    assert {each.name for each in run.iterdir()} >= {"run.json", "checkpoint-6"}
    (run / "checkpoint-9").mkdir()  # a kill left it half written
    monkeypatch.setattr(reranker_trainer, "train_reranker", real)
    assert main(command(data, drawing, target, **(more | {"seed": 2}))) == 1
    assert "another training" in capsys.readouterr().err
    assert main(command(data, drawing, target, **more)) == 0
    assert "going on from the last checkpoint" in capsys.readouterr().err
    one, other = weights(tmp_path / "whole"), weights(target)
    for name in one:
        np.testing.assert_array_equal(one[name], other[name])
    cards = [json.loads((each / CARD).read_text("utf-8")) for each in (tmp_path / "whole", target)]
    assert cards[0] == cards[1]


def a_check():
    from rag_engine.connectors.training.reranker_records import RerankCheck

    grades = [[int(place == own) for place in range(6)] for own in range(6)]
    return RerankCheck(
        questions=[question for question, _ in FACTS],
        passages=[PASSAGES] * 6,
        grades=grades,
        judged=[[1]] * 6,
    )


def test_the_bundled_model_gets_a_head_mines_and_is_checked(test_set: Path, tmp_path: Path, capsys):
    bare = write_examples(tmp_path / "bare.jsonl", negatives=False)
    target = tmp_path / "out"
    more = {"steps": 2, "check_every": 2, "learning_rate": 1e-4, "mine": 2, "check": test_set}
    assert main([*command(bare, "bundled", target, **more), "--json"]) == 0
    told = capsys.readouterr()
    assert "fresh head" in told.err
    result = json.loads(told.out)["result"]["result"]
    assert result["examples"] == 6
    assert [each["step"] for each in result["ndcg@10"]] == [0, 2]
    assert result["ndcg@10_without"] > 0.8  # dense search finds most of these
    found = scores(target)
    assert np.ptp(found) > 0  # it tells pairs apart
    ranks = (found > np.diag(found)[:, np.newaxis]).sum(axis=1) + 1
    last = result["ndcg@10"][-1]["ndcg@10"]
    assert (1 / np.log2(ranks + 1)).mean() == pytest.approx(last, abs=1e-3)
    assert {each.name for each in tmp_path.iterdir()} == {"bare.jsonl", "out"}


def test_the_best_of_the_checked_states_is_kept_and_it_ends_early(
    data: Path, trained: Path, test_set: Path, tmp_path: Path, monkeypatch, capsys
):
    monkeypatch.setattr("rag_engine.pipelines.train.reranker._check", lambda *_: a_check())
    slow = {"warmup_steps": 60, "check_every": 2}  # it knows all, and moves a little each step
    more = slow | {"steps": 60, "patience": 2, "check": test_set}
    assert main([*command(data, trained, tmp_path / "out", **more), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)["result"]["result"]
    assert [each["step"] for each in result["ndcg@10"]] == [0, 2, 4, 6]
    assert {each["ndcg@10"] for each in result["ndcg@10"]} == {1.0}  # two of them bring nothing
    assert result["ndcg@10_without"] == pytest.approx(
        np.mean(1 / np.log2(np.arange(2, 8))), abs=1e-4
    )
    assert main(command(data, trained, tmp_path / "two", **slow, steps=2)) == 0
    assert main(command(data, trained, tmp_path / "six", **slow, steps=6)) == 0
    assert not changes(tmp_path / "two", tmp_path / "out")
    assert changes(tmp_path / "six", tmp_path / "out")


def test_a_teacher_is_followed(data: Path, base: Path, tmp_path: Path, trained: Path, capsys):
    more = {"teacher": trained, "steps": 40}
    assert main([*command(data, base, tmp_path / "pupil", **more), "--json"]) == 0
    card = json.loads(capsys.readouterr().out)["result"]
    assert card["teacher"]["weights"] == weights_digest(trained)
    taught, before, after = scores(trained), scores(base), scores(tmp_path / "pupil")
    assert np.abs(after - taught).mean() < np.abs(before - taught).mean() / 2
    assert np.corrcoef(after.ravel(), taught.ravel())[0, 1] > 0.8


class Counting:
    """A reranker that counts what it is asked."""

    name = "counting"

    def __init__(self) -> None:
        self.asked: list[tuple[str, tuple[str, ...]]] = []

    def score(self, question: str, passages: list[str]) -> np.ndarray:
        self.asked.append((question, tuple(passages)))
        return np.array([len(question) + len(each) for each in passages], np.float32)


def test_what_a_teacher_said_is_kept(data: Path, tmp_path: Path):
    examples = read_examples(data).examples
    lists = ranked_lists(examples, RerankerTraining(steps=4, batch=3))
    file, teacher = tmp_path / "teacher.jsonl", Counting()
    taught = taught_lists(lists, teacher, file, lambda done, total: None)
    assert taught.targets[0] == [len(lists.questions[0]) + len(p) for p in lists.passages[0]]
    assert len(teacher.asked) == len({each.question for each in examples})
    assert len(set(teacher.asked)) == len(teacher.asked)  # no pair twice
    file.write_bytes(file.read_bytes()[:-20])  # a kill cut the last line off
    again = Counting()
    assert taught_lists(lists, again, file, lambda done, total: None) == taught
    assert again.asked == teacher.asked[-1:]
    none = Counting()
    assert taught_lists(lists, none, file, lambda done, total: None) == taught
    assert not none.asked


def test_lists_draw_other_negatives_in_each_round(data: Path):
    lists = ranked_lists(read_examples(data).examples, RerankerTraining(steps=20, batch=3))
    assert len(lists.questions) == 60
    assert {len(row) for row in lists.passages} == {4}
    assert {tuple(row) for row in lists.targets} == {(1.0, 0.0, 0.0, 0.0)}
    own = dict(FACTS)
    drawn: dict[str, set[str]] = {}
    for question, (right, *wrong) in zip(lists.questions, lists.passages, strict=True):
        assert right == own[question]
        assert right not in wrong
        assert len(set(wrong)) == 3
        drawn.setdefault(question, set()).update(wrong)
    assert {len(each) for each in drawn.values()} == {5}


def test_without_negatives_there_is_nothing_to_learn(base: Path, tmp_path: Path, capsys):
    bare = write_examples(tmp_path / "bare.jsonl", negatives=False)
    assert main(command(bare, base, tmp_path / "out")) == 1
    assert "6 of 6 examples have no negatives" in (told := capsys.readouterr().err)
    assert "--mine N" in told
    assert {each.name for each in tmp_path.iterdir()} == {"bare.jsonl"}
    alone = [Example(question="q", positive="p"), Example(question="q", positive="p2")]
    with pytest.raises(InvalidInput, match="no hard negatives were found for any of 2"):
        with_wrong_passages(alone, mined=3)
    some = [*alone, Example(question="q", positive="p", negatives=("p", "n", "n"))]
    assert [each.negatives for each in with_wrong_passages(some, mined=3)] == [("n",)]


def test_models_that_are_no_start(data: Path, tmp_path: Path, capsys):
    from transformers import GPT2Config, GPT2LMHeadModel

    two = save_cross_encoder(tmp_path / "two", labels=2)
    assert main(command(data, two, tmp_path / "out")) == 1
    assert "gives 2 scores a pair" in capsys.readouterr().err
    speaking = tmp_path / "gpt"
    config = GPT2Config(vocab_size=20, n_positions=8, n_embd=8, n_layer=1, n_head=1)
    GPT2LMHeadModel(config).save_pretrained(speaking)
    assert main(command(data, speaking, tmp_path / "out")) == 1
    assert "is a language model" in capsys.readouterr().err
    assert main(command(data, tmp_path / "nothing", tmp_path / "out")) == 1
    assert "neither a directory nor the name" in capsys.readouterr().err
    (speaking / "config.json").write_text("{", encoding="utf-8")
    assert main(command(data, speaking, tmp_path / "out")) == 1
    assert "no model that can be trained" in capsys.readouterr().err
    assert {each.name for each in tmp_path.iterdir()} == {"two", "gpt"}


def test_an_embedder_gets_a_head_and_says_so(data: Path, tmp_path: Path, capsys):
    start = save_embedder(tmp_path, roberta=True)
    with pytest.raises(ModelError, match="no cross-encoder"):
        CrossEncoderReranker(model=str(start), device="cpu")
    assert main(command(data, start, tmp_path / "out", rank=2)) == 0
    told = capsys.readouterr().err
    assert "fresh head" in told
    assert "Converting" not in told  # what the library says of it
    assert np.ptp(scores(tmp_path / "out")) > 0.01
    before, after = weights(start), weights(tmp_path / "out")
    query = "encoder.layer.1.attention.self.query.weight"
    assert np.abs(before[query] - after[f"roberta.{query}"]).max() > 0
    np.testing.assert_array_equal(
        before["embeddings.word_embeddings.weight"],
        after["roberta.embeddings.word_embeddings.weight"],
    )


def test_a_rate_that_ruins_the_weights_is_told(data: Path, base: Path, tmp_path: Path, capsys):
    assert main(command(data, base, tmp_path / "out", learning_rate=1e38)) == 1
    assert "smaller learning rate" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_bfloat16(data: Path, base: Path, tmp_path: Path):
    assert main(command(data, base, tmp_path / "out", precision="bf16")) == 0
    assert margin(tmp_path / "out") > margin(base)
    assert weights(tmp_path / "out")["classifier.weight"].dtype == np.float32


def test_the_first_candidates_are_those_of_dense_search(test_set: Path, bundled_e5):
    check = first_candidates(test_set, bundled_e5, questions=100, pool=4, seed=1)
    assert check.questions == [question for question, _ in FACTS]
    similarity = bundled_e5.embed_queries(check.questions) @ bundled_e5.embed_passages(PASSAGES).T
    run = {}
    for row, (passages, grades) in enumerate(zip(check.passages, check.grades, strict=True)):
        places = np.argsort(-similarity[row])[:4]
        assert passages == [PASSAGES[place] for place in places]
        assert grades == [int(place == row) for place in places]
        run[f"q{row}"] = [f"p{place}" for place in places]
    qrels = {f"q{row}": {f"p{row}": 1} for row in range(len(FACTS))}
    assert without_reranker(check) == pytest.approx(measure(run, qrels)["ndcg@10"])
    few = first_candidates(test_set, bundled_e5, questions=2, pool=4, seed=1)
    assert len(few.questions) == len(few.passages) == 2


def test_ndcg_is_that_of_trec_eval():
    drawn = np.random.default_rng(5)
    for _ in range(50):
        grades = drawn.integers(0, 4, size=15).tolist()
        missed = drawn.integers(0, 4, size=3).tolist()
        qrels = {f"d{n}": grade for n, grade in enumerate(grades + missed)}
        run = {"q": [f"d{n}" for n in range(15)]}
        expected = measure(run, {"q": qrels})["ndcg@10"]
        assert ndcg(grades, grades + missed) == pytest.approx(expected)


def test_the_last_whole_checkpoint(tmp_path: Path):
    assert last_checkpoint(tmp_path) is None
    for step in (900, 1000, 1100):
        (tmp_path / f"checkpoint-{step}").mkdir()
        (tmp_path / f"checkpoint-{step}" / "model.safetensors").touch()
    for step in (900, 1000):
        (tmp_path / f"checkpoint-{step}" / "trainer_state.json").touch()
    assert last_checkpoint(tmp_path) == tmp_path / "checkpoint-1000"
    assert not (tmp_path / "checkpoint-1100").exists()


def test_settings_that_make_no_sense():
    with pytest.raises(InvalidInput, match=r"steps.*greater than or equal to 1"):
        RerankerTraining(steps=0)
    with pytest.raises(InvalidInput, match=r"learning_rate.*finite number"):
        RerankerTraining(learning_rate=float("nan"))
    with pytest.raises(InvalidInput, match=r"max_tokens.*greater than or equal to 8"):
        RerankerTraining(max_tokens=4)


def test_a_model_that_takes_no_adapters_is_told(data: Path, tmp_path: Path, capsys):
    from transformers import DistilBertConfig, DistilBertForSequenceClassification

    start = tmp_path / "distilled"
    config = DistilBertConfig(
        vocab_size=save_tokenizer(start),
        max_position_embeddings=48,
        dim=32,
        n_layers=1,
        n_heads=2,
        hidden_dim=64,
        num_labels=1,
    )
    DistilBertForSequenceClassification(config).save_pretrained(start)
    assert main(command(data, start, tmp_path / "out", rank=2)) == 1
    assert "train all weights, with rank 0" in capsys.readouterr().err
    assert main(command(data, start, tmp_path / "out")) == 0
