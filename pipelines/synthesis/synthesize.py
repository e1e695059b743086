"""``rag-engine synthesize``: questions about one's own passages, written by a language model.

Each passage is asked about in some of the languages wanted. What the model writes is kept if it is
a question in that language that is no copy, and if the knowledge base itself finds the passage by
it (round-trip consistency: Alberti et al. 2019, "Synthetic QA Corpora Generation with Roundtrip
Consistency", section 2, with a retriever in the place of a reader, as in Dai et al. 2022,
"Promptagator", section 3.2).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rag_engine.components import Components
from rag_engine.connectors import wiring
from rag_engine.connectors.training.examples import Example
from rag_engine.connectors.training.synthesis.question_checks import (
    Verdict,
    check_text,
    question_key,
)
from rag_engine.connectors.training.synthesis.question_prompt import PROMPT_VERSION
from rag_engine.connectors.training.synthesis.round_trip import return_trip
from rag_engine.errors import InvalidInput, SettingsError
from rag_engine.knowledge_base import KnowledgeBase
from rag_engine.location import Location
from rag_engine.pipelines.output import Outcome, note
from rag_engine.pipelines.progress import Bar
from rag_engine.pipelines.synthesis.asking import Asked, Request, ask_in_order
from rag_engine.pipelines.synthesis.failures import Failures
from rag_engine.pipelines.synthesis.passages import Chosen, choose, read_in_order
from rag_engine.pipelines.synthesis.question_journal import Journal
from rag_engine.pipelines.synthesis.synthesis_report import tally_data, tally_table
from rag_engine.pipelines.synthesis.synthesis_settings import Synthesis
from rag_engine.records import Chunk, Problem
from rag_engine.settings import (
    GeneratorSettings,
    OpenAICompatibleGeneratorSettings,
    Settings,
)
from rag_engine.text.chunking import passage_text
from rag_engine.text.codes import normalise_language

__all__ = ["synthesize"]

_DEEPER = 30
"""So many more hits than the passage may be among are looked at for negatives."""


def synthesize(
    path: Location,
    target: Path,
    wanted: Synthesis,
    *,
    settings: Settings | None = None,
    at_once: int = 4,
) -> Outcome:
    """Write examples for ``rag-engine train embedder`` from the knowledge base at ``path``.

    ``settings`` take the place of those that it was made with; their generator writes the
    questions. Stopped, the same command goes on; a passage that was done is not asked about again.

    Raises:
        InvalidInput: a ``target`` that is not a new file ending in ``.jsonl``, or is another
            run's; no passage to ask about.
        ServiceError: the model fails again and again, from the start or in between.
        SettingsError: the settings name no language model.
        StoreError: the knowledge base can not be opened.
    """
    if target.suffix != ".jsonl":
        raise InvalidInput(
            f"examples are lines of JSON: name a file ending in .jsonl, not {target}"
        )
    if at_once < 1:
        raise InvalidInput(f"at_once is at least 1, got {at_once}")
    built: list[Components] = []

    def build(chosen: Settings) -> Components:
        _refuse_quoting(chosen)
        built.append(wiring.build_components(chosen))
        return built[-1]

    with KnowledgeBase.open(
        path, settings=settings, components=build, read_only=True, create=False
    ) as kb:
        chosen = choose(kb, limit=wanted.limit, seed=wanted.seed)
        if not chosen.ids:
            raise InvalidInput(f"{path} holds no passage to ask about; index documents first")
        if len(kb.passage_ids()) <= wanted.keep_within:
            note(
                f"the knowledge base has no more than {wanted.keep_within} passages: every one is "
                "always found; a smaller --keep-within would tell more"
            )
        identity = _identity(kb, chosen, wanted)
        with Journal(target, identity) as journal:
            return _Run(kb, built[-1], wanted, journal).run(chosen, identity, at_once)


def _refuse_quoting(settings: Settings) -> None:
    if settings.generator.kind == "extractive":
        raise SettingsError(
            "questions are written by a language model, and generator.kind = 'extractive' only "
            "quotes; name one in a settings file, and the file with --settings: [generator] "
            "kind = 'openai-compatible', model = '...', base_url = 'http://HOST:PORT/v1'"
        )


def _identity(kb: KnowledgeBase, chosen: Chosen, wanted: Synthesis) -> dict[str, Any]:
    """Return what a run is made of, as JSON has it: another of these is another run."""
    told, settings = kb.inspect(), kb.settings
    return {
        "knowledge base": {
            "contract": told.contract,
            "generation": told.generation,
            "documents": told.documents,
            "chunks": told.chunks,
        },
        "passages": {"count": len(chosen.ids), "sha256": chosen.digest},
        "model": {**_model(settings.generator), "prompt": PROMPT_VERSION},
        "retrieval": {
            **settings.retrieval.model_dump(mode="json"),
            "fairness": settings.fairness.enabled,
            "reranker": settings.reranker.model_dump(mode="json"),
            "least score": kb.least_score if wanted.min_score is None else wanted.min_score,
        },
        "settings": wanted.model_dump(mode="json"),
    }


def _model(generator: GeneratorSettings) -> dict[str, object]:
    """Return what of a generator's settings tells in the questions."""
    if isinstance(generator, OpenAICompatibleGeneratorSettings):
        return {"name": generator.model, "max_tokens": generator.max_tokens}
    return generator.model_dump(mode="json")


