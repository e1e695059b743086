"""Zero-shot classification by the real model: texts and labels in many languages."""

from __future__ import annotations

import numpy as np
import pytest

from rag_engine import KnowledgeBase, classify
from rag_engine.calibration.classification_scale import ClassificationScale
from rag_engine.calibration.model_fit import ModelFit, prior_of, with_fit
from rag_engine.errors import InvalidInput
from rag_engine.tasks.classification import Label, labelled_prior
from tests.doubles import HashEmbedder

LABELS = [
    Label("sports", "matches, athletes, teams, competitions"),
    Label("politics", "government, elections, laws"),
    Label("health", "diseases, medicine, hospitals"),
]
TEXTS = {
    "de": ["Die Mannschaft gewann das Finale mit drei zu eins.",
           "Das Parlament stimmt morgen über das neue Gesetz ab.",
           "Der Arzt verschrieb ihr ein Antibiotikum gegen die Entzündung."],
    "fr": ["L'équipe a remporté la finale du championnat.",
           "Le gouvernement a perdu les élections législatives.",
           "Le patient souffre d'une maladie du cœur."],
    "sw": ["Timu ilishinda mechi ya fainali ya kombe.",
           "Serikali ilitangaza uchaguzi mpya wa bunge.",
           "Daktari alimpa mgonjwa dawa za malaria."],
    "ru": ["Команда выиграла финальный матч чемпионата.",
           "Парламент принял новый закон о выборах.",
           "Врач прописал больному лекарство."],
    "hi": ["टीम ने फाइनल मैच जीत लिया।",
           "संसद ने नया चुनाव कानून पारित किया।",
           "डॉक्टर ने मरीज़ को बुखार की दवा दी।"],
    "zh": ["球队赢得了决赛。", "议会通过了新的选举法。", "医生给病人开了药。"],
}  # fmt: skip
EVERY = [text for texts in TEXTS.values() for text in texts]
RIGHT = ["sports", "politics", "health"] * len(TEXTS)


@pytest.fixture(scope="module")
def found(bundled_e5):
    return classify(EVERY, LABELS, embedder=bundled_e5)


def test_texts_in_six_languages_get_their_label(found):
    right = sum(one == other for one, other in zip(found.best(), RIGHT, strict=True))
    assert right >= 16  # of 18
    assert found.probabilities.shape == (18, 3)
    np.testing.assert_allclose(found.probabilities.sum(axis=1) + found.none, 1, atol=1e-5)
    assert set(found.label_languages) == {"en"}


def test_what_is_about_something_else_is_none_of_these(bundled_e5, found):
    others = [
        "Das Brot wird bei zweihundert Grad gebacken.",
        "El museo cierra los lunes.",
        "The pump needs a new seal every year.",
    ]
    none = classify(others, LABELS, embedder=bundled_e5)
    assert none.none.mean() > found.none.mean() + 0.1
    assert none.probabilities.max() < 0.5
    assert (found.probabilities.max(axis=1) > 0.5).mean() > 0.6


def test_each_text_is_judged_by_itself_unless_their_own_means_count(bundled_e5, found):
    alone = classify(EVERY[:1], LABELS, embedder=bundled_e5)
    np.testing.assert_allclose(alone.probabilities[0], found.probabilities[0], atol=0.03)
    own = classify(EVERY, LABELS, embedder=bundled_e5, own_means=True)
    assert not np.allclose(own.probabilities, found.probabilities, atol=0.03)


def test_labels_may_each_be_in_another_language(bundled_e5):
    labels = [Label("Sport", "Spiele und Mannschaften", "de"), Label("siasa", "", "sw"), "здоровье"]
    mixed = classify(EVERY, labels, embedder=bundled_e5)
    names = [{"sports": "Sport", "politics": "siasa", "health": "здоровье"}[it] for it in RIGHT]
    first = [mixed.labels[place] for place in mixed.probabilities.argmax(axis=1)]
    assert mixed.label_languages[:2] == ("de", "sw")
    assert sum(one == other for one, other in zip(first, names, strict=True)) >= 13


