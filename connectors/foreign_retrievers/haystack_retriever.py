"""A retriever component or a pipeline of Haystack, run as it is configured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rag_engine.connectors.foreign_retrievers.known_types import is_of
from rag_engine.errors import InvalidInput
from rag_engine.evaluation.audit import FoundPassage

__all__ = [
    "HaystackComponent",
    "HaystackPipeline",
    "document_of_haystack",
    "is_haystack_component",
    "is_haystack_pipeline",
]

_DOCUMENTS = "documents"
_QUESTION = "query"


def is_haystack_component(thing: object) -> bool:
    """Tell whether something is a component (a class that ``@component`` decorated)."""
    return not isinstance(thing, type) and hasattr(thing, "__haystack_input__")


def is_haystack_pipeline(thing: object) -> bool:
    """Tell whether something is a pipeline."""
    return is_of(thing, "haystack.core.pipeline.base", "PipelineBase")


def document_of_haystack(item: object) -> FoundPassage | None:
    """Return what one of Haystack's documents says of itself; None: it is none."""
    if not is_of(item, "haystack.dataclasses", "Document"):
        return None
    document: Any = item
    return FoundPassage(
        own={"document id": document.id}, metadata=document.meta, text=document.content or ""
    )


class _GivesDocuments:
    """What a component and a pipeline have in common."""

    def read(self, returned: object) -> list[FoundPassage]:
        """Return the passages of its documents."""
        return _passages(returned.get(_DOCUMENTS) if isinstance(returned, Mapping) else returned)


class HaystackComponent(_GivesDocuments):
    """A component that takes a question as text, and gives ``documents``.

    Raises:
        InvalidInput: it must be told something else.
    """

    def __init__(self, component: Any) -> None:
        self.name = type(component).__name__
        self._component = component
        sockets = component.__haystack_input__._sockets_dict
        texts = _texts({name: (each.type, each.is_mandatory) for name, each in sockets.items()})
        if texts is None or not texts:
            needed = [name for name, each in sockets.items() if each.is_mandatory]
            raise InvalidInput(
                f"{self.name} takes {', '.join(needed) or 'no question'}, and is given the "
                "question's text alone; put it into a pipeline with what makes the rest of it "
                "(an embedder of texts), or write a function (question, k)"
            )
        self._inputs = texts
        if hasattr(component, "warm_up"):
            component.warm_up()

    def ask(self, question: str, k: int) -> object:
        """Return what ``run`` gives."""
        return self._component.run(**dict.fromkeys(self._inputs, question))


class HaystackPipeline(_GivesDocuments):
    """A pipeline whose open inputs are texts, each given the question, and that gives documents.

    Raises:
        InvalidInput: it must be told something else, or not one of its ends gives documents.
    """

    def __init__(self, pipeline: Any) -> None:
        self.name = type(pipeline).__name__
        self._pipeline = pipeline
        self._inputs: dict[str, list[str]] = {}
        for component, sockets in pipeline.inputs().items():
            texts = _texts(
                {name: (each["type"], each["is_mandatory"]) for name, each in sockets.items()}
            )
            if texts is None:
                needed = ", ".join(n for n, each in sockets.items() if each["is_mandatory"])
                raise InvalidInput(
                    f"the pipeline's component {component!r} takes {needed}, which nothing gives; "
                    "a pipeline is given the question's text alone: write a function (question, k) "
                    "that runs it"
                )
            if texts:
                self._inputs[component] = texts
        ends = [name for name, sockets in pipeline.outputs().items() if _DOCUMENTS in sockets]
        if len(ends) != 1 or not self._inputs:
            raise InvalidInput(
                f"the documents of a pipeline are those of its one end that gives some, got "
                f"{', '.join(ends) or 'none'} of {', '.join(pipeline.outputs()) or 'none'}; write "
                "a function (question, k) that runs it"
            )
        self._end = ends[0]
        pipeline.warm_up()

    def ask(self, question: str, k: int) -> object:
        """Return what ``run`` gives at its end."""
        given = {name: dict.fromkeys(texts, question) for name, texts in self._inputs.items()}
        return self._pipeline.run(given).get(self._end, {})


def _texts(inputs: Mapping[str, tuple[Any, bool]]) -> list[str] | None:
    """Return the inputs that are given the question; None: one that must be given is no text."""
    needed = [name for name, (_, is_mandatory) in inputs.items() if is_mandatory]
    if any(inputs[name][0] is not str for name in needed):
        return None
    return needed or [name for name in inputs if name == _QUESTION]


def _passages(documents: object) -> list[FoundPassage]:
    if not isinstance(documents, list | tuple):
        raise InvalidInput(
            f"a Haystack retriever gives {_DOCUMENTS!r}, a list, got {documents!r:.80}"
        )
    found = [document_of_haystack(each) for each in documents]
    for document, passage in zip(documents, found, strict=True):
        if passage is None:
            raise InvalidInput(f"a Haystack retriever gives documents, got {document!r:.80}")
    return [passage for passage in found if passage is not None]
