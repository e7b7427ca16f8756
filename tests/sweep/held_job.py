"""The interpreter of held jobs, `slurm.python`: every pack waits after its third epoch until `GATE` lies in the folder.

A job is then where a test wants to meet it, however slow the machine is. The file `REFUSED` appears beside
`GATE` once a checkpoint could not be written.
"""

from __future__ import annotations

import runpy
import sys
from collections.abc import Iterator
from pathlib import Path
from time import sleep
from typing import Any

from tests.commands import GATE
from workbench.sweep.execution import pack_training as training
from workbench.sweep.execution.checkpoints import Checkpoints

HELD_AFTER = 3
REFUSED = "refused"


def main() -> None:
    honest, write, gate = training.train, Checkpoints._is_written, Path(GATE).absolute()

    def train(*given: Any) -> Iterator[Any]:
        for epoch in honest(*given):
            yield epoch
            while epoch.number == HELD_AFTER and not gate.exists():
                sleep(0.05)

    def is_written(*given: Any) -> bool:
        written = write(*given)
        if not written:
            gate.with_name(REFUSED).touch()
        return written

    training.train = train
    Checkpoints._is_written = is_written  # type: ignore[method-assign]
    *_, module, folder = sys.argv
    sys.argv = [module, folder]
    runpy.run_module(module, run_name="__main__")


if __name__ == "__main__":
    main()
