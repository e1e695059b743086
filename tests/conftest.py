"""What many tests share: the real bundled model, and a quick engine without meaning."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag_engine.calibration.prior import load_prior
from rag_engine.calibration.token_space import load_token_space
from rag_engine.components import Components
from rag_engine.connectors.dense.auto_index import AutoDenseFactory
from rag_engine.connectors.detectors.several import SeveralModelsDetector
from rag_engine.connectors.generators.extractive import ExtractiveGenerator
from rag_engine.connectors.lexical.tantivy_index import TantivyFactory
from tests.doubles import HashEmbedder
from tests.llama_server import llama_server
from tests.milvus_server import milvus_lite, milvus_server
from tests.postgres_server import kb_address, own_postgres, postgres_address

__all__ = [
    "kb_address",
    "llama_server",
    "milvus_lite",
    "milvus_server",
    "own_postgres",
    "postgres_address",
]

PLACES = ["folder", pytest.param("postgres", marks=pytest.mark.postgres)]
"""Where a knowledge base may be; what a test promises holds in both."""


@pytest.fixture(scope="session", autouse=True)
def _load_the_bundled_model_once() -> Iterator[None]:
    """Whoever builds the model by its name in the settings shares it: loading takes a second.

    Tests of the class itself imported it before, and load it each time.
    """
    from rag_engine.connectors.embedders import bundled_e5 as module

    shared = functools.lru_cache(module.BundledE5)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BundledE5", lambda **options: shared(**options))
        yield


@pytest.fixture(scope="session")
def bundled_e5():
    from rag_engine.connectors.embedders.bundled_e5 import BundledE5

    return BundledE5()


@pytest.fixture(params=PLACES)
def location(request: pytest.FixtureRequest, tmp_path: Path) -> str | Path:
    """Give where a new knowledge base may be made: a folder, or an address of a server."""
    if request.param == "folder":
        return tmp_path / "kb"
    address: str = request.getfixturevalue("kb_address")
    return address


def components_with(embedder) -> Components:
    prior = load_prior(embedder.contract.weights)
    space = load_token_space(embedder.contract.weights)
    return Components(
        embedder=embedder,
        detector=SeveralModelsDetector(),
        dense=AutoDenseFactory(exact_below=200),
        lexical=TantivyFactory(),
        generator=ExtractiveGenerator(embedder=embedder, token_space=space, prior=prior),
        prior=prior,
        token_space=space,
    )


@pytest.fixture(scope="session")
def quick_components() -> Components:
    """Real indexes and detector; vectors without meaning, and HNSW from 200 chunks on."""
    return components_with(HashEmbedder())


@pytest.fixture(scope="session")
def real_components(bundled_e5) -> Components:
    return components_with(bundled_e5)
