"""Who may call a route: read off the caller's key alone."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer

from rag_engine.connectors.http.errors import ApiError
from rag_engine.connectors.http.keys import Role
from rag_engine.connectors.http.service import Caller, Service
from rag_engine.connectors.http.tenants import Tenant

__all__ = [
    "Administrator",
    "Needs",
    "Reader",
    "ServiceOf",
    "Writer",
    "caller_of",
    "may_read_metrics",
    "service_of",
    "unauthenticated",
]


_SCHEME = HTTPBearer(
    auto_error=False, scheme_name="key", description="A key of the service; it decides everything."
)
"""For the OpenAPI document: keys are looked at before, by ``Gate``."""


async def service_of(request: Request) -> Service:
    """Return the service behind the application.

    Like all that routes depend on it is asynchronous: what is not, is run by another thread, for
    which a request to a busy service may have to wait.
    """
    service: Service = request.app.state.service
    return service


ServiceOf = Annotated[Service, Depends(service_of)]


def unauthenticated() -> ApiError:
    """Return the answer to a request without a key that is known."""
    return ApiError(
        401,
        "unauthenticated",
        "send a key of this service: Authorization: Bearer KEY",
        headers={"WWW-Authenticate": "Bearer"},
    )


def caller_of(request: Request) -> Caller:
    """Return who asks.

    Raises:
        ApiError: 401: nobody that is known.
    """
    caller = request.scope.get("state", {}).get("caller")
    if not isinstance(caller, Caller):
        raise unauthenticated()
    return caller


class Needs:
    """A dependency: the caller's tenant, if the caller's role is at least ``role``."""

    def __init__(self, role: Role) -> None:
        self.role = role

    async def __call__(self, request: Request, _: Annotated[object, Security(_SCHEME)]) -> Tenant:
        """Return the tenant.

        Raises:
            ApiError: 401 without a key, 403 with one that may not do this.
        """
        caller = caller_of(request)
        if caller.tenant is None or caller.role < self.role:
            raise ApiError(
                403,
                "forbidden",
                f"this needs a key with the role {self.role.name.lower()}, "
                f"not {caller.role.name.lower()}",
            )
        return caller.tenant


Reader = Annotated[Tenant, Depends(Needs(Role.READ))]
Writer = Annotated[Tenant, Depends(Needs(Role.WRITE))]
Administrator = Annotated[Tenant, Depends(Needs(Role.ADMIN))]


async def may_read_metrics(request: Request, _: Annotated[object, Security(_SCHEME)]) -> None:
    """Let pass who has a key for metrics, and everyone where there are no keys.

    Raises:
        ApiError: 401 without a key, 403 with one of a tenant: the figures are of all of them.
    """
    caller = caller_of(request)
    if (await service_of(request)).keys is not None and caller.role is not Role.METRICS:
        raise ApiError(403, "forbidden", "this needs a key with the role metrics")
