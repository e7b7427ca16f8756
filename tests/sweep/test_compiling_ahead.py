"""While a pack trains on a device, the compiler works on the packs behind it; on a CPU nothing is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.sweep.cases import small
from tests.sweep.conftest import PLENTY, MakeCells
from workbench.engine.kernels.choice import KERNELS
from workbench.engine.kernels.cuda import modules
from workbench.sweep.execution.checkpoints import Checkpoints
from workbench.sweep.execution.compiling_ahead import compiling_ahead
from workbench.sweep.execution.executor import ExecutionContext
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
    monkeypatch.setattr(modules, "forget", lambda: found.append(0))
    return found


def test_packs_of_the_same_data_are_compiled_for_when_one_of_them_begins(
    packs: Sequence[PlannedPack], asked: list[Any], tmp_path: Path
) -> None:
    examples = [planned.train_examples for planned in packs]
    other = next(at for at, planned in enumerate(packs) if planned.train_examples == 40)
    alike = [planned for planned in packs if planned.train_examples != 40]
    with compiling_ahead(packs, ExecutionContext(1, Checkpoints(tmp_path, 1e9))) as context:
        context.begins(alike[0], _data(alike[0]))
        assert asked == [(one.pack.width, examples[0]) for one in alike if one.pack.width != 4]
        asked.clear()
        context.begins(packs[other], _data(packs[other]))
        assert asked == [(5, 40)]
        asked.clear()
        half = replace(alike[1], digest="a half")
        context.begins(half, _data(half))  # is in none of the packs: what is asked for twice is compiled once
        assert len(asked) == 3
    assert asked[-1] == 0, "what nobody waits for any more is dropped"


def test_on_a_cpu_nothing_is_compiled_ahead(packs: Sequence[PlannedPack], tmp_path: Path) -> None:
    given = ExecutionContext(1, Checkpoints(tmp_path, 1e9))
    on_cpu = [replace(one, pack=replace(one.pack, device="cpu", kernel="plain")) for one in packs]
    with compiling_ahead(on_cpu, given) as context:
        assert context is given
