"""The compiled kernel is the plain one, faster: every piece agrees with its plain form, and it keeps every promise."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba", reason="runs where Numba is installed")

from numba.core.errors import NumbaError

from tests.repetitions import crossed
from workbench.engine.errors import BadInput
from workbench.engine.kernels import choice as kernels
from workbench.engine.kernels.choice import numba_fault, with_kernel
from workbench.engine.kernels.compiled import elementary, jit, losses, probes
from workbench.engine.kernels.compiled.jit import compiled as jitted
from workbench.engine.kernels.compiled.masks import apply_fresh_mask
from workbench.engine.kernels.compiled.subnormals import FLUSHING
from workbench.engine.kernels.compiled.update import COMPILED_BLOCK
from workbench.engine.rules.activations import ACTIVATIONS
from workbench.engine.rules.losses import LOSSES
from workbench.engine.rules.optimizers import OPTIMIZERS
from workbench.engine.rules.penalties import PENALTIES
from workbench.engine.rules.probes import PROBES, Probe
from workbench.engine.training.loop import train
from workbench.engine.training.pack import Pack
from workbench.engine.training.randomness import Purpose, keys, lanes

from .cases import (
    STRENGTHS,
    assert_packing_changes_nothing,
    assert_same_trainings,
    data_for,
    mixed_pack,
    pack_of,
)

RUNS = 5


def compiled(pack: Pack) -> Pack:
    return replace(pack, kernel="compiled")


def assert_agrees_with_plain(pack: Pack, tolerance: float = 2e-5, **data_options: Any) -> None:
    """The same metrics after every epoch of a few, within float32's rounding."""
    data = data_for(pack, **data_options)
    pairs = zip(train(pack, data), train(compiled(pack), data), strict=True)
    for plain, fast in pairs:
        for name, values in plain.metrics.items():
            np.testing.assert_allclose(fast.metrics[name], values, rtol=tolerance, atol=tolerance, err_msg=name)


def mild(**given: Any) -> Pack:
    """A float32 pack that learns, with dropout on some runs, and that small roundings do not send elsewhere."""
    return pack_of(
        RUNS, dtype="float32", epochs=2, dropout_rate=[0, 0.5, 0.2, 0, 0], input_dropout_rate=[0, 0, 0.2, 0, 0], **given
    )


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_agrees_with_its_plain_form(activation: str) -> None:
    assert_agrees_with_plain(mild(activation=activation, depth=3, slope=0.2))
    assert_agrees_with_plain(mild(activation=activation, depth=1, width=33, pieces=3), stored=np.uint8)


@pytest.mark.parametrize("activation", ["tanh", "maxout"])
def test_unequal_widths_agree_too(activation: str) -> None:
    assert_agrees_with_plain(mild(activation=activation, widths=(7, 33, 3)))


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_agrees_with_its_plain_form(loss: str) -> None:
    assert loss in losses.LOSS_LOOPS
    assert_agrees_with_plain(mild(loss=loss, activation="tanh", learning_rate=0.02))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_agrees_with_its_plain_form(optimizer: str) -> None:
    assert_agrees_with_plain(mild(optimizer=optimizer, activation="tanh"))


@pytest.mark.parametrize(("optimizer", "penalty"), crossed(OPTIMIZERS, PENALTIES))
def test_every_penalty_agrees_with_its_plain_form_under_every_optimizer(penalty: str, optimizer: str) -> None:
    strengths = STRENGTHS[penalty] * np.array([0, 1, 0, 0.5, 1])
    assert_agrees_with_plain(mild(optimizer=optimizer, activation="tanh", **{penalty: strengths}))


def test_a_penalty_leaves_biases_alone_in_networks_of_several_blocks_too() -> None:
    pack = mild(activation="tanh", depth=2, width=66, l2=np.full(RUNS, 0.5))
    layout = pack.layout(data_for(pack))
    assert COMPILED_BLOCK < layout.weights_end < layout.size  # the last block holds weights and biases
    assert_agrees_with_plain(pack)


