"""The time a sweep will take is learned from sweeps that trained, not from those that waited for the compiler."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Any

import pytest

from workbench.sweep.execution import sweep_training
from workbench.sweep.hydra.command import main
from workbench.sweep.planning.speed import Speeds

TINY = ["training.epochs=1", "data.train_size=40", "network.depth=1", "network.width=4"]


@pytest.mark.usefixtures("workspace", "no_figures")
@pytest.mark.parametrize(("forms", "learned"), [(count(), 0), (iter([5, 5]), 1)], ids=["compiling", "compiled before"])
def test_a_sweep_that_compiled_teaches_no_speed(forms: Any, learned: int, monkeypatch: pytest.MonkeyPatch) -> None:
    taught: list[Sequence[Any]] = []
    monkeypatch.setattr(sweep_training, "_compiled_forms", lambda _: next(forms))
    monkeypatch.setattr(Speeds, "learn", lambda _, packs, __: taught.append(packs))
    assert main(TINY) == 0
    assert len(taught) == learned
