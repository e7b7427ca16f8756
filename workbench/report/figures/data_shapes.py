"""The shapes of a sweep's data, which it notes in the store; and what follows for the losses of a regression."""

from __future__ import annotations

import re

from workbench.engine.layers.base import Shape

COST_OF_AN_OUTPUT = 0.5  # of the squared error of a standardised target that is predicted to be 0, its mean


def noted_shapes(text: str) -> dict[str, tuple[Shape, int]]:
    """The shape of an example and the number of outputs by dataset, of a sweep's fact "data_shapes", such as
    "digits 8 x 8 x 1 -> 10, blobs 2 -> 3"; without datasets that stand there with two shapes.
    """
    found: dict[str, set[tuple[Shape, int]]] = {}
    for name, shape, outputs in re.findall(r"(\S+) (\d+(?: x \d+)*) -> (\d+)", text):
        found.setdefault(name, set()).add((tuple(map(int, shape.split(" x "))), int(outputs)))
    return {name: shapes.pop() for name, shapes in found.items() if len(shapes) == 1}


def cost_of_mean(text: str) -> float:
    """The loss of predicting the mean of the training targets, about, of a regression on these data; NaN if they have
    different numbers of outputs, or none is noted.
    """
    outputs = {count for _, count in noted_shapes(text).values()}
    return COST_OF_AN_OUTPUT * outputs.pop() if len(outputs) == 1 else float("nan")
