"""All settings in one: a table a stage, read from TOML or plain data."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from rag_engine.errors import SettingsError
from rag_engine.settings.answering import (
    AnsweringSettings,
    ExtractiveGeneratorSettings,
    GeneratorSettings,
)
from rag_engine.settings.base import FROM_STORE, UNKNOWN_KIND, UNUSED, Frozen, Kind, shown
from rag_engine.settings.embedder import (
    BgeM3EmbedderSettings,
    BundledEmbedderSettings,
    EmbedderSettings,
    PluginEmbedderSettings,
)
from rag_engine.settings.images import ImagesSettings
from rag_engine.settings.indexes import (
    AutoDenseSettings,
    DenseSettings,
    LexicalSettings,
    MilvusSettings,
)
from rag_engine.settings.loaders import LoaderSettings
from rag_engine.settings.ocr import OcrSettings
from rag_engine.settings.retrieval import (
    ChunkingSettings,
    FairnessSettings,
    HybridRetrievalSettings,
    NoRerankerSettings,
    RerankerSettings,
    RetrievalSettings,
)

__all__ = ["Settings"]


class Settings(Frozen):
    """Everything that can be set, with defaults that need no change."""

    chunking: ChunkingSettings = ChunkingSettings()
    embedder: EmbedderSettings = BundledEmbedderSettings()
    dense: DenseSettings = AutoDenseSettings()
    milvus: MilvusSettings = MilvusSettings()
    lexical: LexicalSettings = LexicalSettings()
    fairness: FairnessSettings = FairnessSettings()
    retrieval: RetrievalSettings = HybridRetrievalSettings()
    reranker: RerankerSettings = NoRerankerSettings()
    generator: GeneratorSettings = ExtractiveGeneratorSettings()
    answering: AnsweringSettings = AnsweringSettings()
    loaders: LoaderSettings = LoaderSettings()
    ocr: OcrSettings = OcrSettings()
    images: ImagesSettings = ImagesSettings()

    def without_effect(self) -> dict[str, str]:
        """Return what a stage does not use because of another one."""
        unused = {}
        if self.dense.kind != "milvus" and self.lexical.kind != "milvus-bm25":
            unused["milvus"] = "dense.kind = 'milvus' and lexical.kind = 'milvus-bm25' use it"
        if self.retrieval.mode in {"bm25", "rrf"}:
            unused["answering.min_score"] = (
                f"retrieval.mode = {self.retrieval.mode!r} has no scores from 0 to 1; 'hybrid', "
                "'dense' and 'lexical' have"
            )
        if self.retrieval.mode != "hybrid":
            unused["images.model"] = (
                f"retrieval.mode = {self.retrieval.mode!r} tells no probabilities that a picture's "
                "could be compared with; 'hybrid' does"
            )
            unused["answering.strictness"] = (
                f"retrieval.mode = {self.retrieval.mode!r} tells no probability that anything "
                "answers; 'hybrid' does"
            )
        if isinstance(self.retrieval, HybridRetrievalSettings) and not self._may_keep_tokens():
            for name in ("late_interaction", "late_interaction_pool"):
                unused[f"retrieval.{name}"] = (
                    "the embedder keeps no vectors of tokens; embedder.kind = 'bundled' with "
                    "token_vectors = true does, and another model with a fit (embedder.fit)"
                )
        return unused

    def omitted(self) -> set[str]:
        """Write nothing down of pictures where none are looked at."""
        return {*super().omitted(), *(() if self.images.model else ("images",))}

    def _may_keep_tokens(self) -> bool:
        match self.embedder:
            case (
                BundledEmbedderSettings(token_vectors=kept)
                | BgeM3EmbedderSettings(token_vectors=kept)
            ):
                return kept
            case PluginEmbedderSettings():
                return True
            case other:  # with "auto" there may be a fit, which says where tokens are compared
                return other.fit != "none"

    def of_kind(self, stage: str, kind: str) -> Settings:
        """Return the same settings with another kind in a stage, with what both kinds know.

        Raises:
            SettingsError: there is no such kind, or it can not have a value that was set.

        >>> graph = Settings.model_validate({"dense": {"kind": "hnsw", "m": 16}})
        >>> graph.of_kind("dense", "milvus").dense.m
        16
        """
        before: Any = getattr(self, stage)
        by_name = {name: other for other in before.kinds() for name in other.names()}
        if kind not in by_name:
            raise SettingsError(
                f"{stage}.{before.choice} is one of {', '.join(map(repr, by_name))} (got {kind!r})"
            )
        known = by_name[kind].model_fields
        values = before.model_dump(exclude_unset=True)
        table = {name: value for name, value in values.items() if name in known}
        try:
            context = FROM_STORE if getattr(before, "from_store", False) else None
            after = by_name[kind].model_validate({**table, before.choice: kind}, context=context)
        except ValidationError as error:
            raise SettingsError(_problems(error, (stage, kind))) from error
        return self.model_copy(update={stage: after})

    @classmethod
    def from_toml(cls, path: Path) -> Settings:
        """Read settings from a TOML file with a table a stage.

        Raises:
            SettingsError: the file is missing, is no TOML, or holds an unknown or bad value.
        """
        try:
            return cls.checked(tomllib.loads(path.read_text(encoding="utf-8")), origin=str(path))
        except FileNotFoundError as error:
            raise SettingsError(
                f"settings file {path}: there is no such file; see that its name is right, or give "
                "none: a knowledge base has its own settings, and a new one takes the defaults"
            ) from error
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise SettingsError(f"settings file {path}: {error}") from error

    @classmethod
    def checked(cls, data: dict[str, Any], *, origin: str, stored: bool = False) -> Settings:
        """Validate plain data; ``origin`` names where it came from in the error.

        ``stored`` data were written by a knowledge base: what has no effect is left out.

        >>> Settings.checked({"dense": {"kindd": "hnsw"}}, origin="my.toml")
        Traceback (most recent call last):
            ...
        rag_engine.errors.SettingsError: my.toml: dense.kindd is not permitted (got 'hnsw'): \
