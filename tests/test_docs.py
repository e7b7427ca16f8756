"""The documents say what is so: each page of docs/ is followed as a reader would, and links lead somewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests import documents
from workbench.data import DATASETS
from workbench.data.dataset import Source
from workbench.measure import ANALYSES, MEASUREMENTS, Analysis, Measurement

ROOT = documents.ROOT
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("*.md"))
RUN = [page for page in PAGES if any(list(documents.commands(text)) for _, text in documents.blocks(page))]
# A page that adds rules adds keys too, which a process has until its end.
APART = [page for page in RUN if any(path.startswith("rules/") for path in documents.files(page))]
TABLES: list[tuple[type, dict[str, Any]]] = [(Source, DATASETS), (Measurement, MEASUREMENTS), (Analysis, ANALYSES)]
READ = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *PAGES, *ROOT.glob("examples/*/README.md")]


def in_a_process_of_its_own(folder: Path, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def module_at(file: Path) -> ModuleType:
    spec = spec_from_file_location(f"shown_{file.stem}", file)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def join(page: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the rows of the modules that a page adds to the package join our tables, as the page says they do."""
    shown = "".join(text for language, text in documents.blocks(page) if language == "text")
    for path in documents.files(page):
        if not path.startswith("workbench/"):
            continue
        for name, rows in vars(module_at(folder / path)).items():
            for kind, table in TABLES:
                if name.isupper() and isinstance(rows, dict) and all(isinstance(row, kind) for row in rows.values()):
                    assert f"**{name}" in shown
                    for key, row in rows.items():
                        monkeypatch.setitem(table, key, row)


@pytest.mark.parametrize("page", [page for page in RUN if page not in APART], ids=lambda page: page.stem)
def test_a_page_can_be_followed(page: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    documents.write(page, workspace)
    join(page, workspace, monkeypatch)
    documents.follow(page)


@pytest.mark.parametrize("page", APART, ids=lambda page: page.stem)
def test_a_page_that_adds_rules_can_be_followed(page: Path, workspace: Path) -> None:
    in_a_process_of_its_own(workspace, "-m", "tests.documents", str(page))
