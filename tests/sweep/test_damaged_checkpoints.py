"""Damaged checkpoints: set aside with a word, whatever the damage; never trained on from."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from tests.repetitions import repetitions
from tests.sweep.cases import outcome_after, small
from tests.sweep.conftest import PLENTY, MakeCells
from tests.sweep.test_checkpoints import context
from workbench.sweep.execution.checkpoints import Checkpoints
from workbench.sweep.planning.packs import PlannedPack
from workbench.sweep.planning.plan import identified, plan

CASES = int(os.environ.get("WORKBENCH_FUZZ") or repetitions(20, 120)) // 2


@pytest.fixture
def planned(cells: MakeCells) -> PlannedPack:
    (pack,) = plan(identified(cells([small(seed=seed, training={"epochs": 6}) for seed in range(3)])), {}, PLENTY).packs
    return pack


def damaged(content: bytes, chance: random.Random) -> bytes:
    """A bit flipped anywhere, or in the zip's directory; cut; a stretch zeroed; noise; two files in one."""
    place = chance.randrange(len(content))
    directory = content.rindex(b"PK\x01\x02")
    return {
        "flip": lambda at=place: content[:at] + bytes([content[at] ^ (1 << chance.randrange(8))]) + content[at + 1 :],
        "directory": lambda: damaged_at(content, chance, directory),
        "cut": lambda: content[:place],
        "zero": lambda: content[:place] + bytes(len(content[place : place + 300])) + content[place + 300 :],
        "noise": lambda: chance.randbytes(place + 1),
        "twice": lambda: content + content[:place],
    }[chance.choice(["flip", "flip", "directory", "directory", "cut", "zero", "noise", "twice"])]()


def damaged_at(content: bytes, chance: random.Random, start: int) -> bytes:
    at = chance.randrange(start, len(content))
    return content[:at] + bytes([content[at] ^ (1 << chance.randrange(8))]) + content[at + 1 :]


def test_fuzz_of_checkpoints(planned: PlannedPack, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyboardInterrupt):
        outcome_after(planned, context(tmp_path, epochs=3))
    checkpoints, file = Checkpoints(tmp_path), tmp_path / f"{planned.digest}.npz"
    content = file.read_bytes()
    for case in range(CASES):
        chance = random.Random(f"checkpoints {case}")
        harmed = damaged(content, chance)
        file.write_bytes(harmed)
        if chance.random() < 0.5:
            checkpoints.tidy()
        assert all(mark in planned.fingerprints for pack in checkpoints.packs() for mark in pack)
        reached = checkpoints.resume(planned)
        said = capsys.readouterr().err
        if harmed == content:
            assert reached.epoch == 3
        else:
            assert reached.state is None, f"case {case}"
            assert said.count("a broken checkpoint was set aside") == 1, f"case {case}"
            assert [path.suffix for path in tmp_path.iterdir()] == [".broken"]
        for path in tmp_path.iterdir():
            path.unlink()


def test_what_a_kill_left_half_written_is_cleared(planned: PlannedPack, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        outcome_after(planned, context(tmp_path, epochs=3))
    (tmp_path / ".0f.new").write_bytes(b"half")
    Checkpoints(tmp_path).tidy()
    assert [path.name for path in tmp_path.iterdir()] == [f"{planned.digest}.npz"]
    Checkpoints(tmp_path / "nowhere").tidy()


def test_a_result_counts_where_every_run_has_ended(planned: PlannedPack, tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path)
    assert checkpoints.result(planned) is None
    with pytest.raises(KeyboardInterrupt):
        outcome_after(planned, context(tmp_path, epochs=3))
    assert checkpoints.result(planned) is None
    outcome_after(planned, context(tmp_path))
    found = checkpoints.result(planned)
    assert found is not None
    assert all(end is not None for end in found.ends)
