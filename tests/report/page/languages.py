"""A page as somebody reads it who has chosen Chinese: what is left in English, apart from names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html.parser import HTMLParser

from markupsafe import Markup

from workbench.config import SETTINGS
from workbench.engine.rules.activations import ACTIVATIONS
from workbench.engine.rules.initializers import INITIALIZERS
from workbench.engine.rules.optimizers import OPTIMIZERS
from workbench.report.language.texts import translated

# Terms that are names in Chinese too, as in the notes, and libraries and works by their names.
TERMS = (
    "Workbench", "MLflow", "mlflow ui", "LaTeX", "NumPy", "numpy", "scipy", "hydra-core", "hydra", "mlflow", "Adam",
    "ReLU", "leaky ReLU", "parametric ReLU", "He", "Glorot", "Holm", "Fisher", "Student", "Spearman", "Gini",
    "logistic regression", "forward pass", "backward pass", "cross-entropy", "fan-in", "dropout", "softmax", "sigmoid",
    "maxout", "RMSProp", "Adagrad", "English", "alpha", "pp", "cpu", "digits", "blobs", "none", "null", "float32",
)  # fmt: skip
UNREAD = {"script", "style", "pre", "code"}  # what a program reads, or somebody types
VOID = {"meta", "br", "input", "img", "link", "hr"}
CELLS = {"td", "th", "tr"}  # HTML lets their end tags be left out
ATTRIBUTES = ("aria-label", "title", "alt", "placeholder")
_SENTENCE = re.compile(r"[A-Za-z]{2,}(?:(?:[ \u00a0,;:'\u2019()-]|\. )+[A-Za-z]{2,})+")

_WORD = re.compile(r"[A-Za-z]{3,}")


def said(text: str) -> Markup:
    """A text as a page has it, in both languages if it is translated."""
    return Markup.escape(translated(text))


class Chinese(HTMLParser):
    """The texts of a page in Chinese: of its elements, its figures among them, and of attributes that are read."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._open: list[tuple[str, bool]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        held = dict(attrs)
        while tag in CELLS and self._open and self._open[-1][0] in CELLS - {"tr"} | ({"tr"} if tag == "tr" else set()):
            self._open.pop()
        hidden = any(one for _, one in self._open) or tag in UNREAD or "en" in (held.get("class") or "").split()
        if not hidden:
            self.texts += [held.get(f"data-zh-{name}") or held[name] or "" for name in ATTRIBUTES if name in held]
        if tag == "title" and (title := held.get("data-zh")):
            self.texts.append(title)
            hidden = True
        if tag not in VOID:
            self._open.append((tag, hidden))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not any(hidden for _, hidden in self._open):
            self.texts.append(data)


def left_in_english(page: str, names: Iterable[str] = ()) -> list[str]:
    """Two words of English or more that stand together in the Chinese page, without names. `names` are those of the
    sweep: its title, its values, what a program reported.
    """
    return _left(page, names, _SENTENCE)


def single_words_left(page: str, names: Iterable[str] = ()) -> list[str]:
    """Words of English that stand in the Chinese page, be it one by itself, without names: what a figure labels."""
    return _left(page, names, _WORD)


def _left(page: str, names: Iterable[str], pattern: re.Pattern[str]) -> list[str]:
    known = {*names, *TERMS, *ACTIVATIONS, *INITIALIZERS, *OPTIMIZERS, *SETTINGS}
    held = "|".join(re.escape(name) for name in sorted(known, key=len, reverse=True) if name)
    named = re.compile(rf"(?<![A-Za-z])(?:{held})(?![A-Za-z])")
    texts = (named.sub("\u00a7", text) for text in dict.fromkeys(Chinese(page).texts))
    return [text.strip() for text in texts if pattern.search(text)]
