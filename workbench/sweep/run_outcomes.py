"""The outcomes of a run. They have a file of their own because Hydra's plugins import it and must not load NumPy."""

from __future__ import annotations

FINISHED, DIVERGED, FAILED, PENDING = "finished", "diverged", "failed", "pending"
OUTCOMES = (FINISHED, DIVERGED, FAILED, PENDING)
HELD_OUTCOMES = (FINISHED, DIVERGED)  # a run with one of these is not trained again
