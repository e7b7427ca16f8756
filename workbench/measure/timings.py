"""How long passes take: neuron by neuron and as matrix products, on CPU and GPU, forward and backward, by activation.

A time is the minimum over several blocks of calls: other load on the machine can only add to it. What others used of
the machine meanwhile is kept beside the times (`machine_load`). Arrays are float32, as in training; NumPy's products
use as many threads as it was started with, one under `workbench`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import wraps
from time import perf_counter

import numpy as np

from workbench.config import RunConfig
from workbench.engine.backend import cuda_is_usable
from workbench.engine.kernels.update import Update
from workbench.engine.rules.schedules import timetable
from workbench.engine.training.network import Network
from workbench.engine.training.pack import COLUMNS
from workbench.measure.gradients import used_columns
from workbench.measure.machine_load import MachineLoad
from workbench.measure.matrix_form import neuron
from workbench.measure.measurement import Measurement
from workbench.measure.subject import Subject, subject
from workbench.sweep.instruments import Measured

BLOCKS = 7
LEAST = 1e-3  # seconds a block takes at least: far above the clock's resolution
OTHERS = "load_by_others"
LOOP_PRODUCTS = 2**18  # weights read at most in the timing of the loop; every further example costs the same


def seconds(call: Callable[[], object], blocks: int = BLOCKS) -> float:
    """Seconds of one call in the fastest of several blocks. A block has enough calls to take `LEAST`."""
    call()
    calls, taken = 1, _block(call, 1)
    while taken < LEAST:
        calls = max(2 * calls, math.ceil(calls * LEAST / max(taken, 1e-7)))
        taken = _block(call, calls)
    return min(taken, *(_block(call, calls) for _ in range(blocks - 1))) / calls


def _block(call: Callable[[], object], calls: int) -> float:
    started = perf_counter()
    for _ in range(calls):
        call()
    return perf_counter() - started


def _watched(measure: Callable[[RunConfig], Measured]) -> Callable[[RunConfig], Measured]:
    """The measurement, with what others used of the machine while it was taken."""

    @wraps(measure)  # it keeps its name, by which it is sent to another process
    def watched(config: RunConfig) -> Measured:
        load = MachineLoad()
        found = measure(config)
        return found | Measured({OTHERS: load.of_others()})

    return watched


@_watched
def _matrix_timing(config: RunConfig) -> Measured:
    """One layer with `network.width` neurons and as many inputs, for `training.batch_size` examples."""
    width, batch = config.network.width, config.training.batch_size
    rng = np.random.default_rng(config.seed)
    weights, inputs = (rng.standard_normal((rows, width)).astype(np.float32) for rows in (width, batch))
    out = np.empty((batch, width), np.float32)
    rows, examples = weights.tolist(), inputs[: max(1, min(batch, LOOP_PRODUCTS // width**2))].tolist()
    loop = seconds(lambda: [[neuron(row, 0.0, example) for row in rows] for example in examples], blocks=2)
    times = {
        "loop": loop * batch / len(examples),
        "matrix": seconds(lambda: np.matmul(inputs, weights.T, out=out)),
    }
    if cuda_is_usable():
        times["gpu"] = _seconds_on_gpu(weights, inputs)
    metrics = {f"{name}_log10_seconds": math.log10(value) for name, value in times.items()}
    metrics["matrix_log10_speedup"] = math.log10(times["loop"] / times["matrix"])
    if "gpu" in times:
        metrics["gpu_log10_speedup"] = math.log10(times["matrix"] / times["gpu"])
    return Measured(metrics)


def _seconds_on_gpu(weights: np.ndarray, inputs: np.ndarray) -> float:
    """The same product on the device, with both arrays in its memory. Each block waits for its last product."""
    import cupy

    on_device, read = cupy.asarray(weights), cupy.asarray(inputs)
    out = cupy.empty((len(inputs), len(weights)), np.float32)

    def products(count: int = 16) -> None:
        for _ in range(count):
            cupy.matmul(read, on_device.T, out=out)
        cupy.cuda.get_current_stream().synchronize()

    return seconds(products) / 16


def _in_training(config: RunConfig) -> tuple[Subject, Network]:
    """The configuration's network and a minibatch, in float32."""
    of = subject(config, config.training.batch_size)
    rows = of.parameters.astype(np.float32)
    slopes = np.full(1, of.slope, np.float32)
    network = Network(of.layout, rows, np.zeros_like(rows), slopes, len(of.inputs))
    network.inputs[0] = of.inputs
    return of, network


