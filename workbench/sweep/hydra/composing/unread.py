"""The settings and groups that a cell does not read, including those that are read only through an interpolation."""

from __future__ import annotations

import re
from collections.abc import Mapping

from workbench import places
from workbench.config import SECTIONS, SETTINGS, RunConfig, Unread, unread
from workbench.config.reading import either

# Settings that have an effect only through another one, as penalty.strength through penalty.l2.
SOURCES = tuple(key for key, setting in SETTINGS.items() if key.startswith("penalty.") and not setting.numbers)


def unread_of(
    config: RunConfig, choices: Mapping[str, str], interpolated: str, readers: Mapping[str, str]
) -> dict[str, Unread]:
    """The settings and groups a cell does not read. A group is not read if none of its settings is.

    `interpolated` is the text of its configuration's interpolations; `readers` is the result of `source_readers`.
    """
    found = unread(config)
    for section in SECTIONS:
        keys = [key for key in SETTINGS if key.startswith(f"{section}.") and SETTINGS[key].numbers]
        if keys and all(key in found for key in keys):
            found[section] = found[keys[0]]
    for key in SOURCES:
        if "penalty" in found:
            found[key] = found["penalty"]
        elif not _named_in(key, interpolated):
            found[key] = Unread(f"penalty={choices.get('penalty', config.penalty.name)}", readers[key])
    return found


def source_readers() -> dict[str, str]:
    """For each of `SOURCES`, the choices of penalty whose files take a value from it, as they are typed."""
    files = [file for folder in places.both("conf") for file in sorted(folder.glob("penalty/*.yaml"))]
    texts = {file.stem: file.read_text(encoding="utf-8", errors="replace") for file in files}
    named = {key: [choice for choice, text in texts.items() if _named_in(key, text)] for key in SOURCES}
    return {key: f"penalty={either(names)}" if names else "a penalty that names it" for key, names in named.items()}


def _named_in(key: str, text: str) -> bool:
    """Whether an interpolation in the text names the setting, by its whole key or relative to its section."""
    return re.search(rf"\$\{{[^\n]*\b{re.escape(key.rpartition('.')[2])}\b", text) is not None