[dense] takes kind, ef_construction, exact_below, compact_from, storage, m, ef_search
        >>> Settings.checked({"embedder": {"model": "BAAI/bge-m3"}}, origin="my.toml")
        Traceback (most recent call last):
            ...
        rag_engine.errors.SettingsError: my.toml: embedder.model = 'BAAI/bge-m3' is not used by \
kind = 'bundled'; it is by 'exported', 'sentence-transformer', 'bge-m3', \
'openai-compatible': name the kind
        """
        try:
            return cls.model_validate(data, context=FROM_STORE if stored else None)
        except ValidationError as error:
            raise SettingsError(f"{origin}: {_problems(error)}") from error


def _problems(error: ValidationError, within: tuple[str, ...] = ()) -> str:
    """Return what is wrong, each with the name of the setting from the top."""
    problems = []
    for item in error.errors(include_url=False):
        name, message, value = _path((*within, *item["loc"])), item["msg"], item["input"]
        last = str(item["loc"][-1]) if item["loc"] else ""
        if item["type"] == UNUSED:
            problems.append(message)
        elif item["type"] == "missing":
            kind = _kind_at((*within, *item["loc"]))
            problems.append(f"{name} is missing{f': kind = {kind!r} needs it' if kind else ''}")
        elif item["type"] == "extra_forbidden" and (taken := _taken((*within, *item["loc"]))):
            problems.append(f"{name} is not permitted (got {shown(last, value)}): {taken}")
        elif item["type"] == UNKNOWN_KIND:
            choice = message.split()[0]
            kind = value.get(choice) if isinstance(value, dict) else value
            problems.append(f"{name}.{message} (got {kind!r:.80})")
        else:
            problems.append(f"{name}: {message} (got {shown(last, value)})")
    return "; ".join(problems)


def _kind_at(loc: tuple[int | str, ...]) -> str | None:
    """Return the kind that pydantic's place of an error names beside the fields."""
    has_kinds = len(loc) > 1 and isinstance(_default(loc[0]), Kind)
    return str(loc[1]) if has_kinds else None


def _taken(loc: tuple[int | str, ...]) -> str:
    """Return what the table of an unknown setting takes, the most alike first."""
    unknown = str(loc[-1])
    if len(loc) == 1:
        return f"the tables are {', '.join(_alike(unknown, Settings.model_fields))}"
    stage, kind = _default(loc[0]), _kind_at(loc)
    fields = type(stage).model_fields if stage is not None else {}
    if isinstance(stage, Kind) and kind is not None:
        by_name = {name: each for each in stage.kinds() for name in each.names()}
        fields = by_name[kind].model_fields if kind in by_name else {}
    if not fields or len(loc) != (2 if kind is None else 3):
        return ""
    return f"[{loc[0]}] takes {', '.join(_alike(unknown, fields))}"


def _alike(unknown: str, names: Iterable[str]) -> list[str]:
    return sorted(names, key=lambda name: -SequenceMatcher(None, unknown, name).ratio())


def _path(loc: tuple[int | str, ...]) -> str:
    kind = _kind_at(loc)
    parts = (loc[0], *loc[2:]) if kind else loc
    return ".".join(map(str, parts))


def _default(stage: int | str) -> BaseModel | None:
    field = Settings.model_fields.get(str(stage))
    return field.default if field else None
