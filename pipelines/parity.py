"""``rag-engine parity``: what the same content costs in each language, by any tokenizer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rag_engine.components import default_embedder
from rag_engine.connectors.charts import premium_chart
from rag_engine.connectors.token_counters.embedder import EmbedderTokens
from rag_engine.connectors.token_counters.opening import open_counter
from rag_engine.errors import InvalidInput
from rag_engine.ingest import chunk_budget
from rag_engine.pipelines.aligned_lines import read_aligned
from rag_engine.pipelines.output import Outcome, safe
from rag_engine.pipelines.output_files import whole_file
from rag_engine.pipelines.progress import Bar
from rag_engine.pipelines.tables import table
from rag_engine.records import Problem
from rag_engine.settings import Settings
from rag_engine.tasks.token_parity import (
    MOST_UNKNOWN,
    LanguageParity,
    TokenCounter,
    token_parity,
)
from rag_engine.text.codes import normalise_language

__all__ = ["parity"]

_PLACES = 4


def parity(
    file: Path,
    settings: Settings,
    *,
    tokenizers: Sequence[str],
    relative_to: str,
    price: float | None,
    chart: Path | None,
) -> Outcome:
    """Compare the tokens, characters and bytes of aligned sentences (``read_aligned``).

    Without ``tokenizers`` the embedder of the settings counts, and what a chunk holds is told.
    ``price`` is what a million tokens cost.

    Raises:
        InvalidInput: no texts in ``relative_to``; a price that is none; what ``open_counter``
            refuses.
        StorageFailed: the chart can not be written.
    """
    if price is not None and not (math.isfinite(price) and price > 0):
        raise InvalidInput(f"--price is what a million tokens cost, above 0, got {price}")
    if len(set(tokenizers)) != len(tokenizers):
        raise InvalidInput(f"--tokenizer names one twice: {', '.join(tokenizers)}")
    texts, bad_lines = read_aligned(file)
    reference = _reference(relative_to, texts)
    counters: list[TokenCounter] = [open_counter(name) for name in tokenizers]
    budget = None
    if not counters:
        embedder = default_embedder(settings)
        counters.append(EmbedderTokens(embedder))
        budget = chunk_budget(settings.chunking, embedder)
    with Bar(unit="language") as bar:
        measured = [
            (
                counter.name,
                token_parity(texts, counter, relative_to=reference, on_stage=bar.stage),
            )
            for counter in counters
        ]
    problems = [*bad_lines, *_problems(measured, texts, reference)]
    if chart is not None:
        _draw(measured, reference, chart)
    rows = {name: [_row(each, budget, price) for each in found] for name, found in measured}
    result = {
        "relative_to": reference,
        "max_tokens": budget,
        "price": price,
        "tokenizers": [{"tokenizer": name, "languages": each} for name, each in rows.items()],
        "chart": None if chart is None else str(chart),
    }
    return Outcome(result=result, lines=_lines(measured, rows, reference), problems=problems)


def _reference(wanted: str, texts: Mapping[str, object]) -> str:
    """Return the file's own name of the language that is meant: ``en`` finds ``eng_Latn``."""
    if wanted in texts:
        return wanted
    code = normalise_language(wanted)
    meant = sorted(name for name in texts if normalise_language(name) == code)
    if len(meant) == 1 and code != "und":
        return meant[0]
    told = f"these are all of it: {', '.join(meant)}" if meant else _some(sorted(texts))
    raise InvalidInput(f"--relative-to {wanted!r:.80} is no language of the file; {told}")


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:20])
    return f"it has {shown}" + (f" and {len(names) - 20:,} more" if len(names) > 20 else "")


def _row(found: LanguageParity, budget: int | None, price: float | None) -> dict[str, Any]:
    data = asdict(found)
    tokens = max(1, found.tokens)
    data["sentences_a_chunk"] = (
        budget * found.sentences / tokens if budget and found.readable else None
    )
    data["chunks"] = math.ceil(found.tokens / budget) if budget and found.readable else None
    data["cost"] = price * found.premium if price and found.premium is not None else None
    return {
        name: round(value, _PLACES) if isinstance(value, float) else value
        for name, value in data.items()
    }


def _problems(
    measured: Sequence[tuple[str, Sequence[LanguageParity]]],
    texts: Mapping[str, object],
    reference: str,
) -> list[Problem]:
    found = measured[0][1]
    compared = {each.language for each in found}
    problems = [
        Problem(source=language, reason=f"it shares no sentence with {reference}: not compared")
        for language in sorted(texts.keys() - compared)
    ]
    problems += [
        Problem(
            source=each.language,
            reason=f"{each.missing:,} of {reference}'s sentences are missing: both are compared "
            f"over the {each.sentences:,} that they share",
        )
        for each in found
        if each.missing
    ]
    problems += [
        Problem(
            source=each.language,
            reason=f"{name} can not read {each.unknown:.0%} of its characters (more than "
            f"{MOST_UNKNOWN:.0%}): its tokens tell nothing",
        )
        for name, of_one in measured
        for each in of_one
        if each.unknown is not None and not each.readable
    ]
    return problems


def _draw(
    measured: Sequence[tuple[str, Sequence[LanguageParity]]], reference: str, chart: Path
) -> None:
    premiums = {
        name: {each.language: each.premium for each in found if each.premium is not None}
        for name, found in measured
    }
    title = measured[0][0] if len(measured) == 1 else "premium by language"
    with whole_file(chart, "writing the chart") as beside:
        premium_chart(premiums, beside, reference=reference, title=title)


def _lines(
    measured: Sequence[tuple[str, Sequence[LanguageParity]]],
    rows: Mapping[str, Sequence[Mapping[str, Any]]],
    reference: str,
) -> list[str]:
    if len(measured) > 1:
        by_name = {
            name: {each.language: each.premium for each in found} for name, found in measured
        }
        languages = sorted(by_name[measured[0][0]], key=lambda code: _order(by_name, code))
        shown: list[dict[str, object]] = [
            {"language": code, **{name: _times(each[code]) for name, each in by_name.items()}}
            for code in languages
        ]
        return [f"premium over {reference}", *table(shown)]
    [(name, each)] = rows.items()
    ordered = sorted(each, key=lambda row: (row["premium"] is None, row["premium"] or 0))
    chunks, cost = (any(row[column] is not None for row in each) for column in ("chunks", "cost"))
    told = [_shown(row, chunks=chunks, cost=cost) for row in ordered]
    return [f"{safe(name)}, relative to {reference}", *table(told)]


def _order(by_name: Mapping[str, Mapping[str, float | None]], code: str) -> tuple[bool, float, str]:
    premium = next(iter(by_name.values()))[code]
    return premium is None, premium or 0.0, code


def _shown(row: Mapping[str, Any], *, chunks: bool, cost: bool) -> dict[str, object]:
    shown: dict[str, object] = {
        "language": row["language"],
        "sentences": row["sentences"],
        "tokens": row["tokens"],
        "premium": _times(row["premium"]),
        "characters": _times(row["characters_ratio"]),
        "bytes": _times(row["bytes_ratio"]),
        "unknown": None if row["unknown"] is None else f"{row['unknown']:.1%}",
    }
    if chunks:
        shown["sentences a chunk"] = _times(row["sentences_a_chunk"])
        shown["chunks"] = row["chunks"]
    if cost:
        shown["cost"] = _times(row["cost"])
    return shown


def _times(value: float | None) -> str | None:
    return None if value is None else f"{value:.2f}"
