"""The load of the machine while a sweep runs, as MLflow's system metrics of its parent run."""

from __future__ import annotations

import os
from importlib.util import find_spec

from workbench.tracking import mlflow_internals
from workbench.untyped import MlflowPart

MONITOR_SECONDS = 5.0  # between two samples
SAMPLING_SWITCH = "MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING"  # MLflow's own variable; sampling is on unless it is false


class SystemMetrics:
    """Samples from `start` to `stop`. Does nothing if psutil (the extra `system`) is not installed, or if MLflow's
    variable switches it off.
    """

    def __init__(self, wanted: bool = True) -> None:
        self._wanted = wanted
        self._monitor: MlflowPart = None

    def start(self, run_id: str, uri: str) -> None:
        """Sample for this run, after what an earlier start left."""
        if (
            not self._wanted
            or find_spec("psutil") is None
            or os.environ.get(SAMPLING_SWITCH, "").lower() in ("false", "0")
        ):
            return
        self.stop()
        self._monitor = mlflow_internals.load_monitor(run_id, MONITOR_SECONDS, uri)
        self._monitor.start()

    def stop(self) -> None:
        """Stop, and store the last samples."""
        if self._monitor is not None:
            self._monitor.finish()
            self._monitor = None
