"""Opens what ``--retriever module:object`` names: a retriever, or a function that makes one."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rag_engine.connectors.foreign_retrievers.event_loop import EventLoop
from rag_engine.connectors.foreign_retrievers.haystack_retriever import (
    HaystackComponent,
    HaystackPipeline,
    is_haystack_component,
    is_haystack_pipeline,
)
from rag_engine.connectors.foreign_retrievers.langchain_retriever import (
    LangChainRetriever,
    is_langchain_retriever,
)
from rag_engine.connectors.foreign_retrievers.llamaindex_retriever import (
    LlamaIndexRetriever,
    is_llamaindex_retriever,
)
from rag_engine.connectors.foreign_retrievers.plain_function import PlainFunction, takes
from rag_engine.connectors.plugins import import_named
from rag_engine.errors import InvalidInput, RagEngineError
from rag_engine.evaluation.audit import ForeignRetriever

__all__ = ["as_retriever", "open_retriever"]

_WHAT = (
    "a retriever of LangChain or LlamaIndex, a retriever component or pipeline of Haystack, a "
    "function (question, k), or a function that makes one of these, perhaps from the folder of the "
    "set"
)
_SECOND = frozenset({"k", "top_k"})
"""What the second parameter of a retriever is called, where it has a default."""


def open_retriever(name: str, folder: Path, loop: EventLoop) -> ForeignRetriever:
    """Return the retriever that ``module:object`` names, for the set in ``folder``.

    A function that takes two arguments, ``(question, k)``, is a retriever. Any other function, and
    a class, makes one: it is called with the folder if it takes an argument.

    Raises:
        InvalidInput: the name is none, the object is no retriever, or what should make one failed.
        SettingsError: there is no such module or object.
    """
    module, colon, path = name.partition(":")
    if not (module and colon and path):
        raise InvalidInput(f"--retriever takes MODULE:OBJECT, got {name!r}")
    named = import_named(name, f"--retriever {name}")
    thing = _made(named, folder, loop, name) if _makes_one(named) else named
    try:
        return as_retriever(thing, loop)
    except InvalidInput as error:
        made = thing is not named and takes(named, folder)
        hint = f"; {_given_the_folder(named)}" if made else ""
        raise InvalidInput(f"--retriever {name}: {error}{hint}") from error
    except RagEngineError:
        raise
    except Exception as error:  # whatever a foreign object raises while it is looked at
        raise InvalidInput(
            f"--retriever {name}: it could not be opened: {type(error).__name__}: {error}"
        ) from error


def as_retriever(thing: Any, loop: EventLoop) -> ForeignRetriever:
    """Return an object of any of the kinds that are known as one that can be asked.

    Raises:
        InvalidInput: it is of none of them.
    """
    if is_langchain_retriever(thing):
        return LangChainRetriever(thing, loop)
    if is_llamaindex_retriever(thing):
        return LlamaIndexRetriever(thing, loop)
    if is_haystack_pipeline(thing):
        return HaystackPipeline(thing)
    if is_haystack_component(thing):
        return HaystackComponent(thing)
    if hasattr(thing, "as_retriever"):
        raise InvalidInput(
            f"{type(thing).__name__} is no retriever itself: give its as_retriever(...), with as "
            "many hits as are to be measured"
        )
    if callable(thing):
        return PlainFunction(thing, loop)
    raise InvalidInput(f"expected {_WHAT}; got {type(thing).__name__} {thing!r:.80}")


def _makes_one(named: Any) -> bool:
    """Tell whether something is called to get a retriever, and is none itself."""
    if isinstance(named, type):
        return True
    if not (inspect.isroutine(named) and takes(named, "question", 1)):
        return inspect.isroutine(named)
    try:
        second = list(inspect.signature(named).parameters.values())[1:2]
    except ValueError:
        return False
    needed = [each for each in second if each.default is inspect.Parameter.empty]
    return not needed and not any(each.name in _SECOND for each in second)


def _made(make: Callable[..., Any], folder: Path, loop: EventLoop, name: str) -> Any:
    arguments = (folder,) if takes(make, folder) else ()
    if not takes(make, *arguments):
        raise InvalidInput(
            f"--retriever {name}: what makes a retriever takes nothing, or the folder of the set; "
            f"this takes {inspect.signature(make)}"
        )
    try:
        made = make(*arguments)
        return loop.result(made) if inspect.isawaitable(made) else made
    except RagEngineError:
        raise
    except (Exception, SystemExit) as error:
        hint = f"; {_given_the_folder(make)}" if arguments else ""
        raise InvalidInput(
            f"--retriever {name}: it could not be made: {type(error).__name__}: {error}{hint}"
        ) from error


def _given_the_folder(make: object) -> str:
    """Say why something was called with a folder: perhaps it was not meant to make anything."""
    if isinstance(make, type):
        return (
            f"{make.__name__} is a class, and was called with the folder of the set to make a "
            "retriever: name an object of it, or a function that makes one"
        )
    return (
        "a retriever takes (question, k); a function with one parameter makes one and is given the "
        "folder of the set, as this was"
    )
