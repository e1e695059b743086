"""Hyphens at the end of a line: of a division, of a compound, of a code."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rag_engine.connectors.loaders.parsing.pdf_divided import LineEnds
from rag_engine.connectors.loaders.pdf import PdfLoader
from rag_engine.connectors.loaders.sandbox import Sandbox
from rag_engine.records import Document
from tests.connectors.loaders.samples import make_script_pdf

ALONE = [
    ("der Wärmetau-", "scher ist", "der Wärmetauscher ist"),
    ("die Luft-Wasser-Wär-", "mepumpe", "die Luft-Wasser-Wärmepumpe"),
    ("насос рабо-", "тает тихо", "насос работает тихо"),
    ("la pompe fonc-", "tionne", "la pompe fonctionne"),
    ("η αντλία λειτουρ-", "γεί αθόρυβα", "η αντλία λειτουργεί αθόρυβα"),
    ("պոմպն աշխա֊", "տում է", "պոմպն աշխատում է"),
    ("der Wärme\u2010", "tauscher", "der Wärmetauscher"),
    ("nach EN 378-", "4 zu prüfen", "nach EN 378-4 zu prüfen"),
    ("Vertrag WP-2024-", "0098-AX gilt", "Vertrag WP-2024-0098-AX gilt"),
    ("Teil JT-", "38a passt", "Teil JT-38a passt"),
    ("die A4-", "blätter", "die A4-blätter"),
    ("von Nord-", "Süd nach", "von Nord-Süd nach"),
    ("per E-", "Mail an", "per E-Mail an"),
    ("an x-", "ray of it", "an x-ray of it"),
    ("the USB-", "C port", "the USB-C port"),
    ("an OP-", "TIONAL part", "an OPTIONAL part"),
    ("Ein-", "und Ausgang", "Ein- und Ausgang"),
    ("in- och", "utgång", "in- och utgång"),
    ("il vient peut-", "être demain", "il vient peut-être demain"),
    ("c’est-à-", "dire demain", "c’est-à-dire demain"),
    ("an up-to-", "date list", "an up-to-date list"),
    ("кто-", "то звонил", "кто-то звонил"),
    ("beli buku-", "buku itu", "beli buku-buku itu"),
    ("בית־", "ספר", "בית־ספר"),
    ("קו תל-", "אביב", "קו תל-אביב"),
    ("see acme.example/heat-", "pumps for", "see acme.example/heat-pumps for"),
    ("Temperatur -", "5 Grad", "Temperatur - 5 Grad"),
    ("on Monday –", "not later", "on Monday – not later"),
]


@pytest.mark.parametrize(("line", "following", "joined"), ALONE)
def test_what_two_lines_alone_tell(line: str, following: str, joined: str):
    assert LineEnds([line, following]).join(line, following) == joined


@pytest.mark.parametrize(
    ("line", "following", "elsewhere", "joined"),
    [
        ("a well-", "known pump", "it is well known", "a well-known pump"),
        ("a heat-", "pump works", "a heat-pump is", "a heat-pump works"),
        ("a heat-", "pump works", "the heat and the pump", "a heat-pump works"),
        ("a heat-", "pump works", "one heatpump is", "a heatpump works"),
        ("a pump-", "house and", "a pump, a house; the mid-", "a pumphouse and"),
        ("the out-", "put and", "out is put here, a low-cost one", "the out-put and"),
        ("das US-", "AMT hat", "das US-AMT war", "das US-AMT hat"),
        ("das AMTS-", "BLATT hat", "das AMTS und BLATT", "das AMTS-BLATT hat"),
        ("a maj-", "or change", "no major one", "a major change"),
        ("pre-", "or after", "short- or long-term", "pre- or after"),
        (
            "der Wärme\u2010",
            "tauscher",
            "die Luft\u2010wärme, tauscher, wärme",
            "der Wärme‐tauscher",
        ),
    ],
)
def test_what_the_document_shows(line: str, following: str, elsewhere: str, joined: str):
    lines = [line, following, elsewhere, *(["dle part"] if elsewhere.endswith("mid-") else [])]
    assert LineEnds(lines).join(line, following) == joined


def test_a_long_text_without_blanks_takes_no_longer_than_its_length():
    lines = ["あ" * 200_000, "а-" * 100_000, "Wör-", "ter"]
    assert LineEnds(lines).join("Wör-", "ter") == "Wörter"


@pytest.mark.parametrize("hyphen", ["-", "\u2010", "\u00ad"])
def test_a_division_in_a_narrow_column(
    sandbox: Sandbox, load_one: Callable[..., Document], hyphen: str
):
    lines = [f"eine Sicherheits{hyphen}", "ventilprüfung nach EN 378-", "4 und 5-", "mal im Jahr"]
    document = load_one(PdfLoader(sandbox=sandbox), "a.pdf", make_script_pdf([lines]))
    assert document.text == "eine Sicherheitsventilprüfung nach EN 378-4 und 5-mal im Jahr"


def test_a_visible_hyphen_that_a_font_calls_a_soft_one_stays(
    sandbox: Sandbox, load_one: Callable[..., Document]
):
    lines = ["Eine Luft\u00adWasser\u00adWärmepumpe nach EN 378\u00ad", "4 ist teuer."]
    document = load_one(PdfLoader(sandbox=sandbox), "a.pdf", make_script_pdf([lines]))
    assert document.text == "Eine Luft-Wasser-Wärmepumpe nach EN 378-4 ist teuer."
