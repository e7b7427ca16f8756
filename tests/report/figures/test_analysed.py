"""What analyses measured: a number for each seed, so that an interval is as wide as seeds differ."""

from __future__ import annotations

import numpy as np

from tests.report.figures.sources import of_analysed
from workbench.report.figures.analysed import Analyses


def test_runs_of_one_seed_count_once() -> None:
    source = of_analysed()
    found = {one.name: one for one in Analyses().reduce(source)}
    (group,) = found["dead_units"].groups
    done = source.design.runs[source.design.runs["outcome"] == "finished"]
    factor = source.factors[0]
    (values,) = group.values.values()
    assert values.shape == (done["seed"].nunique(), len(factor.values))
    first = done[done[f"level:{factor.key}"] == 0]
    assert len(first) > first["seed"].nunique()  # another factor was swept too
    np.testing.assert_allclose(group.mean("all runs")[0], first.groupby("seed")["dead_units"].mean().mean())
    for name in ("pruning", "linear_probes"):
        (curves,) = found[name].groups
        assert {len(rows) for rows in curves.values.values()} == {done["seed"].nunique()}
