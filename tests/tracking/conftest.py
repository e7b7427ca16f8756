"""A store of its own for every test, and a server for those that ask one."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tracking.cases import uri_of
from tests.tracking.server import PAUSED, Proxy, running
from workbench.tracking import patience


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that ask the server come first and together, so that one worker starts it and no other."""
    items.sort(key=lambda item: "port" not in getattr(item, "fixturenames", ()))


@pytest.fixture
def folder(workspace: Path) -> Path:
    """A workspace with an empty store."""
    return workspace


@pytest.fixture
def uri(folder: Path) -> str:
    """The URI of an empty store."""
    return uri_of(folder)


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the server."""
    return tmp_path_factory.mktemp("server")


@pytest.fixture(scope="session")
def port(served: Path, empty_database: Path) -> Iterator[int]:
    shutil.copyfile(empty_database, served / "mlflow.db")
    with running(served, served / "mlflow.db") as found:
        yield found


@pytest.fixture
def proxy(port: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """The way to the server. Time passes only between two tries, however slow the machine is."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "60")
    monkeypatch.setattr(patience, "monotonic", lambda: sum(PAUSED))
    monkeypatch.setattr(patience.Patience.__init__, "__defaults__", (60.0, PAUSED.append))
    PAUSED.clear()
    made = Proxy(port)
    yield made
    made.close()


@pytest.fixture
def experiment() -> str:
    """One of its own for every test."""
    return f"test {uuid.uuid4().hex}"
