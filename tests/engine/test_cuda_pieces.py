"""Every piece of the device code is its plain form: masks bit for bit, the rest within float32's rounding."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from workbench.engine.kernels.cuda import codes, source
from workbench.engine.kernels.cuda.codes import obstacle
from workbench.engine.kernels.cuda.cublas import PRECISIONS
from workbench.engine.kernels.cuda.fused_source import FusedSource
from workbench.engine.kernels.cuda.launches import Launch, Matrix, Product, gemm, multiplied
from workbench.engine.kernels.cuda.update import updates_at_once
from workbench.engine.kernels.traced import VARYING
from workbench.engine.layers.base import Batch
from workbench.engine.layers.dense import Dense
from workbench.engine.layers.maxout import Maxout
from workbench.engine.rules.activations import ACTIVATIONS
from workbench.engine.rules.losses import LOSSES
from workbench.engine.rules.optimizers import OPTIMIZERS
from workbench.engine.rules.penalties import PENALTIES, Penalty
from workbench.engine.training.randomness import Purpose, keys, lanes

from .agreement import rounded_to_tf32
from .cases import STRENGTHS, classes_of, pack_of, targets_for
from .cuda_on_host import HostBlocks, HostMachine, needs_compiler

RUNS, BATCH, UNITS = 3, 7, 5
EXTREMES = np.array([-100.0, -20, -1, -1e-3, -0.0, 0, 1e-3, 1, 20, 100, np.inf, -np.inf, np.nan], np.float32)


def launch(kernel: str, blocks: tuple[int, int], threads: int, *arguments: Any) -> None:
    HostMachine().launch(Launch(kernel, blocks, threads, arguments))


def no_masks(layers: int = 1, runs: int = RUNS) -> tuple[np.ndarray, ...]:
    """Keys, thresholds and scales of layers that drop nothing."""
    return np.zeros((layers, runs), np.uint64), np.zeros((layers, runs), np.uint32), np.ones((layers, runs), np.float32)


@needs_compiler
def test_a_tick_moves_the_counters_on_and_draws_the_keys_of_the_step() -> None:
    seeds, counters = np.array([0, 7, 2**40], np.uint64), np.array([3, 40])
    found = np.zeros((2, RUNS), np.uint64)
    launch("tick", (1, 1), 32, counters, seeds, found, int(Purpose.DROPOUT), 2, RUNS)
    assert counters.tolist() == [4, 41]
    for layer in range(2):
        np.testing.assert_array_equal(found[layer], keys(seeds, Purpose.DROPOUT, step=41, part=layer))


@needs_compiler
def test_quotients_and_roots_round_as_ieee_754_has_it_whatever_the_device_s_fast_instructions_give() -> None:
    text = (
        source.file_text("elementary")
        + """
