"""The languages that widespread multilingual encoders were trained on.

Those of XLM-R (Conneau et al. 2020, appendix A) in the codes of this package; multilingual-E5 saw
about 94 of them, LaBSE and BGE-M3 much the same. A detector may know many more.
"""

from __future__ import annotations

__all__ = ["ENCODER_LANGUAGES"]

ENCODER_LANGUAGES = frozenset(
    code
    for line in (
        "af am ar as az be bg bn br bs ca cs cy da de el en eo es et eu fa fi fr fy ga gd gl gu ha",
        "he hi hr hu hy id is it ja jv ka kk km kn ko ku ky la lo lt lv mg mk ml mn mr ms my ne nl",
        "no om or pa pl ps pt ro ru sa sd si sk sl so sq sr su sv sw ta te th tl tr ug uk ur uz vi",
        "xh yi zh",
    )
    for code in line.split()
)