def test_nothing_is_told_of_what_the_model_can_not_read(bundled_e5):
    tibetan = classify(["བོད་ཡིག་ནི་བོད་ཀྱི་སྐད་ཡིག་ཡིན།"], LABELS, embedder=bundled_e5)
    assert np.isnan(tibetan.probabilities).all()
    assert np.isnan(tibetan.none).all()
    assert tibetan.best() == [None]


def test_a_label_that_the_model_can_not_read_is_refused(bundled_e5):
    tibetan = "རྩེད་འགྲན།"
    for labels in (["health", tibetan], ["health", Label("sports", "", "dz")]):
        with pytest.raises(InvalidInput, match=r"can not read \((bo|dz)\): every text would"):
            classify(EVERY[:1], labels, embedder=bundled_e5)
    with pytest.raises(InvalidInput, match=r"'a' is in a language .* \(dv\)"):
        classify(EVERY[:1], ["a", "b"], embedder=bundled_e5, label_language="dv")
    assert classify(EVERY[:1], ["health", tibetan], embedder=bundled_e5, raw=True).best() != [None]


def test_another_model_is_refused_but_for_its_cosines():
    with pytest.raises(InvalidInput, match="raw=True"):
        classify(["a"], ["b", "c"], embedder=HashEmbedder())
    raw = classify(["a", "b"], ["b", "c"], embedder=HashEmbedder(), raw=True)
    assert raw.none is None
    assert raw.best()[1] == "b"
    for option in ({"language": "de"}, {"label_language": "de"}, {"own_means": True}):
        with pytest.raises(InvalidInput, match="no effect with raw"):
            classify(["a"], ["b", "c"], embedder=HashEmbedder(), raw=True, **option)


@pytest.mark.parametrize(
    ("texts", "labels", "says"),
    [
        (["a"], ["b"], "two labels or more"),
        (["a"], [], "two labels or more"),
        (["a"], ["b", "b"], "twice"),
        (["a"], ["b", Label(" b\t", "other")], "'b' twice"),
        (["a"], ["b", " "], r"labels\[1\]"),
        (["a"], "bc", "a list of labels"),
        (["a", ""], ["b", "c"], r"texts\[1\]"),
        ("a", ["b", "c"], "a list of texts"),
        (["a"], ["b", Label("c", "", "?")], "a language is a code"),
    ],
)
def test_what_can_not_be_meant_is_refused(texts, labels, says):
    with pytest.raises(InvalidInput, match=says):
        classify(texts, labels, embedder=HashEmbedder())


def test_a_fit_stands_in_the_place_of_what_is_shipped(bundled_e5):
    assert labelled_prior(bundled_e5).classification
    fit = ModelFit.make(bundled_e5.contract, prior_of(bundled_e5))  # it keeps no such scale
    with pytest.raises(InvalidInput, match="is not known"):
        labelled_prior(with_fit(bundled_e5, fit))


def test_no_texts_have_no_figures(bundled_e5):
    assert classify([], LABELS, embedder=bundled_e5).probabilities.shape == (0, 3)


def test_a_knowledge_base_classifies_by_its_model(tmp_path, bundled_e5, found):
    with KnowledgeBase.open(tmp_path / "kb", embedder=bundled_e5) as kb:
        same = kb.classify(EVERY, LABELS)
    np.testing.assert_allclose(same.probabilities, found.probabilities, atol=1e-5)


def test_a_row_without_figures_stays_without_and_large_ones_do_not_overflow():
    scale = ClassificationScale(slope=1e4, none=0.0)
    figures = scale.probabilities(np.array([[np.nan, 0.1], [1.0, -1.0]]))
    assert np.isnan(figures[0]).all()
    assert figures[1].tolist() == [1.0, 0.0, 0.0]
