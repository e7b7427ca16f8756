"""Whether settings that depend on each other fit together: what the dataset holds, what the loss is for."""

from __future__ import annotations

from functools import lru_cache

from workbench.config.schema import DataConfig
from workbench.data import Facts, describe, split_sizes
from workbench.engine.errors import BadInput
from workbench.engine.rules.losses import LOSSES, fits_task


def fit(data: DataConfig, loss: str, batch_size: int) -> None:
    """Raise BadInput unless splits, batch, label noise and loss suit the dataset as it is now."""
    _fit(data, describe(data), loss, batch_size)


@lru_cache(maxsize=256)  # cells share most of these
def _fit(data: DataConfig, facts: Facts, loss: str, batch_size: int) -> None:
    sizes = split_sizes(facts, data.train_size, data.validation, data.test)
    if batch_size > sizes.train:
        raise BadInput(
            f"training.batch_size is {batch_size}; allowed: at most {sizes.train}, the training examples of {data.name}"
        )
    if data.label_noise > 0 and facts.classes == 0:
        raise BadInput(
            f"data.label_noise is {data.label_noise:g}; allowed: 0, as {data.name} is a regression without labels"
        )
    if loss != "auto" and not fits_task(loss, facts.classes):
        fitting = ", ".join(["auto", *(name for name in LOSSES if fits_task(name, facts.classes))])
        task = f"{facts.classes} classes" if facts.classes else "regression"
        raise BadInput(f"network.loss is {loss!r}; allowed with {data.name} ({task}): one of {fitting}")
