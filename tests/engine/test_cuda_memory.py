"""Memory is counted before it is taken: the count is what the arrays take."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.repetitions import crossed
from workbench.data.run_data import RunData
from workbench.engine.errors import BadInput
from workbench.engine.kernels.cuda import memory
from workbench.engine.kernels.cuda.buffers import Room, allocated, bytes_per_run, evaluation_rooms, training_rooms
from workbench.engine.kernels.cuda.kernel import GraphEvaluator, GraphTrainer
from workbench.engine.rules.activations import ACTIVATIONS
from workbench.engine.rules.losses import LOSSES
from workbench.engine.training.group import Group
from workbench.engine.training.pack import Pack

from .cases import data_for, pack_of
from .cuda_on_host import HostMachine, needs_compiler
from .image_cases import image_data, image_pack

RUNS = 3


@needs_compiler
@pytest.mark.parametrize(("loss", "activation"), crossed(LOSSES, ACTIVATIONS))
def test_what_is_counted_is_what_is_taken(activation: str, loss: str) -> None:
    pack = pack_of(RUNS, activation=activation, loss=loss, dtype="float32", optimizer="adam")
    assert_taken_as_counted(pack, data_for(pack))


@needs_compiler
@pytest.mark.parametrize("pool", ["max", "none"])
def test_of_images_too_what_is_counted_is_what_is_taken(pool: str) -> None:
    pack = image_pack(RUNS, activation="prelu", dtype="float32", optimizer="adam", pool=pool)
    assert_taken_as_counted(pack, image_data(pack))


def assert_taken_as_counted(pack: Pack, data: RunData) -> None:
    """The arrays of a trainer and of an evaluator are those that are counted, and a run's count holds them all."""
    group = Group(pack, data)
    rows: Any = group._trainer._rows  # type: ignore[attr-defined]
    trainer = GraphTrainer(rows, HostMachine())
    evaluator = GraphEvaluator(pack, rows.layout, rows.weights, rows.stored, data, data.test, HostMachine())
    examples = {split: getattr(data, split).index.shape[1] for split in ("train", "validation", "test")}
    kind = (data.classes, data.outputs)
    train = training_rooms(rows.layout, pack.batch_size, examples["train"], rows.updates, *kind)
    test = evaluation_rooms(rows.layout, examples["test"], *kind)
    for holder, rooms in ((trainer, train), (evaluator, test)):
        taken = sum(array.nbytes for name, array in holder._arrays.items() if name != "counters")
        assert taken == RUNS * bytes_per_run(rooms)
    architecture = pack.architecture(data.inputs.shape[1], LOSSES[pack.loss].units(data.outputs), data.image)
    flat = 7 * 4 * rows.layout.size  # weights, gradients, previous, best, two slots, one copy
    counted = memory.memory_per_run(pack, architecture, examples, data.classes)
    assert counted >= flat + bytes_per_run(train) + 2 * bytes_per_run(test)


def test_arrays_larger_than_device_code_counts_are_refused_in_a_line() -> None:
    rooms = {"x": Room((32,), np.float32), "z0": Room((256, 2**22 + 1), np.float32)}
    with pytest.raises(BadInput, match=r"1,073,742,080 numbers a run in the array z0; allowed are 1,073,741,824"):
        allocated(rooms, 1, np)
