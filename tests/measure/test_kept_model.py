"""The table of a kept model gives the model back; rows that do not fit the run's settings are refused."""

from __future__ import annotations

import numpy as np
import pytest

from tests.measure.cases import tiny, trained
from tests.measure.test_model import CASES
from workbench.engine.errors import BadInput
from workbench.measure import ANALYSES
from workbench.measure.kept_model import MODEL_TABLE, model_of
from workbench.sweep.planning.identity import numbers


@pytest.mark.parametrize("averaged", [True, False])
def test_settings_may_be_the_texts_that_a_store_keeps(averaged: bool) -> None:
    config = tiny(**CASES["images"] | {"network": CASES["images"]["network"] | {"global_average": averaged}})
    table, params = ANALYSES["model"].analyse(trained(config)).tables[MODEL_TABLE], numbers(config)
    texts = {key: str(value) for key, value in params.items()}
    assert model_of(table, texts).about == model_of(table, params).about


@pytest.mark.parametrize("part", ["parameters", "scale", "shift", "outputs", "examples"])
def test_rows_of_a_model_that_do_not_fit_its_settings_are_refused(part: str) -> None:
    config = tiny(**CASES["relu"])
    table = ANALYSES["model"].analyse(trained(config)).tables[MODEL_TABLE]
    kept_rows = np.ones(len(table["part"]), bool)
    kept_rows[np.flatnonzero(np.asarray(table["part"]) == part)[-1]] = False
    with pytest.raises(BadInput, match=r"^weights\.npz: "):
        model_of({name: np.asarray(column)[kept_rows] for name, column in table.items()}, numbers(config))
