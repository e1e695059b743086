"""What programs that show answers make of them: two Markdown renderers, and raw HTML.

markdown-it with its linkifier (and refusing nothing), GitHub's cmark with its autolinks, and a
forgiving reader of HTML. With the first the engine shares a parser, not its targets.
"""

from __future__ import annotations

import cmarkgfm
import lxml.html
from cmarkgfm.cmark import Options
from markdown_it import MarkdownIt

TARGETS = ("href", "src", "srcset", "action", "formaction", "data", "poster", "background", "ping")


def _everything() -> MarkdownIt:
    parser = MarkdownIt("gfm-like", {"html": True, "linkify": True, "maxNesting": 500})
    parser.validateLink = lambda url: True
    return parser


_MARKDOWN_IT = _everything()


def pages(text: str, *, raw: bool = True) -> list[str]:
    """Return what each renderer makes of a text, as HTML."""
    gfm = cmarkgfm.github_flavored_markdown_to_html(
        text, options=Options.CMARK_OPT_UNSAFE | Options.CMARK_OPT_FOOTNOTES
    )
    return [_MARKDOWN_IT.render(text), gfm, *([text] if raw else [])]


def rendered(text: str, *, raw: bool = True) -> tuple[set[str], set[str]]:
    """Return the targets of links and the like, and the names of elements, of all renderers.

    ``raw``: also as if the text were HTML itself.
    """
    targets: set[str] = set()
    elements: set[str] = set()
    for page in pages(text, raw=raw):
        if not page.strip():
            continue
        for element in lxml.html.fragment_fromstring(page, create_parent="main").iter():
            if not isinstance(element.tag, str):
                continue
            elements.add(element.tag)
            targets |= {value for name, value in element.items() if name in TARGETS}
            elements |= {name for name, _ in element.items() if name.startswith("on")}
    return {t for t in targets if not t.startswith("#fn")}, elements
