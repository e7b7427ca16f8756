"""From the jobs of a sweep to its cells. The result is Hydra's, in a fraction of its time.

Hydra takes about 50 ms to compose a job. Here it composes each distinct choice of config groups once. Plain values
(`key=value` of an existing leaf) are then patched into the result. If no other value can depend on a value, it is
patched into the resolved values; otherwise into a copy of the configuration, by Hydra's own code for overrides. Jobs
that differ in their seeds alone are one design, which is composed and checked once (`seeds`).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, cast

from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import InterpolationResolutionError, OmegaConfBaseException, UnsupportedInterpolationType

from workbench.config import SETTINGS, RunConfig, Unread, check, run_config, setting_of
from workbench.config.setting import Value
from workbench.engine.errors import BadInput
from workbench.redaction import redacted_override
from workbench.sweep.hydra.complain import complaint, refuse_path
from workbench.sweep.hydra.internals import (
    ConfigLoader,
    Override,
    OverridesParser,
    OverrideType,
    apply,
    node_of,
    options_of,
    value_of_node,
    without_hydra,
)
from workbench.sweep.hydra.seeds import decides_nothing_else, without_seed
from workbench.sweep.hydra.sweep_file_checks import check_choice
from workbench.sweep.hydra.typed import shortened
from workbench.sweep.hydra.unread import source_readers, unread_of

if TYPE_CHECKING:
    from workbench.sweep.gone_on_from import Origin

MISSING = "???"  # a choice that was not made yet
_OF_MASTER = ("the command as a whole",)  # a cache key that no override equals: none has spaces


@dataclass(frozen=True)
class Cell:
    """One cell of a sweep's design.

    `overrides` are this job's overrides as typed, without secrets; `factors` the swept keys with their values here,
    only those that vary over the sweep (a config group under its own name); `choices` the config groups chosen; `typed`
    the settings and groups that the overrides name; `unread` the settings and groups that this cell does not read;
    `origin` is the stored run that it goes on from.
    """

    index: int
    overrides: tuple[str, ...]
    factors: dict[str, Value]
    config: RunConfig
    choices: dict[str, str]
    typed: tuple[str, ...] = ()
    unread: Mapping[str, Unread] = field(default_factory=dict, repr=False)
    origin: Origin | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class Composed:
    """One job as Hydra composes it: the resolved configuration, without the node `hydra`, and the groups chosen.

    `interpolated` is the text of the interpolations behind some of the values.
    """

    values: dict[str, object]
    choices: dict[str, str]
    interpolated: str = ""


@dataclass(frozen=True)
class _Base:
    """The configuration composed from the structural overrides that some jobs share.

    `leaves` are its dotted keys with their unresolved values, `resolved` the plain values (None if an interpolation
    cannot be resolved yet).
    """

    config: DictConfig
    leaves: Mapping[str, object]
    choices: dict[str, str]
    resolved: dict[str, object] | None

    @cached_property
    def interpolated(self) -> str:
        """The text of all interpolations."""
        return self._interpolated_but(())

    def interpolated_without(self, keys: Sequence[str]) -> str:
        """The text of the interpolations that still apply after these keys were given a value."""
        if not keys or not any("${" in str(self.leaves[key]) for key in keys):
            return self.interpolated
        return self._interpolated_but(keys)

    def _interpolated_but(self, keys: Sequence[str]) -> str:
        others = (str(value) for key, value in self.leaves.items() if key not in keys)  # one may be within a list
        return " ".join(text for text in others if "${" in text)

    def may_show_elsewhere(self, patch: Override) -> bool:
        """Whether the result may differ elsewhere too: an interpolation names the key, or the value is one."""
        value = patch.value()
        if isinstance(value, str) and ("${" in value or value == "???"):
            return True
        return patch.key_or_group.rpartition(".")[2] in self.interpolated or "${${" in self.interpolated


class Composer:
    """Composes jobs from one master configuration, which Hydra composed for the command as a whole."""

    def __init__(self, loader: ConfigLoader, master: DictConfig) -> None:
        self.loader = loader
        self._master = master
        self._parser = OverridesParser.create()
        self._bases: dict[tuple[str, ...], _Base] = {}
        self._parsed: dict[str, Override] = {}
        self._groups: dict[str, bool] = {}
        as_typed = OmegaConf.to_container(master.hydra.overrides.task)  # not what their interpolations lead to
        typed = [self.parse(text) for text in cast(list[str], as_typed)]
        self._typed = {str(override.input_line) for override in typed if not override.is_sweep_override()}
        self._structural_of_master = self._split([o for o in typed if not o.is_sweep_override()])[0]
        self._complete = MISSING not in master.hydra.runtime.choices.values()

    def compose(self, overrides: Sequence[str]) -> Composed:
        """The configuration of one job. Raises the errors of Hydra and OmegaConf, and BadInput for an interpolation
        that leads to no value.
        """
        structural, patches = self._split([self.parse(text) for text in overrides])
        if self._is_masters(structural, overrides):
            structural = _OF_MASTER
        base = self._base(structural)
        if any(patch.key_or_group not in base.leaves for patch in patches):
            base, patches = self._base(tuple(overrides)), []
        keys = {patch.key_or_group for patch in patches if base.may_show_elsewhere(patch)}
        rooted = [patch for patch in patches if patch.key_or_group in keys]
        if rooted:
            base = self._applied(structural, base, rooted)
        values = _put_in(base, [patch for patch in patches if patch not in rooted])
        if values is None:
            values = _resolved_or_refused(_with(base.config, patches))
        return Composed(values, base.choices, base.interpolated_without([patch.key_or_group for patch in patches]))

    def _is_masters(self, structural: tuple[str, ...], overrides: Sequence[str]) -> bool:
        """Whether a job differs from the command as a whole only in plain values. That one is composed already."""
        return self._complete and structural == self._structural_of_master and self._typed <= set(overrides)

    def _applied(self, structural: tuple[str, ...], base: _Base, patches: Sequence[Override]) -> _Base:
        """The base with patches on which other values depend. It is cached like a base, since there are few."""
        key = (*structural, "", *(str(patch.input_line) for patch in patches))
        if key not in self._bases:
            config = _with(base.config, patches)
            self._bases[key] = _Base(config, _as_they_stand(config), base.choices, _resolved(config))
        return self._bases[key]

    def parse(self, text: str) -> Override:
        """One override, by Hydra's grammar."""
        if text not in self._parsed:
            self._parsed[text] = self._parser.parse_overrides([text])[0]
        return self._parsed[text]

    def is_group(self, key: str) -> bool:
        """Whether a key names a config group."""
        if key not in self._groups:
            self._groups[key] = bool(options_of(self.loader, key))
        return self._groups[key]

    def _split(self, overrides: Sequence[Override]) -> tuple[tuple[str, ...], list[Override]]:
        """Split overrides into those that Hydra must compose and those that can be patched into the result."""
        candidates = [override for override in overrides if self._is_plain(override)]
        # The later of two overrides of one key counts. So if Hydra must compose one of them, it composes both.
        others = [o.key_or_group for o in overrides if o not in candidates and not self.is_choice(o)]
        patches = [override for override in candidates if not _overlaps(override.key_or_group, others)]
        return tuple(str(override.input_line) for override in overrides if override not in patches), patches

    def is_choice(self, override: Override) -> bool:
        """Whether an override chooses from a config group. A dictionary never does: its values are merged."""
        return self.is_group(override.key_or_group) and not isinstance(override.value(), dict)

    def _is_plain(self, override: Override) -> bool:
        return (
            override.type is OverrideType.CHANGE
            and override.package is None
            and not override.is_sweep_override()
            and not override.is_hydra_override()
            and not isinstance(override.value(), dict | list)
            and not self.is_group(override.key_or_group)
        )

    def _base(self, structural: tuple[str, ...]) -> _Base:
        if structural not in self._bases:
            of_master = structural is _OF_MASTER
            self._bases[structural] = _base_of(
                copy.deepcopy(self._master) if of_master else self.loader.load_sweep_config(self._master, [*structural])
            )
        return self._bases[structural]


