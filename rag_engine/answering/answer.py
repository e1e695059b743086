"""From a question and its hits to an answer with checked citations."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rag_engine.answering.citations import check_answer, citation, without_marks
from rag_engine.answering.context import CountTokens, build_context
from rag_engine.answering.prompts import build_prompt
from rag_engine.ports import Generator, LanguageDetector
from rag_engine.records import UNDETERMINED, Answer, Hit

__all__ = ["NOTHING_FOUND", "answer_question"]

NOTHING_FOUND = "The knowledge base holds nothing that could answer this question."


def answer_question(
    question: str,
    hits: Sequence[Hit],
    *,
    language: str,
    generator: Generator,
    detector: LanguageDetector,
    count_tokens: CountTokens,
    max_tokens: int,
    on_text: Callable[[str], None] | None = None,
) -> Answer:
    """Let a generator answer from the hits, and check what it cites.

    ``language`` (BCP-47) is what the answer is asked to be in; the answer says which language it
    is in, and warns where that is another. ``max_tokens`` bounds what the generator is given to
    read. ``on_text`` receives the answer piece by piece, before anything in it is checked: a
    draft.

    Raises:
        ServiceError: a remote model failed.
    """
    context = build_context(hits, max_tokens=max_tokens, count_tokens=count_tokens)
    if not context.sources:
        return Answer(
            text=NOTHING_FOUND,
            language="en",
            citations=(),
            hits=tuple(hits),
            generator=generator.name,
            supported=False,
        )
    pieces: list[str] = []
    for piece in generator.generate(build_prompt(question, context, language=language)):
        pieces.append(piece)
        if on_text is not None:
            on_text(piece)
    checked = check_answer("".join(pieces), context.sources)
    written_in = detector.detect(without_marks(checked.text)).language
    warnings = list(checked.warnings)
    if UNDETERMINED not in {written_in, language} and written_in != language:
        warnings.append(f"the answer is in {written_in!r}, the question in {language!r}")
    cited = {source.number: source for source in context.sources}
    return Answer(
        text=checked.text,
        language=language if written_in == UNDETERMINED else written_in,
        citations=tuple(citation(cited[number]) for number in checked.numbers),
        hits=tuple(hits),
        generator=generator.name,
        supported=not checked.declined and bool(checked.numbers),
        warnings=tuple(warnings),
    )
