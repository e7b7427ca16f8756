"""What can go wrong with a sweep, what is lost, and the very words a person is told (`workbench/sweep/README.md`)."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from workbench import app
from workbench.engine.errors import BadInput
from workbench.engine.kernels import choice as kernels
from workbench.engine.rules import rule_files
from workbench.report import sweep_page
from workbench.report.experiments import Experiment
from workbench.sweep.execution import pack_training as training
from workbench.sweep.execution.lock import locked
from workbench.sweep.hydra.command import main
from workbench.sweep.planning import packs, sweep_record
from workbench.tracking.read import load
from workbench.tracking.write import MlflowStore

pytestmark = pytest.mark.usefixtures("workspace", "no_figures")

SMALL = ["data=blobs", "data.examples=120", "training.epochs=2", "network.width=4", "device=cpu", "workers=1"]
SEEDS = [*SMALL, "seed=range(5)", "name=small"]

Told = Callable[[], str]


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Told:
    """What was written to standard error since it was last asked."""
    return lambda: capsys.readouterr().err


def outcomes(name: str = "small") -> dict[str, int]:
    return dict(load(name).runs["outcome"].value_counts())


def training_that(monkeypatch: pytest.MonkeyPatch, fails: Callable[[Any], BaseException | None]) -> None:
    """Training that raises what `fails(pack)` gives."""
    honest = training.train

    def train(pack: Any, *rest: Any) -> Any:
        if error := fails(pack):
            raise error
        return honest(pack, *rest)

    monkeypatch.setattr(training, "train", train)


def test_a_run_larger_than_the_memory_fails_with_its_reason_and_the_others_finish(told: Told) -> None:
    assert main([*SMALL, "network.depth=1,100000", "network.width=4096", "name=small"]) == app.EXIT_FAILED
    said = told()
    assert "1 run failed: does not fit in memory: takes about 6,249.9 GiB" in said
    assert "\n  cell 1: network.depth=100000\n" in said
    assert outcomes() == {"finished": 1, "failed": 1}
    assert "does not fit in memory" in Path("reports/small.html").read_text()


def test_a_network_too_absurd_to_be_measured_is_refused_as_well(told: Told, capsys: pytest.CaptureFixture[str]) -> None:
    absurd = [*SMALL, "network.depth=100000000000", "name=small"]
    assert main([*absurd, "dry_run=true"]) == 0
    assert "  1 run cannot be trained here: does not fit in memory: takes about" in capsys.readouterr().out
    assert main(absurd) == app.EXIT_FAILED
    assert "1 run failed: does not fit in memory: takes about" in told()


def test_of_a_pack_only_the_run_that_raises_fails(monkeypatch: pytest.MonkeyPatch, told: Told) -> None:
    training_that(monkeypatch, lambda pack: ValueError("seed 3 is cursed") if 3 in pack.columns["seed"] else None)
    assert main(SEEDS) == app.EXIT_FAILED
    said = told()
    assert "blobs, relu 2 x 4, sgd (5 runs): ValueError: seed 3 is cursed; tried again in halves" in said
    assert "1 run failed: ValueError: seed 3 is cursed\n  cell 3: seed=3\n" in said
    assert outcomes() == {"finished": 4, "failed": 1}
    assert "seed 3 is cursed" in Path("reports/small.html").read_text()


def test_a_pack_too_large_for_the_memory_after_all_is_trained_in_parts(
    monkeypatch: pytest.MonkeyPatch, told: Told
) -> None:
    training_that(monkeypatch, lambda pack: MemoryError("no room") if pack.runs > 2 else None)
    assert main(SEEDS) == app.EXIT_FINISHED
    assert "(5 runs): MemoryError: no room; tried again in halves" in told()
    assert outcomes() == {"finished": 5}


def test_fail_fast_stops_at_the_first_failure_and_leaves_the_rest_pending(
    monkeypatch: pytest.MonkeyPatch, told: Told
) -> None:
    training_that(monkeypatch, lambda pack: ValueError("no") if pack.depth == 3 else None)
    assert main([*SMALL, "network.depth=1,2,3", "name=small", "fail_fast=true"]) == app.EXIT_FAILED
    assert "1 run failed: ValueError: no" in told()
    assert outcomes() == {"pending": 2, "failed": 1}  # the deepest comes first
    monkeypatch.undo()


def test_what_the_store_does_not_take_is_kept_and_recorded_by_the_same_command(
    monkeypatch: pytest.MonkeyPatch, told: Told
) -> None:
    def unreachable(*_: object) -> None:
        raise BadInput("tracking.uri: 'http://far' does not answer")

    with monkeypatch.context() as patch:
        patch.setattr(MlflowStore, "record", unreachable)
        assert main(SEEDS) == app.EXIT_FAILED
    said = told()
    assert "'http://far' does not answer; the sweep goes on, and it is recorded later" in said
    assert "1 pack could not be recorded; the same command goes on from what sweeps/small holds of them" in said
    training_that(monkeypatch, lambda _: AssertionError("it is trained already"))
    assert main(SEEDS) == app.EXIT_FINISHED
    assert outcomes() == {"finished": 5}
    assert not list(Path("sweeps/small").glob("*.npz"))


def test_scripts_of_a_persons_own_project_are_left_alone(told: Told) -> None:
    Path("experiments").mkdir()
    for name in ("train", "small"):
        Path(f"experiments/{name}.py").write_text(
            "open('ran', 'w')\nimport argparse\nargparse.ArgumentParser().error('')"
        )
    assert main(SEEDS) == app.EXIT_FINISHED
    assert "train.py" not in told()
    assert not Path("ran").exists()


def test_the_log_says_what_rules_of_a_persons_own_were_run() -> None:
    Path("rules").mkdir()
    Path("rules/old.py").write_text("print 'python 2'\n")
    Path("rules/half.py").write_text("import workbench\n1 / 0\nLOSSES = {}\n")
    Path("rules/mine.py").write_text(
        "from workbench.rules import Schedule\n"
        "SCHEDULES = {'flat': Schedule('always 1', lambda update, factor: 0 * update + 1)}\n"
    )
    try:
        assert main(SEEDS) == app.EXIT_FINISHED
    finally:
        rule_files.uninstall()
    log = Path("sweeps/small/log.txt").read_text()
    assert re.findall("code of this folder that is run: (.*)", log) == ["rules/mine.py"]
    assert re.findall("code of this folder that could not be used: (.*)", log) == [
        "rules/half.py, line 2: raises ZeroDivisionError: division by zero"
    ]


def test_a_numba_that_compiles_nothing_is_told_and_done_without(monkeypatch: pytest.MonkeyPatch, told: Told) -> None:
    monkeypatch.setattr(kernels, "numba_fault", lambda: "Numba is switched off by NUMBA_DISABLE_JIT")
    assert main([*SEEDS, "kernel=compiled"]) == 2
    said = told()
    assert said.startswith(
        "kernel: found compiled with Numba is switched off by NUMBA_DISABLE_JIT; allowed are auto and"
    )
    assert said.count("\n") == 1
    assert main(SEEDS) == app.EXIT_FINISHED
    assert "switched off by NUMBA_DISABLE_JIT: the plain kernel trains, two to three times slower\n" in told()


def test_a_store_lost_at_the_end_costs_the_page_and_no_run(monkeypatch: pytest.MonkeyPatch, told: Told) -> None:
    def unreachable(*_: object) -> None:
        raise BadInput("tracking.uri: gone")

    with monkeypatch.context() as patch:
        patch.setattr(MlflowStore, "end", unreachable)
        assert main(SEEDS) == app.EXIT_FAILED
    assert "the page could not be written: tracking.uri: gone; the runs are kept, the same command writes it" in told()
    assert main(SEEDS) == app.EXIT_FINISHED
    assert outcomes() == {"finished": 5}


def test_a_claim_that_raises_costs_no_traceback_and_no_run(monkeypatch: pytest.MonkeyPatch, told: Told) -> None:
    def raises(*_: object) -> None:
        raise ZeroDivisionError("in a person's measure")

    monkeypatch.setattr(sweep_page, "write_report", raises)
    assert main(SEEDS) == app.EXIT_FAILED
    assert "the page could not be written: ZeroDivisionError: in a person's measure; the runs are kept" in told()
    assert "Traceback" in Path("sweeps/small/log.txt").read_text()


def test_a_file_where_pages_should_lie_is_said_before_anything_is_trained(told: Told) -> None:
    Path("reports").write_text("mine")
    assert main(SEEDS) == 2
    assert told() == "reports: found no folder that can be made or used (File exists); pages lie there\n"
    assert not Path("sweeps").exists()


def test_the_same_sweep_twice_at_once_is_refused_with_its_holder(workspace: Path, told: Told) -> None:
    with locked(workspace / "sweeps" / "small", "small"):
        assert main(SEEDS) == 2
        assert re.fullmatch(r"name: the sweep small is being trained by process \d+ on .+; wait .+\n", told())
        assert main([*SEEDS, "name=other"]) == app.EXIT_FINISHED


def test_other_cells_under_the_same_name_are_told(told: Told) -> None:
    main(SEEDS)
    assert "not the sweep of that name" not in told()
    main([*SEEDS, "seed=range(3,7)"])
    assert re.search(
        r"small: not the sweep of that name of \S+ \S+: 2 of its runs are the same, 2 new, 3 no longer asked for",
        told(),
    )


def test_other_libraries_when_a_sweep_goes_on_are_told(monkeypatch: pytest.MonkeyPatch, told: Told) -> None:
    with monkeypatch.context() as patch:
        training_that(patch, lambda pack: ValueError("no") if 3 in pack.columns["seed"] else None)
        main(SEEDS)
    told()
    honest = sweep_record.facts
    monkeypatch.setattr(sweep_record, "facts", lambda device: honest(device) | {"python": "9.9"})
    main(SEEDS)
    assert "goes on after" in (said := told())
    assert "so last digits may differ: python: " in said
    assert "-> 9.9" in said


def test_less_memory_at_the_next_start_keeps_the_checkpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    command = [*SEEDS, "training.epochs=6", "checkpoint_seconds=0"]
    main([*command, "tracking.uri=sqlite:///whole/mlflow.db"])
    started = training.train

    def stops(*given: Any) -> Any:
        for epoch in started(*given):
            if epoch.number == 4:
                raise KeyboardInterrupt
            yield epoch

    with monkeypatch.context() as patch:
        patch.setattr(training, "train", stops)
        assert main(command) == 130
    begun = []

    def witnessed(pack: Any, data: Any, workers: int, state: Any, *given: Any) -> Any:
        begun.append((pack.runs, int(state["epoch"])))
        return started(pack, data, workers, state, *given)

    monkeypatch.setattr(training, "train", witnessed)
    monkeypatch.setattr(packs, "LARGEST_PACK", 2)
    assert main(command) == app.EXIT_FINISHED
    assert sorted(begun) == [(1, 3), (2, 3), (2, 3)]
    columns = ["fingerprint", "weights_digest", "outcome"]
    whole = load("small", "sqlite:///whole/mlflow.db").runs[columns]
    assert load("small").runs[columns].equals(whole)
    assert not list(Path("sweeps/small").glob("*.npz"))


def test_what_was_said_stands_in_the_log_with_its_time(told: Told) -> None:
    main(SEEDS)
    log = Path("sweeps/small/log.txt").read_text()
    assert re.search(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d command: python -m workbench data=blobs", log)
    for line in told().splitlines():
        assert line in log


def test_a_log_that_cannot_be_kept_is_said_and_no_more(told: Told) -> None:
    Path("sweeps/small/log.txt").mkdir(parents=True)
    assert main(SEEDS) == app.EXIT_FINISHED
    assert "log.txt cannot be written (Is a directory); this sweep goes on without a log" in told()


def test_a_moved_workspace_goes_on(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: Told
) -> None:
    main(SEEDS)
    monkeypatch.chdir(tmp_path)
    workspace.rename(tmp_path / "new")
    monkeypatch.chdir(tmp_path / "new")
    told()
    assert main([*SEEDS, "seed=range(6)"]) == app.EXIT_FINISHED
    assert "6 runs, 5 held already, 1 to train" in told()
    assert load("small").facts["missing"] == ""


def write_own(content: int) -> None:
    generator = np.random.default_rng(content)
    np.savez("own.npz", inputs=generator.normal(size=(60, 3)), targets=np.arange(60) % 2)


def test_a_data_file_rewritten_meanwhile_costs_its_own_runs_alone_and_stores_nothing_wrong(
    monkeypatch: pytest.MonkeyPatch, told: Told
) -> None:
    command = ["data=npz,blobs", "data.path=own.npz", *SMALL[1:], "seed=0,1", "name=own"]
    write_own(0)
    assert main([*command, "dry_run=true"]) == app.EXIT_FINISHED
    announce = app.announce

    def rewritten(*given: Any) -> None:
        announce(*given)
        write_own(1)
        training._loaded.cache_clear()  # as in a worker process, or where a sweep reads more than two datasets

    with monkeypatch.context() as patch:
        patch.setattr(app, "announce", rewritten)
        assert main(command) == app.EXIT_FAILED
    said = told()
    assert "own.npz: understood as 2 classes, as targets are integers\n" in said
    assert "; tried again in halves" not in said
    assert re.search(
        r"^2 runs failed: data\.name=npz, data\.path=own\.npz: found data of digest \w{16}, planned were \w{16}; "
        r"put the planned data back, or start again to plan with these\n"
        r"  cell 0: data=npz seed=0\n  cell 1: data=npz seed=1\n",
        said,
        re.MULTILINE,
    )
    assert outcomes("own") == {"failed": 2, "finished": 2}
    assert main(command) == app.EXIT_FINISHED  # with what lies there now
    assert "4 runs, 2 held already, 2 to train" in told()
    Path("own.npz").unlink()
    sweep_page.write_report("own", Experiment())  # a page loads no data
