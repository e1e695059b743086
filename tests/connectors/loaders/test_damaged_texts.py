"""Drawn damage of the text formats: documents, problems or a typed error, never a fault."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

import pytest

from rag_engine.connectors.loaders.registry import default_loaders
from rag_engine.errors import LoadError
from rag_engine.files import loader_for
from rag_engine.records import Document, Problem
from tests.trials.mutants import mutant

TEXT = "Насос подаёт триста литров воды. 水泵每分钟送水三百升。 Die Pumpe läuft. المضخة تعمل."
SOUND = {
    "a.ipynb": json.dumps(
        {
            "nbformat": 4,
            "metadata": {"kernelspec": {"language": "python"}},
            "cells": [
                {"cell_type": "markdown", "source": ["# A\n", TEXT]},
                {
                    "cell_type": "code",
                    "source": "x",
                    "outputs": [
                        {"output_type": "stream", "text": [TEXT]},
                        {"output_type": "execute_result", "data": {"text/plain": "1"}},
                        {"output_type": "error", "ename": "E", "evalue": "e"},
                    ],
                },
            ],
        },
        ensure_ascii=False,
    ),
    "a.rst": f"""A
=

:lang: de

{TEXT} `b <c>`_ :ref:`d <e>` [1]_

.. note:: f

.. tab:: g
   :h: i

   j

- k

  1. l

== ==
m  n
== ==
1  2
== ==

.. [1] o
""",
    "a.adoc": f"""= A
B <c@d>
:e: f

== G

{TEXT} {{e}} *h* _i_ <<j,k>>

. l
.. m
* n

O:: p

----
q
----

[cols=2]
|===
|r |s

2+|t
.2+|u |v
|w
|===
""",
    "a.srt": f"""1
00:00:01,000 --> 00:00:02,000
<i>{TEXT}</i>

2
00:00:03,000 --> 00:00:04,000
{{\\an8}}- a
- b
""",
    "a.vtt": f"""WEBVTT
Language: de

NOTE x

a
00:01.000 --> 00:02.000 line:0
<v B>{TEXT}
""",
    "a.po": f"""msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"
"Language: de\\n"

#, fuzzy
msgid "a"
msgstr "b"

msgid "c"
msgid_plural "d"
msgstr[0] "{TEXT}"
msgstr[1] "e"
""",
    "a.xml": f"""<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]>
<a><t n="d">&b; {TEXT}</t><e>f</e></a>""",
    "a.rss": f"""<rss><channel><title>a</title><item><title>b</title><link>c</link>
<description>&lt;p>{TEXT}</description></item></channel></rss>""",
    "a.json": json.dumps({"a": {"b": [TEXT, 1, {"c": None}]}, "d": True}, ensure_ascii=False),
}


@pytest.mark.parametrize("name", SOUND)
def test_drawn_damage(tmp_path: Path, name: str) -> None:
    loader = loader_for(Path(name), default_loaders())
    assert loader is not None
    dice = random.Random(name)
    path = tmp_path / name
    sound = SOUND[name].encode()
    reasons: list[str] = []
    for number in range(60):
        path.write_bytes(mutant(sound, dice) if number else sound)
        try:
            found = list(loader.load(path, name))
        except LoadError as error:
            reasons.append(str(error))
        else:
            assert all(isinstance(each, Document | Problem) for each in found)
    assert len(reasons) < 50
    assert [reason for reason in reasons if _FAULT.search(reason)] == []


_FAULT = re.compile(r"the parser failed|crashed")
