"""SubRip and WebVTT: what is said, under the time at which it is said."""

from __future__ import annotations

from rag_engine.connectors.loaders.encoded_file import EncodedFileLoader

__all__ = ["SubtitlesLoader"]


class SubtitlesLoader(EncodedFileLoader):
    """Reads subtitles; ``parsing/subtitles.py`` says how."""

    suffixes = frozenset({".srt", ".vtt"})
    format = "subtitles"
