"""Archives: files under the archive's name, names in old encodings, limits, one bad file."""

from __future__ import annotations

import copy
import io
import shutil
import unicodedata
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from rag_engine import KnowledgeBase
from rag_engine.connectors.loaders import members
from rag_engine.connectors.loaders.registry import default_loaders
from rag_engine.connectors.loaders.sandbox import Sandbox
from rag_engine.connectors.loaders.text import TextLoader
from rag_engine.connectors.loaders.zip import ZipLoader
from rag_engine.errors import LoadError, LoadLimitExceeded, LoadSkipped
from rag_engine.ports import Loader
from rag_engine.records import Document, Note, Problem
from tests.connectors.loaders.office.facts import fact
from tests.connectors.loaders.office.make import office_file
from tests.connectors.loaders.packages import zip_of
from tests.connectors.loaders.samples import make_latin_pdf
from tests.waiting import PATIENCE_S

Record = Document | Problem | Note
Load = Callable[..., list[Record]]


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
        Note(
            source="a.zip",
            text="nothing reads 1 of its files: bild.xyz",
            unread=("a.zip/bild.xyz",),
        )
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
    names = ("../../up.txt", "..\\win.txt", "/root.txt", "C:\\x\\y.txt", "x/../../out.txt")
    records = load(loader, "a.zip", zip_of(dict.fromkeys(names, "a")))
    ids = {record.id for record in records if isinstance(record, Document)}
    assert ids == {
        f"a.zip/{name}" for name in ("up.txt", "win.txt", "root.txt", "x/y.txt", "out.txt")
    }


def test_of_files_that_have_one_name_here_the_others_are_named(
    loader: ZipLoader, load: Load
) -> None:
    accent = unicodedata.normalize("NFD", "é.txt")
    data = zip_of({"a.txt": "1", "./a.txt": "2", "../a.txt": "3", accent: "4", "é.txt": "5"})
    records = load(loader, "a.zip", data)
    assert [(one.id, one.text) for one in records if isinstance(one, Document)] == [
        ("a.zip/a.txt", "1"),
        ("a.zip/é.txt", "4"),
    ]
    problems = [record for record in records if isinstance(record, Problem)]
    assert [one.source for one in problems] == ["a.zip/a.txt", "a.zip/a.txt", "a.zip/é.txt"]
    assert [one.reason.split("'")[1] for one in problems] == ["./a.txt", "../a.txt", "é.txt"]


def test_of_files_of_the_very_same_name_the_last_one_counts(loader: ZipLoader, load: Load) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive, warnings.catch_warnings(action="ignore"):
        archive.writestr("a.txt", "alt")
        archive.writestr("a.txt", "neu")
    assert told(load(loader, "a.zip", packed.getvalue())) == {"a.zip/a.txt": "neu"}


def test_a_name_in_unicode_beside_a_plain_one_counts(loader: ZipLoader, load: Load) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for place, name in (("a.txt", "日本.txt"), ("b.txt", "メモ.txt")):
            field = b"\1" + zlib.crc32(place.encode()).to_bytes(4, "little") + name.encode()
            entry = zipfile.ZipInfo(place)
            entry.extra = b"\x75\x70" + len(field).to_bytes(2, "little") + field
            archive.writestr(entry, name)
    assert told(load(loader, "a.zip", packed.getvalue())) == {
        "a.zip/日本.txt": "日本.txt",
        "a.zip/メモ.txt": "メモ.txt",
    }


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
@pytest.mark.parametrize("memory_mb", [256, 2_000])
def test_what_is_unpacked_without_a_bound_costs_one_file(
    load: Load, method: int, memory_mb: int
) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        archive.writestr("a.txt", "Davor.")
        with archive.open("b.txt", "w") as bomb:
            for _ in range(300):
                bomb.write(bytes(1_000_000))
        archive.writestr("c.txt", "Danach.")
    with Sandbox(timeout_s=PATIENCE_S, memory_mb=memory_mb) as sandbox:
        zips = ZipLoader([TextLoader(sandbox=sandbox)], sandbox=sandbox)
        found = told(load(zips, "a.zip", packed.getvalue()))
    assert list(found) == ["a.zip/a.txt", "a.zip/b.txt", "a.zip/c.txt"]
    assert (found["a.zip/a.txt"], found["a.zip/c.txt"]) == ("Davor.", "Danach.")
    assert found["a.zip/b.txt"].startswith(("! it unpacks to more", "! unpacking it needs more"))


