"""Which settings a run reads: plain gradient descent reads no momentum, ReLU no slope.

What a choice reads stands in its own row (`reads` of an optimizer, an activation, an initializer, a schedule, a
dataset; `takes` of a measurement). This file holds only how settings of different families affect each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from workbench.config.families import Choices, table
from workbench.config.schema import SETTINGS, RunConfig
from workbench.config.setting import Value

TRAINING = "training"  # the `measure` of a run that is trained


@dataclass(frozen=True)
class Unread:
    """Why a run does not read a setting: `because` of another one, such as "optimizer=sgd"; `remedy` is the override
    with which it is read.
    """

    because: str
    remedy: str


def unread(config: RunConfig) -> dict[str, Unread]:
    """The settings that decide numbers in other runs but that this run does not read, each with the reason."""
    found = dict(_of_the_choices(config))
    if config.measure == TRAINING:
        return found
    return {**_not_measured(config.measure), **{key: found[key] for key in found if _by_section(key, config.measure)}}


def as_read(config: RunConfig) -> RunConfig:
    """The training run with every setting that it does not read at its default.

    Two runs that differ only in settings they do not read become equal.

    A measurement stays as it is.
    """
    if config.measure != TRAINING:
        return config
    changes: dict[str, dict[str, object]] = {}
    for key in unread(config):
        section, _, name = key.rpartition(".")
        if getattr(getattr(config, section), name) != SETTINGS[key].default:
            changes.setdefault(section, {})[name] = SETTINGS[key].default
    return replace(config, **{part: replace(getattr(config, part), **new) for part, new in changes.items()})


def idle(decided: Mapping[str, Value]) -> set[str]:
    """Those of a training run's settings that only other choices than its own read, and that have their default.

    `decided` are all settings that decide its numbers, with nothing left as "auto". Without these it is known as well:
    of a missing setting everybody takes the default. Settings of a choice that no table has are all kept.
    """
    if decided.get("measure", TRAINING) != TRAINING:
        return set()
    usual = {"optimizer.momentum_start": decided.get("optimizer.momentum")}  # which its default stands for
    return {
        key
        for key, (chooser, readers) in _governed().items()
        if key in decided
        and decided[key] == usual.get(key, SETTINGS[key].default)
        and decided.get(chooser) in table(SETTINGS[chooser].choices.family)  # type: ignore[union-attr]
        and decided[chooser] not in readers
    }


def _of_the_choices(config: RunConfig) -> Iterator[tuple[str, Unread]]:
    flat = {"network.name": config.network.name, "network.activation": config.network.activation,
            "network.init": config.network.init, "data.name": config.data.name,
            "optimizer.name": config.optimizer.name, "optimizer.schedule": config.optimizer.schedule}  # fmt: skip
    governed = _governed()
    for key, (chooser, readers) in governed.items():
        if flat[chooser] not in readers:
            typed = chooser.removesuffix(".name")
            yield key, Unread(f"{typed}={flat[chooser]}", f"{typed}={either(readers)}")
    yield from _of_the_ramp(config, governed["optimizer.momentum_ramp_epochs"][1])
    yield from _without_hidden_layers(config)
    yield from _of_unequal_widths(config)
    yield from _without_pooling(config)
    yield from _with_a_test_set(config)


def _of_the_ramp(config: RunConfig, readers: Sequence[str]) -> Iterator[tuple[str, Unread]]:
    ramp, start = "optimizer.momentum_ramp_epochs", "optimizer.momentum_start"
    if config.optimizer.name not in readers:
        return
    if config.optimizer.momentum_end_epochs == 0:
        ending = "optimizer.momentum_end_epochs"
        yield "optimizer.momentum_end", Unread(f"{ending}=0", f"{ending} of 1 or more")
    if config.optimizer.momentum_ramp_epochs == 0:
        yield start, Unread(f"{ramp}=0", f"{ramp} of 1 or more")
    if config.optimizer.momentum_start is None:
        yield ramp, Unread(f"{start}=null", f"{start} given")


def _of_unequal_widths(config: RunConfig) -> Iterator[tuple[str, Unread]]:
    if config.network.widths is not None:
        why = Unread(f"network.widths={config.network.widths}", "network.widths=null")
        yield from ((key, why) for key in ("network.depth", "network.width"))


def _without_hidden_layers(config: RunConfig) -> Iterator[tuple[str, Unread]]:
    if config.network.depth > 0 or config.network.widths is not None:
        return
    why = Unread("network.depth=0", "network.depth of 1 or more")
    yield from ((key, why) for key in ("network.width", "dropout.rate"))
    if table("networks")[config.network.name].of_images:
        return  # its convolutions read the rest
    yield from ((key, why) for key in ("network.pieces", "network.slope"))
    if config.network.init != "auto":  # else the activation decides the initial weights
        yield "network.activation", why


def _without_pooling(config: RunConfig) -> Iterator[tuple[str, Unread]]:
    if table("networks")[config.network.name].of_images and config.network.pool == "none":
        yield "network.pool_size", Unread("network.pool=none", "network.pool=max or average")


def _with_a_test_set(config: RunConfig) -> Iterator[tuple[str, Unread]]:
    from workbench.data import describe

    if describe(config.data).test_size is not None:
        yield "data.test", Unread(f"data={config.data.name}, which has a test set of its own", "another dataset")


def _governed() -> Mapping[str, tuple[str, tuple[str, ...]]]:
    """Setting -> the setting that decides whether it is read, and the choices that read it.

    A setting that every choice reads is left out.
    """
    families = {setting.choices.family for setting in SETTINGS.values() if isinstance(setting.choices, Choices)}
    return _governed_by(tuple(tuple(table(family)) for family in sorted(families)), tuple(SETTINGS))


@lru_cache(maxsize=1)
def _governed_by(*_of: tuple[object, ...]) -> Mapping[str, tuple[str, tuple[str, ...]]]:
    """The same, cached until a person's own rules change the tables or the settings."""
    found: dict[str, tuple[str, tuple[str, ...]]] = {}
    for chooser in SETTINGS.values():
        if not isinstance(chooser.choices, Choices):
            continue
        section = chooser.key.rpartition(".")[0]
        rows = {name: _settings_read(row) for name, row in table(chooser.choices.family).items()}
        for name in dict.fromkeys(name for read in rows.values() for name in read):
            readers = tuple(choice for choice, read in rows.items() if name in read)
            key = name if "." in name else f"{section}.{name}"
            if key in SETTINGS and len(readers) < len(rows):
                found[key] = (chooser.key, readers)
    return found


