"""The executors by the name that `executor=` takes. Each is one file and fulfils the contract in `executor.py`."""

from workbench.sweep.execution.executor import PackExecutor
from workbench.sweep.execution.executors.inline import INLINE
from workbench.sweep.execution.executors.processes import PROCESSES
from workbench.sweep.execution.executors.slurm import SLURM

EXECUTORS: dict[str, PackExecutor] = {**INLINE, **PROCESSES, **SLURM}
