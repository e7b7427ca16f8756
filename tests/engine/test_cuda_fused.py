"""One block, one run: the kernel that keeps a run in shared memory trains as the plain one does; here on the host."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest

from tests.repetitions import crossed, each_once, mostly_thorough
from workbench.engine.kernels.choice import KERNELS
from workbench.engine.kernels.cuda import fused
from workbench.engine.kernels.cuda.fused_places import places_of
from workbench.engine.kernels.cuda.fused_probe_source import BLOCK_PROBES
from workbench.engine.kernels.cuda.fused_probes import FusedProbes, supports
from workbench.engine.rules.activations import ACTIVATIONS
from workbench.engine.rules.losses import LOSSES
from workbench.engine.rules.optimizers import OPTIMIZERS
from workbench.engine.rules.penalties import PENALTIES
from workbench.engine.rules.probes import PROBES
from workbench.engine.training.group import Group
from workbench.engine.training.layout import Layout
from workbench.engine.training.loop import train
from workbench.engine.training.pack import Pack
from workbench.engine.training.probing import PlainProbes

from . import strict_device
from .agreement import RUNS, assert_agrees_with_plain, mild
from .blocks_on_host import blocks_on_the_host
from .cases import RATES, STRENGTHS, assert_same_trainings, data_for, mixed_pack, pack_of
from .cuda_on_host import HostBlocks, needs_compiler

pytestmark = needs_compiler
PROBED_ALWAYS = ("relu", "maxout")  # to compile each pair takes a compiler its time
PROBED = [
    pytest.param(*row.values, marks=[*row.marks, *([] if row.values[0] in PROBED_ALWAYS else [pytest.mark.thorough])])
    for row in crossed(ACTIVATIONS, LOSSES)
]
EVERY_ROW = each_once(ACTIVATIONS, LOSSES, OPTIMIZERS, PENALTIES)


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Any]]:
    """Train a pack by the kernel called fused, on the host; `probing` there too, which takes a compiler its time."""

    def train_it(
        pack: Pack, data: Any, machine: HostBlocks | None = None, threads: int = 0, probing: bool = False
    ) -> list[Any]:
        with blocks_on_the_host(monkeypatch, machine or HostBlocks(), threads, probing):
            return list(train(replace(pack, kernel="graph"), data))

    return train_it


@pytest.mark.parametrize(("activation", "loss", "optimizer", "penalty"), EVERY_ROW)
def test_every_row_of_every_table_agrees_with_its_plain_form(
    activation: str, loss: str, optimizer: str, penalty: str, trained: Any
) -> None:
    """A compiler takes half a second for each network, so that a quick run brings every row in once."""
    strengths = STRENGTHS[penalty] * np.array([0, 1, 0, 0.5, 1])
    given = {"loss": loss, "optimizer": optimizer, "learning_rate": RATES[optimizer] / 10, penalty: strengths}
    assert_agrees_with_plain(trained, mild(activation=activation, slope=0.2, width=9, pieces=3, **given))


@pytest.mark.thorough
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_agrees_with_its_plain_form(activation: str, trained: Any) -> None:
    assert_agrees_with_plain(trained, mild(activation=activation, slope=0.2, width=9, pieces=3, learning_rate=0.05))


@pytest.mark.thorough
@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_agrees_with_its_plain_form(loss: str, trained: Any) -> None:
    assert_agrees_with_plain(trained, mild(loss=loss, activation="tanh", learning_rate=0.02, depth=1))


@pytest.mark.thorough
@pytest.mark.parametrize(("optimizer", "penalty"), each_once(OPTIMIZERS, PENALTIES))
def test_every_penalty_and_every_optimizer_agree_with_their_plain_forms(
    penalty: str, optimizer: str, trained: Any
) -> None:
    strengths = STRENGTHS[penalty] * np.array([0, 1, 0, 0.5, 1])
    assert_agrees_with_plain(trained, mild(optimizer=optimizer, activation="tanh", depth=1, **{penalty: strengths}))


def test_unequal_widths_agree_too(trained: Any) -> None:
    assert_agrees_with_plain(trained, mild(activation="tanh", widths=(7, 12, 3)))


def test_schedules_and_momentum_ramps_agree_too(trained: Any) -> None:
    schedule = ["constant", "inverse_sqrt", "exponential", "constant", "constant"]
    given = {"schedule": schedule, "schedule_factor": 0.95, "weight_decay": [0, 0.1, 0, 0.1, 0]}
    given |= {"momentum_start": 0.5, "momentum_ramp_epochs": 1.5}
    assert_agrees_with_plain(trained, mild(optimizer="nesterov", activation="tanh", depth=1, **given))


@pytest.mark.parametrize(
    ("shape", "stored"),
    [
        ({"depth": 0}, np.float64),
        ({"depth": 3, "width": 33, "batch_size": 7}, np.float32),
        ({"depth": 1, "width": 40, "batch_size": 150}, np.uint8),  # more examples than threads
    ],
)
def test_networks_and_minibatches_of_any_shape_agree(shape: dict[str, int], stored: Any, trained: Any) -> None:
    assert_agrees_with_plain(trained, mild(activation="tanh", **shape), stored=stored, examples=400)


def test_as_many_threads_as_ever_agree(trained: Any) -> None:
    pack = mild(activation="tanh", optimizer="adam", width=32, batch_size=32)
    assert_agrees_with_plain(partial(trained, threads=256), pack)


def test_random_mixes_end_as_with_the_plain_kernel(trained: Any) -> None:
    pack = mixed_pack(RUNS, 3, activation="tanh", dtype="float32", depth=1, optimizer="adam", patience=0)
    data = data_for(pack)
    for plain, fast in zip(train(pack, data), trained(pack, data), strict=True):
        assert [(end.run, end.outcome) for end in fast.ended] == [(end.run, end.outcome) for end in plain.ended]
        fine = np.isfinite(plain.metrics["validation_loss"]) & (plain.metrics["validation_loss"] < 1e3)
        for name in ("train_loss", "validation_loss", "test_loss", "learning_rate"):
            np.testing.assert_allclose(fast.metrics[name][fine], plain.metrics[name][fine], rtol=5e-4, err_msg=name)


def test_host_and_device_are_kept_apart(monkeypatch: pytest.MonkeyPatch, trained: Any) -> None:
    pack = mixed_pack(RUNS, content=5, activation="prelu", optimizer="adam", dtype="float32")
    data = data_for(pack, stored=np.uint8)
    expected = trained(pack, data, probing=True)
    monkeypatch.setitem(sys.modules, "cupy", strict_device)
    assert_same_trainings(trained(replace(pack, device="cuda"), data, probing=True), expected, RUNS)


def test_an_epoch_is_two_launches(trained: Any) -> None:
    machine, pack = HostBlocks(), pack_of(2, dtype="float32", depth=0, epochs=2)
    trained(pack, data_for(pack), machine)
    orders = [place for place, name in enumerate(machine.launched) if name == "draw_order"]
    assert len(orders) == 2
    assert all(machine.launched[place + 1] == "walk_split" for place in orders)


def test_more_examples_than_a_block_sorts_are_sorted_by_the_arrays_library(
    trained: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack = mild(depth=0)
    data = data_for(pack)
    expected = trained(pack, data)
    monkeypatch.setattr(fused, "MOST_SORTED", 1)
    assert_same_trainings(trained(pack, data), expected, RUNS)


def test_runs_that_differ_in_rates_have_tables_of_their_own_and_others_share_them(trained: Any) -> None:
    rates = {"learning_rate": [0.1, 0.1, 0.2, 0.1, 0.2], "momentum": [0.5, 0.9, 0.5, 0.5, 0.5]}
    pack = mild(depth=0, optimizer="momentum", **rates)
    firsts, which = fused._alike(pack.columns)
    assert len(firsts) == 3
    assert which[0] == which[3] != which[1]
    assert which[2] == which[4]
    assert_agrees_with_plain(trained, pack)


@pytest.mark.parametrize("activation", mostly_thorough(["prelu", "maxout"], "maxout"))
def test_no_number_hangs_on_the_order_of_the_threads(activation: str, trained: Any) -> None:
    pack = mild(activation=activation, optimizer="adam", max_norm=0.9, width=35, batch_size=12)
    data = data_for(pack)
    backwards, forwards = (trained(pack, data, HostBlocks(back), probing=True) for back in (True, False))
    assert_same_trainings(backwards, forwards, RUNS)


def test_a_network_that_does_not_fit_into_a_block_trains_as_graphs(monkeypatch: pytest.MonkeyPatch) -> None:
    pack = pack_of(2, dtype="float32", device="cuda", optimizer="adam", width=32, batch_size=32)
    assert KERNELS["fused"].obstacle(pack) == ""
    assert "tf32" in KERNELS["fused"].obstacle(replace(pack, precision="tf32"))
    layout = Layout(pack.architecture(64, 10))
    taken = places_of(layout, 32, 2).bytes
    for largest, expected in ((taken, True), (taken - 4, False)):
        monkeypatch.setattr(fused, "largest_shared", lambda largest=largest: largest)
        assert fused.fits(pack, layout) == expected


def assert_probes_agree(pack: Pack, **data_options: Any) -> None:
    """The same probes of the untrained networks and of those that have been trained, within float32's rounding."""
    group = Group(replace(pack, kernel="plain"), data_for(pack, **data_options))
    for after_update in (False, True):
        group.epoch()
        rows = group._trainer._rows  # type: ignore[attr-defined]
        found, of_inputs = FusedProbes(rows, HostBlocks()).take(after_update)
        expected, of_plain_inputs = PlainProbes(rows).take(after_update)
        np.testing.assert_allclose(of_inputs, of_plain_inputs, rtol=1e-5)
        assert found.keys() == expected.keys()
        for name, values in expected.items():
            np.testing.assert_allclose(found[name], values, rtol=1e-5, atol=1e-7, err_msg=name)


