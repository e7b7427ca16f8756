"""A store of its own for every test: one database is made and copied, since making one takes seconds."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.tracking.cases import uri_of
from workbench.tracking.connection import connect


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh MLflow database."""
    file = tmp_path_factory.mktemp("empty") / "mlflow.db"
    connect(f"sqlite:///{file}")
    return file


@pytest.fixture
def folder(tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with an empty store."""
    workspace = tmp_path / "work space"
    workspace.mkdir()
    shutil.copyfile(empty_database, workspace / "mlflow.db")
    monkeypatch.chdir(workspace)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return workspace


@pytest.fixture
def uri(folder: Path) -> str:
    """The URI of an empty store."""
    return uri_of(folder)
