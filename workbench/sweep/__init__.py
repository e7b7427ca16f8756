"""From one command to trained packs: Hydra, plan, executors. Called, it is the library's `workbench.sweep`."""

import sys
from importlib import import_module


class _Room(type(sys)):  # type: ignore[misc]
    """The package, which trains a sweep when it is called: `workbench.sweep({"seed": range(12)})`."""

    def __call__(self, *arguments: object, **settings: object) -> object:
        # By its name: the library stands in front of all rooms, and none imports it.
        return import_module("workbench.library").sweep(*arguments, **settings)


sys.modules[__name__].__class__ = _Room