def test_damage_to_lzma_costs_one_file(loader: ZipLoader, load: Load) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("a.txt", "Davor. " * 1_000)
        archive.writestr("b.txt", "Danach.")
    data = bytearray(packed.getvalue())
    place = data.index(b"a.txt") + len(b"a.txt") + 4  # the properties of the method
    data[place] = 0xFF
    found = told(load(loader, "a.zip", bytes(data)))
    assert found["a.zip/a.txt"].startswith("! it is damaged")
    assert found["a.zip/b.txt"] == "Danach."


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


def until_refused(loader: ZipLoader, path: Path, data: bytes) -> tuple[list[Record], str]:
    """Return what is read of an archive of which not all can be, and why."""
    path.write_bytes(data)
    records: list[Record] = []
    with pytest.raises(LoadLimitExceeded) as refused:
        records.extend(loader.load(path, path.name))
    return records, str(refused.value)


def test_what_comes_out_is_bounded_for_each_file_and_for_all(
    loader: ZipLoader, tmp_path: Path
) -> None:
    loader._most_bytes = 1_000
    files = {f"{number:02}.txt": f"a{number:899}" for number in range(13)}
    data = zip_of({"00.big": b"b" * 1_001, **files})
    records, reason = until_refused(loader, tmp_path / "a.zip", data)
    found = told(records)
    assert found["a.zip/00.big"] == "! it unpacks to more than 1,000 bytes"
    assert [name for name, text in found.items() if text.startswith("a")] == [
        f"a.zip/{number:02}.txt" for number in range(11)
    ]
    assert reason.startswith("a.zip: with 11.txt there are more than 10,000 files")
    assert "more than 10 times loaders.max_file_mb" in reason
    assert "a.zip/12.txt" not in found


