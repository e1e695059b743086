"""Archives: files under the archive's name, names in old encodings, limits, one bad file."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from rag_engine import KnowledgeBase
from rag_engine.connectors.loaders.registry import default_loaders
from rag_engine.connectors.loaders.text import TextLoader
from rag_engine.connectors.loaders.zip import ZipLoader
from rag_engine.errors import LoadError
from rag_engine.records import Document, Note, Problem
from tests.connectors.loaders.office.facts import fact
from tests.connectors.loaders.office.make import office_file
from tests.connectors.loaders.packages import zip_of
from tests.connectors.loaders.samples import make_latin_pdf

Load = Callable[..., list[Document | Problem | Note]]


@pytest.fixture(scope="module")
def default_loader() -> ZipLoader:
    [found] = [loader for loader in default_loaders() if ".zip" in loader.suffixes]
    assert isinstance(found, ZipLoader)
    return found


@pytest.fixture
def loader(default_loader: ZipLoader) -> ZipLoader:
    """Return one that a test may change, with the child process of the others."""
    return copy.copy(default_loader)


def told(records: list[Document | Problem | Note]) -> dict[str, str]:
    """Return what became of each file, by its name in the knowledge base."""
    return {
        record.id if isinstance(record, Document) else record.source: record.text
        if isinstance(record, Document | Note)
        else f"! {record.reason}"
        for record in records
    }


def unflagged(names: Mapping[bytes, str]) -> bytes:
    """Return an archive whose names are these bytes, and say nothing of their encoding."""
    places = {bytes([65 + index]) * len(name): name for index, name in enumerate(names)}
    data = zip_of({place.decode(): names[name] for place, name in places.items()})
    for place, name in places.items():
        data = data.replace(place, name)
    return data


def test_files_are_read_by_their_loaders_under_the_archives_name(
    loader: ZipLoader, load: Load
) -> None:
    data = zip_of(
        {
            "Pumpen/日本/メモ.md": "# 会議\n\n金曜日です。",
            "Pumpen/liste.csv": "id,text\nA1,Der Schlüssel.\nA2,Das Tor.\n",
            "p.pdf": make_latin_pdf(["A page about bells.", "And one about ropes."]),
            "mail.eml": office_file("mail.eml"),
            "bild.xyz": b"\0\1",
            ".DS_Store": b"\0",
            "__MACOSX/Pumpen/._liste.csv": b"\0\5\x16\7",
        }
    )
    records = load(loader, "a.zip", data)
    found = {record.id: record for record in records if isinstance(record, Document)}
    assert list(found) == [
        "a.zip/Pumpen/liste.csv#A1",
        "a.zip/Pumpen/liste.csv#A2",
        "a.zip/Pumpen/日本/メモ.md",
        "a.zip/mail.eml",
        "a.zip/p.pdf",
    ]
    assert found["a.zip/Pumpen/liste.csv#A1"].text == "Der Schlüssel."
    assert [span.page for span in found["a.zip/p.pdf"].spans] == [1, 2]
    assert fact("mail.eml") in found["a.zip/mail.eml"].text
    assert records[len(found) :] == [
        Note(source="a.zip", text="nothing reads 1 of its files: bild.xyz")
    ]


@pytest.mark.parametrize(
    ("encoding", "names"),
    [
        ("cp437", ["Gebühren.txt", "Schlüssel für Häuser.txt"]),
        ("cp850", ["Gebühren.txt", "Prêt à porter.txt"]),
        ("cp1252", ["Gebühren.txt", "Größe.txt"]),
        ("cp852", ["Smlouva o dílo.txt", "žádost.txt"]),
        ("cp866", ["Договор/Приложение.txt", "Отчёт за май.txt"]),
        ("cp932", ["見積書.txt", "資料/会議メモ.txt"]),
        ("gb18030", ["合同/附件一.txt", "采购清单.txt"]),
        ("cp950", ["合約書.txt", "會議記錄.txt"]),
        ("cp949", ["회의록.txt"]),
        ("utf-8", ["Gebühren.txt", "日本.txt"]),
    ],
)
def test_names_without_a_flag_are_read_in_the_code_page_of_who_packed_them(
    loader: ZipLoader, load: Load, encoding: str, names: list[str]
) -> None:
    data = unflagged({name.encode(encoding): f"Inhalt von {name}" for name in names})
    records = load(loader, "a.zip", data)
    documents = [record for record in records if isinstance(record, Document)]
    assert {one.id: one.text for one in documents} == {
        f"a.zip/{name}": f"Inhalt von {name}" for name in names
    }


def test_names_that_may_be_in_two_code_pages_are_told(loader: ZipLoader, load: Load) -> None:
    records = load(loader, "a.zip", unflagged({"הסכם.txt".encode("cp862"): "x"}))
    assert [type(record) for record in records] == [Note, Document]
    assert "and may be cp862" in records[0].text


def test_no_name_leads_out_of_the_archive(loader: ZipLoader, load: Load) -> None:
    data = zip_of({"../../up.txt": "a", "..\\win.txt": "b", "/root.txt": "c", "C:\\x\\y.txt": "d"})
    ids = {record.id for record in load(loader, "a.zip", data) if isinstance(record, Document)}
    assert ids == {f"a.zip/{name}" for name in ("up.txt", "win.txt", "root.txt", "x/y.txt")}


def test_a_bad_file_is_named_and_stops_no_other(loader: ZipLoader, load: Load) -> None:
    data = zip_of({"a.pdf": b"%PDF-1.4 no more", "b.txt": "Erster.", "c.txt": "Zweiter.", "d": "?"})
    place = data.index(b"Erster.") if b"Erster." in data else data.index(b"b.txt") + 5
    damaged = bytearray(data)
    damaged[place + 1] ^= 0xFF
    found = told(load(loader, "a.zip", bytes(damaged)))
    assert found["a.zip/a.pdf"].startswith("! it is damaged (Failed to load document")
    assert found["a.zip/b.txt"].startswith("! it is damaged")
    assert found["a.zip/c.txt"] == "Zweiter."
    assert found["a.zip"] == "nothing reads 1 of its files: d"


def test_a_loader_that_fails_costs_one_file(load: Load) -> None:
    class Failing(TextLoader):
        suffixes = frozenset({".bad"})

        def load(self, path: Path, source: str) -> Iterator[Document]:
            raise ValueError("no way")

    zips = ZipLoader([Failing(), TextLoader()])
    assert told(load(zips, "a.zip", zip_of({"a.bad": "x", "b.txt": "Zwei."}))) == {
        "a.zip/a.bad": "! its loader failed: ValueError: no way",
        "a.zip/b.txt": "Zwei.",
    }


def test_a_password_is_told(loader: ZipLoader, load: Load) -> None:
    data = bytearray(zip_of({"a.txt": "geheim", "b.txt": "offen"}))
    data[data.index(b"PK\1\2") + 8] |= 1  # the flag in the directory
    found = told(load(loader, "a.zip", bytes(data)))
    assert found["a.zip/a.txt"].startswith("! it has a password; pack it without one")
    assert found["a.zip/b.txt"] == "offen"


def test_a_method_that_is_not_read_is_told(loader: ZipLoader, load: Load) -> None:
    data = zip_of({"a.txt": "gepackt", "b.txt": "offen"})
    for header, at in ((b"PK\3\4", 8), (b"PK\1\2", 10)):
        place = data.index(header) + at
        data = data[:place] + b"\x09\0" + data[place + 2 :]
    found = told(load(loader, "a.zip", data))
    assert found["a.zip/a.txt"].startswith(
        "! it is packed by a method that is not read (deflate64)"
    )
    assert found["a.zip/b.txt"] == "offen"


def test_bombs_are_given_up_and_the_files_beside_them_read(loader: ZipLoader, load: Load) -> None:
    data = zip_of({"bomb.txt": b"a" * 30_000_000, "good.txt": "Danach."})
    assert told(load(loader, "a.zip", data)) == {
        "a.zip/bomb.txt": "! it unpacks to more than 250 times its size, as no text does",
        "a.zip/good.txt": "Danach.",
    }


def test_what_comes_out_is_bounded_for_each_file_and_for_all(loader: ZipLoader, load: Load) -> None:
    loader._most_bytes = 1_000
    files = {f"{number:02}.txt": f"a{number:899}" for number in range(13)}
    found = told(load(loader, "a.zip", zip_of({"00.big": b"b" * 1_001, **files})))
    assert found["a.zip/00.big"] == "! it unpacks to more than 1,000 bytes"
    assert [name for name, text in found.items() if text.startswith("a")] == [
        f"a.zip/{number:02}.txt" for number in range(11)
    ]
    assert "more than 10 times loaders.max_file_mb" in found["a.zip/11.txt"]
    assert "a.zip/12.txt" not in found


def test_archives_in_archives_are_read_down_to_a_depth_and_share_the_limits(
    loader: ZipLoader, load: Load
) -> None:
    data = zip_of({"deep.txt": "Tief unten."})
    for level in range(4):
        data = zip_of({f"{level}.zip": data, f"{level}.txt": f"Ebene {level}."})
    found = told(load(loader, "a.zip", data))
    assert found["a.zip/3.zip/2.zip/1.zip/0.txt"] == "Ebene 0."
    assert found["a.zip/3.zip/2.zip/1.zip/0.zip"].startswith("! archives are nested too deeply")

    loader._most_bytes = 1_000
    inner = zip_of({f"{number}.txt": f"a{number:899}" for number in range(6)})
    found = told(load(loader, "b.zip", zip_of({"1.zip": inner, "2.zip": inner, "3.txt": "a"})))
    assert [name for name, text in found.items() if text.startswith("a")] == [
        *(f"b.zip/1.zip/{number}.txt" for number in range(6)),
        *(f"b.zip/2.zip/{number}.txt" for number in range(3)),
    ]
    assert "more than 10 times" in found["b.zip/2.zip/3.txt"]
    assert "more than 10 times" in found["b.zip/3.txt"]


def test_too_many_files_are_refused(loader: ZipLoader, load: Load) -> None:
    with pytest.raises(LoadError, match=r"a\.zip: it holds 10,001 files; at most 10,000 are read"):
        load(loader, "a.zip", zip_of({f"{number}.txt": "" for number in range(10_001)}))


@pytest.mark.parametrize(
    "data",
    [b"", b"PK\3\4 no more", zip_of({"a.txt": "x"})[:-30]],
    ids=["empty", "not an archive", "cut off"],
)
def test_what_is_no_archive_is_refused(loader: ZipLoader, load: Load, data: bytes) -> None:
    with pytest.raises(LoadError, match=r"a\.zip: it is no ZIP archive, or is damaged"):
        load(loader, "a.zip", data)


def test_text_in_an_archive_is_read_in_the_encoding_that_is_named(
    loader: ZipLoader, load: Load
) -> None:
    data = zip_of({"a.txt": "Øl på bordet".encode("cp865")})
    [document] = load(loader.in_encoding("cp865"), "a.zip", data)
    assert isinstance(document, Document)
    assert document.text == "Øl på bordet"
    assert loader.in_encoding("cp865").version != loader.version


def test_a_sync_follows_the_archive(tmp_path: Path, quick_components) -> None:
    home = tmp_path / "docs"
    home.mkdir()
    place = home / "a.zip"
    with KnowledgeBase.open(tmp_path / "kb", components=quick_components) as kb:
        place.write_bytes(zip_of({"bleibt.txt": "Eins.", "geht.txt": "Zwei.", "neu.txt": "Drei."}))
        assert kb.add_files(home, sync=True).added == 3
        again = kb.add_files(home, sync=True)
        assert (again.unchanged_files, again.added, again.deleted) == (1, 0, 0)
        place.write_bytes(
            zip_of({"bleibt.txt": "Eins.", "neu.txt": "Vier.", "mehr/a.txt": "Fünf."})
        )
        report = kb.add_files(home, sync=True)
        assert (report.added, report.updated, report.unchanged, report.deleted) == (1, 1, 1, 1)
        ids = {hit.chunk.document_id for hit in kb.search("Eins", k=9)}
        assert ids == {f"docs/a.zip/{name}" for name in ("bleibt.txt", "neu.txt", "mehr/a.txt")}
        place.unlink()
        (home / "b.txt").write_text("Sechs.", encoding="utf-8")
        assert kb.add_files(home, sync=True).deleted == 3


def test_nothing_is_left_behind(
    loader: ZipLoader, load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    load(loader, "a.zip", zip_of({"a.txt": "x", "b.pdf": b"?"}))
    assert list(scratch.iterdir()) == []


@pytest.mark.slow
def test_a_password_of_infozip_is_told(loader: ZipLoader, load: Load, tmp_path: Path) -> None:
    program = shutil.which("zip")
    if program is None:
        pytest.skip("zip is not installed")
    import subprocess

    (tmp_path / "a.txt").write_text("geheim", encoding="utf-8")
    subprocess.run([program, "-q", "-P", "x", "pw.zip", "a.txt"], cwd=tmp_path, check=True)
    found = told(load(loader, "pw.zip", (tmp_path / "pw.zip").read_bytes()))
    assert found["pw.zip/a.txt"].startswith("! it has a password")
