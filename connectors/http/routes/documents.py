"""Adding, reading and deleting documents."""

from __future__ import annotations

from bisect import bisect_right
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from rag_engine.connectors.http.access import Reader, ServiceOf, Writer
from rag_engine.connectors.http.errors import ApiError
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
            Span(start=span.start, end=span.end, section=tuple(span.section), page=span.page)
            for span in body.spans
        ),
        metadata=body.metadata,
    )


async def _add(tenant: Tenant, service: Service, documents: list[Document]) -> Response:
    def work() -> Response:
        report = tenant.kb.add(documents)
        return json_response(AddReply.model_validate(report, from_attributes=True))

    return await service.writing.run(tenant.name, work)


async def _delete(tenant: Tenant, service: Service, ids: list[str]) -> list[str]:
    return await service.writing.run(tenant.name, lambda: tenant.kb.delete(ids))


def _unknown() -> ApiError:
    return ApiError(404, "not_found", "there is no document of this id", param="document_id")


@router.post("", response_model=AddReply, summary="Add documents")
async def add(body: DocumentsRequest, tenant: Writer, service: ServiceOf) -> Response:
    """Add documents; each replaces one with the same id, an unchanged one costs nothing.

    They are durable when the answer comes, and found by the next search. One that can not be used
    is an error, and then none of them is added.
    """
    documents = [_document(document.id, document) for document in body.documents]
    return await _add(tenant, service, documents)


@router.get("", response_model=DocumentIdsReply, summary="List ids")
async def list_ids(
    tenant: Reader,
    service: ServiceOf,
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

    return await service.searching.run(tenant.name, work)


@router.post("/delete", response_model=DeleteReply, summary="Delete documents")
async def delete_several(body: IdsRequest, tenant: Writer, service: ServiceOf) -> Response:
    """Delete documents; ids that are not there are left out of the answer."""
    return json_response(DeleteReply(deleted=await _delete(tenant, service, body.ids)))


@router.get("/{document_id:path}", response_model=DocumentOut, summary="Read a document")
async def read(document_id: str, tenant: Reader, service: ServiceOf) -> Response:
    """Return a document as it was added."""

    def work() -> Response:
        document = tenant.kb.document(document_id)
        if document is None:
            raise _unknown()
        return json_response(DocumentOut.of(document))

    return await service.searching.run(tenant.name, work)


@router.put("/{document_id:path}", response_model=AddReply, summary="Add or replace a document")
async def put(document_id: str, body: DocumentBody, tenant: Writer, service: ServiceOf) -> Response:
    """Add a document, or replace the one with this id."""
    return await _add(tenant, service, [_document(document_id, body)])


@router.delete("/{document_id:path}", response_model=DeleteReply, summary="Delete a document")
async def delete(document_id: str, tenant: Writer, service: ServiceOf) -> Response:
    """Delete a document: it is gone from the next search on."""
    deleted = await _delete(tenant, service, [document_id])
    if not deleted:
        raise _unknown()
    return json_response(DeleteReply(deleted=deleted))
