"""Models small enough to make in a test, saved to disk and loaded like any other.

Their weights are random (seeded): what they compute is checked against the libraries themselves.
"""

from __future__ import annotations

from pathlib import Path

TEXTS = [
    "Die Pumpe startet nicht, wenn der Wasserdruck zu niedrig ist.",
    "How often is the filter replaced?",
    "水泵的滤芯每六个月更换一次。",
    "पंप का फ़िल्टर बदलें।",
]


def save_tokenizer(folder: Path) -> int:
    """Save a small BPE tokenizer with BERT's special tokens; return the size of its vocabulary."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    trainer = trainers.BpeTrainer(vocab_size=160, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator(TEXTS, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
    ).save_pretrained(folder)
    return tokenizer.get_vocab_size()


SIZES = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "initializer_range": 0.4,
}


def save_embedder(folder: Path, *, roberta: bool = False, **description: object) -> Path:
    """Save a sentence-transformers model that reads 40 tokens (mean pooling, 32 wide)."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import BertConfig, BertModel, XLMRobertaConfig, XLMRobertaModel

    torch.manual_seed(7)
    bare = folder / "bare"
    vocabulary = save_tokenizer(bare)
    if roberta:
        model = XLMRobertaModel(
            XLMRobertaConfig(
                vocab_size=vocabulary, max_position_embeddings=42, pad_token_id=1, **SIZES
            )
        )
    else:
        model = BertModel(BertConfig(vocab_size=vocabulary, max_position_embeddings=40, **SIZES))
    model.save_pretrained(bare)
    target = folder / "tiny-embedder"
    transformer = Transformer(str(bare))
    SentenceTransformer(
        modules=[transformer, Pooling(32, "mean")], device="cpu", **description
    ).save(str(target), create_model_card=False)
    return target


def save_cross_encoder(folder: Path, *, labels: int = 1, dropout: float = 0.1) -> Path:
    """Save a BERT that scores pairs of up to 48 tokens; ``dropout`` is that of its training."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification

    torch.manual_seed(7)
    target = folder / "tiny-cross-encoder"
    vocabulary = save_tokenizer(target)
    config = BertConfig(
        vocab_size=vocabulary,
        max_position_embeddings=48,
        num_labels=labels,
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=dropout,
        **SIZES,
    )
    BertForSequenceClassification(config).save_pretrained(target)
    return target


def save_bge_m3(folder: Path, *, token_width: int = 24, pickled: bool = False) -> Path:
    """Save a model laid out as BGE-M3 is: an XLM-R that reads 40 tokens, its cls, two heads.

    Weights of the encoder are ``pickled`` (``pytorch_model.bin``), as published, or safetensors.
    """
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
    from transformers import XLMRobertaConfig, XLMRobertaModel

    torch.manual_seed(11)
    bare = folder / "bare"
    vocabulary = save_tokenizer(bare)
    config = XLMRobertaConfig(
        vocab_size=vocabulary, max_position_embeddings=42, pad_token_id=1, **SIZES
    )
    XLMRobertaModel(config).save_pretrained(bare)
    target = folder / "tiny-bge-m3"
    modules = [Transformer(str(bare)), Pooling(32, "cls"), Normalize()]
    SentenceTransformer(modules=modules, device="cpu").save(str(target), create_model_card=False)
    torch.save(torch.nn.Linear(32, 1).half().state_dict(), target / "sparse_linear.pt")
    torch.save(torch.nn.Linear(32, token_width).half().state_dict(), target / "colbert_linear.pt")
    if pickled:
        from safetensors.torch import load_file

        torch.save(load_file(target / "model.safetensors"), target / "pytorch_model.bin")
        (target / "model.safetensors").unlink()
    return target
