"""Language-fair embeddings: what is subtracted, what is kept, and what a store finds then."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.vectorstores import InMemoryVectorStore

from rag_engine.calibration.language_means import LanguageMeans
from rag_engine.calibration.model_fit import ModelFit, with_fit
from rag_engine.calibration.prior import LanguagePrior, load_prior
from rag_engine.components import default_detector
from rag_engine.connectors.langchain import FairEmbeddings, RagEngineEmbeddings
from rag_engine.connectors.langchain import fair_embeddings as module
from rag_engine.errors import InvalidInput, StoreCorrupt, StoreNotFound
from rag_engine.ports import Detection
from tests.doubles import HashEmbedder


class ByFirstWord:
    """A text's language is its first word; a question in none may be in ``de``, half surely."""

    version = "first word"

    def detect(self, text):
        return Detection(text.split()[0], 1.0)

    def plausible(self, text):
        return (self.detect(text),)


LEANS = {"de": 6, "fr": 7, "sw": 5}


class Leaning(Embeddings):
    """Vectors of a meaning (the second word) that lean towards their language."""

    model = "leaning"

    def embed_query(self, text):
        vector = np.zeros(8)
        if text.split()[0] not in LEANS:  # such as that of a width
            return (vector + 1).tolist()
        language, meaning = text.split()
        vector[int(meaning)] = 1
        vector[LEANS[language]] = 1.5
        return vector.tolist()

    def embed_documents(self, texts):
        return [self.embed_query(text) for text in texts]


def texts_in(*languages, count=20):
    return [f"{language} {number % 5}" for language in languages for number in range(count)]


@pytest.fixture
def fair(tmp_path):
    return FairEmbeddings.fit(
        texts_in("de", "fr"),
        tmp_path / "means.npz",
        embeddings=Leaning(),
        detector=ByFirstWord(),
    )