@_watched
def _backpropagation_timing(config: RunConfig) -> Measured:
    of, network = _in_training(config)
    delta = of.judge(network.forward()).delta
    parameters = len(used_columns(of))
    forward = seconds(network.forward)

    def both() -> None:
        network.forward()  # the backward pass writes dl/dz over z
        network.backward(delta)

    backward = seconds(both) - forward
    weight = network.dense_layers[0].weights[0]

    def perturbed() -> None:
        weight[0, 0] += 1e-3
        of.judge(network.forward())

    return Measured(
        {
            "parameters": float(parameters),
            "forward_log10_seconds": math.log10(forward),
            "backward_over_forward": backward / forward,
            "finite_differences_over_forward": (parameters + 1) * seconds(perturbed) / forward,
        }
    )


@_watched
def _activation_timing(config: RunConfig) -> Measured:
    """The function and its derivative by themselves, and a whole step of plain gradient descent around them."""
    of, network = _in_training(config)
    layer = network.dense_layers[0]
    network.forward()
    back, out = np.ones_like(layer.a), np.empty_like(layer.z)

    def elementwise() -> None:
        layer.activate(out=layer.a)
        layer.reverse(back, out=out)

    columns = {name: np.array([value]) for name, value in (COLUMNS | {"learning_rate": 1e-6}).items()}
    gradients = np.zeros_like(of.parameters, np.float32)
    moving = of.parameters.astype(np.float32)
    trained = Network(of.layout, moving, gradients, np.full(1, of.slope, np.float32), len(of.inputs))
    trained.inputs[0] = of.inputs
    update = Update("sgd", of.layout, moving, gradients, [], columns, np)
    at = {name: values[0].astype(np.float32)[:, None] for name, values in timetable(columns, 0, 1, 1).items()}

    def step() -> None:
        trained.backward(of.judge(trained.forward()).delta)
        update.step(at)

    return Measured(
        {
            "elementwise_log10_seconds": math.log10(seconds(elementwise)),
            "step_log10_seconds": math.log10(seconds(step)),
        }
    )


TIMINGS = {
    "matrix_timing": Measurement(
        "seconds of one layer: neuron by neuron in Python, as a product of matrices, and that on a GPU if there is one",
        ("network.width", "training.batch_size", "seed"),
        (
            "loop_log10_seconds", "matrix_log10_seconds", "gpu_log10_seconds", "matrix_log10_speedup",
            "gpu_log10_speedup", OTHERS,
        ),
        _matrix_timing,
        timing=True,
        version=2,
    ),
    "backpropagation_timing": Measurement(
        "time of the backward pass over that of the forward pass; of finite differences, one forward pass a parameter",
        ("data.name", "data.path", "network", "training.batch_size", "seed"),
        ("parameters", "forward_log10_seconds", "backward_over_forward", "finite_differences_over_forward", OTHERS),
        _backpropagation_timing,
        timing=True,
        version=2,
    ),
    "activation_timing": Measurement(
        "seconds of the activation function with its derivative, and of a whole step of gradient descent",
        ("data.name", "data.path", "network", "training.batch_size", "seed"),
        ("elementwise_log10_seconds", "step_log10_seconds", OTHERS),
        _activation_timing,
        timing=True,
        version=2,
    ),
}  # fmt: skip
