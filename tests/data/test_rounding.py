"""What cannot be kept apart is said: by column, with how much is lost and what helps."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.config import DataConfig
from workbench.data import DATASETS, SCALINGS, load
from workbench.data.dataset import Dataset, largest_magnitude
from workbench.data.rounding import hidden_by_rounding
from workbench.engine.errors import BadInput

Z = np.random.default_rng(0).standard_normal((600, 2))


def said(
    inputs: np.ndarray, scaling: str = "standard", dtype: str = "float32", targets: np.ndarray | None = None
) -> str:
    labels = np.arange(len(inputs)) % 2 if targets is None else targets
    classes = 2 if targets is None else 0
    dataset = Dataset("npz", inputs, labels, classes, None, largest_magnitude(inputs), "")
    return "\n".join(hidden_by_rounding(dataset, scaling, dtype))


def with_outlier(size: float) -> np.ndarray:
    rows = Z.copy()
    rows[0, 1] = size
    return rows


@pytest.mark.parametrize("scaling", SCALINGS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", sorted(DATASETS.keys() - {"npz", "mnist", "fashion_mnist"}))
def test_of_our_own_datasets_nothing_is_said(name: str, dtype: str, scaling: str) -> None:
    assert hidden_by_rounding(load(DataConfig(name=name)), scaling, dtype) == []


@pytest.mark.parametrize("inputs", [Z, 1e9 + Z, 1e-50 * Z, 1e200 * Z, np.full((600, 2), 3.0), with_outlier(1e3)])
def test_standardised_columns_of_any_offset_and_size_lose_nothing(inputs: np.ndarray) -> None:
    assert said(inputs) == said(inputs, dtype="float64") == ""


def test_an_outlier_that_swallows_its_column_is_said() -> None:
    found = said(with_outlier(1e12))
    assert found.startswith(
        "data.name=npz: of 600 different numbers in column 1 of the inputs, scaled (standard) and rounded to float32, "
    )
    assert found.endswith("tell the others apart; try dtype=float64, or take outliers or an offset out of the column")
    assert said(with_outlier(1e12), dtype="float64") == ""
    assert "rounded to float64, " in said(with_outlier(1e25), dtype="float64")


def test_one_of_three_levels_is_missed() -> None:
    assert "of 3 different numbers in column 0" in said(np.array([[0.0], [1e-3], [1e9]] * 20))


def test_an_offset_that_is_not_scaled_away_is_said() -> None:
    found = said(1e9 + Z, scaling="none")
    assert "float32, 1 is left (likewise in 1 more): " in found
    assert "try dtype=float64, or data.scaling=standard, or take" in found
    assert said(1e9 + Z, scaling="none", dtype="float64") == ""
    assert "1 is left" in said(1e-50 * Z, scaling="none")


def test_inputs_beyond_the_dtype_are_refused() -> None:
    with pytest.raises(
        BadInput, match=r"^data.scaling: found none, which leaves column 0 of the inputs beyond float32"
    ):
        said(1e200 * Z, scaling="none")
    assert said(1e200 * Z, scaling="none", dtype="float64") == ""


def test_targets_are_looked_at_too() -> None:
    assert said(Z, targets=Z * 1e160) == ""
    assert "of 600 different numbers in column 1 of the targets" in said(Z, targets=with_outlier(1e12))
    assert said(Z, targets=np.hstack([Z, np.full((600, 1), 1e300)])) == (
        "data.name=npz: column 2 of the targets holds one number throughout: there is nothing to learn in it"
    )


def test_chance_is_no_loss() -> None:
    many = np.random.default_rng(1).standard_normal((100_000, 1))
    assert said(many) == ""
