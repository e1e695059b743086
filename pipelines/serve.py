"""``rag-engine serve``: a knowledge base, or one a tenant, behind the HTTP service."""

from __future__ import annotations

import faulthandler
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rag_engine.components import Components, default_loaders
from rag_engine.connectors import wiring
from rag_engine.connectors.trusted_servers import check_stored_servers, is_loopback
from rag_engine.errors import InvalidInput, MissingExtra, SettingsError
from rag_engine.following import Following
from rag_engine.knowledge_base import KnowledgeBase
from rag_engine.location import Location
from rag_engine.pipelines.output import Outcome, note
from rag_engine.pipelines.process_memory import give_memory_back
from rag_engine.ports import Embedder, ImageEmbedder, Loader
from rag_engine.settings import Settings

if TYPE_CHECKING:
    from rag_engine.connectors.http.service import Service

__all__ = ["ServeOptions", "make_key", "open_service", "serve"]


_BACKLOG = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """What is served, where, and to whom; exactly one of ``kb`` and ``tenants`` is given."""

    kb: Location | None = None
    tenants: Path | None = None
    keys: Path | None = None
    host: str = "127.0.0.1"
    port: int = 8080
    settings: Settings | None = None
    read_only: bool = False
    search_workers: int | None = None
    search_queue: int | None = None
    upload_mb: float | None = None
    max_wait_s: float | None = None
    stop_s: int | None = None
    """None: what ``Limits`` says."""


class _Parts:
    """Builds the parts that settings name, once; tenants share a model, and parsers' processes.

    Loaders are built where files may come (``with_loaders``): one that can not be had is told of at
    the start, and is no reason not to serve for reading.
    """

    def __init__(self, *, with_loaders: bool) -> None:
        self._with_loaders = with_loaders
        self._built: dict[str, Components] = {}
        self._embedders: dict[str, Embedder] = {}
        self._images: dict[str, ImageEmbedder | None] = {}
        self._loaders: dict[str, tuple[Loader, ...]] = {}

    def __call__(self, settings: Settings) -> Components:
        name = settings.model_dump_json()
        if name not in self._built:
            model = settings.embedder.model_dump_json()
            known = self._embedders.get(model)
            of_images = settings.images.model_dump_json(include={"model", "text_model", "device"})
            images = self._images.get(of_images)
            built = wiring.build_components(settings, embedder=known, images=images)
            self._embedders[model] = built.embedder
            self._images[of_images] = built.images
            if self._with_loaders:
                built = replace(built, loaders=self._loaders_of(settings))
            self._built[name] = built
        return self._built[name]

    def _loaders_of(self, settings: Settings) -> tuple[Loader, ...]:
        tables = (settings.loaders, settings.ocr, settings.images)
        name = "".join(table.model_dump_json() for table in tables)
        if name not in self._loaders:
            self._loaders[name] = default_loaders(settings)
        return self._loaders[name]


