"""Checks of overrides before Hydra composes them: syntax, settings that may be set, and values that Hydra would read as
something else.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence
from difflib import get_close_matches

from hydra.errors import HydraException

from workbench import places
from workbench.config import SECTIONS, SETTINGS, allowed, unknown
from workbench.engine.errors import BadInput
from workbench.sweep.hydra.internals import ChoiceSweep, Override, OverridesParser, RangeSweep, in_single_quotes
from workbench.sweep.hydra.swept_values import check_swept

# The settings of Hydra that have an effect here. The others are about files and logs that we do not keep.
CONTROLLERS = {"hydra/sweeper": "", "hydra/launcher": " (who trains is chosen by executor=)"}
OF_HYDRA = (*CONTROLLERS, "hydra.searchpath")
SWEEPER = "hydra.sweeper."
MOST_CELLS = 1_000_000
LONGEST_KEY = 200  # characters: Hydra looks for a file with the key's name
LONGEST_VALUE = 20_000  # characters of a key or value that are read; Hydra's parser takes seconds for more


def check(texts: Sequence[str], sweeps: Sequence[str] = ()) -> None:
    """Raise BadInput for the first override that cannot be parsed, may not be set, or would be read as another value.

    `sweeps` are the names of the sweep files. The error for a bare one explains how to choose it.
    """
    for text in texts:
        override = read(text, sweeps)
        key = override.key_or_group
        if override.is_hydra_override() or key == "hydra":
            check_hydras(key, text)
            if key.startswith(SWEEPER) and override.is_sweep_override():
                raise BadInput(f"{text}: a list of the sweeper stands in brackets; allowed: {key}=[a,b]")
            if key in CONTROLLERS and not override.is_sweep_override():
                check_controller(key, str(override.value()))
        elif override.is_delete():
            if key in SETTINGS or key in SECTIONS:
                raise BadInput(f"{text}: a setting cannot be deleted; without an override it has its default")
        else:
            _check_name_of_choice(override)
            for value in [] if override.is_sweep_override() else [override.value()]:
                _check_as_written(override, value)
            check_swept(override)
        size(override)


def read(text: str, sweeps: Sequence[str] = ()) -> Override:
    """One override, parsed by Hydra's grammar. The BadInput that it raises explains what to type instead."""
    if len(key := text.partition("=")[0].lstrip("+~")) > LONGEST_KEY:
        raise BadInput(unknown(key))
    if len(text) > LONGEST_VALUE:
        raise BadInput(f"{shortened(text)}: {len(text):,} characters; allowed: at most {LONGEST_VALUE:,}")
    try:
        override = OverridesParser.create().parse_override(text)
    except (HydraException, RecursionError) as error:
        raise BadInput(_unreadable(text, sweeps)) from error
    if not override.key_or_group:
        raise BadInput(f"{shortened(text)}: has no key; type key=value")
    return override


def size(override: Override) -> int:
    """How many values an override gives. Raises BadInput for a range that never ends."""
    sweep = override.value() if override.is_sweep_override() else None
    if isinstance(sweep, RangeSweep):
        start, stop, step = (float(bound) for bound in (sweep.start or 0, sweep.stop or 0, sweep.step))
        if step == 0 or not all(math.isfinite(bound) for bound in (start, stop, step)):
            raise BadInput(f"{override.input_line}: never ends; allowed: range(start,stop,step), the step not 0")
        return max(0, math.ceil((stop - start) / step))
    if isinstance(sweep, ChoiceSweep):
        return len(sweep.list)
    return 1


def refuse_too_many(overrides: Sequence[Override]) -> None:
    """Raise BadInput for a grid too large for memory. The later of two overrides of a key counts."""
    last = {override.key_or_group: override for override in overrides}
    cells = math.prod(max(size(override), 1) for override in last.values())
    if cells > MOST_CELLS:
        largest = max(last.values(), key=size)
        raise BadInput(
            f"{shortened(str(largest.input_line))}: the sweep has {cells:,} cells; allowed: at most {MOST_CELLS:,}"
        )


def for_a_shell(text: str) -> str:
    """A text quoted as one shell word."""
    plain = "'" in text and not set(text) & set('"$`\\!') and text.isprintable()
    return f'"{text}"' if plain else shlex.quote(text)


