"""How often what is slow is repeated: a little while one works, often where WORKBENCH_THOROUGH is set, as CI does."""

from __future__ import annotations

import os

THOROUGH = bool(os.environ.get("WORKBENCH_THOROUGH"))


def repetitions(few: int, many: int) -> int:
    """So many repetitions, examples or kills: `few`, or `many` in a thorough run."""
    return many if THOROUGH else few
