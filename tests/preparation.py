"""What a fresh checkout prepares before workers start, because two of them would do the same, each for itself: the
engine is compiled, its dense passes here and those over images in a process beside.
"""

from __future__ import annotations

import subprocess
import sys

IMAGE_PASSES = "from workbench.engine.kernels.compiled.images import image_passes; image_passes()"


def prepare() -> None:
    """Compile the engine. Where it is compiled already, or cannot be kept, the passes over images are left alone."""
    from workbench.engine.kernels.compiled.jit import cache_folder, is_compiled

    is_fresh = cache_folder() and not is_compiled()
    beside = subprocess.Popen([sys.executable, "-c", IMAGE_PASSES]) if is_fresh else None
    try:
        _train_a_network()
    finally:
        if beside:
            beside.wait()


def _train_a_network() -> None:
    from tests.engine.cases import data_for, pack_of
    from workbench.engine.training.loop import train

    pack = pack_of(1, dtype="float32", kernel="compiled", epochs=1)
    list(train(pack, data_for(pack)))
