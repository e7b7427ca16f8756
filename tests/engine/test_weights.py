"""The weights of runs that end: handed out while they are there, the same whoever trained them."""

from __future__ import annotations

import numpy as np
import pytest

from tests.engine.cases import data_for, mixed_pack, pack_of
from workbench.engine.kernels.choice import with_kernel
from workbench.engine.training import workers
from workbench.engine.training.ending import digest
from workbench.engine.training.loop import train

RUNS = 5


@pytest.mark.parametrize("kernel", ["plain", "compiled"])
@pytest.mark.parametrize("count", [1, 2])
def test_the_final_weights_of_a_run_are_those_of_its_digest(
    kernel: str, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "runs_per_group", lambda _pack, _data: 2)
    dtype = "float32" if kernel == "compiled" else "float64"
    pack = with_kernel(mixed_pack(RUNS, content=3, optimizer="adam", dtype=dtype), kernel)
    seen = 0
    for epoch in train(pack, data_for(pack), workers=count):
        if epoch.ended:
            ended = epoch.ended[::-1]  # the order asked for is the order given
            weights = epoch.weights([end.run for end in ended])
            assert [digest(row) for row in weights.final] == [end.weights_digest for end in ended]
            seen += len(ended)
    assert seen == RUNS


@pytest.mark.parametrize("count", [1, 2])
def test_weights_are_those_of_the_state(count: int) -> None:
    pack = pack_of(RUNS, epochs=[1, 3, 2, 3, 3], patience=[0, 0, 0, 2, 0])
    for epoch in train(pack, data_for(pack), workers=count):
        asked = np.array([4, 0, 3])
        weights, state = epoch.weights(asked), epoch.state()
        assert np.array_equal(weights.last, state["weights"][asked])
        assert np.array_equal(weights.best, state["best_weights"][asked])
        assert np.array_equal(weights.final, np.stack([weights.last[0], weights.last[1], weights.best[2]]))


def test_weights_of_a_past_epoch_are_refused_and_those_given_do_not_change() -> None:
    pack = pack_of(2)
    epochs = train(pack, data_for(pack))
    past = next(epochs)
    weights = past.weights([0, 1])
    kept = weights.last.copy()
    next(epochs)
    with pytest.raises(RuntimeError, match="of epoch 0 is gone"):
        past.weights([0])
    assert np.array_equal(weights.last, kept)
