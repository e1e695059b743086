"""``python -m rag_engine.pipelines.cli``: the ``rag-engine`` command."""

from __future__ import annotations

from rag_engine.pipelines.cli import command

if __name__ == "__main__":
    command()
