"""The catalogue: what was written comes back, nothing else does, damage is noticed."""

from __future__ import annotations

import sqlite3
import uuid
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from rag_engine.errors import StoreCorrupt, StoreNotFound
from rag_engine.filters import Equals, Filter, Range
from rag_engine.location import parse_location
from rag_engine.opening import place_of
from rag_engine.records import Chunk, Document, MetadataValue
from rag_engine.store.catalogue import Catalogue
from rag_engine.store.catalogue_records import FinishedSource
from rag_engine.store.row_codec import StoredChunk, StoredDocument, unpack_terms
from rag_engine.store.sqlite_database import create_catalogue, open_catalogue
from tests.conftest import PLACES
from tests.contracts.filters import VALUES, matches, trees

DIMENSION = 8


def stored(
    name: str,
    text: str = "Hallo Welt",
    *,
    language: str = "de",
    source: str = "",
    page: int | None = None,
    metadata: dict[str, MetadataValue] | None = None,
) -> StoredDocument:
    vector = np.zeros(DIMENSION, dtype=np.float32)
    vector[len(text) % DIMENSION] = 1.0
    chunk = Chunk(
        document_id=name,
        ordinal=0,
        start=0,
        end=len(text),
        text=text,
        language=language,
        section=("Eins", "Zwei"),
        page=page,
    )
    return StoredDocument(
        document=Document(id=name, text=text, source=source, metadata=metadata or {}),
        chunks=(StoredChunk(chunk=chunk, vector=vector, terms=("de:hallo", "de:welt")),),
    )


