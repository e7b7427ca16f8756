"""Feature maps of a few test images are drawn beside them, before and after training, on one scale."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from tests.report.synthetic import Tables, sweep
from workbench.report.figures.feature_maps import FeatureMaps, KeptMaps
from workbench.report.figures.findings import Findings

IMAGES, CHANNELS = 2, 3


def rows(when: str, channels: int, factor: float) -> pd.DataFrame:
    """Number i of the images or maps is i times a factor; images are of 4 x 4 pixels, maps of 2 x 2."""
    size = 4 if when == "input" else 2
    places = np.indices((IMAGES, channels, size, size)).reshape(4, -1) + 1
    columns = dict(zip(("image", "channel", "row", "column"), places, strict=True))
    return pd.DataFrame({**columns, "when": when, "value": factor * np.arange(places.shape[1])})


def kept() -> Tables:
    """A sweep whose second cell alone kept its maps, in an order of their own."""
    parts = [rows("input", 1, 1), rows("before", CHANNELS, 1), rows("after", CHANNELS, -1)]
    mixed = pd.concat(parts).sample(frac=1, random_state=0)
    return replace(sweep({}, seeds=3, trouble=False), tables={"feature_maps": mixed.assign(cell=1, fingerprint="f")})


def reduced(tables: Tables) -> list[KeptMaps]:
    return list(FeatureMaps().reduce(Findings(tables)))  # type: ignore[arg-type]


def test_every_map_is_where_it_belongs_and_both_times_share_a_scale() -> None:
    (found,) = reduced(kept())
    assert found.run == "run 1"
    assert np.array_equal(found.images, np.arange(32.0).reshape(IMAGES, 4, 4))
    assert np.array_equal(found.before, np.arange(24.0).reshape(IMAGES, CHANNELS, 2, 2))
    assert np.array_equal(found.after, -found.before)
    assert FeatureMaps().scale(found) == ("−22.5", "22.5")  # a hundredth of 48 numbers lies beyond either end
    assert [panel.title for panel in FeatureMaps().panels(found, 0)] == ["Before training", "After training"]


def test_without_kept_maps_there_is_no_figure() -> None:
    assert reduced(replace(kept(), tables={})) == []
