"""Chunks of the same content in every language, against chunks of as many tokens: what is found?

``python -m rag_engine.pipelines.recipes.measure_content_chunks FILE`` takes sentences that say the
same in many languages (``read_aligned``), spreads them over languages in runs that become one
document each, as a knowledge base of documents in different languages holds them, and asks for
every sentence in English. Right is the chunk that holds half of it, or half of which it is.

Chunks have ``--max-tokens`` in every language, or that times the language's premium over the mean
premium: about as many chunks, of the same content each. Found is by centred vectors alone. One row
is printed for each third of the languages by their premium: nDCG@10 with the first and the second.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rag_engine.calibration.language_means import LanguageMeans
from rag_engine.calibration.prior import load_prior
from rag_engine.components import default_detector, default_embedder
from rag_engine.connectors.token_counters.embedder import EmbedderTokens
from rag_engine.evaluation.ndcg import ndcg
from rag_engine.ingest import chunk_budget
from rag_engine.pipelines.aligned_lines import read_aligned
from rag_engine.pipelines.tables import table
from rag_engine.ports import Embedder, LanguageDetector
from rag_engine.records import Chunk, Document
from rag_engine.settings import Settings
from rag_engine.tasks.token_parity import Aligned, token_parity
from rag_engine.text.chunking import chunk_many

__all__ = ["Joined", "joined", "main", "right_ranks"]

_ENGLISH = "eng_Latn"
_RUN = 42
"""Sentences of a document."""


@dataclass(frozen=True, slots=True)
class Joined:
    """A document of sentences, and where each of them stands."""

    document: Document
    language: str
    places: Mapping[int, tuple[int, int]]


def joined(texts: Aligned, languages: Sequence[str], shift: int, run: int) -> Iterator[Joined]:
    """Yield documents: each run of sentences in the next language, the first ``shift`` on.

    >>> texts = {"de": {1: "Eins.", 2: "Zwei."}, "en": {1: "One.", 2: "Two."}}
    >>> [(each.document.text, each.places) for each in joined(texts, ["de", "en"], 1, 1)]
    [('One.', {1: (0, 4)}), ('Zwei.', {2: (0, 5)})]
    """
    shared = sorted(set.intersection(*(set(texts[language]) for language in languages)))
    for number, start in enumerate(range(0, len(shared), run)):
        language = languages[(number + shift) % len(languages)]
        places, end = {}, 0
        for sentence in shared[start : start + run]:
            size = len(texts[language][sentence])
            places[sentence] = (end, end + size)
            end += size + 1
        text = " ".join(texts[language][sentence] for sentence in places)
        yield Joined(Document(id=f"{number}", text=text, source=f"{number}"), language, places)


def right_ranks(chunks: Sequence[Chunk], document_id: str, place: tuple[int, int]) -> list[int]:
    """Return 1 for each chunk that holds half of a sentence, or is half of it; else 0."""
    start, end = place
    found = []
    for chunk in chunks:
        shared = min(end, chunk.end) - max(start, chunk.start)
        least = min(end - start, chunk.end - chunk.start) / 2
        found.append(int(chunk.document_id == document_id and shared >= least))
    return found


def _measured(
    documents: Sequence[Joined],
    texts: Aligned,
    budgets: Mapping[str, int],
    embedder: Embedder,
    detector: LanguageDetector,
) -> tuple[int, dict[str, list[float]]]:
    """Return how many chunks there are, and nDCG@10 of each question by the passage's language."""
    chunks: list[Chunk] = []
    for each in documents:
        [cut] = chunk_many(
            [each.document],
            count_tokens=embedder.count_tokens,
            detector=detector,
            max_tokens=budgets[each.language],
        )
        chunks += cut
    languages = [chunk.language for chunk in chunks]
    vectors = embedder.embed_passages([chunk.text for chunk in chunks])
    means = LanguageMeans.fit(vectors, languages, prior=load_prior(embedder.contract.weights))
    vectors = means.centre_passages(vectors, languages)
    found: dict[str, list[float]] = {}
    for each in documents:
        if each.language == _ENGLISH:
            continue
        asked = [texts[_ENGLISH][sentence] for sentence in each.places]
        questions = embedder.embed_queries(asked)
        for text, question, place in zip(asked, questions, each.places.values(), strict=True):
            centred = means.centre_query(question, detector.plausible(text))
            best = np.argsort(-(vectors @ centred), kind="stable")[:10]
            grades = right_ranks([chunks[row] for row in best], each.document.id, place)
            first = grades.index(1) if 1 in grades else len(grades)
            score = ndcg([0] * first + [1], [1])  # the first right one alone
            found.setdefault(each.language, []).append(score)
    return len(chunks), found


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print a row for each third of the languages."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--languages", required=True, help="as the file writes them: a,b,c")
    parser.add_argument("--max-tokens", type=int, default=128)
    parser.add_argument("--shifts", type=int, default=3, help="how often languages are dealt out")
    given = parser.parse_args(arguments)
    languages = [_ENGLISH, *(name for name in given.languages.split(",") if name != _ENGLISH)]
    read, _ = read_aligned(given.file)
    texts = {language: read[language] for language in languages}
    embedder, detector = default_embedder(Settings()), default_detector()
    told = token_parity(texts, EmbedderTokens(embedder), relative_to=_ENGLISH)
    premiums = {each.language: each.premium for each in told if each.premium is not None}
    mean = sum(premiums.values()) / len(premiums)
    most = chunk_budget(Settings().chunking.model_copy(update={"max_tokens": 8192}), embedder)
    runs: dict[str, dict[str, list[float]]] = {"tokens": {}, "content": {}}
    for shift in range(given.shifts):
        documents = list(joined(texts, languages, shift * 7, _RUN))
        for kind, scores in runs.items():
            budgets = {
                name: min(
                    most,
                    round(given.max_tokens * (premiums[name] / mean if kind == "content" else 1)),
                )
                for name in languages
            }
            count, found = _measured(documents, texts, budgets, embedder, detector)
            sys.stderr.write(f"shift {shift}, {kind}: {count} chunks\n")
            for language, its in found.items():
                scores.setdefault(language, []).extend(its)
    ordered = sorted(runs["tokens"], key=lambda name: premiums[name])
    thirds = [part.tolist() for part in np.array_split(np.array(ordered), 3)]
    rows = []
    for part in filter(None, (*thirds, ordered)):
        row: dict[str, object] = {
            "languages": len(part),
            "premiums": f"{premiums[part[0]]:.2f} to {premiums[part[-1]]:.2f}",
        }
        for kind, scores in runs.items():
            row[kind] = f"{np.mean([np.mean(scores[name]) for name in part]):.3f}"
        rows.append(row)
    sys.stdout.write("".join(f"{line}\n" for line in table(rows)))


if __name__ == "__main__":
    main()
