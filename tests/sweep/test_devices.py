"""Several GPUs: packs are cut for the memory of a device and for their number, and every worker sees one of its own.

The devices are made up: what they have is a table here, and what trains is the processor.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.sweep.cases import outcomes, small
from tests.sweep.conftest import MakeCells
from workbench.engine import backend
from workbench.engine.errors import BadInput
from workbench.measure import INSTRUMENTS
from workbench.sweep.execution.checkpoints import Checkpoints
from workbench.sweep.execution.executor import ExecutionContext
from workbench.sweep.execution.executors import EXECUTORS, processes
from workbench.sweep.execution.unfinished import Unfinished
from workbench.sweep.planning import devices, remaining
from workbench.sweep.planning.devices import VISIBLE, Device
from workbench.sweep.planning.packs import MemoryBudget, PlannedPack, Run, packed
from workbench.sweep.planning.plan import Plan, PlannedCell, identified, plan

GIB = 2**30


@pytest.fixture(autouse=True)
def _nothing_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "_chosen", [])
    monkeypatch.setenv(VISIBLE, "")


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> list[Device]:
    """Three devices of unequal memory."""
    found = [Device("0", 8 * GIB), Device("2", 2 * GIB), Device("GPU-5f", 8 * GIB)]
    for module in (remaining, processes):
        monkeypatch.setattr(module, "devices", lambda: found)
    return found


def on_devices(cells: list[PlannedCell]) -> list[PlannedCell]:
    """The cells as they are planned where there is a GPU."""
    return [replace(cell, numbers={**cell.numbers, "device": "cuda", "kernel": "graph"}) for cell in cells]


def planned(cells: MakeCells, runs: int, at_once: int) -> Plan:
    wide = small(network={"depth": 2, "width": 1000})
    made = on_devices(identified(cells([replace(wide, seed=seed) for seed in range(runs)])))
    return remaining.remaining(made, None, None, (), at_once, INSTRUMENTS)


def test_packs_fit_the_smallest_device_and_there_is_one_for_each(cells: MakeCells, table: list[Device]) -> None:
    found = planned(cells, 60, at_once=16)
    assert len(found.packs) >= len(table)
    assert sum(pack.pack.runs for pack in found.packs) == 60
    assert max(pack.memory for pack in found.packs) <= 0.9 * 2 * GIB
    assert len(planned(cells, 2, at_once=16).packs) == 2
    assert len(planned(cells, 3, at_once=1).packs) == 1


def test_for_a_cluster_packs_fit_the_memory_of_a_device_and_not_of_a_node(
    cells: MakeCells, table: list[Device]
) -> None:
    """A login node without a GPU knows the node's memory alone; `salloc` gives a device of the kind that jobs get."""
    made = on_devices(identified(cells([small(seed=seed, network={"depth": 2, "width": 1000}) for seed in range(60)])))
    found = remaining.remaining(made, None, None, (), 4, INSTRUMENTS, memory=500 * GIB)
    assert len(found.packs) >= 4  # as many as jobs train at once
    assert max(pack.memory for pack in found.packs) <= 0.9 * 2 * GIB
    table.clear()
    assert remaining._budget(made, 4, 500 * GIB) == MemoryBudget(500 * GIB, 4, shared=False)


def test_what_a_pack_takes_is_counted_where_it_trains(cells: MakeCells) -> None:
    cell = identified(cells([small(network={"depth": 2, "width": 1000})]))[0]
    (host,) = packed([Run(cell.fingerprint, cell.cell.config, cell.numbers)], MemoryBudget(64 * GIB))
    (there,) = on_devices([cell])
    (device,) = packed([Run(there.fingerprint, there.cell.config, there.numbers)], MemoryBudget(64 * GIB))
    assert device.memory != host.memory
    assert device.memory > 6 * 4 * 1000 * 1000  # the largest layer: weights, gradients, slots, best ones, a copy


class Noted(Checkpoints):
    """Every worker leaves a note of the device that it sees."""

    def resume(self, planned: PlannedPack) -> Unfinished:
        (self.folder / f"saw {planned.digest}").write_text(f"{os.environ.get(VISIBLE, '')} {os.getpid()}")
        return super().resume(planned)


def test_every_worker_sees_one_device_that_no_other_has(
    cells: MakeCells, table: list[Device], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "_devices_for", lambda packs: [one.name for one in table])  # noqa: ARG005
    packs = plan(
        identified(cells([small(seed=seed, kernel="plain") for seed in range(6)])), {}, MemoryBudget(GIB, 6)
    ).packs
    assert len(packs) == 6
    folder = tmp_path / "sweeps"
    folder.mkdir()
    context = ExecutionContext(16, Noted(folder))
    assert [outcome.failed for outcome in outcomes(list(EXECUTORS["processes"].train(packs, context)))] == [0] * 6
    notes = [file.read_text().split() for file in folder.glob("saw *")]
    seen: dict[str, set[str]] = {}
    for device, process in notes:
        seen.setdefault(process, set()).add(device)
    assert len(seen) == len(table)
    assert sorted(map(len, seen.values())) == [1] * len(table)
    assert set.union(*seen.values()) == {one.name for one in table}
    assert os.environ[VISIBLE] == ""


def test_packs_of_the_processors_leave_the_devices_alone(cells: MakeCells, table: list[Device]) -> None:
    packs = plan(identified(cells([small()])), {}, MemoryBudget(GIB)).packs
    assert processes._devices_for(packs) == []
    (cuda,) = [replace(pack, pack=replace(pack.pack, device="cuda")) for pack in packs]
    assert processes._devices_for([cuda]) == [one.name for one in table]


@pytest.mark.parametrize(("visible", "seen"), [("", "1"), ("4,6", "6"), ("GPU-a, GPU-b", "GPU-b")])
def test_a_device_by_number_is_the_only_one_that_is_seen(
    visible: str, seen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VISIBLE, visible)
    devices.choose({"cuda:1"})
    assert os.environ[VISIBLE] == seen
    devices.choose({"cuda:1"})
    assert os.environ[VISIBLE] == seen
    with pytest.raises(BadInput, match=r"^device: found cuda:0, and this process has begun with cuda:1"):
        devices.choose({"cuda:0"})


def test_several_devices_by_number_are_one_line_and_so_is_one_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadInput, match=r"^device: found cuda:0 and cuda:1; allowed: .*executor=processes"):
        devices.choose({"cuda:0", "cuda:1"})
    monkeypatch.setenv(VISIBLE, "3")
    with pytest.raises(BadInput, match=r"^device: found cuda:2; CUDA_VISIBLE_DEVICES=3 leaves 1 of them"):
        devices.choose({"cuda:2"})
    devices.choose({"cpu", "auto"})
    assert os.environ[VISIBLE] == "3"


def test_which_device_it_was_decides_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend, "cuda_is_usable", lambda: True)
    assert backend.resolve_device("cuda:1") == backend.resolve_device("cuda") == "cuda"
