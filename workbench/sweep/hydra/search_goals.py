"""The goals of a search as they are typed: `metric` and `direction` of the sweeper, a value each or lists."""

from __future__ import annotations

from collections.abc import Callable

from omegaconf import OmegaConf

from workbench.engine.errors import BadInput
from workbench.sweep.planning.goals import MAXIMIZE, MINIMIZE, SEARCH_DIRECTIONS, Goal


def goals(metric: object, direction: object, better: Callable[[str], int]) -> tuple[Goal, ...]:
    """A goal for each metric. Where no direction is given, `better` says it: 1 if more of the metric is better, -1 if
    less is, 0 if neither. Raises BadInput.
    """
    metrics = _listed(metric)
    if not metrics or not all(isinstance(one, str) and one for one in metrics) or len(set(metrics)) < len(metrics):
        raise BadInput(
            f"hydra.sweeper.metric is {shown(metric)}; allowed: a metric, or a list of different ones as [a,b]"
        )
    directions = _listed(direction) if direction is not None else [None] * len(metrics)
    for one in directions:
        if one is not None and one not in SEARCH_DIRECTIONS:
            raise BadInput(f"hydra.sweeper.direction is {one!r}; allowed: one of {', '.join(SEARCH_DIRECTIONS)}")
    if len(directions) != len(metrics):
        raise BadInput(
            f"hydra.sweeper.direction is {shown(direction)}; allowed with hydra.sweeper.metric={shown(metric)}: null, "
            f"or a list of {len(metrics)}"
        )
    return tuple(
        Goal(str(one), str(way or _own_direction(str(one), better)))
        for one, way in zip(metrics, directions, strict=True)
    )


def _own_direction(metric: str, better: Callable[[str], int]) -> str:
    sign = better(metric)
    if not sign:
        raise BadInput(
            f"hydra.sweeper.direction: found none, and whether more or less of {metric} is better is not known; "
            f"allowed: {' or '.join(SEARCH_DIRECTIONS)}, of several metrics a list as [{MAXIMIZE},{MINIMIZE}]"
        )
    return MAXIMIZE if sign > 0 else MINIMIZE


def _listed(value: object) -> list[object]:
    held = OmegaConf.to_object(value) if OmegaConf.is_config(value) else value
    return list(held) if isinstance(held, list | tuple) else [held]


def shown(value: object) -> str:
    """A value or list as one types it."""
    held = _listed(value)
    texts = ["null" if one is None else str(one) for one in held]
    return repr(value) if isinstance(value, str) else f"[{','.join(texts)}]" if texts != ["null"] else "null"
