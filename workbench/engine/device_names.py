"""The names of devices. They have a file of their own because the schema reads them, and must not load NumPy."""

from __future__ import annotations

NUMBERED = tuple(f"cuda:{number}" for number in range(8))  # one of several: `sweep/planning/devices.py` chooses it
DEVICES = ("auto", "cpu", "cuda", *NUMBERED)
