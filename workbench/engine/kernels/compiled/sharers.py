"""The threads that share the epochs of a run; see `shared.py`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import numpy as np

from workbench.engine.kernels.compiled import passes, shared
from workbench.engine.kernels.compiled.meeting import new_meeting, rest
from workbench.engine.kernels.compiled.products import OWN_SLOPES, SLOPES_FROM
from workbench.engine.kernels.compiled.update import UpdateRules
from workbench.engine.training.layout import Layout

FLOPS_OF_A_THREAD = 10_000_000  # of a step: with less to do, threads wait for each other longer than they compute
_OF_A_THREAD = ("panel", "slope", "rows", "labels", "values", "judged")  # buffers that each thread has for itself


def threads_for(layout: Layout, places: np.ndarray, batch: int, most: int) -> int:
    """How many threads, up to `most`, share a run's step; 1 if it is small, or of images, or learns slopes."""
    if len(places) < len(layout.layers) or (places[:, SLOPES_FROM] == OWN_SLOPES).any():
        return 1
    flops = 6 * batch * layout.weights_end  # a multiplication and an addition in each of three products
    return max(1, min(most, flops // FLOPS_OF_A_THREAD))


class Sharers:
    """So many threads, this one among them, and what each has for itself."""

    def __init__(self, threads: int, scratch: passes.Scratch, updating: UpdateRules) -> None:
        self._pool = _started(threads - 1)
        self._meeting = new_meeting()
        self._own = [
            (
                scratch._replace(**{name: getattr(scratch, name).copy() for name in _OF_A_THREAD}),
                updating._replace(numbers=updating.numbers.copy()),
            )
            for _ in range(threads)
        ]

    def train(self, loss: int, *arguments: object) -> None:
        """`passes.train_epoch`, without the arguments `updating` and `scratch`."""
        *before, batch, means = arguments
        threads = len(self._own)
        calls = [
            (loss, updating, *before, scratch, batch, means, thread, threads, self._meeting, rest())
            for thread, (scratch, updating) in enumerate(self._own)
        ]
        others = [self._pool.submit(shared.share_epoch, *call) for call in calls[1:]]
        shared.share_epoch(*calls[0])
        for other in others:
            other.result()


def _started(threads: int) -> ThreadPoolExecutor:
    """So many threads that run: one that never came would be waited for in vain. Raises RuntimeError if the system has
    no more.
    """
    pool, go = ThreadPoolExecutor(threads, "sharer"), Event()
    try:
        for _ in range(threads):
            pool.submit(go.wait)
    finally:
        go.set()
    return pool
