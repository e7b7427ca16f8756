"""Layers: the contract (`base.py`), and one file for each kind. `LAYERS` lists the kinds by name."""

from workbench.engine.layers.base import Layer
from workbench.engine.layers.dense import Dense
from workbench.engine.layers.dropout import Dropout
from workbench.engine.layers.maxout import Maxout

LAYERS: dict[str, type[Layer]] = {"dense": Dense, "maxout": Maxout, "dropout": Dropout}
