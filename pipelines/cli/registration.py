"""How a function becomes a command: its signature is the options, what it returns is printed.

The docstring is what ``--help`` says, its first sentence what the list of commands says.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from rag_engine.pipelines.output import (
    Exit,
    Outcome,
    note,
    print_error,
    print_failure,
    print_outcome,
    write_nowhere,
)

__all__ = ["new_app", "print_usage_error", "register"]

_JSON = inspect.Parameter(
    "json",
    inspect.Parameter.KEYWORD_ONLY,
    default=False,
    annotation=Annotated[bool, typer.Option("--json", help="Print data as JSON on stdout.")],
)


def new_app(text: str, epilog: str | None = None) -> typer.Typer:
    """Return commands without any yet; ``text`` says what they are for."""
    return typer.Typer(
        help=text,
        epilog=epilog,
        add_completion=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )


def register(
    app: typer.Typer,
    job: Callable[..., Outcome],
    *,
    command: str | None = None,
    json: bool = True,
) -> None:
    """Make a function a command of its name.

    Its outcome is printed, or why it failed. With ``json`` it has the option ``--json``, whose
    object says that it is of ``command`` (the function's name).
    """

    def run(**options: Any) -> Exit:
        as_json = json and options.pop("json")
        return _run(command or job.__name__, functools.partial(job, **options), as_json=as_json)

    signature = inspect.signature(job, eval_str=True)
    own = list(signature.parameters.values())
    run.__doc__ = job.__doc__
    run.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[*own, _JSON] if json else own, return_annotation=Exit
    )
    [first, *_] = (job.__doc__ or "").strip().split("\n\n")
    app.command(job.__name__, short_help=" ".join(first.split()).partition(". ")[0])(run)


def _run(command: str, job: Callable[[], Outcome], *, as_json: bool) -> Exit:
    try:
        outcome = job()
    except KeyboardInterrupt:
        message = "interrupted; what was done is kept, the same command goes on"
        print_failure(command, "Interrupted", message, as_json=as_json)
        return Exit.INTERRUPTED
    except typer.TyperException:  # a wrong command line: ``main`` says what is wrong with it
        raise
    except Exception as error:
        return print_error(command, error, as_json=as_json)
    try:
        print_outcome(command, outcome, as_json=as_json)
    except BrokenPipeError:
        write_nowhere()  # the reader of our output has gone (``| head``): nobody is left to tell
        return Exit.DONE
    except OSError as error:
        write_nowhere()
        note(f"rag-engine: the output can not be written: {error}; what was done is kept")
        return Exit.STORAGE
    return outcome.status


def print_usage_error(error: typer.TyperException, *, as_json: bool) -> Exit:
    """Say what is wrong with a command line, and where its options are described."""
    context: typer.Context | None = getattr(error, "ctx", None)
    words = context.command_path.split() if context else ["rag-engine"]
    if context is not None:
        note(context.get_usage())
    message = f"{_reason(error)}; see {' '.join(words)} --help"
    print_failure("".join(words[1:2]), "UsageError", message, as_json=as_json)
    return Exit.USAGE


def _reason(error: typer.TyperException) -> str:
    """Return what is wrong, with the value received where the message leaves it out."""
    reason = error.format_message().rstrip(".").replace("Value error, ", "")
    cause = error.__cause__
    if isinstance(cause, ValidationError):
        value = repr(cause.errors(include_url=False)[0]["input"])
        if value not in reason:
            return f"{reason}, got {value:.80}"
    return reason