def _settings_read(row: object) -> tuple[str, ...]:
    """The settings behind a row's `reads`. One number that an optimizer reads at each step may come from several.

    A person's own row may raise here. Then it counts as reading every setting, and its check reports the error.
    """
    from workbench.engine.rules.schedules import MADE_FROM
    from workbench.engine.training.pack import columns

    try:
        reads: tuple[str, ...] = getattr(row, "reads", ())
    except Exception:
        return tuple(columns())
    return tuple(name for read in reads for name in MADE_FROM.get(read, (read,)))


@lru_cache(maxsize=64)
def _not_measured(measure: str) -> Mapping[str, Unread]:
    """The settings that a measurement does not take, each with the reason."""
    rows = table("measurements")
    missing = [key for key, setting in SETTINGS.items() if setting.numbers and not _taken(key, measure)]
    return {
        key: Unread(f"measure={measure}", f"measure={either([TRAINING, *(row for row in rows if _taken(key, row))])}")
        for key in missing
    }


def _taken(key: str, measure: str) -> bool:
    takes = table("measurements")[measure].takes
    return key == "measure" or key in takes or key.partition(".")[0] in takes


def _by_section(key: str, measure: str) -> bool:
    """Whether a measurement takes the setting only with its whole section. Then it is read as in training."""
    takes = table("measurements")[measure].takes
    return key not in takes and key.partition(".")[0] in takes


def either(names: Iterable[str]) -> str:
    """Names as alternatives: "a, b or c"; of many the first three."""
    every = list(names)
    *rest, last = every if len(every) <= 5 else [*every[:3], "others"]
    return f"{', '.join(rest)} or {last}" if rest else last
