"""The number of BLAS threads: one, since the engine distributes runs over workers of its own.

The libraries read these variables when they are loaded, so they are set before NumPy is imported and before a worker
process starts. In a process that has loaded NumPy already, threadpoolctl sets the number.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

THREAD_VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
ONE_THREAD = dict.fromkeys(THREAD_VARIABLES, "1")  # as the environment of a process


def one_thread_unless_set() -> None:
    """Set one thread for every process started from now on, and for this one unless NumPy was imported already.

    A number set in the environment has precedence.
    """
    for variable in THREAD_VARIABLES:
        os.environ[variable] = os.environ.get(variable) or "1"


@contextmanager
def one_thread_in_new_processes() -> Iterator[None]:
    """A context in which new processes have one thread, whatever the environment says."""
    before = {variable: os.environ.get(variable) for variable in THREAD_VARIABLES}
    os.environ.update(ONE_THREAD)
    try:
        yield
    finally:
        for variable, value in before.items():
            if value is None:
                del os.environ[variable]
            else:
                os.environ[variable] = value


@contextmanager
def one_thread_here() -> Iterator[None]:
    """A context in which this process uses one thread, although NumPy was imported before.

    A number set in the environment has precedence: NumPy was loaded with it.
    """
    if any(os.environ.get(variable) for variable in THREAD_VARIABLES):
        yield
        return
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, user_api="blas"):
        yield
