"""SubRip and WebVTT: what is said, under the time at which it is said."""

from __future__ import annotations

from rag_engine.connectors.loaders.parsed_file import ParsedFileLoader

__all__ = ["SubtitlesLoader"]


class SubtitlesLoader(ParsedFileLoader):
    """Reads subtitles; ``parsing/subtitles.py`` says how."""

    suffixes = frozenset({".srt", ".vtt"})
    format = "subtitles"
