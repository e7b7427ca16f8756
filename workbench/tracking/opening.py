"""Opens the store of a command."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.config import TrackingConfig
from workbench.tracking.location import is_there

if TYPE_CHECKING:
    from workbench.tracking.write import MlflowStore


def open_store(tracking: TrackingConfig, to_read: bool = False) -> MlflowStore:
    """The store, created if it is missing. Raises BadInput if it cannot be used."""
    from workbench.tracking.write import MlflowStore  # late: MLflow comes with it

    return MlflowStore(tracking.uri, tracking.experiment, tracking.wait_seconds, to_read)


def existing_store(tracking: TrackingConfig) -> MlflowStore | None:
    """The store for reading; None if it does not exist."""
    return open_store(tracking, to_read=True) if is_there(tracking.uri) else None
