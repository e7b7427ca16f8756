"""The table of datasets, and functions that work for any of them.

Settings may name the digest that the data must have, as those of a planned run do. It is checked here, both for arrays
that are returned and for facts.
"""

from __future__ import annotations

from workbench.data.bundled import BUNDLED
from workbench.data.dataset import Dataset, Facts, Known, Settings, Source, require
from workbench.data.mnist import MNIST_LIKE
from workbench.data.npz import NPZ
from workbench.data.permuted import with_permuted_pixels
from workbench.data.quadratic import QUADRATIC
from workbench.data.synthetic import SYNTHETIC

DATASETS: dict[str, Source] = {**BUNDLED, **MNIST_LIKE, **SYNTHETIC, **QUADRATIC, **NPZ}


def load(settings: Settings) -> Dataset:
    """The dataset that the settings name, downloaded if need be.

    Its digest is that of its content, in whatever order the pixels are asked for. Raises BadInput if the dataset is not
    available, or if its digest is not the one that the settings name.
    """
    dataset = _source(settings).load(settings)
    _hold(settings, dataset.digest)
    return with_permuted_pixels(dataset) if settings.permute_pixels else dataset


def known(settings: Settings) -> Known:
    """What is known of the dataset that `load` would give, without loading or downloading; raises BadInput as well."""
    found = _source(settings).known(settings)
    _hold(settings, found.digest)
    return found


def digest(settings: Settings) -> str:
    """The digest of the content that `load` would give: 16 hexadecimal characters."""
    return known(settings).digest


def describe(settings: Settings) -> Facts:
    """The facts of the dataset that `load` would give."""
    return known(settings).facts


def _hold(settings: Settings, found: str) -> None:
    """Raise BadInput if data of the digest `found` are not those that the settings ask for."""
    where = f"data.name={settings.name}" + (f", data.path={settings.path}" if settings.path else "")
    require(
        settings.digest in (None, found),
        f"{where}: found data of digest {found}, planned were {settings.digest}; "
        f"put the planned data back, or start again to plan with these",
    )


def _source(settings: Settings) -> Source:
    require(settings.name in DATASETS, f"data.name: found {settings.name!r}; allowed are {', '.join(DATASETS)}")
    return DATASETS[settings.name]
