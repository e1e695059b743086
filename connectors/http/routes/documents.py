"""Adding, reading and deleting documents."""

from __future__ import annotations

from bisect import bisect_right
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from rag_engine.connectors.http.access import Reader, ServiceOf, Writer
from rag_engine.connectors.http.admission import answered
from rag_engine.connectors.http.errors import ApiError
from rag_engine.connectors.http.kinds import Kind
from rag_engine.connectors.http.responses import json_response
from rag_engine.connectors.http.schemas import (
    AddReply,
    DeleteReply,
    DocumentBody,
    DocumentIdsReply,
    DocumentIn,
    DocumentsRequest,
    IdsRequest,
)
from rag_engine.connectors.http.service import Service
from rag_engine.connectors.http.tenants import Tenant
from rag_engine.errors import WriteStopped
from rag_engine.records import Document, Span
from rag_engine.serialisation import DocumentOut

__all__ = ["router"]

router = APIRouter(prefix="/v1/documents", tags=["documents"])


def _document(document_id: str, body: DocumentBody | DocumentIn) -> Document:
    return Document(
        id=document_id,
        text=body.text,
        title=body.title,
        source=body.source,
        language_hint=body.language_hint,
        spans=tuple(
            Span(
                start=span.start,
                end=span.end,
                section=tuple(span.section),
                page=span.page,
                language=span.language,
            )
            for span in body.spans
        ),
        metadata=body.metadata,
    )


async def _add(
    service: Service, request: Request, tenant: Tenant, documents: list[Document]
) -> Response:
    def work() -> Response:
        try:
            report = tenant.kb.add(documents, stop=service.stop.writes_end)
        except WriteStopped as stopped:
            raise _stopped(stopped.kept, len(documents)) from stopped
        return json_response(AddReply.model_validate(report, from_attributes=True))

    units = max(1.0, sum(len(document.text) for document in documents) / 1_000)
    return await answered(service, request, tenant.name, Kind.ADD, work, units=units)


def _stopped(kept: int, of: int) -> ApiError:
    """Return what is said of an addition that was stopped.

    >>> _stopped(40, 120).detail
    'the service is stopping; of 120 documents the first 40 are kept, nothing of the others: send \
those again'
    """
    told = f"nothing of the {of} documents is kept: send them again"
    if kept:
        first = f"of {of} documents the first {kept} are kept"
        told = f"{first}, nothing of the others: send those again"
    headers = {"Retry-After": "5"}
    return ApiError(503, "stopped", f"the service is stopping; {told}", headers=headers)


async def _delete(service: Service, request: Request, tenant: Tenant, ids: list[str]) -> list[str]:
    def work() -> list[str]:
        return tenant.kb.delete(ids)

    return await answered(service, request, tenant.name, Kind.DELETE, work)


def _unknown() -> ApiError:
    return ApiError(404, "not_found", "there is no document of this id", param="document_id")


@router.post("", response_model=AddReply, summary="Add documents")
async def add(
    body: DocumentsRequest, tenant: Writer, service: ServiceOf, request: Request
) -> Response:
    """Add documents; each replaces one with the same id, an unchanged one costs nothing.

    They are durable when the answer comes, and found by the next search. One that can not be used
    is an error, and then none of them is added. A service that has to stop meanwhile answers 503
    and says how many of them, the first ones, are kept.
    """
    documents = [_document(document.id, document) for document in body.documents]
    return await _add(service, request, tenant, documents)


@router.get("", response_model=DocumentIdsReply, summary="List ids")
async def list_ids(
    tenant: Reader,
    service: ServiceOf,
    request: Request,
    after: Annotated[str, Query(max_length=1024)] = "",
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> Response:
    """Return ids in order, from the first one after ``after`` on."""

    def work() -> Response:
        ids = tenant.kb.document_ids()
        start = bisect_right(ids, after)
        page = ids[start : start + limit]
        more = start + limit < len(ids)
        return json_response(DocumentIdsReply(ids=page, next=page[-1] if more else None))

    return await answered(service, request, tenant.name, Kind.READ, work)


@router.post("/delete", response_model=DeleteReply, summary="Delete documents")
async def delete_several(
    body: IdsRequest, tenant: Writer, service: ServiceOf, request: Request
) -> Response:
    """Delete documents; ids that are not there are left out of the answer."""
    return json_response(DeleteReply(deleted=await _delete(service, request, tenant, body.ids)))


@router.get("/{document_id:path}", response_model=DocumentOut, summary="Read a document")
async def read(document_id: str, tenant: Reader, service: ServiceOf, request: Request) -> Response:
    """Return a document as it was added."""

    def work() -> Response:
        document = tenant.kb.document(document_id)
        if document is None:
            raise _unknown()
        return json_response(DocumentOut.of(document))

    return await answered(service, request, tenant.name, Kind.READ, work)


@router.put("/{document_id:path}", response_model=AddReply, summary="Add or replace a document")
async def put(
    document_id: str, body: DocumentBody, tenant: Writer, service: ServiceOf, request: Request
) -> Response:
    """Add a document, or replace the one with this id."""
    return await _add(service, request, tenant, [_document(document_id, body)])


@router.delete("/{document_id:path}", response_model=DeleteReply, summary="Delete a document")
async def delete(
    document_id: str, tenant: Writer, service: ServiceOf, request: Request
) -> Response:
    """Delete a document: it is gone from the next search on."""
    deleted = await _delete(service, request, tenant, [document_id])
    if not deleted:
        raise _unknown()
    return json_response(DeleteReply(deleted=deleted))