@pytest.mark.parametrize(("activation", "loss"), PROBED)
def test_every_probe_of_every_activation_and_loss_agrees_with_its_plain_form(activation: str, loss: str) -> None:
    given = {"width": 9, "pieces": 3, "slope": 0.2, "l1_proximal": 0.5}
    given |= {"learning_rate": 0.05, "init": "normal", "init_scale": 1.5} if loss == "cross_entropy" else {}
    assert_probes_agree(mild(activation=activation, loss=loss, **{"learning_rate": 0.02} | given))


@pytest.mark.thorough
@pytest.mark.parametrize("loss", LOSSES)
def test_every_probe_of_every_loss_agrees_with_its_plain_form(loss: str) -> None:
    assert_probes_agree(mild(loss=loss, activation="tanh", learning_rate=0.02, depth=1))


@pytest.mark.parametrize(
    ("shape", "options"),
    [
        ({"depth": 0, "optimizer": "adam"}, {"examples": 40, "stored": np.float64}),  # fewer than a probe looks at
        ({"depth": 3, "width": 33, "batch_size": 7}, {"examples": 400, "stored": np.uint8}),
    ],
)
def test_probes_of_networks_of_any_shape_agree(shape: dict[str, Any], options: dict[str, Any]) -> None:
    assert_probes_agree(mild(activation="relu", **shape), **options)


