"""The configuration that some jobs share, and plain values patched into it."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from workbench.sweep.hydra.composing.resolving import as_they_stand, resolved, resolved_or_refused
from workbench.sweep.hydra.internals import Override, apply, node_of, value_of_node, without_hydra

MISSING = "???"  # a choice that was not made yet


@dataclass(frozen=True)
class BaseConfiguration:
    """The configuration composed from the structural overrides that some jobs share.

    `leaves` are its dotted keys with their unresolved values, `resolved` the plain values (None if an interpolation
    cannot be resolved yet).
    """

    config: DictConfig
    leaves: Mapping[str, object]
    choices: dict[str, str]
    resolved: dict[str, object] | None

    @classmethod
    def of(cls, config: DictConfig) -> Self:
        """From a configuration that Hydra composed, which loses its node `hydra`."""
        chosen = config.hydra.runtime.choices.items()
        choices = {str(group): str(name) for group, name in chosen if not str(group).startswith("hydra/")}
        without_hydra(config)
        return cls(config, as_they_stand(config), choices, resolved(config))

    def patched(self, patches: Sequence[Override]) -> Self:
        """The base with patches on which other values may depend."""
        config = _patched(self.config, patches)
        return replace(self, config=config, leaves=as_they_stand(config), resolved=resolved(config))

    def values_with(self, patches: Sequence[Override]) -> dict[str, object]:
        """The resolved values with patches. Raises the errors of Hydra and OmegaConf, and BadInput for an interpolation
        that leads to no value.
        """
        values = _put_in(self, patches)
        return resolved_or_refused(_patched(self.config, patches)) if values is None else values

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
        if isinstance(value, str) and ("${" in value or value == MISSING):
            return True
        return patch.key_or_group.rpartition(".")[2] in self.interpolated or "${${" in self.interpolated


def _put_in(base: BaseConfiguration, patches: Sequence[Override]) -> dict[str, object] | None:
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


def _patched(config: DictConfig, patches: Sequence[Override]) -> DictConfig:
    """A copy with the patches, applied by Hydra's own code."""
    patched = copy.deepcopy(config)
    apply(patches, patched)
    return patched
