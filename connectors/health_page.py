"""The health of a knowledge base as one page of HTML: it loads nothing and runs nothing.

Texts of documents are data: each is escaped, and has its own direction. Charts are SVG in the page,
with the figures as text beside them, so that the page reads as well on paper and by a screen
reader.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from html import escape

from rag_engine.health.findings import Example, Finding, State
from rag_engine.health.language_placement import Placement
from rag_engine.health.pseudo_questions import Asked
from rag_engine.health.report import HealthReport
from rag_engine.text.direction import direction

__all__ = ["health_page"]

_STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, "Noto Sans", sans-serif; color: #1c2430; background: #fff;
  max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin-bottom: 0; } h2 { font-size: 1.15rem; margin: 2.2rem 0 .4rem; }
p { margin: .3rem 0; } .quiet { color: #5a6675; }
article { border-inline-start: .3rem solid #2f8f5b; padding: .2rem .9rem; margin: .8rem 0;
  break-inside: avoid; }
article.look { border-color: #c2570c; background: #fff7f0; }
article.untold { border-color: #b8c0cc; }
article h3 { font-size: 1rem; margin: 0; } .advice { font-weight: 600; }
ul { margin: .3rem 0; padding-inline-start: 1.2rem; } li { margin: .15rem 0; }
bdi { unicode-bidi: isolate; } q { quotes: none; overflow-wrap: anywhere; }
code { font-size: .85em; color: #40506a; overflow-wrap: anywhere; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
td, th { padding: .12rem .5rem; text-align: end; font-weight: normal; } th { color: #5a6675; }
.chart { overflow-x: auto; } svg { max-width: 100%; height: auto; } h2 { break-after: avoid; }
svg text { font: 12px system-ui, "Noto Sans", sans-serif; }
@media print { body { margin: 0; max-width: none; } .chart { overflow: visible; }
  .chart { break-inside: avoid; }
  p:has(+ .chart) { break-after: avoid; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
"""
_MOST_BARS = 40
_MOST_IN_MATRIX = 24
_ROW, _LABEL, _WIDE = 22, 90, 460


def health_page(report: HealthReport, name: str) -> str:
    """Return the page of a report on the knowledge base ``name``."""
    looked = (
        "all were looked at"
        if report.looked_at == report.passages
        else f"{report.looked_at:,} were looked at, drawn with the seed {report.seed}"
    )
    states = Counter(each.state for each in report.findings)
    parts = [
        f"<h1>Health of <bdi>{escape(name)}</bdi></h1>",
        f'<p class="quiet">{report.holds()}; {looked}. Of {len(report.findings)} checks '
        f"{states['look']} are worth a look, and {states['not told']} could not be told.</p>",
        *_section("Worth a look", report, "look"),
        *([] if states["look"] else ["<h2>Worth a look</h2>", _none(states)]),
        *_section("Not told", report, "not told"),
        "<h2>Languages</h2>",
        _bars({name: float(n) for name, n in report.languages.items()}, "passages by language"),
        *_placement(report.placement),
        *_questions(report),
        *_histogram(report.found_histogram),
        *_section("In order", report, "ok"),
    ]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'\">\n"
        f"<title>Health of {escape(name)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(parts)
        + "\n</body>\n</html>\n"
    )


def _section(head: str, report: HealthReport, state: State) -> list[str]:
    found = [_finding(each) for each in report.findings if each.state == state]
    return [f"<h2>{head}</h2>", *found] if found else []


def _none(states: Mapping[State, int]) -> str:
    return "<p>Nothing.</p>" if states["ok"] else "<p>Nothing could be told.</p>"


def _finding(finding: Finding) -> str:
    kind = {"ok": "fine", "look": "look", "not told": "untold"}[finding.state]
    examples = "" if finding.fine else _examples(finding.examples)
    told = finding.fine or not finding.has_advice
    advice = "" if told else f'<p class="advice">{escape(finding.advice)}</p>'
    return (
        f'<article class="{kind}"><h3>{escape(finding.check)}</h3>'
        f"<p>{escape(finding.says)}</p>{advice}{examples}</article>"
    )


def _examples(examples: Sequence[Example]) -> str:
    items = [
        f"<li><code><bdi>{escape(each.passage)}</bdi></code> [{escape(each.language)}] "
        + (f"<bdi>{escape(each.note)}</bdi>: " if each.note else "")
        + f'<q><bdi dir="{direction(each.text, each.language)}">{escape(each.text)}</bdi></q></li>'
        for each in examples
    ]
    return f"<ul>{''.join(items)}</ul>" if items else ""


def _svg(width: int, height: int, label: str, inside: Iterator[str]) -> str:
    return (
        f'<div class="chart"><svg role="img" aria-label="{escape(label)}" width="{width}" '
        f'height="{height}" viewBox="0 0 {width} {height}">{"".join(inside)}</svg></div>'
    )


