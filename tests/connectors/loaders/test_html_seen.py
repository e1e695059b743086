"""What a browser shows of a page that stands in no running text, and what it does not show."""

from __future__ import annotations

import pytest

from rag_engine.connectors.loaders.parsing import html

SHOWN = {
    "start": ("<ol start=0><li>a<li>b</ol>", "0. a\n1. b"),
    "start below zero": ("<ol start=-1><li>a<li>b<li>c</ol>", "-1. a\n0. b\n1. c"),
    "value in a reversed list": (
        "<ol reversed start=9><li>a<li value=4>b<li>c</ol>",
        "9. a\n4. b\n3. c",
    ),
    "a kind of one item": ("<ol type=A><li>a<li type=i>b<li>c</ol>", "A. a\nii. b\nC. c"),
    "a list in a list": (
        "<ol><li>a<ol type=a><li>x<li>y</ol><li>b</ol>",
        "1. a\na. x\nb. y\n2. b",
    ),
    "a hidden item does not count": (
        "<ol reversed><li>a<li hidden>b<li style='display:none'>c<li>d</ol>",
        "2. a\n1. d",
    ),
    "a hidden list before": (
        "<div hidden><ol reversed><li>x<li>y<li>z</ol></div><ol reversed><li>a<li>b</ol>",
        "2. a\n1. b",
    ),
    "picture": ("<p>Der <img src=a.png alt='rote Hahn'> kräht.", "Der rote Hahn kräht."),
    "caption": (
        "<figure><img alt='Ein Hof'><figcaption>Der Hof 1920</figcaption></figure>",
        "Ein Hof\n\nDer Hof 1920",
    ),
    "details": (
        "<details><summary>Mehr</summary><p>Der Rest.</p></details>",
        "Mehr\n\nDer Rest.",
    ),
    "typed": ("<p>Ort: <input value=Lima></p>", "Ort: Lima"),
    "typed in lines": ("<p>Text: <textarea>Guten Tag.</textarea></p>", "Text: Guten Tag."),
    "ticked": (
        "<p><input type=checkbox checked> ja <input type=checkbox> nein</p>",
        "☒ ja ☐ nein",
    ),
    "picked": ("<p><input type=radio> rot <input type=radio checked> blau</p>", "○ rot ● blau"),
    "chosen": (
        "<p>Farbe: <select><option>rot<option selected>blau<option>grün</select>, bitte</p>",
        "Farbe: blau , bitte",
    ),
    "nothing chosen": ("<p><select><option>rot</option><option>blau</option></select>", "rot"),
    "an open list": ("<p><select size=3><option>rot<option>blau</select>", "rot, blau"),
    "button": ("<p><input type=submit value=Senden> <button>Zurück</button>", "Senden Zurück"),
    "quotation": ("<p>Er rief <q>Halt</q> und lief.", "Er rief “Halt” und lief."),
    "an open dialog": ("<p>a<dialog open>Achtung!</dialog>", "a\n\nAchtung!"),
}
UNSEEN = {
    "hidden": "<p hidden>geheim</p>",
    "hidden until found": "<p hidden=until-found>geheim</p>",
    "display": "<div style='color: red; DISPLAY:none'><p>geheim</p></div>",
    "visibility": "<p style='visibility: hidden'>geheim</p>",
    "template": "<template><p>geheim</p></template>",
    "a closed dialog": "<dialog><p>geheim</p></dialog>",
    "popover": "<div popover>geheim</div>",
    "what is sent unseen": "<input type=hidden value=geheim>",
    "password": "<input type=password value=geheim>",
    "suggestions": "<input list=a><datalist id=a><option>geheim</option></datalist>",
    "no script": "<noscript>geheim</noscript>",
    "a bar": "<progress value=3 max=9>geheim</progress><meter value=1>geheim</meter>",
    "a list in what is hidden": "<select hidden><option>geheim</select>",
}


@pytest.mark.parametrize("kind", SHOWN)
def test_what_is_shown(kind: str):
    page, expected = SHOWN[kind]
    assert html.parse(f"<body>{page}</body>".encode(), "a.html").text == expected


@pytest.mark.parametrize("kind", UNSEEN)
def test_what_is_not_shown(kind: str):
    page = f"<body><p>vorher</p>{UNSEEN[kind]}<p>nachher</p></body>"
    assert html.parse(page.encode(), "a.html").text.split() == ["vorher", "nachher"]


def test_a_list_that_is_never_closed_keeps_what_was_chosen():
    assert html.parse(b"<p>a <select><option selected>b", "a.html").text == "a b"
