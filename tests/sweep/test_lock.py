"""One sweep is trained by one process; whoever comes second is told who holds it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from workbench import places
from workbench.engine.errors import BadInput
from workbench.sweep.execution import lock
from workbench.sweep.execution.lock import locked

HOLDER = """
import sys
from pathlib import Path
from workbench.sweep.execution.lock import locked
with locked(Path(sys.argv[1]), "mine"):
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HOLDER, str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(places.ours("conf").parent)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    return subprocess.Popen(command, env=environment, text=True, **pipes)  # type: ignore[call-overload]


def test_the_second_is_told_who_holds_the_sweep_and_a_killed_holder_holds_nothing(tmp_path: Path) -> None:
    with holder(tmp_path) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "held\n"
        with pytest.raises(BadInput, match=f"^name: the sweep mine is being trained by process {first.pid} on "):
            locked(tmp_path, "mine").__enter__()
        with pytest.raises(BadInput, match=f"by process {first.pid} on "):  # the one refused takes nothing away
            locked(tmp_path, "mine").__enter__()
        first.kill()
        first.wait()
        with locked(tmp_path, "mine"):
            pass


def test_it_may_be_held_again_and_other_sweeps_at_the_same_time(tmp_path: Path) -> None:
    for _ in range(2):
        with locked(tmp_path / "one", "one"), locked(tmp_path / "other", "other"):
            assert f"process {os.getpid()} on " in (tmp_path / "one" / lock.LOCK_FILE).read_text()
    assert (tmp_path / "one" / lock.LOCK_FILE).read_text() == ""


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "sweeps").write_text("a file")
    with pytest.raises(BadInput, match=r"sweeps/mine cannot be written to \(.*\); a sweep keeps its "):
        locked(tmp_path / "sweeps" / "mine", "mine").__enter__()