def _bars(values: Mapping[str, float], label: str) -> str:
    """Draw a bar for each name, the figure beside it; ``label`` says what they are."""
    shown = dict(list(values.items())[:_MOST_BARS])
    total = sum(values.values()) or 1.0
    most = max(shown.values(), default=1.0) or 1.0

    def drawn() -> Iterator[str]:
        for row, (name, value) in enumerate(shown.items()):
            y = row * _ROW
            width = _WIDE * value / most
            yield f'<text x="{_LABEL - 8}" y="{y + 15}" text-anchor="end">{escape(name)}</text>'
            yield f'<rect x="{_LABEL}" y="{y + 3}" width="{width:.1f}" height="15" fill="#4c78a8"/>'
            yield (
                f'<text x="{_LABEL + width + 6:.1f}" y="{y + 15}">{value:,.0f} '
                f"({value / total:.1%})</text>"
            )

    more = len(values) - len(shown)
    after = f'<p class="quiet">and {more:,} more</p>' if more > 0 else ""
    return _svg(_LABEL + _WIDE + 130, len(shown) * _ROW + 4, label, drawn()) + after


def _placement(placement: Placement | None) -> Iterator[str]:
    """Draw for each language how often its passages are nearer to each other, before and after."""
    if placement is None:
        return
    languages = placement.languages[:_MOST_BARS]

    def drawn() -> Iterator[str]:
        for share in (0.0, 0.5, 1.0):
            x = _LABEL + _WIDE * share
            bottom = len(languages) * _ROW
            yield f'<line x1="{x}" x2="{x}" y1="0" y2="{bottom}" stroke="#b8c0cc"/>'
            yield f'<text x="{x}" y="{bottom + 15}" text-anchor="middle">{share:.0%}</text>'
        for row, each in enumerate(languages):
            y = row * _ROW + 11
            before, after = (
                _LABEL + _WIDE * value for value in (each.nearer_before, each.nearer_after)
            )
            yield (
                f'<text x="{_LABEL - 8}" y="{y + 4}" text-anchor="end">{escape(each.language)}'
                "</text>"
            )
            yield f'<line x1="{before:.1f}" x2="{after:.1f}" y1="{y}" y2="{y}" stroke="#8a94a3"/>'
            yield f'<circle cx="{before:.1f}" cy="{y}" r="5" fill="#c2570c"/>'
            yield f'<circle cx="{after:.1f}" cy="{y}" r="5" fill="#2f8f5b"/>'
            yield (
                f'<text x="{_LABEL + _WIDE + 12}" y="{y + 4}">{each.nearer_before:.0%} → '
                f"{each.nearer_after:.0%}</text>"
            )

    yield "<h2>How far languages lie apart</h2>"
    yield (
        "<p>How often two unrelated passages of a language are nearer to each other than one of "
        "them to one of another language: before the correction (orange) and after it (green). "
        "50% says that the language plays no role.</p>"
    )
    label = "how often passages of a language are nearer to each other"
    yield _svg(_LABEL + _WIDE + 110, len(languages) * _ROW + 22, label, drawn())


def _questions(report: HealthReport) -> Iterator[str]:
    asked = report.pseudo_questions
    if asked is None or not asked.translations:
        return
    yield "<h2>Does search find across languages?</h2>"
    yield (
        "<p>First sentences of passages, asked with their document left out: how many find a "
        "translation in the column's language among the first ten.</p>"
    )
    yield _matrix(asked.translations)


def _matrix(asked: Mapping[str, Asked]) -> str:
    pairs = {tuple(name.split("->", 1)): each for name, each in asked.items()}
    rows, columns = (sorted({pair[side] for pair in pairs}) for side in (0, 1))
    if max(len(rows), len(columns)) > _MOST_IN_MATRIX:
        weakest = sorted(asked.items(), key=lambda pair: (pair[1].found / pair[1].asked, pair[0]))
        items = (f"<li>{escape(n)}: {e.found}/{e.asked}</li>" for n, e in weakest[:_MOST_BARS])
        return f"<p>The weakest pairs:</p><ul>{''.join(items)}</ul>"
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
    lines = [
        f'<tr><th scope="row">{escape(row)}</th>'
        + "".join(_cell(pairs.get((row, column))) for column in columns)
        + "</tr>"
        for row in rows
    ]
    return (
        f'<div class="chart"><table><tr><th scope="col">asked in</th>{head}</tr>'
        f"{''.join(lines)}</table></div>"
    )


def _cell(asked: Asked | None) -> str:
    if asked is None:
        return "<td>–</td>"
    share = asked.found / asked.asked
    hue = 20 + 120 * share  # from orange to green
    return f'<td style="background: hsl({hue:.0f} 60% 82%)">{asked.found}/{asked.asked}</td>'


def _histogram(counts: Sequence[int]) -> Iterator[str]:
    if not counts:
        return
    steps = [
        "0",
        *(f"{2**n}-{2 ** (n + 1) - 1}" if n else "1" for n in range(len(counts) - 1)),
    ]
    yield "<h2>How often a passage comes up</h2>"
    yield (
        "<p>Every passage asks for its ten nearest: how many passages are found by so many others. "
        "Those far to the right come up for everything.</p>"
    )
    yield _bars(
        {f"{step} times": float(n) for step, n in zip(steps, counts, strict=False)}, "found"
    )
