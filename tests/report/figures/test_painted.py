"""A drawing is painted once, and again if anything that it hangs on has changed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from workbench.report.figures import painted
from workbench.report.figures.differences import Differences


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "workbench" / "figures"


class Painter:
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> list[str]:
        self.times += 1
        return [f"<svg>{self.times}</svg>", "<svg>±</svg>"]


def times_painted(*shown: object) -> int:
    """How often drawings of these are painted, one after the other."""
    painter = Painter()
    for one in shown:
        painted.svgs(one, painter)
    return painter.times


def numbers(last: float = 2.0) -> tuple[type, dict[str, np.ndarray]]:
    return Differences, {"values": np.array([1.0, last])}


@pytest.mark.usefixtures("folder")
def test_equal_data_are_painted_once() -> None:
    painter = Painter()
    assert painted.svgs(numbers(), painter) == painted.svgs(numbers(), painter) == ["<svg>1</svg>", "<svg>±</svg>"]
    assert painter.times == 1


@pytest.mark.usefixtures("folder")
def test_other_data_are_painted_and_so_is_everything_after_a_change_of_the_sources(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert times_painted(numbers(), numbers(np.nextafter(2.0, 3.0))) == 2
    monkeypatch.setattr(painted, "_sources", lambda: b"changed")
    assert times_painted(numbers()) == 1


@pytest.mark.usefixtures("folder")
def test_what_hangs_on_code_that_is_not_ours_is_painted_every_time() -> None:
    for foreign in (Painter, lambda: None, (1, Path)):
        assert times_painted(foreign, foreign) == 2


@pytest.mark.parametrize("damage", [b"", b"x", b'0000\n["<svg>other</svg>"]', b"\xff"])
def test_a_damaged_file_is_painted_again_and_mended(damage: bytes, folder: Path) -> None:
    times_painted(numbers())
    (file,) = folder.glob("*.json")
    file.write_bytes(damage)
    assert times_painted(numbers(), numbers()) == 1


def test_without_a_folder_everything_is_painted(folder: Path) -> None:
    folder.parent.parent.mkdir(exist_ok=True)
    folder.parent.write_text("no folder")
    assert times_painted(numbers(), numbers()) == 2


def test_the_oldest_make_room(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(painted, "MOST_KEPT", 4)
    monkeypatch.setattr(painted, "TO_GO", 2)
    times_painted(*map(numbers, range(10)))
    assert len(list(folder.glob("*.json"))) <= 4
    assert times_painted(numbers(9)) == 0
