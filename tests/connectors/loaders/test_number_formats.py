"""Numbers and texts of cells in the format codes of spreadsheets."""

from __future__ import annotations

import pytest

from rag_engine.connectors.loaders.parsing.number_formats import shown, shown_text

LAKHS = r"[>=10000000]##\,##\,##\,##0.00;[>=100000]##\,##\,##0.00;##,##0.00"
PHONE = "[<=9999999]###-####;(###) ###-####"
ACCOUNT = '_-* #,##0.00 "€"_-;-* #,##0.00 "€"_-;_-* "-"?? "€"_-;_-@_-'
CHOICE = '[=1]"ja";[=0]"nein";"offen"'


@pytest.mark.parametrize(
    ("value", "code", "text"),
    [
        (5, "@", "5"),  # a number in a column of texts
        (5, "0;@", "5"),
        (12_345_678.5, LAKHS, "1,23,45,678.50"),
        (150_000, LAKHS, "1,50,000.00"),
        (1_500, LAKHS, "1,500.00"),
        (5_551_234, PHONE, "555-1234"),
        (2_125_551_234, PHONE, "(212) 555-1234"),
        (1, CHOICE, "ja"),
        (0, CHOICE, "nein"),
        (7, CHOICE, "offen"),
        (150, '[>100]"hoch";0', "hoch"),
        (-10, '[>100]"hoch";0', "-10"),
        (7, '[<5]"a";[<10]"b";"c"', "b"),
        (-1234.5, ACCOUNT, "-1,234.50 €"),
        (0, ACCOUNT, "- €"),
        (-3, '0;(0);"none"', "(3)"),
        (5, ";;;", ""),
        (5, "# ##0", "5"),
        (1_234_567, "# ##0", "1234 567"),
        (123_456_789, "000-00-0000", "123-45-6789"),
        (89, "000-00-0000", "000-00-0089"),
        (2.5, "# ?/?", "2 1/2"),
        (-0.5, '# ?/?" l"', "-1/2 l"),
        (1.25, "# ?/8", "1 2/8"),
        (1.5, "?/?", "3/2"),
        (3, "# ??/??", "3"),
        (30 / 24 + 5 / 1440, "[h]:mm", "30:05"),
        (-0.25, "[h]:mm", "-6:00"),
        (1.5 / 86_400, "[ss].00", "01.50"),
        (45_725, 'yyyy"-"mm;@', "2025-03"),
    ],
)
def test_a_number_is_written_as_it_is_shown(value: float, code: str, text: str) -> None:
    assert shown(value, code) == text


@pytest.mark.parametrize(
    ("code", "text"),
    [("General", "a"), ("@", "a"), ('"Nr. "@', "Nr. a"), ("0;-0;0;[Red]@", "a"), (";;;", "")],
)
def test_a_text_is_written_as_it_is_shown(code: str, text: str) -> None:
    assert shown_text("a", code) == text
