"""A research workbench for the foundations of deep learning: packed sweeps and claims with verdicts.

The library, for notebooks and scripts (docs/api.md): `sweep(...)` trains, `load(name)` reads what a store holds,
`load_run(id)` is a trained network.
"""

__version__ = "0.1.0"  # the one place: the build reads it here

TYPE_CHECKING = False  # instead of typing's: worker processes import this package first, so it imports nothing
if TYPE_CHECKING:
    from workbench.library import sweep as sweep
    from workbench.measure.model import Model
    from workbench.report.tidy import Sweep

__all__ = ["load", "load_run", "sweep"]


def __getattr__(name: str) -> object:
    """`workbench.sweep` is imported when it is asked for: it is a package too, and trains when it is called."""
    if name != "sweep":
        raise AttributeError(f"module 'workbench' has no attribute {name!r}")
    from importlib import import_module

    return import_module("workbench.sweep")


def load(name: str, uri: str | None = None) -> "Sweep":
    """The latest sweep called `name`, `name~1` the one before it: tables, figures, verdicts and page.

    `uri` is the store (default: the environment's, else mlflow.db here). Raises BadInput if it cannot be read or holds
    no such sweep.
    """
    from workbench.report import tidy

    return tidy.load(name, uri)


def load_run(run_id: str, uri: str | None = None) -> "Model":
    """The trained network of a run that was asked to keep it (analyses=model): `load_run(id).predict(X)`.

    `run_id` is its id in MLflow, `uri` the store (default: the environment's, else mlflow.db here). Raises BadInput
    if the store has no such run or did not keep its weights, or if a rule of the network is not in `rules/` here.
    """
    from workbench.tracking import models

    return models.load_run(run_id, uri)
