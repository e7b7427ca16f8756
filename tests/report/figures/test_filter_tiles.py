"""The filters of one run are drawn as tiles on one scale."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from tests.report.synthetic import Tables, sweep
from workbench.report.figures.filter_tiles import Filters, KeptFilters
from workbench.report.figures.findings import Findings


def kept(filters: int, channels: int) -> Tables:
    """A sweep whose second cell alone kept filters: weight i before training, and its negative afterwards."""
    whole = sweep({}, seeds=3, trouble=False)
    place = np.indices((filters, 2, 2, channels)).reshape(4, -1) + 1
    columns = dict(zip(("filter", "row", "column", "channel"), place, strict=True))
    weight = np.arange(place.shape[1], dtype=float)
    parts = [pd.DataFrame({**columns, "when": w, "weight": s * weight}) for w, s in (("before", 1), ("after", -1))]
    return replace(whole, tables={"filters": pd.concat(parts).assign(cell=1, fingerprint="f")})


def reduced(tables: Tables) -> KeptFilters:
    (found,) = Filters().reduce(Findings(tables))  # type: ignore[arg-type]
    return found


def test_each_filter_has_a_tile_before_and_after_on_a_scale_with_zero_in_its_middle() -> None:
    found = reduced(kept(filters=3, channels=1))
    assert found.run == "run 1"
    assert found.labels == ("1", "2", "3")
    assert found.before.tolist() == np.arange(12.0).reshape(3, 2, 2).tolist()
    assert np.array_equal(found.after, -found.before)
    low, high = Filters().scale(found) or ("", "")
    assert (low, high) == ("−11.0", "11.0")


def test_a_filter_has_a_tile_for_each_channel_it_reads() -> None:
    found = reduced(kept(filters=2, channels=2))
    assert found.labels == ("1, channel 1", "1, channel 2", "2, channel 1", "2, channel 2")
    assert found.before[1].tolist() == [[1, 3], [5, 7]]


def test_of_many_tiles_the_first_are_drawn_and_the_caption_says_so() -> None:
    found = reduced(kept(filters=20, channels=1))
    assert len(found.labels) == len(found.before) == len(found.after) == 16
    assert Filters().caption(found).endswith("The first 16 of 20 tiles.")