def test_schedules_and_decoupled_decay_agree_too() -> None:
    schedule = ["constant", "inverse_sqrt", "exponential", "constant", "constant"]
    pack = mild(optimizer="nesterov", activation="tanh", schedule=schedule, schedule_factor=0.95)
    ramped = {"momentum_start": np.full(RUNS, 0.5), "momentum_ramp_epochs": np.full(RUNS, 1.5)}
    assert_agrees_with_plain(replace(pack, columns=pack.columns | ramped))
    assert_agrees_with_plain(mild(optimizer="adam", activation="tanh", weight_decay=[0, 0.1, 0, 0.1, 0]))


def test_a_network_without_hidden_layers_agrees_too() -> None:
    assert_agrees_with_plain(mild(depth=0))


@pytest.mark.parametrize("units", [1, 2, 7, 64, 1001])
def test_masks_are_the_plain_kernel_s_very_integers(units: int) -> None:
    (key,) = keys(3, Purpose.DROPOUT, step=5, part=1)
    draws = lanes(np.array([key]), units)[0]
    ones, kept, mask = np.ones(units, np.float32), np.empty(units, np.float32), np.empty(units, np.float32)
    apply_fresh_mask(ones, kept, mask, key, np.uint32(20000), np.float32(2))
    np.testing.assert_array_equal(mask, np.where(draws >= 20000, 2, 0))
    np.testing.assert_array_equal(kept, mask)


ELEMENTARY = {
    "exp": (np.exp, np.linspace(-86, 86, 20001)),
    "expm1": (
        np.expm1,
        np.concatenate([np.linspace(-86, 86, 20001), np.logspace(-20, 0, 1001), -np.logspace(-20, 0, 1001)]),
    ),
    "log": (np.log, np.logspace(-37, 37, 20001)),
    "log1p": (np.log1p, np.concatenate([np.logspace(-20, 30, 20001), -np.logspace(-20, -0.01, 1001)])),
    "tanh": (np.tanh, np.linspace(-12, 12, 2001)),
}


@pytest.mark.parametrize("name", ELEMENTARY)
def test_elementary_functions_agree_with_numpy_s_to_a_few_ulp_and_vectorise(name: str) -> None:
    function, (exact, points) = getattr(elementary, name), ELEMENTARY[name]

    @jitted
    def loop(x, out):  # type: ignore[no-untyped-def]
        for i in range(x.size):
            out[i] = function(x[i])

    x = points.astype(np.float32)
    found = np.empty_like(x)
    loop(x, found)
    np.testing.assert_allclose(found, exact(x.astype(np.float64)), rtol=5e-7)
    loop(np.array([np.nan, np.inf], np.float32), found)
    assert np.isnan(found[0])
    assert found[1] == exact(np.inf) or name == "tanh"
    (text,) = loop.inspect_llvm().values()
    assert "x float>" in text, f"a loop over {name} is not made of vector instructions"


@pytest.mark.parametrize("content", range(10))
def test_packed_is_alone_for_random_mixes(content: int) -> None:
    draw = np.random.default_rng(2000 + content)
    given = {
        "activation": draw.choice(list(ACTIVATIONS)),
        "optimizer": draw.choice(list(OPTIMIZERS)),
        "loss": draw.choice(list(LOSSES)),
        "depth": int(draw.integers(0, 4)),
        "width": int(draw.choice([1, 3, 16, 33])),
    }
    assert_packing_changes_nothing(compiled(mixed_pack(RUNS, content, dtype="float32", **given)))


