"""A pack: runs whose arrays have the same shapes, trained together. It holds plain arrays and values and can be
pickled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from workbench.engine.errors import BadInput
from workbench.engine.layers.base import Shape
from workbench.engine.rules.losses import LOSSES
from workbench.engine.rules.optimizers import OPTIMIZERS
from workbench.engine.rules.penalties import PENALTIES
from workbench.engine.rules.rule_files import RuleFile
from workbench.engine.training.architecture import Architecture, Images
from workbench.engine.training.layout import Layout
from workbench.engine.training.reader import Data

# Every setting that may differ from run to run within a pack, with its default.
COLUMNS: dict[str, object] = {
    "seed": 0,
    "init": "he",
    "init_scale": 0.01,
    "slope": 0.01,
    "learning_rate": 0.1,
    "schedule": "constant",
    "schedule_factor": 1.0,
    "schedule_time": 1000.0,
    "momentum": 0.9,
    "momentum_start": 0.9,
    "momentum_ramp_epochs": 0.0,
    "momentum_end": 0.5,
    "momentum_end_epochs": 0.0,
    "alpha": 0.9,
    "beta1": 0.9,
    "beta2": 0.999,
    "epsilon": 1e-8,
    "weight_decay": 0.0,
    "l1": 0.0,
    "l1_proximal": 0.0,
    "l2": 0.0,
    "decay": 0.0,
    "max_norm": 0.0,
    "dropout_rate": 0.0,
    "input_dropout_rate": 0.0,
    "map_dropout_rate": 0.0,
    "channel_dropout_rate": 0.0,
    "shift_pixels": 0,
    "epochs": 20,
    "patience": 0,
    "bounds": "",
}


def columns() -> dict[str, object]:
    """Every column of a pack with its default: `COLUMNS`, optimizers' own hyperparameters, penalties' strengths."""
    further = {name: 0.0 for name in PENALTIES if name not in COLUMNS}
    for row in OPTIMIZERS.values():
        further |= {name: number.default for name, number in row.hyperparameters.items()}
    return COLUMNS | further


@dataclass(frozen=True)
class Pack(Images):
    """The settings that all runs of a pack share, and a column of values for each setting that may differ by run.

    `columns` maps names of `columns()` to arrays of shape (runs,); a missing column has its default in every run.
    `seed` is required: its length is the number of runs. `precision`, of matrix products in float32, is a row of
    `PRECISIONS`; `device` is "cpu" or "cuda"; `kernel` is a row of `KERNELS`. `rules` are the rule files that the runs
    use: `train` installs them. The test data are evaluated as often as `evaluation.is_tested` says of `test_every`.
    """

    depth: int
    width: int
    activation: str
    loss: str
    optimizer: str
    batch_size: int
    columns: dict[str, np.ndarray] = field(repr=False)
    pieces: int = 2
    widths: tuple[int, ...] = ()
    test_every: int = 1
    dtype: str = "float32"
    precision: str = "float32"
    device: str = "cpu"
    kernel: str = "plain"
    rules: tuple[RuleFile, ...] = ()

    def __post_init__(self) -> None:
        runs = len(self.columns["seed"])
        defaults = columns()
        complete = {name: np.full(runs, default) for name, default in defaults.items()}
        for name, values in self.columns.items():
            if name not in defaults or np.shape(values) != (runs,):
                raise BadInput(
                    f"pack column {name}: found shape {np.shape(values)}, allowed are {runs} values of {list(defaults)}"
                )
            complete[name] = np.asarray(values)
        object.__setattr__(self, "columns", complete)

    @property
    def runs(self) -> int:
        """How many runs train together."""
        return len(self.columns["seed"])

    def take(self, rows: Sequence[int] | np.ndarray) -> Pack:
        """The pack of the runs at these places (n,), in the order given."""
        return replace(self, columns={name: values[np.asarray(rows, int)] for name, values in self.columns.items()})

    def kinds(self) -> list[str]:
        """The kinds of layers in the networks, rows of `LAYERS`. They do not depend on the data."""
        # More hidden layers are of the same kinds.
        one_hidden = replace(self.architecture(1, 1), depth=min(self.depth, 1), widths=self.widths[:1])
        return list(dict.fromkeys(kind for kind, _ in one_hidden.named()))

    def architecture(self, inputs: int, outputs: int, image: Shape = ()) -> Architecture:
        """The architecture for data with this many features and output units. `image` is the shape of an example, if
        the features are the pixels of an image.
        """
        return Architecture(
            inputs,
            outputs,
            self.depth,
            self.width,
            self.activation,
            self.pieces,
            image,
            self.widths,
            **self.of_images(),
        )

    def layout(self, data: Data) -> Layout:
        """The layers of the networks on these data, and the place of each of their parameters."""
        outputs = LOSSES[self.loss].units(data.outputs)
        return Layout(self.architecture(data.inputs.shape[1], outputs, data.image))
