"""The outcomes of a run. They stand by themselves because Hydra's plugins import them, and NumPy is too heavy there."""

from __future__ import annotations

FINISHED, DIVERGED, FAILED, PENDING = "finished", "diverged", "failed", "pending"
OUTCOMES = (FINISHED, DIVERGED, FAILED, PENDING)
HELD_OUTCOMES = (FINISHED, DIVERGED)  # a run with one of these is not trained again
