"""For all tests: surroundings that are nobody's, workers side by side, and an empty store, made once and copied, since
making one takes seconds.
"""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from threadpoolctl import threadpool_limits

from tests import stores
from tests.blank import leave_blank, leave_out
from tests.once import WORKER, made_once
from tests.preparation import prepare
from tests.repetitions import THOROUGH, repetitions
from tests.surroundings import heed_signals, settle

HOME = None if WORKER in os.environ else settle()  # workers are started by a process that has settled
heed_signals()
threadpool_limits(1)  # equal bits are promised for one BLAS thread; a plugin may have imported NumPy before us
# How fast the machine is decides nothing, and no example is kept from one run to the next.
settings.register_profile(
    "suite", deadline=None, database=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow],
    max_examples=repetitions(25, 100),
)  # fmt: skip
settings.load_profile("suite")


def pytest_configure(config: pytest.Config) -> None:
    if HOME:
        config.add_cleanup(lambda: shutil.rmtree(HOME, ignore_errors=True))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is marked `thorough` waits for a thorough run."""
    if not THOROUGH:
        for item in items:
            if item.get_closest_marker("thorough"):
                item.add_marker(pytest.mark.skip(reason="runs under WORKBENCH_THOROUGH=1, which .ci/run sets"))


def pytest_collection_finish() -> None:
    """What is imported by now stays to the end: the garbage collector need not look through it again and again."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """A worker for every core; none for tests named by their files, where one wants to print and to debug."""
    if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None
    if all(Path(named.partition("::")[0]).is_file() for named in config.args):
        return 0
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores if cores > 1 else 0


def pytest_sessionstart(session: pytest.Session) -> None:
    """Before workers start: what two of them would do, each for itself."""
    from workbench.engine.kernels.choice import numba_fault

    if session.config.getoption("numprocesses", None) and WORKER not in os.environ and not numba_fault():
        prepare()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say how to have this very order again; pytest-randomly says it in a header that -q leaves out."""
    if isinstance(seed := config.getoption("randomly_seed", None), int):
        terminalreporter.write_line(f"in random order: --randomly-seed={seed} repeats it")


@pytest.fixture(autouse=True)
def _secrets_are_forgotten() -> Iterator[None]:
    """What one test typed as a password may be a plain word in the next."""
    yield
    from workbench import redaction

    redaction.forget()


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh MLflow database."""

    def make(folder: Path) -> None:
        from workbench.tracking.connection import connect

        connect(f"sqlite:///{folder}/mlflow.db")
        stores.settle(folder / "mlflow.db")

    stores.open_quickly()
    return made_once(tmp_path_factory, "empty", make) / "mlflow.db"


@pytest.fixture
def blank_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages whose figures are not painted."""
    leave_blank(monkeypatch.setattr)


@pytest.fixture
def no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages without their figures."""
    leave_out(monkeypatch.setattr)


@pytest.fixture(autouse=True)
def _no_open_databases(request: pytest.FixtureRequest) -> Iterator[None]:
    """MLflow keeps every database that it opened: thousands of tests would run out of file descriptors."""
    folder = request.getfixturevalue("tmp_path") if "tmp_path" in request.fixturenames else None
    yield
    if folder:
        stores.close_databases_below(folder)


@pytest.fixture
def workspace(tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder of the test: it holds an empty store."""
    folder = tmp_path / "work space"
    folder.mkdir()
    shutil.copyfile(empty_database, folder / "mlflow.db")
    monkeypatch.chdir(folder)
    return folder
