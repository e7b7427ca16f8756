"""Texts that carry two languages: English, which is the text itself, and Traditional Chinese beside it.

Every sentence is made from a key of the two tables `english.toml` and `chinese.toml`, with named placeholders. A page
shows both, and its switch decides which is seen; a terminal, a file and a JSON document have the English.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Sequence
from functools import cache
from importlib.resources import files

from markupsafe import Markup

SHORT_WORDS = "words"  # the section of words and headings that are their own keys
ELLIPSIS = "\u2026"
_HAN, _PUNCTUATION = r"\u3400-\u9fff", "\uff0c\u3002\u3001\uff1b\uff1a\uff08\uff09\u300c\u300d\uff1f\uff01"
_LATIN = r"A-Za-z0-9"
_WORD, _ALWAYS_LARGE = re.compile(r"\w+"), re.compile(r"\w*[A-Z]\w*[A-Z0-9]\w*")
_SQUEEZED = re.compile(rf"[ \u00a0]*([{_PUNCTUATION}])[ \u00a0]*|(?<=[{_HAN}]) +(?=[{_HAN}])")
_MEETING = re.compile(rf"(?<=[{_HAN}])(?=[{_LATIN}\u00b1\u2212+|<])|(?<=[{_LATIN}%\u00b2)\u2019|])(?=[{_HAN}])")


class Words(str):
    """An English text with its Chinese one. To every other program it is the English; HTML gets both.

    Joining, slicing or an f-string gives the English alone: sentences are made by `say`, lists by `joined`.
    """

    chinese: str

    def __new__(cls, english: str, chinese: str) -> Words:
        made = super().__new__(cls, english)
        made.chinese = chinese
        return made

    def __getnewargs__(self) -> tuple[str, str]:  # type: ignore[override]
        return str.__str__(self), self.chinese

    def __str__(self) -> str:
        return self  # Matplotlib asks every text for this, and would lose the Chinese

    def __html__(self) -> Markup:
        return both(str.__str__(self), self.chinese)

    def lower(self) -> Words:
        """The English in small letters, but for what is always large: GPU, ReLU, R2. Chinese has but one kind."""
        return Words(_small(self), self.chinese)

    def capitalize(self) -> Words:
        """The English with its first letter large and the others small, but for what is always large."""
        english = _small(self)
        return Words(english[:1].upper() + english[1:], self.chinese)


def _small(text: str) -> str:
    return _WORD.sub(lambda word: word[0] if _ALWAYS_LARGE.fullmatch(word[0]) else word[0].lower(), str.__str__(text))


def both(english: str, chinese: str) -> Markup:
    """Two texts, each marked with its language, of which the page's style shows one."""
    return Markup('<span class="en" lang="en">{}</span><span class="zh" lang="zh-Hant">{}</span>').format(
        english, chinese
    )


def in_few_letters(text: str) -> Markup:
    """A text for a table of many rows: as `both`, without naming the language of every cell."""
    if not isinstance(text, Words):
        return Markup.escape(text)
    return Markup("<span class=en>{}</span><span class=zh>{}</span>").format(str.__str__(text), text.chinese)


def chinese_of(text: object) -> str:
    """The Chinese of a text; the text itself if it is the same in all languages, like a name or a number."""
    return text.chinese if isinstance(text, Words) else str(text)


@cache
def table(language: str) -> dict[str, str]:
    """The wordings of "english" or "chinese" by their keys, "section.name"; words that are their own key stand under
    that.
    """
    sections = tomllib.loads(files(__package__).joinpath(f"{language}.toml").read_text(encoding="utf-8"))
    return {
        (name if section == SHORT_WORDS else f"{section}.{name}"): text
        for section, held in sections.items()
        for name, text in held.items()
    }


