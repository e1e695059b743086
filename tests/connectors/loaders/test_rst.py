"""reStructuredText files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rag_engine.connectors.loaders.rst import RstLoader
from rag_engine.errors import LoadLimitExceeded
from rag_engine.records import Document, Problem

Load = Callable[..., list[Document | Problem]]
LoadOne = Callable[..., Document]

MANUAL = """=====
Насос
=====

:Author: Ада
:lang: ru

Вода **течёт** по `трубе <https://example.org>`_ и |имя|, см. ``код`` [1]_.
Вторая строка.

.. |имя| replace:: P-300

Уход
----

- промыть
- сушить

  1. сначала
  2. потом

.. note:: Осторожно.

.. code-block:: python
   :caption: hi

   пуск(1)

=======  ====
Модель   Вес
=======  ====
P-300    12
=======  ====

+------+---------+
| Зал  | День    |
+======+=========+
| А    | Пн      |
|      +---------+
|      | Вт      |
+------+---------+

Клапан
    Часть насоса.

-v, --verbose  сказать больше

.. image:: x.png
   :alt: схема насоса

.. [1] Сноска.

.. никто этого не видит

| Раз
| два
"""
SPHINX = """Führung
=======

.. toctree::
   :maxdepth: 2

   andere

Siehe :ref:`die Pflege <pflege>`, :meth:`~pumpe.Motor.start` und :kbd:`Enter`.

.. versionadded:: 2.0
   Der leise Betrieb.

.. tab-item:: Linux
   :sync: linux

   Das Paket **installieren**.

.. sourcecode:: sh
   :emphasize-lines: 1

   spuelen --kalt

.. only:: html

   Nur im Netz.
"""


def places(document: Document) -> dict[tuple[str, ...], str]:
    return {span.section: document.text[span.start : span.end].strip() for span in document.spans}


def test_what_a_reader_sees(load_one: LoadOne) -> None:
    document = load_one(RstLoader(), "a.rst", MANUAL)
    assert (document.title, document.language_hint) == ("Насос", "ru")
    assert document.metadata == {"format": "rst", "encoding": "utf-8", "author": "Ада"}
    assert places(document) == {
        ("Насос",): "Насос\n\nВода течёт по трубе и P-300, см. код. Вторая строка.",
        ("Насос", "Уход"): "\n\n".join(
            [
                "Уход",
                "промыть\nсушить\n1. сначала\n2. потом",
                "Осторожно.",
                "пуск(1)",
                "Модель: P-300 | Вес: 12",
                "Зал: А | День: Пн\nЗал: А | День: Вт",
                "Клапан: Часть насоса.",
                "-v, --verbose: сказать больше",
                "схема насоса",
                "[1] Сноска.",
                "Раз\nдва",
            ]
        ),
    }


def test_the_words_of_what_only_sphinx_knows_are_kept(load_one: LoadOne) -> None:
    assert load_one(RstLoader(), "a.rest", SPHINX).text == "\n\n".join(
        [
            "Führung",
            "Siehe die Pflege, start und Enter.",
            "2.0 Der leise Betrieb.",
            "Linux",
            "Das Paket installieren.",
            "spuelen --kalt",
            "Nur im Netz.",
        ]
    )


def test_headings_of_several_parts(load_one: LoadOne) -> None:
    document = load_one(
        RstLoader(), "a.rst", "手入れ\n======\n\n毎週\n洗います。\n\n冬\n==\n\n水を抜きます。\n"
    )
    assert document.title == "手入れ"
    assert places(document) == {
        ("手入れ",): "手入れ\n\n毎週洗います。",
        ("冬",): "冬\n\n水を抜きます。",
    }


def test_nothing_of_other_files_comes_in(load_one: LoadOne, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("geheim", encoding="utf-8")
    text = f"""Davor.

.. include:: {secret}

.. raw:: html
   :file: {secret}

.. literalinclude:: {secret}

.. csv-table:: x
   :url: {secret.as_uri()}

.. raw:: html

   <b>roh</b>

Danach.
"""
    document = load_one(RstLoader(), "a.rst", text)
    assert document.text == "Davor.\n\nDanach."


def test_an_encoding_that_is_declared(load_one: LoadOne) -> None:
    text = ".. -*- coding: iso-8859-2 -*-\n\nWymień filtr w każdą środę.\n"
    document = load_one(RstLoader(), "a.rst", text.encode("iso8859-2"))
    assert document.text == "Wymień filtr w każdą środę."


@pytest.mark.parametrize(
    "content", ["Titel\n==\n\n`offen\n\n.. x::y\n", "====\n", "\0\1", "+--+\n|"]
)
def test_damaged_markup_is_read_as_text(load: Load, content: str) -> None:
    assert isinstance(load(RstLoader(), "a.rst", content)[0], Document)


def test_a_directive_that_can_not_be_made_out_is_a_problem(load: Load) -> None:
    document, problem = load(
        RstLoader(), "a.rst", "Gut.\n\n.. list-table::\n\n   kein Listenpunkt\n"
    )
    assert isinstance(document, Document)
    assert isinstance(problem, Problem)
    assert document.text == "Gut."
    assert problem.reason.startswith("line 3: Error parsing content block for the")


def test_nesting_has_a_limit(load: Load) -> None:
    deep = "".join(f"{' ' * (2 * level)}- x\n\n" for level in range(600))
    with pytest.raises(LoadLimitExceeded, match="nested too deeply"):
        load(RstLoader(), "a.rst", deep)
