"""The filters of the first convolution before and after training: what a network of images looks for in them."""

from __future__ import annotations

import numpy as np

from workbench.measure.linear_probes import untrained_weights
from workbench.measure.measurement import Analysis
from workbench.measure.trained import layout_of
from workbench.sweep.measures import Measured, Table, Trained

FILTERS_TABLE = "filters"


def _filters(trained: Trained) -> Measured:
    """A row for each weight: when, filter, channel that it reads, place within the patch, weight."""
    layout = layout_of(trained)
    parts = {"before": untrained_weights(trained), "after": trained.weights.final}
    tables = [_as_table(when, layout.views(row)[0]["weights"][0]) for when, row in parts.items()]
    return Measured({}, {FILTERS_TABLE: {name: np.concatenate([one[name] for one in tables]) for name in tables[0]}})


def _as_table(when: str, weights: np.ndarray) -> Table:
    """(filters, kernel, kernel, channels) -> a row for each weight; all counted from 1."""
    number, row, column, channel = (1 + places.ravel() for places in np.indices(weights.shape))
    where = {"filter": number, "channel": channel, "row": row, "column": column}
    return {"when": np.full(weights.size, when), **where, "weight": weights.ravel().astype(np.float64)}


KEPT_FILTERS = {
    FILTERS_TABLE: Analysis(
        "keeps the filters of the first convolution before and after training, which the page draws",
        (),
        _filters,
        images_only=True,
    )
}
