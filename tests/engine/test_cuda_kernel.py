"""The kernel for NVIDIA devices is the plain one, faster: here its own source and plans, run on the host."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.repetitions import crossed, mostly_thorough
from workbench.engine.kernels.cuda import launches, update
from workbench.engine.rules.activations import ACTIVATIONS
from workbench.engine.rules.losses import LOSSES
from workbench.engine.rules.optimizers import OPTIMIZERS
from workbench.engine.rules.penalties import PENALTIES
from workbench.engine.training.evaluation import EVALUATED_AT_ONCE
from workbench.engine.training.loop import train

from . import strict_device
from .agreement import RUNS, assert_agrees_with_plain, mild
from .cases import STRENGTHS, assert_same_trainings, data_for, mixed_pack, pack_of
from .cuda_on_host import HostMachine, needs_compiler
from .graph_on_host import trained

__all__ = ["trained"]  # a fixture

pytestmark = needs_compiler


@pytest.mark.parametrize("activation", mostly_thorough(ACTIVATIONS, "prelu", "maxout"))
def test_every_activation_agrees_with_its_plain_form(activation: str, trained: Any) -> None:
    assert_agrees_with_plain(trained, mild(activation=activation, depth=3, slope=0.2))
    pack = mild(activation=activation, depth=1, width=33, pieces=3, learning_rate=0.05)
    assert_agrees_with_plain(trained, pack, stored=np.uint8)


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_agrees_with_its_plain_form(loss: str, trained: Any) -> None:
    assert_agrees_with_plain(trained, mild(loss=loss, activation="tanh", learning_rate=0.02))


@pytest.mark.parametrize(("optimizer", "penalty"), crossed(OPTIMIZERS, PENALTIES))
def test_every_penalty_agrees_with_its_plain_form_under_every_optimizer(
    penalty: str, optimizer: str, trained: Any
) -> None:
    strengths = STRENGTHS[penalty] * np.array([0, 1, 0, 0.5, 1])
    pack = mild(optimizer=optimizer, activation="tanh", depth=1, **{penalty: strengths})
    assert_agrees_with_plain(trained, pack)


def test_unequal_widths_agree_too(trained: Any) -> None:
    assert_agrees_with_plain(trained, mild(activation="tanh", widths=(7, 12, 3)))


def test_schedules_momentum_ramps_and_decoupled_decay_agree_too(trained: Any) -> None:
    schedule = ["constant", "inverse_sqrt", "exponential", "constant", "constant"]
    given = {"schedule": schedule, "schedule_factor": 0.95, "weight_decay": [0, 0.1, 0, 0.1, 0]}
    given |= {"momentum_start": 0.5, "momentum_ramp_epochs": 1.5}
    for optimizer in ("nesterov", "adam"):
        assert_agrees_with_plain(trained, mild(optimizer=optimizer, activation="tanh", **given))


def test_a_network_without_hidden_layers_agrees_too(trained: Any) -> None:
    assert_agrees_with_plain(trained, mild(depth=0))


def test_minibatches_larger_than_a_block_and_splits_of_several_chunks_agree_too(trained: Any) -> None:
    pack = mild(batch_size=150, activation="tanh", width=40)
    assert_agrees_with_plain(trained, pack, examples=2 * EVALUATED_AT_ONCE + 700)


@pytest.mark.parametrize("stored", [np.uint8, np.float32, np.float64])
def test_inputs_of_every_stored_kind_agree(stored: Any, trained: Any) -> None:
    assert_agrees_with_plain(trained, mild(activation="tanh"), stored=stored)


@pytest.mark.parametrize("content", range(5))
def test_random_mixes_end_as_with_the_plain_kernel(content: int, trained: Any) -> None:
    draw = np.random.default_rng(3000 + content)
    given = {"optimizer": draw.choice(list(OPTIMIZERS)), "loss": draw.choice(list(LOSSES)), "patience": 0}
    pack = mixed_pack(RUNS, content, activation="tanh", dtype="float32", depth=int(draw.integers(0, 3)), **given)
    data = data_for(pack)
    for plain, fast in zip(train(pack, data), trained(pack, data), strict=True):
        assert [(end.run, end.outcome) for end in fast.ended] == [(end.run, end.outcome) for end in plain.ended]
        fine = np.isfinite(plain.metrics["validation_loss"]) & (plain.metrics["validation_loss"] < 1e3)
        for name in ("train_loss", "validation_loss", "test_loss", "learning_rate"):
            np.testing.assert_allclose(fast.metrics[name][fine], plain.metrics[name][fine], rtol=5e-4, err_msg=name)


@pytest.mark.parametrize("activation", mostly_thorough(["prelu", "maxout"], "maxout"))
def test_no_number_hangs_on_the_order_of_the_threads(activation: str, trained: Any) -> None:
    pack = mild(activation=activation, optimizer="adam", max_norm=0.9, width=35, batch_size=12)
    data = data_for(pack)
    assert_same_trainings(trained(pack, data, HostMachine(backwards=True)), trained(pack, data), RUNS)


def test_products_by_a_kernel_of_our_own_agree_with_those_of_a_library(trained: Any) -> None:
    pack, machine = mild(activation="maxout", learning_rate=0.05), HostMachine()
    data = data_for(pack)
    for one, two in zip(trained(pack, data), trained(pack, data, machine, thin=launches.THIN), strict=True):
        for name, values in one.metrics.items():
            np.testing.assert_allclose(two.metrics[name], values, rtol=2e-5, atol=2e-5, err_msg=name)
    assert "small_product" in machine.launched


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However few and small, products that are gradients update the weights."""
    monkeypatch.setattr(update, "FILLING", 0)
    monkeypatch.setattr(update, "FULL_ENOUGH", 0)


