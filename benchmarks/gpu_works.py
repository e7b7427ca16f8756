"""What is trained on a GPU: made-up images of the shapes of MNIST and digits, and the arrays every contestant gets.

Nothing here needs more than NumPy: a machine with a GPU often has little else.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from workbench.data.dataset import Dataset
from workbench.data.run_data import RunData, prepare
from workbench.engine.training.architecture import Architecture
from workbench.engine.training.layout import Layout
from workbench.engine.training.pack import Pack

CLASSES, RATE, LEARNING_RATE = 10, 0.5, 0.001
EPOCHS = 10**6  # more than any measurement lasts: no run ends during one


@dataclass(frozen=True)
class Work:
    """`runs` networks of `depth` hidden layers of `width` ReLU units with dropout 0.5, trained by Adam."""

    features: int
    examples: int
    batch_size: int
    depth: int
    width: int
    runs: int

    @property
    def architecture(self) -> Architecture:
        """The shapes of one network."""
        return Architecture(self.features, CLASSES, self.depth, self.width, "relu")


WORKS: dict[str, Work] = {
    "mnist (3,128), 256 runs": Work(784, 40000, 128, 3, 128, 256),
    "digits (2,32), 1024 runs": Work(64, 1797, 32, 2, 32, 1024),
    "mnist (3,128), 1 run": Work(784, 40000, 128, 3, 128, 1),
    "digits (2,32), 1 run": Work(64, 1797, 32, 2, 32, 1),
    "tiny": Work(64, 600, 32, 2, 32, 4),  # to try the script where there is no GPU
}


@cache
def dataset(work: Work) -> Dataset:
    """Noisy images of ten patterns."""
    draw = np.random.default_rng(0)
    labels = draw.integers(0, CLASSES, work.examples)
    patterns = np.where(draw.random((CLASSES, work.features)) < 0.2, 200, 0).astype(np.uint8)
    seen = draw.random((work.examples, work.features), np.float32) < 0.6
    noise = np.where(draw.random((work.examples, work.features), np.float32) < 0.03, 150, 0).astype(np.uint8)
    return Dataset("made up", np.maximum(patterns[labels] * seen, noise), labels, CLASSES, None, 255.0, "0" * 16)


def data_of(work: Work) -> RunData:
    """Each run's split of the examples."""
    runs = np.arange(work.runs)
    return prepare(dataset(work), runs, np.zeros(work.runs), ["unit"] * work.runs, None, 0.1, 0.1)


def pack_of(work: Work, device: str, kernel: str) -> Pack:
    """All runs as a pack for the engine."""
    columns = {"seed": np.arange(work.runs), "init": np.full(work.runs, "he")}
    for name, value in (("dropout_rate", RATE), ("learning_rate", LEARNING_RATE), ("epochs", EPOCHS)):
        columns[name] = np.full(work.runs, value)
    return Pack(
        work.depth, work.width, "relu", "cross_entropy", "adam", work.batch_size, columns, device=device, kernel=kernel
    )


def first_weights(work: Work) -> list[np.ndarray]:
    """The initial weights of each layer, (runs, fan_in, rows) float32; biases start at zero."""
    layout, runs = Layout(work.architecture), np.arange(work.runs)
    columns = {"seed": runs, "init": np.full(work.runs, "he"), "init_scale": np.zeros(work.runs)}
    return [weights.swapaxes(1, 2).copy() for weights in layout.weights(layout.initial(columns, np.float32))]


def orders(work: Work, data: RunData, epoch: int) -> np.ndarray:
    """The minibatches of an epoch of each run, rows of the inputs: (runs, updates, batch) int32."""
    updates = updates_of(work, data)
    order = data.order(epoch)[:, : updates * work.batch_size]
    rows = np.take_along_axis(data.train.index, order, axis=1)
    return rows.reshape(work.runs, updates, work.batch_size).astype(np.int32)


def updates_of(work: Work, data: RunData) -> int:
    """The updates of an epoch."""
    return data.train.index.shape[1] // work.batch_size


def floats(work: Work) -> tuple[np.ndarray, np.ndarray]:
    """All examples as peers hold them: scaled inputs (examples, features) float32, labels (examples,) int64."""
    source = dataset(work)
    return source.inputs.astype(np.float32) * np.float32(1 / source.largest), source.targets


def flops_of_step(work: Work) -> int:
    """Multiplications and additions of the products of one update of one run."""
    sizes = [rows * columns for _, rows, columns in Layout(work.architecture).rows()]
    return 2 * work.batch_size * (3 * sum(sizes) - sizes[0])
