"""Language centring: what it takes out, what it leaves alone, and where it knows little."""

from __future__ import annotations

import numpy as np
import pytest

from rag_engine.calibration.language_means import LanguageMeans, subtract_and_normalise
from rag_engine.calibration.prior import LanguagePrior, load_prior
from rag_engine.connectors.embedders.bundled_e5 import CONTRACT
from rag_engine.ports import Detection

SURE = 1.0


def unit(rows) -> np.ndarray:
    rows = np.asarray(rows, dtype=np.float32)
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def languages_apart(n: int = 200, dimension: int = 16, seed: int = 5):
    """Contents in two languages: the same contents, each language moved its own way."""
    drawn = np.random.default_rng(seed)
    contents = drawn.normal(size=(n, dimension))
    moves = {"de": drawn.normal(size=dimension), "fr": drawn.normal(size=dimension)}
    german, french = (unit(contents + moves[name]) for name in ("de", "fr"))
    return german, french


def share_found(german, french, offsets: LanguageMeans) -> float:
    """How often a German question's nearest passage is its French twin, not another German."""
    n = len(german)
    passages = np.vstack([german, french])
    centred = offsets.centre_passages(passages, ["de"] * n + ["fr"] * n)
    found = 0
    for row in range(n):
        query = offsets.centre_query(german[row], [Detection("de", SURE)])
        scores = centred @ query
        scores[row] = -1  # not the question itself
        found += int(np.argmax(scores) == n + row)
    return found / n


def test_twins_in_another_language_are_found_once_languages_are_centred():
    german, french = languages_apart()
    names = ["de"] * len(german) + ["fr"] * len(french)
    passages = np.vstack([german, french])
    fitted = LanguageMeans.fit(passages, names, prior=None)
    off = LanguageMeans.fit(passages, names, prior=None, enabled=False)
    assert share_found(german, french, off) < 0.02
    assert share_found(german, french, fitted) > 0.25  # half of the offset is taken out
    german_mean, french_mean = german.mean(axis=0), french.mean(axis=0)
    prior = LanguagePrior(("de", "fr"), np.array([german_mean, french_mean]))
    informed = LanguageMeans.fit(passages, names, prior=prior)
    assert share_found(german, french, informed) > 0.5  # the prior vouches for more of it


def test_off_changes_nothing():
    german, _ = languages_apart()
    off = LanguageMeans.fit(german, ["de"] * len(german), prior=None, enabled=False)
    np.testing.assert_allclose(off.centre_passages(german, ["de"] * len(german)), german, atol=1e-6)
    np.testing.assert_allclose(off.centre_query(german[0], []), german[0], atol=1e-6)
    assert not off.enabled


def test_nothing_to_learn_from():
    empty = LanguageMeans.fit(np.zeros((0, 4), np.float32), [], prior=None)
    assert empty.centre_passages(np.zeros((0, 4), np.float32), []).shape == (0, 4)
    query = unit([1, 2, 3, 4])
    np.testing.assert_allclose(empty.centre_query(query, [Detection("de", 1.0)]), query, atol=1e-6)


def test_one_language_keeps_its_order():
    german, _ = languages_apart(n=100)
    fitted = LanguageMeans.fit(german, ["de"] * 100, prior=None)
    centred = fitted.centre_passages(german, ["de"] * 100)
    query = fitted.centre_query(german[3], [Detection("de", SURE)])
    assert int(np.argmax(centred @ query)) == 3
    before = np.argsort(-(german @ german[3]))[:10]
    after = np.argsort(-(centred @ query))[:10]
    assert len(set(before) & set(after)) >= 6


def test_a_language_with_one_chunk_leans_on_the_prior():
    dimension = 8
    prior = LanguagePrior(("de", "fr"), np.eye(2, dimension, dtype=np.float32))
    drawn = np.random.default_rng(1)
    german = unit(drawn.normal(size=(300, dimension)))
    odd = unit(np.full((1, dimension), 1.0))
    fitted = LanguageMeans.fit(np.vstack([german, odd]), ["de"] * 300 + ["fr"], prior=prior)
    row = fitted.languages.index("fr")
    moved = fitted.offsets[row] - fitted.default
    # Along the prior's own direction, and not along the odd chunk's other components.
    assert abs(moved[1]) > 3 * np.abs(moved[2:]).max()


