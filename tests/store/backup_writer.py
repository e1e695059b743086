"""A process that writes to a knowledge base all the time, and tells what each revision holds."""

from __future__ import annotations

import dataclasses
import json
import random
import sys
from pathlib import Path

from rag_engine import Document, KnowledgeBase
from rag_engine.components import Components
from tests.conftest import components_with
from tests.doubles import ColourImages, HashEmbedder
from tests.images.drawn import picture

__all__ = ["parts", "write"]

_NAMES = 400
_FIRST = 300
_PUBLISH = 0.04
"""How often a step is to publish the index, which drops tombstones, or to write the file anew."""


def parts() -> Components:
    """Return quick parts, which look at pictures too."""
    return dataclasses.replace(components_with(HashEmbedder()), images=ColourImages())


def write(root: Path, told: Path, seed: int) -> None:
    """Change the knowledge base until the process is ended.

    After each change a line of ``told`` has the revision, and the texts by the documents' ids.
    """
    drawn = random.Random(seed)
    texts: dict[str, str] = {}
    with (
        KnowledgeBase.open(root, components=parts()) as kb,
        told.open("a", encoding="utf-8") as log,
    ):

        def tell() -> None:
            line = {"revision": kb._catalogue.revision(), "texts": texts}
            log.write(f"{json.dumps(line)}\n")
            log.flush()

        first = [_drawn_document(f"d{name}", drawn) for name in range(_FIRST)]
        kb.add(first)
        kb.publish()
        texts.update({document.id: document.text for document in first})
        tell()
        while True:
            if drawn.random() < _PUBLISH:
                drawn.choice([kb.publish, kb.compact])()
            elif drawn.random() < 0.3:
                # The newest too: a picture's number is then given again.
                gone = [*drawn.sample(sorted(texts), min(2, len(texts))), *list(texts)[-1:]]
                kb.delete(gone)
                for name in gone:
                    texts.pop(name, None)
            else:
                names = drawn.sample(range(_NAMES), 4)
                documents = [_drawn_document(f"d{name}", drawn) for name in names]
                kb.add(documents)
                for document in documents:
                    texts.pop(document.id, None)
                    texts[document.id] = document.text
            tell()


def _drawn_document(name: str, drawn: random.Random) -> Document:
    number = drawn.randrange(10**9)
    metadata = {"number": number, "even": number % 2 == 0}
    if drawn.random() < 0.2:
        side = drawn.randrange(16, 400)
        return picture(name, "red", side=side, text=f"picture {number}", metadata=metadata)
    sentences = [f"The pump {name} has the number {number + step}." for step in range(12)]
    return Document(id=name, text=" ".join(sentences), metadata=metadata)


if __name__ == "__main__":
    write(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
