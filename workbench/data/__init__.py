"""Datasets, splits, label noise, scaling and the order of minibatches: everything a run's data are made of."""

from workbench.data.dataset import Dataset, Facts
from workbench.data.run_data import RunData, Split, prepare
from workbench.data.scaling import SCALINGS
from workbench.data.sources import DATASETS, describe, digest, load
from workbench.data.splits import Sizes, split_sizes

__all__ = [
    "DATASETS",
    "SCALINGS",
    "Dataset",
    "Facts",
    "RunData",
    "Sizes",
    "Split",
    "describe",
    "digest",
    "load",
    "prepare",
    "split_sizes",
]
