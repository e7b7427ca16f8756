"""The plain values of a configuration: with its interpolations resolved, or as they stand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import InterpolationResolutionError, OmegaConfBaseException, UnsupportedInterpolationType

from workbench.engine.errors import BadInput
from workbench.sweep.hydra.typed import shortened


def as_they_stand(config: DictConfig) -> dict[str, object]:
    """Dotted key -> value, with interpolations unresolved."""
    return leaves(_values(config, resolve=False))


def resolved(config: DictConfig) -> dict[str, object] | None:
    """The values; None if an interpolation cannot be resolved."""
    try:
        return _values(config, resolve=True)
    except OmegaConfBaseException:
        return None


def resolved_or_refused(config: DictConfig) -> dict[str, object]:
    """The values. Raises BadInput for an interpolation that leads to no value, and OmegaConf's errors."""
    try:
        return _values(config, resolve=True)
    except (InterpolationResolutionError, UnsupportedInterpolationType):
        _refuse_interpolation(config)
        raise


def _refuse_interpolation(config: DictConfig) -> None:
    """Raise BadInput for the first interpolation that leads to no value: OmegaConf's own message may lack its key."""
    for key, text in as_they_stand(config).items():
        try:
            OmegaConf.select(config, key)
        except OmegaConfBaseException as error:
            reason = str(error).splitlines()[0]
            raise BadInput(f"{key} is {shortened(str(text))!r}: {reason}; allowed: what leads to a value") from error


def _values(config: DictConfig, *, resolve: bool) -> dict[str, object]:
    """The plain values of a configuration, as nested dictionaries."""
    return cast(dict[str, object], OmegaConf.to_container(config, resolve=resolve))


def leaves(values: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    """Dotted key -> value, for values as nested dictionaries."""
    found: dict[str, object] = {}
    for name, value in values.items():
        found |= leaves(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return found