def shortened(text: str) -> str:
    """A text to be quoted in a message, cut to 200 characters."""
    return text if len(text) <= 200 else f"{text[:200]}…"


def _unreadable(text: str, sweeps: Sequence[str]) -> str:
    key, equals, value = text.partition("=")
    bare, shown = key.lstrip("+~"), shortened(text)
    if not equals:
        if text in sweeps:
            return f"{text}: has no =; a sweep is asked for by +sweep={text}"
        return f"{shown}: has no =; type key=value (all keys: workbench list keys)"
    if not bare:
        return f"{shown}: has no key; type key=value"
    if len(key) - len(bare) > 2:
        return f"{shown}: begins with more than ++; type {'+' if bare == 'sweep' else ''}{bare}={shortened(value)}"
    if not value.isprintable():
        return f"{shown}: cannot be read; allowed: characters that can be printed"
    if bare not in SETTINGS:
        known = bare.isascii() and bare.isidentifier()  # it may be a group of choices
        return f"{shown}: cannot be read{_quoted(key, value)}" if known else f"{shown}: {unknown(bare)}"
    setting = SETTINGS[bare]
    if setting.kind is str and not setting.choices:
        return f"{shown}: cannot be read{_quoted(key, value)}"
    several = "; several as 1,2,3 or range(start,stop,step)" if setting.kind in (int, float) else ""
    return f"{shown}: cannot be read; {bare} takes {allowed(setting)}{several}"


def _quoted(key: str, value: str) -> str:
    return f"; quote the value: {for_a_shell(f'{key}={in_single_quotes(value)}')}"


def check_hydras(key: str, text: str) -> None:
    """Raise BadInput for a setting of Hydra that has no effect here; `text` is the override, for the message."""
    if key in OF_HYDRA or (key.startswith(SWEEPER) and not key.startswith(SWEEPER + "_")):
        return
    close = get_close_matches(key, OF_HYDRA, n=1)
    guess = f"; did you mean {close[0]}?" if close else ""
    every = ", ".join([*OF_HYDRA, f"{SWEEPER}KEY"])
    raise BadInput(f"{shortened(text)}: cannot be set by a command{guess} (allowed of Hydra's: {every})")


def check_controller(group: str, name: str) -> None:
    """Raise BadInput for a sweeper or launcher that is not in a conf folder. Hydra's own would train run by run."""
    if places.find(f"conf/{group}", f"{name}.yaml") is None:
        files = [file.stem for folder in places.both("conf") for file in folder.glob(f"{group}/*.yaml")]
        every = ", ".join(dict.fromkeys(sorted(files)))
        raise BadInput(f"{group} is {shortened(name)!r}; allowed: one of {every}{CONTROLLERS[group]}")


def _check_name_of_choice(override: Override) -> None:
    """Refuse `optimizer.name=adam`, also within a dictionary: it keeps what the other choice set besides the name."""
    section, _, last = override.key_or_group.rpartition(".")
    key, equals, value = str(override.input_line).partition("=")
    if last == "name" and f"{section}.name" in SETTINGS:
        raise BadInput(_keeps_the_rest(shortened(key), section, for_a_shell(f"{section}{equals}{value}")))
    given = None if override.is_sweep_override() else override.value()
    if isinstance(given, dict) and "name" in given and f"{override.key_or_group}.name" in SETTINGS:
        choice = for_a_shell(f"{override.key_or_group}={given['name']}")
        raise BadInput(_keeps_the_rest(f"{shortened(key)}={{name: ...}}", override.key_or_group, choice))


def _keeps_the_rest(found: str, section: str, instead: str) -> str:
    return f"{found}: would keep what the other choice of {section} sets beside its name; type {instead}"


def _check_as_written(override: Override, value: object) -> None:
    """Refuse a text that Hydra reads as a number: 1e5 would become 100000.0."""
    setting = SETTINGS.get(override.key_or_group)
    written = str(override.input_line).partition("=")[2].strip()
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if setting and setting.kind is str and number and str(value) != written:
        raise BadInput(f"{override.input_line}: is read as the number {value}{_quoted(override.key_or_group, written)}")