@pytest.fixture(params=PLACES)
def catalogue(request: pytest.FixtureRequest, tmp_path: Path):
    opened = make_catalogue(request, tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def in_file(tmp_path: Path):
    opened = create_catalogue(tmp_path / "catalogue.sqlite", {})
    yield opened
    opened.close()


def make_catalogue(request: pytest.FixtureRequest, folder: Path) -> Catalogue:
    meta = {"settings": {"a": 1}}
    if request.param == "folder":
        return create_catalogue(folder / "catalogue.sqlite", meta)
    server = request.getfixturevalue("postgres_address")
    address = parse_location(f"{server}?kb=catalogue_{uuid.uuid4().hex[:12]}")
    place = place_of(address)
    place.create(meta)
    return place.open(read_only=False).catalogue


def test_what_was_written_comes_back(catalogue: Catalogue):
    catalogue.replace([stored("a", "Grüße 😀", page=3, metadata={"year": 2024, "ok": True})])
    (row,) = catalogue.index_rows(after=0)
    assert row.language == "de"
    assert unpack_terms(row.packed_terms) == ("de:hallo", "de:welt")
    found = catalogue.chunks([row.id])[row.id]
    assert found.chunk.text == "Grüße 😀"
    assert (found.chunk.section, found.chunk.page) == (("Eins", "Zwei"), 3)
    assert found.metadata == {"year": 2024, "ok": True}
    document = catalogue.document("a")
    assert document is not None
    assert document.text == "Grüße 😀"
    assert catalogue.meta("settings") == {"a": 1}


def test_replacing_gives_new_ids_and_tombstones(catalogue: Catalogue):
    catalogue.replace([stored("a"), stored("b")])
    before = {row.id for row in catalogue.index_rows(after=0)}
    revision = catalogue.revision()
    catalogue.replace([stored("a", "neu")])
    after = {row.id for row in catalogue.index_rows(after=0)}
    assert len(after) == 2
    assert max(after) > max(before)
    assert set(catalogue.tombstones(after=revision).tolist()) == before - after
    assert catalogue.count_after(revision) == 1


def test_ids_of_deleted_chunks_are_never_used_again(catalogue: Catalogue):
    catalogue.replace([stored("a")])
    (first,) = (row.id for row in catalogue.index_rows(after=0))
    assert catalogue.delete(["a", "never"]) == ["a"]
    catalogue.replace([stored("a")])
    (second,) = (row.id for row in catalogue.index_rows(after=0))
    assert second > first


def test_deleted_text_leaves_the_file(in_file: Catalogue):
    in_file.replace([stored("a", "Geheimnisvollerweise")])
    assert b"Geheimnisvollerweise" in Path(in_file.name).read_bytes()
    in_file.delete(["a"])
    assert b"Geheimnisvollerweise" not in Path(in_file.name).read_bytes()


def test_a_failed_transaction_leaves_nothing(catalogue: Catalogue):
    catalogue.replace([stored("a")])
    revision = catalogue.revision()

    def documents():
        yield stored("b")
        raise RuntimeError("the loader fell over")

    with pytest.raises(RuntimeError):
        catalogue.replace(documents())
    assert catalogue.revision() == revision
    assert catalogue.document_ids() == ["a"]


def test_sources(catalogue: Catalogue):
    catalogue.replace([stored("f#1", source="f"), stored("f#2", source="f"), stored("g")])
    done = FinishedSource(name="f", fingerprint=b"1", keep=frozenset({"f#1"}))
    catalogue.begin_sources(["f"])
    assert catalogue.finish_sources([done]) == ["f#2"]
    assert catalogue.sources() == {"f": b"1"}
    assert catalogue.delete_source("f") == ["f#1"]
    assert catalogue.document_ids() == ["g"]
    assert catalogue.sources() == {}


def test_a_source_that_another_writer_finished_or_deleted_meanwhile_is_read_again(catalogue):
    mine, other = (
        FinishedSource(name="f", fingerprint=fingerprint, keep=frozenset({"f"}))
        for fingerprint in (b"mine", b"other")
    )
    for meanwhile, kept in (
        (lambda: catalogue.finish_sources([other]), b""),
        (lambda: catalogue.delete_source("f"), b""),
        (lambda: catalogue.finish_sources([mine]), b"mine"),
        (lambda: catalogue.begin_sources(["f"]), b"mine"),
    ):
        catalogue.begin_sources(["f"])
        catalogue.replace([stored("f", source="f")])
        meanwhile()
        catalogue.finish_sources([mine])
        assert catalogue.sources() == {"f": kept}


def test_of_documents_deleted_exactly_no_other_goes_and_emptied_sources_are_forgotten(catalogue):
    names = [("é", "é"), ("e\u0301", "é"), ("rest", "é"), ("f", "e\u0301.txt"), ("g", "g")]
    catalogue.replace(stored(name, source=source) for name, source in names)
    catalogue.begin_sources([*(source for _, source in names), "other"])
    assert catalogue.delete_exactly(["é", "none", "é"]) == ["é"]
    assert catalogue.delete_exactly(["é"]) == []  # nor what it is in another form
    assert catalogue.document_ids() == sorted(["e\u0301", "rest", "f", "g"])
    assert set(catalogue.sources()) == {"é", "e\u0301.txt", "g", "other"}
    assert catalogue.delete_exactly(["rest", "e\u0301", "f"]) == ["rest", "e\u0301", "f"]
    assert set(catalogue.sources()) == {"g", "other"}
    assert catalogue.document_ids() == ["g"]


def test_frozen_sees_one_moment(catalogue: Catalogue):
    catalogue.replace([stored("a")])
    with catalogue.frozen() as frozen:
        assert len(list(frozen.index_rows(after=0))) == 1
        assert frozen.revision() == 1


@pytest.mark.parametrize(
    "text", ["a\0b", "\0", "\ue000", "\ue000\ue001\0", "😀", "'; DROP TABLE chunk"]
)
def test_any_text_comes_back_and_is_found(catalogue: Catalogue, text: str):
    metadata: dict[str, MetadataValue] = {"t": text, "f": 0.1, "whole": 2**63 - 1, "on": True}
    document = stored(text, text, source=text, metadata=metadata)
    catalogue.replace([document])
    assert catalogue.document(text) == document.document
    assert catalogue.document_ids() == [text]
    (row,) = catalogue.index_rows(after=0)
    assert catalogue.chunks([row.id])[row.id].chunk.text == text
    for key, value in [*metadata.items(), ("document_id", text), ("source", text)]:
        assert catalogue.matching(Equals(key, value)).tolist() == [row.id]
    assert catalogue.matching(Range(key="f", minimum=0.1, maximum=0.1)).tolist() == [row.id]
    assert catalogue.matching(Equals("whole", 2**63 - 2)).tolist() == []


def test_missing_is_not_corrupt(tmp_path: Path):
    with pytest.raises(StoreNotFound):
        open_catalogue(tmp_path / "nothing.sqlite", read_only=True)
    (tmp_path / "bad.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(StoreCorrupt):
        open_catalogue(tmp_path / "bad.sqlite", read_only=True)


@pytest.mark.parametrize("column", ["text", "vector", "terms", "language"])
def test_a_changed_value_is_noticed(in_file: Catalogue, column: str):
    in_file.replace([stored("a")])
    with sqlite3.connect(in_file.name) as other:
        value = b"x" if column in {"vector", "terms"} else "x"
        other.execute(f"UPDATE chunk SET {column} = ?", (value,))
    with pytest.raises(StoreCorrupt, match="damaged"):
        list(in_file.index_rows(after=0))


def test_a_changed_document_is_noticed(in_file: Catalogue):
    in_file.replace([stored("a")])
    with sqlite3.connect(in_file.name) as other:
        other.execute("UPDATE document SET text = 'x'")
    with pytest.raises(StoreCorrupt, match="'a'"):
        in_file.document("a")


# -- filters, against an oracle in plain Python ------------------------------------------------


@pytest.fixture(scope="module", params=PLACES)
def filtered(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    opened = make_catalogue(request, tmp_path_factory.mktemp("filters"))
    fields: dict[int, dict[str, MetadataValue]] = {}
    documents = []
    for number in range(40):
        metadata = {
            key: VALUES[(number * step) % len(VALUES)]
            for key, step in (("alpha", 1), ("beta", 3))
            if number % (step + 3)
        }
        documents.append(
            stored(
                f"d{number}",
                language=["de", "x", "1"][number % 3],
                page=[None, 1, 2][number % 3],
                metadata=metadata,
            )
        )
    opened.replace(documents)
    for row, document in zip(opened.index_rows(after=0), documents, strict=True):
        chunk = document.chunks[0].chunk
        fields[row.id] = {
            **document.document.metadata,
            "language": chunk.language,
            "title": "",
            "document_id": chunk.document_id,
            "source": chunk.document_id,
            **({} if chunk.page is None else {"page": chunk.page}),
        }
    yield opened, fields
    opened.close()


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(condition=trees)
def test_filters_agree_with_plain_python(filtered, condition: Filter):
    catalogue, fields = filtered
    expected = [each for each, values in fields.items() if matches(condition, values)]
    assert catalogue.matching(condition).tolist() == expected