def _base_of(config: DictConfig) -> _Base:
    """The base of a configuration that Hydra composed, without the node `hydra`."""
    chosen = config.hydra.runtime.choices.items()
    choices = {str(group): str(name) for group, name in chosen if not str(group).startswith("hydra/")}
    without_hydra(config)
    return _Base(config, _as_they_stand(config), choices, _resolved(config))


def _put_in(base: _Base, patches: Sequence[Override]) -> dict[str, object] | None:
    """The resolved values with the patches; None if OmegaConf must resolve them anew or raise its own error."""
    if base.resolved is None or any(base.may_show_elsewhere(patch) for patch in patches):
        return None
    values = dict(base.resolved)
    for patch in patches:
        *sections, last = patch.key_or_group.split(".")
        node, place = base.config, values
        for section in sections:
            node = node_of(node, section)
            own = place[section]
            assert isinstance(own, dict)
            copied = dict(own)  # the base must not change
            place[section], place = copied, copied
        try:
            place[last] = value_of_node(copy.copy(node_of(node, last)), patch.value())
        except (OmegaConfBaseException, ValueError):
            return None
    return values


def _with(config: DictConfig, patches: Sequence[Override]) -> DictConfig:
    """A copy with the patches, applied by Hydra's own code."""
    patched = copy.deepcopy(config)
    apply(patches, patched)
    return patched


