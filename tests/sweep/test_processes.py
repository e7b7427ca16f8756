"""Worker processes: what they say, and what becomes of a run whose worker is killed. The rest is in the contract."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.sweep.cases import outcomes, small
from tests.sweep.conftest import PLENTY, MakeCells
from workbench.sweep.execution.checkpoints import Checkpoints
from workbench.sweep.execution.cores import shares
from workbench.sweep.execution.executor import ExecutionContext
from workbench.sweep.execution.executors import EXECUTORS
from workbench.sweep.execution.messages import PackDone, PackRetried
from workbench.sweep.execution.unfinished import Unfinished
from workbench.sweep.planning.packs import PlannedPack
from workbench.sweep.planning.plan import identified, plan

KILLED = "its worker process was killed (signal SIGKILL)"


class Deadly(Checkpoints):
    """So many workers kill themselves as they begin a pack."""

    def __init__(self, folder: Path, deaths: int) -> None:
        super().__init__(folder)
        self._lives = folder.with_name(f"{folder.name} lives")
        self._lives.mkdir()
        for number in range(deaths):
            (self._lives / str(number)).touch()

    def resume(self, planned: PlannedPack) -> Unfinished:
        for life in self._lives.iterdir():
            life.unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().resume(planned)


@pytest.fixture
def pack(cells: MakeCells) -> PlannedPack:
    """A pack of one run."""
    (pack,) = plan(identified(cells([small()])), {}, PLENTY).packs
    return pack


class Noting(Deadly):
    """Every worker notes the cores that it may use as it begins a pack."""

    def resume(self, planned: PlannedPack) -> Unfinished:
        (self.folder.parent / f"{os.getpid()} cores").write_text(" ".join(map(str, os.sched_getaffinity(0))))
        return super().resume(planned)


@pytest.mark.skipif(len(shares(2)) < 2, reason="needs two cores, and a system that keeps processes to some of them")
def test_each_worker_is_kept_to_its_share_of_the_cores_and_one_that_replaces_it_as_well(
    cells: MakeCells, tmp_path: Path
) -> None:
    packs = [plan(identified(cells([small(seed=seed)])), {}, PLENTY).packs[0] for seed in range(2)]
    messages = EXECUTORS["processes"].train(packs, ExecutionContext(2, Noting(tmp_path / "sweeps", deaths=1)))
    assert [outcome.failed for outcome in outcomes(messages)] == [0, 0]
    noted = [frozenset(map(int, file.read_text().split())) for file in tmp_path.glob("* cores")]
    assert len(noted) == 3  # one worker was killed and replaced
    assert set(noted) == set(shares(2))


@pytest.mark.parametrize("deaths", [1, 2])
def test_a_run_whose_worker_is_killed_gets_one_more_try_and_then_fails_with_its_reason(
    pack: PlannedPack, tmp_path: Path, deaths: int
) -> None:
    context = ExecutionContext(1, Deadly(tmp_path / "sweeps", deaths))
    messages = list(EXECUTORS["processes"].train([pack], context))
    (retried,) = [message for message in messages if isinstance(message, PackRetried)]
    assert retried.line.endswith(f"(1 run): {KILLED}; tried once more")
    (outcome,) = outcomes(messages)
    assert (outcome.failed, outcome.reason) == ((0, "") if deaths == 1 else (1, f"WorkerDied: {KILLED}"))
    assert isinstance(messages[-1], PackDone)


def test_a_worker_says_what_it_has_to_say_through_the_one_in_front(
    pack: PlannedPack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / f"{pack.digest}.npz").write_text("broken")
    list(EXECUTORS["processes"].train([pack], ExecutionContext(1, Checkpoints(tmp_path))))
    assert "a broken checkpoint was set aside" in capsys.readouterr().err