def test_what_is_subtracted_is_the_engines(fair):
    vectors = np.array(Leaning().embed_documents(texts_in("de", "fr")), np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    means = LanguageMeans.fit(vectors, ["de"] * 20 + ["fr"] * 20, prior=None)
    expected = means.centre_passages(vectors[19:21], ["de", "fr"])
    assert np.allclose(fair.embed_documents(["de 4", "fr 0"]), expected, atol=1e-6)
    question = means.centre_query(vectors[0], (Detection("de", 1.0),))
    assert np.allclose(fair.embed_query("de 0"), question, atol=1e-6)
    assert fair.languages == ("de", "fr")
    assert fair.embed_documents([]) == []


def test_a_store_finds_the_answer_and_not_the_language(fair):
    documents = [Document(f"fr {number}") for number in range(5)] + [Document("de 1")]
    for embeddings, found in ((Leaning(), "de 1"), (fair, "fr 3")):
        store = InMemoryVectorStore(embeddings)
        store.add_documents(documents)
        assert store.similarity_search("de 3", k=1)[0].page_content == found


def test_opened_it_embeds_as_before(fair, tmp_path):
    again = FairEmbeddings.open(
        tmp_path / "means.npz", embeddings=Leaning(), detector=ByFirstWord()
    )
    assert again.embed_documents(["de 4"]) == fair.embed_documents(["de 4"])
    assert again.embed_query("fr 2") == fair.embed_query("fr 2")
    assert again.languages == fair.languages


def test_another_model_is_refused(fair, tmp_path):
    class Other(Leaning):
        model = "other"

    class Retrained(Leaning):
        def embed_documents(self, texts):
            return [[2.0, 1, 0, 0, 0, 0, 0, 1] for _ in texts]

    Retrained.__name__ = "Leaning"
    for model, told in ((Other(), "model: 'Leaning leaning' there"), (Retrained(), "another vec")):
        with pytest.raises(InvalidInput, match=told):
            FairEmbeddings.open(tmp_path / "means.npz", embeddings=model, detector=ByFirstWord())


def test_the_file_is_not_overwritten_by_mistake(fair, tmp_path):
    path = tmp_path / "means.npz"
    before = path.read_bytes()
    with pytest.raises(InvalidInput, match="there already"):
        FairEmbeddings.fit(["de 1"], path, embeddings=Leaning(), detector=ByFirstWord())
    assert path.read_bytes() == before
    FairEmbeddings.fit(["de 1"], path, embeddings=Leaning(), detector=ByFirstWord(), replace=True)
    assert path.read_bytes() != before
    assert [each.name for each in tmp_path.iterdir()] == ["means.npz"]


def test_files_that_can_not_be_used(fair, tmp_path):
    data = (tmp_path / "means.npz").read_bytes()
    damaged = tmp_path / "damaged.npz"
    for content in (b"", data[:200], data[:-30], b"\0" * 300):
        damaged.write_bytes(content)
        with pytest.raises(StoreCorrupt, match="damaged"):
            FairEmbeddings.open(damaged, embeddings=Leaning())
    np.savez(damaged, **{**dict(np.load(tmp_path / "means.npz")), "format": np.array(9)})
    with pytest.raises(StoreCorrupt, match="has format 9, and this version reads 1"):
        FairEmbeddings.open(damaged, embeddings=Leaning())
    with pytest.raises(StoreNotFound, match=r"FairEmbeddings\.fit"):
        FairEmbeddings.open(tmp_path / "none.npz", embeddings=Leaning())
    with pytest.raises(InvalidInput, match="is no folder"):
        FairEmbeddings.fit([], tmp_path / "no" / "folder.npz")


def test_a_new_language_is_learnt_before_its_texts_are_added(fair, tmp_path):
    before = fair.embed_documents(["de 4", "fr 1"])
    assert fair.learn(texts_in("sw", "de")) == ["sw"]
    assert fair.languages == ("de", "fr", "sw")
    assert fair.embed_documents(["de 4", "fr 1"]) == before
    lean = [abs(fair.embed_documents(["sw 1"])[0][5])]
    again = FairEmbeddings.open(
        tmp_path / "means.npz", embeddings=Leaning(), detector=ByFirstWord()
    )
    assert again.embed_documents(["sw 1"]) == fair.embed_documents(["sw 1"])
    assert lean[0] < abs(np.array(Leaning().embed_query("sw 1"))[5]) / np.sqrt(1 + 1.5**2)
    assert again.learn(texts_in("sw")) == []


def test_a_language_that_is_in_the_store_already_stays(fair, caplog):
    with caplog.at_level(logging.WARNING):
        fair.embed_documents(["sw 1"])
        fair.embed_documents(["sw 2"])
    assert caplog.text.count("no offset was fitted to sw") == 1
    with pytest.raises(InvalidInput, match="texts in sw were embedded already"):
        fair.learn(texts_in("sw"))


@pytest.mark.parametrize(
    ("texts", "options", "told"),
    [
        ([], {}, "fit needs texts"),
        ("de 1", {}, "give a list"),
        ([Document("de 1")], {}, "page_content"),
        (["de 1"], {"languages": ["de", "fr"]}, "2 languages were given for 1 texts"),
        (["de 1"], {"languages": ["german"]}, "code such as de.*got 'german'"),
        (["de 1"], {"embeddings": "openai"}, "expected an embedder"),
    ],
)
def test_what_can_not_be_fitted(tmp_path, texts, options, told):
    options = {"embeddings": Leaning(), "detector": ByFirstWord(), **options}
    with pytest.raises(InvalidInput, match=told):
        FairEmbeddings.fit(texts, tmp_path / "means.npz", **options)
    assert not list(tmp_path.iterdir())


def test_languages_that_are_told_are_those_that_the_detector_names(fair, tmp_path):
    texts = texts_in("de", "fr")
    told = FairEmbeddings.fit(
        texts,
        tmp_path / "told.npz",
        embeddings=Leaning(),
        languages=["deu"] * 10 + ["DE"] * 10 + ["fr-CA"] * 10 + [None] * 10,
        detector=ByFirstWord(),
    )
    assert told.languages == ("de", "fr")
    assert told.embed_documents(texts) == fair.embed_documents(texts)
    assert told.learn(texts_in("sw"), languages=["swh"] * 20) == ["sw"]
    with pytest.raises(InvalidInput, match="got '1'"):
        told.learn(["de 1"], languages=["1"])


def fit_with(seed):
    offsets = np.random.default_rng(seed).normal(size=(2, 128)).astype(np.float32) / 20
    return ModelFit.make(HashEmbedder().contract, LanguagePrior(("de", "sw"), offsets, offsets[0]))


def test_a_fit_of_the_model_tells_where_languages_lie_and_belongs_to_the_means(tmp_path):
    fit, path = fit_with(1), tmp_path / "means.npz"
    how = {"detector": ByFirstWord()}
    made = FairEmbeddings.fit(["de 1"], path, embeddings=with_fit(HashEmbedder(), fit), **how)
    again = FairEmbeddings.open(path, embeddings=with_fit(HashEmbedder(), fit_with(1)), **how)
    raw = HashEmbedder().embed_passages(["de 1", "sw 2"])
    means = LanguageMeans.fit(raw[:1], ["de"], prior=fit.prior)
    for fair in (made, again):
        fair.learn(["sw 2"])
        grown = means.grown(raw[1:], ["sw"], prior=fit.prior)
        expected = grown.centre_passages(raw, ["de", "sw"])
        assert np.allclose(fair.embed_documents(["de 1", "sw 2"]), expected, atol=1e-5)
    for other in (HashEmbedder(), with_fit(HashEmbedder(), fit_with(2))):
        with pytest.raises(InvalidInput, match=f"fit: '{fit.identity}' there, '.*' given"):
            FairEmbeddings.open(path, embeddings=other, **how)
    FairEmbeddings.fit(["de 1"], path, embeddings=HashEmbedder(), replace=True, **how)
    with pytest.raises(InvalidInput, match=f"fit: 'none' there, '{fit.identity}' given"):
        FairEmbeddings.open(path, embeddings=with_fit(HashEmbedder(), fit), **how)


def test_fair_embeddings_are_not_made_fair_again(fair, tmp_path):
    with pytest.raises(InvalidInput, match="fair already"):
        FairEmbeddings.fit(["de 1"], tmp_path / "other.npz", embeddings=fair)


def test_the_bundled_model_leans_on_its_prior(tmp_path, bundled_e5, monkeypatch):
    monkeypatch.setattr(module, "_AT_ONCE", 2)
    texts = ["Die Garantie gilt drei Jahre.", "La lune brille.", "The lamp is blue."]
    fair = FairEmbeddings.fit(texts, tmp_path / "means.npz", embeddings=bundled_e5)
    raw = bundled_e5.embed_passages(texts)
    prior = load_prior(bundled_e5.contract.weights)
    languages = [default_detector().detect(text).language for text in texts]
    means = LanguageMeans.fit(raw, languages, prior=prior)
    expected = means.centre_passages(raw, languages)
    assert np.allclose(fair.embed_documents(texts), expected, atol=0.02)
    nothing = FairEmbeddings.fit([], tmp_path / "none.npz", embeddings=RagEngineEmbeddings())
    assert nothing.languages == ()
    vector = nothing.embed_query("Wie lange gilt die Garantie?")
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)
    assert not np.allclose(vector, bundled_e5.embed_queries(["Wie lange gilt die Garantie?"])[0])


async def test_it_is_asked_by_tasks_too(fair):
    assert await fair.aembed_query("de 1") == fair.embed_query("de 1")
    assert await fair.aembed_documents(["de 1"]) == fair.embed_documents(["de 1"])
