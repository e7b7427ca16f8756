"""The mean of each channel over all places, which may end the stages of a network of images, and its gradient."""

from __future__ import annotations

import numpy as np

from workbench.engine.kernels.compiled.jit import ONE, ZERO, inner
from workbench.engine.kernels.compiled.part import part


@inner
def mean_over_places(maps, at, size, units, lanes, count, features, start):
    """features (batch, units) from row `start` on <- the means over the places of a map (size, lanes) from `at` on."""
    places = size // units
    share = ONE / np.float32(places)
    for lane in range(count):
        target = part(features, (start + lane) * units, units)
        for unit in range(units):
            found = ZERO
            for place in range(places):
                found += maps[at + (place * units + unit) * lanes + lane]
            target[unit] = found * share


@inner
def share_over_places(dl_da, start, size, units, count, back, lanes):
    """back (places, units, lanes) <- to each place its share of dl/d features; lanes beyond the count become 0."""
    places = size // units
    share = ONE / np.float32(places)
    for place in range(places):
        for unit in range(units):
            target = part(back, (place * units + unit) * lanes, lanes)
            for lane in range(count):
                target[lane] = dl_da[(start + lane) * units + unit] * share
            for lane in range(count, lanes):
                target[lane] = ZERO
