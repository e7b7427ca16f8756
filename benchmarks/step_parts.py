"""What a step of the compiled kernel consists of: every part of it timed by itself, on one core.

    python -m benchmarks.step_parts [--quick] [NUMBER ...]     (works of --only peers, by their place)

A part runs over and over on the arrays of networks that have trained an epoch, as a step calls it. Printed is the least
CPU time of several rounds, in microseconds a step of one run, by kind of part; then the whole step as training takes
it, which also loops, and the evaluation and the probes that come to a step; last the floor, which are all products in
sequence (a step may leave some out), how fast it is, beside the peak of the core, what the roots and quotients of Adam
alone take, and two shares of the floor: the one that training reaches at most, if a step were its products, these,
evaluation and probes, and nothing else; and the one that it would reach if a step took no longer than its parts do by
themselves, each with all that it reads in the cache.
"""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from time import process_time
from typing import Any

import numpy as np

from benchmarks import step_loops
from benchmarks.floor import Products, flops_of_step
from benchmarks.ours import Bare, Evaluation, Probes, groups_of
from benchmarks.peak import peak, root_and_quotient
from benchmarks.peers import QUICK, WORKS
from benchmarks.works import Work, layout_of
from workbench.engine.kernels.choice import KERNELS
from workbench.engine.kernels.compiled.products import ROW_COUNT
from workbench.engine.rules.schedules import timetable

ROUNDS = 9
SHORTEST = 0.02  # seconds of a round
PARTS = ("minibatch", "products", "bias gradients", "activations", "dropout", "loss", "update")
FLOOR, SPEED, OF_PEAK, ROOTS = "floor", "floor, GFLOP/s", "of the peak", "roots and quotients"
AT_MOST, AS_PARTS = "at most, of the floor", "as its parts, of the floor"
LIMITS = {
    FLOOR: ".3g",
    SPEED: ".3g",
    OF_PEAK: ".0%",
    ROOTS: ".3g",
    AT_MOST: ".0%",
    AS_PARTS: ".0%",
}  # how each is written
WHOLES = {"a step": Bare, "evaluation": Evaluation, "probes": Probes}


def measure(work: Work) -> dict[str, float]:
    """Microseconds a step of one run, by part and whole."""
    step = _Step(work)
    found = dict.fromkeys(PARTS, 0.0)
    for name, loop, *given in step.calls():
        found[name] += _least(lambda count, loop=loop, given=given: loop(count, *given))  # type: ignore[misc]
    runs = np.arange(work.runs)
    for name, contestant in WHOLES.items():
        turns = contestant(work, runs, "compiled")
        steps = turns.turn(1)
        found[name] = _least(turns.turn) / steps
    floor = Products(work, runs)
    found[FLOOR] = _least(floor.turn) / floor.turn(1)
    found[SPEED] = flops_of_step(work) / found[FLOOR] / 1000
    found[OF_PEAK] = found[SPEED] / (peak() / 1e9)
    found[ROOTS] = layout_of(work).size * root_and_quotient() / 1000
    for name, parts in ((AT_MOST, ("products", ROOTS)), (AS_PARTS, PARTS)):
        found[name] = found[FLOOR] / sum(found[part] for part in (*parts, "evaluation", "probes"))
    return found


def _least(turn: Callable[[int], object]) -> float:
    """The least CPU time of one of a turn's units, in microseconds."""
    count, taken = 1, _timed(turn, 1)  # compiles
    while (taken := _timed(turn, count)) < SHORTEST:
        count *= 2
    return min(taken, *(_timed(turn, count) for _ in range(ROUNDS))) / count * 1e6


def _timed(turn: Callable[[int], object], count: int) -> float:
    started = process_time()
    turn(count)
    return process_time() - started


class _Step:
    """A group of networks after an epoch, with what its passes work on."""

    def __init__(self, work: Work) -> None:
        rows = groups_of(work, np.arange(work.runs), "compiled")[0]
        trainer: Any = KERNELS["compiled"].trainer(rows)
        trainer.train(1)
        self._batch, self._rows, self._dropout = work.batch_size, rows, work.dropout > 0
        self._scratch, self._places, self._examples = trainer._scratch, trainer._places, trainer._examples
        self._updating, self._loss = trainer._updating, trainer._loss
        table = timetable(rows.pack.columns, 0, rows.updates, rows.updates)
        self._timetable = trainer._timetable(table, 0)
        self._w, self._g = rows.weights.reshape(-1), np.full(rows.gradients.shape[1], 1e-6, np.float32)

    def calls(self) -> list[tuple[Any, ...]]:
        """The kind, the loop and the arguments of every part of a step."""
        rows, scratch, places, batch, w, g = (
            self._rows, self._scratch, self._places, self._batch, self._w, self._g,
        )  # fmt: skip
        layers, size, runs = range(len(places)), self._g.size, len(rows.weights)
        order = rows.data.order(1).reshape(-1)
        outputs = int(places[-1, ROW_COUNT])
        logits = scratch.z[(len(places) - 1) * scratch.strides[0] :][: batch * outputs].copy()
        found: list[tuple[Any, ...]] = [
            ("minibatch", step_loops.choose, order, self._examples, scratch, batch, runs, rows.updates, outputs),
            ("minibatch", step_loops.read, self._examples, scratch, runs, w, places),
            ("loss", step_loops.judge, self._loss, places, scratch, batch, logits),
            ("update", step_loops.update_row, self._updating, w, g, size, runs, rows.layout.weights_end),
        ]
        for layer in layers:
            found += [
                ("products", step_loops.forward_product, w, places, scratch, batch, layer, size, runs),
                ("products", step_loops.gradient_product, places, scratch, batch, layer, g),
                ("bias gradients", step_loops.bias_gradient, places, scratch, batch, layer, g),
            ]
        for layer in layers[1:]:
            found += [
                ("products", step_loops.backward_product, w, places, scratch, batch, layer, size, runs),
                ("activations", step_loops.activation, w, places, scratch, batch, layer - 1),
                ("activations", step_loops.derivative, w, places, scratch, batch, layer - 1, g),
            ]
            if self._dropout:
                found += [("dropout", step_loops.mask, scratch, places, batch, layer, self._timetable)]
        return found


def table(found: dict[str, dict[str, float]]) -> str:
    """Microseconds as a table of Markdown, one line a work; of the parts their share of their sum as well."""
    columns = (*PARTS, *WHOLES, *LIMITS)
    lines = [f"| work | {' | '.join(columns)} |", f"|---|{'---|' * len(columns)}"]
    for name, times in found.items():
        whole = sum(times[part] for part in PARTS)
        cells = [f"{times[part]:.3g} ({times[part] / whole:.0%})" for part in PARTS]
        cells += [f"{times[name]:{form}}" for name, form in (dict.fromkeys(WHOLES, ".3g") | LIMITS).items()]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="whether it runs, not how fast anything is")
    parser.add_argument("numbers", nargs="*", type=int, help="the places of works, from 0")
    given = parser.parse_args(arguments)
    works = QUICK if given.quick else WORKS
    chosen = [works[number] for number in given.numbers] if given.numbers else works
    print(table({work.name: measure(work) for work in chosen}))


if __name__ == "__main__":
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    main(sys.argv[1:])