def _as_they_stand(config: DictConfig) -> dict[str, object]:
    return _leaves(_values(config, resolve=False))


def _resolved(config: DictConfig) -> dict[str, object] | None:
    try:
        return _values(config, resolve=True)
    except OmegaConfBaseException:
        return None


def _resolved_or_refused(config: DictConfig) -> dict[str, object]:
    try:
        return _values(config, resolve=True)
    except (InterpolationResolutionError, UnsupportedInterpolationType):
        _refuse_interpolation(config)
        raise


def _refuse_interpolation(config: DictConfig) -> None:
    """Raise BadInput for the first interpolation that leads to no value: OmegaConf's own message may lack its key."""
    for key, text in _as_they_stand(config).items():
        try:
            OmegaConf.select(config, key)
        except OmegaConfBaseException as error:
            reason = str(error).splitlines()[0]
            raise BadInput(f"{key} is {shortened(str(text))!r}: {reason}; allowed: what leads to a value") from error


def _values(config: DictConfig, *, resolve: bool) -> dict[str, object]:
    """The plain values of a configuration, as nested dictionaries."""
    return cast(dict[str, object], OmegaConf.to_container(config, resolve=resolve))


def cells(composer: Composer, jobs: Sequence[Sequence[str]]) -> list[Cell]:
    """The cells of a sweep, one a job. Raises BadInput if a job cannot be composed or its values are not allowed."""
    designs, of_jobs = _designs(composer, jobs)
    for group, name in dict.fromkeys(item for design in designs for item in design.composed.choices.items()):
        refuse_path(group, name)
        check_choice(group, name)
    configs = _configs(designs, of_jobs)
    choices = [designs[place].composed.choices for place, _ in of_jobs]
    touched = {text: _touched(composer.parse(text), composer) for text in {text for job in designs for text in job.job}}
    typed_in = [tuple(dict.fromkeys(key for text in design.job for key in touched[text])) for design in designs]
    typed = [typed_in[place] for place, _ in of_jobs]
    keys = list(dict.fromkeys(key for row in typed_in for key in row))
    held = zip(configs, choices, strict=True)
    columns = _factors(keys, [{key: _held(key, config, chosen) for key in keys} for config, chosen in held])
    unread = _unread(configs, designs, of_jobs)
    shown = {text: redacted_override(text) for text in {text for job in jobs for text in job}}
    rows = zip(jobs, columns, configs, choices, typed, unread, strict=True)
    return [Cell(i, tuple(shown[text] for text in job), *row) for i, (job, *row) in enumerate(rows)]


@dataclass(frozen=True)
class _Design:
    """Jobs that differ in nothing but their seeds: the first of them, and how Hydra composes that one."""

    job: Sequence[str]
    composed: Composed


_OfJob = tuple[int, int | None]  # the place of a job's design, and its seed if it is not the design's first job


