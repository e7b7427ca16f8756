"""While a pack trains on a device, the compiler works on the packs behind it; on a CPU nothing is asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.sweep.cases import small
from tests.sweep.conftest import PLENTY, MakeCells
from workbench.engine.kernels.choice import KERNELS
from workbench.sweep.execution.checkpoints import Checkpoints
from workbench.sweep.execution.compiling_ahead import compiling_ahead
from workbench.sweep.execution.executor import ExecutionContext
from workbench.sweep.execution.executors import EXECUTORS
from workbench.sweep.execution.pack_training import _data
from workbench.sweep.planning.packs import PlannedPack
from workbench.sweep.planning.plan import identified, plan


@pytest.fixture
def packs(cells: MakeCells) -> Sequence[PlannedPack]:
    """Five packs as for a device: of four widths, and of other data in the midst of them."""
    changes: list[dict[str, Any]] = [{"network": {"width": width}} for width in (6, 5, 4, 3)]
    changes.insert(2, {"network": {"width": 5}, "data": {"train_size": 40}})
    found = plan(identified(cells([small(**change) for change in changes])), {}, PLENTY).packs
    return [replace(one, pack=replace(one.pack, device="cuda", kernel="fused")) for one in found]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The widths of the packs that are compiled for. A width of 4 cannot be."""
    found: list[int] = []

    def ask(pack: Any, data: Any) -> None:
        if pack.width == 4:
            raise ValueError("no form")
        found.append((pack.width, data.train.index.shape[1]))  # type: ignore[arg-type]

    monkeypatch.setitem(KERNELS, "fused", replace(KERNELS["fused"], ask_ahead=ask))
    return found


def test_packs_of_the_same_data_are_compiled_for_when_the_first_of_them_begins(
    packs: Sequence[PlannedPack], asked: list[Any]
) -> None:
    other = next(planned for planned in packs if planned.train_examples == 40)
    alike = [planned for planned in packs if planned is not other]
    with compiling_ahead(packs) as begins:
        half = replace(alike[1], digest="a half")
        begins(half, _data(half))  # is none of the packs, and tells the shapes of the others as well
        assert asked == [(one.pack.width, alike[0].train_examples) for one in alike if one.pack.width != 4]
        asked.clear()
        begins(other, _data(other))
        begins(alike[0], _data(alike[0]))
        assert asked == [(5, 40)], "each pack once"


def test_only_so_many_packs_are_compiled_for_at_a_time(
    packs: Sequence[PlannedPack], asked: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.sweep.execution.compiling_ahead.PACKS_AHEAD", 2)
    with compiling_ahead(packs) as begins:
        seen = []
        for planned in packs:
            begins(planned, _data(planned))
            seen.append(len(asked))
    assert all(count <= 2 + place for place, count in enumerate(seen))
    assert seen[-1] == len(packs) - 1  # all but the one that cannot be


def test_on_a_cpu_nothing_is_compiled_ahead(packs: Sequence[PlannedPack], asked: list[Any]) -> None:
    on_cpu = [replace(one, pack=replace(one.pack, device="cpu", kernel="plain")) for one in packs]
    with compiling_ahead(on_cpu) as begins:
        begins(on_cpu[0], _data(on_cpu[0]))
    assert asked == []


def test_every_pack_is_told_to_whoever_compiles_before_it_trains(
    cells: MakeCells, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []

    @contextmanager
    def listening(packs: Sequence[PlannedPack]) -> Iterator[Any]:
        assert len(packs) == 2
        yield lambda planned, _data: told.append(planned.digest)
        told.append("end")

    monkeypatch.setattr("workbench.sweep.execution.executors.inline.compiling_ahead", listening)
    found = plan(identified(cells([small(network={"width": width}) for width in (3, 4)])), {}, PLENTY).packs
    context = ExecutionContext(1, Checkpoints(tmp_path, 1e9))
    list(EXECUTORS["inline"].train(found, context))
    assert told == [*(planned.digest for planned in found), "end"]
