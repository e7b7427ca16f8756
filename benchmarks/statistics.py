"""Medians, spreads and ratios. Ratios are taken within a round, where both sides saw the same machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np


@dataclass(frozen=True)
class Spread:
    """A median, and the quartiles around it."""

    median: float
    lower: float
    upper: float

    def as_dict(self) -> dict[str, float]:
        """For JSON."""
        return asdict(self)


def spread(values: Sequence[float] | np.ndarray) -> Spread:
    """Median and quartiles of some measured values."""
    lower, median, upper = np.quantile(np.asarray(values, float), (0.25, 0.5, 0.75))
    return Spread(float(median), float(lower), float(upper))


def ratio(values: Sequence[float], others: Sequence[float]) -> Spread:
    """Of values / others, round by round. Raises ValueError where the rounds are not the same."""
    if len(values) != len(others):
        raise ValueError(f"{len(values)} rounds against {len(others)}")
    return spread(np.asarray(values) / np.asarray(others))


def agreement(
    losses: dict[tuple[int, int], float], others: dict[tuple[int, int], float], latest: int
) -> tuple[int, int, float, float] | None:
    """Mean losses of the same runs after the same epoch, the last up to `latest` that both have.

    `losses` by run and epoch. Gives (epoch, runs, mean, other mean); None where they have none in common.
    """
    common = {key for key in losses.keys() & others.keys() if key[1] <= latest}
    if not common:
        return None
    epoch = max(epoch for _, epoch in common)
    keys = [key for key in common if key[1] == epoch]
    return epoch, len(keys), *(float(np.mean([side[key] for key in keys])) for side in (losses, others))  # type: ignore[return-value]
