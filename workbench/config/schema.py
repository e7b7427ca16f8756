"""The schema of a run: every setting with its default, unit, range and meaning.

Only this file holds defaults. The files in `conf/` set only what a choice changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass, make_dataclass
from types import MappingProxyType
from typing import get_type_hints

from workbench.config.families import Choices
from workbench.config.setting import Setting, setting, settings_of
from workbench.engine.device_names import DEVICES
from workbench.untyped import AnySetting


@dataclass(frozen=True)
class DataConfig:
    """Which examples, and how they are split."""

    name: str = setting("digits", role="static", choices=Choices("datasets"), engine="dataset", help="the dataset")
    dir: str | None = setting(
        None, role="none", unit="folder", help="where downloaded datasets lie; null is the usual cache folder"
    )
    path: str | None = setting(
        None,
        role="static",
        unit="file",
        numbers=False,
        help="the .npz file of data=npz (its digest decides the numbers)",
    )
    digest: str | None = setting(
        None,
        role="none",
        unit="digest",
        help="the digest that the data must have whenever they are loaded; null is their digest when planned",
    )
    train_size: int | None = setting(
        None, role="static", unit="examples", low=1, help="training examples; null is all that the other splits leave"
    )
    validation: float = setting(
        0.15,
        role="static",
        unit="share",
        low=0,
        high=1,
        open_low=True,
        open_high=True,
        help="share kept for validation",
    )
    test: float = setting(
        0.2,
        role="static",
        unit="share",
        low=0,
        high=1,
        open_low=True,
        open_high=True,
        help="share kept for testing, if the dataset has no test set of its own",
    )
    label_noise: float = setting(
        0.0,
        role="per_run",
        unit="share",
        low=0,
        high=1,
        open_high=True,
        help="share of training and validation labels replaced by another class",
    )
    test_noise: float = setting(
        0.0,
        role="per_run",
        unit="share",
        low=0,
        high=1,
        open_high=True,
        help="share of test labels replaced by another class",
    )
    shift: int = setting(
        0,
        role="per_run",
        unit="pixels",
        low=0,
        high=127,
        engine="shift_pixels",
        help="training images are shifted by up to this many pixels each way, drawn anew at every step; 0 is none",
    )
    permute_pixels: bool = setting(
        False,
        role="static",
        help="whether the pixels of every image are put into another order, by one fixed permutation: a control",
    )
    scaling: str = setting("standard", role="per_run", choices=Choices("scalings"), help="how inputs are scaled")
    examples: int = setting(1000, role="static", unit="examples", low=10, help="size of a generated dataset")
    noise: float = setting(0.2, role="static", unit="deviation", low=0, help="noise of a generated dataset")
    spectrum: AnySetting = setting(  # noqa: RUF009
        "[100,30,10,3,1]", role="static", unit="curvature", low=1, listed=True,
        help="curvatures of the loss of data=quadratic, one a feature",
    )  # fmt: skip


@dataclass(frozen=True)
class NetworkConfig:
    """The network: equal hidden layers and an output layer. In a convolutional one they follow convolutions."""

    name: str = setting("mlp", role="static", choices=Choices("networks"), engine="network", help="the kind of network")
    channels: AnySetting = setting(  # noqa: RUF009
        "[8,16]",
        role="static",
        unit="channels",
        low=1,
        listed=True,
        help="channels of every convolution, in order",
    )
    kernel: int = setting(
        3, role="static", unit="pixels", low=1, engine="kernel_size", help="height and width of every filter"
    )
    stride: int = setting(1, role="static", unit="pixels", low=1, help="from one patch of a filter to the next")
    padding: str = setting(
        "same", role="static", choices=("same", "valid"),
        help="same: images are padded with zeros; valid: every patch lies within the image",
    )  # fmt: skip
    pool: str = setting(
        "max", role="static", choices=("max", "average", "none"), help="pooling of tiles after each convolution"
    )
    pool_size: int = setting(2, role="static", unit="pixels", low=2, help="height and width of a tile")
    global_average: bool = setting(
        False, role="static", help="whether each channel is reduced to its mean over the image after the convolutions"
    )
    depth: int = setting(2, role="static", unit="hidden layers", low=0, help="0 is logistic or linear regression")
    width: int = setting(64, role="static", unit="units", low=1, help="units of each hidden layer")
    widths: AnySetting | None = setting(  # noqa: RUF009
        None, role="static", unit="units", low=1, listed=True,
        help="units of every hidden layer, in order, in place of depth and width; null is that they are equal",
    )  # fmt: skip
    activation: str = setting(
        "relu", role="static", choices=Choices("activations"), help="activation function of the hidden layers"
    )
    pieces: int = setting(2, role="static", unit="pieces", low=2, help="linear pieces of each maxout unit")
    init: str = setting(
        "auto",
        role="per_run",
        choices=Choices("initializers", ("auto",)),
        help="initial weights; auto is the usual choice for the activation",
    )
    init_scale: float = setting(
        0.01, role="per_run", unit="weight", low=0, help="deviation of init=normal, half-width of init=uniform"
    )
    slope: float = setting(
        0.01, role="per_run", unit="a per z", low=0, help="slope of leaky_relu left of zero; where prelu's slopes start"
    )
    loss: str = setting(
        "auto", role="static", choices=Choices("losses", ("auto",)), help="loss; auto is the usual one for the task"
    )


@dataclass(frozen=True)
class OptimizerConfig:
    """How weights are updated. Each choice of `optimizer=` sets its own learning rate."""

    name: str = setting(
        "sgd", role="static", choices=Choices("optimizers"), engine="optimizer", help="the optimizer's update rule"
    )
    learning_rate: float = setting(0.1, role="per_run", unit="step", low=0, open_low=True, help="learning rate")
    schedule: str = setting(
        "constant", role="per_run", choices=Choices("schedules"), help="how the learning rate falls with the updates"
    )
    schedule_factor: float = setting(
        1.0,
        role="per_run",
        unit="factor per update",
        low=0,
        high=1,
        open_low=True,
        help="schedule=exponential multiplies the rate by this at every update, schedule=by_epoch at every epoch",
    )
    schedule_time: float = setting(
        1000.0, role="per_run", unit="updates", low=0, open_low=True,
        help="schedule=inverse_time halves the rate after so many updates",
    )  # fmt: skip
    momentum: float = setting(
        0.9, role="per_run", unit="share", low=0, high=1, open_high=True, help="share of the last movement that is kept"
    )
    momentum_start: float | None = setting(
        None,
        role="per_run",
        unit="share",
        low=0,
        high=1,
        open_high=True,
        help="momentum at the first epoch, from where it ramps up; null is no ramp",
    )
    momentum_ramp_epochs: int = setting(0, role="per_run", unit="epochs", low=0, help="length of that ramp")
    momentum_end: float = setting(
        0.5, role="per_run", unit="share", low=0, high=1, open_high=True, help="momentum at the end of the last epochs"
    )
    momentum_end_epochs: int = setting(
        0, role="per_run", unit="epochs", low=0,
        help="over so many last epochs momentum goes to momentum_end; 0 is never",
    )  # fmt: skip
    alpha: float = setting(
        0.9,
        role="per_run",
        unit="share",
        low=0,
        high=1,
        open_high=True,
        help="share of rmsprop's mean square that is kept at an update",
    )
    beta1: float = setting(
        0.9, role="per_run", unit="share", low=0, high=1, open_high=True, help="decay of adam's mean of gradients"
    )
    beta2: float = setting(
        0.999, role="per_run", unit="share", low=0, high=1, open_high=True, help="decay of adam's mean of squares"
    )
    epsilon: float = setting(
        1e-8, role="per_run", unit="gradient", low=0, open_low=True, help="keeps adaptive steps from dividing by zero"
    )
    weight_decay: float = setting(
        0.0, role="per_run", unit="per step", low=0, help="decoupled decay: weights times 1 - learning_rate * this"
    )


@dataclass(frozen=True)
class PenaltyConfig:
    """Penalties on large weights. A choice of `penalty=` sets some of the five numbers from `strength`."""

    name: str = setting(
        "none", role="none", unit="label", help="label of the choice; the numbers below are what counts"
    )
    strength: float = setting(0.0, role="none", unit="per weight", low=0, help="the lambda of the chosen penalty")
    l1_ratio: float = setting(
        0.5, role="none", unit="share", low=0, high=1, help="share of l1 in penalty=elastic; the rest is l2"
    )
    l1: float = setting(0.0, role="per_run", unit="per weight", low=0, help="l1 * sum|w|, by its subgradient")
    l1_proximal: float = setting(
        0.0, role="per_run", unit="per weight", low=0, help="l1 by the proximal step, which gives exact zeros"
    )
    l2: float = setting(0.0, role="per_run", unit="per weight", low=0, help="l2 / 2 * sum w^2")
    decay: float = setting(
        0.0,
        role="per_run",
        unit="per step",
        low=0,
        help="decoupled weight decay: weights times 1 - learning_rate * decay",
    )
    max_norm: float = setting(
        0.0, role="per_run", unit="norm", low=0, help="largest norm of a neuron's incoming weights; 0 is no limit"
    )


def _dropped(text: str, engine: str) -> float:
    """The field of a dropout rate, by its name in the engine."""
    return setting(0.0, role="per_run", unit="share", low=0, high=1, open_high=True, engine=engine, help=text)


@dataclass(frozen=True)
class DropoutConfig:
    """Dropout rates: the shares dropped in training (papers often give the share kept)."""

    rate: float = _dropped("share of hidden units dropped", "dropout_rate")
    input_rate: float = _dropped("share of inputs dropped", "input_dropout_rate")
    map_rate: float = _dropped("share of the units of feature maps dropped", "map_dropout_rate")
    channel_rate: float = _dropped("share of whole channels dropped", "channel_dropout_rate")


@dataclass(frozen=True)
class TrainingConfig:
    """How long, and by how many examples at a time."""

    epochs: int = setting(20, role="per_run", unit="epochs", low=1, help="passes over the training data")
    batch_size: int = setting(32, role="static", unit="examples", low=1, help="examples of a minibatch")
    patience: int = setting(
        0,
        role="per_run",
        unit="epochs",
        low=0,
        help="stop after this many epochs without a better validation loss, and restore the best weights; 0 is never",
    )
    test_every: int = setting(
        5, role="static", unit="epochs", low=1,
        help="epochs between two evaluations of the test data; the first five epochs and the last have one each",
    )  # fmt: skip
    bounds: str = setting(
        "",
        role="per_run",
        unit="epoch:loss",
        help="stop at an epoch where the best validation loss is above a bound, as 5:0.83+10:0.7; a search sets it",
    )


@dataclass(frozen=True)
class TrackingConfig:
    """Where MLflow keeps the runs."""

    uri: str | None = setting(
        None, role="none", unit="address", help="MLflow's tracking address; null is a database in the working folder"
    )
    experiment: str | None = setting(
        None, role="none", unit="label",
        help="MLflow experiment; null is what MLFLOW_EXPERIMENT_NAME or MLFLOW_EXPERIMENT_ID say, else workbench",
    )  # fmt: skip
    wait_seconds: float = setting(
        60.0, role="none", low=1, unit="seconds", help="how long a server that is out of reach is tried again"
    )


@dataclass(frozen=True)
class SlurmConfig:
    """What a job of a cluster asks for. A setting that is null follows from the partition and the packs."""

    partition: str | None = setting(None, role="none", unit="label", help="null is the cluster's own default")
    account: str | None = setting(None, role="none", unit="label", help="the account charged; null is your default")
    time: int | None = setting(
        None, role="none", unit="minutes", low=1,
        help="time limit of a job; what is left goes on in another job; null is an hour, or the partition's limit",
    )  # fmt: skip
    cpus_per_task: int | None = setting(
        None, role="none", unit="cores", low=1, help="cores of a job; null is 4, or all that a node has"
    )
    memory: float | None = setting(
        None, role="none", unit="GiB", low=0, open_low=True,
        help="memory of a job; null is what its packs are predicted to take",
    )  # fmt: skip
    gpus_per_task: int = setting(0, role="none", unit="GPUs", low=0, help="GPUs of a job")
    array_parallelism: int | None = setting(
        None, role="none", unit="jobs", low=1, help="jobs at a time; null is as many as the partition has cores for"
    )
    setup: str = setting(
        "", role="none", unit="commands", help="shell commands run before a job begins, such as 'module load python'"
    )
    python: str | None = setting(None, role="none", unit="command", help="the interpreter of jobs; null is this one")
    options: str = setting(
        "", role="none", unit="options", help="further options of sbatch, such as '--qos=long --constraint=avx512'"
    )
    warning_seconds: int = setting(
        90, role="none", unit="seconds", low=1, help="how long before its limit a job stops with a checkpoint"
    )
    job_seconds: float = setting(
        60.0, role="none", unit="seconds", low=0,
        help="packs expected to take less time than this share a job; 0 is a job for each pack",
    )  # fmt: skip


@dataclass(frozen=True)
class RunConfig:
    """One run, fully resolved."""

    name: str | None = setting(
        None, role="none", unit="label", help="name of the sweep; null: the sweep file's, or a digest"
    )
    description: str = setting("", role="none", unit="text", help="what the sweep asks, for its page")
    arm: str = setting(
        "", role="none", unit="label", help="arm of a design that is not a full grid; its sweep file sets it"
    )
    seed: int = setting(
        0,
        role="per_run",
        unit="number",
        low=0,
        high=2**63 - 1,
        help="decides the split, the initial weights, the order of minibatches and the dropout masks",
    )
    from_run: str | None = setting(
        None, role="static", unit="run id", help="a stored run (analyses=state) whose weights and state it goes on from"
    )
    device: str = setting(
        "auto",
        role="static",
        choices=DEVICES,
        help="auto is cuda if there is one; cuda:1 is the second of several",
    )
    dtype: str = setting("float32", role="static", choices=("float32", "float64"), help="what the engine computes in")
    precision: str = setting(
        "float32", role="static", choices=Choices("precisions"),
        help="precision of matrix products on a GPU: tf32 rounds their factors to 10 bits, and is faster",
    )  # fmt: skip
    kernel: str = setting(
        "auto", role="static", choices=Choices("kernels", ("auto",)),
        help="which kernel computes the passes; auto is the fastest that can",
    )  # fmt: skip
    measure: str = setting(
        "training", role="static", choices=Choices("measurements", ("training",)),
        help="what a cell does: training, or one of the measurements, which train nothing",
    )  # fmt: skip
    analyses: str = setting(
        "", role="per_run", choices=Choices("analyses"), several=True,
        help="analyses of the trained network when its run ends, names joined by +",
    )  # fmt: skip
    data: DataConfig = field(default_factory=DataConfig)
    network: NetworkConfig = field(default_factory=NetworkConfig)
    optimizer: OptimizerConfig = field(default_factory=lambda: _sections["optimizer"]())
    penalty: PenaltyConfig = field(default_factory=lambda: _sections["penalty"]())
    dropout: DropoutConfig = field(default_factory=DropoutConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    tracking: TrackingConfig = field(default_factory=TrackingConfig)
    slurm: SlurmConfig = field(default_factory=SlurmConfig)
    reuse: bool = setting(
        True, role="none", help="take runs that the store already holds instead of training them again"
    )
    dry_run: bool = setting(False, role="none", help="print the plan, train nothing")
    live: bool = setting(False, role="none", help="its page renews itself while the sweep trains")
    executor: str = setting("inline", role="none", choices=Choices("executors"), help="who trains the packs")
    detach: bool = setting(
        False, role="none", help="submit packs to a cluster and exit; the same command collects them later"
    )
    fail_fast: bool = setting(False, role="none", help="stop at the first run that fails")
    checkpoint_seconds: float = setting(
        30.0, role="none", unit="seconds", low=0, help="time between checkpoints of a pack; 0 is every epoch"
    )
    workers: int | None = setting(
        None,
        role="none",
        unit="processes",
        low=1,
        help="parallel workers, which share a pack (and a wide run) or train one each, by executor; null: one a core",
    )


_settings = settings_of(RunConfig)
_sections: dict[str, type] = {
    name: hint for name, hint in get_type_hints(RunConfig).items() if isinstance(hint, type) and is_dataclass(hint)
}
_brought: set[str] = set()
SETTINGS: Mapping[str, Setting] = MappingProxyType(_settings)
SECTIONS: Mapping[str, type] = MappingProxyType(_sections)


def is_brought(key: str) -> bool:
    """Whether a row of a table brought the setting (`extend`)."""
    return key in _brought


def extend(section: str, further: Mapping[str, object]) -> None:
    """Add numbers, each made by `setting`, to a section. Names that it has already are skipped.

    So a row of a family's table brings its own settings, and no other file changes.
    """
    known = {item.name for item in fields(_sections[section])}
    new = [(name, float, made) for name, made in further.items() if name not in known]
    if not new:
        return
    before = _sections[section]
    _sections[section] = make_dataclass(before.__name__, new, bases=(before,), frozen=True)
    rows = settings_of(_sections[section], f"{section}.")
    place = max(i for i, key in enumerate(_settings) if key.startswith(f"{section}.")) + 1
    ordered = [
        *list(_settings.items())[:place],
        *((f"{section}.{name}", rows[f"{section}.{name}"]) for name, _, _ in new),
    ]
    ordered += list(_settings.items())[place:]
    _brought.update(f"{section}.{name}" for name, _, _ in new)
    _settings.clear()
    _settings.update(ordered)
