"""Jupyter notebooks."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from rag_engine.connectors.loaders.notebook import NotebookLoader
from rag_engine.errors import LoadError, LoadLimitExceeded
from rag_engine.records import Document, Problem

Load = Callable[..., list[Document | Problem]]
LoadOne = Callable[..., Document]

FRAME = """<style>td {color: red}</style><table><thead><tr><th>Модель</th><th>Вес</th></tr></thead>
<tbody><tr><td>P-300</td><td>12</td></tr></tbody></table>"""


def code(source: str, *outputs: dict[str, Any]) -> dict[str, Any]:
    return {"cell_type": "code", "source": source, "outputs": list(outputs)}


def words(*lines: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "source": list(lines)}


def notebook(*cells: dict[str, Any], **metadata: Any) -> str:
    return json.dumps({"nbformat": 4, "metadata": metadata, "cells": cells}, ensure_ascii=False)


RUSSIAN = notebook(
    {"cell_type": "raw", "source": "---\ntitle: Насосная\nlang: ru\n---\n"},
    words("# Расход воды\n", "\n", "Считаем **литры** в час.\n"),
    code(
        "таблица.head()",
        {"output_type": "execute_result", "data": {"text/html": FRAME, "text/plain": "no"}},
        {"output_type": "stream", "text": ["\x1b[31mкрасное\x1b[0m\n"]},
        {"output_type": "display_data", "data": {"image/png": "AAAA", "text/plain": "<Figure>"}},
    ),
    words("## Итог\n", "\n", "Насос работает."),
    code("1 / 0", {"output_type": "error", "ename": "ZeroDivisionError", "evalue": "by zero"}),
    language_info={"name": "python"},
)


def places(document: Document) -> dict[tuple[str, ...], str]:
    return {span.section: document.text[span.start : span.end].strip() for span in document.spans}


def test_text_code_and_outputs_stand_under_headings_and_numbers(load_one: LoadOne) -> None:
    document = load_one(NotebookLoader(), "a.ipynb", RUSSIAN)
    assert (document.title, document.language_hint) == ("Насосная", "ru")
    assert document.metadata["code_language"] == "python"
    assert places(document) == {
        ("Расход воды",): "Расход воды",
        ("Расход воды", "#1-3"): (
            "Считаем литры в час.\n\nтаблица.head()\n\nМодель: P-300 | Вес: 12\n\nкрасное"
        ),
        ("Расход воды", "Итог"): "Итог",
        ("Расход воды", "Итог", "#4-5"): "Насос работает.\n\n1 / 0\n\nZeroDivisionError: by zero",
    }


def test_a_long_output_is_cut(load_one: LoadOne) -> None:
    long = {"output_type": "stream", "text": [f"строка {number}\n" for number in range(500)]}
    wide = {"output_type": "stream", "text": "ا" * 5_000}
    text = load_one(NotebookLoader(), "a.ipynb", notebook(code("run()", long, wide))).text
    assert "строка 11 …" in text
    assert "строка 12" not in text
    assert text.endswith("ا …")
    assert len(text) < 1_000


def test_old_notebooks(load_one: LoadOne) -> None:
    old = {
        "nbformat": 3,
        "worksheets": [
            {
                "cells": [
                    {"cell_type": "heading", "level": 2, "source": "ポンプ"},
                    {
                        "cell_type": "code",
                        "input": ["止める()"],
                        "outputs": [{"output_type": "pyout", "text": "停止"}],
                    },
                ]
            }
        ],
    }
    document = load_one(NotebookLoader(), "a.ipynb", json.dumps(old))
    assert places(document) == {("ポンプ",): "ポンプ", ("ポンプ", "#1-2"): "止める()\n\n停止"}


def test_another_encoding(load_one: LoadOne) -> None:
    document = load_one(NotebookLoader(), "a.ipynb", RUSSIAN.encode("utf-16"))
    assert document.title == "Насосная"


def test_a_bad_cell_is_a_problem_and_the_others_are_read(load: Load) -> None:
    found = load(NotebookLoader(), "a.ipynb", notebook(words("Gut."), code({"a": 1})))  # type: ignore[arg-type]
    assert [type(each) for each in found] == [Document, Problem]
    assert isinstance(found[1], Problem)
    assert found[1].reason.startswith("cell 2: its text is neither text nor lines: {'a': 1}")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (RUSSIAN[:-40], "it is no notebook: no JSON"),
        ("[]", "it is no notebook but a JSON list"),
        ('{"cells": []}', "holds no cells"),
        ('{"cells": 5}', "holds no cells"),
        ('{"worksheets": 5}', "holds no cells"),
        ('{"cells": [5]}', "a cell of it is no JSON object"),
    ],
)
def test_what_is_no_notebook_is_refused(load: Load, content: str, reason: str) -> None:
    with pytest.raises(LoadError, match=reason):
        load(NotebookLoader(), "a.ipynb", content)


def test_nesting_has_a_limit(load: Load) -> None:
    with pytest.raises(LoadLimitExceeded, match="nested too deeply"):
        load(NotebookLoader(), "a.ipynb", '{"cells": ' + "[" * 100_000)
