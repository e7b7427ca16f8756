"""Sums of many shifted sigmoids against ReLU, with slopes that grow as the shifts get closer, and with fixed slopes."""

from __future__ import annotations

import numpy as np

from workbench.config import RunConfig
from workbench.engine.rules.losses import sigmoid
from workbench.measure.measurement import Measurement, tidy
from workbench.sweep.instruments import Measured

REACH = 4.0  # x from -REACH to REACH; sigmoids shifted so far that they are 0 there are left out
TAIL = 40.0  # widths of a sigmoid after which it is 0 in float64
SPACINGS = tuple(2.0**-power for power in range(9))
DRAWN_SPACINGS = (1.0, 0.25, SPACINGS[-1])  # of which the sums themselves are kept, for a figure


def sum_of_sigmoids(x: np.ndarray, spacing: float, width: float) -> np.ndarray:
    """Sum over i = 1, 2, ... of spacing * sigma((x - (i - 1/2) spacing) / width), at x (points,)."""
    count = int(np.ceil((REACH + TAIL * width) / spacing))
    shifts = (np.arange(1, count + 1) - 0.5) * spacing
    return spacing * sigmoid((x[:, None] - shifts) / width).sum(axis=1)


def _shifted_sigmoids(_config: RunConfig) -> Measured:
    x = np.linspace(-REACH, REACH, 257)
    relu, softplus = np.maximum(x, 0), np.logaddexp(0, x)
    rows = []
    for spacing in SPACINGS:
        steeper, fixed = sum_of_sigmoids(x, spacing, spacing), sum_of_sigmoids(x, spacing, 1.0)
        gaps = (np.abs(steeper - relu).max(), np.abs(fixed - relu).max(), np.abs(fixed - softplus).max())
        rows.append((spacing, *(float(gap) for gap in gaps)))
    _, steep, fixed_gap, to_softplus = rows[-1]
    order = float(np.polyfit(np.log([row[0] for row in rows]), np.log([row[1] for row in rows]), 1)[0])
    return Measured(
        {
            "steeper_sigmoids_gap": steep,
            "steeper_sigmoids_order": order,
            "fixed_sigmoids_gap": fixed_gap,
            "fixed_sigmoids_gap_to_softplus": to_softplus,
        },
        {
            "shifted_sigmoids": tidy(("spacing", "steeper_to_relu", "fixed_to_relu", "fixed_to_softplus"), rows),
            "sums_of_sigmoids": tidy(("curve", "spacing", "x", "sum"), _curves(x[::4])),
        },
    )


def _curves(x: np.ndarray) -> list[tuple[str, float, float, float]]:
    """The sums themselves by their slopes and how close the shifts are, and ReLU, as rows."""
    curves = {("relu", 0.0): np.maximum(x, 0)}
    curves |= {("steeper", spacing): sum_of_sigmoids(x, spacing, spacing) for spacing in DRAWN_SPACINGS}
    curves["fixed", DRAWN_SPACINGS[-1]] = sum_of_sigmoids(x, DRAWN_SPACINGS[-1], 1.0)
    return [
        (name, spacing, float(place), float(value))
        for (name, spacing), values in curves.items()
        for place, value in zip(x, values, strict=True)
    ]


SHIFTED_SIGMOIDS = {
    "shifted_sigmoids": Measurement(
        "largest distance from ReLU of a sum of shifted sigmoids as the shifts get closer, slopes growing or fixed",
        (),
        (
            "steeper_sigmoids_gap", "steeper_sigmoids_order", "fixed_sigmoids_gap", "fixed_sigmoids_gap_to_softplus",
        ),
        _shifted_sigmoids,
        version=2,
    )
}  # fmt: skip