def test_files_with_problems_count(
    loader: ZipLoader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(members, "MOST_MEMBERS", 2)
    loader._most_bytes = 10
    data = zip_of({f"{number}.txt": "a" * 11 for number in range(4)})
    records, reason = until_refused(loader, tmp_path / "a.zip", data)
    assert list(told(records)) == ["a.zip/0.txt", "a.zip/1.txt"]
    assert reason.startswith("a.zip: with 2.txt there are more than")


def test_archives_in_archives_are_read_down_to_a_depth_and_share_the_limits(
    loader: ZipLoader, load: Load, tmp_path: Path
) -> None:
    data = zip_of({"deep.txt": "Tief unten."})
    for level in range(4):
        data = zip_of({f"{level}.zip": data, f"{level}.txt": f"Ebene {level}."})
    found = told(load(loader, "a.zip", data))
    assert found["a.zip/3.zip/2.zip/1.zip/0.txt"] == "Ebene 0."
    assert found["a.zip/3.zip/2.zip/1.zip/0.zip"].startswith("! archives are nested too deeply")

    loader._most_bytes = 1_000
    inner = zip_of({f"{number}.txt": f"a{number:899}" for number in range(6)})
    data = zip_of({"1.zip": inner, "2.zip": inner, "3.txt": "a"})
    records, reason = until_refused(loader, tmp_path / "b.zip", data)
    found = told(records)
    assert [name for name, text in found.items() if text.startswith("a")] == [
        *(f"b.zip/1.zip/{number}.txt" for number in range(6)),
        *(f"b.zip/2.zip/{number}.txt" for number in range(3)),
    ]
    assert found["b.zip/2.zip"].startswith("! with 3.txt there are more than")
    assert reason.startswith("b.zip: with 3.txt there are more than")


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


@pytest.mark.parametrize("why", ["a password", "inside of it", "too much"])
def test_what_can_not_be_read_this_time_keeps_what_it_gave(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quick_components, why: str
) -> None:
    home = tmp_path / "docs"
    home.mkdir()
    table = "id,text\nA1,Eins.\nA2,Zwei.\n"
    first = {"a.txt": "Drei.", "geht.txt": "Vier.", "in.zip": zip_of({"l.csv": table})}
    (home / "a.zip").write_bytes(zip_of({**first, "l.csv": table, "l.csv2": "Kein Text."}))
    rows = {
        f"docs/a.zip/{name}#{key}" for name in ("l.csv", "in.zip/l.csv") for key in ("A1", "A2")
    }
    with KnowledgeBase.open(tmp_path / "kb", components=quick_components) as kb:
        kb.add_files(home, sync=True)
        assert set(kb.document_ids()) == {"docs/a.zip/a.txt", "docs/a.zip/geht.txt", *rows}
        bad = {**first, "a.txt": "Fünf.", "l.csv": table}
        del bad["geht.txt"]
        if why == "inside of it":
            bad["in.zip"] = b"PK no more"
        elif why == "too much":
            monkeypatch.setattr(members, "MOST_MEMBERS", 1)
        data = bytearray(zip_of(bad))
        if why == "a password":
            data[data.rindex(b"PK\1\2") + 8] |= 1  # of the last file
        (home / "a.zip").write_bytes(data)
        report = kb.add_files(home, sync=True)
        assert [problem.source for problem in report.problems] == [
            {"a password": "docs/a.zip/l.csv", "inside of it": "docs/a.zip/in.zip"}.get(
                why, "docs/a.zip"
            )
        ]
        left = {"docs/a.zip/geht.txt"} if why == "too much" else set()
        assert set(kb.document_ids()) == {"docs/a.zip/a.txt", *left, *rows}
        assert kb.document("docs/a.zip/a.txt").text == "Fünf."
        monkeypatch.undo()
        (home / "a.zip").write_bytes(zip_of({"a.txt": "Fünf.", "l.csv": "id,text\nA1,Eins.\n"}))
        assert kb.add_files(home, sync=True).problems == ()
        assert set(kb.document_ids()) == {"docs/a.zip/a.txt", "docs/a.zip/l.csv#A1"}


class _Scans(TextLoader):
    suffixes = frozenset({".scan"})


class _Uninstalled(_Scans):
    def load(self, path: Path, source: str) -> Iterator[Document | Problem | Note]:
        raise LoadSkipped(f"{source}: scans need pip install 'rag-engine[scans]'")
        yield


@pytest.mark.parametrize(
    ("left", "told_of_it"),
    [
        ([_Uninstalled()], "; scans need pip install 'rag-engine[scans]'"),
        ([], ""),
    ],
    ids=["not installed", "of no loader"],
)
def test_a_file_whose_reader_is_gone_keeps_what_it_gave(
    tmp_path: Path, quick_components, left: list[Loader], told_of_it: str
) -> None:
    home = tmp_path / "docs"
    home.mkdir()
    packed = {"s.scan": "Eins.", "geht.scan": "Zwei.", "in.zip": zip_of({"t.scan": "Drei."})}
    before = [ZipLoader([TextLoader(), _Scans()])]
    after = [*left, ZipLoader([TextLoader(), *left])]
    with KnowledgeBase.open(tmp_path / "kb", components=quick_components) as kb:
        (home / "a.zip").write_bytes(zip_of({**packed, "a.txt": "Vier."}))
        (home / "b.scan").write_text("Fünf.", encoding="utf-8")
        assert kb.add_files(home, sync=True, loaders=[_Scans(), *before]).added == 5
        del packed["geht.scan"]
        (home / "a.zip").write_bytes(zip_of({**packed, "a.txt": "Sechs."}))
        (home / "b.scan").write_text("Sieben.", encoding="utf-8")
        report = kb.add_files(home, sync=True, loaders=after)
        assert (report.updated, report.deleted, report.problems) == (1, 1, ())
        assert [file.source for file in report.skipped] == ["docs/b.scan"]
        assert [(note.source, note.text) for note in report.notes] == [
            ("docs/a.zip/in.zip", f"nothing reads 1 of its files: t.scan{told_of_it}"),
            ("docs/a.zip", f"nothing reads 1 of its files: s.scan{told_of_it}"),
        ]
        kept = ("a.zip/a.txt", "a.zip/in.zip/t.scan", "a.zip/s.scan", "b.scan")
        assert kb.document_ids() == [f"docs/{name}" for name in kept]
        (home / "a.zip").write_bytes(zip_of({"a.txt": "Sechs.", "s.scan": "Acht."}))
        report = kb.add_files(home, sync=True, loaders=[_Scans(), *before])
        assert (report.updated, report.deleted) == (2, 1)  # b.scan and a.zip/s.scan; what went


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
