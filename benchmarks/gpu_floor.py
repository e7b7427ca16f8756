"""What a step could at best take: the device's own rates, and the time of each of its launches by itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from time import perf_counter
from types import SimpleNamespace
from typing import Any

import numpy as np

from benchmarks.gpu_works import Work, data_of, flops_of_step, pack_of
from workbench.engine.kernels.cuda.launches import Launch, Matrix, Product
from workbench.engine.training.group import Group

REPEATS = 200
BIG = 8192  # rows and columns of a product that shows the device's own rate
COPIED = 2**32  # bytes


def rates() -> dict[str, float]:
    """The device's own rates: TFLOP/s of a large product by precision, TB/s of a copy (read and written)."""
    import cupy

    from workbench.engine.kernels.cuda.device import device_machine

    draw = np.random.default_rng(0)
    a, b, c = (cupy.asarray(draw.random((BIG, BIG), np.float32)) for _ in range(3))
    out, left, right = (Matrix(array, BIG * BIG, BIG, BIG) for array in (c, a, b))
    product = Product(out, left, right, 1)
    found = {}
    for precision in ("float32", "tf32"):
        machine = device_machine(precision)
        seconds = _timed(machine.stream, partial(machine.launch, [product]), 10)
        found[f"product {precision} TFLOP/s"] = 2 * BIG**3 / seconds / 1e12
    del a, b, c, out, left, right, product
    one, two = (cupy.zeros(COPIED // 8, np.float64) for _ in range(2))
    stream = device_machine().stream
    seconds = _timed(stream, lambda: two.data.copy_from_device_async(one.data, COPIED, stream), 20)
    return found | {"copy TB/s": 2 * COPIED / seconds / 1e12}


def launches(work: Work, precision: str = "float32") -> list[dict[str, Any]]:
    """Microseconds of every launch of a step by itself, repeated within one graph, and of all products together."""
    from workbench.engine.kernels.cuda.device import device_machine
    from workbench.engine.kernels.cuda.kernel import GraphTrainer

    machine = device_machine(precision)
    pack = pack_of(work, "cuda", "plain")
    group: Any = Group(pack, data_of(work))
    rows = replace(group._trainer._rows, pack=replace(pack, precision=precision))
    trainer: Any = GraphTrainer(rows, machine)
    trainer.train(1)  # everything is loaded, every table filled
    plan, counters = trainer._program._plan, trainer._arrays["counters"]
    found = [{"launch": _name(part), "us": alone(machine, [part], counters)} for part in plan]
    products = [part for part in plan if isinstance(part, Product) or part.kernel == "small_product"]
    together = alone(machine, products, counters)
    rate = flops_of_step(work) * work.runs / together / 1e6
    return [*found, {"launch": "all products", "us": together, "TFLOP/s": rate}]


PHASES = {10: "judge", 11: "backward", 12: "update", 13: "next minibatch"}  # beside the layers' own, by `MARK`
COUNTING = """
__device__ unsigned long long cycles[16];
#define MARK_START long long last = clock64();
#define MARK(phase) if (threadIdx.x == 0 && blockIdx.x == 0) { \\
    const long long now = clock64(); atomicAdd(&cycles[phase], (unsigned long long)(now - last)); last = now; }
"""


def within_a_block(work: Work) -> list[dict[str, Any]]:
    """Of the kernel called fused: microseconds of an epoch and its parts, and cycles of each phase of a step."""
    from workbench.engine.kernels.cuda.fused import FusedEvaluator, FusedTrainer, _kernels
    from workbench.engine.kernels.cuda.fused_probes import FusedProbes

    data = data_of(work)
    group: Any = Group(pack_of(work, "cuda", "plain"), data)
    rows: Any = group._trainer._rows
    trainer: Any = FusedTrainer(rows)
    trainer.train(1)
    evaluator: Any = FusedEvaluator(rows.pack, rows.layout, rows.weights, rows.stored, rows.data, rows.data.validation)
    probes = FusedProbes(rows)
    kernel = _kernels(trainer._source)["walk_split"]
    found = [
        {"launch": "registers a thread", "us": float(kernel.num_regs)},
        {"launch": "bytes spilled a thread", "us": float(kernel.local_size_bytes)},
        {"launch": "shared memory a block, KiB", "us": trainer._source.bytes / 1024},
    ]
    parts: dict[str, Callable[[], Any]] = {
        "train: an epoch": lambda: trainer.train(2),
        "evaluate: validation": evaluator.evaluate,
        "probes": lambda: probes.take(after_update=True),
        "probes by arrays": lambda: group._probes.take(after_update=True),
    }
    found += [{"launch": name, "us": _on_the_clock(work_of)} for name, work_of in parts.items()]
    launched: list[Any] = []
    machine, trainer._machine = trainer._machine, SimpleNamespace(launch=lambda *what: launched.append(what))
    trainer.train(2)
    for source, launch in launched:
        found.append({"launch": f"{launch.kernel} alone", "us": _on_the_clock(lambda: machine.launch(source, launch))})  # noqa: B023
    source, launch = launched[-1]
    counting = replace(source, text=COUNTING + source.text)
    machine.launch(counting, launch)
    return found + [
        {"launch": f"cycles a step: {PHASES.get(phase, f'forward {phase}')}", "us": float(count) / rows.updates}
        for phase, count in enumerate(_cycles(counting.text))
        if count
    ]


def _cycles(text: str) -> Any:
    import cupy

    from workbench.engine.kernels.cuda.fused import COMPILER_OPTIONS
    from workbench.engine.kernels.cuda.modules import module

    return cupy.ndarray(16, cupy.uint64, module(text, COMPILER_OPTIONS).get_global("cycles")).get()


def _on_the_clock(work: Callable[[], Any], times: int = 5) -> float:
    """Median microseconds until the device has done it."""
    import cupy

    taken = []
    for _ in range(times + 1):
        cupy.cuda.Device().synchronize()
        started = perf_counter()
        work()
        cupy.cuda.Device().synchronize()
        taken.append(perf_counter() - started)
    return float(np.median(taken[1:])) * 1e6


def alone(machine: Any, part: list[Any], counters: Any) -> float:
    """Microseconds. All launches look at the first step of the epoch; only a tick by itself counts on."""
    import cupy

    counters[...] = 0
    cupy.cuda.get_current_stream().synchronize()
    graph = machine.captured(part, REPEATS)
    return _timed(machine.stream, lambda: graph.launch(machine.stream), 3) / REPEATS * 1e6


def _timed(stream: Any, work: Callable[[], Any], times: int) -> float:
    """Seconds that one call's work takes on the device."""
    import cupy

    work()
    start, end = cupy.cuda.Event(), cupy.cuda.Event()
    start.record(stream)
    for _ in range(times):
        work()
    end.record(stream)
    end.synchronize()
    return cupy.cuda.get_elapsed_time(start, end) / 1000 / times


def _name(part: Launch | Product) -> str:
    if isinstance(part, Launch):
        return f"small product {part.arguments[-3:]}" if part.kernel == "small_product" else part.kernel
    (rows, inner), columns = part.left.shape, part.right.shape[1]
    return f"product ({rows}, {inner}) ({inner}, {columns})"
