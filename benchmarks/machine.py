"""What was measured where: machine, versions, commit, date."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

from threadpoolctl import threadpool_info

from benchmarks.contest import Rules
from benchmarks.works import CORES, FOLDER_VARIABLE, mnist_is_there
from workbench.engine.vectors import vector_bits
from workbench.sweep.execution.conditions import facts

PEERS = ("torch", "jax", "jaxlib")
BUSY = 0.5  # of the cores


def about(rules: Rules, quick: bool) -> dict[str, str]:
    """Facts for the head of a result, each a short text."""
    found, load = facts("cpu"), os.getloadavg()[0]
    versions = [found["versions"], *(f"{name} {number}" for name in PEERS if (number := _version(name)))]
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": found["commit"] + (" and uncommitted changes" if found["dirty"] else ""),
        "machine": f"{found['machine']}, {CORES} in use, vectors of {vector_bits()} bits",
        "load": f"{load:.1f} processes wanted a core when it began, these not counted"
        + ("; the machine was busy" if load > BUSY * CORES else ""),
        "python": found["python"],
        "versions": ", ".join(versions),
        "blas": _blas(),
        "rounds": f"{rules.rounds}, turns of about {rules.seconds} s",
        "mnist": "MNIST" if mnist_is_there() else f"made up, of the shape of MNIST ({FOLDER_VARIABLE} is not set)",
        "note": "quick: these figures show that the benchmarks run, and nothing of speed" if quick else "",
    }


def _blas() -> str:
    """Which BLAS NumPy calls, and for which processor: a variable of the environment may hold it to an older one."""
    pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    return ", ".join(f"{pool['internal_api']} {pool['version']} for {pool.get('architecture', '?')}" for pool in pools)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