@pytest.mark.usefixtures("at_once")
def test_with_tf32_products_update_weights_at_once_too(trained: Any) -> None:
    """Their factors are rounded to 10 bits, so the networks differ a little; the host's other products are float32."""
    machine = HostMachine()
    pack = mild(optimizer="momentum", activation="tanh", width=8)
    data = data_for(pack)
    exact, rounded = trained(pack, data), trained(replace(pack, precision="tf32"), data, machine)
    losses = [[epoch.metrics["train_loss"] for epoch in epochs] for epochs in (exact, rounded)]
    np.testing.assert_allclose(*losses, rtol=2e-3)
    assert not np.array_equal(*losses)
    assert "update_by_tf32_product" in machine.launched


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("optimizer", mostly_thorough(OPTIMIZERS, "adam", "nesterov"))
def test_products_that_update_weights_at_once_agree_with_the_plain_kernel(optimizer: str, trained: Any) -> None:
    """One layer of three can be read by four; what lies before and behind it is updated as ever."""
    machine = HostMachine()
    strengths = STRENGTHS | {"max_norm": [0, 0.9, 0, 0, 0.5]}
    pack = mild(optimizer=optimizer, activation="tanh", width=8, **strengths)
    assert_agrees_with_plain(lambda pack, data: trained(pack, data, machine), pack)
    assert 2 * machine.launched.count("update_by_product") == machine.launched.count("update") > 0


@pytest.mark.parametrize("activation", mostly_thorough(["prelu", "maxout"], "maxout"))
def test_what_is_computed_aside_may_come_late(activation: str, trained: Any) -> None:
    """Nothing but what waits reads it, and until then nothing overwrites what it is computed from."""
    pack = mild(activation=activation, optimizer="adam", depth=3)
    data = data_for(pack)
    assert_same_trainings(trained(pack, data, HostMachine(late=True)), trained(pack, data), RUNS)


def test_packed_is_alone(trained: Any) -> None:
    pack = mixed_pack(RUNS, content=4, activation="prelu", optimizer="adam", dtype="float32", patience=0)
    data = data_for(pack)
    ends = {end.run: end for epoch in trained(pack, data) for end in epoch.ended}
    for run in range(RUNS):
        *_, last = trained(pack.take([run]), data.take(np.array([run])))
        assert last.ended[0].summary == pytest.approx(ends[run].summary, rel=1e-5, nan_ok=True)


def test_host_and_device_are_kept_apart(monkeypatch: pytest.MonkeyPatch, trained: Any) -> None:
    pack = mixed_pack(RUNS, content=5, activation="prelu", optimizer="adam", dtype="float32")
    data = data_for(pack, stored=np.uint8)
    expected = trained(pack, data)
    monkeypatch.setitem(sys.modules, "cupy", strict_device)
    assert_same_trainings(trained(replace(pack, device="cuda"), data), expected, RUNS)


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_a_step_takes_five_launches_a_hidden_layer_and_six_more(depth: int, trained: Any) -> None:
    pack = pack_of(2, depth=depth, dtype="float32", optimizer="adam", epochs=1)
    data, plans = data_for(pack), []

    class Watching(HostMachine):
        def program(self, plan: Any) -> Any:
            plans.append(plan)
            return super().program(plan)

    trained(pack, data, Watching())
    assert max(map(len, plans)) == 5 * depth + 6
