"""One contestant in a process of its own: `python -m benchmarks.gpu_contestant NAME WORK SECONDS DEVICE`.

Prints one line of JSON.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from time import perf_counter
from typing import Any

from benchmarks.gpu_works import WORKS

FEWEST = 3  # epochs that are timed, whatever they take


@dataclass(frozen=True)
class Contestant:
    """One row of `CONTESTANTS`: `place` is module:class, called as (work, device, **options) but for JAX."""

    summary: str
    place: str
    options: dict[str, Any]


_STEPS, _EVERYTHING = "benchmarks.gpu_ours:Steps", "benchmarks.gpu_ours:Everything"
_ONE, _ENSEMBLE = "benchmarks.gpu_torch:OneByOne", "benchmarks.gpu_torch:Ensemble"
_GROUPED = "benchmarks.gpu_torch:GroupedEnsemble"
CONTESTANTS: dict[str, Contestant] = {
    "ours, graph": Contestant("steps alone, float32", _STEPS, {"kernel": "graph"}),
    "ours, graph, tf32": Contestant("steps alone", _STEPS, {"kernel": "graph", "precision": "tf32"}),
    "ours, fused": Contestant("steps alone, a run a block", _STEPS, {"kernel": "fused"}),
    "ours, fused, 128 threads": Contestant("steps alone", _STEPS, {"kernel": "fused", "threads": 128}),
    "ours, fused, 256 threads": Contestant("steps alone", _STEPS, {"kernel": "fused", "threads": 256}),
    "ours, plain": Contestant("steps alone, CuPy's own functions", _STEPS, {"kernel": "plain"}),
    "ours, auto, everything": Contestant("train(): evaluation and probes", _EVERYTHING, {"kernel": "auto"}),
    "ours, graph, everything": Contestant("train(): evaluation and probes", _EVERYTHING, {"kernel": "graph"}),
    "ours, plain, everything": Contestant("train(): evaluation and probes", _EVERYTHING, {"kernel": "plain"}),
    "torch, one by one": Contestant("eager", _ONE, {}),
    "torch, one by one, graphs": Contestant("CUDA graphs", _ONE, {"graph": True}),
    "torch, ensemble, graphs": Contestant("baddbmm, CUDA graphs", _ENSEMBLE, {"graph": True}),
    "torch, grouped": Contestant("grouped convolutions, baddbmm, eager", _GROUPED, {}),
    "torch, grouped, graphs": Contestant("grouped convolutions, baddbmm, CUDA graphs", _GROUPED, {"graph": True}),
    "jax, vmap": Contestant("scan, float32", "benchmarks.gpu_jax:Vmapped", {}),
    "jax, vmap, tf32": Contestant("scan", "benchmarks.gpu_jax:Vmapped", {"precision": "tensorfloat32"}),
}


def measured(name: str, work: str, seconds: float, device: str) -> dict[str, Any]:
    """Seconds until the first epoch is done, its mean loss, and run-steps/s of every epoch after it."""
    row = CONTESTANTS[name]
    module, _, kind = row.place.partition(":")
    started = perf_counter()
    where = {} if module.endswith("jax") else {"device": device}
    seated: Any = getattr(import_module(module), kind)(WORKS[work], **where, **row.options)
    loss = seated.epoch(1)
    setup = perf_counter() - started
    rates = _rates(seated.epoch, seated.run_steps, seconds)
    return {"contestant": name, "work": work, "setup": setup, "loss": loss, "rates": rates}


def _rates(epoch: Callable[[int], float], run_steps: int, seconds: float) -> list[float]:
    rates: list[float] = []
    started = perf_counter()
    epoch(2)  # some compile a second time, for buffers that are donated
    while len(rates) < FEWEST or perf_counter() - started < seconds:
        before = perf_counter()
        epoch(len(rates) + 3)
        rates.append(run_steps / (perf_counter() - before))
    return rates


if __name__ == "__main__":
    print(json.dumps(measured(sys.argv[1], sys.argv[2], float(sys.argv[3]), sys.argv[4])))