@contextmanager
def open_service(options: ServeOptions) -> Iterator[Service]:
    """Open every knowledge base that is to be served, and close them all at the end.

    Raises:
        InvalidInput: a host that others can reach, without keys; or options that do not fit.
        SettingsError: the file of keys can not be used; or a key of the environment would go to a
            server that only a knowledge base's own settings name.
        MissingExtra: the extra ``serve`` is not installed.
        StoreError: a knowledge base can not be opened.
    """
    if (options.kb is None) == (options.tenants is None):
        raise InvalidInput("serve one knowledge base with --kb DIR, or several with --tenants DIR")
    if options.keys is None and options.tenants is not None:
        raise InvalidInput("--tenants needs --keys FILE: the key decides whose documents are seen")
    if options.keys is None and not is_loopback(options.host):
        raise InvalidInput(
            f"--host {options.host} can be reached by others, and without --keys FILE everyone may "
            "do everything; make a key with `rag-engine serve --new-key`, or stay on 127.0.0.1"
        )
    try:
        from rag_engine.connectors.http.keys import DEFAULT_TENANT, load_keys
        from rag_engine.connectors.http.limits import Limits
        from rag_engine.connectors.http.service import Service
        from rag_engine.connectors.http.tenants import Tenant, Tenants
    except ImportError as error:
        raise MissingExtra("serve", package=error.name or "fastapi") from error
    names = ("search_workers", "search_queue", "upload_mb", "max_wait_s", "stop_s")
    chosen = {name: getattr(options, name) for name in names}
    limits = Limits(**{name: value for name, value in chosen.items() if value is not None})
    keys = None
    if options.keys is not None:
        keys = load_keys(options.keys, several_tenants=options.tenants is not None)
    parts = _Parts(with_loaders=not options.read_only)
    if options.tenants is None:
        assert options.kb is not None
        folders: dict[str, Location] = {DEFAULT_TENANT: options.kb}
    else:
        assert keys is not None
        folders = {name: options.tenants / name for name in keys.tenants}
        if not folders:
            raise SettingsError(f"{options.keys} names no tenant")
    with ExitStack() as stack:
        tenants: dict[str, Tenant] = {}

        def served(name: str, kb: KnowledgeBase) -> Tenant:
            check_stored_servers(kb.settings)
            embedder = parts(kb.settings).embedder
            embedder.embed_queries(["warm-up"])  # the first one compiles
            return Tenant(name=name, kb=kb, embedder=embedder, read_only=options.read_only)

        for name, folder in folders.items():
            tenants[name] = served(name, stack.enter_context(_open(folder, options, parts)))
        known = Tenants(tenants)
        for name, folder in folders.items() if options.read_only else ():
            stack.enter_context(
                Following(
                    tenants[name].kb,
                    partial(_open, folder, options, parts),
                    lambda kb, name=name: known.put(served(name, kb)),  # type: ignore[misc]
                )
            )
        service = Service(
            tenants=known,
            keys=keys,
            limits=limits,
            hosts=frozenset({"localhost", "127.0.0.1", "[::1]", _in_url(options.host)}),
        )
        yield service
        if service.stop.over.is_set():  # no time is left to build an index; the next start does
            for tenant in tenants.values():
                tenant.kb.close(publish=False)


def _open(location: Location, options: ServeOptions, parts: _Parts) -> KnowledgeBase:
    return KnowledgeBase.open(
        location,
        settings=options.settings,
        components=parts,
        read_only=options.read_only,
        create=options.tenants is not None,
    )


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def serve(options: ServeOptions) -> Outcome:
    """Serve until SIGTERM or Ctrl-C; what is under way is finished, or told of (``server``).

    Raises:
        InvalidInput: the address can not be used; and what ``open_service`` raises.
    """
    give_memory_back()
    _tell_of_crashes()
    with open_service(options) as service:
        import uvicorn

        from rag_engine.connectors.http.app import create_app
        from rag_engine.connectors.http.logs import log_to, logger
        from rag_engine.connectors.http.patience import PatientProtocol
        from rag_engine.connectors.http.server import LAST_S, StoppingServer

        log_to()
        listening = _listen(options.host, options.port)
        port = listening.getsockname()[1]
        config = uvicorn.Config(
            create_app(service),
            http=PatientProtocol,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=LAST_S,
            ws="none",
            lifespan="on",
        )
        url = f"http://{_in_url(options.host)}:{port}"
        logger.info("listening", extra={"fields": {"url": url, "tenants": len(service.tenants)}})
        try:
            StoppingServer(config, service).run(sockets=[listening])
        finally:
            listening.close()
        logger.info("stopped")
    return Outcome(result={"url": url, "stopped": True}, lines=[f"stopped: {url}"])


def _tell_of_crashes() -> None:
    """Have a crash inside of a library print where every thread was (to stderr)."""
    if not faulthandler.is_enabled():
        with suppress(OSError):  # a stderr that is no file
            faulthandler.enable()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns off Nagle's algorithm (40 ms a reply) only where the protocol is named.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(_BACKLOG)  # from now on clients are kept waiting, not turned away
    except (OSError, OverflowError) as error:
        listening.close()
        raise InvalidInput(f"can not listen on {host}:{port}: {error}") from error
    return listening


def make_key() -> Outcome:
    """Make a key; say it on stderr, and what goes into the file of keys on stdout.

    So that ``rag-engine serve --new-key >> keys.toml`` shows the key and does not store it.
    """
    try:
        from rag_engine.connectors.http.keys import new_key
    except ImportError as error:
        raise MissingExtra("serve", package=error.name or "fastapi") from error
    key, digest = new_key()
    note(f"the key, shown only now: {key}")
    return Outcome(
        result={"key": key, "sha256": digest},
        lines=[
            "[[key]]",
            f'name = "key {digest[:8]}"  # what logs call it',
            'role = "read"  # or write, admin, metrics',
            f'sha256 = "{digest}"',
            '# tenant = "..."  # with --tenants',
        ],
    )
