"""Texts of experiment files and sweep files in Chinese, from the table that lies beside the experiment files.

Captions, remarks, names of arms and titles of sweeps are a person's words, so no table of ours can hold them. A file
`experiments/texts.zh-Hant.json` maps each English text to its Chinese one, with `{}` for a number and `{text}` for
another text of the table, since experiment files put texts together; both in their order. What it lacks stays English.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from workbench import places
from workbench.report.language.words import Words, chinese_of, joined, spaced, word
from workbench.sweep.execution.log import say

TRANSLATED_TEXTS = "texts.zh-Hant.json"  # beside the experiment files: English text -> the same in Chinese
NUMBER, TEXT = "{}", "{text}"  # stand for a number in such a text, and for another text of the table
_PLACE = re.compile(r"(\{\}|\{text\})")


def translated(text: str, chinese: str = "") -> str:
    """The text in both languages if `chinese`, our tables or the experiments' table tell it; else as it is.

    What has several parts with commas between, like "sigmoid, fan-in weights, 8 layers", is told by its parts if each
    is known or a single word.
    """
    if not text or isinstance(text, Words):
        return text
    if chinese:
        return Words(text, chinese)
    if (known := _told(text)) is not None:
        return known
    parts = text.split(", ")
    told = [_told(part) for part in parts]
    if not any(told) or any(one is None and " " in part for one, part in zip(told, parts, strict=True)):
        return text
    return joined([one or part for one, part in zip(told, parts, strict=True)], ", ", "\uff0c")


def _told(text: str) -> Words | None:
    if isinstance(known := word(text), Words):
        return known
    for folder in places.both("experiments"):
        file = folder / TRANSLATED_TEXTS
        if file.exists() and (found := _table(file, file.stat().st_mtime_ns).find(text)):
            return Words(text, found)
    return None


@dataclass(frozen=True)
class _Texts:
    """English texts with their Chinese: exact ones, and patterns with numbers in place of `{}`, texts of `{text}`."""

    exact: Mapping[str, str]
    patterns: Sequence[tuple[re.Pattern[str], str]]

    def find(self, text: str) -> str:
        """The Chinese of a text; "" if it is not there."""
        if text in self.exact:
            return self.exact[text]
        for pattern, chinese in self.patterns:
            if (found := pattern.fullmatch(text)) and (filled := _filled(chinese, found.groupdict())):
                return filled
        return ""


def _filled(chinese: str, parts: Mapping[str, str]) -> str:
    """The Chinese text with the parts of the English one in its places; "" if one of them has no translation."""
    numbers = iter([part for name, part in parts.items() if name.startswith("number")])
    held = [translated(part) for name, part in parts.items() if name.startswith("text")]
    if not all(isinstance(part, Words) for part in held):
        return ""
    told = iter(map(chinese_of, held))
    return spaced(_PLACE.sub(lambda place: next(numbers if place[0] == NUMBER else told), chinese))


def _pattern(english: str) -> re.Pattern[str]:
    """What matches a text with numbers and texts in its places."""
    parts = []
    for number, part in enumerate(_PLACE.split(english)):
        if part == NUMBER:
            parts.append(rf"(?P<number{number}>[\d.,e+-]*\d)")
        else:
            parts.append(f"(?P<text{number}>.+)" if part == TEXT else re.escape(part))
    return re.compile("".join(parts))


@lru_cache(maxsize=8)
def _table(file: Path, _changed: int) -> _Texts:
    """The texts of one file; none of a broken one, which is said once."""
    try:
        held = json.loads(file.read_text(encoding="utf-8"))
        exact = {str(english): str(chinese) for english, chinese in held.items()}
    except (OSError, ValueError, AttributeError) as error:
        say(f"{file.parent.name}/{file.name} cannot be read: {error}; allowed is {{text: text}}; it is left out")
        exact = {}
    patterns = [
        (_pattern(english), chinese)
        for english, chinese in exact.items()
        if (inside := sorted(_PLACE.findall(english))) and inside == sorted(_PLACE.findall(chinese))
    ]
    return _Texts(exact, patterns)
