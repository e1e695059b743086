"""Looks at a knowledge base from all sides, and puts together what was found."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Any

from rag_engine.components import Components
from rag_engine.errors import ModelError, ServiceError
from rag_engine.health.absent_embedder import AbsentEmbedder
from rag_engine.health.cut_chunks import BadCuts, cut_findings
from rag_engine.health.duplicates import duplicate_findings, find_copies, find_near
from rag_engine.health.extent import MOST_SAMPLE, QUESTIONS, SAMPLE
from rag_engine.health.findings import Finding, not_told
from rag_engine.health.garbage import find_garbage, garbage_findings
from rag_engine.health.hubs import find_hubs, hub_findings
from rag_engine.health.language_doubts import Claims, doubt_findings, foreign_neighbours
from rag_engine.health.language_placement import (
    Placement,
    at_home,
    place_languages,
    placement_findings,
)
from rag_engine.health.neighbours import nearest
from rag_engine.health.pseudo_questions import (
    DEPTH,
    PseudoQuestions,
    ask_pseudo_questions,
    question_findings,
)
from rag_engine.health.sample import Sample, draw
from rag_engine.health.translation_pairs import count_pairs, pair_findings
from rag_engine.records import UNDETERMINED, Document
from rag_engine.retrieval.document_ranking import rank_documents
from rag_engine.retrieval.retriever import Retriever
from rag_engine.store.progress import OnStage, silent
from rag_engine.store.view import View
from rag_engine.whole_numbers import check_whole

if TYPE_CHECKING:
    from rag_engine.knowledge_base import KnowledgeBase

__all__ = ["HealthReport", "examine"]

_NOTHING = not_told(
    "knowledge base",
    "nothing to look at: index something first",
    "rag-engine index FOLDER --kb DIR",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthReport:
    """What was found; ``looked_at`` of ``passages``, drawn by ``seed`` where they are fewer.

    ``languages`` counts all passages by language. ``found_histogram`` is that of ``Hubs``.
    """

    passages: int
    documents: int
    looked_at: int
    seed: int
    languages: dict[str, int]
    placement: Placement | None
    translation_pairs: dict[str, int]
    found_histogram: tuple[int, ...]
    pseudo_questions: PseudoQuestions | None
    findings: tuple[Finding, ...]

    def holds(self) -> str:
        """Say how much there is: ``1 passage of 1 document in 1 language``."""
        counts = {
            "passage": self.passages,
            "document": self.documents,
            "language": len(self.languages),
        }
        passages, documents, languages = (
            f"{count:,} {name}{'' if count == 1 else 's'}" for name, count in counts.items()
        )
        return f"{passages} of {documents} in {languages}"

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data; ``asked`` holds the figures of the pseudo-questions."""
        data = asdict(self)
        asked = data.pop("pseudo_questions")
        data["findings"] = [each.as_dict() for each in self.findings]
        data["asked"] = None
        if asked is not None:
            data["asked"] = {name: asked[name] for name in ("headings", "translations")}
        return data


def examine(
    kb: KnowledgeBase,
    view: View,
    components: Components,
    *,
    sample: int = SAMPLE,
    questions: int = QUESTIONS,
    seed: int = 1,
    on_stage: OnStage = silent,
) -> HealthReport:
    """Look at an open knowledge base as a lenient ``view`` shows it; ``KnowledgeBase.health``.

    Raises:
        InvalidInput: a ``sample``, a number of ``questions`` or a ``seed`` that can not be meant.
    """
    check_whole("sample", sample, 1, MOST_SAMPLE)
    check_whole("questions", questions, 0)
    check_whole("seed", seed, 0)
    on_stage("reading passages", 0, 0)
    drawn = draw(view, sample, seed)
    on_stage("comparing passages", 0, 0)
    near, cosines = nearest(drawn.centred, drawn.twins)
    corrected, _ = nearest(drawn.centred, drawn.twins, drawn.documents)
    plain, _ = nearest(drawn.raw, drawn.twins, drawn.documents)
    placement = place_languages(drawn, corrected, plain, seed)
    hubs = find_hubs(near)
    pairs = count_pairs(view)
    foreign = foreign_neighbours(drawn, plain, at_home(drawn.codes, plain))
    on_stage("reading documents", 0, 0)
    claims = Claims(drawn, components.detector)
    cuts = BadCuts(drawn, kb.settings.chunking.max_tokens, components.embedder.count_tokens)
    _read_documents(drawn, kb.document, (claims.look, cuts.look))
    on_stage("comparing texts", 0, 0)
    copies = find_copies(view, seed)
    retriever = Retriever(replace(components, reranker=None), kb.settings)
    asked, why = _asked(view, drawn, components, retriever, questions, seed, on_stage)
    inspected = kb.inspect()
    findings: Iterable[Finding] = chain(
        placement_findings(placement, enabled=view.snapshot.offsets.enabled),
        question_findings(drawn, asked, why),
        pair_findings(view, pairs, drawn.of),
        doubt_findings(drawn, claims, foreign, view.snapshot.languages.get(UNDETERMINED, 0)),
        hub_findings(drawn, hubs),
        duplicate_findings(view, drawn, copies, find_near(drawn, near, cosines)),
        cut_findings(cuts),
        garbage_findings(drawn, find_garbage(drawn)),
    )
    return HealthReport(
        passages=drawn.of,
        documents=inspected.documents,
        looked_at=len(drawn),
        seed=seed,
        languages=inspected.languages,
        placement=placement,
        translation_pairs=pairs.by_pair,
        found_histogram=() if hubs is None else hubs.histogram,
        pseudo_questions=asked,
        findings=tuple(findings) if len(drawn) else (_NOTHING,),
    )


def _read_documents(
    sample: Sample,
    read: Callable[[str], Document | None],
    looks: Iterable[Callable[[Document, list[int]], None]],
) -> None:
    """Read each document of the sample once; one that is gone meanwhile is left out."""
    places: dict[str, list[int]] = {}
    for place, each in enumerate(sample.chunks):
        places.setdefault(each.chunk.document_id, []).append(place)
    for identifier, its in places.items():
        document = read(identifier)
        if document is not None:
            for look in looks:
                look(document, its)


def _asked(
    view: View,
    sample: Sample,
    components: Components,
    retriever: Retriever,
    questions: int,
    seed: int,
    on_stage: OnStage,
) -> tuple[PseudoQuestions | None, str]:
    """Ask, where that can be done; else tell why it was not. No model but the embedder is asked."""
    if questions == 0:
        return None, "--questions 0"
    embedder = components.embedder
    if isinstance(embedder, AbsentEmbedder):
        return None, f"the model {embedder.contract.model!r} is not here"

    on_stage("asking pseudo-questions", 0, 0)

    def rank(texts: Sequence[str], without: Sequence[Collection[str]]) -> Iterable[list[str]]:
        alone = [[text] for text in texts]
        for found in rank_documents(retriever, view, alone, depth=DEPTH, without=without):
            yield [each.document_id for each in found]

    try:
        return ask_pseudo_questions(view, sample, rank, most=questions, seed=seed), ""
    except (ServiceError, ModelError) as error:  # all else is told without it
        return None, str(error)
