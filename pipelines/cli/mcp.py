"""``rag-engine mcp``."""

from __future__ import annotations

from rag_engine.pipelines.cli.opening import load_settings
from rag_engine.pipelines.cli.options import KbDir, SettingsFile
from rag_engine.pipelines.output import Outcome

__all__ = ["mcp"]


def mcp(*, kb: KbDir, settings: SettingsFile = None) -> Outcome:
    """Serve a knowledge base to MCP clients, on stdin and stdout.

    The tools are search, ask and fetch. It is opened for reading; another process may go on
    writing to it.
    """
    from rag_engine.pipelines.mcp import serve_mcp

    return serve_mcp(kb, load_settings(settings))
