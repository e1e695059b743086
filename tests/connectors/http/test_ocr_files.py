"""Scans over HTTP."""

from __future__ import annotations

from tests.connectors.loaders.scans import SHEETS, draw, encode, need_tesseract


def test_a_scan_is_read_and_its_reply_says_how_surely(client):
    need_tesseract()
    files = {"files": ("scan.png", encode(draw(SHEETS["deu"])))}
    [told] = client.post("/v1/files", files=files).json()["files"]
    assert (told["added"], told["problems"]) == (1, [])
    assert [note.rpartition(", ")[0] for note in told["notes"]] == [
        "page 1 was read by OCR (deu+eng)"
    ]
    document = client.get("/v1/documents/scan.png").json()
    assert document["metadata"]["ocr"] is True
    assert "fünf Jahre ab Kaufdatum" in document["text"]
