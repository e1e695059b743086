"""Documents and files come, change and go over HTTP."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from rag_engine.pipelines.demo import sample_documents


def found(client, question: str) -> list[str]:
    hits = client.post("/v1/search", json={"question": question, "k": 3}).json()["hits"]
    return [hit["document"] for hit in hits]


def test_the_life_of_a_document(client):
    path = "/v1/documents/" + quote("neu/Öffnungszeiten 2026 #1?.md", safe="/")
    body = {
        "text": "# Zeiten\nDas Lager in Bremen öffnet um sieben Uhr.",
        "title": "Zeiten",
        "language_hint": "de",
        "spans": [{"start": 0, "end": 9, "section": ["Zeiten"], "page": 2, "language": "fr"}],
        "metadata": {"year": 2026},
    }
    added = client.put(path, json=body)
    assert added.status_code == 200
    assert (added.json()["added"], added.json()["chunks"]) == (1, 2)
    read = client.get(path).json()
    assert read["id"] == read["source"] == "neu/Öffnungszeiten 2026 #1?.md"
    assert {name: read[name] for name in body} == body
    assert "neu/Öffnungszeiten 2026 #1?.md" in found(client, "When does the warehouse open?")

    assert client.put(path, json=body).json()["unchanged"] == 1
    changed = client.put(path, json={**body, "text": body["text"].replace("sieben", "neun")})
    assert changed.json()["updated"] == 1
    assert "neun" in client.get(path).json()["text"]

    assert client.delete(path).json() == {"deleted": ["neu/Öffnungszeiten 2026 #1?.md"]}
    assert client.get(path).status_code == 404
    gone = client.delete(path)
    assert (gone.status_code, gone.json()["error"]["code"]) == (404, "not_found")
    assert "neu/Öffnungszeiten 2026 #1?.md" not in found(client, "When does the warehouse open?")


def test_several_documents_come_and_go_together(client):
    documents = [{"id": f"several-{n}", "text": f"Regel {n}: Türen schließen."} for n in range(5)]
    assert client.post("/v1/documents", json={"documents": documents}).json()["added"] == 5
    ids, after = [], ""
    while after is not None:
        page = client.get("/v1/documents", params={"after": after, "limit": 2}).json()
        assert len(page["ids"]) <= 2
        ids += page["ids"]
        after = page["next"]
    assert ids == sorted(set(ids))
    assert {each["id"] for each in documents} < set(ids)
    deleted = client.post(
        "/v1/documents/delete", json={"ids": [*(each["id"] for each in documents), "never there"]}
    )
    assert sorted(deleted.json()["deleted"]) == [each["id"] for each in documents]


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ({"id": "a", "text": "x", "metadata": {"n": 2**70}}, "invalid_document"),
        ({"id": "a", "text": "x", "spans": [{"start": 0, "end": 9}]}, "invalid_document"),
        ({"id": "a", "text": "x", "metadata": {"deep": {"er": 1}}}, "invalid_request"),
        ({"id": "", "text": "x"}, "invalid_request"),
        ({"id": "a", "text": 7}, "invalid_request"),
        ({"id": "a", "text": "x", "tenant": "other"}, "invalid_request"),
    ],
)
def test_one_bad_document_and_none_is_added(client, document, code):
    good = {"id": "good", "text": "Guter Text."}
    reply = client.post("/v1/documents", json={"documents": [good, document]})
    assert (reply.status_code, reply.json()["error"]["code"]) == (422, code)
    assert client.get("/v1/documents/good").status_code == 404


def test_publish_and_compact(client):
    client.put("/v1/documents/for-publishing", json={"text": "Ein Satz, der bald geht."})
    first = client.post("/v1/publish").json()
    assert first["published"] is True
    client.delete("/v1/documents/for-publishing")
    second = client.post("/v1/compact").json()
    assert second["published"] is True
    assert second["generation"] > first["generation"]


def test_files_are_read_as_the_command_reads_them(client):
    samples = sample_documents()
    pdf = next(samples.rglob("*.pdf"))
    docx = next(samples.rglob("*.docx"))
    files = [
        ("files", (pdf.name, pdf.read_bytes())),
        ("files", (docx.name, docx.read_bytes())),
        ("files", ("parts.csv", "id,text,price\nA1,水泵的密封圈,12\nA2,过滤器滤芯,8\n".encode())),
        ("files", ("broken.pdf", b"%PDF-1.4 nothing follows")),
    ]
    reply = client.post("/v1/files", files=files, data={"prefix": "up/"})
    assert reply.status_code == 200
    by_name = {each["name"]: each for each in reply.json()["files"]}
    assert by_name[f"up/{pdf.name}"]["added"] == by_name[f"up/{docx.name}"]["added"] == 1
    assert by_name["up/parts.csv"]["added"] == 2
    broken = by_name["up/broken.pdf"]
    assert (broken["added"], len(broken["problems"])) == (0, 1)
    assert broken["problems"][0]["source"] == "up/broken.pdf"
    assert "/tmp" not in reply.text
    assert "upload." not in reply.text

    assert client.get(f"/v1/documents/up/{pdf.name}").json()["spans"][0]["page"] == 1
    again = client.post("/v1/files", files=files[2:3], data={"prefix": "up"}).json()["files"][0]
    assert again["unchanged"] is True
    fewer = [("files", ("parts.csv", "id,text\nA1,水泵的密封圈\n".encode()))]
    replaced = client.post("/v1/files", files=fewer, data={"prefix": "up"}).json()["files"][0]
    assert (replaced["updated"], replaced["deleted"]) == (1, 1)
    assert client.delete("/v1/files/up/parts.csv").json() == {"deleted": ["up/parts.csv#A1"]}
    assert client.delete("/v1/files/up/parts.csv").status_code == 404
    for name in (pdf.name, docx.name):
        assert client.delete(f"/v1/files/up/{name}").status_code == 200


def test_uploaded_files_are_said_to_be_in_a_language(client):
    files = [("files", ("codes.txt", b"X-200 4711"))]
    wrong = client.post("/v1/files", files=files, data={"language": "deutsch"})
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (422, "invalid_input")
    client.post("/v1/files", files=files, data={"language": "sw"}).raise_for_status()
    asked = {"question": "X-200 4711", "k": 10, "languages": ["sw"]}
    hits = client.post("/v1/search", json=asked).json()["hits"]
    assert "codes.txt" in {hit["document"] for hit in hits}
    assert client.delete("/v1/files/codes.txt").status_code == 200


@pytest.mark.parametrize("asked", ["up/\u00e9.txt", "up/e\u0301.txt"])
def test_names_of_files_in_either_unicode_form(client, asked):
    for name in ("\u00e9.txt", "e\u0301.txt"):
        reply = client.post("/v1/files", files={"files": (name, b"A text.")}, data={"prefix": "up"})
        assert reply.json()["files"][0]["name"] == "up/\u00e9.txt"
    assert reply.json()["files"][0]["unchanged"] is True
    both = [("files", (name, b"A text.")) for name in ("\u00e9.txt", "e\u0301.txt")]
    assert client.post("/v1/files", files=both).status_code == 422
    assert client.get(f"/v1/documents/{asked}").json()["text"] == "A text."
    assert client.delete(f"/v1/files/{asked}").json() == {"deleted": ["up/\u00e9.txt"]}


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("../../etc/passwd.txt", "invalid_name"),
        ("a/./b.txt", "invalid_name"),
        ("a\u0085b.txt", "invalid_name"),
        ("x" * 600 + ".txt", "invalid_name"),
        ("song.mp3", "unknown_format"),
        ("no-ending", "unknown_format"),
    ],
)
def test_names_of_files_name_no_place_on_the_machine(client, name, code):
    reply = client.post("/v1/files", files={"files": (name, b"text")})
    assert (reply.status_code, reply.json()["error"]["code"]) == (422, code)


def test_too_many_files_and_none(client, http_service):
    many = [("files", (f"{n}.txt", b"x")) for n in range(http_service.limits.upload_files + 1)]
    assert client.post("/v1/files", files=many).json()["error"]["code"] == "too_many_files"
    assert client.post("/v1/files", files=many[:1] * 2).status_code == 422
    assert client.post("/v1/files", data={"prefix": "a"}).status_code == 422
    garbage = {"Content-Type": "multipart/form-data; boundary=x"}
    assert client.post("/v1/files", content=b"--y\r\n", headers=garbage).status_code in {400, 422}
