"""The model that MTEB is given: prompts, correction of languages, search; without MTEB itself."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from rag_engine.calibration.language_means import LanguageMeans, subtract_and_normalise
from rag_engine.calibration.model_fit import ModelFit, with_fit
from rag_engine.calibration.prior import LanguagePrior, load_prior
from rag_engine.components import default_detector
from rag_engine.connectors.mteb.model import MtebModel
from rag_engine.errors import InvalidInput
from tests.doubles import HashEmbedder
from tests.small_sets import FACTS

TASK = SimpleNamespace(name="task", prompt=None)


class Rows(list):
    """Rows as MTEB passes them: an iterable of dicts whose columns can be asked for."""

    def __getitem__(self, key):
        return [row[key] for row in self] if isinstance(key, str) else super().__getitem__(key)


class Prompted(HashEmbedder):
    """Three ways of embedding that can be told apart."""

    def embed_queries(self, texts):
        return self._embed([f"q {text}" for text in texts])

    def embed_passages(self, texts):
        return self._embed([f"p {text}" for text in texts])

    def embed_instructed_queries(self, texts, instruction):
        return self._embed([f"{instruction} {text}" for text in texts])


def batches(*texts):
    return [{"text": list(texts[:2])}, {"text": list(texts[2:])}]


def encoded(model, *texts, task=TASK, **more):
    return model.encode(batches(*texts), task_metadata=task, hf_split="x", hf_subset="y", **more)


def test_questions_and_passages_have_their_prompts_and_all_else_that_of_questions():
    embedder = Prompted()
    model = MtebModel(embedder, "m")
    query, document = SimpleNamespace(value="query"), SimpleNamespace(value="document")
    texts = ["a", "b", "c"]
    asked = embedder.embed_queries(texts)
    assert np.array_equal(encoded(model, *texts, prompt_type=query), asked)
    assert np.array_equal(encoded(model, *texts), asked)
    told = encoded(model, *texts, prompt_type=document)
    assert np.array_equal(told, embedder.embed_passages(texts))


def test_a_model_that_reads_instructions_is_told_the_tasks():
    embedder = Prompted()
    task = SimpleNamespace(name="task", prompt={"query": "Find a rule", "document": "x"})
    plain = MtebModel(embedder, "m")
    assert np.array_equal(encoded(plain, "a", task=task), embedder.embed_queries(["a"]))
    object.__setattr__(embedder.contract, "query_prompt", "Instruct: Find\nQuery: ")
    told = encoded(MtebModel(embedder, "m"), "a", task=task)
    assert np.array_equal(told, embedder.embed_instructed_queries(["a"], "Find a rule"))
    assert np.array_equal(encoded(plain, "a"), embedder.embed_queries(["a"]))  # it has none


@pytest.mark.parametrize("corrected", [False, True])
def test_a_search_is_that_of_a_knowledge_base_by_vectors_alone(corrected, bundled_e5):
    detector = default_detector() if corrected else None
    model = MtebModel(bundled_e5, "m", detector=detector)
    corpus = Rows(
        {"id": f"p{n}", "text": text, "title": ""} for n, (_, text, _) in enumerate(FACTS)
    )
    queries = Rows({"id": f"q{n}", "text": asked} for n, (_, _, asked) in enumerate(FACTS))
    model.index(corpus, task_metadata=TASK, hf_split="x", hf_subset="y", encode_kwargs={})
    found = model.search(queries, task_metadata=TASK, top_k=5, encode_kwargs={})
    passages = bundled_e5.embed_passages(corpus["text"])
    questions = bundled_e5.embed_queries(queries["text"])
    if detector is not None:
        languages = [detector.detect(text).language for text in corpus["text"]]
        prior = load_prior(bundled_e5.contract.weights)
        means = LanguageMeans.fit(passages, languages, prior=prior)
        passages = means.centre_passages(passages, languages)
        questions = np.stack(
            [
                means.centre_query(vector, detector.plausible(text))
                for vector, text in zip(questions, queries["text"], strict=True)
            ]
        )
    for row, scores in enumerate(questions @ passages.T):
        best = np.argsort(-scores)[:5]
        assert list(found[f"q{row}"]) == [f"p{place}" for place in best]
        assert list(found[f"q{row}"].values()) == pytest.approx(scores[best].tolist(), abs=1e-5)


def test_a_model_that_was_fitted_is_centred_by_its_fit():
    offsets = np.random.default_rng(1).normal(size=(2, 128)).astype(np.float32)
    embedder, detector = HashEmbedder(), default_detector()
    prior = LanguagePrior(("de", "en"), offsets, offsets.mean(axis=0))
    fit = ModelFit.make(embedder.contract, prior)
    text = "Die Garantie gilt drei Jahre."
    model = MtebModel(with_fit(embedder, fit), "m", detector=detector)
    raw = embedder.embed_queries([text])
    means = LanguageMeans.fit(raw[:0], [], prior=fit.prior).grown(raw, ["de"], prior=fit.prior)
    expected = subtract_and_normalise(raw, means.between_passages(["de"]))
    unfitted = encoded(MtebModel(embedder, "m", detector=detector), text)
    assert not np.allclose(encoded(model, text), unfitted, atol=0.1)
    assert np.allclose(encoded(model, text), expected, atol=1e-4)


def test_what_is_ordered_anew_is_only_what_is_named_and_ties_stand_by_their_ids():
    model = MtebModel(HashEmbedder(), "m")
    texts = {"b": "x", "a": "x", "d": "x", "c": "y"}
    corpus = Rows({"id": name, "text": text} for name, text in texts.items())
    asked = Rows([{"id": "q", "text": "x"}])
    with pytest.raises(InvalidInput, match="call index"):
        model.search(asked, task_metadata=TASK, top_k=2)
    model.index(corpus, task_metadata=TASK)
    assert list(model.search(asked, task_metadata=TASK, top_k=3)["q"]) == ["a", "b", "d"]
    assert list(model.search(asked, task_metadata=TASK, top_k=1)["q"]) == ["a"]
    named = {"q": ["c", "b", "gone"]}
    found = model.search(asked, task_metadata=TASK, top_k=9, top_ranked=named)
    assert list(found["q"]) == ["b", "c"]


def test_a_corpus_of_nothing_and_a_call_of_nothing():
    model = MtebModel(HashEmbedder(), "m", detector=default_detector())
    model.index(Rows(), task_metadata=TASK)
    assert model.search(Rows([{"id": "q", "text": "x"}]), task_metadata=TASK, top_k=2) == {"q": {}}
    assert model.encode([], task_metadata=TASK).shape == (0, 128)


def test_what_is_embedded_in_two_calls_goes_together(bundled_e5):
    """Of unrelated texts, those of one language are no nearer than those of two, once corrected."""
    sides = [[t for c, t, _ in FACTS if c == language] for language in ("de", "es")]

    def advantage(detector):
        model = MtebModel(bundled_e5, "m", detector=detector)
        one, other = (encoded(model, *texts) for texts in sides)
        off_diagonal = ~np.eye(len(one), dtype=bool)
        within = [(side @ side.T)[off_diagonal].mean() for side in (one, other)]
        return float(np.mean(within) - (one @ other.T).mean())

    raw, corrected = advantage(None), advantage(default_detector())
    assert corrected < 0.5 * raw


@pytest.mark.torch
def test_tensors_and_arrays_are_compared_by_their_cosines():
    import torch

    model = MtebModel(HashEmbedder(), "m")
    one, other = np.array([[3.0, 4.0]]), torch.tensor([[1.0, 0.0], [0.0, 2.0]])
    assert model.similarity(one, other).tolist() == [pytest.approx([0.6, 0.8])]
    assert model.similarity_pairwise(one, other[:1]).tolist() == pytest.approx([0.6])
