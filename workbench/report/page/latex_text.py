"""Any text as LaTeX prints it."""

from __future__ import annotations

import re
import unicodedata

_SPECIAL = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "`": r"\textasciigrave{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}",  # the usual encoding has other marks there
    "[": "{[}", "*": "{*}",  # after the end of a row they would be read as its option
}  # fmt: skip
_MARKS = {
    "\u00a0": "~", "\u202f": r"\,", "\u2009": r"\,", "\u2010": "-", "\u2011": "-", "\u2013": "--", "\u2014": "---",
    "\u2018": "`", "\u2019": "'", "\u201c": "``", "\u201d": "''", "\u2026": r"\ldots{}",
    "\u00b7": r"\textperiodcentered{}", "\u00b0": r"\textdegree{}",
    "\u00b9": r"\textsuperscript{1}", "\u00b2": r"\textsuperscript{2}",
    "\u00b3": r"\textsuperscript{3}", "\u2070": r"\textsuperscript{0}", "\u207b": r"\textsuperscript{-}",
    **{chr(0x2070 + digit): rf"\textsuperscript{{{digit}}}" for digit in range(4, 10)},
}  # fmt: skip
_MATHEMATICS = {
    "\u2212": "-", "\u00d7": r"\times", "\u00f7": r"\div", "\u00b1": r"\pm", "\u00b5": r"\mu", "\u2192": r"\rightarrow",
    "\u2190": r"\leftarrow", "\u2264": r"\leq", "\u2265": r"\geq", "\u2260": r"\neq", "\u2248": r"\approx",
    "\u221e": r"\infty", "\u2208": r"\in", "\u2211": r"\sum", "\u2202": r"\partial", "\u2207": r"\nabla",
    "\u221a": r"\surd", "\u2217": r"\ast",
}  # fmt: skip
_GREEK = """
alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau upsilon phi chi psi
omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega
"""
_CHARACTERS = re.compile("(-)(?=-)|.", re.DOTALL)
_LAST_LATIN = 0x17F  # up to here LaTeX sets letters with accents by itself


def escaped(text: str) -> str:
    """A text as LaTeX prints it, each hyphen a hyphen. Line breaks and tabs become spaces; other control characters are
    left out.

    Letters of other scripts than Latin and Greek stay as they are: see `beyond_latin`.
    """
    return _CHARACTERS.sub(lambda found: "-{}" if found[1] else _one(found[0]), text)


def beyond_latin(text: str) -> bool:
    """Whether a text that is escaped holds letters for which pdfLaTeX has no font."""
    return any(ord(one) > _LAST_LATIN for one in text)


def _one(character: str) -> str:
    if character in _AS_WRITTEN:
        return _AS_WRITTEN[character]
    if character.isspace():
        return " "
    return "" if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn") else character


def _greek(name: str) -> tuple[str, str]:
    size = "CAPITAL" if name[0].isupper() else "SMALL"
    word = {"lambda": "lamda"}.get(name.lower(), name.lower())
    return unicodedata.lookup(f"GREEK {size} LETTER {word.upper()}"), "o" if name == "omicron" else f"\\{name}"


_AS_WRITTEN = {
    **_SPECIAL,
    **_MARKS,
    **{character: f"${command}$" for character, command in (*_MATHEMATICS.items(), *map(_greek, _GREEK.split()))},
}
