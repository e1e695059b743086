"""Numbers in words meet digits, in one language and across languages."""

from __future__ import annotations

import pytest

from rag_engine.text.analysis import analyse, lexical_terms, neutral_term
from rag_engine.text.number_words import number_words


@pytest.mark.parametrize(
    ("language", "text", "number"),
    [
        ("en", "The filter lasts twelve months.", "12"),
        ("en", "A hundred pumps", "100"),
        ("de", "Die Garantie gilt zwölf Monate.", "12"),
        ("de", "neunundneunzig Pumpen", "99"),
        ("es", "La garantía dura doce meses.", "12"),
        ("fr", "pendant quinze jours", "15"),
        ("it", "per quattordici giorni", "14"),
        ("cs", "dvanáct měsíců", "12"),
        ("pl", "przez dwanaście miesięcy", "12"),
        ("ru", "двенадцать месяцев", "12"),
        ("uk", "п’ять років", "5"),
        ("fi", "kaksitoista kuukautta", "12"),
        ("he", "עשרים ימים", "20"),
        ("kk", "жиырма күн", "20"),
        ("bn", "বারো মাস", "12"),
    ],
)
def test_a_number_in_words_is_stored_in_digits(language, text, number):
    assert neutral_term(language, number) in lexical_terms(text, language)
    assert number in {token.surface for token in analyse(text, language) if token.neutral}


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "two hundred pumps, 3 thousand filters, twenty five"),
        ("de", "Der Elf gab acht."),
        ("it", "Tu sei qui."),
        ("vi", "năm nay"),
        ("xx", "twelve"),
    ],
)
def test_parts_of_numbers_and_other_words_are_left_alone(language, text):
    digits = {token.surface for token in analyse(text, language) if token.surface.isdecimal()}
    assert digits <= {"3"}


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "twenty-one pumps and one hundred and five filters"),
        ("fr", "vingt-cinq pompes, trente et un jours, quatre-vingt-dix euros"),
        ("es", "treinta y cinco, mil novecientos ochenta y cuatro"),
        ("pt", "vinte e um"),
        ("ru", "двадцать один, двадцать пять"),
        ("cs", "dvacet pět"),
        ("he", "עשרים ואחת"),
        ("ar", "عشرون وواحد"),
        ("id", "seratus lima"),
        ("pl", "piec gazowy"),
        ("ro", "mie îmi place"),
    ],
)
def test_a_part_of_a_number_is_not_that_number(language, text):
    assert not [token for token in analyse(text, language) if token.surface.isdecimal()]


@pytest.mark.parametrize(
    ("language", "text", "numbers"),
    [
        ("en", "between two and five", ["2", "5"]),
        ("en", "between twenty and thirty, a hundred in all", ["20", "30", "100"]),
        ("es", "entre once y doce", ["11", "12"]),
        ("fr", "quinze et seize", ["15", "16"]),
    ],
)
def test_two_numbers_are_not_one(language, text, numbers):
    assert [each.surface for each in analyse(text, language) if each.surface.isdecimal()] == numbers


@pytest.mark.parametrize("language", ["en", "de", "ru", "sk", "tr"])
def test_every_word_is_one_number(language):
    words = number_words(language)
    assert len(words) > 10
    assert all(2 <= int(digits) <= 1_000 for digits in words.values())
    for word, digits in words.items():
        assert [token.surface for token in analyse(word, language)] == [word, digits]
