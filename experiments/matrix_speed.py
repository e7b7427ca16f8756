"""The matrix form is what makes a network fast, and a GPU makes it faster still."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from workbench.claims import FAMILY, Arm, Claim, Figure, Lines, Paired, Premise, runs, varied

SEEDS = tuple(range(12))  # repetitions of a timing, each in a process of its own
WIDTH, BATCH = "network.width", "training.batch_size"
AS_FAST = Arm("equally fast", constant=0.0)
A_TENTH = float(np.log10(1.1))
REMARK = (
    "Earlier forms asked for any difference at all, repeated it within one process, and changed width and examples "
    "together in the other setting. Now each repetition is a process, the difference must be more than a tenth, "
    "one of the two is changed at a time, and nothing is decided on a busy machine. The outcomes of the earlier forms "
    "were known: reproduced in the large layer, the other way round in the smallest."
)


def _faster(metric: str, width: int, batch: int) -> Paired:
    layer = Arm("the layer", {WIDTH: width, BATCH: batch})
    return Paired(
        metric, layer, AS_FAST, margin=A_TENTH, direction="higher", seeds=SEEDS, family=FAMILY,
        premises=(Premise("quiet"),),
    )  # fmt: skip


MATRIX, GPU = _faster("matrix_log10_speedup", 256, 32), _faster("gpu_log10_speedup", 1024, 1024)
CLAIMS = [
    Claim(
        id="A3",
        section="The model, matrix operation",
        statement="A layer written as a product of matrices is computed faster than neuron by neuron, on the same CPU.",
        rule=MATRIX,
        vary=varied(MATRIX, {WIDTH: (256, 4), BATCH: (32, 1)}),
        remark=f"Neuron by neuron is a loop in Python, so the figure is one of this language. {REMARK}",
    ),
    Claim(
        id="A3-gpu",
        section="The model, matrix operation",
        statement="A GPU computes the product of matrices faster than a CPU.",
        rule=GPU,
        vary=varied(GPU, {WIDTH: (1024, 16), BATCH: (1024, 1)}),
        remark=f"Decided only where CuPy finds a device. {REMARK}",
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