def about_one_thing(dimension: int = 64):
    """A prior with a middle, and a text far from it with its translation."""
    drawn = np.random.default_rng(8)
    middle, offsets = unit(drawn.normal(size=dimension)), 0.1 * drawn.normal(size=(2, dimension))
    prior = LanguagePrior(("de", "fr"), offsets.astype(np.float32), middle=middle)
    text = middle + unit(drawn.normal(size=dimension))
    noise = 0.3 * unit(drawn.normal(size=(2, dimension)))
    return prior, unit(text + offsets + noise)


def test_what_few_passages_all_say_is_not_taken_out_of_them():
    prior, twins = about_one_thing()
    fitted = LanguageMeans.fit(twins, ["de", "fr"], prior=prior)
    one, other = subtract_and_normalise(twins, fitted.between_passages(["de", "fr"]))
    assert one @ other > 0.5
    no_middle = LanguagePrior(prior.languages, prior.offsets)
    fitted = LanguageMeans.fit(twins, ["de", "fr"], prior=no_middle)
    one, other = subtract_and_normalise(twins, fitted.between_passages(["de", "fr"]))
    assert one @ other < 0


def test_many_passages_move_the_middle_to_their_own():
    prior, twins = about_one_thing()
    languages = ["de", "fr"]
    distances = []
    for times in (1, 5, 1_000):
        passages = np.repeat(twins, times, axis=0)
        fitted = LanguageMeans.fit(passages, np.repeat(languages, times).tolist(), prior=prior)
        distances.append(float(np.linalg.norm(fitted.shared - twins.mean(axis=0))))
        assert np.linalg.norm(fitted.default / 0.5 - twins.mean(axis=0)) < distances[-1]
    assert distances[0] > 1.5 * distances[1] > 20 * distances[2]


def test_an_empty_corpus_is_centred_by_the_prior():
    prior, _ = about_one_thing()
    empty = LanguageMeans.fit(np.zeros((0, 64), np.float32), [], prior=prior)
    assert empty.enabled
    np.testing.assert_allclose(empty.shared, prior.middle, atol=1e-6)
    again = LanguageMeans.from_arrays(empty.to_arrays())
    np.testing.assert_array_equal(again.shared, empty.shared)


def test_what_was_kept_before_there_was_a_shared_part_is_read():
    """Without fairness, and of an empty corpus, generations of earlier versions are still used."""
    off = LanguageMeans.fit(np.ones((2, 4), np.float32), ["de"] * 2, prior=None, enabled=False)
    kept = off.to_arrays()
    del kept["shared"]
    np.testing.assert_array_equal(LanguageMeans.from_arrays(kept).shared, off.shared)


def test_a_question_in_a_language_that_the_corpus_lacks_tells_where_that_lies():
    dimension = 8
    prior = LanguagePrior(("de", "fr"), np.eye(2, dimension, dtype=np.float32))
    drawn = np.random.default_rng(2)
    german = unit(drawn.normal(size=(300, dimension)))
    fitted = LanguageMeans.fit(german, ["de"] * 300, prior=prior)
    question = unit(np.full(dimension, 1.0))
    unknown = fitted.of_query(question, [Detection("xx", SURE)])
    known = fitted.of_query(question, [Detection("de", SURE)])
    half = fitted.of_query(question, [Detection("de", 0.5)])
    # Along the two directions in which languages differ, and nowhere else.
    assert (unknown - fitted.default)[:2].min() > 0.1
    np.testing.assert_allclose((unknown - fitted.default)[2:], 0, atol=1e-6)
    for nobody_knows in ([Detection("und", 0.0)], []):
        np.testing.assert_allclose(fitted.of_query(question, nobody_knows), unknown, atol=1e-6)
    np.testing.assert_allclose(half, (known + unknown) / 2, atol=1e-6)


