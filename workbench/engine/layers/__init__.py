"""Layers: the contract (`base.py`), and one file a kind. `LAYERS` lists the kinds, by the name a network names them."""

from workbench.engine.layers.base import Layer
from workbench.engine.layers.dense import Dense
from workbench.engine.layers.dropout import Dropout
from workbench.engine.layers.maxout import Maxout

LAYERS: dict[str, type[Layer]] = {"dense": Dense, "maxout": Maxout, "dropout": Dropout}
