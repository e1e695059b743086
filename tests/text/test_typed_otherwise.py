"""Questions typed without marks: what a passage stores meets the stems that they give."""

from __future__ import annotations

import pytest

from rag_engine.text.analysis import analyse, lexical_terms, stem_term
from rag_engine.text.stemming import plain_stems


def missing(question, passage, language):
    """Return the stems of a question that a passage does not store."""
    stored = set(lexical_terms(passage, language))
    wanted = [token.stem for token in analyse(question, language) if not token.stop]
    assert wanted
    return [stem for stem in wanted if stem_term(language, stem) not in stored]


@pytest.mark.parametrize(
    ("language", "typed", "written"),
    [
        ("vi", "may bom nuoc", "Máy bơm nước đặt ngoài vườn."),
        ("vi", "dong ho dien", "Đồng hồ điện được kiểm tra hằng năm."),
        ("cs", "zarizeni necistoty vymena", "Výměna zařízení zachytí nečistoty."),
        ("sk", "vodomer cistenie", "Čistenie: vodomer"),
        ("tr", "sicaklik dusuk isi", "Düşük sıcaklık ve ısı."),
        ("tr", "calistirma dugmesi", "Çalıştırma düğmesi."),
        ("pl", "zolty przelacznik zrodlo", "Żółty przełącznik i źródło"),
        ("ro", "masina spalat tevi", "Mașină de spălat, țevi"),
        ("ro", "masina", "maşină"),
        ("fr", "ecrou serre pieces", "Écrou serré, pièces"),
        ("es", "valvula canon pequeno", "Válvula del cañón pequeño"),
        ("pt", "pressao botao ligacoes", "Pressão, botão, ligações"),
        ("de", "drucke lufter", "Drücke den Lüfter"),
        ("de", "druecke luefter grosse", "Drücke den Lüfter, große"),
        ("sv", "ror lackage", "Rör med läckage"),
        ("sv", "roer laeckage", "Rör med läckage"),
        ("da", "rod smoring", "Rød smøring"),
        ("da", "roed smoering", "Rød smøring"),
        ("no", "trykkmaler aapning", "Trykkmåler ved åpning"),
        ("fi", "pyora sailio", "Pyörä ja säiliö"),
        ("et", "poorlemine oli", "Pöörlemine õli"),
        ("is", "thrystingur aevi", "Þrýstingur, ævi"),
        ("hu", "szuro nyomasa utan", "Szűrő nyomása"),
        ("el", "πιεση νερου αντλια", "Πίεση νερού, αντλία"),
        ("yo", "eko omi", "Ẹ̀kọ́ omi"),
        ("az", "suzgec tezyiq", "Süzgəc, təzyiq"),
        ("az", "tazyiq", "təzyiq"),
        ("uk", "іжа ганок", "їжа, ґанок"),
        ("kk", "сузги кысым", "Сүзгі, қысым"),
        ("ar", "مضخه اناء", "مضخة وإناء"),
        ("fa", "اب", "آب"),
        ("lt", "siurblys vezimas", "Siurblys, vėžimas"),
    ],
)
def test_words_without_their_marks_are_found(language, typed, written):
    assert missing(typed, written, language) == []


def test_a_word_with_other_marks_is_not():
    assert missing("mã", "má", "vi") == ["mã"]
    assert missing("rør", "Rör", "sv") == ["rør"]


@pytest.mark.parametrize(
    ("surface", "stem", "language"),
    [
        ("pump", "pump", "en"),
        ("насос", "насос", "ru"),
        ("ポン", "ポン", "ja"),
        ("cap", "cap", "vi"),
    ],
)
def test_a_word_without_marks_is_stored_once(surface, stem, language):
    assert plain_stems(surface, stem, language) == ()


def test_what_a_question_looks_for_is_as_it_was_typed():
    assert [token.stem for token in analyse("giấy rør", "vi")] == ["giấy", "rør"]
