"""Worker processes start with or without a fork server, which needs a place among the temporary files."""

from __future__ import annotations

from typing import Any

import pytest

from workbench.engine.training import workers
from workbench.engine.training.loop import train

from .cases import assert_same_trainings, data_for, pack_of


def test_without_a_place_for_the_fork_server_a_worker_starts_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    honest, methods = workers._started_by, []

    def started_by(context: Any) -> Any:
        methods.append(context.get_start_method())
        if methods[-1] == "forkserver":
            raise OSError("AF_UNIX path too long")
        return honest(context)

    pack = pack_of(2)
    data = data_for(pack)
    alone = list(train(pack, data))
    monkeypatch.setattr(workers, "_started_by", started_by)
    assert_same_trainings(alone, list(train(pack, data, workers=2)), 2)
    assert methods == ["forkserver", "spawn"] * 2
