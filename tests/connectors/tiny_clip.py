"""A CLIP small enough to make and train in a test, on pictures that are drawn here.

It learns twelve things: a circle, a square or a triangle in one of four colours. That is enough
for a question to find a picture by what it shows, and says nothing of the quality of real models.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL.Image import Image

COLOURS = ("red", "green", "blue", "yellow")
SHAPES = ("circle", "square", "triangle")
_SMALL_WORDS = ("a", "the", "picture", "of", "where", "is", "which", "shows")
_WORDS = (*COLOURS, *SHAPES, *_SMALL_WORDS)
_STEPS = 150
_SIDE = 32


def drawing(colour: str, shape: str, *, seed: int = 0, side: int = _SIDE) -> Image:
    """Draw one coloured shape on white; ``seed`` moves it and changes its size."""
    from PIL import Image, ImageDraw

    chance = random.Random(seed)
    image = Image.new("RGB", (side, side), "white")
    half = chance.uniform(0.25, 0.38) * side
    x, y = (chance.uniform(half, side - half) for _ in range(2))
    draw, box = ImageDraw.Draw(image), (x - half, y - half, x + half, y + half)
    if shape == "circle":
        draw.ellipse(box, fill=colour)
    elif shape == "square":
        draw.rectangle(box, fill=colour)
    else:
        draw.polygon([(x, y - half), (x - half, y + half), (x + half, y + half)], fill=colour)
    return image


def save_clip(folder: Path, *, steps: int = _STEPS) -> Path:
    """Train a CLIP for some seconds and save it as sentence-transformers keeps one."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Transformer
    from transformers import CLIPConfig, CLIPModel, CLIPProcessor
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    torch.manual_seed(7)
    tokenizer = _tokenizer()
    size = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
    text = {**size, "num_attention_heads": 2, "vocab_size": len(tokenizer)}
    text |= {"max_position_embeddings": 24, "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1}
    vision = {**size, "num_attention_heads": 2, "image_size": _SIDE, "patch_size": 8}
    model = CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=24))
    processor = CLIPProcessor(
        image_processor=CLIPImageProcessorPil(
            size={"shortest_edge": _SIDE}, crop_size={"height": _SIDE, "width": _SIDE}
        ),
        tokenizer=tokenizer,
    )
    _train(model, processor, steps)
    bare, target = folder / "bare-clip", folder / "tiny-clip"
    model.eval().save_pretrained(bare)
    processor.save_pretrained(bare)
    SentenceTransformer(modules=[Transformer(str(bare))], device="cpu").save(
        str(target), create_model_card=False
    )
    return target


def _train(model: Any, processor: Any, steps: int) -> None:
    """Learn to tell the things apart, with pixels as the processor makes them, but quicker."""
    import numpy as np
    import torch

    things = [(colour, shape) for colour in COLOURS for shape in SHAPES]
    frames = ("a {}", "the picture of a {}", "which picture shows a {}", "where is the {}", "{}")
    mean, deviation = processor.image_processor.image_mean, processor.image_processor.image_std
    optimiser = torch.optim.AdamW(model.parameters(), lr=2e-3)
    chance = random.Random(7)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # such small matrices are no work for more
    for step in range(steps):
        drawn = [drawing(*thing, seed=step * len(things) + n) for n, thing in enumerate(things)]
        pixels = (np.stack([np.asarray(image) for image in drawn]) / 255 - mean) / deviation
        texts = processor.tokenizer(
            [chance.choice(frames).format(" ".join(thing)) for thing in things],
            return_tensors="pt",
            padding=True,
        )
        images = torch.from_numpy(pixels.transpose(0, 3, 1, 2).astype(np.float32))
        loss = model(**texts, pixel_values=images, return_loss=True).loss
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    torch.set_num_threads(threads)


def _tokenizer() -> Any:
    """Return a tokenizer in which each word of ``_WORDS`` is a token, and each letter."""
    from transformers import CLIPTokenizer

    vocabulary: dict[str, int] = {}
    for token in ("<|startoftext|>", "<|endoftext|>"):
        vocabulary[token] = len(vocabulary)
    merges: list[tuple[str, str]] = []
    for letter in "abcdefghijklmnopqrstuvwxyz0123456789?.,-":
        for token in (letter, f"{letter}</w>"):
            vocabulary[token] = len(vocabulary)
    for word in _WORDS:
        end = f"{word[-1]}</w>"
        for letter in reversed(word[:-1]):  # from its end: words share no merges but of like ends
            if (letter, end) not in merges:
                merges.append((letter, end))
            end = letter + end
            vocabulary.setdefault(end, len(vocabulary))
    return CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=24)
