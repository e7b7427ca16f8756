"""The factors of a sweep: the keys that its overrides name, and that vary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from workbench.config import SETTINGS
from workbench.config.setting import Value
from workbench.sweep.hydra.composing.composer import Composer
from workbench.sweep.hydra.composing.resolving import leaves
from workbench.sweep.hydra.internals import Override

SET_BY_SEARCH = "training.bounds"  # from what other trials came to, so it is no factor


def keys_typed(jobs: Sequence[Sequence[str]], composer: Composer) -> list[tuple[str, ...]]:
    """The keys that the overrides of each job name, each once."""
    named = {text: _named(composer.parse(text), composer) for text in {text for job in jobs for text in job}}
    return [tuple(dict.fromkeys(key for text in job for key in named[text])) for job in jobs]


def _named(override: Override, composer: Composer) -> list[str]:
    """The keys that an override names: a group, a setting, or the settings of a section that it sets or deletes."""
    key = override.key_or_group
    if composer.is_choice(override):
        return [override.get_key_element().lstrip("+~")]
    if isinstance(given := override.value(), dict):
        return [name for name in (f"{key}.{leaf}" for leaf in leaves(given)) if name in SETTINGS]
    return [name for name in SETTINGS if name == key or name.startswith(key + ".")]


def factors_of(keys: Sequence[str], values: Sequence[Mapping[str, Value]]) -> list[dict[str, Value]]:
    """For each cell, the keys that vary over the sweep. Settings that an arm fixes are represented by the arm only."""
    columns = {key: [cell.get(key) for cell in values] for key in keys}
    varying = {key: column for key, column in columns.items() if len(set(column)) > 1 and key != SET_BY_SEARCH}
    if "arm" in varying:
        fixed = [key for key, column in varying.items() if key != "arm" and _follows(column, varying["arm"])]
        varying = {key: column for key, column in varying.items() if key not in fixed}
    return [{key: column[i] for key, column in varying.items()} for i in range(len(values))]


def _follows(column: Sequence[Value], arms: Sequence[Value]) -> bool:
    return len(set(zip(arms, column, strict=True))) == len(set(arms))
