"""CSV and TSV files."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rag_engine.connectors.loaders.table import TableLoader
from rag_engine.errors import LoadError, LoadLimitExceeded
from rag_engine.records import Document, Problem

Load = Callable[..., list[Document | Problem]]


def texts(found: list[Document | Problem]) -> list[str]:
    return [each.text for each in found if isinstance(each, Document)]


def reasons(found: list[Document | Problem]) -> list[str]:
    return [each.reason for each in found if isinstance(each, Problem)]


def test_a_row_is_a_document(load: Load) -> None:
    rows = 'id,title,text,year,price,code,lang\na1,Насос,"Он ""тихий"", да",2024,9.5,007,ru\n'
    (document,) = load(TableLoader(), "a.csv", rows)
    assert isinstance(document, Document)
    assert (document.id, document.source) == ("a.csv#a1", "a.csv")
    assert (document.title, document.text) == ("Насос", 'Он "тихий", да')
    assert document.language_hint == "ru"
    assert document.metadata == {
        "format": "csv",
        "year": 2024,
        "price": 9.5,
        "code": "007",
        "lang": "ru",
    }


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("quote", ['"', "'"])
def test_delimiter_and_quote_are_found_out(load: Load, delimiter: str, quote: str) -> None:
    rows = [["text", "note"], ["Preis 3,50; 2|1", "a, b"], ["don't", "c; d"], ["x\ty", "e|f"]]
    body = "\n".join(
        delimiter.join(f"{quote}{cell.replace(quote, quote * 2)}{quote}" for cell in row)
        for row in rows
    )
    found = load(TableLoader(), "a.csv", body)
    assert texts(found) == ["Preis 3,50; 2|1", "don't", "x\ty"]
    assert [dict(each.metadata)["note"] for each in found if isinstance(each, Document)] == [
        *("a, b", "c; d", "e|f")
    ]


def test_one_column_with_commas_is_not_torn(load: Load) -> None:
    found = load(TableLoader(), "a.csv", "text\nBlue, green, red\nOne\nTwo, three\n")
    assert texts(found) == ["Blue, green, red", "One", "Two, three"]


def test_quoted_fields_may_run_over_lines(load: Load) -> None:
    found = load(TableLoader(), "a.csv", 'text,n\r\n"one\r\ntwo",1\r\n\r\nthree,2\r\n')
    assert texts(found) == ["one\ntwo", "three"]


@pytest.mark.parametrize(
    ("header", "row", "text"),
    [
        ("Name;Größe", "Pumpe;12 cm", "Name: Pumpe\nGröße: 12 cm"),
        ("id;Content;x", "1;Inhalt;y", "Inhalt"),
        ("question;answer", "क्यों?;इसलिए।", "क्यों?\nइसलिए।"),
        ("question;text", "Why?;Because.", "Why?\nBecause."),
        ("id;品名;重さ", "7;ポンプ;12", "品名: ポンプ\n重さ: 12"),
    ],
)
def test_the_text_is_found_by_the_names_of_the_columns(
    load: Load, header: str, row: str, text: str
) -> None:
    assert texts(load(TableLoader(), "a.csv", f"{header}\n{row}\n")) == [text]


def test_columns_can_be_chosen(load: Load) -> None:
    loader = TableLoader(
        text_columns=["b", "a"], title_column="c", id_column="d", metadata_columns=["e"]
    )
    (document,) = load(loader, "a.csv", "a,b,c,d,e,text\n1,2,3,4,5,6\n")
    assert isinstance(document, Document)
    assert document.text == "b: 2\na: 1"
    assert (document.title, document.id) == ("3", "a.csv#4")
    assert document.metadata == {"format": "csv", "e": 5}
    with pytest.raises(LoadError, match=r"no column 'nope'; its columns are 'a', 'b'"):
        load(TableLoader(text_columns=["nope"]), "a.csv", "a,b\n1,2\n")


def test_a_ragged_row_is_reported_and_the_others_are_kept(load: Load) -> None:
    found = load(TableLoader(), "a.csv", "text,n\ngood,1\nshort\nlong,2,3\nlast,4\n")
    assert texts(found) == ["good", "last"]
    assert reasons(found) == [
        "line 3: it has 1 fields where there are 2 columns",
        "line 4: it has 3 fields where there are 2 columns",
    ]
    assert [each.id for each in found if isinstance(each, Document)] == ["a.csv#1", "a.csv#4"]


@pytest.mark.parametrize("after", [1, 3_000, 20_000])
def test_an_open_quote_costs_one_row(load: Load, after: int) -> None:
    rows = "".join(f"row {number},{number}\n" for number in range(after))
    found = load(TableLoader(), "a.csv", f'text,n\nfirst,0\n"open,1\n{rows}')
    assert texts(found) == ["first", *(f"row {number}" for number in range(after))]
    assert reasons(found) == ['line 3: a quote (") is opened and not closed where it should be']


def test_an_open_quote_that_a_later_one_closes_tears_no_rows_along(load: Load) -> None:
    found = load(TableLoader(), "a.csv", 'text,n\n"open,1\ntwo,2\n"three",3\nfour,4\n')
    assert texts(found) == ["two", "three", "four"]
    assert len(reasons(found)) == 1


def test_words_in_quotes_at_the_beginning_of_a_field_are_kept(load: Load) -> None:
    found = load(TableLoader(), "a.csv", 'text,n\n"Quiet" is its name,1\nnext,2\n')
    assert texts(found) == ["Quiet is its name", "next"]
    assert reasons(found) == []


def test_a_first_line_may_tell_the_delimiter(load: Load) -> None:
    found = load(TableLoader(), "a.csv", "\ufeffsep=|\r\ntext|n\r\na, b, c|1\r\nd, e, f|2\r\n")
    assert texts(found) == ["a, b, c", "d, e, f"]


def test_tabs_need_no_quotes(load: Load) -> None:
    found = load(TableLoader(), "a.tsv", 'text\tn\n"open\t1\n5" pipe\t2\n')
    assert texts(found) == ['"open', '5" pipe']
    assert reasons(found) == []


def test_rows_without_text_are_reported(load: Load) -> None:
    found = load(TableLoader(), "a.csv", "text,n\n ,1\nx,2\n")
    assert texts(found) == ["x"]
    assert reasons(found) == ["row 1: no text in 'text'; the row has: n, text"]


def test_a_line_that_is_too_long_is_reported_and_the_next_one_read(load: Load) -> None:
    loader = TableLoader(max_line_characters=1000)
    found = load(loader, "a.csv", "text,n\n" + "x" * 5_000 + ",1\ny,2\n")
    assert texts(found) == ["y"]
    assert reasons(found) == ["line 2: it is longer than a line may be"]


def test_too_many_columns_are_refused(load: Load) -> None:
    row = ",".join(str(number) for number in range(100_000))
    with pytest.raises(LoadLimitExceeded, match=r"has 100,000 columns; at most 5,000"):
        load(TableLoader(), "a.csv", f"{row}\n{row}\n")


@pytest.mark.parametrize("content", ["", "\n\n", "\ufeff", "text,n\n"])
def test_a_table_without_rows_gives_nothing(load: Load, content: str) -> None:
    assert load(TableLoader(), "a.csv", content) == []


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_tables_come_in_many_encodings(load: Load, encoding: str) -> None:
    rows = "text;preis\nDie Pumpe läuft über den Sommer.;3,5\nGrüße aus Köln.;4\n"
    found = load(TableLoader(), "a.csv", rows.encode(encoding))
    assert texts(found) == ["Die Pumpe läuft über den Sommer.", "Grüße aus Köln."]


def test_lost_characters_are_told_after_the_rows(load: Load) -> None:
    rows = "text\n" + "вода течёт\n" * 15_000 + "вода \ufffd течёт\n"
    data = rows.encode().replace("ё".encode(), b"\xff", 2)
    for name, content in (("a.csv", data), ("a.csv", rows.encode())):
        *found, last = load(TableLoader(), name, content)
        if content == data:
            assert isinstance(last, Problem)
            assert last.reason.startswith("2 characters could not be decoded as utf-8; ")
        else:
            assert isinstance(last, Document)
        assert len(found) >= 15_000


def test_names_that_are_missing_or_double_get_a_number(load: Load) -> None:
    (document,) = load(TableLoader(), "a.csv", "text,,x,x\na,b,c,d\n")
    assert isinstance(document, Document)
    assert dict(document.metadata) == {"format": "csv", "column 2": "b", "x": "c", "x 4": "d"}


def sections(found: list[Document | Problem]) -> set[tuple[str, ...]]:
    return {
        each.spans[0].section if each.spans else () for each in found if isinstance(each, Document)
    }


@pytest.mark.parametrize(
    ("above", "titles"),
    [
        ("Preisliste 2026\n", ("Preisliste 2026",)),
        ("Preisliste 2026;;\nStand: Mai\n\n", ("Preisliste 2026", "Stand: Mai")),
        ('"Preise; netto"\n;;\n', ("Preise; netto",)),
        ("価格表\n", ("価格表",)),
        ("Preisliste\nStand;1. Mai\n", ("Preisliste", "Stand: 1. Mai")),
        ("\n", ()),
    ],
)
def test_what_stands_above_the_header_is_the_section(
    load: Load, above: str, titles: tuple[str, ...]
) -> None:
    rows = "Name;Preis;Lager\nPumpe;3,50;ja\nVentil;4;nein\nFilter;5,20;ja\n"
    found = load(TableLoader(), "a.csv", above + rows)
    assert texts(found) == [
        "Name: Pumpe\nPreis: 3,50\nLager: ja",
        "Name: Ventil\nPreis: 4\nLager: nein",
        "Name: Filter\nPreis: 5,20\nLager: ja",
    ]
    assert (reasons(found), sections(found)) == ([], {titles})


@pytest.mark.parametrize(
    "upper", ["Produkt,2024,,2025,", ",2024,,2025,", "Produkt,2024,2024,2025,2025"]
)
@pytest.mark.parametrize("title", ["", "Absatz in Stück\n"])
def test_a_header_of_two_rows_names_each_column(load: Load, title: str, upper: str) -> None:
    lower = "Produkt,Soll,Ist,Soll,Ist" if upper.startswith(",") else ",Soll,Ist,Soll,Ist"
    rows = f"{title}{upper}\n{lower}\nPumpe,10,9,12,11\nFilter,4,5,6,7\n"
    found = load(TableLoader(), "a.csv", rows)
    assert texts(found)[0] == (
        "Produkt: Pumpe\n2024 > Soll: 10\n2024 > Ist: 9\n2025 > Soll: 12\n2025 > Ist: 11"
    )
    assert len(texts(found)) == 2
    assert reasons(found) == []


@pytest.mark.parametrize(
    "rows",
    [
        "name,,town\nAnna,x,Bonn\nBob,3,Ulm\nCleo,4,Jena\n",
        "a,b,b\nx,y,z\nu,v,w\n",
        "name,size,size\nlarge,n/a,3\nsmall,4,5\n",
    ],
)
def test_a_first_row_of_words_is_no_second_header(load: Load, rows: str) -> None:
    assert len(texts(load(TableLoader(), "a.csv", rows))) == rows.count("\n") - 1


def test_a_name_of_a_column_may_run_over_lines(load: Load) -> None:
    rows = 'Preise\n"Name\nvoll","Preis\nin\nEuro"\nPumpe,3\nVentil,4\n'
    found = load(TableLoader(), "a.csv", rows)
    assert texts(found) == [
        "Name voll: Pumpe\nPreis in Euro: 3",
        "Name voll: Ventil\nPreis in Euro: 4",
    ]


def test_a_row_is_no_header_because_the_header_lacks_a_name(load: Load) -> None:
    found = load(TableLoader(), "a.csv", "name,size\nPump,3,x\nValve,4,y\nFilter,5,z\n")
    assert texts(found) == []
    assert len(reasons(found)) == 3


TABLE = "Name;Preis;Lager\nPumpe;3,50;ja\nVentil;4;nein\nFilter;5,20;ja\n"


@pytest.mark.parametrize(
    ("below", "note"),
    [
        ("\nAlle Preise netto.\n", "Alle Preise netto."),
        ("\nQuelle: Amt;;\n\nStand: Mai\n", "Quelle: Amt\nStand: Mai"),
        (";;\nStand: Mai;;\n", "Stand: Mai"),
        ('\n"Preise; netto"', "Preise; netto"),
    ],
)
@pytest.mark.parametrize("above", ["", "Preisliste\n"])
def test_a_note_below_a_table_is_a_document(load: Load, above: str, below: str, note: str) -> None:
    found = load(TableLoader(), "a.csv", above + TABLE + below)
    assert texts(found)[1:] == ["Name: Ventil\nPreis: 4\nLager: nein", texts(found)[2], note]
    assert reasons(found) == []
    assert sections(found) == {("Preisliste",) if above else ()}
    last = found[-1]
    assert isinstance(last, Document)
    assert (last.id, dict(last.metadata)) == ("a.csv#note", {"format": "csv"})


@pytest.mark.parametrize(
    ("below", "problems"),
    [
        ("Sie", ["line 5: it has 1 fields where there are 3 columns"]),  # cut off
        ("\nObst\nApfel;1;ja\n", ["line 6: it has 1 fields where there are 3 columns"]),
        ("\n;2;\n", []),
        (";;\nApfel;1;ja\n", []),
    ],
)
def test_what_is_no_note_is_a_row(load: Load, below: str, problems: list[str]) -> None:
    found = load(TableLoader(), "a.csv", TABLE + below)
    assert reasons(found) == problems
    assert all(not each.id.endswith("#note") for each in found if isinstance(each, Document))
    assert len(texts(found)) == 3 + (below[-1] == "\n")


def test_a_list_of_one_column_has_no_notes(load: Load) -> None:
    assert texts(load(TableLoader(), "a.csv", "text\nEins\n\nZwei\n")) == ["Eins", "Zwei"]