class _Run:
    """One run over the chosen passages."""

    def __init__(
        self, kb: KnowledgeBase, parts: Components, wanted: Synthesis, journal: Journal
    ) -> None:
        self._kb = kb
        self._parts = parts
        self._wanted = wanted
        self._journal = journal
        self._least_score = kb.least_score if wanted.min_score is None else wanted.min_score

    def run(self, chosen: Chosen, identity: dict[str, Any], at_once: int) -> Outcome:
        """Ask about every passage that is left, and report."""
        generator = self._kb.settings.generator
        model = repr(generator.name)
        if isinstance(generator, OpenAICompatibleGeneratorSettings):
            model += f" at {generator.base_url}"
        failures = Failures(model)
        asking = ask_in_order(self._requests(chosen), self._parts.generator, at_once=at_once)
        with Bar("asking", len(chosen.ids), unit="passage") as bar, closing(asking) as answers:
            bar.to(len(self._journal.done))
            for request, asked in answers:
                for ready in failures.sorted_out(request, asked):
                    self._judge(*ready)
                bar.to(len(self._journal.done))
            for ready in failures.rest():
                self._judge(*ready)
        return self._outcome(chosen, identity, failures)

    def _requests(self, chosen: Chosen) -> Iterator[Request]:
        places = {each: place for place, each in enumerate(chosen.ids)}
        left = [each for each in chosen.ids if each not in self._journal.done]
        for passage in read_in_order(self._kb, left):
            yield Request(
                passage=passage,
                text=self._text(passage.title, passage.chunk),
                languages=self._wanted.languages_of(places[passage.id]),
            )

    def _text(self, title: str, chunk: Chunk) -> str:
        """Return a passage as the knowledge base embeds it, so that training sees the same."""
        heading = self._kb.settings.chunking.include_heading
        return passage_text(title, chunk, include_heading=heading)

    def _judge(self, request: Request, asked: list[Asked]) -> None:
        """Check the questions about one passage, and write down what came of them."""
        fates: list[tuple[str, Verdict]] = []
        examples: list[Example] = []
        for each in asked:
            fate, example = self._judged(request, each)
            fates.append((each.language, fate))
            if example is not None:
                examples.append(example)
                self._journal.known.add(question_key(each.question))
        self._journal.add(request.passage.id, fates, examples)

    def _judged(self, request: Request, asked: Asked) -> tuple[Verdict, Example | None]:
        if asked.error is not None:
            return Verdict.FAILED, None
        passage = request.passage
        fate = check_text(
            asked.question,
            request.text,
            language=asked.language,
            passage_language=passage.chunk.language,
            known=self._journal.known,
            detector=self._parts.detector,
        )
        if not fate.good:
            return fate, None
        wanted, language = self._wanted, normalise_language(asked.language)
        depth = min(1_000, wanted.keep_within + _DEEPER + 10 * wanted.negatives)
        hits = self._kb.search(asked.question, k=depth, language=language)
        found = return_trip(
            passage,
            hits,
            within=wanted.keep_within,
            min_score=self._least_score,
            negatives=wanted.negatives,
            likeness=lambda others: self._kb.likeness(passage.id, others),
        )
        if found is None:
            return Verdict.NOT_FOUND, None
        return fate, Example(
            question=asked.question,
            positive=request.text,
            negatives=tuple(self._text(each.title, each.chunk) for each in found.negatives),
            question_language=language,
            passage_language=passage.chunk.language,
            group=passage.content,
        )

    def _outcome(self, chosen: Chosen, identity: dict[str, Any], failures: Failures) -> Outcome:
        languages, tally = self._wanted.languages, self._journal.tally
        counts = tally_data(tally, languages)
        short = self._journal.short_of(self._wanted.negatives)
        result = {
            "passages": len(chosen.ids),
            "too_thin": chosen.thin,
            "copies": chosen.copies,
            "short_of_negatives": short,
            **counts,
        }
        self._journal.finish(
            {**identity, "result": result, "packages": {"rag-engine": version("rag-engine")}}
        )
        target = self._journal.target
        problems = failures.problems()
        if not counts["kept"]:
            reason = "no question was kept; see why above; a larger model may write better ones"
            problems.append(Problem(source=str(target), reason=reason))
        wanting = f"{short:,} examples have fewer than {self._wanted.negatives} negatives"
        passed = f"{chosen.thin:,} too short to ask about, {chosen.copies:,} copies of others"
        return Outcome(
            result={"file": str(target), **result},
            lines=[
                *tally_table(tally, languages),
                f"{len(chosen.ids):,} passages; passed over: {passed}",
                *([f"{wanting}; `train embedder --mine` finds more"] if short else []),
                f"written: {target}, {counts['kept']:,} examples; what they were made of: "
                f"{self._journal.card.name}",
            ],
            problems=problems,
        )