@pytest.mark.parametrize("count", [2, 3, 9])
def test_the_number_of_workers_changes_nothing(count: int) -> None:
    pack = compiled(mixed_pack(RUNS, content=6, optimizer="momentum", dtype="float32"))
    data = data_for(pack)
    assert_same_trainings(list(train(pack, data, workers=count)), list(train(pack, data)), RUNS)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_interruption_changes_nothing(optimizer: str) -> None:
    pack = compiled(mixed_pack(RUNS, content=7, optimizer=optimizer, dtype="float32", epochs=[5, 2, 4, 5, 3]))
    data = data_for(pack)
    full = list(train(pack, data))
    training = train(pack, data, workers=2)
    states = [next(training).state() for _ in range(3)]
    training.close()
    for state in states:
        rest = list(train(pack, data, state=state))
        going_on = [epoch for epoch in full if epoch.number > state["epoch"]]
        for found, expected in zip(rest, going_on, strict=True):
            for name in expected.metrics:
                np.testing.assert_array_equal(found.metrics[name], expected.metrics[name])
            assert [end.weights_digest for end in found.ended] == [end.weights_digest for end in expected.ended]


def test_what_another_checkout_compiled_is_not_compiled_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jit, "cache_folder", lambda: str(tmp_path))
    theirs, ours = tmp_path / "compiled_0123" / "passes.nbc", Path(jit._kept(jit.is_compiled).cache_path) / "passes.nbc"
    for form, there in ((theirs, False), (ours, True)):
        form.parent.mkdir(exist_ok=True)
        form.touch()
        assert jit.is_compiled() == there
    assert not jit.is_compiled(images=True)  # which take longer, and say so even where dense networks have trained
    (ours.parent / f"{jit.IMAGES}.passes-1.py311.1.nbc").touch()
    assert jit.is_compiled(images=True)


def test_auto_is_compiled_or_fused_where_every_piece_is_and_plain_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    assert with_kernel(pack_of(1, dtype="float32")).kernel == "compiled"
    assert with_kernel(pack_of(1, dtype="float64")).kernel == "plain"
    assert with_kernel(pack_of(1, dtype="float32", device="cuda")).kernel == "fused"
    assert with_kernel(pack_of(1, dtype="float64", device="cuda")).kernel == "plain"
    relu = ACTIVATIONS["relu"]  # as if it did what has no compiled form
    monkeypatch.setitem(ACTIVATIONS, "relu", replace(relu, value=lambda z, slope: np.sort(z)))  # noqa: ARG005
    assert with_kernel(pack_of(1, dtype="float32")).kernel == "plain"
    monkeypatch.undo()
    monkeypatch.setattr(kernels, "numba_fault", lambda: "Numba is not installed")
    assert with_kernel(pack_of(1, dtype="float32")).kernel == "plain"


def test_reduced_precision_is_for_the_device_alone() -> None:
    assert with_kernel(pack_of(1, dtype="float32", device="cuda", precision="tf32")).kernel == "graph"
    with pytest.raises(BadInput, match="precision: found tf32 with device=cpu, dtype=float32; allowed is float32"):
        with_kernel(pack_of(1, dtype="float32", precision="tf32"))
    with pytest.raises(BadInput, match="kernel: found plain"):
        with_kernel(pack_of(1, dtype="float32", device="cuda", precision="tf32"), "plain")


def test_a_kernel_asked_for_that_cannot_train_the_pack_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadInput, match="kernel: found compiled with device=cpu, dtype=float64"):
        with_kernel(pack_of(1, dtype="float64"), "compiled")
    monkeypatch.setattr(kernels, "numba_fault", lambda: "Numba is not installed")
    with pytest.raises(BadInput, match="Numba is not installed"):
        with_kernel(pack_of(1, dtype="float32"), "compiled")


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_probe_agrees_with_its_plain_form(activation: str) -> None:
    assert probes.supports()
    pack = mild(activation=activation, depth=2, slope=0.2, learning_rate=0.05, l1_proximal=0.01)
    data = data_for(pack)
    for plain, fast in zip(train(pack, data), train(compiled(pack), data), strict=True):
        assert set(fast.probes) == set(PROBES)
        for name, values in plain.probes.items():
            np.testing.assert_allclose(fast.probes[name], values, rtol=2e-4, atol=1e-6, err_msg=name)


