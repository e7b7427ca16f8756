"""A research workbench for the foundations of deep learning: packed sweeps and claims with verdicts."""

__version__ = "0.1.0"  # the one place: the build reads it here

TYPE_CHECKING = False  # instead of typing's: worker processes import this package first, so it imports nothing
if TYPE_CHECKING:
    from workbench.measure.model import Model


def load_run(run_id: str, uri: str | None = None) -> "Model":
    """The trained network of a run that was asked to keep it (analyses=model): `load_run(id).predict(X)`.

    `run_id` is its id in MLflow, `uri` the store (default: the environment's, else mlflow.db here). Raises BadInput
    if the store has no such run or did not keep its weights, or if a rule of the network is not in `rules/` here.
    """
    from workbench.tracking import models

    return models.load_run(run_id, uri)
