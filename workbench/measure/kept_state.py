"""All that training needs to go on from a run when it has ended: `from_run=ID` reads it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from workbench.engine.errors import BadInput
from workbench.measure.measurement import Analysis
from workbench.sweep.instruments import Measured, Table, Trained

STATE_TABLE = "state"
_NUMBERS = ("epoch", "best_loss", "best_epoch")


def _keep(trained: Trained) -> Measured:
    """The buffers of the run, weights and the optimizer's, and how far it had come: part, place within it, value."""
    assert trained.state is not None, "whoever trains a run gives its state"
    held = {name: np.ravel(values) for name, values in trained.state().items() if name != "training"}
    return Measured({}, {
        STATE_TABLE: {
            "part": np.repeat(list(held), [len(values) for values in held.values()]),
            "place": np.concatenate([np.arange(len(values)) for values in held.values()]),
            "value": np.concatenate([np.asarray(values, np.float64) for values in held.values()]),
        }
    })  # fmt: skip


def state_of(table: Table, params: Mapping[str, str]) -> dict[str, np.ndarray]:
    """What `_keep` left of one run: buffers (size,) in the run's dtype, and numbers of no dimension.

    Raises BadInput if another version of Workbench left it.
    """
    part, value = np.asarray(table["part"]), np.asarray(table["value"], np.float64)
    held = {str(name): value[part == name] for name in dict.fromkeys(part.tolist())}
    missing = [name for name in ("weights", "best_weights", *_NUMBERS) if name not in held]
    if missing or any(held[name].shape != (1,) for name in _NUMBERS):
        raise BadInput(
            "the kept state is of another version of Workbench; the command that trained the run keeps it anew"
        )
    dtype = np.dtype(params.get("dtype", "float32"))
    return {name: np.array(one[0]) if name in _NUMBERS else one.astype(dtype) for name, one in held.items()}


KEPT_STATE = {"state": Analysis("keeps weights and optimizer state, for from_run to go on from", (), _keep)}
