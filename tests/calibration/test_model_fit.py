"""The file of a fit: kept, identified, and part of what a knowledge base promises."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace

import numpy as np
import pytest

from rag_engine import KnowledgeBase
from rag_engine.calibration.model_fit import ModelFit, fit_of, prior_of, token_space_of, with_fit
from rag_engine.calibration.null_distribution import ModelPrior
from rag_engine.calibration.prior import LanguagePrior
from rag_engine.calibration.similarity_scale import SimilarityScale
from rag_engine.errors import ContractMismatch, InvalidInput, ModelError
from rag_engine.evaluation.cached_embedder import CachedEmbedder
from rag_engine.evaluation.vector_cache import VectorCache
from rag_engine.health.absent_embedder import AbsentEmbedder
from rag_engine.inspection import inspect_location
from tests.conftest import components_with
from tests.doubles import HashEmbedder
from tests.samples import PUMP

SCALE = SimilarityScale(
    usual=0.1, by_places=0.5, spread=-1.0, at=0.1, slope=50.0, by_spread=-5.0, fitted_on=("de",)
)


def fitted(seed=1, embedder=None, **more):
    random = np.random.default_rng(seed)
    prior = LanguagePrior(
        ("de", "sw"),
        random.normal(size=(2, 128)).astype(np.float32) / 20,
        random.normal(size=128).astype(np.float32) / 20,
        **more,
    )
    return ModelFit.make((embedder or HashEmbedder()).contract, prior, made_of={"seed": seed})


def test_what_is_written_is_what_was_fitted(tmp_path):
    fit = ModelFit.make(
        HashEmbedder().contract,
        fitted(model_prior=ModelPrior(0.4, 0.05, 0.1), similarity=SCALE).prior,
        basis=np.eye(8, 128, dtype=np.float32),
        background=np.eye(4, 8, dtype=np.float32),
        token_weights=np.arange(5, dtype=np.float32),
    )
    fit.save(tmp_path / "a.npz")
    read = ModelFit.load(tmp_path / "a.npz")
    assert read.identity == fit.identity
    assert np.array_equal(read.prior.offsets, fit.prior.offsets)
    assert (read.prior.model_prior, read.prior.similarity) == (ModelPrior(0.4, 0.05, 0.1), SCALE)
    assert np.array_equal(read.token_space.basis, np.eye(8, 128))
    assert read.token_weights.tolist() == [0, 1, 2, 3, 4]
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]


def test_identity_is_that_of_the_figures():
    assert fitted().identity == fitted().identity
    assert fitted(2).identity != fitted().identity
    assert fitted(similarity=SCALE).identity != fitted().identity
    told = ModelFit({**fitted().arrays, "made_of": np.array('{"seed": 9}')})
    assert told.identity == fitted().identity


@pytest.mark.parametrize("field", ["weights", "query_prompt", "passage_prompt", "pooling"])
def test_another_model_is_refused(field):
    embedder = HashEmbedder()
    embedder.contract = replace(embedder.contract, **{field: "other"})
    with pytest.raises(ModelError, match=f"{field}: fitted to .*, the model has 'other'"):
        with_fit(embedder, fitted())


def test_a_name_alone_is_no_other_model():
    embedder = HashEmbedder()
    embedder.contract = replace(embedder.contract, model="moved", max_tokens=99)
    assert prior_of(with_fit(embedder, fitted())).languages == ("de", "sw")


def test_what_is_served_is_known_by_its_name():
    embedder, other = HashEmbedder(), HashEmbedder()
    embedder.contract = replace(embedder.contract, weights="served", model="one")
    other.contract = replace(embedder.contract, model="two")
    with pytest.raises(ModelError, match="model: fitted to 'one'"):
        with_fit(other, fitted(embedder=embedder))


def test_the_embedder_itself_stays_without():
    shared = HashEmbedder()
    one, two = with_fit(shared, fitted()), with_fit(shared, fitted(2))
    assert [fit_of(each) and fit_of(each).identity for each in (one, two, shared)] == [
        fitted().identity,
        fitted(2).identity,
        None,
    ]
    assert np.array_equal(one.embed_queries(["a"]), shared.embed_queries(["a"]))


def test_the_original_lives_as_long_as_what_shares_its_model():
    closed = []
    shared = HashEmbedder()
    weakref.finalize(shared, closed.append, 1)
    fair = with_fit(shared, fitted())
    del shared
    gc.collect()
    assert fit_of(fair)
    assert not closed


class _Closing(HashEmbedder):
    def __del__(self) -> None:
        """Close something."""


class _Copied(_Closing):
    def __copy__(self):
        return _Copied()


class _Lasting(HashEmbedder):
    def __copy__(self):
        return self


class _Slotted(HashEmbedder):
    __setattr__ = None

    def __init__(self) -> None:
        self.__dict__.update(vars(HashEmbedder()))


@pytest.mark.parametrize("kind", [_Closing, _Lasting, _Slotted])
def test_what_can_not_be_copied_is_given_no_fit(kind):
    with pytest.raises(InvalidInput, match=f"{kind.__name__} can not be given a fit"):
        with_fit(kind(), fitted())


def test_a_copy_of_ones_own_is_taken():
    assert fit_of(with_fit(_Copied(), fitted())).identity == fitted().identity


@pytest.mark.parametrize("damage", ["missing", "cut", "text", "shapes", "nan", "format"])
def test_a_damaged_file_is_told(tmp_path, damage):
    path = tmp_path / "fit.npz"
    fit = fitted()
    if damage == "shapes":
        fit = ModelFit({**fit.arrays, "offsets": np.zeros((3, 128), np.float16)})
    elif damage == "nan":
        fit = ModelFit({**fit.arrays, "middle": np.full(128, np.nan, np.float16)})
    elif damage == "format":
        fit = ModelFit({**fit.arrays, "format": np.array(99)})
    if damage != "missing":
        fit.save(path)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-300])
    elif damage == "text":
        path.write_text("no fit")
    with pytest.raises(ModelError, match="rag-engine fit"):
        ModelFit.load(path)


def test_a_memory_keeps_the_fit(tmp_path):
    embedder = with_fit(HashEmbedder(), fitted())
    with VectorCache(tmp_path) as cache:
        assert fit_of(CachedEmbedder(embedder, cache)).identity == fitted().identity
    assert token_space_of(embedder) is None


def opened(path, fit, **how):
    embedder = HashEmbedder()
    if fit is not None:
        embedder = with_fit(embedder, fit)
    return KnowledgeBase.open(path, components=components_with(embedder), **how)


@pytest.mark.parametrize(
    ("built", "given", "said"),
    [
        (fitted(), fitted(2), "fit: stored .*embedder.fit names"),
        (fitted(), None, "given 'none'.*embedder.fit names"),
        (None, fitted(), "stored 'none'.*embedder.fit = 'none'"),
    ],
    ids=["another", "none", "one where there was none"],
)
def test_a_knowledge_base_opens_with_its_own_fit_alone(tmp_path, built, given, said):
    with opened(tmp_path, built) as kb:
        kb.add([PUMP])
    with pytest.raises(ContractMismatch, match=said):
        opened(tmp_path, given)
    with opened(tmp_path, built) as kb:
        assert kb.document_ids() == ["pump"]


def test_one_whose_model_is_not_here_opens(tmp_path):
    """``rag-engine health`` looks at what is kept, without model and without fit."""
    with opened(tmp_path, fitted()) as kb:
        kb.add([PUMP])
    stored = inspect_location(tmp_path).contract
    assert stored["fit"] == fitted().identity
    absent = components_with(AbsentEmbedder(stored))
    with KnowledgeBase.open(tmp_path, components=absent, read_only=True) as kb:
        assert kb.document_ids() == ["pump"]