def test_plausible_languages_are_mixed_by_confidence():
    german, french = languages_apart()
    names = ["de"] * len(german) + ["fr"] * len(french)
    fitted = LanguageMeans.fit(np.vstack([german, french]), names, prior=None)
    sure = fitted.centre_query(german[0], [Detection("de", 0.9)])
    mixed = fitted.centre_query(german[0], [Detection("de", 0.45), Detection("fr", 0.45)])
    other = fitted.centre_query(german[0], [Detection("fr", 0.9)])
    assert sure @ mixed > sure @ other
    assert other @ mixed > other @ sure


def test_arrays_there_and_back():
    german, french = languages_apart()
    names = ["de"] * len(german) + ["fr"] * len(french)
    fitted = LanguageMeans.fit(np.vstack([german, french]), names, prior=None)
    again = LanguageMeans.from_arrays(fitted.to_arrays())
    assert again.languages == fitted.languages
    np.testing.assert_array_equal(again.offsets, fitted.offsets)
    np.testing.assert_array_equal(again.default, fitted.default)


def test_the_shipped_prior():
    prior = load_prior(CONTRACT.weights)
    assert prior is not None
    assert len(prior.languages) > 150
    assert {"de", "zh", "ar", "sw", "am", "yo", "no", "sr"} <= set(prior.languages)
    assert np.isfinite(prior.offsets).all()
    assert prior.middle is not None
    assert 0.8 < np.linalg.norm(prior.middle) < 1  # texts of all languages share that much
    np.testing.assert_allclose(prior.basis @ prior.basis.T, np.eye(32), atol=1e-4)


@pytest.mark.parametrize("one_percent", ["sw", "xx"])
def test_a_tiny_share_of_the_corpus_moves_nothing_wildly(one_percent: str):
    german, french = languages_apart(n=1000, dimension=384)
    names = ["de"] * 1000 + [one_percent]
    fitted = LanguageMeans.fit(
        np.vstack([german, french[:1]]), names, prior=load_prior(CONTRACT.weights)
    )
    centred = fitted.centre_passages(french[:1], [one_percent])
    assert float(centred[0] @ french[0]) > 0.5


def test_a_new_language_is_learnt_from_its_first_passages():
    german, french = languages_apart(n=300, dimension=384)
    prior = load_prior(CONTRACT.weights)
    fitted = LanguageMeans.fit(german, ["de"] * len(german), prior=prior)
    grown = fitted.grown(french, ["xx"] * len(french), prior=prior)
    assert "xx" in grown.seen
    assert "xx" not in fitted.languages
    before = fitted.centre_passages(french, ["xx"] * len(french)).mean(axis=0)
    after = grown.centre_passages(french, ["xx"] * len(french)).mean(axis=0)
    assert np.linalg.norm(after) < np.linalg.norm(before)
    np.testing.assert_array_equal(
        grown.centre_passages(german, ["de"] * len(german)),
        fitted.centre_passages(german, ["de"] * len(german)),
    )
    assert grown.grown(german, ["de"] * len(german), prior=prior) is grown


def test_growing_is_what_fitting_would_have_found_around_the_same_mean():
    german, french = languages_apart(n=400)
    names = ["de"] * 400 + ["fr"] * 400
    both = LanguageMeans.fit(np.vstack([german, french]), names, prior=None)
    grown = LanguageMeans.fit(german, names[:400], prior=None).grown(
        french, names[400:], prior=None
    )
    moved = {name: both.of_passages([name])[0] - both.default for name in ("de", "fr")}
    apart = grown.of_passages(["fr"])[0] - grown.of_passages(["de"])[0]
    np.testing.assert_allclose(apart, moved["fr"] - moved["de"], atol=0.01)


def test_nothing_grows_where_fairness_is_off():
    german, french = languages_apart(n=20)
    off = LanguageMeans.fit(german, ["de"] * 20, prior=None, enabled=False)
    assert off.grown(french, ["fr"] * 20, prior=None) is off


def test_wholly_centred_takes_the_overall_mean_out():
    german, _ = languages_apart(n=500)
    fitted = LanguageMeans.fit(german, ["de"] * 500, prior=None)
    partly = fitted.centre_passages(german, ["de"] * 500).mean(axis=0)
    wholly = subtract_and_normalise(german, fitted.of_passages(["de"]) + fitted.default).mean(
        axis=0
    )
    assert np.linalg.norm(wholly) < 0.1 < np.linalg.norm(partly)
