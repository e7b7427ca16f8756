"""A sweep that is recorded twice, interrupted, repeated, or asked for again under another name."""

from __future__ import annotations

from typing import Any

import pandas
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from tests.tracking.cases import STARTED, cell, result, sweep, trained
from workbench.addresses import local_path
from workbench.engine.errors import BadInput
from workbench.sweep.run_outcomes import DIVERGED, FAILED, FINISHED
from workbench.sweep.store import Held, PackResult
from workbench.tracking import children, holdings, write
from workbench.tracking.read import load, sweeps
from workbench.tracking.write import MlflowStore


def everything(uri: str) -> list[dict[str, Any]]:
    """All that MLflow knows of all runs, histories of metrics included."""
    client = MlflowClient(uri)
    experiments = [one.experiment_id for one in client.search_experiments()]
    runs = client.search_runs(experiments, order_by=["attributes.run_id ASC"])
    return [{**run.to_dictionary(), "points": points_of(client, run)} for run in runs]


def without_order(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """All but the place in the order of starts."""
    for run in runs:
        run["data"]["tags"].pop("workbench.order", None)
    return runs


def points_of(client: MlflowClient, run: Run) -> list[str]:
    return sorted(str(point) for key in run.data.metrics for point in client.get_metric_history(run.info.run_id, key))


def test_the_same_result_again_changes_nothing(uri: str) -> None:
    store = MlflowStore(uri)
    store.begin(sweep([cell(0), cell(1), cell(2)]))
    broken = cell(2, outcome=FAILED, reason="out of memory")
    pack = result([trained(cell(0)), trained(cell(1), DIVERGED, reason="at epoch 3"), broken])
    store.record(pack)
    before = everything(uri)
    store.record(pack)
    assert everything(uri) == before


def test_the_plan_of_a_sweep_that_is_held_is_not_written_again(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store = MlflowStore(uri)
    store.begin(sweep([cell(0), cell(1)]))
    store.record(result([trained(cell(0)), trained(cell(1))]))
    store.end("finished")
    before = load("seeds", uri).runs
    with monkeypatch.context() as patch:
        patch.setattr(write, "to_table", lambda *_: pytest.fail("the plan is there already"))
        again = MlflowStore(uri)
        again.begin(sweep([cell(0), cell(1)]))
        again.end("finished")
    pandas.testing.assert_frame_equal(load("seeds", uri).runs, before)


def test_a_damaged_plan_is_written_again_by_the_same_sweep(uri: str) -> None:
    store = MlflowStore(uri)
    store.begin(sweep([cell(0)]))
    store.record(result([trained(cell(0))]))
    store.end("finished")
    folder = local_path(MlflowClient(uri).get_run(store.run_id).info.artifact_uri)
    assert folder
    (folder / "plan.parquet").write_bytes(b"PAR1")
    again = MlflowStore(uri)
    again.begin(sweep([cell(0)]))
    again.end("finished")
    assert load("seeds", uri).facts["missing"] == ""
    assert load("seeds", uri).runs["outcome"].tolist() == ["finished"]


def test_the_same_result_after_a_restart_changes_nothing(uri: str) -> None:
    asked, pack = sweep([cell(0), cell(1)]), result([trained(cell(0)), trained(cell(1))])
    first = MlflowStore(uri)
    first.begin(asked)
    first.record(pack)
    before = everything(uri)
    second = MlflowStore(uri)
    second.begin(asked)
    second.record(pack)
    assert without_order(everything(uri)) == without_order(before)
    assert second.run_id == first.run_id


def test_a_recording_that_was_cut_off_is_completed(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, pack = sweep([cell(0), cell(1)]), result([trained(cell(0)), trained(cell(1))])
    store = MlflowStore(uri)
    store.begin(asked)

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(children, "can_insert", lambda _: False)
        patch.setattr(MlflowClient, "set_terminated", killed)
        with pytest.raises(KeyboardInterrupt):
            store.record(pack)
    assert MlflowStore(uri).held(["fp0", "fp1"]) == {}
    again = MlflowStore(uri)
    again.begin(asked)
    again.record(pack)
    assert set(again.held(["fp0", "fp1"])) == {"fp0", "fp1"}
    assert len(everything(uri)) == 3


def test_a_killed_sweep_holds_what_it_recorded_and_goes_on(uri: str) -> None:
    cells = [cell(0), cell(1, pack="second")]
    killed = MlflowStore(uri)
    killed.begin(sweep(cells))
    killed.record(result([trained(cells[0])]))
    assert list(load("seeds", uri).runs["outcome"]) == ["finished", "pending"]

    again = MlflowStore(uri)
    held = again.held(["fp0", "fp1"])
    assert list(held) == ["fp0"]
    again.begin(sweep([trained(cells[0], origin=held["fp0"].run_id), cells[1]]))
    again.record(result([trained(cells[1])], pack="second"))
    again.end("finished")
    tables = load("seeds", uri)
    assert list(tables.runs["outcome"]) == ["finished", "finished"]
    assert not tables.runs["reused"].any()
    assert len(sweeps(uri)) == 1
    assert len(everything(uri)) == 3


def test_what_a_later_start_recorded_counts_however_much_an_earlier_one_had_recorded(uri: str) -> None:
    cells = [cell(0, pack="a"), cell(1, pack="b"), cell(2, pack="c")]
    killed = MlflowStore(uri)
    killed.begin(sweep(cells))
    for one, outcome in ((cells[1], FINISHED), (cells[2], FINISHED), (cells[0], FAILED)):
        killed.record(result([trained(one, outcome, reason="no room")], pack=one.pack))
    again = MlflowStore(uri)
    again.begin(sweep(cells))
    again.record(result([trained(cells[0], FAILED, reason="no node")], pack="again"))
    assert load("seeds", uri).runs["reason"][0] == "no node"


@pytest.mark.parametrize("asked_again", ["the same", "other cells"])
def test_a_start_that_was_killed_before_its_plan_stood_runs_no_more(
    uri: str, asked_again: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the creation of the parent and its plan; whoever begins a sweep of that name next closes it."""

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(write, "put", killed)
        with pytest.raises(KeyboardInterrupt):
            MlflowStore(uri).begin(sweep([cell(0)]))
    store = MlflowStore(uri)
    store.begin(sweep([cell(0)]) if asked_again == "the same" else sweep([cell(1)], digest="d1"))
    store.end("finished")
    assert [run["info"]["run_id"] for run in everything(uri) if run["info"]["status"] == "RUNNING"] == []
    assert len(sweeps(uri)) == 1


def test_a_failed_cell_that_is_tried_again_keeps_its_one_child(uri: str) -> None:
    store = MlflowStore(uri)
    store.begin(sweep([cell(0)]))
    store.record(PackResult("pack", [cell(0, outcome=FAILED, reason="out of memory")], {}, {}))
    store.end("failed")
    assert MlflowStore(uri).held(["fp0"]) == {}
    again = MlflowStore(uri)
    again.begin(sweep([cell(0)]))
    again.record(result([trained(cell(0))]))
    again.end("finished")
    (child,) = [run for run in everything(uri) if "mlflow.parentRunId" in run["data"]["tags"]]
    assert child["info"]["status"] == "FINISHED"
    assert child["data"]["tags"]["workbench.reason"] == ""
    assert list(load("seeds", uri).runs["reason"]) == [""]


def test_a_fresh_sweep_is_a_new_parent_and_the_earlier_one_is_named(uri: str) -> None:
    first = MlflowStore(uri)
    first.begin(sweep([cell(0)]))
    first.record(result([trained(cell(0))]))
    first.end("finished")
    second = MlflowStore(uri)
    second.begin(sweep([cell(0)], fresh=True))
    assert second.run_id != first.run_id
    tables = load("seeds", uri)
    assert tables.facts["run_id"] == second.run_id
    assert tables.facts["earlier"] == first.run_id
    assert list(tables.runs["outcome"]) == ["pending"]


def test_a_rule_is_fixed_by_its_first_storing(uri: str) -> None:
    for rules in ("", "the first", "another", ""):
        MlflowStore(uri).begin(sweep([cell(0)], rules=rules))
    facts = load("seeds", uri).facts
    assert facts["rules"] == "the first"
    MlflowStore(uri).begin(sweep([cell(0)], rules="another", fresh=True))
    assert {name: load("seeds", uri).facts[name] for name in ("rules", "rules_stored")} == {
        name: facts[name] for name in ("rules", "rules_stored")
    }
    MlflowStore(uri).begin(sweep([cell(0), cell(1)], digest="of other cells", rules="another"))
    assert load("seeds", uri).facts["rules"] == "another"


def test_the_packs_of_a_sweep_are_kept_as_ordered_fingerprints(uri: str) -> None:
    store = MlflowStore(uri)
    assert store.earlier("seeds") is None
    cells = [cell(0), cell(1, pack="b"), cell(2, "fp0"), cell(3, pack="b"), cell(4, origin="")]
    store.begin(sweep(cells, facts={"versions": "numpy 2"}))
    store.record(result([trained(cells[3]), trained(cells[1])], pack="b"))
    found = MlflowStore(uri).earlier("seeds")
    assert found is not None
    assert set(found.packs) == {("fp0", "fp4"), ("fp3", "fp1")}
    assert found.fingerprints == ("fp0", "fp1", "fp0", "fp3", "fp4")
    assert (found.digest, found.facts) == ("d1", {"versions": "numpy 2"})


def test_another_set_of_cells_is_a_new_parent_of_the_same_name(uri: str) -> None:
    store = MlflowStore(uri)
    store.begin(sweep([cell(0)], digest="one"))
    store.begin(sweep([cell(0), cell(1)], digest="two"))
    assert list(sweeps(uri)["digest"]) == ["one", "two"]
    assert len(load("seeds", uri).runs) == 2


def test_an_earlier_sweep_of_the_name_that_has_ended_stays_as_it_ended(uri: str) -> None:
    """Only one that was killed is closed by the next of its name."""
    store = MlflowStore(uri)
    for digest, cells, outcome in (
        ("one", [cell(0)], "finished"),
        ("two", [cell(1)], None),
        ("three", [cell(2)], None),
    ):
        store.begin(sweep(cells, digest=digest))
        store.record(result([trained(cells[0])]))
        if outcome:
            store.end(outcome)
    assert list(sweeps(uri)["outcome"]) == ["finished", "interrupted", "running"]


def test_held_finds_runs_of_every_experiment_and_no_failed_ones(uri: str) -> None:
    first = MlflowStore(uri, "one experiment")
    first.begin(sweep([cell(0), cell(1), cell(2)]))
    first.record(
        result([trained(cell(0)), trained(cell(1), DIVERGED), trained(cell(2), FAILED, reason="out of memory")])
    )
    held = MlflowStore(uri, "another").held(["fp0", "fp1", "fp2", "unheard of"])
    outcomes = {fingerprint: one.outcome for fingerprint, one in held.items()}
    assert outcomes == {"fp0": "finished", "fp1": "diverged"}
    assert MlflowClient(uri).get_run(held["fp0"].run_id).data.tags["workbench.fingerprint"] == "fp0"
    assert first.held([]) == {}


@pytest.mark.parametrize("killed", [False, True])
def test_a_run_that_a_person_deleted_is_no_longer_held(killed: bool, uri: str) -> None:
    store = MlflowStore(uri)
    store.begin(sweep([cell(0), cell(1)]))
    store.record(result([trained(cell(0)), trained(cell(1))]))
    if not killed:
        store.end("finished")
    MlflowClient(uri).delete_run(store.held(["fp0"])["fp0"].run_id)
    assert set(store.held(["fp0", "fp1"])) == {"fp1"}
    again = MlflowStore(uri)
    again.begin(sweep([cell(0), cell(1)]))
    again.record(result([trained(cell(0), ended=STARTED + 99)], pack="again"))
    assert set(again.held(["fp0", "fp1"])) == {"fp0", "fp1"}
    again.end("finished")
    assert set(again.held(["fp0", "fp1"])) == {"fp0", "fp1"}


def test_a_reused_cell_is_a_light_child_that_points_at_its_origin(uri: str) -> None:
    first = MlflowStore(uri, "first")
    first.begin(sweep([cell(0)], name="first"))
    first.record(result([trained(cell(0))]))
    first.end("finished")
    second = MlflowStore(uri, "second")
    origin = second.held(["fp0"])["fp0"]
    params = {**cell(0).params, "penalty.name": "renamed"}  # a name decides no number, so the fingerprint is the same
    shown = cell(5, "fp0", name="shown again", factors={"seed": 0}, params=params, origin=origin.run_id)
    second.begin(sweep([shown], name="second", factors=("seed",)))
    second.end("finished")

    (light,) = [run for run in everything(uri) if run["data"]["tags"].get("mlflow.parentRunId") == second.run_id]
    assert light["info"]["run_name"] == "shown again"
    assert light["info"]["status"] == "FINISHED"
    assert light["data"]["tags"]["workbench.origin"] == origin.run_id
    assert light["data"]["tags"]["workbench.history"] == f"runs:/{first.run_id}/packs/pack"
    assert light["data"]["params"]["penalty.name"] == "renamed"
    assert light["data"]["metrics"] == {"last/train_loss": 0.5, "best_epoch": 7.0, "diverged": 0.0}
    tables = load("second", uri)
    (row,) = tables.runs.to_dict("records")
    assert (row["cell"], row["reused"], row["origin"]) == (5, True, origin.run_id)
    assert (row["outcome"], row["last_train_loss"]) == ("finished", 0.5)
    assert set(tables.epochs["cell"]) == {5}
    assert second.held(["fp0"]) == {"fp0": origin}


def test_a_reused_cell_whose_origin_is_gone_is_trained_and_then_its_own(uri: str) -> None:
    first = MlflowStore(uri)
    first.begin(sweep([cell(0)], name="first"))
    first.record(result([trained(cell(0))]))
    origin = first.held(["fp0"])["fp0"].run_id
    second = MlflowStore(uri)
    second.begin(sweep([cell(0, origin=origin)], name="second"))
    MlflowClient(uri).delete_run(origin)
    again = MlflowStore(uri)
    assert again.held(["fp0"]) == {}
    again.begin(sweep([cell(0)], name="second"))
    again.record(result([trained(cell(0))]))
    again.end("finished")
    (row,) = load("second", uri).runs.to_dict("records")
    assert not row["reused"]
    assert again.held(["fp0"]) == {"fp0": Held(row["run_id"], "finished")}
    assert MlflowClient(uri).get_run(row["run_id"]).data.tags["workbench.origin"] == ""


def test_an_origin_that_the_store_does_not_hold_is_one_line(uri: str) -> None:
    with pytest.raises(BadInput, match=r"^cell 0: reused from run 'nowhere', which the store does not hold$"):
        MlflowStore(uri).begin(sweep([cell(0, origin="nowhere")]))


@pytest.mark.parametrize("given", [[0], [0, 1]], ids=["one cell for all", "all its cells"])
def test_cells_of_one_fingerprint_are_trained_once_and_shown_twice(uri: str, given: list[int]) -> None:
    cells = [cell(0, "same"), cell(1, "same"), cell(2)]
    store = MlflowStore(uri)
    store.begin(sweep(cells))
    pack = result([trained(cells[number]) for number in [*given, 2]])
    for _ in range(2):
        store.record(pack)
        tables = load("seeds", uri)
        assert list(tables.runs["outcome"]) == ["finished"] * 3
        assert list(tables.runs["seed"]) == [0, 1, 2]
        assert tables.runs["run_id"].nunique() == 3
        assert tables.epochs.groupby("cell").size().nunique() == 1
        assert set(tables.epochs["cell"]) == {0, 1, 2}
    assert set(store.held(["same"])) == {"same"}


def test_the_tables_of_a_pack_are_looked_at_once_however_many_runs_share_them(
    uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = [cell(number) for number in range(3)]
    store = MlflowStore(uri)
    store.begin(sweep(cells))
    store.record(result([trained(one) for one in cells]))
    looked: list[str] = []
    honest = holdings.intact
    monkeypatch.setattr(holdings, "intact", lambda *given: looked.append(given[-1]) or honest(*given))
    assert set(MlflowStore(uri).held(["fp0", "fp1", "fp2"])) == {"fp0", "fp1", "fp2"}
    assert len(looked) == 1