def test_a_probe_without_a_compiled_form_is_taken_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    probe = Probe("the largest weight", "weights", lambda at: abs(at.weights).max(axis=(1, 2)))
    monkeypatch.setitem(PROBES, "largest", probe)
    assert not probes.supports()
    pack = compiled(mild(depth=1))
    for epoch in train(pack, data_for(pack)):
        assert (epoch.probes["largest"] >= epoch.probes["weight_rms"]).all()


def test_why_numba_cannot_be_used_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert numba_fault.__wrapped__() == ""
    monkeypatch.setattr("numba.config.DISABLE_JIT", 1)
    assert numba_fault.__wrapped__() == "Numba is switched off by NUMBA_DISABLE_JIT"
    monkeypatch.setattr(kernels, "find_spec", lambda _: "there")
    monkeypatch.setitem(sys.modules, "numba", None)  # as where it does not go with the NumPy beside it
    assert numba_fault.__wrapped__().startswith("Numba cannot be imported (")
    monkeypatch.setattr(kernels, "numba_fault", lambda: "Numba is away")
    assert kernels.why_not_compiled(with_kernel(pack_of(1, dtype="float32"))) == "Numba is away"
    with pytest.raises(BadInput, match="kernel: found compiled with Numba is away; allowed are auto and plain"):
        with_kernel(pack_of(1, dtype="float32"), "compiled")


def test_a_cache_that_is_full_or_damaged_is_done_without(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(jit, "cache_folder", lambda: str(tmp_path))
    assert jit.compiled(_twice)(2.0) == 4.0
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert files
    for file in files:
        file.write_bytes(b"damaged")
    assert jit.compiled(_twice)(2.0) == 4.0
    assert all(file.read_bytes() != b"damaged" for file in files)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("numba.core.caching.IndexDataCacheFile.save", full)
    assert jit.compiled(_twice)(2) == 4


def _twice(x: float) -> float:
    return 2 * x


@jit.inner
def one_more(number):  # type: ignore[no-untyped-def]
    return number + 1


@jitted
def three_more(number):  # type: ignore[no-untyped-def]
    return one_more(one_more(one_more(0))) + number


def test_a_constant_makes_no_form_of_its_own_and_what_is_called_from_within_has_none_for_python() -> None:
    assert three_more(4) == 7
    assert len(one_more.signatures) <= 1  # none if Numba's cache on disk held the caller
    with pytest.raises(TypeError, match="only compiled functions can call"):
        one_more(1)


def test_no_function_of_the_kernel_counts_references_to_arrays() -> None:
    """Numba would count them at every call: so a function whose result needs the count is refused."""

    @jitted
    def behind_the_first(array: np.ndarray) -> np.ndarray:
        return array[1:]

    with pytest.raises(NumbaError, match="array"):
        behind_the_first(np.zeros(2))


@pytest.mark.skipif(not FLUSHING, reason="runs on x86-64 alone, as CI does: other processors keep subnormal numbers")
def test_subnormal_moments_become_zero_in_training_and_nowhere_else() -> None:
    """They are slow, and a moment without a gradient would stay subnormal for good."""
    pack = compiled(pack_of(2, optimizer="adam", epochs=2, dtype="float32"))
    data = data_for(pack)
    state = next(train(pack, data)).state()
    state["first_moment"][:] = 1e-39
    state["second_moment"][:] = 1e-39
    trained = next(train(pack, data, state=state)).state()
    for moment in (trained["first_moment"], trained["second_moment"]):
        assert not ((moment != 0) & (abs(moment) < np.finfo(np.float32).tiny)).any()
        assert (moment == 0).any()
    assert (state["first_moment"] * np.float32(0.5) > 0).all()
