"""Links, images and HTML in an answer: only what stands in the cited sources."""

from __future__ import annotations

import pytest

from rag_engine.answering.links import LinkFilter

SOURCE = (
    "Das Handbuch: https://docs.example.org/pump/manual_(v2). Bilder: ![Pumpe](img/pump.png), "
    "Hilfe: <https://help.example.org/de>, help@example.org. 请访问https://cn.example/水泵，谢谢。 "
    "<b>Achtung</b> www.example.org/a?b=c&d=e"
)


@pytest.mark.parametrize(
    "kept",
    [
        "Siehe https://docs.example.org/pump/manual_(v2).",
        "Siehe [das Handbuch](https://docs.example.org/pump/manual_(v2)).",
        "[https://help.example.org/de](https://help.example.org/de)",
        "(https://help.example.org/de)",
        "„https://help.example.org/de“",
        "help@example.org hilft.",
        "请看https://cn.example/水泵。",
        "<b>Achtung</b>",
        "www.example.org/a?b=c&d=e!",
        "Kein Link: 3 < 5, a.b, z. B. 1/2, and/or, Node.js, v1.2/v1.3, f(x)[y](z",
    ],
)
def test_what_stands_in_a_source_is_kept(kept):
    links = LinkFilter([SOURCE])
    assert links.clean(kept) == kept
    assert links.removed == 0


@pytest.mark.parametrize(
    ("written", "cleaned"),
    [
        ("https://evil.example/?q=secret", "[…]"),
        ("https://docs.example.org/pump/manual_(v2)?user=me", "[…]"),
        ("https://docs.example.org/pump", "[…]"),
        ("HTTPS://EVIL.EXAMPLE", "[…]"),
        ("![x](https://evil.example/a.png)", "x"),
        ("![](//evil.example/a.png)", ""),
        ("[klick](javascript:alert(1))", "klick"),
        ("[klick]( <data:text/html,hi> 'title')", "klick"),
        ("[a](evil.html)", "a"),
        ("[![x](https://evil.example/i)](https://evil.example/j)", "x"),
        ("[ref][r]\n\n[r]: https://evil.example/x", "[ref][r]\n\n[r]: […]"),
        ("[r]: //evil.example", "[r]: […]"),
        ("<https://evil.example>", "[…]"),
        ("www.evil.example", "[…]"),
        ("evil.example/path", "[…]"),
        ("ftp://evil.example/x.", "[…]."),
        ("mailto:a@evil.example", "[…]"),
        ("Schreib an chef@evil.example!", "Schreib an […]!"),
        ("<img src=x onerror=alert(1)>", ""),
        ("<script>alert(1)</script>", "alert(1)"),
        ("<<i>script>alert(1)", "alert(1)"),
        ("<!-- x --><svg/onload=x>", ""),
        ("<img src=x onerror=alert(1)", "‹img src=x onerror=alert(1)"),
        ("请看www.evil.example", "请看[…]"),
        ("请写chef@evil.example", "请写[…]"),
        ("请看javascript:x", "请看[…]"),
        ("请看https://evil.example/水泵，谢谢。", "请看[…]，谢谢。"),
    ],
)
def test_what_stands_in_no_source_goes(written, cleaned):
    links = LinkFilter([SOURCE])
    assert links.clean(written) == cleaned
    assert links.removed >= 1 or cleaned.startswith("‹")


def test_text_that_follows_an_address_without_a_blank_is_parted_from_it():
    links = LinkFilter(["See https://a.example/x for more."])
    # Together they would be one address that carries the secret to a planted server.
    assert links.clean("https://a.example/x秘密") == "https://a.example/x 秘密"
    assert links.clean("https://a.example/x，secret") == "https://a.example/x ，secret"
    assert links.clean("https://a.example/x[secret]") == "https://a.example/x [secret]"
    assert links.removed == 0


def test_deep_nesting_loses_its_meaning():
    written = "<" * 50 + "b" + ">" * 50 + "[" * 50 + "x" + "](https://evil.example)" * 50
    cleaned = LinkFilter([]).clean(written)
    assert "<b" not in cleaned
    assert "](" not in cleaned
    assert "https" not in cleaned


def test_nothing_is_kept_without_a_source():
    assert LinkFilter([]).clean("a https://x.example b") == "a […] b"
