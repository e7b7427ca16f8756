"""What is said of a plan before it is trained: how own data were understood, what a batch size leaves out, and which
networks do not fit one block of a GPU.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.sweep.cases import small
from tests.sweep.conftest import PLENTY, MakeCells
from workbench.engine.kernels.cuda import fused
from workbench.sweep.execution import announcement
from workbench.sweep.planning.plan import Plan, described, identified, plan


@pytest.fixture
def planned(cells: MakeCells) -> Any:
    def of(*changes: dict[str, Any]) -> Plan:
        return plan(identified(cells([small(**change) for change in changes])), {}, PLENTY)

    return of


def batches(*sizes: int, train: int = 50) -> list[dict[str, Any]]:
    return [{"data": {"train_size": train}, "training": {"batch_size": size}} for size in sizes]


@pytest.mark.parametrize("kind", ["mlp", "cnn"])
def test_who_has_to_wait_for_the_compiler_is_told_also_where_only_dense_networks_have_trained(
    kind: str, planned: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.engine.kernels.compiled.jit.is_compiled", lambda images=False: not images)
    work = planned({"data": {"name": "digits"}, "network": {"name": kind}, "kernel": "compiled"})
    assert announcement._compiling(work).startswith("compiling the engine's passes first") == (kind == "cnn")


def test_a_batch_size_that_leaves_many_examples_out_is_said_with_a_better_one(planned: Any) -> None:
    work = planned(*batches(32))
    told = (
        "training.batch_size=32: every epoch leaves out 18 of 50 training examples (36%), others each time, "
        "as they fill no minibatch; 25 would leave out none"
    )
    assert work.remarks() == [told]
    assert f"\n  note: {told}\n" in described(work, "name", "page", "time")


@pytest.mark.parametrize("size", [1, 25, 24, 50])
def test_a_few_left_out_are_not_worth_a_word(planned: Any, size: int) -> None:
    assert planned(*batches(size)).remarks() == []


def test_of_many_such_batch_sizes_the_worst_are_said(planned: Any) -> None:
    told = planned(*batches(26, 27, 28, 29, 30)).remarks()
    assert [line.split(":")[0] for line in told[:-1]] == [f"training.batch_size={size}" for size in (26, 27, 28)]
    assert told[-1] == "and 2 more batch sizes leave many out"


def test_how_a_file_was_understood_is_said_once_and_for_what_is_measured_too(planned: Any, tmp_path: Path) -> None:
    path = str(tmp_path / "own.npz")
    np.savez(path, inputs=np.arange(120.0).reshape(40, 3), targets=np.arange(40) / 7)
    data = {"name": "npz", "path": path}
    told = [f"{path}: understood as a regression, as targets are float64; integers would name classes"]
    training = {"batch_size": 13}
    assert planned(*({"seed": seed, "data": data, "training": training} for seed in range(3))).remarks() == told
    assert planned({"data": data, "training": training, "measure": "gradient_identities"}).remarks() == told


def test_networks_that_do_not_fit_one_block_are_said_in_one_line(planned: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fused, "largest_shared", lambda: 64 * 1024)
    work = planned(*({"network": {"width": width}, "training": {"batch_size": 25}} for width in (2, 400, 500)))
    assert work.remarks() == []
    on_device = [replace(pack, pack=replace(pack.pack, device="cuda", kernel="fused")) for pack in work.packs]
    (told,) = replace(work, packs=on_device).remarks()
    assert told.endswith(
        "KiB of shared memory while it trains, and a block has 64: it trains as CUDA graphs; "
        "so do others, 2 shapes of network in all"
    )
    small = [pack for pack in on_device if pack.pack.width == 2]
    assert len(small) == 1
    assert replace(work, packs=small).remarks() == []


def test_networks_that_train_in_blocks_and_are_probed_outside_are_said(
    planned: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A minibatch of one leaves room in a block that the 32 examples of the probes do not find."""
    monkeypatch.setattr(fused, "largest_shared", lambda: 64 * 1024)
    (one,) = planned({"network": {"depth": 2, "width": 84}, "training": {"batch_size": 1}}).packs
    on_device = replace(one, pack=replace(one.pack, device="cuda", kernel="fused"))
    (told,) = replace(planned(*batches(25)), packs=[on_device]).remarks()
    assert told.endswith("KiB of shared memory, and a block has 64: it is probed by array functions")
