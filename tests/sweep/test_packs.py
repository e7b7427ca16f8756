"""Runs that share every static setting train together; nothing else decides what is packed with what."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.sweep.cases import small
from tests.sweep.conftest import PLENTY, MakeCells
from workbench.config import SETTINGS, RunConfig
from workbench.engine.training.pack import COLUMNS
from workbench.sweep.planning.packs import LARGEST_PACK, MemoryBudget, Run, packed
from workbench.sweep.planning.plan import identified


def runs_of(cells: MakeCells, configs: list[RunConfig]) -> list[Run]:
    return [Run(cell.fingerprint, cell.cell.config, cell.numbers) for cell in identified(cells(configs))]


PER_RUN: list[dict[str, Any]] = [
    {"seed": 7},
    {"optimizer": {"learning_rate": 0.5, "schedule": "exponential", "momentum": 0.5}},
    {"penalty": {"l1": 1e-3, "l2": 1e-3, "max_norm": 3.0}},
    {"dropout": {"rate": 0.5, "input_rate": 0.2}},
    {"network": {"init": "zero", "slope": 0.3}},
    {"training": {"epochs": 9, "patience": 2}},
    {"data": {"label_noise": 0.2, "scaling": "unit"}},
]
STATIC: list[dict[str, Any]] = [
    {"network": {"depth": 2}},
    {"network": {"width": 5}},
    {"network": {"activation": "tanh"}},
    {"optimizer": {"name": "adam"}},
    {"training": {"batch_size": 8}},
    {"dtype": "float64"},
    {"data": {"train_size": 40}},
    {"data": {"examples": 130}},
]


@pytest.mark.parametrize("change", PER_RUN)
def test_per_run_settings_do_not_split_a_pack(cells: MakeCells, change: dict[str, Any]) -> None:
    assert len(packed(runs_of(cells, [small(), small(**change)]), PLENTY)) == 1


@pytest.mark.parametrize("change", STATIC)
def test_static_settings_do(cells: MakeCells, change: dict[str, Any]) -> None:
    assert len(packed(runs_of(cells, [small(), small(**change)]), PLENTY)) == 2


def test_every_per_run_setting_reaches_the_pack_the_data_or_whoever_analyses(cells: MakeCells) -> None:
    (pack,) = packed(runs_of(cells, [small()]), PLENTY)
    elsewhere = {"label_noise", "test_noise", "scaling", "analyses"}
    per_run = {setting.engine for setting in SETTINGS.values() if setting.role == "per_run"}
    assert per_run - elsewhere == set(COLUMNS)
    assert set(pack.pack.columns) == set(COLUMNS)


def test_columns_hold_each_run_s_own_value_in_order(cells: MakeCells) -> None:
    (pack,) = packed(runs_of(cells, [small(seed=5), small(seed=2, dropout={"rate": 0.5})]), PLENTY)
    np.testing.assert_array_equal(pack.pack.columns["seed"], [5, 2])
    np.testing.assert_array_equal(pack.pack.columns["dropout_rate"], [0, 0.5])


def test_a_pack_can_be_sent_anywhere(cells: MakeCells) -> None:
    (pack,) = packed(runs_of(cells, [small(), small(seed=1)]), PLENTY)
    again = pickle.loads(pickle.dumps(pack))
    assert again.digest == pack.digest
    np.testing.assert_array_equal(again.pack.columns["seed"], pack.pack.columns["seed"])


def test_packs_are_cut_to_fit_into_memory_and_to_a_largest_size(cells: MakeCells) -> None:
    runs = runs_of(cells, [small(seed=seed) for seed in range(10)])
    (whole,) = packed(runs, PLENTY)
    for share in (0.9, 1.5, 1.9):
        budget = MemoryBudget(int(share * whole.memory))
        cut = packed(runs, budget)
        assert len(cut) > 1
        assert all(pack.memory <= budget.of_a_pack for pack in cut)
        assert max(len(pack.fingerprints) for pack in cut) - min(len(pack.fingerprints) for pack in cut) <= 1
    assert len(packed(runs, MemoryBudget(2))) == 10
    many = runs_of(cells, [small(seed=seed) for seed in range(LARGEST_PACK + 2)])
    assert [len(pack.fingerprints) for pack in packed(many, PLENTY)] == [LARGEST_PACK // 2 + 1] * 2


def test_half_of_a_pack_is_the_pack_of_its_runs(cells: MakeCells) -> None:
    scalings, analyses = ("none", "unit", "standard", "unit"), ("", "model", "state", "")
    runs = runs_of(cells, [
        small(seed=seed, analyses=analyses[seed], optimizer={"learning_rate": 0.1 + seed},
              data={"label_noise": seed / 10, "test_noise": seed / 20, "scaling": scalings[seed]})
        for seed in range(4)
    ])  # fmt: skip
    (whole,) = packed(runs, PLENTY)
    for half, own in zip(whole.halves(), (runs[:2], runs[2:]), strict=True):
        (expected,) = packed(own, PLENTY)
        assert (half.digest, half.fingerprints) == (expected.digest, expected.fingerprints)
        assert (half.analyses, half.examples.scaling) == (expected.analyses, expected.examples.scaling)
        np.testing.assert_array_equal(half.examples.label_noise, expected.examples.label_noise)
        np.testing.assert_array_equal(half.examples.test_noise, expected.examples.test_noise)
        for name, column in expected.pack.columns.items():
            np.testing.assert_array_equal(half.pack.columns[name], column)


def test_runs_on_two_files_of_a_persons_own_are_two_packs(cells: MakeCells, tmp_path: Path) -> None:
    files = [tmp_path / f"{name}.npz" for name in ("one", "other")]
    for content, file in enumerate(files):
        inputs = np.random.default_rng(content).normal(size=(60, 3))
        np.savez(file, inputs=inputs, targets=np.arange(60) % 2)
    of_each = [small(data={"name": "npz", "path": str(file)}) for file in files]
    assert [pack.examples.config.path for pack in packed(runs_of(cells, of_each), PLENTY)] == [*map(str, files)]


def test_the_most_costly_pack_comes_first(cells: MakeCells) -> None:
    packs = packed(runs_of(cells, [small(network={"width": width}) for width in (4, 64, 16)]), PLENTY)
    assert [pack.pack.width for pack in packs] == [64, 16, 4]
    assert [pack.cost for pack in packs] == sorted((pack.cost for pack in packs), reverse=True)
