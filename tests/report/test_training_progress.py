"""How far a sweep is while it trains: by every message, up to what its store holds in the end."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

import workbench
from tests.clock import Clock
from workbench.report import live_beside
from workbench.report.page.begun import Progress, write_begun
from workbench.report.training_progress import TrainingProgress
from workbench.sweep.execution import progress
from workbench.sweep.execution.messages import EpochDone, Message, PackDone, PackResumed, PackRetried, PackStarted
from workbench.sweep.execution.progress import Display
from workbench.sweep.hydra.command import main
from workbench.sweep.planning.plan import Plan
from workbench.sweep.store import RunRecord

SMALL = (
    "data=blobs",
    "data.examples=120",
    "training.epochs=2",
    "network.width=4",
    "device=cpu",
    "workers=1",
    "live=true",
)
SEEN: list[Progress] = []


class Watched(TrainingProgress):
    """Keeps how far the sweep was after every message."""

    def on_message(self, message: Message) -> None:
        super().on_message(message)
        SEEN.append(self.now())


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[Progress]:
    monkeypatch.setattr(live_beside, "TrainingProgress", Watched)
    SEEN.clear()
    return SEEN


@pytest.mark.usefixtures("workspace", "no_figures")
def test_every_message_brings_it_on_and_the_last_says_what_the_store_holds(seen: list[Progress]) -> None:
    assert (
        main(
            [
                *SMALL,
                "network.depth=2,1",
                "optimizer=sgd,adam",
                "optimizer.learning_rate=0.01,1e30",
                "seed=0,1",
                "name=tour",
            ]
        )
        == 0
    )
    ended = [one.ended for one in seen]
    assert ended == sorted(ended)
    assert {one.runs for one in seen} == {16}
    last, runs = seen[-1], workbench.load("tour").runs
    assert last.ended == 16
    diverged = int((runs["outcome"] == "diverged").sum())
    assert 0 < diverged < 16
    assert last.outcomes == {"finished": 16 - diverged, "reused": 0, "diverged": diverged, "failed": 0, "pending": 0}
    assert {pack.state for pack in last.packs} == {"ended"}
    assert sum(pack.ended for pack in last.packs) == 16
    assert {pack.state for pack in seen[0].packs} == {"pending", "in training, epoch 0 of 2"}
    finished = runs[runs["outcome"] == "finished"]
    best = finished.groupby("network.depth")["best_validation_accuracy"].max()
    shown = {row.level: row.best for row in last.levels if row.factor == "depth"}
    assert shown == {str(depth): f"{100 * value:.1f}\u00a0%" for depth, value in best.items()}
    assert list(shown) == ["1", "2"]
    assert not any(one.levels for one in seen if not any(pack.state == "ended" for pack in one.packs))


def test_runs_that_another_start_or_sweep_has_trained_and_those_that_do_not_fit_have_ended() -> None:
    cells = [RunRecord(0, "held", "a", outcome="finished"), RunRecord(1, "same", "a", outcome="finished"),
             RunRecord(2, "large", "b"), RunRecord(3, "waits", "c")]  # fmt: skip
    now = TrainingProgress(cells, Plan([], {}, [], unfit={"b": "does not fit"})).now()
    assert (now.ended, now.runs) == (2, 3)
    assert now.outcomes == {"finished": 0, "reused": 1, "diverged": 0, "failed": 1, "pending": 1}


def test_the_page_says_the_time_to_go_as_the_terminal_does(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    clock = Clock()
    monkeypatch.setattr(progress, "monotonic", clock)
    watched = TrainingProgress([RunRecord(0, "", "a")], SimpleNamespace(packs=[], unfit={}, runs_to_do=1, cost=8.0))  # type: ignore[arg-type]
    shown = Display(runs=1, cost=8.0)

    def page() -> str:
        return write_begun("tour", {}, watched.now(), tmp_path, 100.0).read_text(encoding="utf-8")

    for message in (PackStarted("p", "relu", 1, 8, 8.0), EpochDone("p", 1, runs=1)):
        watched.on_message(message)
        shown.on_message(message)
    assert "to go" not in page()  # nothing is known before a second epoch
    clock.pause(5)
    for one in (watched, shown):
        one.on_message(EpochDone("p", 2, runs=1))
    assert watched.now().to_go == shown.time_to_go() == "0:30"
    assert "UTC, with about 0:30 to go. " in page()


def test_a_pack_that_goes_on_counts_what_it_had_and_one_that_is_tried_again_counts_once() -> None:
    progress = TrainingProgress([RunRecord(place, "", mark) for place, mark in enumerate("abcd")], Plan([], {}, []))
    for message in (
        PackStarted("p", "relu", 4, 20, 1.0),
        PackResumed("p", 5, 2),
        EpochDone("p", 6, runs=2, ended=1, diverged=1),
    ):
        progress.on_message(message)
    (row,) = progress.now().packs
    assert (row.ended, row.state) == (3, "in training, epoch 6 of 20")
    assert row.outcomes == {"finished": 2, "diverged": 1, "failed": 0, "pending": 1}
    progress.on_message(PackRetried("p", "lost"))
    assert progress.now().ended == 0
    for half in ("q", "r"):
        progress.on_message(PackDone(half, failed=1) if half == "r" else PackStarted(half, "relu", 2, 20, 1.0))
        if half == "q":
            progress.on_message(PackStarted("r", "relu", 2, 20, 1.0))
    assert progress.now().outcomes == {"finished": 0, "reused": 0, "diverged": 0, "failed": 1, "pending": 3}
