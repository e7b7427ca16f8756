"""What a step takes on a GPU by the tiles of its updates by products: `python -m benchmarks.gpu_tiles`.

Each shape of `SHAPES` stands in place of `codes.PRODUCT`. All are compiled side by side, and each trains the same
networks from their beginning: run-steps/s, the training loss of the first epoch, which no shape may change, and the
microseconds of every launch that updates by a product.
"""

from __future__ import annotations

from dataclasses import replace
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.gpu_floor import alone
from benchmarks.gpu_works import WORKS, data_of, pack_of
from workbench.engine.kernels.cuda import codes, modules, source
from workbench.engine.kernels.cuda.cublas import PRECISIONS
from workbench.engine.training.group import Group

WORK = "mnist (3,128), 256 runs"
NARROW, WIDE = {"ROWS": 128, "COLUMNS": 64}, {"ROWS": 64, "COLUMNS": 128}
SHAPES: tuple[dict[str, int], ...] = (
    NARROW | {"AHEAD": 1}, NARROW | {"AHEAD": 2}, NARROW | {"AHEAD": 4}, NARROW | {"AHEAD": 4, "BLOCKS": 5},
    WIDE | {"AHEAD": 4}, WIDE | {"AHEAD": 4, "BLOCKS": 5}, {"ROWS": 64, "COLUMNS": 64, "BLOCKS": 6, "AHEAD": 4},
)  # fmt: skip
EPOCHS = (3, 4, 5)  # that are timed, behind two


def main() -> None:
    """Print a line for each precision and shape."""
    with modules.compiling_ahead(len(SHAPES)):
        _compare(dict(codes.PRODUCT))


def _compare(usual: dict[str, int]) -> None:
    for shape in SHAPES:
        codes.PRODUCT.update(usual | shape)
        modules.ask(source.text())
    group: Any = Group(pack_of(WORKS[WORK], "cuda", "plain"), data_of(WORKS[WORK]))
    begun = {name: buffer.copy() for name, buffer in group.buffers.items()}
    for precision in PRECISIONS:
        for shape in SHAPES:
            codes.PRODUCT.update(usual | shape)
            for name, buffer in group.buffers.items():
                buffer[...] = begun[name]
            print(precision, shape, *_measured(group._trainer._rows, precision), flush=True)


def _measured(rows: Any, precision: str) -> tuple[str, str, list[float]]:
    """Run-steps/s, the loss of the first epoch, and the microseconds of the launches."""
    from workbench.engine.kernels.cuda.device import device_machine
    from workbench.engine.kernels.cuda.kernel import GraphTrainer

    machine = device_machine(precision)
    trainer: Any = GraphTrainer(replace(rows, pack=replace(rows.pack, precision=precision)), machine)
    loss = float(np.mean(trainer.train(1)["train_loss"]))
    trainer.train(2)
    taken = []
    for epoch in EPOCHS:
        started = perf_counter()
        trainer.train(epoch)
        taken.append(perf_counter() - started)
    rate = rows.updates * rows.pack.runs / float(np.median(taken))
    named = PRECISIONS[precision].updating
    parts = [part for part in trainer._program._plan if getattr(part, "kernel", "") == named]
    return (
        f"{rate:,.0f}",
        f"{loss:.4f}",
        [round(alone(machine, [part], trainer._arrays["counters"]), 1) for part in parts],
    )


if __name__ == "__main__":
    main()
