"""How a function becomes a command: its signature is the options, what it returns is printed.

The docstring is what ``--help`` says. Who asks for the list of commands, or runs one of them, waits
for no other: a command's module is imported when the command is run.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from rag_engine.pipelines.output import (
    Exit,
    Outcome,
    note,
    print_error,
    print_failure,
    print_outcome,
    write_nowhere,
)

__all__ = ["Command", "group", "print_usage_error"]

_JSON = inspect.Parameter(
    "json",
    inspect.Parameter.KEYWORD_ONLY,
    default=False,
    annotation=Annotated[bool, typer.Option("--json", help="Print data as JSON on stdout.")],
)
_HELP_OPTIONS = {"help_option_names": ["-h", "--help"]}


class Command(TyperCommand):
    """The function ``name`` of a module, which is imported when it is run or asked for its help.

    Its outcome is printed, or why it failed. ``summary`` is what the list of commands says of it.
    With ``json`` it has the option ``--json``, whose object says that it is of ``printed_as`` (the
    function's name).
    """

    def __init__(
        self, name: str, module: str, summary: str, *, printed_as: str = "", json: bool = True
    ) -> None:
        """Import nothing yet."""
        super().__init__(name, short_help=summary, rich_markup_mode=None)
        self._module = module
        self._printed_as = printed_as or name
        self._json = json

    def make_context(self, *arguments: Any, **named: Any) -> Any:
        """Read the words after the command, by the function's options."""
        return self.loaded().make_context(*arguments, **named)

    def loaded(self) -> TyperCommand:
        """Return the command with its options, importing its module."""
        job: Callable[..., Outcome] = getattr(import_module(self._module), self.name or "")
        as_one = typer.Typer(
            add_completion=False,
            context_settings=_HELP_OPTIONS,
            pretty_exceptions_enable=False,
            rich_markup_mode=None,
        )
        as_one.command(self.name)(self._printing(job))
        command = typer.main.get_command(as_one)
        assert isinstance(command, TyperCommand)
        return command

    def _printing(self, job: Callable[..., Outcome]) -> Callable[..., Exit]:
        def run(**options: Any) -> Exit:
            as_json = self._json and options.pop("json")
            return _run(self._printed_as, functools.partial(job, **options), as_json=as_json)

        signature = inspect.signature(job, eval_str=True)
        own = list(signature.parameters.values())
        run.__doc__ = job.__doc__
        run.__signature__ = signature.replace(  # type: ignore[attr-defined]
            parameters=[*own, _JSON] if self._json else own, return_annotation=Exit
        )
        return run


def group(
    name: str, text: str, commands: Mapping[str, TyperCommand | TyperGroup], epilog: str = ""
) -> TyperGroup:
    """Return commands under one name; ``text`` says what they are for."""
    return TyperGroup(
        name=name,
        commands=dict(commands),
        help=text,
        epilog=epilog,
        context_settings=_HELP_OPTIONS,
        rich_markup_mode=None,
    )


def _run(command: str, job: Callable[[], Outcome], *, as_json: bool) -> Exit:
    try:
        outcome = job()
    except KeyboardInterrupt:
        message = "interrupted; what was acknowledged is kept; run the same command again"
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
    if cause is None:
        return reason
    from pydantic import ValidationError  # here: the list of commands needs none of it

    if isinstance(cause, ValidationError):
        value = repr(cause.errors(include_url=False)[0]["input"])
        if value not in reason:
            return f"{reason}, got {value:.80}"
    return reason
