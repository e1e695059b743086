"""OpenAI's protocol for embeddings, and what this service tells of its model beyond it.

With that another process of this project embeds here as it would by itself: texts as queries or as
passages, the vectors of single tokens, the model's own count of tokens, and its contract.
"""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from rag_engine.calibration.model_fit import token_space_of
from rag_engine.connectors.embedding_wire import (
    CHARACTERS,
    basis_name,
    packed_tokens,
    packed_vector,
)
from rag_engine.connectors.http.access import Reader, ServiceOf
from rag_engine.connectors.http.admission import answered
from rag_engine.connectors.http.errors import ApiError
from rag_engine.connectors.http.kinds import Kind
from rag_engine.connectors.http.openai_schemas import (
    ContractOut,
    EmbeddingOut,
    EmbeddingsReply,
    EmbeddingsRequest,
    ModelOut,
    ModelsReply,
    TokenCountsReply,
    TokenCountsRequest,
    Usage,
)
from rag_engine.connectors.http.responses import json_response
from rag_engine.connectors.http.routes.openai import CHAT_MODEL
from rag_engine.connectors.http.tenants import Tenant
from rag_engine.ports import (
    Embedder,
    Float32Array,
    InstructedEmbedder,
    TokenEmbedder,
    TokenVectors,
)

__all__ = ["router"]

router = APIRouter(prefix="/v1", tags=["openai"])

_MOST_CHARACTERS = 1_000_000


@router.get("/models", response_model=ModelsReply, summary="Models by name")
async def models(tenant: Reader) -> Response:
    """Name what answers chats, and the embedder of the knowledge base."""
    embedder = ModelOut(id=tenant.model_name, contract=_contract(tenant))
    data = [ModelOut(id=CHAT_MODEL), embedder]
    return json_response(ModelsReply(data=data), without_null=True)


@router.post("/embeddings", response_model=EmbeddingsReply, summary="Embed texts")
async def embeddings(
    body: EmbeddingsRequest, tenant: Reader, service: ServiceOf, request: Request
) -> Response:
    """Embed texts with the knowledge base's own model, as queries or as passages."""
    dimension = tenant.embedder.dimension
    if body.dimensions not in {None, dimension}:
        raise _invalid(f"vectors have {dimension} dimensions", "dimensions")
    if body.instruction is not None and (body.token_vectors or not body.of_queries):
        raise _invalid("an instruction is for queries, without token_vectors", "instruction")
    if body.token_vectors and token_space_of(tenant.embedder) is None:
        raise _invalid(f"{tenant.model_name!r} gives no vectors of tokens", "token_vectors")
    most = CHARACTERS if body.token_vectors else _MOST_CHARACTERS
    characters = _checked(body, tenant, most)

    def work() -> Response:
        vectors, tokens = _embedded(body, tenant.embedder)
        count = sum(tenant.embedder.count_tokens(body.texts))
        return json_response(
            EmbeddingsReply(
                data=[
                    _out(index, vector, None if tokens is None else tokens[index], body)
                    for index, vector in enumerate(vectors)
                ],
                model=tenant.model_name,
                usage=Usage(prompt_tokens=count, total_tokens=count),
                contract=_contract(tenant),
            ),
            without_null=True,
        )

    units = max(1.0, characters / 1_000)
    return await answered(service, request, tenant.name, Kind.EMBED, work, units=units)


@router.post("/token-counts", response_model=TokenCountsReply, summary="Count tokens")
async def token_counts(
    body: TokenCountsRequest, tenant: Reader, service: ServiceOf, request: Request
) -> Response:
    """Count the tokens of texts, as the knowledge base's own model sees them."""
    _checked(body, tenant, _MOST_CHARACTERS)

    def work() -> Response:
        counts = tenant.embedder.count_tokens(body.texts)
        return json_response(TokenCountsReply(model=tenant.model_name, counts=counts))

    return await answered(service, request, tenant.name, Kind.COUNT, work)


def _checked(body: EmbeddingsRequest | TokenCountsRequest, tenant: Tenant, most: int) -> int:
    """Return how many characters a request's texts have.

    Raises:
        ApiError: they are for another model, or have too many.
    """
    if body.model != tenant.model_name:
        raise ApiError(
            404,
            "model_not_found",
            f"the model here is {tenant.model_name!r}, got {body.model!r:.200}",
            param="model",
        )
    characters = sum(map(len, body.texts))
    if characters > most:
        raise _invalid(f"texts have {most:,} characters at most", "input")
    return characters


def _invalid(message: str, param: str) -> ApiError:
    return ApiError(422, "invalid_input", message, param=param)


def _embedded(
    body: EmbeddingsRequest, embedder: Embedder
) -> tuple[Float32Array, list[TokenVectors] | None]:
    """Return the vectors of texts, and those of their tokens where they are asked for.

    Raises:
        InvalidInput: the model takes no instruction.
    """
    texts, space = body.texts, token_space_of(embedder) if body.token_vectors else None
    if space is not None and isinstance(embedder, TokenEmbedder):
        embed = embedder.embed_query_tokens if body.of_queries else embedder.embed_passage_tokens
        return embed(texts, space.basis)
    if body.instruction is not None:
        if not isinstance(embedder, InstructedEmbedder):
            raise _invalid("the model takes no instruction", "instruction")
        return embedder.embed_instructed_queries(texts, body.instruction), None
    return (
        embedder.embed_queries(texts) if body.of_queries else embedder.embed_passages(texts)
    ), None


def _out(
    index: int, vector: Float32Array, tokens: TokenVectors | None, body: EmbeddingsRequest
) -> EmbeddingOut:
    numbers: list[float] | str = (
        packed_vector(vector) if body.encoding_format == "base64" else vector.tolist()
    )
    vectors, weights = (
        (None, None) if tokens is None else packed_tokens(tokens, of_query=body.of_queries)
    )
    return EmbeddingOut(
        index=index, embedding=numbers, token_vectors=vectors, token_weights=weights
    )


def _contract(tenant: Tenant) -> ContractOut:
    """Return what the model promises, under the name that it has here."""
    contract = tenant.embedder.contract
    space = token_space_of(tenant.embedder)
    return ContractOut.model_validate(
        {
            **contract.as_dict(),
            "model": tenant.model_name,
            "token_basis": None if space is None else basis_name(space.basis),
        }
    )