def test_probes_that_have_no_form_here_or_no_room_are_the_plain_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(BLOCK_PROBES) == {name for name, probe in PROBES.items() if probe.moment != "end"}
    pack = mild(activation="tanh")
    rows: Any = Group(pack, data_for(pack))._trainer._rows  # type: ignore[attr-defined]
    for largest, expected in ((2**17, True), (2**10, False)):
        monkeypatch.setattr(fused, "largest_shared", lambda largest=largest: largest)
        assert supports(rows) == expected
        assert isinstance(KERNELS["fused"].prober(rows), PlainProbes) != expected
    monkeypatch.setattr(fused, "largest_shared", lambda: 2**17)
    monkeypatch.setitem(PROBES, "largest", replace(PROBES["weight_rms"], measure=lambda at: abs(at.weights).max()))
    assert not supports(rows)


@pytest.mark.parametrize("threads", [128, 256])
def test_places_of_a_run_do_not_overlap_and_rows_meet_no_bank_conflict(threads: int) -> None:
    layout = Layout(pack_of(1, depth=2, width=33, activation="prelu", batch_size=7).architecture(5, 3))
    places = places_of(layout, 7, 2, threads)
    starts = [value for layer in places.layers for name, value in layer.items() if name in ("W", "BIASES", "Z", "OUT")]
    assert len({start for start in starts if start}) == len([start for start in starts if start])
    for layer in places.layers:
        assert all(layer[name] // 4 % 2 for name in ("W_ROW", "Z_ROW", "OUT_ROW", "READS_ROW"))
    assert places.bytes >= 8 * threads
