"""What is trained on a GPU: made-up images of the shapes of MNIST and digits, and the arrays every contestant gets.

Nothing here needs more than NumPy: a machine with a GPU often has little else.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import isqrt, prod
from typing import Any

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
    """`runs` networks of `depth` hidden layers of `width` ReLU units with dropout 0.5, trained by Adam.

    Before them, where `channels` are given, convolutions over square images of one channel: `kernel` and `padding` as
    a network's, ReLU, and max pooling of 2 x 2 behind each. Training images are moved by up to `shift` pixels each way.
    """

    features: int
    examples: int
    batch_size: int
    depth: int
    width: int
    runs: int
    channels: tuple[int, ...] = ()
    kernel: int = 3
    padding: str = "same"
    shift: int = 0

    @property
    def image(self) -> tuple[int, ...]:
        """Height, width and channels of an example, if the networks read images or these move."""
        side = isqrt(self.features)
        return (side, side, 1) if self.channels or self.shift else ()

    @property
    def of_images(self) -> dict[str, Any]:
        """What a pack or an architecture is told of convolutions."""
        if not self.channels:
            return {}
        return {
            "network": "cnn", "channels": self.channels, "kernel_size": self.kernel, "padding": self.padding,
        }  # fmt: skip

    @property
    def architecture(self) -> Architecture:
        """The shapes of one network."""
        return Architecture(self.features, CLASSES, self.depth, self.width, "relu", image=self.image, **self.of_images)


WORKS: dict[str, Work] = {
    "mnist (3,128), 256 runs": Work(784, 40000, 128, 3, 128, 256),
    "digits (2,32), 1024 runs": Work(64, 1797, 32, 2, 32, 1024),
    "mnist (3,128), 1 run": Work(784, 40000, 128, 3, 128, 1),
    "digits (2,32), 1 run": Work(64, 1797, 32, 2, 32, 1),
    "digits cnn, 256 runs": Work(64, 1797, 32, 0, 0, 256, (8, 16)),
    "mnist cnn, 64 runs": Work(784, 10000, 128, 1, 128, 64, (8, 16), 5, "valid"),
    "mnist cnn, 64 runs, moved": Work(784, 10000, 128, 1, 128, 64, (8, 16), 5, "valid", shift=2),
    "digits (2,32), 1024 runs, moved": Work(64, 1797, 32, 2, 32, 1024, shift=1),
    "tiny cnn, moved": Work(64, 600, 32, 1, 16, 4, (4, 6), shift=1),
    "tiny, moved": Work(64, 600, 32, 2, 32, 4, shift=1),
    "tiny cnn": Work(64, 600, 32, 1, 16, 4, (4, 6)),
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
    inputs = np.maximum(patterns[labels] * seen, noise)
    return Dataset("made up", inputs, labels, CLASSES, None, 255.0, "0" * 16, work.image)


def data_of(work: Work) -> RunData:
    """Each run's split of the examples."""
    runs = np.arange(work.runs)
    return prepare(dataset(work), runs, np.zeros(work.runs), ["unit"] * work.runs, None, 0.1, 0.1)


def pack_of(work: Work, device: str, kernel: str) -> Pack:
    """All runs as a pack for the engine."""
    columns = {"seed": np.arange(work.runs), "init": np.full(work.runs, "he")}
    given = {"dropout_rate": RATE, "learning_rate": LEARNING_RATE, "epochs": EPOCHS, "shift_pixels": work.shift}
    columns |= {name: np.full(work.runs, value) for name, value in given.items()}
    return Pack(
        work.depth, work.width, "relu", "cross_entropy", "adam", work.batch_size, columns, device=device,
        kernel=kernel, **work.of_images,
    )  # fmt: skip


def first_weights(work: Work) -> list[np.ndarray]:
    """The initial weights of each layer, (runs, fan_in, rows) float32; biases start at zero. What a filter reads lies
    row by row of its window, the channels of each pixel together.
    """
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
    sizes = [
        layer.tensors[0].size * prod(getattr(layer, "places", ()))  # a filter reads so many patches
        for layer in work.architecture.layers
    ]
    return 2 * work.batch_size * (3 * sum(sizes) - sizes[0])
