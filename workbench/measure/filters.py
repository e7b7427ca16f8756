"""The filters of the first convolution before and after training, and its feature maps of a few test images."""

from __future__ import annotations

import numpy as np

from workbench.engine.training.layout import Layout
from workbench.engine.training.network import Network
from workbench.measure.linear_probes import untrained_weights
from workbench.measure.measurement import Analysis
from workbench.measure.trained import given_inputs, layout_of, scaled_inputs
from workbench.sweep.instruments import Measured, Table, Trained

FILTERS_TABLE, MAPS_TABLE = "filters", "feature_maps"
IMAGES_SHOWN, MAPS_SHOWN = 3, 6  # the first test images, and the first channels of each


def _filters(trained: Trained) -> Measured:
    """Two tables. Filters, a row for each weight: when, filter, input channel, place within the patch, weight. Maps, a
    row for each number: when, image, channel, row, column, value; `when` is "input" for the image itself.
    """
    layout = layout_of(trained)
    parts = {"before": untrained_weights(trained), "after": trained.weights.final}
    filters = [_as_table(when, layout.views(row)[0]["weights"][0]) for when, row in parts.items()]
    maps = {"input": _images(trained), **{when: _maps(trained, layout, row) for when, row in parts.items()}}
    return Measured(
        {}, {FILTERS_TABLE: _joined(filters), MAPS_TABLE: _joined([_map_table(*each) for each in maps.items()])}
    )


def _images(trained: Trained) -> np.ndarray:
    """The first test images with the mean of their channels: (images, height, width, 1)."""
    rows = trained.data.test.index[0][:IMAGES_SHOWN]
    return given_inputs(trained.data, rows).reshape(len(rows), *trained.data.image).mean(axis=3, keepdims=True)


def _maps(trained: Trained, layout: Layout, parameters: np.ndarray) -> np.ndarray:
    """The output of the first convolution for the first test images: (images, *places, channels)."""
    inputs = scaled_inputs(trained.data, trained.data.test)[:IMAGES_SHOWN]
    slope = np.asarray(trained.pack.columns["slope"], parameters.dtype)
    network = Network(layout, parameters, None, slope, len(inputs))
    network.inputs[0] = inputs
    network.forward()
    found: np.ndarray = network.layers[0].a[0, ..., :MAPS_SHOWN]
    return found


def _map_table(when: str, maps: np.ndarray) -> Table:
    """(images, height, width, channels) -> a row for each number; indices count from 1."""
    image, row, column, channel = (1 + places.ravel() for places in np.indices(maps.shape))
    where = {"image": image, "channel": channel, "row": row, "column": column}
    return {"when": np.full(maps.size, when), **where, "value": maps.ravel().astype(np.float64)}


def _joined(tables: list[Table]) -> Table:
    return {name: np.concatenate([one[name] for one in tables]) for name in tables[0]}


def _as_table(when: str, weights: np.ndarray) -> Table:
    """(filters, kernel, kernel, channels) -> a row for each weight; indices count from 1."""
    number, row, column, channel = (1 + places.ravel() for places in np.indices(weights.shape))
    where = {"filter": number, "channel": channel, "row": row, "column": column}
    return {"when": np.full(weights.size, when), **where, "weight": weights.ravel().astype(np.float64)}


KEPT_FILTERS = {
    FILTERS_TABLE: Analysis(
        "keeps the filters and maps of the first convolution before and after training, which the page draws",
        (),
        _filters,
        version=2,
        images_only=True,
    )
}
