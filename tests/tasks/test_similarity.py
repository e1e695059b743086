"""Similarity by the real bundled model: sentences of our own in ten languages, one threshold."""

from __future__ import annotations

import numpy as np
import pytest

from rag_engine import KnowledgeBase
from rag_engine.calibration.prior import LanguagePrior, load_prior
from rag_engine.calibration.similarity_scale import SimilarityScale
from rag_engine.errors import InvalidInput
from rag_engine.tasks.similarity import Side, compared, similarity, unread
from tests.doubles import HashEmbedder

SENTENCES = {
    "en": [
        "The museum is closed on Mondays.",
        "The pump needs a new seal every year.",
        "Keep the invoice for three years.",
    ],
    "de": [
        "Am Montag bleibt das Museum geschlossen.",
        "Die Pumpe braucht jedes Jahr eine neue Dichtung.",
        "Bewahren Sie die Rechnung drei Jahre lang auf.",
    ],
    "fr": [
        "Le musée est fermé le lundi.",
        "La pompe a besoin d'un nouveau joint chaque année.",
        "Gardez la facture pendant trois ans.",
    ],
    "es": [
        "El museo cierra los lunes.",
        "La bomba necesita una junta nueva cada año.",
        "Guarde la factura durante tres años.",
    ],
    "ru": [
        "По понедельникам музей закрыт.",
        "Насосу каждый год нужна новая прокладка.",
        "Храните счёт в течение трёх лет.",
    ],
    "ar": [
        "المتحف مغلق يوم الاثنين.",
        "تحتاج المضخة إلى حلقة إحكام جديدة كل سنة.",
        "احتفظ بالفاتورة لمدة ثلاث سنوات.",
    ],
    "hi": [
        "संग्रहालय सोमवार को बंद रहता है।",
        "पंप को हर साल एक नई सील चाहिए।",
        "बिल को तीन साल तक संभाल कर रखें।",
    ],
    "zh": ["博物馆星期一闭馆。", "水泵每年需要更换一个新的密封圈。", "请将发票保存三年。"],
    "sw": [
        "Makumbusho hufungwa siku ya Jumatatu.",
        "Pampu inahitaji kizibo kipya kila mwaka.",
        "Tunza ankara kwa miaka mitatu.",
    ],
    "tr": [
        "Müze pazartesi günleri kapalıdır.",
        "Pompanın her yıl yeni bir contaya ihtiyacı var.",
        "Faturayı üç yıl boyunca saklayın.",
    ],
}
LANGUAGES = sorted(SENTENCES)
TEXTS = [text for language in LANGUAGES for text in SENTENCES[language]]


@pytest.fixture(scope="module")
def figures(bundled_e5):
    return similarity(TEXTS, TEXTS, matrix=True, embedder=bundled_e5)


def test_one_threshold_tells_translations_in_every_pair_of_languages(figures):
    content = np.arange(len(TEXTS)) % 3
    same = content[:, np.newaxis] == content
    right = figures[same]
    wrong = figures[~same]
    assert figures.shape == (30, 30)
    assert figures.min() >= 0
    assert figures.max() <= 1
    assert (right > 0.5).mean() > 0.95
    assert (wrong < 0.1).mean() > 0.95
    assert (wrong < 0.5).all()


def test_the_order_of_the_two_means_nothing(figures):
    assert figures == pytest.approx(figures.T, abs=1e-5)
    assert np.diag(figures).min() > 0.99


def test_pair_by_pair_is_the_diagonal_of_all_with_all(bundled_e5, figures):
    one, other = TEXTS[:3], TEXTS[3:6]
    pairs = similarity(one, other, embedder=bundled_e5)
    assert pairs == pytest.approx(np.diag(figures[:3, 3:6]), abs=0.02)


def test_a_language_that_is_said_is_not_detected(bundled_e5):
    class Refusing:
        version = "none"

        def detect(self, text):
            raise AssertionError("it was said")

        plausible = detect

    found = similarity(
        ["Museum"], ["Museum"], embedder=bundled_e5, detector=Refusing(), language="de",
        other_language="nl-BE",
    )  # fmt: skip
    assert found[0] > 0.9


def test_a_knowledge_base_compares_alike_whatever_it_holds(tmp_path, real_components, bundled_e5):
    with KnowledgeBase.open(tmp_path / "kb", components=real_components) as kb:
        found = kb.similarity(TEXTS[:4], TEXTS[4:8])
        every = kb.similarity(TEXTS[:2], TEXTS[4:8], matrix=True)
    assert found == pytest.approx(similarity(TEXTS[:4], TEXTS[4:8], embedder=bundled_e5), abs=1e-3)
    assert every.shape == (2, 4)