def _designs(composer: Composer, jobs: Sequence[Sequence[str]]) -> tuple[list[_Design], list[_OfJob]]:
    """The designs in the order of their first jobs, and the place of every job."""
    designs: list[_Design] = []
    of_jobs: list[_OfJob] = []
    shared: dict[tuple[str, ...], int] = {}
    for job in jobs:
        rest, seed = without_seed(job)
        if seed is not None and rest in shared:
            of_jobs.append((shared[rest], seed))
            continue
        try:
            composed = composer.compose(job)
        except (HydraException, OmegaConfBaseException) as error:
            raise complaint(error, job, composer.loader) from error
        if seed is not None and decides_nothing_else(rest, composed.interpolated):
            shared[rest] = len(designs)
        of_jobs.append((len(designs), None))
        designs.append(_Design(job, composed))
    return designs, of_jobs


def _configs(designs: Sequence[_Design], of_jobs: Sequence[_OfJob]) -> list[RunConfig]:
    """The checked configuration of every job. A seed fits everything else, so it is checked by itself."""
    first: dict[int, RunConfig] = {}
    configs = []
    for place, seed in of_jobs:
        if seed is None:
            config = first[place] = run_config(designs[place].composed.values)
        else:
            check("seed", seed)
            config = replace(first[place], seed=seed)
        configs.append(config)
    return configs


def _held(key: str, config: RunConfig, chosen: Mapping[str, str]) -> Value:
    """What a cell has for a config group or a setting; None for any other key."""
    return chosen.get(key) or (setting_of(config, key) if key in SETTINGS else None)


def _unread(
    configs: Sequence[RunConfig], designs: Sequence[_Design], of_jobs: Sequence[_OfJob]
) -> list[dict[str, Unread]]:
    """What each job does not read. A seed decides nothing of that, so jobs that differ in their seeds share it.

    Of a job that goes on from a stored run nothing is said, since that run decides what is read.
    """
    readers = source_readers()
    known: dict[tuple[object, ...], dict[str, Unread]] = {}
    found: dict[int, dict[str, Unread]] = {}
    for config, (place, seed) in zip(configs, of_jobs, strict=True):
        if seed is not None:
            continue
        job = designs[place].composed
        key = (replace(config, seed=0), tuple(job.choices.items()), job.interpolated)
        if key not in known:
            goes_on = config.from_run is not None
            known[key] = {} if goes_on else unread_of(config, job.choices, job.interpolated, readers)
        found[place] = known[key]
    return [found[place] for place, _ in of_jobs]


def _touched(override: Override, composer: Composer) -> list[str]:
    """The keys that an override names: a group, a setting, or the settings of a section that it sets or deletes."""
    key = override.key_or_group
    if composer.is_choice(override):
        return [override.get_key_element().lstrip("+~")]
    if isinstance(given := override.value(), dict):
        return [name for name in (f"{key}.{leaf}" for leaf in _leaves(given)) if name in SETTINGS]
    return [name for name in SETTINGS if name == key or name.startswith(key + ".")]


SET_BY_SEARCH = "training.bounds"  # from what other trials came to, so it is no factor


def _factors(keys: Sequence[str], values: Sequence[Mapping[str, Value]]) -> list[dict[str, Value]]:
    """For each cell, the keys that vary over the sweep. Settings that an arm fixes are represented by the arm only."""
    columns = {key: [cell.get(key) for cell in values] for key in keys}
    varying = {key: column for key, column in columns.items() if len(set(column)) > 1 and key != SET_BY_SEARCH}
    if "arm" in varying:
        fixed = [key for key, column in varying.items() if key != "arm" and _follows(column, varying["arm"])]
        varying = {key: column for key, column in varying.items() if key not in fixed}
    return [{key: column[i] for key, column in varying.items()} for i in range(len(values))]


def _follows(column: Sequence[Value], arms: Sequence[Value]) -> bool:
    return len(set(zip(arms, column, strict=True))) == len(set(arms))


def _overlaps(key: str, others: Sequence[str]) -> bool:
    return any(key == other or key.startswith(other + ".") or other.startswith(key + ".") for other in others)


def _leaves(values: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    """Dotted key -> value, with interpolations unresolved."""
    leaves: dict[str, object] = {}
    for name, value in values.items():
        leaves |= _leaves(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return leaves
