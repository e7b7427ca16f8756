"""The real SLURM that some tests need: `scripts/services/slurm-up` starts one on this machine, as `.ci/run` does."""

from __future__ import annotations

import os
import subprocess

import pytest

FOLDER = "WORKBENCH_TEST_SLURM"  # the variable that names its folder


def needs_slurm() -> None:
    """Skip the test, with the reason, where no SLURM was started for tests. A person's own cluster is left alone."""
    if FOLDER not in os.environ:
        pytest.skip('needs a SLURM for tests: eval "$(scripts/services/slurm-up)"')


def limits_memory() -> None:
    """Skip the test, with the reason, where SLURM cannot limit the memory of jobs by control groups."""
    settings = subprocess.run(["scontrol", "show", "config"], capture_output=True, text=True, check=True).stdout
    if "task/cgroup" not in settings:
        pytest.skip("needs control groups of version 1 that may be written to, for task/cgroup")
