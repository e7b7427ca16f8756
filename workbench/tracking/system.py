"""Load of processor, memory, disk, network and GPU while a sweep runs, as MLflow's system metrics of its parent run."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import Any

from workbench.tracking import mlflow_internals

MONITOR_SECONDS = 5.0  # between two samples
SAMPLING_SWITCH = "MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING"  # MLflow's own; false is no, and not given is yes


class SystemMetrics:
    """Watches from `start` to `stop`; does nothing where psutil is not installed (the extra `system`), or MLflow's
    variable says no.
    """

    def __init__(self) -> None:
        self._monitor: Any = None

    def start(self, run_id: str, uri: str) -> None:
        """Sample for this run, after what an earlier start left."""
        if find_spec("psutil") is None or os.environ.get(SAMPLING_SWITCH, "").lower() in ("false", "0"):
            return
        self.stop()
        self._monitor = mlflow_internals.load_monitor(run_id, MONITOR_SECONDS, uri)
        self._monitor.start()

    def stop(self) -> None:
        """Write down what was sampled."""
        if self._monitor is not None:
            self._monitor.finish()
            self._monitor = None
