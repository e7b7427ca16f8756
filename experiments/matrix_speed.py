"""The matrix form is what makes a network fast, and a GPU makes it faster still."""

from __future__ import annotations

from typing import Any

import pandas as pd

from workbench.claims import FAMILY, Arm, Claim, Figure, Lines, Paired, runs

SEEDS = tuple(range(12))  # repetitions of a timing
WIDTH, BATCH = "network.width", "training.batch_size"
AS_FAST = Arm("equally fast", constant=0.0)


def _faster(metric: str, width: int, batch: int) -> Paired:
    layer = Arm(f"{width} neurons, {batch} examples", {WIDTH: width, BATCH: batch})
    return Paired(metric, layer, AS_FAST, margin=0.0, direction="higher", seeds=SEEDS, family=FAMILY)


CLAIMS = [
    Claim(
        id="A3",
        section="The model, matrix operation",
        statement="A layer written as a product of matrices is computed faster than neuron by neuron, on the same CPU.",
        rule=_faster("matrix_log10_speedup", 256, 32),
        tuned=_faster("matrix_log10_speedup", 4, 1),
        condition="the layer has to be large enough; this is one of 4 neurons and a single example",
        remark="Neuron by neuron is a loop in Python, so the figure is one of this language; the order is not.",
    ),
    Claim(
        id="A3-gpu",
        section="The model, matrix operation",
        statement="A GPU computes the product of matrices faster than a CPU.",
        rule=_faster("gpu_log10_speedup", 1024, 1024),
        tuned=_faster("gpu_log10_speedup", 16, 1),
        condition="the layer has to be large enough; this is one of 16 neurons and a single example",
        remark="Decided only where CuPy finds a device.",
    ),
]


def speedups(tables: Any) -> pd.DataFrame:
    """How many times faster than the loop, and, with a GPU, than the CPU."""
    held = [name for name in ("matrix_log10_speedup", "gpu_log10_speedup") if name in tables.runs]
    parts = []
    for name in held:
        rows = runs(WIDTH, BATCH, name)(tables)
        words = {"matrix_log10_speedup": "matrix over loop", "gpu_log10_speedup": "GPU over CPU"}[name]
        parts.append(rows.assign(compared=words, times=10.0 ** rows[name]).drop(columns=name))
    frame = pd.concat(parts)
    return frame.assign(
        examples=frame[BATCH].map(lambda count: "1 example" if count == 1 else f"{count:g} examples")
    ).drop(columns=BATCH)


FIGURES = [
    Figure(
        "How many times faster",
        "By the neurons of the layer, which reads as many inputs, and the examples computed at once. One BLAS thread.",
        speedups,
        Lines(WIDTH, "times", by="examples", log_x=True, log_y=True, guides=(1.0,)),
        panels="compared",
    )
]
