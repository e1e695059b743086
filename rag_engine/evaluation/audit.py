"""Audits a retriever that is not ours: asks it every question of a test set.

What it gives back are documents of its own framework; which passage of the set each one is has to
be told surely, or every figure would be wrong without a sign of it. So a document that is no
passage of the set ends the audit, and so does one whose fields name two. A question on which the
retriever fails ends nothing: it counts as one without hits, and is named.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from rag_engine.errors import InvalidInput
from rag_engine.evaluation.datasets import TestQuestion, TestSet
from rag_engine.records import Problem
from rag_engine.told_problems import ToldProblems

__all__ = ["ID_KEYS", "Audit", "ForeignRetriever", "FoundPassage", "audit", "passage_id"]

ID_KEYS = ("id", "doc_id")
"""Fields of a document's metadata that are looked at where none is named."""
_SHOWN = 5
"""Fields of a document's metadata that an error shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPassage:
    """What a retriever gave back for one passage.

    ``own`` are the ids that it has beside its metadata, by what they are called (``node id``);
    ``metadata`` is None where the retriever gives ids and no documents.
    """

    own: Mapping[str, object] = field(default_factory=dict)
    metadata: Mapping[str, object] | None = None
    text: str = ""


class ForeignRetriever(Protocol):
    """Any retriever, with what is known of its framework."""

    @property
    def name(self) -> str:
        """What it is, for people."""
        ...

    def ask(self, question: str, k: int) -> object:
        """Return what it gives for a question, in whatever form; raise what it raises.

        ``k`` is how many hits are wanted; one that is made to give fewer gives fewer.
        """
        ...

    def read(self, returned: object) -> Sequence[FoundPassage]:
        """Return the passages, best first, that are in what ``ask`` returned.

        Raises:
            InvalidInput: it is nothing that a retriever of its kind gives.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """What a retriever found: for each question the ids of passages, best first.

    ``failures`` are the questions that it failed on; in ``run`` they have no hits. ``told_by``
    counts the hits by the field that named their passage, ``repeated`` those that named one again
    (its first place counts), ``hits`` the questions by how many different passages came back.
    """

    run: Mapping[str, list[str]]
    failures: ToldProblems
    told_by: Mapping[str, int]
    repeated: int
    hits: Mapping[int, int]
    ms_per_query: float

    @property
    def most_hits(self) -> int:
        """The most passages that came back for a question."""
        return max(self.hits, default=0)

    def as_dict(self) -> dict[str, Any]:
        """Return how it went as plain data, without the run."""
        return {
            "failures": len(self.failures),
            "ids_told_by": dict(self.told_by),
            "repeated": self.repeated,
            "questions_by_hits": {str(count): self.hits[count] for count in sorted(self.hits)},
        }


def audit(
    test_set: TestSet,
    retriever: ForeignRetriever,
    *,
    k: int,
    id_key: str | None = None,
    asked: Callable[[Sequence[TestQuestion]], Iterable[TestQuestion]] = iter,
) -> Audit:
    """Ask a retriever every question of a set; ``asked`` may show how far it is.

    ``id_key`` names the field of a document's metadata that holds the passage's id in the set.

    Raises:
        InvalidInput: what came back is no passage of the set; it failed on every question; or it
            exits.
    """
    known = {document.id for document in test_set.corpus}
    run: dict[str, list[str]] = {}
    failures = ToldProblems(test_set.name)
    told_by: Counter[str] = Counter()
    repeated, seconds = 0, 0.0
    for question in asked(test_set.questions):
        run[question.id] = []
        where = f"{retriever.name}, question {question.id!r} of {test_set.name}"
        started = time.perf_counter()
        try:
            returned = retriever.ask(question.text, k)
        except SystemExit as error:
            raise InvalidInput(
                f"{where}: it exits (SystemExit: {str(error) or 'no status'}); a retriever that "
                "can not answer raises an exception, and the other questions are asked"
            ) from error
        except Exception as error:  # whatever a retriever raises
            failures.add(f"{type(error).__name__}: {error}; asked {question.text!r}", question.id)
            continue
        seconds += time.perf_counter() - started
        try:
            named = [passage_id(each, known, id_key) for each in retriever.read(returned)]
        except InvalidInput as error:
            raise InvalidInput(f"{where}: {error}") from error
        except Exception as error:  # whatever its objects raise when they are looked at
            raise InvalidInput(
                f"{where}: what came back can not be read: {type(error).__name__}: {error}"
            ) from error
        told_by.update(by for _, by in named)
        run[question.id] = list(dict.fromkeys(identifier for identifier, _ in named))[:k]
        repeated += len(named) - len({identifier for identifier, _ in named})
    _check_any(run, failures, retriever.name)
    return Audit(
        run=run,
        failures=failures,
        told_by=told_by,
        repeated=repeated,
        hits=Counter(map(len, run.values())),
        ms_per_query=round(1e3 * seconds / max(1, len(run) - len(failures)), 3),
    )


def _check_any(run: Mapping[str, list[str]], failures: ToldProblems, name: str) -> None:
    if not run or len(failures) < len(run):
        return
    first: Problem = next(iter(failures))
    raise InvalidInput(
        f"{name} failed on each question ({len(run):,}); on {first.source}: {first.reason}"
    )


def passage_id(
    found: FoundPassage, known: Collection[str], id_key: str | None = None
) -> tuple[str, str]:
    """Return which of the ``known`` passages a document is, and the field that told it.

    Without ``id_key`` these are looked at: ``id`` and ``doc_id`` of the metadata, then the ids that
    the document has beside it. Numbers count as they are written.

    Raises:
        InvalidInput: none of them is known, or they name different passages.

    >>> passage_id(FoundPassage(own={"node id": "f3a"}, metadata={"id": 7}), {"7", "8"})
    ('7', "metadata 'id'")
    """
    metadata = found.metadata or {}
    if id_key is not None:
        if found.metadata is None:
            raise InvalidInput(
                f"it gives ids and no documents with metadata, so --id-key {id_key!r} has no "
                "effect; leave it out"
            )
        fields = {f"metadata {id_key!r}": metadata.get(id_key)}
    else:
        fields = {f"metadata {key!r}": metadata[key] for key in ID_KEYS if key in metadata}
        fields.update(found.own)
    named = {
        name: str(value)
        for name, value in fields.items()
        if value is not None and str(value) in known
    }
    if len(set(named.values())) == 1:
        name, identifier = next(iter(named.items()))
        return identifier, name
    if named:
        raise InvalidInput(
            f"a document's fields name different passages of the set, {_shown(named)}: say with "
            "--id-key which field of its metadata holds the passage's id"
        )
    example = next(iter(known), "")
    raise InvalidInput(
        f"what came back is no passage of the set: {_came_back(found, fields)}; its passages have "
        f"ids such as {example!r}: index the passages of the set under their ids, or say with "
        "--id-key which field of a document's metadata holds them"
    )


def _shown(fields: Mapping[str, object]) -> str:
    return ", ".join(f"{name} = {value!r:.60}" for name, value in fields.items())


def _came_back(found: FoundPassage, fields: Mapping[str, object]) -> str:
    parts = [_shown(fields) or "no id"]
    if found.metadata is not None:
        keys = list(found.metadata)
        more = ", ..." if len(keys) > _SHOWN else ""
        parts.append(f"its metadata: {', '.join(map(repr, keys[:_SHOWN])) or 'none'}{more}")
    if found.text:
        parts.append(f"its text: {found.text!r:.60}")
    return "; ".join(parts)
