"""SubRip and WebVTT subtitles."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rag_engine.connectors.loaders.subtitles import SubtitlesLoader
from rag_engine.errors import LoadError
from rag_engine.records import Document, Problem

Load = Callable[..., list[Document | Problem]]
LoadOne = Callable[..., Document]

GERMAN = """1
00:00:01,000 --> 00:00:03,000
<i>Der Filter wird
jede Woche</i> gespült,

2
00:00:03,100 --> 00:00:05,000  X1:40 X2:600
{\\an8}und zwar <font color="#ff0">kalt</font>.

3
00:00:05,200 --> 00:00:07,000
- Wirklich?
- Ja &amp; immer.


4
00:12:30,500 --> 00:12:33,000
Danach ruht
die Pumpe.
"""

VOICES = """WEBVTT - Führung
Kind: captions
Language: ja

STYLE
::cue { color: red }

NOTE
nobody reads this

intro
00:01.000 --> 00:04.000 line:0 position:20%
<v 田中>ポンプを<c.yellow>止めて</c>から
<v.loud 佐藤>はい、<ruby>栓<rt>せん</rt></ruby>を<00:00:03.000>閉めます。

00:04.000 --> 00:05.000
<v 佐藤>終わりです。
"""


def places(document: Document) -> dict[str, str]:
    assert all(len(span.section) == 1 for span in document.spans)
    return {
        span.section[0]: document.text[span.start : span.end].strip() for span in document.spans
    }


def test_cues_become_sentences_under_their_times(load_one: LoadOne) -> None:
    assert places(load_one(SubtitlesLoader(), "a.srt", GERMAN)) == {
        "00:00:01": "Der Filter wird jede Woche gespült, und zwar kalt.\nWirklich?\nJa & immer.",
        "00:12:30": "Danach ruht die Pumpe.",
    }


def test_voices_are_kept_and_what_shapes_the_picture_is_not(load_one: LoadOne) -> None:
    document = load_one(SubtitlesLoader(), "a.vtt", VOICES)
    assert document.language_hint == "ja"
    assert document.text == "田中: ポンプを止めてから\n佐藤: はい、栓を閉めます。終わりです。"


def test_right_to_left(load_one: LoadOne) -> None:
    """Marks of direction go; a stop that stands first for the sake of some players moves back."""
    hebrew = (
        "1\n00:00:01,000 --> 00:00:02,000\n.עכשיו מנקים\nאת \u202bהמסנן\u202c.\n\n"
        "2\n00:00:02,100 --> 00:00:03,000\n\u200f?מי סוגר את הברז\n\n"
        "3\n00:00:03,100 --> 00:00:04,000\n...אבל לא היום\n"
    )
    document = load_one(SubtitlesLoader(), "film.he.srt", hebrew)
    assert document.language_hint == "he"
    assert document.text == "עכשיו מנקים. את המסנן. מי סוגר את הברז? ...אבל לא היום"
    arabic = (
        "WEBVTT\n\n00:01.000 --> 00:02.000\nأغلق الصمام\n\n00:02.000 --> 00:03.000\nقبل التنظيف."
    )
    assert load_one(SubtitlesLoader(), "a.vtt", arabic).text == "أغلق الصمام قبل التنظيف."


def test_a_section_is_a_minute_that_ends_with_a_sentence_or_at_a_silence(
    load_one: LoadOne,
) -> None:
    cues = []
    for number in range(60):  # five seconds each, a sentence every four cues
        minutes, seconds = divmod(5 * number, 60)
        end = f"00:{minutes:02}:{seconds + 4:02},900"
        word = f"слово{number}" + ("." if number % 4 == 3 else "")
        cues.append(f"{number}\n00:{minutes:02}:{seconds:02},000 --> {end}\n{word}\n")
    late = "99\n01:30:00,000 --> 01:30:01,000\nПосле паузы.\n"
    found = places(load_one(SubtitlesLoader(), "a.srt", "\n".join([*cues, late])))
    assert list(found) == [
        *("00:00:00", "00:01:00", "00:02:00", "00:03:00", "00:04:00"),
        "01:30:00",
    ]
    assert all(text.endswith(".") for text in found.values())


def test_a_silence_ends_a_section_that_is_long_enough(load_one: LoadOne) -> None:
    times = [(0, 5), (6, 20), (30, 35), (50, 55)]
    cues = [f"00:{start:02}.000 --> 00:{end:02}.000\nslovo {start}\n" for start, end in times]
    more = "00:58.000 --> 00:59.000\nkonec\n"
    found = places(load_one(SubtitlesLoader(), "a.vtt", "WEBVTT\n\n" + "\n".join([*cues, more])))
    assert list(found) == ["00:00:00", "00:00:30", "00:00:50"]
    short = ["00:00.000 --> 00:01.000\njedna\n", "00:12.000 --> 00:13.000\ndvě\n"]
    found = places(load_one(SubtitlesLoader(), "a.vtt", "WEBVTT\n\n" + "\n".join(short)))
    assert found == {"00:00:00": "jedna\ndvě"}


def test_speech_without_stops_is_divided_too(load_one: LoadOne) -> None:
    cues = [
        f"{time}.000 --> {time}.900\nคำพูด{time[-2:]}\n"
        for time in (f"{number // 60:02}:{number % 60:02}" for number in range(300))
    ]
    found = places(load_one(SubtitlesLoader(), "a.vtt", "WEBVTT\n\n" + "\n".join(cues)))
    assert list(found) == ["00:00:00", "00:02:00", "00:04:00"]


def test_captions_that_roll_up_are_said_once(load_one: LoadOne) -> None:
    rolling = (
        "WEBVTT\n\n00:01.000 --> 00:02.000\nla pompe\n\n00:02.000 --> 00:03.000\nla pompe\n"
        "tourne\n\n00:03.000 --> 00:04.000\ntourne\nla nuit\n\n00:09.000 --> 00:10.000\nla nuit\n"
    )
    assert load_one(SubtitlesLoader(), "a.vtt", rolling).text == "la pompe tourne la nuit\nla nuit"


def test_files_as_they_are_found(load_one: LoadOne) -> None:
    """No numbers, a blank line within a cue, dots for commas, no hours, another encoding."""
    loose = (
        "\r\n0:01.5 --> 0:02\r\nЗакройте\r\n\r\nкран\r\n00:00:02.000-->00:00:03.000\r\n"
        "и промойте фильтр холодной водой. Откройте кран. Проверьте давление.\r\n"
    )
    document = load_one(SubtitlesLoader(), "a.srt", loose.encode("cp1251"))
    assert document.text == (
        "Закройте кран и промойте фильтр холодной водой. Откройте кран. Проверьте давление."
    )
    assert load_one(SubtitlesLoader(), "a.srt", GERMAN.encode("utf-16")).spans


def test_times_that_can_not_be_read_are_a_problem_and_their_text_is_kept(load: Load) -> None:
    bad = GERMAN.replace("00:00:03,100 -->", "00:00:x -->")
    document, problem = load(SubtitlesLoader(), "a.srt", bad)
    assert isinstance(document, Document)
    assert isinstance(problem, Problem)
    assert "und zwar kalt." in document.text
    assert problem.reason.startswith("line 7: the times can not be read: '00:00:x --> 00:00:05")


@pytest.mark.parametrize("content", ["", "Nur Text.", "WEBVTT\n\nText", "a --> b\nText", "\0\1"])
def test_what_holds_no_times_is_refused(load: Load, content: str) -> None:
    with pytest.raises(LoadError, match=r"a\.srt: it holds no subtitles"):
        load(SubtitlesLoader(), "a.srt", content)
