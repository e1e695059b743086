"""Where languages lie: sources joined as the shipped prior was, sentences missing or not."""

from __future__ import annotations

import numpy as np
import pytest

from rag_engine.calibration.language_places import aligned_means, joined_offsets
from rag_engine.errors import InvalidInput


def joined_as_shipped(tatoeba, news):
    """Join two estimates as the shipped files were made: pairs first, whole news sets second."""
    common = [name for name in sorted(news) if name in tatoeba and tatoeba[name][1] >= 100]
    shift = np.mean([news[name][0] - tatoeba[name][0] for name in common], axis=0)
    joined = {}
    for name in {*tatoeba, *news}:
        estimates = []
        if name in tatoeba:
            estimates.append((tatoeba[name][0], min(1.0, tatoeba[name][1] / 600)))
        if name in news:
            estimates.append((news[name][0] - shift, 1.0))
        joined[name] = sum(e * w for e, w in estimates) / sum(w for _, w in estimates)
    centre = np.mean(list(joined.values()), axis=0)
    return {name: place - centre for name, place in joined.items()}


def test_two_sources_are_joined_as_the_shipped_prior_was():
    random = np.random.default_rng(3)
    counts = {"en": 5_000, "de": 1_000, "fr": 150, "sw": 90}
    tatoeba = {name: (random.normal(size=4), count) for name, count in counts.items()}
    news = {name: (random.normal(size=4) + 7, 600) for name in ("en", "fr", "sw", "zu", "is")}
    found, expected = joined_offsets([tatoeba, news]), joined_as_shipped(tatoeba, news)
    assert list(found) == sorted(expected)
    for name, offset in expected.items():
        assert np.allclose(found[name], offset, atol=1e-12), name


def test_sources_without_a_common_language_are_refused():
    one, other = {"de": (np.zeros(2), 600)}, {"sw": (np.ones(2), 600)}
    with pytest.raises(InvalidInput, match="share no language"):
        joined_offsets([one, other])


def test_missing_sentences_move_no_language():
    """Places and contents are drawn, a third of the sentences is left out by design: all found."""
    random = np.random.default_rng(5)
    places, contents = random.normal(size=(6, 3)), random.normal(size=(40, 3)) * 5
    contents -= contents.mean(axis=0)
    rows = {
        str(name): [row for row in range(40) if (row + name) % 3 or name == 0] for name in range(6)
    }
    vectors = {name: places[int(name)] + contents[each] for name, each in rows.items()}
    means = aligned_means(vectors, rows)
    for name, mean in means.items():
        assert np.allclose(mean, places[int(name)], atol=1e-4), name
        if name != "0":
            assert not np.allclose(vectors[name].mean(axis=0), places[int(name)], atol=0.05)
