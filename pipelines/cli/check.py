"""``rag-engine check``."""

from __future__ import annotations

import dataclasses
from typing import Annotated

import typer

from rag_engine.checking import check_location
from rag_engine.images.image_repair import ImagesRepair, repair_images
from rag_engine.images.image_store import IMAGES
from rag_engine.location import Location
from rag_engine.pipelines.cli.opening import folder_of, open_kb
from rag_engine.pipelines.cli.options import KbDir
from rag_engine.pipelines.cli.stored_indexes import stored_indexes
from rag_engine.pipelines.output import Outcome
from rag_engine.pipelines.progress import Bar
from rag_engine.records import Problem
from rag_engine.store.check import CheckReport, DamagedDocument
from rag_engine.store.repair import RepairReport, repair_catalogue

__all__ = ["check"]

_SHOWN = 20


def check(
    *,
    kb: KbDir,
    repair: Annotated[
        bool,
        typer.Option(
            "--repair", help="Save what is intact, name what is not, build the index anew."
        ),
    ] = False,
) -> Outcome:
    """Verify all that a knowledge base holds: pages, rows, vectors, index files, counts.

    It changes nothing without --repair. With it, documents that are damaged are dropped and named;
    the next `rag-engine index` of their files brings them back.
    """
    folder = (
        folder_of(kb, "check --repair", "restore the database from a backup") if repair else None
    )
    with Bar(unit="step") as bar:
        report = check_location(kb, stored_indexes, on_stage=bar.stage)
        sources = {problem.source for problem in report.problems} if repair else set()
        repaired, pictures = None, None
        if folder is not None and sources - {"index", IMAGES}:
            repaired = repair_catalogue(folder, on_stage=bar.stage)
        if folder is not None and IMAGES in sources:
            pictures = repair_images(folder)
    if sources - {IMAGES}:
        with open_kb(kb, None, read_only=False) as opened, Bar() as bar:
            opened.publish(on_stage=bar.stage)
    return _outcome(kb, report, repaired, pictures, mended=repair)


def _outcome(
    kb: Location,
    report: CheckReport,
    repaired: RepairReport | None,
    pictures: ImagesRepair | None,
    *,
    mended: bool,
) -> Outcome:
    problems = tuple(report.problems)
    lines = [
        f"{report.documents} documents, {report.chunks} chunks, {report.token_vectors} with token "
        f"vectors, {report.index_files} index files"
        + (f", {report.images} pictures" if report.images else "")
        + " verified",
    ]
    if not problems:
        lines.append("all is as it was written")
    elif mended:
        if found := len(problems) - bool(report.without_picture):
            lines.append(f"{found} problems found and mended")
        problems = (*_dropped(repaired), *_missing(pictures))
        if repaired is not None:
            lines.append(
                f"{repaired.saved} documents saved, {len(repaired.dropped)} dropped; the damaged "
                f"catalogue was kept as {repaired.damaged_file}"
            )
            lines.append("index the files again: `rag-engine index` reads all of them once")
        if pictures is not None and pictures.damaged_file is not None:
            lines.append(
                f"{pictures.saved} pictures saved; the damaged file was kept as "
                f"{pictures.damaged_file}"
            )
        if pictures is not None:
            lines.append(
                "index the files again, with images.model as before: `rag-engine index` reads "
                "those with pictures once more and brings what is missing; documents that were "
                "added without files are to be added again"
            )
    elif report.repairs:
        lines += [f"what mends it: {command} --kb {kb}" for command in report.repairs]
    else:
        lines.append("restore it from a backup, or index the documents into a new knowledge base")
    return Outcome(
        result={
            "documents": report.documents,
            "chunks": report.chunks,
            "token_vectors": report.token_vectors,
            "index_files": report.index_files,
            "images": report.images,
            "intact": not report.problems,
            "found": [dataclasses.asdict(problem) for problem in report.problems],
            "damaged": [_told(document) for document in report.damaged],
            "without_picture": [dataclasses.asdict(one) for one in report.without_picture],
            "repairs": list(report.repairs),
            "repaired": None
            if repaired is None
            else {
                "saved": repaired.saved,
                "dropped": [_told(document) for document in repaired.dropped],
                "damaged_file": str(repaired.damaged_file),
            },
            "pictures_saved": None if pictures is None else pictures.saved,
            "damaged_pictures": None
            if pictures is None or pictures.damaged_file is None
            else str(pictures.damaged_file),
        },
        lines=lines,
        problems=_first(problems),
    )


def _first(problems: tuple[Problem, ...]) -> tuple[Problem, ...]:
    """Return as many problems as a person reads; ``result`` has them all."""
    more = len(problems) - _SHOWN
    if more <= 0:
        return problems
    reason = f"and {more} more; --json names them all"
    return (*problems[:_SHOWN], Problem(source="check", reason=reason))


def _told(document: DamagedDocument) -> dict[str, object]:
    return {"document": document.id, "source": document.source, "reason": document.reason}


def _dropped(repaired: RepairReport | None) -> tuple[Problem, ...]:
    dropped = () if repaired is None else repaired.dropped
    return tuple(
        Problem(
            source=document.source or f"document number {document.number}",
            reason=f"document {document.id!r} was dropped: {document.reason}; index it again",
        )
        for document in dropped
    )


def _missing(pictures: ImagesRepair | None) -> tuple[Problem, ...]:
    """Return what no repair brings: pictures that documents name, and that are nowhere."""
    return tuple(
        Problem(
            source=one.source or one.id,
            reason=f"the picture of document {one.id!r} is not there; index it again",
        )
        for one in (() if pictures is None else pictures.missing)
    )
