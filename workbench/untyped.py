"""Names for objects to which their libraries give no type, each with the reason.

No other file of the package says `Any`.
"""

from __future__ import annotations

from typing import Any, TypeAlias

DeviceArray: TypeAlias = Any  # CuPy has no types
Compiled: TypeAlias = Any  # Numba hides what a function takes and returns once it has compiled it
NumbaType: TypeAlias = Any  # Numba's types and typing contexts have no types of their own
NumbaSettings: TypeAlias = Any  # Numba makes these variables when it is imported
PandasCell: TypeAlias = Any  # pandas does not know the type of a cell before it is read
MatplotlibSettings: TypeAlias = Any  # Matplotlib's type lists the settings of one version
AnySetting: TypeAlias = Any  # OmegaConf takes a list only in a field of this type
HydraValue: TypeAlias = Any  # Hydra's parser has a type for each kind of value, and not all of them are public
OmegaConfNode: TypeAlias = Any  # OmegaConf's nodes are not public
YamlLoader: TypeAlias = Any  # PyYAML has no types
DriverPart: TypeAlias = Any  # SQLAlchemy knows of a database's driver only what all drivers share
MlflowPart: TypeAlias = Any  # parts of MLflow that are not public are found by their names
