"""MLflow is imported without a word of its own, and for users without a home too."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from warnings import catch_warnings, filterwarnings

from workbench.tracking.mlflow_internals import NOISY_LOGGER

_NO_HOME = "/nonexistent"


def import_quietly() -> None:
    """Import MLflow with telemetry, `View run` lines, progress bars, log lines and tracebacks switched off."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("DO_NOT_TRACK", "true")
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    import_for_anybody()  # its import sets log levels, so ours are set afterwards
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    logging.getLogger("urllib3").setLevel(logging.ERROR)  # its messages repeat requests with the tokens in them
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger(NOISY_LOGGER).setLevel(logging.CRITICAL)


def import_for_anybody() -> None:
    """Import MLflow also for a user without a home folder, such as a container's user that has a number and no name.

    MLflow asks for the home folder when it is imported, and fails if there is none. It gets one that does not exist.
    """
    known = Path.home
    try:
        known()
    except RuntimeError:
        os.environ.setdefault("HOME", _NO_HOME)
        Path.home = lambda: Path(_NO_HOME)  # type: ignore[method-assign]
    try:
        with catch_warnings():
            filterwarnings("ignore", message="IProgress not found")  # of a notebook that has no ipywidgets
            import mlflow  # noqa: F401
    finally:
        Path.home = known  # type: ignore[method-assign]
