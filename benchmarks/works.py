"""What is trained in a measurement: a `Work`, and the very arrays that every contestant starts from.

All contestants get the same initial weights, the same splits and the same minibatches, so that they must train to the
same loss. Inputs are scaled by one number, which lets peers hold one float tensor for all runs.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from workbench.config import DataConfig
from workbench.config.schema import TrainingConfig
from workbench.data import Dataset, RunData, describe, load, prepare
from workbench.engine.rules.activations import ACTIVATIONS
from workbench.engine.rules.losses import LOSSES
from workbench.engine.training.layout import Layout
from workbench.engine.training.minibatches import minibatches
from workbench.engine.training.pack import Pack

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
FOLDER_VARIABLE = "WORKBENCH_DATA"
EPOCHS = 10**6  # more than any measurement lasts: no run ends during one
POOL = 2  # height and width of a tile behind every convolution
LEARNING_RATE = 0.001  # of every optimizer: what is measured is time, and nothing may diverge

# Name -> dataset and the share of its examples that is used. A quarter of MNIST keeps a round short, and the proportion
# of training, validation and test examples as it is.
EXAMPLES: dict[str, tuple[str, float]] = {"digits": ("digits", 1), "mnist": ("mnist", 1), "mnist/4": ("mnist", 0.25)}


@dataclass(frozen=True)
class Work:
    """What is trained: `runs` networks with seeds 0, 1, ... on `examples`, a row of `EXAMPLES`.

    `columns` are names of `pack.COLUMNS` with one value for all runs. `workers` count for the public `train` alone.
    With `channels` the networks are convolutional: each convolution is of `kernel` x `kernel` pixels and stride 1, with
    max pooling of `POOL` x `POOL` behind it; then come the `depth` layers of `width` units.
    """

    examples: str
    depth: int
    width: int
    runs: int
    batch_size: int
    activation: str = "relu"
    optimizer: str = "adam"
    columns: tuple[tuple[str, float], ...] = ()
    workers: int = CORES
    channels: tuple[int, ...] = ()
    kernel: int = 3
    padding: str = "same"

    @property
    def dropout(self) -> float:
        """The dropout rate of the hidden layers."""
        return dict(self.columns).get("dropout_rate", 0.0)

    @property
    def name(self) -> str:
        """A short name for tables."""
        dropout = f", dropout {self.dropout:g}" if self.dropout else ""
        return f"{self.examples} ({self._layers()}) {self.activation}, {self.runs} runs{dropout}"

    def _layers(self) -> str:
        if not self.channels:
            return f"{self.depth},{self.width}"
        size = f"{self.kernel}x{self.kernel}"
        dense = f" + {self.depth},{self.width}" if self.depth else ""
        return " ".join(f"{size}x{channels}" for channels in self.channels) + f" {self.padding}{dense}"

    def with_columns(self, **columns: float) -> Work:
        """The same work with other per-run numbers."""
        return replace(self, columns=tuple((dict(self.columns) | columns).items()))


def mnist_is_there() -> bool:
    """Whether MNIST is to be read from the folder that the environment names; else it is made up."""
    return bool(os.environ.get(FOLDER_VARIABLE))


@lru_cache(maxsize=2)
def dataset(examples: str) -> Dataset:
    """The examples of a row of `EXAMPLES`: shares are taken from the front of the pool and of the test set."""
    name, share = EXAMPLES[examples]
    whole = load(DataConfig(name=name)) if name == "digits" or mnist_is_there() else _made_up(name)
    if share == 1:
        return whole
    pool, test = int(whole.facts.pool * share), int((whole.test_size or 0) * share)
    rows = np.r_[:pool, whole.facts.pool : whole.facts.pool + test]
    return replace(whole, inputs=whole.inputs[rows], targets=whole.targets[rows], test_size=test)


def _made_up(name: str) -> Dataset:
    """Noisy images of ten patterns, of the shape and the sparsity of MNIST."""
    facts, draw = describe(DataConfig(name=name)), np.random.default_rng(0)
    labels = draw.integers(0, facts.classes, facts.examples)
    patterns = np.where(draw.random((facts.classes, facts.features)) < 0.2, 200, 0)
    images = np.empty((facts.examples, facts.features), np.uint8)
    for start in range(0, facts.examples, 4096):
        part = slice(start, start + 4096)
        seen = draw.random(images[part].shape, np.float32) < 0.6
        noise = np.where(draw.random(images[part].shape, np.float32) < 0.03, 150, 0)
        images[part] = np.maximum(patterns[labels[part]] * seen, noise)
    return Dataset(f"{name}, made up", images, labels, facts.classes, facts.test_size, 255.0, "0" * 16, facts.image)


def data_of(work: Work, runs: np.ndarray) -> RunData:
    """The data of some of the runs."""
    return prepare(dataset(work.examples), runs, np.zeros(len(runs)), ["unit"] * len(runs), None, 0.15, 0.2)


def pack_of(work: Work, runs: np.ndarray, kernel: str) -> Pack:
    """Some of the runs as a pack for the engine."""
    columns = {"learning_rate": LEARNING_RATE, "epochs": EPOCHS} | dict(work.columns)
    filled = {name: np.full(len(runs), value) for name, value in columns.items()}
    return Pack(
        depth=work.depth,
        width=work.width,
        activation=work.activation,
        loss="cross_entropy",
        optimizer=work.optimizer,
        batch_size=work.batch_size,
        columns={"seed": runs, "init": np.full(len(runs), ACTIVATIONS[work.activation].init), **filled},
        kernel=kernel,
        network="cnn" if work.channels else "mlp",
        channels=work.channels,
        kernel_size=work.kernel,
        padding=work.padding,
        test_every=TrainingConfig().test_every,
    )


def layout_of(work: Work) -> Layout:
    """The places of the networks' tensors."""
    source = dataset(work.examples)
    units = LOSSES["cross_entropy"].units(source.facts.outputs)
    return Layout(pack_of(work, np.arange(1), "plain").architecture(source.facts.features, units, source.image))


def first_weights(work: Work, runs: np.ndarray) -> list[np.ndarray]:
    """The initial weights of each layer, (runs, rows, fan_in) float32, of a convolution (runs, filters, kernel, kernel,
    channels); biases start at zero.
    """
    layout, pack = layout_of(work), pack_of(work, runs, "plain")
    return [tensors["weights"].copy() for tensors in layout.views(layout.initial(pack.columns, np.float32))]


def updates_of(work: Work, data: RunData) -> int:
    """The updates of an epoch."""
    return data.train.index.shape[1] // work.batch_size


def batches(work: Work, data: RunData, epoch: int) -> np.ndarray:
    """The minibatches of an epoch of each run, rows of the inputs: (runs, updates, batch) int64."""
    index, _ = minibatches(data, epoch, updates_of(work, data), work.batch_size)
    return np.ascontiguousarray(index.swapaxes(0, 1))


def floats(work: Work) -> tuple[np.ndarray, np.ndarray]:
    """All examples as peers hold them: scaled inputs (examples, features) float32, labels (examples,) int64."""
    source = dataset(work.examples)
    return source.inputs.astype(np.float32) * np.float32(1 / source.largest), source.targets
