"""A store of its own for every test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tracking.cases import uri_of


@pytest.fixture
def folder(workspace: Path) -> Path:
    """A workspace with an empty store."""
    return workspace


@pytest.fixture
def uri(folder: Path) -> str:
    """The URI of an empty store."""
    return uri_of(folder)
