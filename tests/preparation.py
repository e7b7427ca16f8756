"""What a fresh checkout prepares before workers start: two of them would do the same, each for itself.

The engine is compiled, its dense passes here and those over images in a process beside; a further process collects the
tests, so that their compiled files lie there. Where the engine is compiled already, or cannot be kept, neither is done.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

IMAGE_PASSES = "from workbench.engine.kernels.compiled.images import image_passes; image_passes()"


def prepare(tests: Sequence[str]) -> None:
    """Compile the engine, and the files of these tests."""
    from workbench.engine.kernels.compiled.jit import cache_folder, is_compiled

    fresh = cache_folder() and not is_compiled()
    beside = [_started("-c", IMAGE_PASSES), _started("-m", "pytest", *_collecting(tests))] if fresh else []
    try:
        _train_a_network()
    finally:
        for process in beside:
            process.wait()


def _collecting(tests: Sequence[str]) -> list[str]:
    return ["--collect-only", "-n", "0", "-p", "no:randomly", *tests]


def _started(*arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def _train_a_network() -> None:
    from tests.engine.cases import data_for, pack_of
    from workbench.engine.training.loop import train

    pack = pack_of(1, dtype="float32", kernel="compiled", epochs=1)
    list(train(pack, data_for(pack)))
