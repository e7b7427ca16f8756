"""Provenance of numbers: code, packages, machine. Facts are short texts; none names a folder or a person."""

from __future__ import annotations

import os
import platform
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from workbench.engine.vectors import vector_bits
from workbench.places import ours

LONGEST_DIFFERENCE = 60_000  # characters of the diff of uncommitted changes
RECORDED_PACKAGES = (
    "numpy",
    "scipy",
    "numba",
    "llvmlite",
    "cupy-cuda13x",
    "cupy-cuda12x",
    "hydra-core",
    "omegaconf",
    "mlflow",
    "pandas",
    "matplotlib",
)

COMPUTING = ("numpy", "numba", "llvmlite", "cupy-cuda13x", "cupy-cuda12x")


def facts(device: str) -> dict[str, str]:
    """The facts about this code on this machine; `device` is "cpu" or "cuda"."""
    return {
        "commit": _git("rev-parse", "HEAD"),
        "dirty": _shortened(_git("diff", "HEAD", "--stat", "--patch", "--no-color", "--no-ext-diff")),
        "python": platform.python_version(),
        "versions": ", ".join(f"{name} {found}" for name in RECORDED_PACKAGES if (found := _version(name))),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores{_processor()}",
        "device": device if device == "cpu" else _gpu(),
    }


@cache
def numerics() -> str:
    """What a run's last digits depend on besides its fingerprint: numerical libraries and the machine."""
    packages = ", ".join(f"{name} {found}" for name in COMPUTING if (found := _version(name)))
    return f"{packages}, {platform.system()} {platform.machine()}{_processor()}"


@cache
def processor() -> str:
    """This machine's processor: its model, and how wide its vectors are, such as "..., 512-bit vectors"."""
    model = _processor().removeprefix(", ") or platform.machine()
    return f"{model}, {width}-bit vectors" if (width := vector_bits()) else model


@cache
def _git(*arguments: str) -> str:
    """The output of a git command in the checkout of this code; "" if there is no checkout."""
    folder = ours("conf").parent
    if not (folder / ".git").exists():
        return ""
    try:
        answer = subprocess.run(
            ["git", *arguments], cwd=folder, capture_output=True, encoding="utf-8", errors="replace", timeout=10,
            check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return ""
    return answer.stdout.rstrip()


def _shortened(difference: str) -> str:
    """A diff, cut to a readable length; its summary comes first, so that every file is named."""
    if len(difference) <= LONGEST_DIFFERENCE:
        return difference
    return f"{difference[:LONGEST_DIFFERENCE]}\n[{len(difference) - LONGEST_DIFFERENCE:,} more characters]"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as lines:  # noqa: PTH123
            names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    except OSError:
        return ""
    return f", {names[0]}" if names else ""


def _gpu() -> str:
    import cupy

    properties = cupy.cuda.runtime.getDeviceProperties(cupy.cuda.Device().id)
    return f"cuda, {properties['name'].decode()}"
