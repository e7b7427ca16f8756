"""Texts of experiment files and sweep files in Chinese, from the table that lies beside the experiment files.

Captions, remarks, names of arms and titles of sweeps are a person's words, so no table of ours can hold them. A file
`experiments/texts.zh-Hant.json` maps each English text to its Chinese one; a text that it lacks stays English.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

from workbench import places
from workbench.report.language.words import Words, word
from workbench.sweep.execution.log import say

TRANSLATED_TEXTS = "texts.zh-Hant.json"  # beside the experiment files: English text -> the same in Chinese


def translated(text: str, chinese: str = "") -> str:
    """The text in both languages if `chinese`, our tables or the experiments' table tell it; else as it is."""
    if not text or isinstance(text, Words):
        return text
    if chinese:
        return Words(text, chinese)
    if isinstance(known := word(text), Words):
        return known
    for folder in places.both("experiments"):
        file = folder / TRANSLATED_TEXTS
        if file.exists() and (found := _table(file, file.stat().st_mtime_ns).get(text)):
            return Words(text, found)
    return text


@lru_cache(maxsize=8)
def _table(file: Path, _changed: int) -> dict[str, str]:
    """The texts of one file; none of a broken one, which is said once."""
    try:
        held = json.loads(file.read_text(encoding="utf-8"))
        return {str(english): str(chinese) for english, chinese in held.items()}
    except (OSError, ValueError, AttributeError) as error:
        say(f"{file.parent.name}/{file.name} cannot be read: {error}; allowed is {{text: text}}; it is left out")
        return {}
