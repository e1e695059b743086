"""``rag-engine bench readers``: the same files through the field's readers, and who is right.

A folder holds folders, each with a file and an ``expected.json`` such as ``{"id": ..., "kind": ...,
"check": {"file": ..., "text_has": [...], "text_has_not": [...]}}``. Each reader runs in an
environment of its own, made by the command or given by path, and in a process for each file.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag_engine.errors import InvalidInput
from rag_engine.pipelines.bench.bench_report import machine
from rag_engine.pipelines.bench.environments import (
    PeerFailed,
    made_environment,
    run_to_end,
    versions_of,
)
from rag_engine.pipelines.bench.reader_checks import TextCheck
from rag_engine.pipelines.bench.reader_requirements import OURS, READERS
from rag_engine.pipelines.output import Outcome, note
from rag_engine.pipelines.tables import table

__all__ = ["bench_readers"]

_SCRIPT = Path(__file__).with_name("read_with.py")
_READ_S = 600
_RIGHT, _NOT_READ = "right", "-"


@dataclass(frozen=True, kw_only=True)
class _Input:
    """A file, and what its text must hold."""

    name: str
    kind: str
    path: Path
    check: TextCheck
    pages: int


def bench_readers(
    folder: Path,
    *,
    readers: Sequence[str] | None = None,
    pythons: Mapping[str, Path] | None = None,
    work: Path | None = None,
) -> Outcome:
    """Read every input with every reader; one that can not be installed is told of, not the end.

    ``pythons`` names interpreters of environments that are there already, by reader.

    Raises:
        InvalidInput: there is no input, or an ``expected.json`` that can not be used.
    """
    inputs = _inputs(folder)
    given = pythons or {}
    if work is not None:
        work.mkdir(parents=True, exist_ok=True)
        return _bench(inputs, readers, given, work)
    with tempfile.TemporaryDirectory() as made:
        return _bench(inputs, readers, given, Path(made))


def _inputs(folder: Path) -> list[_Input]:
    found = [_input(path) for path in sorted(folder.glob("*/expected.json"))]
    inputs = [each for each in found if each is not None]
    if not inputs:
        raise InvalidInput(
            f"{folder} holds no folder with a file and an expected.json whose check names the file"
        )
    return inputs


def _input(expected: Path) -> _Input | None:
    """Return an input; None for an ``expected.json`` that is about something else than a file."""
    try:
        read = json.loads(expected.read_text(encoding="utf-8"))
        check = read["check"]
        if "file" not in check:
            return None
        path = expected.parent / check["file"]
        return _Input(
            name=read["id"],
            kind=read.get("kind", ""),
            path=path,
            check=TextCheck(
                text_has=tuple(check.get("text_has", ())),
                text_has_not=tuple(check.get("text_has_not", ())),
            ),
            pages=_pages(path),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidInput(
            f"{expected} can not be used ({type(error).__name__}: {error}); it holds id, kind and "
            "check with file, text_has and text_has_not"
        ) from error


def _pages(path: Path) -> int:
    """Return the pages of a PDF file; of any other, which has none of its own, 1."""
    if path.suffix.lower() != ".pdf":
        return 1
    from pypdfium2 import PdfDocument

    with PdfDocument(path) as document:
        return len(document)


def _bench(
    inputs: Sequence[_Input],
    readers: Sequence[str] | None,
    pythons: Mapping[str, Path],
    work: Path,
) -> Outcome:
    failures, measured, versions = [], {}, {}
    for name in (OURS, *(readers or READERS)):
        try:
            python, versions[name] = _environment(name, pythons, work, asked=readers is not None)
        except PeerFailed as failure:
            note(f"{name}: {failure}")
            failures.append({"reader": name, "reason": str(failure)})
            continue
        note(f"{name} ...")
        measured[name] = {each.name: _read(name, python, each) for each in inputs}
    result = {
        "machine": machine(),
        "versions": versions,
        "inputs": {each.name: {"kind": each.kind, "pages": each.pages} for each in inputs},
        "readers": measured,
        "failures": failures,
    }
    lines = [
        *table(_verdicts(inputs, measured)),
        "",
        *table(_costs(inputs, measured, versions)),
        *(f"not measured: {failure['reader']}: {failure['reason']}" for failure in failures),
    ]
    return Outcome(result=result, lines=lines)


def _environment(
    name: str, pythons: Mapping[str, Path], work: Path, *, asked: bool
) -> tuple[Path, dict[str, str]]:
    """Return a reader's interpreter, and the version of the reader in it.

    Raises:
        PeerFailed: it can not be installed, or would download models.
    """
    if name == OURS:
        from importlib.metadata import version

        return Path(sys.executable), {"rag-engine": version("rag-engine")}
    packages = READERS[name]
    python = pythons.get(name)
    if python is None:
        if packages.needs and not asked:
            raise PeerFailed(
                f"{packages.needs}; measured with --reader {name}, or --python {name}=PATH"
            )
        python = made_environment(work / f"env-{name}", packages.wanted)
    return python, versions_of(python, [name, "PyMuPDF"])


def _read(name: str, python: Path, each: _Input) -> dict[str, Any]:
    """Return what a reader made of a file: a verdict, what is wrong, seconds and MB."""
    suffixes = READERS[name].suffixes if name in READERS else frozenset()
    if suffixes and each.path.suffix.lower() not in suffixes:
        return {"verdict": _NOT_READ, "wrong": ["it does not read this kind of file"]}
    try:
        printed = run_to_end([str(python), str(_SCRIPT), name, str(each.path)], _READ_S)
        measured: dict[str, Any] = json.loads(printed.splitlines()[-1])
    except PeerFailed as failure:
        return {"verdict": _NOT_READ, "wrong": [str(failure)]}
    wrong = each.check.failures(measured["text"])
    wants = len(each.check.text_has) + len(each.check.text_has_not)
    verdict = f"{wants - len(wrong)} of {wants}" if wrong else _RIGHT
    return {
        "verdict": verdict,
        "wrong": wrong,
        "seconds_a_page": measured["seconds"] / each.pages,
        "mb": measured["mb"],
        "text": measured["text"],
    }


def _verdicts(
    inputs: Sequence[_Input], measured: Mapping[str, Mapping[str, Mapping[str, Any]]]
) -> list[dict[str, object]]:
    return [
        {
            "what": f"{each.path.suffix.removeprefix('.')}: {each.kind}",
            **{name: read[each.name]["verdict"] for name, read in measured.items()},
        }
        for each in inputs
    ]


def _costs(
    inputs: Sequence[_Input],
    measured: Mapping[str, Mapping[str, Mapping[str, Any]]],
    versions: Mapping[str, Mapping[str, str]],
) -> list[dict[str, object]]:
    """Return a row for each reader, over the files that it reads."""
    rows: list[dict[str, object]] = []
    for name, read in measured.items():
        done = [read[each.name] for each in inputs if "mb" in read[each.name]]
        pages = sum(each.pages for each in inputs if "mb" in read[each.name])
        spent = sum(
            read[each.name]["seconds_a_page"] * each.pages
            for each in inputs
            if "mb" in read[each.name]
        )
        rows.append(
            {
                "reader": name,
                "version": ", ".join(versions[name].values()) or "?",
                "right": f"{sum(one['verdict'] == _RIGHT for one in done)} of {len(inputs)}",
                "ms a page": round(spent / pages * 1e3, 1) if pages else None,
                "MB": round(max(one["mb"] for one in done)) if done else None,
            }
        )
    return rows
