"""For tests on a real SLURM: an empty store, commands in processes of their own, and the numbers to end with."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import documents
from tests.blank import leave_out
from tests.commands import Command, Commands
from tests.once import made_once
from tests.sweep.slurm.sweeps import JOBS, TOY, digests
from tests.sweep.slurm_cluster import needs_slurm
from workbench.sweep.execution.cluster import slurm_queue
from workbench.sweep.hydra.command import main


@pytest.fixture(autouse=True)
def _real(workspace: Path, no_figures: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:  # noqa: ARG001
    needs_slurm()
    monkeypatch.setenv("PYTHONPATH", str(documents.ROOT))
    yield
    if JOBS.exists():  # of a test that failed
        slurm_queue.cancel([folder.name for folder in JOBS.iterdir()])


@pytest.fixture(scope="module")
def server() -> Iterator[Commands]:
    needs_slurm()
    with Commands() as found:
        yield found


@pytest.fixture
def start(workspace: Path, server: Commands) -> Callable[..., Command]:
    """Starts the command in a process of its own."""
    return lambda *overrides: server.start(workspace, overrides)


@pytest.fixture(scope="session")
def expected(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> dict[str, str]:
    """Fingerprint -> digest of the weights of the toy, trained without any cluster."""

    def make(folder: Path) -> None:
        shutil.copyfile(empty_database, folder / "mlflow.db")
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            leave_out(patch.setattr)
            assert main(TOY) == 0
            (folder / "digests.json").write_text(json.dumps(digests()))

    found: dict[str, str] = json.loads((made_once(tmp_path_factory, "toy", make) / "digests.json").read_text())
    return found
