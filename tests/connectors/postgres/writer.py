"""A process that writes the same documents as others do: ``writer.py ADDRESS NAME ROUNDS``.

It prints a line for each batch that was acknowledged.
"""

from __future__ import annotations

import random
import sys

from rag_engine import Document, KnowledgeBase
from rag_engine.errors import StorageFailed
from tests.doubles import HashEmbedder

IDS = 300


def text_of(writer: str, turn: int, number: int) -> str:
    """Return the text of a document: two passages, of one writer and one batch."""
    passage = f"Regel {number} von {writer} in Runde {turn} gilt überall. "
    return passage * 30


def main() -> None:
    """Write."""
    address, writer, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
    drawn = random.Random(writer)
    with KnowledgeBase.open(address, embedder=HashEmbedder(32)) as kb:
        for turn in range(rounds):
            numbers = drawn.sample(range(IDS), 10)
            documents = [
                Document(id=f"d{n}", text=text_of(writer, turn, n), metadata={"by": writer})
                for n in numbers
            ]
            own = Document(id=f"{writer}-{turn}", text=f"Nur {writer} schreibt {turn}.")
            try:
                kb.add([*documents, own])
            except StorageFailed as error:
                print("failed", turn, error, flush=True)  # noqa: T201
                continue
            print("added", turn, *numbers, flush=True)  # noqa: T201
        kb._opened.close(publish=False)


if __name__ == "__main__":
    main()
