"""Gettext catalogues."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rag_engine.connectors.loaders.po import PoLoader
from rag_engine.errors import LoadError
from rag_engine.records import Document, Problem

Load = Callable[..., list[Document | Problem]]
LoadOne = Callable[..., Document]

HEADER = """msgid ""
msgstr ""
"Project-Id-Version: pumpctl 2.1\\n"
"Content-Type: text/plain; charset={charset}\\n"
"Language: {language}\\n"

"""
ENTRIES = """#. for the menu
#: src/pump.c:12
#, c-format
msgctxt "menu"
msgid "Start the pump"
msgstr "Ligar a bomba"

#, fuzzy
msgid "Stop the pump"
msgstr "Talvez parar"

msgid "%d filter"
msgid_plural "%d filters"
msgstr[0] "%d filtro"
msgstr[1] "%d filtros"

msgid ""
"The valve is open. "
"Close it."
msgstr ""
"A válvula está aberta.\\n"
"Feche-a."

msgid "empty"
msgstr ""

#~ msgid "old"
#~ msgstr "velho"
"""


def po(entries: str, *, language: str = "pt_BR", charset: str = "UTF-8") -> str:
    return HEADER.format(language=language, charset=charset) + entries


def test_finished_translations_stand_under_what_they_translate(load_one: LoadOne) -> None:
    document = load_one(PoLoader(), "pt.po", po(ENTRIES))
    assert (document.title, document.language_hint) == ("pumpctl 2.1", "pt-BR")
    assert [
        (span.section, document.text[span.start : span.end].strip()) for span in document.spans
    ] == [
        (("menu", "Start the pump"), "Ligar a bomba"),
        (("%d filter",), "%d filtro\n%d filtros"),
        (("The valve is open. Close it.",), "A válvula está aberta.\nFeche-a."),
    ]


@pytest.mark.parametrize(
    ("language", "charset", "codec", "text"),
    [
        ("ru", "KOI8-R", "koi8-r", "Промойте фильтр водой"),
        ("pl", "iso-8859-2", "iso8859-2", "Wymień filtr w każdą środę"),
        ("ar", "UTF-8", "utf-8", "اغسل المرشح كل أسبوع"),
        ("ja", "EUC-JP", "euc-jp", "毎週フィルターを洗います"),
        ("sr@latin", "utf-8", "utf-8", "Operite filter"),
    ],
)
def test_languages_and_encodings(
    load_one: LoadOne, language: str, charset: str, codec: str, text: str
) -> None:
    entry = f'msgid "Rinse the filter"\nmsgstr "{text}"\n'
    content = po(entry, language=language, charset=charset).encode(codec)
    document = load_one(PoLoader(), "x.po", content)
    assert document.text == text
    assert document.language_hint == language.partition("@")[0]


def test_signs_that_python_takes_for_line_ends(load_one: LoadOne) -> None:
    document = load_one(PoLoader(), "x.po", po('msgid "a\u2028b"\nmsgstr "eins\u2028zwei"\n'))
    assert document.text == "eins zwei"


def test_a_file_of_the_same_name_is_not_read(
    load: Load, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The library takes a text that names a file for that file."""
    secret = tmp_path_factory.mktemp("other") / "secret.po"
    secret.write_text(po('msgid "a"\nmsgstr "geheim"\n'), encoding="utf-8")
    with pytest.raises(LoadError, match="it is no catalogue of translations"):
        load(PoLoader(), "x.po", str(secret))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (po('msgid "a"\nmsgfoo "b"\n'), "it is no catalogue of translations"),
        ("Nur Text.\n", "it is no catalogue of translations"),
        ("\0\1\2", "it is no catalogue of translations"),
        ("", "it holds no finished translation"),
        (po('#, fuzzy\nmsgid "a"\nmsgstr "b"\n'), "it holds no finished translation"),
    ],
)
def test_damaged_and_empty_ones_are_refused(load: Load, content: str, reason: str) -> None:
    with pytest.raises(LoadError, match=reason):
        load(PoLoader(), "x.po", content)
