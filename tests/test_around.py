"""What lies around the code: one version everywhere, and files that other programs read."""

from __future__ import annotations

import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml

import workbench

ROOT = Path(__file__).resolve().parents[1]
READ_BY_OTHERS = [
    ROOT / "CITATION.cff", ROOT / ".pre-commit-config.yaml", *sorted((ROOT / ".github").rglob("*.yml")),
]  # fmt: skip


def read(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def test_the_version_is_one() -> None:
    assert version("workbench-deep-learning") == workbench.__version__
    assert str(read("CITATION.cff")["version"]) == workbench.__version__
    assert f"## [{workbench.__version__}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "version" not in re.findall(
        r"^(\w+) = ", (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE
    )


def test_the_log_of_changes_begins_with_what_is_unreleased() -> None:
    headings = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert headings[0] == "Unreleased"


@pytest.mark.parametrize("file", READ_BY_OTHERS, ids=lambda file: file.name)
def test_files_for_other_programs_can_be_read(file: Path) -> None:
    assert isinstance(yaml.safe_load(file.read_text(encoding="utf-8")), dict)


def test_hooks_download_nothing() -> None:
    (local,) = read(".pre-commit-config.yaml")["repos"]
    assert local["repo"] == "local"
    assert {hook["language"] for hook in local["hooks"]} == {"system"}


def test_the_workflow_runs_what_there_is() -> None:
    commands = [step["run"] for step in read(".github/workflows/ci.yml")["jobs"]["check"]["steps"] if "run" in step]
    assert commands == [".ci/run"]
    for script in (".ci/run", "scripts/check"):
        assert (ROOT / script).stat().st_mode & 0o100
