"""A plan trains each run once, leaves out what the store holds, and loses no cell."""

from __future__ import annotations

import pytest
from hydra.types import RunMode

from tests.sweep.cases import small
from tests.sweep.conftest import PLENTY, MakeCells
from workbench import quantities
from workbench.sweep.hydra.composing.cells import cells as composed
from workbench.sweep.hydra.composing.composer import Composer
from workbench.sweep.hydra.register import loader
from workbench.sweep.planning import identity
from workbench.sweep.planning.plan import PlannedCell, described, identified, plan
from workbench.sweep.store import Held


def test_a_run_that_two_cells_ask_for_is_trained_once_and_shown_twice(cells: MakeCells) -> None:
    asked = identified(cells([small(), small(penalty={"name": "renamed"}), small(seed=1)]))
    work = plan(asked, {}, PLENTY)
    assert work.runs_to_train == 2
    assert len(work.records()) == 3


def test_held_runs_are_not_trained_and_point_at_their_origin(seeds: list[PlannedCell]) -> None:
    work = plan(seeds, {seeds[1].fingerprint: Held("run-1", "diverged")}, PLENTY)
    assert work.runs_to_train == 2
    assert [(record.outcome, record.origin) for record in work.records()] == [
        ("pending", ""),
        ("diverged", "run-1"),
        ("pending", ""),
    ]
    assert seeds[1].fingerprint not in {mark for pack in work.packs for mark in pack.fingerprints}


def test_what_the_store_holds_beyond_the_sweep_is_not_counted(seeds: list[PlannedCell]) -> None:
    assert plan(seeds, {"of another sweep": Held("run-9", "finished")}, PLENTY).held == {}


def test_a_sweep_is_the_ordered_set_of_its_runs(seeds: list[PlannedCell]) -> None:
    assert plan(seeds, {}, PLENTY).digest == plan(seeds, {}, PLENTY).digest
    assert plan(seeds[:2], {}, PLENTY).digest != plan(seeds, {}, PLENTY).digest
    held = {seeds[0].fingerprint: Held("run-0", "finished")}
    assert plan(seeds, held, PLENTY).digest == plan(seeds, {}, PLENTY).digest


def test_a_cell_is_identified_beside_others_as_it_is_alone(cells: MakeCells) -> None:
    several = cells([small(seed=seed, dropout={"rate": rate}) for rate in (0.0, 0.5) for seed in (0, 1, 7)])
    together = identified(several)
    assert together == [identified([cell])[0] for cell in several]
    assert [cell.numbers["seed"] for cell in together] == [0, 1, 7] * 2
    assert len({cell.fingerprint for cell in together}) == 6


# The runs of these are tested after every epoch, as all were when their fingerprints were written down.
DESIGNS = [
    ("training.test_every=1", "0be3f6237d62a3c9", "94e3868906ecbfa2", "13505ee1856bb753"),
    (
        "training.test_every=1 optimizer=adam penalty=l1 penalty.strength=0.01 network.widths=[8,4] dropout.rate=0.5",
        "50ffc86554437766", "eb65b09ec7d4006e", "29943e6cca1d8cd3",
    ),
    (
        "training.test_every=1 network=cnn network.channels=[4] optimizer=momentum analyses=model",
        "d84a308ee1845a1f", "5a371e51e37d8289", "99052ac636b2ca7a",
    ),
    ("measure=gradient_identities dtype=float64", "46e9d18fe1a12f12", "69a274030bed70fe", "35e8f46514f3ed15"),
]  # fmt: skip


@pytest.mark.parametrize(("typed", "sweep", "first", "last"), DESIGNS)
def test_the_fingerprints_of_a_grid_stay_what_they_are(
    typed: str, sweep: str, first: str, last: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store's runs are found by them. If the engine's numbers change, so does its version, which is fixed here."""
    monkeypatch.setattr(identity, "NUMERICAL_VERSION", 1)
    always = ["device=cpu", "kernel=plain", *typed.split()]
    jobs = [[*always, f"seed={seed}", f"training.epochs={epochs}"] for epochs in (1, 2) for seed in (0, 1, 41)]
    composer = Composer(loader(), loader().load_configuration("config", [], RunMode.MULTIRUN))
    planned = identified(composed(composer, jobs))
    assert (plan(planned, {}, PLENTY).digest, planned[0].fingerprint, planned[-1].fingerprint) == (sweep, first, last)


def test_the_plan_in_words_names_runs_packs_what_varies_and_the_page(seeds: list[PlannedCell]) -> None:
    text = described(
        plan(seeds, {seeds[0].fingerprint: Held("run-0", "finished")}, PLENTY),
        "mine",
        "reports/mine.html",
        "about 0:10",
    )
    assert "sweep mine: 3 cells, 3 runs; 1 held already, 2 to train in 1 pack" in text
    assert "varies: seed = 0, 1, 2" in text
    assert "2 runs · blobs, relu 1 x 4, sgd" in text
    assert "time: about 0:10" in text
    assert text.endswith("report: reports/mine.html")


def test_sizes_are_never_in_powers_of_ten() -> None:
    assert [quantities.size(size) for size in (0, 999.7, 1023, 1000 * 1024, 1023.9 * 2**20, 5 * 2**30)] == [
        "0 B",
        "1000 B",
        "1023 B",
        "1000 KiB",
        "1024 MiB",
        "5.0 GiB",
    ]
