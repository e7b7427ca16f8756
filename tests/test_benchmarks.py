"""The benchmarks run, and compare like with like. No test here says how long anything takes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import (
    command,
    floor,
    images,
    live_page,
    machine,
    memory,
    own_rules,
    peers,
    program_phases,
    report_scale,
    results,
    statistics,
    works,
)
from benchmarks.contest import CONTESTANTS, Entry, Rules, compete
from benchmarks.families import FAMILIES
from benchmarks.hosts import Teams
from benchmarks.works import Work
from workbench.engine.kernels.choice import numba_fault
from workbench.engine.rules import rule_files
from workbench.engine.rules.activations import ACTIVATIONS
from workbench.engine.rules.optimizers import OPTIMIZERS
from workbench.engine.rules.penalties import PENALTIES
from workbench.engine.vectors import FEATURES_VARIABLE, vector_bits

WORK = Work("digits", 2, 8, 3, 32)
IMAGES = Work("digits", 1, 8, 3, 32, channels=(3, 4), kernel=2, padding="valid")
RUNS = np.arange(3)
OURS = [name for name in CONTESTANTS if name.startswith(("ours", "bare")) and CONTESTANTS[name].is_here]
EPOCHS = 3


def losses_of(contestant: str, work: Work = WORK) -> dict[tuple[int, int], float]:
    """The training losses of a contestant in this very process, by run and epoch, of at least `EPOCHS` epochs."""
    row = CONTESTANTS[contestant]
    module, _, name = row.factory.partition(":")
    seated = getattr(import_module(module), name)(work, RUNS, **dict(row.options))
    in_eighths = "ensemble" in contestant or "grouped" in contestant or (work.channels and "vmap" in contestant)
    units = 8 * EPOCHS if in_eighths else EPOCHS * len(RUNS)
    assert seated.turn(units) > 0
    found = seated.losses()
    getattr(seated, "close", int)()
    return found


def assert_learns_as_ours(contestant: str, work: Work, tolerance: float) -> None:
    """The same mean loss as ours after the same epochs of the same runs."""
    found = statistics.agreement(losses_of(contestant, work), losses_of("ours, plain", work), latest=EPOCHS)
    assert found is not None
    epoch, runs, loss, ours = found
    assert epoch == EPOCHS
    assert runs >= 1
    assert loss == pytest.approx(ours, rel=tolerance)


@pytest.mark.parametrize("contestant", [name for name in OURS if name != "ours, plain"])
def test_ours_learn_the_same_in_every_form(contestant: str) -> None:
    assert_learns_as_ours(contestant, WORK.with_columns(dropout_rate=0.5), 1e-4)


@pytest.mark.parametrize("package", ["torch", "jax"])
@pytest.mark.parametrize(("rate", "tolerance"), [(0.0, 1e-3), (0.5, 0.1)])
def test_peers_learn_what_ours_learn(
    package: str, rate: float, tolerance: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip(package, reason=f"runs where {package} is installed: the extra 'bench'")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    for contestant in peers.ENTERED:
        if CONTESTANTS[contestant].needs == package:
            assert_learns_as_ours(contestant, WORK.with_columns(dropout_rate=rate), tolerance)


@pytest.mark.thorough
@pytest.mark.parametrize("work", [IMAGES, replace(IMAGES, depth=0, kernel=3, padding="same")], ids=lambda w: w.padding)
@pytest.mark.parametrize("package", ["torch", "jax"])
def test_peers_learn_from_images_what_ours_learn(package: str, work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip(package, reason=f"runs where {package} is installed: the extra 'bench'")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    for contestant in images.ENTERED:
        if CONTESTANTS[contestant].needs == package:
            assert_learns_as_ours(contestant, work, 1e-3)


@pytest.mark.thorough
@pytest.mark.skipif(bool(numba_fault()), reason="runs where Numba can be used")
def test_the_floor_does_the_products_of_a_step() -> None:
    """What the last step leaves, by hand: z of the output layer, dl/dW of both, and dl/dx but of the inputs."""
    work = Work("digits", 1, 4, 1, 32)
    products = floor.Products(work, np.arange(1))
    assert products.turn(2) == 2 * floor.STEPS
    w, g, z, _, batch, scratch = products._steps.args  # type: ignore[attr-defined]
    _, output = works.layout_of(work).views(w[None])
    of_hidden, of_output = works.layout_of(work).views(g[None])
    a, x = scratch.a[: batch * 4].reshape(batch, 4), scratch.x[: batch * 64].reshape(batch, 64)
    dl_dz = z[: batch * 10].reshape(batch, 10)
    np.testing.assert_allclose(dl_dz, a @ output["weights"][0].T + output["biases"][0], rtol=1e-4)
    np.testing.assert_allclose(of_output["weights"][0], dl_dz.T @ a, rtol=1e-4)
    np.testing.assert_allclose(of_hidden["weights"][0], z[: batch * 4].reshape(batch, 4).T @ x, rtol=1e-4)
    np.testing.assert_allclose(scratch.dl_da[: batch * 4].reshape(batch, 4), dl_dz @ output["weights"][0], rtol=1e-4)
    assert floor.flops_of_step(work) == 2 * 32 * (2 * 64 * 4 + 3 * 4 * 10)


def test_the_floor_without_numba_runs_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(floor, "numba_fault", lambda: "not here")
    assert floor.Products(Work("digits", 1, 4, 1, 32), np.arange(1)).turn(1) == floor.STEPS


@pytest.mark.parametrize(
    "fault", [pytest.param("", id="numba", marks=pytest.mark.thorough), pytest.param("not here", id="numpy")]
)
def test_the_floor_of_a_convolutional_network_counts_what_lies_within_the_image(
    fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(floor, "numba_fault", lambda: fault or numba_fault())
    work = Work("digits", 0, 0, 1, 32, channels=(2, 3))
    products = floor.Products(work, np.arange(1))
    assert products.turn(1) == floor.STEPS
    # Along an axis of 8 or 4 pixels a filter of 3 reads 22 or 10 within the image; the output layer reads 2 x 2 x 3.
    first, second, output = 2 * 22**2, 3 * 2 * 10**2, 10 * 12
    assert floor.flops_of_step(work) == 2 * 32 * (2 * first + 3 * second + 3 * output)


@pytest.mark.thorough  # what it compiles takes longer than all other tests of this file
@pytest.mark.skipif(bool(numba_fault()), reason="runs where Numba can be used")
def test_the_floor_does_the_products_of_every_convolution() -> None:
    work = Work("digits", 0, 0, 1, 32, channels=(2, 3))
    products = floor.Products(work, np.arange(1))
    products.turn(1)
    g = products._steps.args[1]  # type: ignore[attr-defined]
    assert all(tensors["weights"].all() for tensors in works.layout_of(work).views(g[None]))


@pytest.fixture(scope="module")
def measured() -> dict[str, Any]:
    """A whole comparison without the peers, in processes of its own."""
    work = Work("digits", 1, 8, 2, 32)
    with Teams() as teams:
        scores = compete([Entry(name, name, work) for name in (*OURS, peers.FLOOR)], teams, Rules(2, 0.001))
    return peers.compared(work, scores)


@pytest.mark.thorough
def test_a_contest_gives_every_contestant_every_round(measured: dict[str, Any]) -> None:
    contestants = measured["contestants"]
    assert contestants.keys() == {*OURS, peers.FLOOR}
    for row in contestants.values():
        assert len(row["rates"]) == 2
        assert min(row["rates"]) > 0
    assert contestants[peers.OURS]["ours_over_it"]["median"] == 1
    assert contestants[peers.FLOOR]["of_the_floor"]["median"] == 1
    assert all(row["loss"]["agrees"] for name, row in contestants.items() if name != peers.FLOOR)


@pytest.mark.thorough
def test_results_are_written_and_parts_come_together(measured: dict[str, Any], tmp_path: Path) -> None:
    about = machine.about(Rules(2, 0.001), quick=True)
    program = {"first start": dict.fromkeys((*program_phases.PHASES, "total"), 1.0)}
    results.write({"about": about, "peers": [measured]}, tmp_path, quick=False)
    files = results.write({"about": about, "program": program}, tmp_path, quick=False)
    assert [file.suffix for file in files] == [".json", ".md", ".png"]
    found = json.loads(files[0].read_text(encoding="utf-8"))
    assert found.keys() == {"about", "measured", "peers", "program"}
    assert found["measured"].keys() == {"peers", "program"}
    page = files[1].read_text(encoding="utf-8")
    assert all(name in page for name in (*measured["contestants"], *program_phases.PHASES, about["machine"]))


def test_results_of_another_machine_do_not_come_together(tmp_path: Path) -> None:
    about = machine.about(Rules(2, 0.001), quick=True)
    results.write({"about": about | {"machine": "another"}, "memory": []}, tmp_path, quick=True)
    file, *_ = results.write({"about": about, "costs": []}, tmp_path, quick=True)
    assert json.loads(file.read_text(encoding="utf-8")).keys() == {"about", "measured", "costs"}


def test_a_part_that_is_stopped_leaves_what_it_has_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(part: str, _teams: Teams, _quick: bool) -> Iterator[dict[str, Any]]:
        yield {part: []}
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "measure", stopped)
    with pytest.raises(KeyboardInterrupt):
        command.main(["--only", "memory", "--quick", "--results", str(tmp_path)])
    (file,) = tmp_path.glob("*.json")
    assert json.loads(file.read_text(encoding="utf-8")).keys() == {"about", "measured", "memory"}


def test_a_width_of_vectors_holds_while_it_measures_and_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FEATURES_VARIABLE, "+avx2,+avx512f,-avx512dq")
    found: list[int] = []
    monkeypatch.setattr(command, "_run", lambda _: found.append(vector_bits()) or 0)
    assert [command.main([]), command.main(["--vector-width", "256"])] == [0, 0]
    assert (found, vector_bits()) == ([512, 256], 512)
    monkeypatch.setenv(FEATURES_VARIABLE, "+avx2")
    with pytest.raises(SystemExit, match="found 512, this processor's vectors have 256 bits"):
        command.main(["--vector-width", "512"])


def test_a_contestant_that_fails_says_why() -> None:
    with Teams() as teams, pytest.raises(RuntimeError, match="nowhere"):
        teams["ours"].sit("seat", "benchmarks.nowhere:Nobody", WORK, {})


def test_every_row_of_every_family_is_measured() -> None:
    assert FAMILIES["activation"].keys() == ACTIVATIONS.keys()
    assert FAMILIES["optimizer"].keys() == OPTIMIZERS.keys()
    assert FAMILIES["penalty"].keys() >= PENALTIES.keys()


@pytest.mark.skipif(bool(numba_fault()), reason="runs where Numba can be used")
def test_own_rules_are_timed_beside_ours_and_learn_what_their_copies_learn() -> None:
    work = replace(own_rules.WORK, runs=2, width=4)
    works = {name: replace(work, **changes) for name, changes in own_rules.OWN.items()}
    try:
        losses = {}
        for name, one in {own_rules.OURS: work, **works}.items():
            bare = own_rules.OwnBare(one, np.arange(2), "compiled")
            assert bare.turn(2) > 0
            losses[name] = list(bare.losses().values())
    finally:
        rule_files.uninstall()
    assert losses["own copy of relu"] == losses["own copy of adam"] == losses[own_rules.OURS]
    assert losses["swish"] != losses[own_rules.OURS] != losses["adabelief"]


def test_the_watch_counts_every_moment_once(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(100))
    monkeypatch.setattr(program_phases, "time", lambda: next(clock))
    watch = program_phases.Watch(started=-1)
    inner = watch.timed(lambda: None, program_phases.TRACKING)
    outer = watch.timed(inner, "planning")
    outer()
    watch.enter(program_phases.REST)
    assert watch.seconds == {"start-up": 1, "planning": 2, "tracking": 1, "rest": 1}


def test_the_watch_hangs_on_names_that_exist() -> None:
    for module, name, _ in (*program_phases.HOOKS, ("workbench.tracking.write", "MlflowStore.record", "")):
        owner, attribute = program_phases._place(module, name)
        assert callable(getattr(owner, attribute)), f"{module} {name}"


def test_ratios_are_taken_within_rounds() -> None:
    assert statistics.ratio([2, 20, 200], [1, 10, 100]) == statistics.Spread(2, 2, 2)
    with pytest.raises(ValueError, match="3 rounds against 2"):
        statistics.ratio([1, 2, 3], [1, 2])


def test_losses_are_compared_at_the_latest_common_epoch_of_the_same_runs() -> None:
    ours = {(run, epoch): 10.0 * run + epoch for run in range(3) for epoch in (1, 2, 3)}
    theirs = {(1, 1): 0.5, (1, 2): 0.25}
    assert statistics.agreement(theirs, ours, latest=3) == (2, 1, 0.25, 12)
    assert statistics.agreement(theirs, ours, latest=1) == (1, 1, 0.5, 11)
    assert statistics.agreement({}, ours, latest=3) is None


def test_made_up_mnist_has_its_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(works.FOLDER_VARIABLE, raising=False)
    made_up = works._made_up("mnist")
    assert (made_up.inputs.shape, made_up.inputs.dtype, made_up.test_size) == ((70000, 784), np.uint8, 10000)
    assert set(made_up.targets) == set(range(10))


def test_the_predicted_memory_grows_with_the_runs() -> None:
    for kernel in ("compiled", "plain"):
        few, more, most = (memory.predicted(works.Work("digits", 2, 8, runs, 32), kernel) for runs in (1, 11, 21))
        assert 0 < more - few == most - more


@pytest.mark.thorough
def test_the_made_up_sweep_of_the_page_is_a_sweep(tmp_path: Path) -> None:
    from workbench.tracking.read import load

    report_scale.record(30, tmp_path)
    tables = load("synthetic", f"sqlite:///{tmp_path}/mlflow.db")
    assert tables.runs["outcome"].tolist() == ["finished"] * 30
    assert len(tables.layers) == 30 * (report_scale.EPOCHS + 1) * (report_scale.DEPTH + 1) * len(report_scale.PROBES)


def test_a_postgresql_without_its_package_is_said_before_anything_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    from benchmarks import sweeps

    monkeypatch.setenv(sweeps.SERVER, "postgresql://here")
    monkeypatch.setattr(sweeps, "find_spec", lambda _: None)
    with pytest.raises(SystemExit, match=r"^WORKBENCH_TEST_POSTGRES is set, and the package psycopg is missing"):
        sweeps.measure(quick=True)


def test_what_a_live_page_costs_comes_from_pairs_of_sweeps() -> None:
    found = {
        "without": [{"command": 12.0, "training": 10.0, "cpu": 18.0, "page": 0.0}] * 2,
        "live": [{"command": 12.5, "training": 10.1, "cpu": 18.0, "page": 0.5},
                 {"command": 12.5, "training": 10.3, "cpu": 18.0, "page": 0.7}],
    }  # fmt: skip
    assert live_page.lengthened(found) == pytest.approx([0.01, 0.03])
    text = live_page.table(found)
    assert "| live=true | 12.50 | 10.20 | 18.00 | 0.60 |" in text
    assert "training is +2.0% longer (quartiles +1.5% to +2.5%)" in text


@pytest.mark.thorough
@pytest.mark.skipif(bool(numba_fault()), reason="runs where Numba can be used")
def test_a_step_is_timed_in_all_its_parts(capsys: pytest.CaptureFixture[str]) -> None:
    from benchmarks import step_parts

    step_parts.main(["--quick"])
    head, _, plain, dropped = capsys.readouterr().out.splitlines()
    names = [name.strip() for name in head.split("|")[1:-1]]
    assert names == ["work", *step_parts.PARTS, *step_parts.WHOLES, *step_parts.LIMITS]
    for line in (plain, dropped):
        taken = dict(
            zip(names[1:], (float(cell.split()[0].rstrip("%")) for cell in line.split("|")[2:-1]), strict=True)
        )
        assert {name for name, time in taken.items() if time <= 0} == ({"dropout"} if line is plain else set())
