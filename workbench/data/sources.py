"""The table of datasets, and the three questions that can be asked of any of them."""

from __future__ import annotations

from workbench.data.bundled import BUNDLED
from workbench.data.dataset import Dataset, Facts, Settings, Source, require
from workbench.data.mnist import MNIST_LIKE
from workbench.data.npz import NPZ
from workbench.data.synthetic import SYNTHETIC

DATASETS: dict[str, Source] = {**BUNDLED, **MNIST_LIKE, **SYNTHETIC, **NPZ}


def load(settings: Settings) -> Dataset:
    """The dataset that the settings name, downloaded if need be. Its digest is `digest(settings)`; raises BadInput."""
    return _source(settings).load(settings)


def digest(settings: Settings) -> str:
    """The digest of the content that `load` would give, without loading or downloading: 16 hexadecimal characters."""
    return _source(settings).digest(settings)


def describe(settings: Settings) -> Facts:
    """The facts of the dataset that `load` would give, without loading or downloading."""
    return _source(settings).describe(settings)


def _source(settings: Settings) -> Source:
    require(settings.name in DATASETS, f"data.name: found {settings.name!r}; allowed are {', '.join(DATASETS)}")
    return DATASETS[settings.name]
