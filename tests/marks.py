"""Marks: what a test needs or costs beyond the default run, each with the packages it takes.

A test or a doctest with one of these marks runs only when ``-m`` asks for it: ``-m torch``,
``-m extended`` (all of them), ``-m ""`` (everything). Where a package, a server or a browser is
missing, a test is skipped with the reason, loudly; with ``RAG_ENGINE_REQUIRE_TORCH`` (and so on, by
the mark's name) set, that is an error.
"""

from __future__ import annotations

import os
from fnmatch import fnmatch
from importlib.util import find_spec
from typing import NoReturn

import pytest

PACKAGES: dict[str, tuple[str, ...]] = {
    "slow": (),
    "torch": (
        *("torch", "transformers", "sentence_transformers", "accelerate", "datasets", "peft"),
        *("nncf", "onnx", "onnxruntime", "safetensors", "tokenizers"),
    ),
    "frameworks": ("llama_index", "haystack"),
    "milvus": ("pymilvus", "milvus_lite"),
    "postgres": ("psycopg", "psycopg_pool"),
    "stores": ("langchain_postgres", "langchain_qdrant", "pgserver"),
    "llm": ("gguf", "xllamacpp"),
    "browser": ("selenium",),
    "ocr": (),
    "notebooks": ("ipykernel", "nbclient", "nbformat"),
    "packaging": ("build",),
    "mteb": ("mteb", "torch"),
}
"""What must be importable for the tests of a mark."""

_EXTRAS = {"mteb": "mteb,torch"}
"""What brings the packages of a mark where it is not test-all."""

ANY = "extended"
"""The mark that every test with one of the others has too."""

_FILES = {
    "rag_engine/connectors/haystack/*.py": "frameworks",
    "rag_engine/connectors/llamaindex/*.py": "frameworks",
    "tests/connectors/foreign_retrievers/test_frameworks.py": "frameworks",
    "tests/connectors/haystack/*.py": "frameworks",
    "tests/connectors/llamaindex/*.py": "frameworks",
    "rag_engine/connectors/training/dense_losses.py": "torch",
    "rag_engine/connectors/training/embedder_trainer.py": "torch",
    "rag_engine/connectors/training/reranker_start.py": "torch",
    "rag_engine/connectors/training/reranker_trainer.py": "torch",
    "rag_engine/connectors/training/retrieval_loss.py": "torch",
    "rag_engine/connectors/training/similarity_loss.py": "torch",
    "rag_engine/connectors/training/streamed_table.py": "torch",
    "rag_engine/connectors/training/tasks.py": "torch",
    "rag_engine/connectors/training/trainer_parts.py": "torch",
    "tests/connectors/training/test_dense_losses.py": "torch",
    "tests/connectors/training/test_retrieval_loss.py": "torch",
    "tests/*/test_bge_m3.py": "torch",
    "tests/*/test_make_bge_m3_heads.py": "torch",
    "tests/*/test_cross_encoder.py": "torch",
    "tests/*/test_image_model.py": "torch",
    "tests/*/test_sentence_transformer.py": "torch",
    "tests/pipelines/test_export*.py": "torch",
    "tests/pipelines/test_train_*.py": "torch",
    "tests/pipelines/test_bench_mteb.py": "mteb",
    "tests/pipelines/test_bench*.py": "slow",
    "tests/*test_milvus_*.py": "milvus",
    "rag_engine/connectors/postgres/connecting.py": "postgres",
    "rag_engine/connectors/postgres/database.py": "postgres",
    "rag_engine/connectors/postgres/failures.py": "postgres",
    "tests/connectors/postgres/test_*.py": "postgres",
    "tests/*test_stores_*.py": "stores",
    "tests/*test_llama_*.py": "llm",
    "tests/connectors/http/ui/test_*.py": "browser",
    "tests/*test_ocr_*.py": "ocr",
    "tests/*notebook*.py": "notebooks",
    "tests/connectors/langchain/test_oldest.py": "packaging",
}
"""Files (``fnmatch``, relative to the repository) whose every test has the mark.

Such a file is not even imported when its mark is not asked for.
"""

_FIXTURES = {
    "llama_server": "llm",
    "milvus_server": "milvus",
    "milvus_lite": "milvus",
    "own_postgres": "postgres",
    "postgres_address": "postgres",
    "kb_address": "postgres",
}
"""Fixtures whose every user has the mark."""


def mark_of_file(path: str) -> str | None:
    """Return the mark of every test in a file, if they have one.

    >>> mark_of_file("tests/pipelines/test_train_embedder.py")
    'torch'
    >>> mark_of_file("tests/pipelines/test_cli.py")
    """
    return next((mark for pattern, mark in _FILES.items() if fnmatch(path, pattern)), None)


def marks_of_fixtures(names: list[str]) -> set[str]:
    """Return the marks that users of these fixtures have."""
    return {_FIXTURES[name] for name in names if name in _FIXTURES}


def lacking(mark: str) -> str | None:
    """Return what is not installed of that which a mark's tests need, as a sentence."""
    names = [name for name in PACKAGES[mark] if find_spec(name) is None]
    extra = _EXTRAS.get(mark, "test-all")
    return f"not installed: {', '.join(names)} (extra {extra})" if names else None


def unavailable(mark: str, reason: str) -> NoReturn:
    """Skip what can not run here, loudly; or fail it, where it is required."""
    variable = f"RAG_ENGINE_REQUIRE_{mark.upper()}"
    if os.environ.get(variable):
        pytest.fail(f"{reason}, and {variable} is set", pytrace=False)
    told = f"NOT TESTED ({mark}): {reason}; {variable}=1 makes this an error"
    pytest.skip(told, allow_module_level=True)