def test_of_a_language_that_the_model_can_not_read_nothing_is_told(bundled_e5):
    prior = load_prior(bundled_e5.contract.weights)
    assert unread(["de", "dz", "bo", "xx"], prior) == ["bo", "dz"]
    dzongkha = "འབྲུག་གི་རྒྱལ་ས་ཐིམ་ཕུག་ཨིན།"
    found = similarity(
        [dzongkha, "Guten Tag."], ["Good day.", "Good day."],
        embedder=bundled_e5, detector=_Fixed({dzongkha: "dz"}),
    )  # fmt: skip
    assert np.isnan(found).tolist() == [True, False]


class _Fixed:
    version = "fixed"

    def __init__(self, languages):
        self._languages = languages

    def detect(self, text):
        from rag_engine.ports import Detection

        return Detection(self._languages.get(text, "en"), 1.0)

    def plausible(self, text):
        return (self.detect(text),)


def test_a_model_without_constants_is_refused_and_its_plain_cosines_can_be_had():
    hashed = HashEmbedder()
    with pytest.raises(InvalidInput, match="'hash' become probabilities is not known"):
        similarity(["a"], ["b"], embedder=hashed)
    plain = similarity(["a", "b"], ["a", "c"], embedder=hashed, raw=True)
    expected = np.vecdot(hashed.embed_queries(["a", "b"]), hashed.embed_queries(["a", "c"]))
    assert plain == pytest.approx(expected)
    assert plain.dtype == np.float32


@pytest.mark.parametrize(
    ("texts", "others", "options", "said"),
    [
        (["a"], ["b", "c"], {}, "one by one, got 1 and 2"),
        ("a", ["b"], {}, "texts is a list of texts, got 'a'"),
        (["a"], [" "], {}, r"others\[0\] is a text that is not empty"),
        (["a"], [None], {}, r"others\[0\] is a text that is not empty, got None"),
        (["a"], ["b"], {"language": "german"}, "a language is a code such as de"),
        (["a"], ["b"], {"raw": True, "language": "de"}, "no effect with raw"),
    ],
)
def test_what_can_not_be_is_refused(bundled_e5, texts, others, options, said):
    with pytest.raises(InvalidInput, match=said):
        similarity(texts, others, embedder=bundled_e5, **options)


def test_what_is_usual_is_taken_off_by_the_two_languages():
    """By hand: two languages with places 0.5 and 0.75."""
    scale = SimilarityScale(
        usual=0.1, by_places=0.8, spread=-0.5, at=0.2, slope=10.0, by_spread=-2.0
    )
    prior = LanguagePrior(
        ("aa", "ab"),
        np.array([[0.0, 0], [0.25, 0]], np.float32),
        np.array([0.5, 0], np.float32),
        similarity=scale,
    )
    one = Side(np.array([[1, 0]], np.float32), ["aa"])
    other = Side(np.array([[0.9, 0.1]], np.float32), ["ab"])
    usual = 0.1 + 0.8 * (0.5 * 0.75)
    spreads = np.log(1 - 0.25) + np.log(1 - 0.5625)
    odds = 10 * (0.9 - usual - 0.2) - 2 * (spreads + 1)
    assert compared(one, other, prior)[0] == pytest.approx(1 / (1 + np.exp(-odds)), abs=1e-5)
    unknown = Side(other.vectors, ["und"])  # in the middle, as far apart as usual
    usual = 0.1 + 0.8 * 0.25
    odds = 10 * (0.9 - usual - 0.2) - 2 * (np.log(0.75) - 0.5 + 1)
    assert compared(one, unknown, prior)[0] == pytest.approx(1 / (1 + np.exp(-odds)), abs=1e-5)


@pytest.mark.parametrize("raw", [False, True])
def test_of_no_texts_there_are_no_figures(bundled_e5, raw):
    def shape(texts, others, **options):
        found = similarity(texts, others, embedder=bundled_e5, raw=raw, **options)
        assert found.dtype == np.float32
        return found.shape

    assert shape([], []) == (0,)
    assert shape([], [], matrix=True) == (0, 0)
    assert shape([], ["Guten Tag."], matrix=True) == (0, 1)
    assert shape(["Good day.", "Hello."], [], matrix=True) == (2, 0)


def test_a_knowledge_base_compares_no_texts(tmp_path, real_components):
    with KnowledgeBase.open(tmp_path / "kb", components=real_components) as kb:
        assert kb.similarity([], []).shape == (0,)
        assert kb.similarity(["Good day."], [], matrix=True).shape == (1, 0)
