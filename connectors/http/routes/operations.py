"""Health, figures, and what an administrator does."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from rag_engine.cancellation import Cancelled
from rag_engine.connectors.http.access import (
    Administrator,
    Reader,
    ServiceOf,
    Writer,
    caller_of,
    may_read_metrics,
)
from rag_engine.connectors.http.admission import answered
from rag_engine.connectors.http.kinds import Kind
from rag_engine.connectors.http.responses import json_response
from rag_engine.connectors.http.schemas import (
    HealthReply,
    KnowledgeBaseReply,
    LanguageOut,
    PublishReply,
)
from rag_engine.connectors.http.service import Service
from rag_engine.connectors.http.stopping import ServiceStopping
from rag_engine.connectors.http.tenants import Tenant
from rag_engine.text.direction import direction

__all__ = ["router"]

router = APIRouter(tags=["operations"])


@router.get("/healthz", response_model=HealthReply, summary="Does the process live?")
async def healthz(service: ServiceOf) -> Response:
    """Answer 200 at once, whatever else is going on; ``status`` says so while it is stopping."""
    return json_response(HealthReply(status="stopping" if service.stop.asked else "ok"))


@router.get("/readyz", response_model=HealthReply, summary="Does it take requests?")
async def readyz(service: ServiceOf) -> Response:
    """Answer 200 while requests are taken, 503 from the moment that a stop began."""
    if service.stop.asked:
        return json_response(HealthReply(status="stopping"), status=503)
    return json_response(HealthReply(status="ok"))


@router.get("/metrics", summary="Figures for Prometheus", response_class=Response)
async def metrics(service: ServiceOf, _: Annotated[None, Depends(may_read_metrics)]) -> Response:
    """Return figures of the whole service, in Prometheus's text format."""
    return Response(service.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


@router.get(
    "/v1/knowledge-base",
    response_model=KnowledgeBaseReply,
    summary="What is in it, in which languages",
)
async def knowledge_base(tenant: Reader, service: ServiceOf, request: Request) -> Response:
    """Tell what the caller's knowledge base holds."""
    role = caller_of(request).role.name.lower()

    def work() -> Response:
        return json_response(_told(tenant, role))

    return await answered(service, request, tenant.name, Kind.READ, work)


def _told(tenant: Tenant, role: str) -> KnowledgeBaseReply:
    """Return what a knowledge base holds; nothing of the machine that it lies on."""
    held = tenant.kb.inspect()
    total = max(1, held.chunks)
    settings = tenant.kb.settings
    by_count = sorted(held.languages.items(), key=lambda item: (-item[1], item[0]))
    return KnowledgeBaseReply(
        documents=held.documents,
        chunks=held.chunks,
        sources=held.sources,
        languages=[
            LanguageOut(
                language=language,
                chunks=count,
                share=count / total,
                direction=direction("", language),
            )
            for language, count in by_count
        ],
        bytes=sum(held.bytes.values()),
        published=held.published,
        generation=held.generation,
        dense=held.dense,
        lexical=held.lexical,
        model=tenant.model_name,
        generator=settings.generator.name,
        mode=settings.retrieval.mode,
        read_only=tenant.read_only,
        role=role,
    )


@router.post("/v1/publish", response_model=PublishReply, summary="Build the index files now")
async def publish(tenant: Writer, service: ServiceOf, request: Request) -> Response:
    """Build the index files, if anything changed since they were built.

    What was added is searched without that; publishing makes the service's next start quick.
    """
    return await _built(tenant, service, request, compact=False)


@router.post("/v1/compact", response_model=PublishReply, summary="Give back space")
async def compact(tenant: Administrator, service: ServiceOf, request: Request) -> Response:
    """Build the index files anew and give back the space of what was deleted."""
    return await _built(tenant, service, request, compact=True)


async def _built(tenant: Tenant, service: Service, request: Request, *, compact: bool) -> Response:
    def on_stage(stage: str, done: int, total: int) -> None:
        if service.stop.writes_end():
            raise ServiceStopping

    def work() -> Response:
        try:
            if compact:
                tenant.kb.compact(on_stage=on_stage)
            else:
                tenant.kb.publish(on_stage=on_stage)
        except Cancelled as cancelled:  # while it waited to ask Milvus again
            raise ServiceStopping from cancelled
        held = tenant.kb.inspect()
        return json_response(
            PublishReply(
                published=held.published,
                generation=held.generation,
                bytes=sum(held.bytes.values()),
            )
        )

    return await answered(service, request, tenant.name, Kind.BUILD, work)
