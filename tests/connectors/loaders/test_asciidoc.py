"""AsciiDoc files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rag_engine.connectors.loaders.asciidoc import AsciiDocLoader
from rag_engine.connectors.loaders.parsing.asciidoc_inline import shown
from rag_engine.records import Document, Problem

Load = Callable[..., list[Document | Problem]]
LoadOne = Callable[..., Document]

MANUAL = """= Handbuch der Pumpe
Ada Muster <ada@example.org>
v1.0, 2026-11-01
:lang: de
:modell: P-300
:toc:

Die {modell} ist *stark*
und _leise_; siehe <<pflege,die Pflege>>.footnote:[Ab 2026.]

[[pflege]]
== Pflege

.Schritte
. spülen
+
mit kaltem Wasser
. trocknen
.. innen
.. außen
* gut
* schön

Ventil:: Ein Teil.
Filter::
  Noch ein Teil.

[source,sh]
----
rinse --all   # *nicht* Markup
----

NOTE: Vorsicht mit `heißem` Wasser.

[WARNING]
====
Nicht öffnen.
====

// niemand liest das
////
und das
////
++++
<b>roh</b>
++++

[%header,cols="1,2"]
|===
|Modell |Gewicht
|P-300
|12 *kg*
.2+|P-500 |13
|14
2+|Alle sind blau.
|===

image::plan.png[Plan der Pumpe,300]

Winter
------

https://example.org[Unsere Seite] und {unbekannt}.

Leer::
"""


def places(document: Document) -> dict[tuple[str, ...], str]:
    return {span.section: document.text[span.start : span.end].strip() for span in document.spans}


def test_what_a_reader_sees(load_one: LoadOne) -> None:
    document = load_one(AsciiDocLoader(), "a.adoc", MANUAL)
    assert (document.title, document.language_hint) == ("Handbuch der Pumpe", "de")
    assert document.metadata["author"] == "Ada Muster"
    top = "Handbuch der Pumpe"
    assert places(document) == {
        (top,): f"{top}\n\nDie P-300 ist stark und leise; siehe die Pflege. (Ab 2026.)",
        (top, "Pflege"): "\n\n".join(
            [
                "Pflege",
                "Schritte",
                "1. spülen",
                "mit kaltem Wasser",
                "2. trocknen\n1. innen\n2. außen\ngut\nschön\n"
                "Ventil: Ein Teil.\nFilter: Noch ein Teil.",
                "rinse --all   # *nicht* Markup",
                "NOTE: Vorsicht mit heißem Wasser.",
                "Nicht öffnen.",
                "Modell: P-300 | Gewicht: 12 kg\nModell: P-500 | Gewicht: 13\n"
                "Modell: P-500 | Gewicht: 14\nAlle sind blau.",
                "Plan der Pumpe",
            ]
        ),
        (top, "Winter"): "Winter\n\nUnsere Seite und {unbekannt}.\n\nLeer",
    }


@pytest.mark.parametrize(
    ("line", "seen"),
    [
        ("*wichtig* und **über**wacht", "wichtig und überwacht"),
        ("snake_case_name, 2*3*4, C++ und a_b", "snake_case_name, 2*3*4, C++ und a_b"),
        ("„*Насос*“, *水泵*。", "„Насос“, 水泵。"),
        ("[.role]#Text# und H~2~O, m^2^", "Text und H2O, m2"),
        ('"`Zitat`" kbd:[Strg+C] btn:[OK]', "“Zitat” Strg+C OK"),
        ("menu:Datei[Neu > Leer]", "Datei > Neu > Leer"),
        ("xref:a.adoc#x[dort] link:x.pdf[die Datei,window=_blank]", "dort die Datei"),
        ("https://example.org/a_b_c bleibt", "https://example.org/a_b_c bleibt"),
        ("((Pumpe)) (((Index,Pumpe)))läuft", "Pumpe läuft"),
        (r"\*kein* Fett", "*kein* Fett"),
    ],
)
def test_marks_within_a_line(line: str, seen: str) -> None:
    assert shown(line) == seen


def test_scripts_without_blanks_and_tables_by_first_line(load_one: LoadOne) -> None:
    text = "= ポンプ\n\n== 手入れ\n\n毎週、\n洗います。\n\n|===\n|型 |重さ\n\n|P-300 |12\n|===\n"
    document = load_one(AsciiDocLoader(), "a.asciidoc", text)
    assert (
        places(document)["ポンプ", "手入れ"] == "手入れ\n\n毎週、洗います。\n\n型: P-300 | 重さ: 12"
    )


def test_csv_tables(load_one: LoadOne) -> None:
    text = '[%header]\n,===\nالنموذج,الوزن\n"P-300, كبير",12\n,===\n'
    document = load_one(AsciiDocLoader(), "a.adoc", text)
    assert document.text == "النموذج: P-300, كبير | الوزن: 12"


def test_nothing_of_other_files_comes_in(load_one: LoadOne, tmp_path: Path) -> None:
    secret = tmp_path / "secret.adoc"
    secret.write_text("geheim", encoding="utf-8")
    text = f"Davor.\n\ninclude::{secret}[]\n\nDanach.\n"
    assert load_one(AsciiDocLoader(), "a.adoc", text).text == "Davor.\n\nDanach."


def test_attributes_do_not_multiply(load_one: LoadOne) -> None:
    lines = [f":a{n}: " + f"{{a{n - 1}}}" * 10 for n in range(1, 12)]
    document = load_one(
        AsciiDocLoader(), "a.adoc", "\n".join([":a0: xxxxxxxxxx", *lines, "", "{a11}"])
    )
    assert len(document.text) <= 2_000


@pytest.mark.parametrize(
    "content", ["----\noffen", "|===\n|a", "[[[", ":a", "= ", "*" * 3_000, "\0"]
)
def test_damaged_markup_is_read_as_text(load: Load, content: str) -> None:
    assert isinstance(load(AsciiDocLoader(), "a.adoc", content)[0], Document)


def test_another_encoding(load_one: LoadOne) -> None:
    text = "= Уход\n\nФильтр насоса промывают холодной водой. Кран закрывают. Воду сливают.\n"
    document = load_one(AsciiDocLoader(), "a.adoc", text.encode("cp1251"))
    assert document.title == "Уход"
