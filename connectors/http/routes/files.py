"""Uploading files, which are read as ``rag-engine index`` reads them."""

from __future__ import annotations

import shutil
import tempfile
import unicodedata
from pathlib import Path, PurePosixPath
from typing import Annotated

from fastapi import APIRouter, File, Form, Request, UploadFile
from fastapi.responses import Response

from rag_engine.connectors.http.access import ServiceOf, Writer
from rag_engine.connectors.http.admission import answered
from rag_engine.connectors.http.errors import ApiError
from rag_engine.connectors.http.kinds import Kind
from rag_engine.connectors.http.responses import json_response
from rag_engine.connectors.http.schemas import DeleteReply, FileOut, FilesReply
from rag_engine.connectors.http.tenants import Tenant
from rag_engine.errors import StoreReadOnly, WriteStopped
from rag_engine.file_names import one_form
from rag_engine.serialisation import ProblemOut
from rag_engine.store.progress import Stop

__all__ = ["router"]

router = APIRouter(prefix="/v1/files", tags=["documents"])

_LONGEST_NAME = 512


@router.post("", response_model=FilesReply, summary="Upload files")
async def upload(
    files: Annotated[list[UploadFile], File(description="One or several files.")],
    tenant: Writer,
    service: ServiceOf,
    request: Request,
    prefix: Annotated[
        str, Form(max_length=_LONGEST_NAME, description="Put before each name, with a slash.")
    ] = "",
    language: Annotated[
        str | None,
        Form(
            max_length=40,
            description="What all these files are in (BCP-47), but for passages that clearly are "
            "not; detected if not given.",
        ),
    ] = None,
) -> Response:
    """Read files of every kind that a loader reads into documents.

    A file of the same name is replaced with all its documents. One that can not be read is told
    of under ``problems`` and does not stop the others. A service that has to stop meanwhile answers
    503 and names the files that are kept.
    """
    if tenant.read_only:  # there may be no loaders to ask for their suffixes
        raise StoreReadOnly("the knowledge base is served for reading only")
    if len(files) > service.limits.upload_files:
        raise ApiError(
            422, "too_many_files", f"an upload has at most {service.limits.upload_files} files"
        )
    names = [_checked_name(prefix, file.filename, tenant.kb.file_suffixes) for file in files]
    if len(set(names)) < len(names):
        raise ApiError(422, "invalid_request", "two files have the same name", param="files")

    def work() -> Response:
        told: list[FileOut] = []
        for name, file in zip(names, files, strict=True):
            try:
                told.append(_index(name, file, tenant, language, service.stop.writes_end))
            except WriteStopped as stopped:
                raise _stopped(names[: len(told)], name, stopped.kept) from stopped
        return json_response(FilesReply(files=told))

    units = max(1.0, sum(file.size or 0 for file in files) / 1_000)
    return await answered(service, request, tenant.name, Kind.UPLOAD, work, units=units)


@router.delete("/{name:path}", response_model=DeleteReply, summary="Delete a file's documents")
async def delete(name: str, tenant: Writer, service: ServiceOf, request: Request) -> Response:
    """Delete all documents that came from a file."""

    def work() -> list[str]:
        return tenant.kb.delete_source(name)

    deleted = await answered(service, request, tenant.name, Kind.DELETE, work)
    if not deleted:
        raise ApiError(404, "not_found", "there is no file of this name", param="name")
    return json_response(DeleteReply(deleted=deleted))


def _stopped(kept: list[str], name: str, documents: int) -> ApiError:
    """Return what is said of an upload that was stopped in the middle of a file.

    >>> _stopped(["a.txt"], "b.csv", 40).detail
    'the service is stopping; kept are a.txt and the first 40 documents of b.csv: send b.csv and \
what comes after it again'
    """
    parts = [*kept, *([f"the first {documents} documents of {name}"] if documents else [])]
    told = "nothing is kept" if not parts else f"kept are {' and '.join(parts)}"
    return ApiError(
        503,
        "stopped",
        f"the service is stopping; {told}: send {name} and what comes after it again",
        headers={"Retry-After": "5"},
    )


def _index(
    name: str, file: UploadFile, tenant: Tenant, language: str | None, stop: Stop
) -> FileOut:
    """Index one file under its name; on disk it has a name of ours."""
    with tempfile.TemporaryDirectory(prefix="rag-engine-") as folder:
        path = Path(folder) / f"upload{PurePosixPath(name).suffix.lower()}"
        with path.open("wb") as target:
            shutil.copyfileobj(file.file, target)
        report = tenant.kb.add_file(path, source=name, language=language, stop=stop)
        problems = [
            ProblemOut(source=problem.source, reason=problem.reason.replace(str(path), name))
            for problem in (*report.skipped, *report.problems)
        ]
    return FileOut(
        name=name,
        unchanged=report.unchanged_files > 0,
        added=report.added,
        updated=report.updated,
        deleted=report.deleted,
        chunks=report.chunks,
        problems=problems,
        notes=[note.text for note in report.notes],
    )


def _checked_name(prefix: str, name: str | None, suffixes: frozenset[str]) -> str:
    """Return a file's name in the knowledge base: it never names a place on this machine."""
    whole = "/".join(part for part in (prefix.strip("/"), (name or "").strip("/")) if part)
    whole = one_form(whole)  # the length that is allowed is that of the name that is kept
    parts = PurePosixPath(whole).parts
    sound = (
        0 < len(whole) <= _LONGEST_NAME
        and all(part not in {".", ".."} for part in whole.split("/"))
        and not any(unicodedata.category(character) in {"Cc", "Cs"} for character in whole)
        and parts
    )
    if not sound:
        raise ApiError(
            422,
            "invalid_name",
            f"a file's name has 1 to {_LONGEST_NAME} characters, no controls, and no '.' or '..' "
            "between its slashes",
            param="files",
        )
    suffix = PurePosixPath(whole).suffix.lower()
    if suffix not in suffixes:
        raise ApiError(
            422,
            "unknown_format",
            f"files are read that end in {', '.join(sorted(suffixes))}",
            param="files",
        )
    return whole