extern "C" __global__ void work_out(const float* a, const float* b, float* quotients, float* roots, int count) {
    for (int i = threadIdx.x; i < count; i += blockDim.x) {
        quotients[i] = quotient(a[i], b[i]);
        roots[i] = root(a[i]);
    }
}"""
    )
    special = [*EXTREMES, 1e-45, -1e-40, 1.2e-38, 3e38, -3e38, 1e-30, 2.0, 3.0]
    pairs = np.array(np.meshgrid(special, special), np.float32).reshape(2, -1)
    draw = np.random.default_rng(4)
    any_size = draw.normal(size=(2, 20000)) * 10.0 ** draw.uniform(-18, 18, (2, 20000))
    a, b = np.concatenate([pairs, any_size.astype(np.float32)], axis=1)
    quotients, roots = np.empty_like(a), np.empty_like(a)
    fused = FusedSource(text, 0, 32, ("work_out",))
    HostBlocks().launch(fused, Launch("work_out", (1, 1), 32, (a.copy(), b.copy(), quotients, roots, len(a))))
    with np.errstate(all="ignore"):
        expected = a / b
        np.testing.assert_array_equal(roots, np.sqrt(a))
    tiny = np.abs(expected) < np.finfo(np.float32).tiny
    np.testing.assert_allclose(quotients[tiny], expected[tiny], atol=2e-45)
    np.testing.assert_array_equal(quotients[~tiny], expected[~tiny])


@needs_compiler
@pytest.mark.parametrize("features", [1, 2, 7, 64, 301])
def test_masks_are_the_plain_kernel_s_very_integers(features: int) -> None:
    keys_of, thresholds, scales = no_masks()
    keys_of[0], thresholds[0], scales[0] = keys(np.arange(RUNS), Purpose.DROPOUT, step=5), [0, 20000, 65535], [1, 2, 3]
    stored, x = np.ones(4 * features, np.uint8), np.full((RUNS, BATCH, features), np.nan, np.float32)
    index, order = np.zeros((RUNS, BATCH), np.int32), np.tile(np.arange(BATCH, dtype=np.int32), (RUNS, 1))
    scale, shift = np.full((RUNS, features), 0.5, np.float32), np.full((RUNS, features), 0.5, np.float32)
    launch(
        "read_bytes", (RUNS, BATCH), 32, stored, index, order, np.zeros(2, np.int64), scale, shift, keys_of,
        thresholds, scales, x, 1, BATCH, BATCH, features,
    )  # fmt: skip
    drawn = lanes(keys_of[0], BATCH * features).reshape(x.shape)
    kept = drawn >= thresholds[0][:, None, None]
    np.testing.assert_array_equal(x, np.where(kept, scales[0][:, None, None], 0))


@needs_compiler
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations_and_their_derivatives(activation: str) -> None:
    row, draw = ACTIVATIONS[activation], np.random.default_rng(1)
    assert activation in codes.activations()
    pieces = 3 if row.layer == "maxout" else 1
    z = draw.normal(size=(RUNS, BATCH, pieces * UNITS)).astype(np.float32)
    z[0].flat[: EXTREMES.size] = EXTREMES  # one run has met every kind of number
    upper = draw.normal(size=(RUNS, BATCH, UNITS)).astype(np.float32)
    a, expected = np.empty_like(upper), np.empty_like(z)
    slope = np.array([0.01, 0.2, 0.0], np.float32)
    with np.errstate(all="ignore"):
        layer = Maxout((1,), UNITS, pieces=pieces) if pieces > 1 else Dense((1,), UNITS, activation)
        batch, unread = Batch(RUNS, BATCH, z.dtype, np, slope), {"weights": z, "biases": z}
        bound = layer.bind(unread, None, batch)
        bound.z, bound.a = z, a
        bound.activate(out=a)
        bound.reverse(upper, out=expected)
    found, weights, gradients = np.empty_like(a), np.zeros((RUNS, 32), np.float32), np.zeros((RUNS, 32), np.float32)
    code, masks = codes.activations().index(activation), no_masks(2)
    shape = (BATCH, UNITS, 32)
    launch("activate", (RUNS, 1), 256, z, weights, slope, *masks, found, code, pieces, 1, -1, 1, 0, -1, *shape)
    np.testing.assert_allclose(found, a, rtol=5e-7, atol=1e-30)
    if row.layer == "maxout":
        launch("reverse_maxout", (RUNS, 1), 256, upper, z, weights, gradients, *masks, pieces, 1, 0, *shape)
    else:
        launch("reverse", (RUNS, 1), 256, upper, z, weights, gradients, slope, *masks, code, 1, 0, -1, *shape)
    finite = np.isfinite(expected)  # the gain of what is not finite is nobody's business: the loss shows it
    np.testing.assert_allclose(z[finite], expected[finite], rtol=2e-6, atol=2e-7)
    sums = expected[1:].sum(axis=1)
    np.testing.assert_allclose(gradients[1:, : pieces * UNITS], sums, rtol=1e-5, atol=1e-6)


@needs_compiler
def test_biases_and_learned_slopes_are_read_where_they_lie_and_get_their_gradients() -> None:
    draw, units = np.random.default_rng(2), 40  # more than one tile
    z, upper = (draw.normal(size=(RUNS, BATCH, units)).astype(np.float32) for _ in range(2))
    weights, gradients = draw.normal(size=(RUNS, 128)).astype(np.float32), np.zeros((RUNS, 128), np.float32)
    here = z + weights[:, None, :units]
    expected = upper * np.where(here > 0, 1, weights[:, None, 64 : 64 + units])
    slope, code = np.zeros(RUNS, np.float32), codes.activations().index("prelu")
    places = (0, 64, BATCH, units, 128)  # biases at 0, slopes at 64
    launch("reverse", (RUNS, 2), 256, upper, z, weights, gradients, slope, *no_masks(2), code, 1, *places)
    np.testing.assert_allclose(z, expected, rtol=1e-6)
    np.testing.assert_allclose(gradients[:, :units], expected.sum(axis=1), rtol=1e-4, atol=1e-5)
    slopes = (upper * np.minimum(here, 0)).sum(axis=1)
    np.testing.assert_allclose(gradients[:, 64 : 64 + units], slopes, rtol=1e-4, atol=1e-5)


@needs_compiler
@pytest.mark.parametrize("loss", LOSSES)
def test_losses_hits_and_their_gradients(loss: str) -> None:
    assert loss in codes.LOSS_CODES
    draw, outputs = np.random.default_rng(3), LOSSES[loss].units(max(classes_of(loss), 2))
    z = draw.normal(size=(RUNS, BATCH, outputs)).astype(np.float32) * 4
    z[0] *= 30  # sure of itself: exponentials under- and overflow
    targets = targets_for(loss, RUNS, BATCH, outputs, draw)
    plain = LOSSES[loss].judge(z.copy(), targets)
    losses, hits, gradients = np.full(RUNS, 2.0), np.full(RUNS, 3), np.zeros((RUNS, 32), np.float32)
    labels, values = (targets.astype(np.int32), np.zeros((RUNS, 0), np.float32))
    if plain.correct is None:
        labels, values = np.zeros((RUNS, 0), np.int32), targets.astype(np.float32)
    order = np.tile(np.arange(BATCH, dtype=np.int32), (RUNS, 1))
    launch(
        "judge", (RUNS, 1), 128, z, np.zeros((RUNS, 32), np.float32), gradients, labels, values, order,
        np.zeros(2, np.int64), losses, hits, codes.LOSS_CODES.index(loss), 1, 1, 0, BATCH, BATCH, outputs, 32, 0.25,
    )  # fmt: skip
    np.testing.assert_allclose(losses, 2 + plain.losses.astype(float).sum(axis=1), rtol=2e-6)
    if plain.correct is not None:
        np.testing.assert_array_equal(hits, 3 + plain.correct.sum(axis=1))
    np.testing.assert_allclose(z, plain.delta * 0.25, rtol=2e-5, atol=2e-7)
    np.testing.assert_allclose(gradients[:, :outputs], z.sum(axis=1), rtol=1e-4, atol=1e-6)


@needs_compiler
def test_a_logit_that_is_not_a_number_makes_the_loss_not_a_number_and_no_hit() -> None:
    for loss in set(LOSSES) - {"squared_error"}:
        z = np.array([[[1, np.nan, 2]]], np.float32)
        losses, hits, weights = np.zeros(1), np.zeros(1, np.int64), np.zeros((1, 32), np.float32)
        if loss == "binary_cross_entropy":
            z = z[:, :, 1:2].copy()
        tail = (codes.LOSS_CODES.index(loss), 0, 0, 0, 1, 1, z.shape[-1], 32, 1.0)
        zero, none = np.zeros((1, 1), np.int32), np.zeros((1, 0), np.float32)
        launch("judge", (1, 1), 32, z, weights, weights, zero, none, zero, np.zeros(2, np.int64), losses, hits, *tail)
        assert np.isnan(losses[0])
        assert loss == "binary_cross_entropy" or hits[0] == 0


@needs_compiler
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_updates_with_every_penalty_at_once(optimizer: str) -> None:
    assert optimizer in codes.optimizers()
    draw, size, end, updates = np.random.default_rng(4), 2048 + 96, 2048, 3
    w, g, m, v = (draw.normal(size=(RUNS, size)).astype(np.float32) for _ in range(4))
    v = np.abs(v)
    first = np.abs(m) if optimizer in ("adagrad", "rmsprop") else m
    slots = [first, v][: len(OPTIMIZERS[optimizer].slots)]
    numbers = draw.uniform(0.05, 0.9, (RUNS, len(codes.numbers()))).astype(np.float32)
    numbers[0, [codes.numbers().index(name) for name in STRENGTHS]] = 0
    at = SimpleNamespace(**{name: numbers[:, i : i + 1] for i, name in enumerate(codes.numbers())})
    gradient, weights = g.copy(), w.copy()
    gradient[:, :end] = PENALTIES["l2"].apply(w[:, :end], PENALTIES["l1"].apply(w[:, :end], g[:, :end], at), at)
    weights[:, :end] = PENALTIES["decay"].apply(w[:, :end], g, at)
    weights, *expected = OPTIMIZERS[optimizer].update(weights, gradient, *slots, at=at)
    weights[:, :end] = PENALTIES["l1_proximal"].apply(weights[:, :end], g, at)
    varying = np.zeros((RUNS, updates, len(VARYING)), np.float32)
    varying[:, 2], constant = numbers[:, : len(VARYING)], numbers[:, len(VARYING) :].copy()
    found, previous = w.copy(), np.zeros_like(w)
    four = [*slots, g, g, g, g][:4]
    code = codes.optimizers().index(optimizer)
    for first, last in ((0, 1024), (1024, size)):
        tail = (np.array([2, 9]), varying, constant, code, end, first, last, size, updates)
        launch("update", (RUNS, 1), 256, found, g, *four, previous, *tail)
    np.testing.assert_allclose(found, weights, rtol=2e-5, atol=1e-6)
    np.testing.assert_array_equal(previous, w)  # the third of three updates is the epoch's last
    for slot, value in zip(slots, expected, strict=True):
        np.testing.assert_allclose(slot, value, rtol=1e-6, atol=1e-6)


@needs_compiler
@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize(("rows", "columns", "batch"), [(4, 132, 20), (68, 4, 16), (8, 8, 1)])
def test_an_update_by_a_product_is_the_product_and_then_the_update(
    rows: int, columns: int, batch: int, precision: str
) -> None:
    """Tiles that are full and not, a batch that is no multiple of what a block multiplies at a time; Adam, all
    penalties.
    """
    draw, start, size, updates = np.random.default_rng(8), 32, 1024, 1
    dl_dz = draw.normal(size=(RUNS, batch, rows)).astype(np.float32)
    x = draw.normal(size=(RUNS, batch, columns)).astype(np.float32)
    w, m, v = (np.abs(draw.normal(size=(RUNS, size))).astype(np.float32) for _ in range(3))
    own = slice(start, start + rows * columns)
    gradient = np.zeros_like(w)
    left, right = (rounded_to_tf32(factor) if precision == "tf32" else factor for factor in (dl_dz, x))
    gradient[:, own] = (left.swapaxes(1, 2) @ right).reshape(RUNS, -1)
    varying = draw.uniform(0.05, 0.9, (RUNS, updates, len(VARYING))).astype(np.float32)
    constant = draw.uniform(0.05, 0.9, (RUNS, len(codes.constant()))).astype(np.float32)
    code = codes.optimizers().index("adam")
    numbers = (np.array([0, 9]), varying, constant, code)
    found, expected = ([w.copy(), m.copy(), v.copy(), np.zeros_like(w)] for _ in range(2))
    weights, *slots, previous = expected
    state = (*slots, w, w, previous, *numbers)
    launch("update", (RUNS, 1), 256, weights, gradient, *state, size, own.start, own.stop, size, updates)
    weights, *slots, previous = found
    tiles = -(-rows // codes.PRODUCT["ROWS"]) * -(-columns // codes.PRODUCT["COLUMNS"])
    state = (*slots, w, w, previous, *numbers)
    launch(
        PRECISIONS[precision].updating, (RUNS, tiles), codes.PRODUCT["THREADS"], dl_dz, x, weights, *state,
        start, rows, columns, batch, size, updates,
    )  # fmt: skip
    for one, two in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, two, rtol=2e-5, atol=1e-6)


@needs_compiler
def test_max_norm_bounds_every_neuron_of_the_runs_that_have_one() -> None:
    w = np.random.default_rng(5).normal(size=(RUNS, 128)).astype(np.float32)
    constant = np.zeros((RUNS, len(codes.constant())), np.float32)
    constant[:, codes.constant().index("max_norm")] = largest = np.array([0, 2.0, 4.0], np.float32)
    expected = w.copy()
    own = w[:, 32 : 32 + 6 * 15].reshape(RUNS, 6, 15)
    at = SimpleNamespace(max_norm=largest[:, None, None])
    expected[:, 32 : 32 + 6 * 15] = PENALTIES["max_norm"].apply(own, own, at).reshape(RUNS, -1)
    launch("bound", (RUNS, 4), 32, w, constant, 32, 6, 15, 128)
    np.testing.assert_allclose(w, expected, rtol=1e-6)


@needs_compiler
def test_what_is_launched_wrongly_is_found_out() -> None:
    seeds, counters, keys_of = np.zeros(1, np.uint64), np.zeros(2, np.int64), np.zeros((1, 1), np.uint64)
    with pytest.raises(AssertionError, match="arguments are not"):
        launch("tick", (1, 1), 32, counters, seeds, keys_of, 1, 1)
    with pytest.raises(AssertionError, match="arguments are not"):
        launch("tick", (1, 1), 32, counters.astype(np.int32), seeds, keys_of, 1, 1, 1)


@pytest.mark.parametrize("left_turned", [False, True])
@pytest.mark.parametrize("right_turned", [False, True])
def test_products_are_asked_of_blas_in_its_own_terms(left_turned: bool, right_turned: bool) -> None:
    draw, (rows, inner, columns) = np.random.default_rng(6), (3, 4, 5)
    buffer, out = draw.normal(size=(RUNS, 64)), np.zeros((RUNS, 40))

    def matrix(start: int, shape: tuple[int, int], turned: bool) -> tuple[Matrix, np.ndarray]:
        stored = shape[::-1] if turned else shape
        values = buffer[:, start : start + rows * columns + 5][:, : stored[0] * stored[1]].reshape(RUNS, *stored)
        plain = Matrix(buffer, 64, *stored, start)
        return (plain.turned, values.swapaxes(1, 2)) if turned else (plain, values)

    (left, a), (right, b) = matrix(1, (rows, inner), left_turned), matrix(30, (inner, columns), right_turned)
    HostMachine().multiply(Product(Matrix(out, 40, rows, columns, 7), left, right, RUNS))
    np.testing.assert_allclose(out[:, 7 : 7 + rows * columns].reshape(RUNS, rows, columns), a @ b)
    assert np.count_nonzero(out) == RUNS * rows * columns
    m, n, k, *_ = gemm(Product(Matrix(out, 40, rows, columns, 7), left, right, RUNS))
    assert (m, n, k) == (columns, rows, inner)


@needs_compiler
@pytest.mark.parametrize("left_turned", [False, True])
@pytest.mark.parametrize("right_turned", [False, True])
def test_small_products_are_those_of_blas(left_turned: bool, right_turned: bool) -> None:
    draw, (rows, inner, columns) = np.random.default_rng(6), (10, 33, 40)
    buffer = draw.normal(size=(RUNS, 2000)).astype(np.float32)
    found, expected = np.zeros((RUNS, 500), np.float32), np.zeros((RUNS, 500), np.float32)
    left = Matrix(buffer, 2000, *((inner, rows) if left_turned else (rows, inner)), 1, left_turned)
    right = Matrix(buffer, 2000, *((columns, inner) if right_turned else (inner, columns)), 400, right_turned)
    small = multiplied(Product(Matrix(found, 500, rows, columns, 7), left, right, RUNS))
    assert isinstance(small, Launch)
    HostMachine().launch(small)
    HostMachine().multiply(Product(Matrix(expected, 500, rows, columns, 7), left, right, RUNS))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_a_gradient_of_more_tiles_than_a_grid_has_blocks_is_left_to_the_library() -> None:
    array = np.zeros(1, np.float32)
    for neurons, expected in ((2**16, True), (2**22, False)):
        dl_dz, x = Matrix(array, 0, 4, neurons), Matrix(array, 0, 4, 4096)
        product = Product(Matrix(array, 0, neurons, 4096), dl_dz.turned, x, 1)
        assert updates_at_once(product) == expected


def test_a_product_of_many_elements_is_left_to_the_library() -> None:
    buffer, out = np.zeros((100, 128 * 128), np.float32), np.zeros((100, 1280), np.float32)
    product = Product(Matrix(out, 1280, 10, 128), Matrix(buffer, 128 * 128, 10, 128), Matrix(buffer, 1, 128, 128), 100)
    assert multiplied(product) is product


def test_only_what_has_a_form_on_the_device_is_supported(monkeypatch: pytest.MonkeyPatch) -> None:
    pack = pack_of(2, dtype="float32", device="cuda")
    assert not obstacle(pack)
    assert "device=cpu" in obstacle(pack_of(2, dtype="float32"))
    assert "float64" in obstacle(pack_of(2, dtype="float64", device="cuda"))
    summed = Penalty("somebody's new one", "after", lambda w, g, at: w.cumsum())  # noqa: ARG005
    monkeypatch.setitem(PENALTIES, "learning_rate", summed)
    assert "penalty=learning_rate: it uses .cumsum of an array" in obstacle(pack)
