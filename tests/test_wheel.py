"""Installed as a wheel and started from another folder, the same commands work."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from workbench import places

ROOT = places.ours("conf").parent


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, unpacked where it would be installed."""
    if not (ROOT / "pyproject.toml").exists():
        pytest.skip("these tests run from an installed copy: there is no source tree to build a wheel from")
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as content:
        content.extractall(folder / "site")
    return folder / "site"


def run(installed: Path, cwd: Path, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    environment.pop("MLFLOW_TRACKING_URI", None)
    done = subprocess.run(
        [sys.executable, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_conf_experiments_and_the_page_s_template_travel_inside_the_package(installed: Path) -> None:
    for folder in ("conf", "experiments"):
        ours = {
            path.relative_to(ROOT) for end in ("yaml", "py") for path in (ROOT / folder).rglob(f"*.{end}")
        }  # not what Python has compiled beside them
        assert ours
        assert {path for path in ours if not (installed / "workbench" / path).exists()} == set()
    assert (installed / "workbench/report/page/templates/sweep.html.j2").exists()
    assert (installed / "hydra_plugins/workbench.py").exists()
    assert (installed / "workbench/py.typed").exists()


def test_it_is_the_wheel_that_runs(installed: Path, tmp_path: Path) -> None:
    where = run(installed, tmp_path, "-c", "import workbench; print(workbench.__file__)")
    assert Path(where.strip()).is_relative_to(installed)


@pytest.mark.thorough
def test_a_person_s_own_sweep_joins_ours_and_runs_to_its_page(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "conf/sweep").mkdir(parents=True)
    own = "# @package _global_\ndescription: mine\nhydra: {sweeper: {params: {seed: range(2)}}}\n"
    (tmp_path / "conf/sweep/mine.yaml").write_text(own)
    listed = run(installed, tmp_path, "-m", "workbench", "list", "sweeps")
    assert "mine" in listed
    assert "tour" in listed
    small = ["data=blobs", "data.examples=120", "training.epochs=1", "network.width=4", "device=cpu", "name=mine"]
    assert run(installed, tmp_path, "-m", "workbench", "+sweep=mine", *small) == "report: reports/mine.html\n"
