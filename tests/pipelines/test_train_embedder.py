"""Training the bundled model for a few steps, from the command's own entry."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from rag_engine.connectors.embedders.sentence_transformer import SentenceTransformerEmbedder
from rag_engine.connectors.torch_models import pick_precision, weights_digest
from rag_engine.connectors.training import embedder_trainer
from rag_engine.connectors.training.embedder_settings import EmbedderTraining
from rag_engine.connectors.training.examples import read_examples
from rag_engine.connectors.training.runs import CARD
from rag_engine.connectors.training.tasks import reduced
from rag_engine.errors import InvalidInput
from rag_engine.pipelines.cli import main
from rag_engine.pipelines.export_bundled import export_bundled

CHANGED = "encoder.layer.11.attention.self.query.weight"
FACTS = [
    ("Wie lange läuft die Pumpe?", "The pump runs for nine hours.", "The valve is made of brass."),
    ("¿De qué es la válvula?", "The valve is made of brass.", "The pump runs for nine hours."),
    ("Où est le filtre ?", "The filter sits behind the tank.", "The tank holds forty litres."),
    ("Сколько вмещает бак?", "The tank holds forty litres.", "The filter sits behind the tank."),
    ("いつ点検しますか", "It is inspected every spring.", "It is delivered in a week."),
    ("Kiedy będzie dostawa?", "It is delivered in a week.", "It is inspected every spring."),
]


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("train") / "base"
    export_bundled(folder)
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("data") / "facts.jsonl"
    lines = [
        json.dumps({"question": question, "positive": positive, "negatives": [negative]})
        for question, positive, negative in FACTS
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def command(data: Path, base: Path, target: Path, *more: str) -> list[str]:
    settings = [
        "--steps",
        "4",
        "--batch",
        "3",
        "--warmup-steps",
        "1",
        "--max-tokens",
        "32",
        "--check-every",
        "2",
    ]
    return [
        "train",
        "embedder",
        str(data),
        "--model",
        str(base),
        "--out",
        str(target),
        *settings,
        *more,
    ]


@pytest.fixture(scope="module")
def trained(data: Path, base: Path, tmp_path_factory) -> Path:
    target = tmp_path_factory.mktemp("trained") / "model"
    assert main(command(data, base, target)) == 0
    return target


def weights(folder: Path) -> dict[str, np.ndarray]:
    from safetensors.numpy import load_file

    return load_file(folder / "model.safetensors")


def test_a_trained_model_opens_and_has_moved(trained: Path, base: Path):
    texts = [positive for _, positive, _ in FACTS]
    before = SentenceTransformerEmbedder(model=str(base), device="cpu")
    after = SentenceTransformerEmbedder(model=str(trained), device="cpu")
    assert after.contract.weights != before.contract.weights
    assert after.max_tokens == before.max_tokens  # what training reads is no limit afterwards
    cosines = np.vecdot(before.embed_passages(texts), after.embed_passages(texts))
    assert (cosines < 0.99999).all()
    assert (cosines > 0.8).all()
    gains = [
        np.vecdot(each.embed_queries([q for q, _, _ in FACTS]), each.embed_passages(texts)).mean()
        - np.vecdot(
            each.embed_queries([q for q, _, _ in FACTS]),
            each.embed_passages([n for _, _, n in FACTS]),
        ).mean()
        for each in (before, after)
    ]
    assert gains[1] > gains[0]  # it learnt what it was shown


def test_only_what_is_adapted_changes(trained: Path, base: Path):
    before, after = weights(base), weights(trained)
    changed = {name for name in before if not np.array_equal(before[name], after[name])}
    assert "embeddings.word_embeddings.weight" not in changed
    assert CHANGED in changed
    assert not {name for name in changed if name.endswith("bias")}


def test_its_card_says_what_it_was_made_of(trained: Path, data: Path):
    card = json.loads((trained / CARD).read_text(encoding="utf-8"))
    assert card["data"][0]["sha256"] == read_examples(data).sha256
    assert (card["settings"]["steps"], card["result"]["steps"]) == (4, 4)
    assert not list(trained.parent.glob(".*"))  # nothing is left beside it


def test_half_way_is_half_way(trained: Path, data: Path, base: Path, tmp_path: Path):
    assert main(command(data, base, tmp_path / "half", "--share", "0.5")) == 0
    before, after, half = weights(base), weights(trained), weights(tmp_path / "half")
    for name in before:
        np.testing.assert_allclose(half[name], (before[name] + after[name]) / 2, atol=1e-6)


def test_in_bf16_much_the_same_is_learnt(
    trained: Path, data: Path, base: Path, tmp_path: Path, monkeypatch
):
    for capable, expected in (({}, "f32"), ({"amx_bf16": True}, "bf16")):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda told=capable: told)
        assert pick_precision("auto", "cpu") == expected
    assert main(command(data, base, tmp_path / "bf16", "--precision", "auto")) == 0
    card = json.loads((tmp_path / "bf16" / CARD).read_text(encoding="utf-8"))
    assert card["settings"]["precision"] == "bf16"  # what auto stood for
    before, here, there = (weights(each)[CHANGED] for each in (base, trained, tmp_path / "bf16"))
    assert not np.array_equal(here, there)
    moved = [(each - before).ravel() for each in (here, there)]
    assert np.corrcoef(*moved)[0, 1] > 0.5


def test_tokens_are_trained_too(trained: Path, data: Path, base: Path, tmp_path: Path):
    assert main(command(data, base, tmp_path / "late", "--late", "1")) == 0
    card = json.loads((tmp_path / "late" / CARD).read_text(encoding="utf-8"))
    assert card["settings"]["late_interaction_weight"] == 1.0
    first = json.loads((trained / CARD).read_text(encoding="utf-8"))["result"]["losses"][0]["loss"]
    assert card["result"]["losses"][0]["loss"] > first  # it has more to make small
    assert not np.array_equal(*(weights(each)[CHANGED] for each in (trained, tmp_path / "late")))


def test_stopped_it_goes_on_and_ends_where_it_would_have(
    trained: Path, data: Path, tmp_path: Path, monkeypatch, capsys
):
    target, base = tmp_path / "model", Path("bundled")  # written out anew by each process
    real = embedder_trainer.train_embedder

    def stopped(*args, **kwargs):
        def on_step(step: int, steps: int) -> None:
            if step == 3:
                raise KeyboardInterrupt

        return real(*args, **(kwargs | {"on_step": on_step}))

    monkeypatch.setattr(embedder_trainer, "train_embedder", stopped)
    assert main(command(data, base, target)) == 130
    assert not target.exists()
    monkeypatch.undo()
    assert main(command(data, base, target, "--seed", "2")) == 1
    assert "another training" in capsys.readouterr().err
    assert main(command(data, base, target)) == 0
    assert "going on from the last checkpoint" in capsys.readouterr().err
    one, other = weights(trained), weights(target)
    name = "encoder.layer.11.attention.self.query.weight"
    np.testing.assert_allclose(one[name], other[name], atol=1e-6)


def ndcg(folder: Path) -> float:
    embedder = SentenceTransformerEmbedder(model=str(folder), device="cpu")
    questions = embedder.embed_queries([question for question, _, _ in FACTS])
    scores = questions @ embedder.embed_passages([positive for _, positive, _ in FACTS]).T
    ranks = (scores > np.diag(scores)[:, np.newaxis]).sum(axis=1) + 1
    return float((1 / np.log2(ranks + 1)).mean())


@pytest.mark.parametrize(("rank", "rate"), [("0", "1e-5"), ("4", "0.1")])
def test_the_best_of_the_checked_states_is_kept(
    data: Path, base: Path, tmp_path: Path, capsys, rank: str, rate: str
):
    folder = tmp_path / "set"
    (folder / "qrels").mkdir(parents=True)
    with (folder / "corpus.jsonl").open("w", encoding="utf-8") as corpus:
        for number, (_, positive, _) in enumerate(FACTS):
            corpus.write(json.dumps({"_id": f"p{number}", "text": positive}) + "\n")
    with (folder / "queries.jsonl").open("w", encoding="utf-8") as queries:
        for number, (question, _, _) in enumerate(FACTS):
            queries.write(json.dumps({"_id": f"q{number}", "text": question}) + "\n")
    lines = [f"q{number}\tp{number}\t1" for number in range(len(FACTS))]
    (folder / "qrels" / "test.tsv").write_text("\n".join(["h\th\th", *lines]), encoding="utf-8")
    more = ["--rank", rank, "--learning-rate", rate, "--check", str(folder), "--matryoshka", "64"]
    assert main([*command(data, base, tmp_path / "tuned", *more), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)["result"]["result"]
    assert [each["step"] for each in result["ndcg@10"]] == [0, 2, 4]
    scores = [each["ndcg@10"] for each in result["ndcg@10"]]
    assert ndcg(base) == pytest.approx(scores[0], abs=1e-3)
    assert ndcg(tmp_path / "tuned") == pytest.approx(max(scores[1:]), abs=1e-3)
    before, after = weights(base), weights(tmp_path / "tuned")
    changed = {name for name in before if not np.array_equal(before[name], after[name])}
    assert ("encoder.layer.11.attention.self.query.bias" in changed) == (rank == "0")
    assert "embeddings.word_embeddings.weight" not in changed
    assert rank == "0" or scores[1] > scores[2]  # such a rate ruins it: the last is not the best


def test_hard_negatives_are_mined(data: Path, base: Path, tmp_path: Path):
    bare = tmp_path / "bare.jsonl"
    rows = [json.loads(line) for line in data.read_text(encoding="utf-8").splitlines()]
    bare.write_text(
        "\n".join(json.dumps(row | {"negatives": []}) for row in rows), encoding="utf-8"
    )
    from rag_engine.connectors.training.hard_negatives import with_hard_negatives

    examples = read_examples(bare).examples
    embedder = SentenceTransformerEmbedder(model=str(base), device="cpu")
    found = with_hard_negatives(examples, 2, embedder=embedder)
    positives = {each.positive for each in examples}
    assert sorted(each.question for each in found) == sorted(each.question for each in examples)
    for each in found:
        assert each.positive not in each.negatives
        assert set(each.negatives) <= positives
    assert any(each.negatives for each in found)


def test_a_batch_is_of_one_file(data: Path, base: Path, tmp_path: Path, monkeypatch):
    other = tmp_path / "other.jsonl"
    lines = [json.dumps({"question": f"Frage {n}?", "positive": f"Satz {n}."}) for n in range(12)]
    other.write_text("\n".join(lines), encoding="utf-8")
    seen: list[set[bool]] = []
    real = embedder_trainer.train_embedder

    def watched(model, parts, settings, **more):
        for part in parts:
            for start in range(0, len(part.questions), settings.batch):
                batch = part.questions[start : start + settings.batch]
                seen.append({each.startswith("Frage") for each in batch})
        sizes = {len(part.questions) for part in parts}
        assert len(sizes) == 2  # the larger file has more of the steps
        return real(model, parts, settings, **more)

    monkeypatch.setattr(embedder_trainer, "train_embedder", watched)
    what, kind, *rest = command(data, base, tmp_path / "two", "--steps", "5")
    assert main([what, kind, str(other), *rest]) == 0
    assert len(seen) >= 5
    assert all(len(kinds) == 1 for kinds in seen)


def test_a_translation_learns_the_vector_of_its_original(base: Path, tmp_path: Path):
    pairs = [
        ("The pump runs for nine hours.", "Die Pumpe läuft neun Stunden lang."),
        ("The valve is made of brass.", "La valvola è di ottone."),
        ("The tank holds forty litres.", "Бак вмещает сорок литров."),
    ]
    data = tmp_path / "pairs.jsonl"
    lines = [
        json.dumps({"question": one, "positive": other, "symmetric": True}) for one, other in pairs
    ]
    data.write_text("\n".join(lines), encoding="utf-8")
    target = tmp_path / "student"
    assert main([*command(data, base, target), "--teacher", str(base), "--steps", "8"]) == 0
    teacher = SentenceTransformerEmbedder(model=str(base), device="cpu")
    student = SentenceTransformerEmbedder(model=str(target), device="cpu")
    wanted = teacher.embed_queries([one for one, _ in pairs])
    others = [other for _, other in pairs]
    before = np.vecdot(teacher.embed_queries(others), wanted)
    after = np.vecdot(student.embed_queries(others), wanted)
    assert (after > before + 0.005).all()
    originals = np.vecdot(student.embed_queries([one for one, _ in pairs]), wanted)
    assert (originals > 0.98).all()
    card = json.loads((target / CARD).read_text(encoding="utf-8"))
    assert card["teacher"] == card["model"] == {"name": str(base), "weights": weights_digest(base)}


def test_what_is_near_in_one_language_is_held_between_two(base: Path, tmp_path: Path):
    pairs = [
        ("The pump runs for nine hours.", "Ang bomba ay tumatakbo nang siyam na oras."),
        ("The valve is made of brass.", "Ang balbula ay yari sa tanso."),
        ("The tank holds forty litres.", "Apatnapung litro ang laman ng tangke."),
    ]
    facts, held = tmp_path / "facts.jsonl", tmp_path / "held.jsonl"
    facts.write_text(
        "\n".join(json.dumps({"question": q, "positive": p}) for q, p, _ in FACTS), encoding="utf-8"
    )
    lines = [
        {"question": q, "positive": p, "original_question": one, "original_positive": one}
        for one, other in pairs
        for q, p in ((one, other), (other, one))
    ]
    held.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    target = tmp_path / "student"
    asked = command(facts, base, target, "--hold", str(held), "--steps", "24", "--keep", "0")
    assert main(asked) == 0
    before = SentenceTransformerEmbedder(model=str(base), device="cpu")
    after = SentenceTransformerEmbedder(model=str(target), device="cpu")
    english, other = [list(each) for each in zip(*pairs, strict=True)]
    wanted = before.embed_queries(english) @ before.embed_passages(english).T
    gaps = [
        np.ptp(each.embed_queries(other) @ each.embed_passages(english).T - wanted, axis=1).mean()
        for each in (before, after)
    ]
    assert gaps[1] < 0.8 * gaps[0]  # rows are alike but for what they all have
    card = json.loads((target / CARD).read_text(encoding="utf-8"))
    assert card["held"][0]["examples"] == len(lines)
    assert card["held_to"] == card["model"]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (("--hold-to", "base"), "--hold-to base does nothing without --hold"),
        (("--hold", "held.jsonl", "--teacher", "base"), "--hold and a teacher do not go together"),
        (("--hold", "held.jsonl"), "held.jsonl: no examples can be read"),
    ],
)
def test_what_does_not_go_with_holding(data: Path, base: Path, tmp_path: Path, capsys, more, told):
    assert main([*command(data, base, tmp_path / "no"), *more]) == 1
    assert told in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_wide_teacher_is_reduced():
    random = np.random.default_rng(1)
    wide = random.normal(size=(50, 8)) @ np.diag([4, 3, 2, 1, 0.1, 0.1, 0.1, 0.1])
    wide = (wide / np.linalg.norm(wide, axis=1, keepdims=True)).astype(np.float32)
    narrow = reduced(wide, 4)
    assert narrow.shape == (50, 4)
    assert abs(narrow @ narrow.T - wide @ wide.T).max() < 0.05
    with pytest.raises(InvalidInput, match="a student of 9 dimensions"):
        reduced(wide, 9)


def test_too_few_for_a_batch(data: Path, base: Path, tmp_path: Path, capsys):
    assert main([*command(data, base, tmp_path / "no"), "--batch", "50"]) == 1
    assert "do not fill a batch of 50" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())  # nothing stands in the way of a smaller batch


def test_a_teacher_and_late_interaction(data: Path, base: Path, tmp_path: Path, capsys):
    asked = [*command(data, base, tmp_path / "no"), "--teacher", str(base), "--late", "1"]
    assert main(asked) == 1
    assert "late and a teacher do not go together" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_settings_that_make_no_sense():
    with pytest.raises(
        InvalidInput, match=r"interpolation_alpha \(--share\).*greater than 0 \(got 0\)"
    ):
        EmbedderTraining(interpolation_alpha=0)
    with pytest.raises(InvalidInput, match=r"steps.*greater than or equal to 1"):
        EmbedderTraining(steps=0)
    for value in (float("nan"), float("inf")):
        with pytest.raises(InvalidInput, match=r"late_interaction_weight.*finite number"):
            EmbedderTraining(late_interaction_weight=value)
