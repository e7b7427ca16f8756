"""Composes jobs as Hydra does.

Hydra takes about 50 ms to compose a job. Here it composes each distinct choice of config groups once. Plain values
(`key=value` of an existing leaf) are then patched into the result. If no other value can depend on a value, it is
patched into the resolved values; otherwise into a copy of the configuration, by Hydra's own code for overrides.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from omegaconf import DictConfig, OmegaConf

from workbench.sweep.hydra.composing.base_configuration import MISSING, BaseConfiguration
from workbench.sweep.hydra.internals import ConfigLoader, Override, OverridesParser, OverrideType, options_of

_OF_MASTER = ("the command as a whole",)  # a cache key that no override equals: none has spaces


@dataclass(frozen=True)
class Composed:
    """One job as Hydra composes it: the resolved configuration, without the node `hydra`, and the groups chosen.

    `interpolated` is the text of the interpolations behind some of the values.
    """

    values: dict[str, object]
    choices: dict[str, str]
    interpolated: str = ""


class Composer:
    """Composes jobs from one master configuration, which Hydra composed for the command as a whole."""

    def __init__(self, loader: ConfigLoader, master: DictConfig) -> None:
        self.loader = loader
        self._master = master
        self._parser = OverridesParser.create()
        self._bases: dict[tuple[str, ...], BaseConfiguration] = {}
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
        values = base.values_with([patch for patch in patches if patch not in rooted])
        return Composed(values, base.choices, base.interpolated_without([patch.key_or_group for patch in patches]))

    def _is_masters(self, structural: tuple[str, ...], overrides: Sequence[str]) -> bool:
        """Whether a job differs from the command as a whole only in plain values. That one is composed already."""
        return self._complete and structural == self._structural_of_master and self._typed <= set(overrides)

    def _applied(
        self, structural: tuple[str, ...], base: BaseConfiguration, patches: Sequence[Override]
    ) -> BaseConfiguration:
        """The base with patches on which other values depend. It is cached like a base, since there are few."""
        key = (*structural, "", *(str(patch.input_line) for patch in patches))
        if key not in self._bases:
            self._bases[key] = base.patched(patches)
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

    def _base(self, structural: tuple[str, ...]) -> BaseConfiguration:
        if structural not in self._bases:
            of_master = structural is _OF_MASTER
            self._bases[structural] = BaseConfiguration.of(
                copy.deepcopy(self._master) if of_master else self.loader.load_sweep_config(self._master, [*structural])
            )
        return self._bases[structural]


def _overlaps(key: str, others: Sequence[str]) -> bool:
    return any(key == other or key.startswith(other + ".") or other.startswith(key + ".") for other in others)
