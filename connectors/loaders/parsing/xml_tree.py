"""XML bytes to a tree by lxml: nothing is fetched, and what grows without end is refused."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from lxml import etree

from rag_engine.connectors.loaders.parsing.decoding import Decoded, decode
from rag_engine.connectors.loaders.parsing.parsed import Refused, RefusedByLimit

__all__ = ["LANGUAGE", "Tree", "local_name", "read_tree"]

LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
_DECLARATION = re.compile(r"\s*<\?xml\b[^>]{0,500}\?>")
_DECLARED = re.compile(rb"""<\?xml[^<>]{0,200}?encoding\s*=\s*["']([\w.:-]{1,40})""")
_GROWS = ("amplification", "entity reference loop", "huge", "excessive depth", "nodes depth")


class Tree(NamedTuple):
    """A document's root, how its bytes were decoded, and what is wrong with its markup."""

    root: Any
    decoded: Decoded
    problems: tuple[str, ...]


def read_tree(data: bytes) -> Tree:
    """Read XML; entities of the document's own are put in, those of other files are not.

    What can be read of damaged markup is read, with a problem that says where the damage is.

    Raises:
        Refused: there is no element in it.
        RefusedByLimit: entities or depth grow beyond libxml2's limits.
    """
    declared = _DECLARED.search(data[:1024])
    claim = declared.group(1).decode("ascii") if declared else None
    decoded = decode(data, declared=claim)
    markup = _DECLARATION.sub("", decoded.text.replace("\0", "").lstrip("\ufeff \t\r\n"), count=1)
    encoded = markup.encode("utf-8", errors="replace")
    try:
        return Tree(etree.fromstring(encoded, _parser(recover=False)), decoded, ())
    except etree.XMLSyntaxError as error:
        _check_limits(error)
        problem = f"its markup is damaged ({error!s:.200}): text may be missing"
    try:
        root = etree.fromstring(encoded, _parser(recover=True))
    except etree.XMLSyntaxError as error:
        _check_limits(error)
        root = None
    if root is None:
        raise Refused(problem.partition(":")[0].replace("is damaged", "can not be read"))
    return Tree(root, decoded, (problem,))


def local_name(element: Any) -> str:
    """Return an element's name without its namespace; of a comment or an entity, nothing."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _parser(*, recover: bool) -> Any:
    return etree.XMLParser(
        encoding="utf-8",
        resolve_entities="internal",
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        recover=recover,
    )


def _check_limits(error: etree.XMLSyntaxError) -> None:
    message = str(error)
    if "memory" in message.lower():
        raise MemoryError from error
    if any(sign in message.lower() for sign in _GROWS):
        raise RefusedByLimit(f"it grows beyond what is read of XML ({message:.200})") from error
