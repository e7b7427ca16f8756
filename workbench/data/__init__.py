"""Datasets, splits, label noise, scaling and the order of minibatches: everything a run's data are made of."""

from workbench.data.dataset import Dataset, Facts, Known
from workbench.data.run_data import RunData, Split, prepare
from workbench.data.scaling import SCALINGS
from workbench.data.sources import DATASETS, describe, digest, known, load
from workbench.data.splits import Sizes, split_sizes

__all__ = [
    "DATASETS",
    "SCALINGS",
    "Dataset",
    "Facts",
    "Known",
    "RunData",
    "Sizes",
    "Split",
    "describe",
    "digest",
    "known",
    "load",
    "prepare",
    "split_sizes",
]
