"""Ties name no class, and neither does what is not a number: by every kernel, whatever the loss."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.engine.classes import NO_CLASS, exceeds_others, named_class
from workbench.engine.rules.losses import LOSSES
from workbench.engine.training.loop import train

from .cases import classes_of, data_for, needs_numba, pack_of
from .cuda_on_host import HostMachine, needs_compiler

CLASSIFIERS = [name for name, row in LOSSES.items() if row.task != "regression"]
# Few enough values that ties are the rule: equal, opposite, zeros of both signs, neighbours, infinite, no numbers.
SCORES = [0.0, -0.0, 1.0, -1.0, 1.0 + 2.0**-23, 1e-45, -1e-45, 50.0, np.inf, -np.inf, np.nan]


def outputs_of(loss: str) -> int:
    return LOSSES[loss].units(classes_of(loss))


def by_definition(z: np.ndarray, label: int) -> bool:
    """One example, from the words of the definition."""
    scores = [0.0, float(z[0])] if len(z) == 1 else [float(value) for value in z]
    return all(scores[label] > other for place, other in enumerate(scores) if place != label)


def plain(loss: str, z: np.ndarray, labels: np.ndarray) -> int:
    correct = LOSSES[loss].judge(z[None], labels[None]).correct
    assert correct is not None
    return int(correct.sum())


def compiled(loss: str, z: np.ndarray, labels: np.ndarray) -> int:
    from workbench.engine.kernels.compiled import losses

    return int(losses.run_loss(loss, z.copy(), labels, np.zeros(0, np.float32))[1])


def device(loss: str, z: np.ndarray, labels: np.ndarray) -> int:
    from workbench.engine.kernels.cuda import codes
    from workbench.engine.kernels.cuda.launches import Launch

    batch, outputs = z.shape
    losses, hits = np.zeros(1), np.zeros(1, np.int64)
    parameters = np.zeros((1, 64), np.float32)
    order, counters = np.arange(batch, dtype=np.int32)[None], np.zeros(2, np.int64)
    arguments = (
        z, parameters, parameters.copy(), labels.astype(np.int32), np.zeros((0, outputs), np.float32), order, counters,
        losses, hits, codes.LOSS_CODES.index(loss), 1, 0, 0, batch, batch, outputs, 64, 1.0,
    )  # fmt: skip
    HostMachine().launch(Launch("judge", (1, 1), 32, arguments))
    return int(hits[0])


KERNELS: list[Callable[[str, np.ndarray, np.ndarray], int]] = [
    plain,
    pytest.param(compiled, marks=needs_numba),
    pytest.param(device, marks=needs_compiler),
]  # type: ignore[list-item]


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("loss", CLASSIFIERS)
@settings(deadline=None)  # the first example waits for a compiler
@given(data=st.data())
def test_a_hit_is_the_one_definition_in_every_kernel(loss: str, kernel: Callable, data: st.DataObject) -> None:
    batch, outputs = data.draw(st.integers(1, 6)), outputs_of(loss)
    row = st.lists(st.sampled_from(SCORES), min_size=outputs, max_size=outputs)
    z = np.array(data.draw(st.lists(row, min_size=batch, max_size=batch)), np.float32)
    labels = np.array(data.draw(st.lists(st.integers(0, classes_of(loss) - 1), min_size=batch, max_size=batch)))
    expected = sum(by_definition(one, label) for one, label in zip(z, labels, strict=True))
    with np.errstate(all="ignore"):
        assert kernel(loss, z.copy(), labels) == expected


@given(st.integers(1, 4).flatmap(lambda n: st.lists(st.lists(st.sampled_from(SCORES), min_size=n, max_size=n))))
def test_the_named_class_is_the_only_label_that_is_a_hit(rows: list[list[float]]) -> None:
    if not rows:
        return
    z = np.array(rows)
    for scores, named in zip(z, named_class(z), strict=True):
        hits = [label for label in range(max(len(scores), 2)) if by_definition(scores, label)]
        assert hits == ([] if named == NO_CLASS else [named])


def test_every_class_can_be_named() -> None:
    assert named_class(np.eye(4)).tolist() == [0, 1, 2, 3]
    assert named_class(np.array([[-1e-300], [0.0], [1e-300], [np.nan]])).tolist() == [0, NO_CLASS, 1, NO_CLASS]
    assert exceeds_others(np.array([[1.0, 1.0]]), np.array([[1.0]])).tolist() == [False]


@pytest.mark.parametrize("kernel", ["plain", pytest.param("compiled", marks=needs_numba)])
@pytest.mark.parametrize("loss", CLASSIFIERS)
def test_a_network_of_zeros_makes_no_hit(loss: str, kernel: str) -> None:
    pack = pack_of(1, loss=loss, init="zero", dtype="float32", kernel=kernel, epochs=1)
    untrained = next(iter(train(pack, data_for(pack))))
    assert untrained.metrics["test_accuracy"].tolist() == [0.0]
    assert untrained.metrics["validation_accuracy"].tolist() == [0.0]