def say(key: str, /, **parts: object) -> Words:
    """The sentence of that key with its placeholders filled. A part that carries both languages gives each its own."""
    english, chinese = table("english")[key], table("chinese")[key]
    if not parts:
        return Words(english, chinese)
    other = {name: part.chinese if isinstance(part, Words) else part for name, part in parts.items()}
    return Words(english.format(**parts), spaced(chinese.format(**other)))


def sentence(key: str, /, **parts: object) -> Markup:
    """The same for a page: a part that is markup stays so, everything else is escaped."""
    return both(*(Markup(Markup.escape(table(one)[key])).format(**parts) for one in ("english", "chinese")))


def templates(key: str) -> Markup:
    """The templates of a sentence that a script fills, as attributes of an element: `data-en` and `data-zh`."""
    return Markup('data-en="{}" data-zh="{}"').format(table("english")[key], table("chinese")[key])


def recognised(text: str) -> str:
    """A text that the store holds in English, in both languages if it is one of the sentences under "stored"."""
    for key, pattern in _stored():
        if found := pattern.fullmatch(text):
            return say(key, **found.groupdict())
    return text


@cache
def _stored() -> list[tuple[str, re.Pattern[str]]]:
    held = {key: text for key, text in table("english").items() if key.startswith("stored.")}
    return [(key, re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+)", re.escape(text)))) for key, text in held.items()]


def word(text: str) -> str:
    """A word or heading that is its own key, in both languages; the text as it is if the tables do not know it."""
    if isinstance(text, Words):
        return text
    chinese = table("chinese").get(text)
    return text if chinese is None else Words(text, chinese)


def counted(count: int, thing: str, fallback: Callable[[], str]) -> str:
    """So many of a thing: the forms of "counted.<thing>", for one and for more; `fallback` if there is no such key."""
    forms = table("english").get(f"counted.{thing}")
    if forms is None:
        return fallback()
    one, _, more = forms.partition("|")
    return Words((one if count == 1 else more).format(count=count), say(f"counted.{thing}", count=count).chinese)


def begun(text: str) -> str:
    """The text as a sentence begins: with a large letter."""
    english = text[:1].upper() + text[1:]
    return Words(english, text.chinese) if isinstance(text, Words) else english


def joined(parts: Sequence[str], english: str = " ", chinese: str = "") -> str:
    """Texts one behind the other, with what each language has between them. Empty ones are left out."""
    kept = [part for part in parts if part]
    if not any(isinstance(part, Words) for part in kept) and (english == chinese or len(kept) < 2):
        return english.join(kept)
    return Words(english.join(kept), spaced(chinese.join(map(chinese_of, kept))))


def commas(parts: Sequence[str]) -> str:
    """Texts as a list within a sentence."""
    return joined(parts, ", ", "\u3001")


def semicolons(parts: Sequence[str]) -> str:
    """Texts as a list of clauses."""
    return joined(parts, "; ", "\uff1b")


def cut(text: str, most: int, at_the_end: bool = True) -> str:
    """The text in at most so many letters, with an ellipsis for what is missing."""
    if isinstance(text, Words):
        return Words(_cut(str.__str__(text), most, at_the_end), _cut(text.chinese, most, at_the_end))
    return _cut(text, most, at_the_end)


def _cut(text: str, most: int, at_the_end: bool) -> str:
    if len(text) <= most:
        return text
    return text[: most - 1] + ELLIPSIS if at_the_end else ELLIPSIS + text[1 - most :]


def spaced(text: str) -> str:
    """A Chinese text with a space between Han and Latin letters or numbers, and none beside full-width punctuation."""
    return _MEETING.sub(" ", _SQUEEZED.sub(lambda found: found[1] or "", text))


def attribute(name: str, text: str) -> Markup:
    """An attribute of HTML in English, and its Chinese as another one, which the page's script puts in its place."""
    made = Markup('{}="{}"').format(name, str.__str__(text))
    if not isinstance(text, Words):
        return made
    return made + Markup(' data-zh-{}="{}"').format(name, text.chinese)
