"""Parts of one's own by their names in the settings: imported, made, and checked against the port.

``module:Class`` is imported as Python imports: the module is installed, or in a folder that
``PYTHONPATH`` names. The current folder is not searched. An entry point belongs to a package that
is installed.

A knowledge base may have been made by anybody, so no module is imported because its stored
settings name it: the settings that the caller gives do, or the part itself is given. An entry point
that is installed here is code that was chosen here.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from functools import reduce
from importlib.metadata import entry_points
from typing import Any, TypeVar

from rag_engine.errors import InvalidInput, RagEngineError, SettingsError
from rag_engine.own_parts import check_part
from rag_engine.settings import Plugin
from rag_engine.settings.plugins import GROUPS

__all__ = ["import_named", "load_plugin", "made", "named_callable"]

T = TypeVar("T")


def load_plugin(settings: Plugin, port: type[T]) -> T:
    """Return the part that the settings name, made with their options.

    Raises:
        SettingsError: only a knowledge base's own settings name a module; there is no such module,
            class or entry point; the class takes other options or fails; it makes no ``port``.

    Example::

        load_plugin(PluginRerankerSettings(kind="mine:ByLength"), Reranker)
    """
    where = f"{settings.stage}: kind = {settings.kind!r}"
    if ":" in settings.kind:
        make = named_callable(settings.kind, where, from_store=settings.from_store)
    else:
        make = _installed(settings, where)
    part = made(make, settings.options, where)
    try:
        check_part(where, part, port)
    except InvalidInput as error:
        raise SettingsError(str(error)) from error
    return part  # type: ignore[no-any-return]


def named_callable(name: str, where: str, *, from_store: bool) -> Callable[..., Any]:
    """Return the class or function that ``module:name`` names; ``where`` is where that stands.

    Raises:
        SettingsError: only a knowledge base's own settings name it (``from_store``), it can not
            be imported, or is neither.
    """
    if from_store:
        raise SettingsError(
            f"{where} is code that only the knowledge base's own settings name, and they may come "
            "from anybody: give the settings that name it (--settings FILE, or settings=...), or "
            "in Python the part itself"
        )
    return _callable(import_named(name, where), where)


def import_named(kind: str, where: str) -> Any:
    """Return what ``module:name`` names; ``where`` is where the name stands.

    Raises:
        SettingsError: there is no such module, it can not be imported, or holds no such name.
    """
    module, _, path = kind.partition(":")
    try:
        imported = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise SettingsError(f"{where}: {module} can not be imported: {error}") from error
        raise SettingsError(
            f"{where}: there is no module {error.name!r}; install it, or name its folder in the "
            "environment variable PYTHONPATH (the current folder is not searched by itself)"
        ) from error
    except (Exception, SystemExit) as error:  # a script that parses a command line exits
        raise SettingsError(
            f"{where}: {module} can not be imported: {type(error).__name__}: {error}"
        ) from error
    try:
        return reduce(getattr, path.split("."), imported)
    except AttributeError as error:
        classes = [name for name, _ in inspect.getmembers(imported, inspect.isclass)]
        functions = [name for name, _ in inspect.getmembers(imported, inspect.isfunction)]
        more = f", its functions {', '.join(functions)}" if functions else ""
        raise SettingsError(
            f"{where}: {module} holds no {path!r}; its classes are {', '.join(classes) or 'none'}"
            f"{more}"
        ) from error


def _installed(settings: Plugin, where: str) -> Callable[..., Any]:
    try:
        (point, *_) = entry_points(group=GROUPS[settings.stage], name=settings.kind)
        return _callable(point.load(), where)
    except SettingsError:
        raise
    except Exception as error:  # a package that is broken raises what it likes
        raise SettingsError(
            f"{where}: the entry point of {GROUPS[settings.stage]} can not be loaded: "
            f"{type(error).__name__}: {error}"
        ) from error


def _callable(named: Any, where: str) -> Callable[..., Any]:
    if not callable(named):
        raise SettingsError(f"{where} is no class, but {type(named).__name__}")
    return named  # type: ignore[no-any-return]


def made(
    make: Callable[..., Any],
    options: dict[str, Any],
    where: str,
    *arguments: Any,
) -> Any:
    """Return what a class or function makes of some arguments and the options of the settings.

    Raises:
        SettingsError: it takes other options, or fails.
    """
    try:
        signature = inspect.signature(make)
    except (TypeError, ValueError):  # of a class in C, which says itself what it takes
        signature = None
    if signature is not None:
        try:
            signature.bind(*arguments, **options)
        except TypeError as error:
            raise SettingsError(f"{where}: options: {error}; it takes {signature}") from error
    try:
        return make(*arguments, **options)
    except RagEngineError:
        raise
    except Exception as error:
        raise SettingsError(
            f"{where} can not be made with its options ({', '.join(options) or 'none'}): "
            f"{type(error).__name__}: {error}"
        ) from error
