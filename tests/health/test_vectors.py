"""What is told of vectors alone: where languages lie, hubs, doubts, the nearest."""

from __future__ import annotations

import numpy as np
import pytest

from rag_engine.health.hubs import find_hubs, hub_findings
from rag_engine.health.language_doubts import foreign_neighbours
from rag_engine.health.language_placement import at_home, place_languages, placement_findings
from rag_engine.health.neighbours import NEAREST, nearest
from rag_engine.health.translation_pairs import groups_of
from tests.health.samples import sample_of, unit

DIMENSION = 32


def topics(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, DIMENSION))


def two_languages(count: int = 60, push: float = 2.0):
    """Passages about anything, pushed apart by their languages; centred, they are as drawn."""
    content = topics(count)
    direction = np.zeros(DIMENSION)
    direction[0] = np.sqrt(DIMENSION)
    languages = ["de", "fr"] * (count // 2)
    sides = np.where(np.array(languages) == "de", push, -push)
    return sample_of(languages, content + sides[:, None] * direction, content)


def placed(sample):
    corrected = nearest(sample.centred, sample.twins, sample.documents)[0]
    plain = nearest(sample.raw, sample.twins, sample.documents)[0]
    return place_languages(sample, corrected, plain, 1), plain


def test_languages_lie_apart_before_and_not_after():
    sample = two_languages()
    placement, _ = placed(sample)
    assert [each.language for each in placement.languages] == ["de", "fr"]
    for each in placement.languages:
        assert each.nearer_before > 0.98
        assert 0.4 < each.nearer_after < 0.6
    assert placement.at_home_before > 0.95
    assert placement.at_home_after == pytest.approx(29 / 59, abs=0.06)
    assert placement.at_home_by_chance == pytest.approx(29 / 59, abs=1e-4)
    [finding] = placement_findings(placement, enabled=True)
    assert finding.fine


def test_what_stays_apart_is_worth_a_look():
    sample = two_languages()
    apart = sample_of([sample.language(place) for place in range(60)], sample.raw, sample.raw)
    [finding] = placement_findings(placed(apart)[0], enabled=False)
    assert not finding.fine
    assert "fairness.enabled = true" in finding.advice


def test_passages_of_one_document_and_translations_say_nothing_of_languages():
    content = topics(40)
    content[20:] = content[:20]  # each German passage has its like in French
    languages = ["de"] * 20 + ["fr"] * 20
    pairs = [(place, place + 20) for place in range(20)]
    with_twins, _ = placed(sample_of(languages, content, twins=pairs))
    without, _ = placed(sample_of(languages, content))
    assert with_twins.languages[0].nearer_before > without.languages[0].nearer_before
    one = sample_of(languages, content, documents=["d"] * 40)
    assert placed(one)[0] is None


def test_few_passages_and_one_language_tell_nothing():
    for sample in (sample_of(["de", "fr"] * 2), sample_of(["de"] * 50, topics(50))):
        placement, _ = placed(sample)
        assert placement is None
        [finding] = placement_findings(placement, enabled=True)
        assert finding.state == "not told"


def test_the_nearest_are_those_of_all_pairs():
    vectors = unit(topics(700))
    twins = np.array([3, 690]), np.array([690, 3])
    places, cosines = nearest(vectors, twins)
    similarities = vectors @ vectors.T
    np.fill_diagonal(similarities, -np.inf)
    similarities[3, 690] = similarities[690, 3] = -np.inf
    expected = np.argsort(-similarities, axis=1, kind="stable")[:, :NEAREST]
    assert (places == expected).mean() > 0.999
    assert np.allclose(cosines, np.take_along_axis(similarities, places, axis=1))


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_of_few_passages_there_are_few(count):
    places, _ = nearest(unit(topics(5))[:count], (np.empty(0, int), np.empty(0, int)))
    assert places.shape == (count, max(0, min(NEAREST, count - 1)))


def test_a_passage_that_is_near_to_everything_is_a_hub():
    vectors = topics(400)
    vectors[7] = 0.0
    vectors[:, 0] += 2.0
    vectors[7, 0] = 1.0  # the middle of all
    sample = sample_of(["en"] * 400, vectors)
    hubs = find_hubs(nearest(sample.raw, sample.twins)[0])
    assert hubs.hubs.tolist()[:1] == [7]
    assert sum(hubs.histogram) == 400
    assert hubs.histogram[0] == len(hubs.unfound)
    found, _ = hub_findings(sample, hubs)
    assert not found.fine
    assert found.examples[0].passage == "d7#0"
    assert "imprints" in found.advice


def test_no_passage_of_an_even_ring_is_a_hub():
    angles = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    ring = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    sample = sample_of(["en"] * 200, ring)
    hubs = find_hubs(nearest(sample.raw, sample.twins)[0])
    assert len(hubs.hubs) == 0
    assert all(each.fine for each in hub_findings(sample, hubs))
    assert find_hubs(np.zeros((20, 10), int)) is None
    assert [each.state for each in hub_findings(sample, None)] == ["not told"] * 2


def test_a_passage_amid_another_language_is_in_doubt():
    sample = two_languages()
    languages = [sample.language(place) for place in range(60)]
    wrong = 4
    languages[wrong] = "fr"  # though it lies amid the German ones
    told = sample_of(languages, sample.raw)
    places = nearest(told.raw, told.twins)[0]
    assert foreign_neighbours(told, places, at_home(told.codes, places)) == {wrong: "de"}
    mixed = sample_of(languages, topics(60))
    places = nearest(mixed.raw, mixed.twins)[0]
    assert foreign_neighbours(mixed, places, at_home(mixed.codes, places)) is None
    one = sample_of(["de"] * 60, topics(60))
    assert foreign_neighbours(one, nearest(one.raw, one.twins)[0], 1.0) is None


def test_groups_of_no_twins():
    from rag_engine.calibration.twins import Twins

    assert groups_of(Twins.none()) == []
