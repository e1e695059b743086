"""Who may import whom: pipelines import connectors, connectors import the engine, never back."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LINKS = {"connectors", "pipelines"}
"""Folders of the repository that are parts of the package by links in ``rag_engine``."""
THE_ONE_DOOR = "rag_engine/components.py"
"""Where the engine asks for its default parts: in a function, when they are wanted."""


def sources(folder: str) -> list[Path]:
    """Return the modules of a layer; the links below the engine are other layers."""
    links = [ROOT / "rag_engine" / name for name in LINKS] if folder == "rag_engine" else []
    found = sorted((ROOT / folder).rglob("*.py"))
    return [path for path in found if not any(link in path.parents for link in links)]


LAYERS = {name: sources(name) for name in ("rag_engine", "connectors", "pipelines")}
EVERY = [path for paths in LAYERS.values() for path in paths]


def imports(tree: ast.AST) -> Iterator[str]:
    """Yield the name of everything that a piece of code imports, in functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def without_functions(tree: ast.Module) -> ast.Module:
    """Return what of a module runs when it is imported: its functions are empty."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [ast.Pass()]
    return tree


def of_layer(names: Iterator[str], *layers: str) -> list[str]:
    """Return those of some imported names that are in a layer, or are one."""
    return sorted(
        name
        for name in names
        if any(f"{name}.".startswith(f"rag_engine.{layer}.") for layer in layers)
    )


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def test_every_layer_was_looked_at():
    assert all(len(paths) > 30 for paths in LAYERS.values())
    assert len({path.resolve() for path in EVERY}) == len(EVERY)


@pytest.mark.parametrize("layer", ["rag_engine", "connectors"])
def test_no_arrow_points_backwards(layer):
    above = ["pipelines"] if layer == "connectors" else ["connectors", "pipelines"]
    wrong = {
        str(path.relative_to(ROOT)): names
        for path in LAYERS[layer]
        if (names := of_layer(imports(parsed(path)), *above))
    }
    wrong.pop(THE_ONE_DOOR, None)
    assert wrong == {}


def test_the_one_door_opens_in_a_function_and_to_connectors_alone():
    tree = parsed(ROOT / THE_ONE_DOOR)
    assert of_layer(imports(tree), "connectors")
    assert of_layer(imports(tree), "pipelines") == []
    assert of_layer(imports(without_functions(tree)), "connectors") == []


def test_there_is_one_import_name():
    wrong = {
        str(path.relative_to(ROOT)): names
        for path in EVERY
        if (names := [n for n in imports(parsed(path)) if n.split(".")[0] in LINKS])
    }
    assert wrong == {}


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("import rag_engine.pipelines", ["rag_engine.pipelines"]),
        ("from rag_engine import pipelines", ["rag_engine.pipelines"]),
        (
            "def f():\n    from rag_engine.pipelines.cli import main",
            ["rag_engine.pipelines.cli.main"],
        ),
        ("import rag_engine.pipelines_of_mine", []),
    ],
)
def test_an_arrow_is_seen_in_every_way_of_writing_it(code, names):
    assert of_layer(imports(ast.parse(code)), "pipelines") == names
