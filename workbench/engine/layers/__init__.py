"""Layers: the contract (`base.py`), and one file for each kind. `LAYERS` lists the kinds by name."""

from workbench.engine.layers.average_pooling import AveragePooling
from workbench.engine.layers.base import Layer
from workbench.engine.layers.convolution import Convolution
from workbench.engine.layers.dense import Dense
from workbench.engine.layers.dropout import Dropout
from workbench.engine.layers.flatten import Flatten
from workbench.engine.layers.global_average import GlobalAverage
from workbench.engine.layers.max_pooling import MaxPooling
from workbench.engine.layers.maxout import Maxout

LAYERS: dict[str, type[Layer]] = {
    "dense": Dense,
    "maxout": Maxout,
    "convolution": Convolution,
    "max_pooling": MaxPooling,
    "average_pooling": AveragePooling,
    "global_average": GlobalAverage,
    "flatten": Flatten,
    "dropout": Dropout,
}
