"""``rag-engine demo``."""

from __future__ import annotations

from rag_engine.pipelines.cli.options import KeptKbDir
from rag_engine.pipelines.output import Outcome

__all__ = ["demo"]


def demo(*, kb: KeptKbDir = None) -> Outcome:
    """Index the sample knowledge base and ask it questions."""
    from rag_engine.pipelines.demo import run_demo

    return run_demo(kb)
