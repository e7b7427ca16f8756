"""What stands inside the network is shown of the deepest runs."""

from __future__ import annotations

import numpy as np

from tests.report.synthetic import sweep
from workbench.report.figures.layers import deepest, one_probe
from workbench.report.statistics.design import read

SWEEP = sweep(seeds=4)
DESIGN = read(SWEEP)


def test_layers_are_those_of_the_deepest_runs() -> None:
    rows, depth = deepest(SWEEP, DESIGN)
    probe = one_probe(DESIGN, rows, "gradient_z", DESIGN.factor("network.activation"), depth)
    assert depth == 4
    assert probe.logarithmic
    assert probe.numbers.tolist() == [1, 2, 3, 4, 5]
    assert probe.maps.shape == (2, 5, 21)
    sigmoid = probe.maps[0, :, -1]
    assert (np.diff(sigmoid) > 0.3).all()  # gradients grow towards the output
