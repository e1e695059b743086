"""``rag-engine duplicates``: what a knowledge base holds twice, and what is deleted of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from rag_engine.errors import InvalidInput
from rag_engine.folder_listing import shown_name
from rag_engine.knowledge_base import KnowledgeBase
from rag_engine.location import parse_location, short_name
from rag_engine.pipelines.output import Outcome, note, safe
from rag_engine.pipelines.progress import Bar
from rag_engine.pipelines.tables import table
from rag_engine.records import Problem
from rag_engine.tasks.duplicate_records import DuplicateGroup, Duplicates, Kind
from rag_engine.tasks.keeping import KeepingPlan, keeping_rules, plan_keeping

__all__ = ["duplicates"]

_SHOWN_GROUPS = 20
_SHOWN_DOCUMENTS = 10
_COMES_BACK = (
    "a document whose file is still in its folder comes back with the next rag-engine index of it: "
    "delete the file too; one of several of a file (a row, a picture) may stay away until that "
    "file changes"
)
_UNFIT = "fits no document of any of these duplicates, and so decides nothing"


def duplicates(
    kb: KnowledgeBase,
    *,
    kinds: Sequence[Kind] = (),
    keep: Sequence[str] = (),
    delete: bool = False,
    show_all: bool = False,
) -> Outcome:
    """Report duplicates; with rules of what to ``keep``, say what would go; or ``delete`` it.

    Raises:
        InvalidInput: a rule that is none; ``delete`` without rules, or without ``kinds``, or with
            a rule that fits no document of any group.
    """
    if keep:
        keeping_rules(keep)
    if delete and not (keep and kinds):
        raise InvalidInput(
            "--delete needs --kind and --keep: which duplicates go, and which of them are kept, "
            "such as --kind exact --keep first-added; without --delete it is only said"
        )
    with Bar(unit="passage") as bar:
        found = kb.duplicates(on_stage=bar.stage)
    groups = found.of(kinds or tuple(Kind))
    plan = plan_keeping(groups, keep) if keep else None
    result: dict[str, Any] = {
        **found.as_dict(),
        "kinds": [kind.value for kind in kinds or Kind],
        "keep": list(keep),
        "would_delete": None if plan is None else plan.deleted,
        "spared": None if plan is None else list(plan.spared),
        "unfit": None if plan is None else list(plan.unfit),
        "undecided": None if plan is None else len(plan.undecided),
        "deleted": [],
    }
    lines = list(_report(found, kinds or tuple(Kind), plan, None if show_all else _SHOWN_GROUPS))
    unfit = () if plan is None else plan.unfit
    if delete and unfit:
        raise InvalidInput(
            f"--keep {unfit[0]!r:.80} {_UNFIT}; nothing was deleted: correct it, or leave it out"
        )
    problems = [Problem(source=f"--keep {rule}", reason=_UNFIT) for rule in unfit]
    if plan is not None:
        lines += list(_summary(plan, delete=delete))
    if plan is not None and delete and plan.deleted:
        note(
            f"deleting {len(plan.deleted):,} of {found.documents:,} documents of "
            f"{shown_name(short_name(parse_location(kb.location)))}"
        )
        gone = kb.delete_duplicates(plan)
        result["deleted"] = gone
        lines += [f"deleted: {safe(document)}" for document in gone]
        missing = sorted(set(plan.deleted) - set(gone))
        problems += [Problem(source=each, reason="it was gone already") for each in missing]
        lines.append(_COMES_BACK)
    return Outcome(result=result, lines=lines, problems=problems)


def _report(
    found: Duplicates, kinds: Sequence[Kind], plan: KeepingPlan | None, most: int | None
) -> Iterator[str]:
    counts = Counter(group.kind for group in found.groups)
    yield f"{found.looked_at:,} passages of {found.documents:,} documents"
    rows: list[dict[str, object]] = []
    for kind in Kind:
        passages, groups = found.passages[kind], found.of([kind])
        rows.append(
            {
                "duplicates": kind.value,
                "groups of documents": counts[kind],
                "documents": sum(len(group.documents) for group in groups),
                "groups of passages": len(passages),
                "passages": sum(map(len, passages)),
            }
        )
    yield from table(rows)
    if not found.translations:
        yield "translations are not looked for: languages are not told apart (fairness.enabled)"
    groups = found.of(kinds)
    for group in groups[:most]:
        yield from _group(group, plan)
    if most is not None and len(groups) > most:
        yield f"and {len(groups) - most:,} more groups (--all, --json)"


def _group(group: DuplicateGroup, plan: KeepingPlan | None) -> Iterator[str]:
    yield f"{group.kind}:"
    for document in group.documents[:_SHOWN_DOCUMENTS]:
        mark = "   " if plan is None else _mark(document.id, plan)
        title = f"  {safe(document.title)}" if document.title else ""
        yield (
            f"  {mark} [{document.language}] {safe(document.id)}{title}  "
            f"({document.characters:,} characters)"
        )
    if len(group.documents) > _SHOWN_DOCUMENTS:
        yield f"      and {len(group.documents) - _SHOWN_DOCUMENTS:,} more"


def _mark(document: str, plan: KeepingPlan) -> str:
    return "del" if document in plan.deleted else "   "


def _summary(plan: KeepingPlan, *, delete: bool) -> Iterator[str]:
    if plan.undecided:
        yield (
            f"{len(plan.undecided):,} groups are left as they are: no rule tells their documents "
            "apart; name another --keep"
        )
    if plan.spared:
        yield (
            f"{len(plan.spared):,} documents are left as they are: they duplicate none that is "
            "kept, but only others of their group"
        )
    if not plan.deleted:
        yield "nothing to delete"
    elif not delete:
        yield f"would delete (del) {len(plan.deleted):,} documents; --delete does; {_COMES_BACK}"
