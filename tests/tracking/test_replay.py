"""A sweep recorded in another store: tables that stand together in one file come apart as they were."""

from __future__ import annotations

import numpy as np

from workbench.tracking.history_tables import together
from workbench.tracking.replay import _apart


def test_tables_come_apart_with_the_columns_and_types_that_they_had() -> None:
    marks = np.array(["a", "b"], dtype=object)
    tables = {
        "units": {"fingerprint": marks, "layer": np.array([1, 2]), "dead": np.array([np.nan, np.nan])},
        "classes": {"fingerprint": marks, "label": np.array([0, 1]), "share": np.array([0.5, np.nan])},
    }
    found = _apart(together(tables))
    assert list(found) == list(tables)
    for name, columns in tables.items():
        assert list(found[name]) == list(columns)
        for column, values in columns.items():
            np.testing.assert_array_equal(found[name][column], values)
            assert found[name][column].dtype == values.dtype
