"""Text and what is none: fonts that do not tell which letters they draw."""

from __future__ import annotations

import random
from inspect import getsource

import pytest

from rag_engine.connectors.loaders.parsing import html_text
from rag_engine.text.legible import illegible

ENGLISH = (
    "The pump delivers three hundred litres of water each minute and weighs twelve kilograms. "
    "Before winter it must be emptied, or the frost will break the housing. Its cable is ten "
    "metres long, and a float stops it when the shaft runs dry."
)
RUSSIAN = (
    "Насос подаёт триста литров воды в минуту и весит двенадцать килограммов. Перед зимой его "
    "нужно опорожнить, иначе мороз разорвёт корпус. Длина кабеля десять метров."
)
JAPANESE = "ポンプは毎分三百リットルの水を送り、重さは十二キログラムです。冬の前に水を抜きます。"


def by_glyph(text: str) -> str:
    """As the numbers of glyphs of a TrueType font, which begin with the blank as 3."""
    return "".join(chr(ord(sign) - 29) for sign in text)


def in_order(text: str, first: str) -> str:
    """As a subset of a font numbers its glyphs, by their first use."""
    numbers: dict[str, str] = {" ": " "}
    return "".join(numbers.setdefault(sign, chr(ord(first) + len(numbers) - 1)) for sign in text)


@pytest.mark.parametrize(
    "garbled",
    [
        by_glyph(ENGLISH),
        by_glyph(ENGLISH).replace("\x03", " "),
        in_order(ENGLISH, "!"),
        in_order(RUSSIAN, "!"),
        in_order(ENGLISH, "\ue000"),
        in_order(JAPANESE * 2, "\u00c0"),
        RUSSIAN.encode("cp1251").decode("cp1252", "replace"),
        "".join(chr(0x100 + 37 * (ord(sign) % 64)) if sign > " " else sign for sign in ENGLISH),
        "\ufffd" * 20,
    ],
)
def test_what_is_no_text(garbled: str):
    assert illegible(garbled) is not None


NUMBERS = random.Random(3)
LEGIBLE = [
    ENGLISH,
    ENGLISH.upper(),
    RUSSIAN,
    JAPANESE,
    "Máy bơm đẩy ba trăm lít nước mỗi phút và nặng mười hai ki-lô-gam; trước mùa đông phải xả hết.",
    "Szczęście źdźbła trzciny: chrząszcz brzmi w gęstwinie, a wstrząs zmniejsza ciśnienie.",
    "Wɔde nsu ahyɛ pɔmpɔ no mu ԑna ԑyԑ adwuma yie, nanso ԑsԑ sԑ wɔhwԑ so yie wɔ awɔw bere mu.",
    getsource(html_text),
    "\n".join(" ".join(f"{NUMBERS.uniform(-9, 99):.2f}" for _ in range(8)) for _ in range(30)),
    "C6H12O6 + 6 O2 → 6 CO2 + 6 H2O; 2 KMnO4 + 16 HCl → 2 KCl + 2 MnCl2 + 5 Cl2 + 8 H2O; Fe2(SO4)3",
    "ðə pʌmp dɪˈlɪvərz θriː ˈhʌndrəd ˈliːtəz əv ˈwɔːtər iːtʃ ˈmɪnɪt, ænd ɪt weɪz twɛlv ˈkɪləɡræmz",
    "∀x∈ℝ: |f(x)−f(y)| ≤ L·‖x−y‖; ∫₀^∞ e^{−x²} dx = √π/2; Σ aₙ² < ∞ ⇒ lim aₙ = 0; Δx ≠ 0, 5 μm",
    "GATTACA" * 60,
    "GCCGCATGGCGGCCTCCGGC " * 20,
    "pιsι kaɣ tɛmι sιyʋ pιkɛ nιmɔ " * 5,  # a Greek letter typed for a Latin one
    "\n".join(f"T[{n}] = {{0, 0, 1, {n}, 0, 0, 1, 0, 7}}; /* '&' */ -{n}," for n in range(20)),
    "1 Einleitung ................ 3\n2 Aufbau .................... 7\n",
    "WSHR PLN M8 ZN PLTD; SCRW HEX HD M6X20; GSKT EXH MNFLD; BRG BALL 6204 2RS; CTRL ARM LH",
    # What is no language, and is read all the same: proteins, molecules, keys, chassis numbers
    "MKTLLVLALLCLAAPAWAQDPHGCTSWKRNVEEFPQRSTYVHILKMNWPGDCSTQRVKHHNDSE " * 8,
    "CC(=O)OC1=CC=CC=C1C(=O)O CN1C=NC2=C1C(=O)N(C(=O)N2C)C CC(C)CC1=CC=C(C=C1)C(C)C " * 3,
    "XKCDR-QTPLM-VBNHG-WRTZX-PLKJH MNBVC-XZLKJ-HGFDS-PWRTY-QZXCV " * 6,
    "WDBUF65J55B128341 JTDKN3DU5A0123456 1HGBH41JXMN109186 WVWZZZ1JZXW386752 " * 4,
    "TWFuIGlzIGRpc3Rpbmd1aXNoZWQsIG5vdCBvbmx5IGJ5IGhpcyByZWFzb24sIGJ1dCBieSB0aGlz " * 8,
    # Scripts and transliterations that no code page has
    "brʾšyt brʾ ʾlhym ʾt hšmym wʾt hʾrṣ whʾrṣ hyth thw wbhw wḥšk ʿl pny thwm " * 4,
    "⠞⠓⠑ ⠟⠥⠊⠉⠅ ⠃⠗⠕⠺⠝ ⠋⠕⠭ ⠚⠥⠍⠏⠎ " * 8,
    "😀😃😄😁😆😅😂🤣☺️😊😇🙂🙃😉😌😍🥰😘 " * 4,
    # Source code that is mostly signs, and formulas
    r"^(?:[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*|(?:[\x01-\x08])*)@ " * 4,
    r"$_=~s/^\s+|\s+$//g; @a=map{$_->[0]}sort{$a->[1]<=>$b->[1]}map{[$_,f($_)]}@b; ${$x}{y}=\@z; "
    * 4,
    "⍳10 ⋄ +/⍳10 ⋄ ⌽⍵ ⋄ {⍵⍴⍺} ⋄ ⍋⍵ ⋄ ⊃⍵ ⋄ ∘.×⍨⍳9 ⋄ ⍉⍵ ⋄ (~R∊R∘.×R)/R←1↓⍳R " * 5,
    "∀x∈ℝ ∃y∈ℝ: x²+y²=1 ⇒ |x|≤1 ∧ |y|≤1; ∑ᵢ₌₁ⁿ xᵢ/n → μ, ∫₀^∞ e^{-x²}dx = √π/2 " * 4,
    "\x0c",
]


@pytest.mark.parametrize("text", LEGIBLE)
def test_what_is_text(text: str):
    assert illegible(text) is None
