"""A stored run that others go on from: its settings, and all that its training had reached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from workbench.engine.errors import BadInput
from workbench.engine.training.epoch import State


@dataclass(frozen=True)
class Origin:
    """What `from_run` names. `params` are the run's settings as texts; `data_digest` is that of its data, "" if it is
    not known; `state` is of one run, as `analyses=state` kept it: buffers (size,) by name, the best weights among them,
    and the numbers `epoch`, `best_loss`, `best_epoch`.
    """

    run_id: str
    fingerprint: str
    params: Mapping[str, str]
    data_digest: str
    state: Mapping[str, np.ndarray]

    @property
    def epoch(self) -> int:
        """The epoch that it had reached."""
        return int(self.state["epoch"])

    def begin(self, runs: int, size: int, *, same_judge: bool) -> State:
        """The state from which so many runs go on, of networks with so many parameters.

        With the `same_judge`, the validation loss of the same examples, the best epoch so far stays the best. Raises
        BadInput if the networks are not the origin's.
        """
        buffers = {name: values for name, values in self.state.items() if values.ndim}
        if found := next((len(values) for values in buffers.values() if len(values) != size), None):
            raise BadInput(
                f"from_run is {self.run_id}, whose network has {found:,} parameters; this one has {size:,}, since its "
                "data have another number of features or outputs"
            )
        begun = {name: np.repeat(values[None], runs, axis=0) for name, values in buffers.items()}
        loss, epoch = (self.state["best_loss"], self.state["best_epoch"]) if same_judge else (np.inf, self.epoch)
        if not same_judge:
            begun["best_weights"] = begun["weights"].copy()
        begun |= {"best_loss": np.full(runs, float(loss)), "best_epoch": np.full(runs, int(epoch), np.int64)}
        return begun | {"training": np.ones(runs, bool), "epoch": np.array(self.epoch)}
