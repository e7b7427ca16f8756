"""The folder that pages are written into."""

from __future__ import annotations

import os
from pathlib import Path

from workbench.engine.errors import BadInput


def make(folder: Path) -> None:
    """Make the folder where it is not there. Raises BadInput where that cannot be done, or it cannot be written to."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
            raise PermissionError(None, "it cannot be written to")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BadInput(
            f"{folder!s:.200}: found no folder that can be made or used ({reason}); pages lie there"
        ) from None
