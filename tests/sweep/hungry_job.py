"""The interpreter of hungry jobs, `slurm.python`: a pack of several runs takes more memory than its job has.

What limits the job's memory then kills it; in halves its runs are trained.
"""

from __future__ import annotations

import runpy
import sys
from collections.abc import Iterator
from typing import Any

from workbench.sweep.execution import pack_training as training

TOO_MUCH = 2 * 2**30  # bytes
TAKEN_AFTER = 3


def main() -> None:
    honest, taken = training.train, []

    def train(pack: Any, *given: Any) -> Iterator[Any]:
        for epoch in honest(pack, *given):
            yield epoch
            if epoch.number == TAKEN_AFTER and pack.runs > 1:
                taken.append(b"x" * TOO_MUCH)

    training.train = train
    *_, module, folder = sys.argv
    sys.argv = [module, folder]
    runpy.run_module(module, run_name="__main__")


if __name__ == "__main__":
    main()
