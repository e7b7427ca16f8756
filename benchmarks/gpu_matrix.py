"""One repetition of what decides claim A3-gpu. Its rule in `experiments/matrix_speed.py` asks for twelve."""

from __future__ import annotations

from dataclasses import replace

from workbench.config import RunConfig
from workbench.measure import MEASUREMENTS
from workbench.measure.timings import OTHERS

# Neurons and examples: where it is claimed, and with one of the two changed.
SIZES = ((1024, 1024), (16, 1024), (1024, 1))


def speedups(seed: int) -> dict[str, float | str]:
    """How many times faster the GPU is than the CPU at each size, one BLAS thread; and the load by others, in cores."""
    found: dict[str, float | str] = {}
    for width, batch in SIZES:
        like = RunConfig()
        network, training = replace(like.network, width=width), replace(like.training, batch_size=batch)
        config = replace(like, seed=seed, network=network, training=training)
        metrics = MEASUREMENTS["matrix_timing"].measure(config).metrics
        speedup = metrics.get("gpu_log10_speedup")
        name = f"{width} neurons, {batch} examples"
        found[name] = "no device" if speedup is None else round(10.0**speedup, 3)
        found[f"{name}, {OTHERS}"] = round(metrics[OTHERS], 3)
    return found
