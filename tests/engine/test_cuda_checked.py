"""What compute-sanitizer would look for on a device, looked for on the host: every kernel's every access is checked.

Arrays and their ends, alignment, shared memory that nobody has written, races within a block and between blocks,
integers that overflow. See `cuda_checks.cpp`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.repetitions import each_once
from workbench.engine.kernels.cuda import launches, source, update
from workbench.engine.kernels.cuda.cublas import PRECISIONS
from workbench.engine.kernels.cuda.fused_source import FusedSource
from workbench.engine.kernels.cuda.launches import Launch
from workbench.engine.rules.activations import ACTIVATIONS
from workbench.engine.rules.losses import LOSSES
from workbench.engine.rules.optimizers import OPTIMIZERS
from workbench.engine.training.loop import train
from workbench.engine.training.pack import Pack

from .blocks_on_host import blocks_on_the_host
from .cases import STRENGTHS, data_for, pack_of
from .cuda_on_host import HostBlocks, HostMachine, needs_compiler
from .graph_on_host import on_the_host
from .image_cases import image_data, image_pack

pytestmark = [needs_compiler, pytest.mark.thorough]
# Each body has one fault, and what is said of it. `s` is shared memory of the block, `t` the thread, `n` their number.
FAULTY = {
    "beyond": ("a[t + 1] = 1.0f;", "writes outside its arrays"),
    "before": ("s[t] = a[t - 1]; __syncthreads(); a[t] = s[t];", "reads outside its arrays"),
    "unwritten": ("a[t] = s[t];", "reads what nobody has written"),
    "no_barrier": ("s[t] = a[t]; if (t) a[t] = s[t - 1];", "races with another thread"),
    "late_barrier": ("s[t] = a[t]; __syncthreads(); a[t] = s[n - 1 - t]; s[t] = 0.0f;", "races with another thread"),
    "all_blocks": ("if (t == 0) a[0] = 1.0f;", "races with another thread"),
    "crooked": ("if (t == 0) { Wide wide = *(const Wide*)(a + 1); a[7] = wide.of[0]; }", "not aligned"),
    "overflowing": ("int big = 2147483647 - n + 1; a[t] = (float)(big + t + n);", "add_overflow"),
    "sound": ("s[t] = a[blockIdx.x * n + t]; __syncthreads(); a[blockIdx.x * n + t] = s[n - 1 - t];", ""),
}
SIGNATURE = 'extern "C" __global__ void {}(float* a, int n) {{ __shared__ float s[64]; const int t = threadIdx.x; {} }}'


@pytest.fixture(scope="module")
def faulty() -> FusedSource:
    text = "struct alignas(16) Wide { float of[4]; };\n"
    text += "\n".join(SIGNATURE.format(name, f"(void)s; (void)t; {body}") for name, (body, _) in FAULTY.items())
    return FusedSource(text, 0, 32, tuple(FAULTY))


@pytest.mark.parametrize("name", FAULTY)
def test_what_a_device_would_not_forgive_is_found(name: str, faulty: FusedSource) -> None:
    blocks = 2 if name in ("all_blocks", "sound") else 1
    within = np.ones(128, np.float32)[32 : 32 + 32 * blocks]  # what lies around it takes no harm
    launch = Launch(name, (blocks, 1), 32, (within, 32))
    if name == "sound":
        HostBlocks(checked=True).launch(faulty, launch)
        return
    with pytest.raises(AssertionError, match=FAULTY[name][1]):
        HostBlocks(checked=True).launch(faulty, launch)


def small(**given: Any) -> Pack:
    """Two runs for an epoch, one of them with dropout: every access is a call."""
    return pack_of(2, dtype="float32", kernel="graph", epochs=1, dropout_rate=[0, 0.5], input_dropout_rate=0.2, **given)


def small_images(**given: Any) -> Pack:
    rates = {"map_dropout_rate": [0, 0.3], "channel_dropout_rate": [0, 0.3], "input_dropout_rate": [0, 0.1]}
    return image_pack(2, dtype="float32", kernel="graph", epochs=1, **rates | given)


def trained_as_graphs(pack: Pack, data: Any, monkeypatch: pytest.MonkeyPatch, thin: int = 0) -> set[str]:
    """Train it; the kernels that were launched."""
    machine = HostMachine(checked=True)
    with on_the_host(monkeypatch, machine, thin):
        assert len(list(train(pack, data))) > 1
    return set(machine.launched)


GRAPHS: dict[str, dict[str, Any]] = {
    "every penalty": {"activation": "tanh", "depth": 1, "optimizer": "momentum", **STRENGTHS},
    "learned slopes": {"activation": "prelu", "optimizer": "adam", "width": 35, "batch_size": 7, "max_norm": 0.9},
    "pieces": {"activation": "maxout", "loss": "softmax_squared_error", "optimizer": "rmsprop", "width": 9},
    "values": {"activation": "softplus", "loss": "squared_error", "optimizer": "adagrad", "batch_size": 30},
    "one output": {"activation": "leaky_relu", "loss": "binary_cross_entropy", "optimizer": "nesterov", "depth": 0},
}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_products_that_update_weights_at_once_do_not_either(optimizer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tiles that the matrix does not fill, and a minibatch that is no multiple of what is multiplied at a time."""
    monkeypatch.setattr(update, "FILLING", 0)
    monkeypatch.setattr(update, "FULL_ENOUGH", 0)
    for precision, row in PRECISIONS.items():
        pack = small(optimizer=optimizer, activation="tanh", width=68, batch_size=20, precision=precision, **STRENGTHS)
        assert row.updating in trained_as_graphs(pack, data_for(pack), monkeypatch)


IMAGES: list[dict[str, Any]] = [
    {"activation": "prelu", "pool": "max", "optimizer": "adam", "shift_pixels": [0, 2], "channels": (3, 40)},
    {"activation": "maxout", "pool": "average", "padding": "valid", "kernel_size": 2, "channels": (3,)},
    {"activation": "relu", "pool": "none", "stride": 2, "global_average": True, "shift_pixels": 1, "max_norm": 0.9},
]


@pytest.mark.parametrize("stored", [np.uint8, np.float32])
def test_no_kernel_of_a_step_touches_what_it_should_not(stored: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every kernel but those that update by a product, which are above."""
    seen: set[str] = set()
    for given in GRAPHS.values():
        pack = small(**given)
        seen |= trained_as_graphs(pack, data_for(pack, stored=stored), monkeypatch, launches.THIN)
    for given in IMAGES:
        pack = small_images(**given)
        seen |= trained_as_graphs(pack, image_data(pack, stored=stored), monkeypatch)
    others = ("read_floats", "read_moved_floats") if stored == np.uint8 else ("read_bytes", "read_moved_bytes")
    above = {row.updating for row in PRECISIONS.values()}
    assert seen == set(source.STEP_KERNELS) - above - set(others)


@pytest.mark.parametrize(("activation", "loss", "optimizer"), each_once(ACTIVATIONS, LOSSES, OPTIMIZERS))
def test_blocks_touch_nothing_that_they_should_not(
    activation: str, loss: str, optimizer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"activation": activation, "loss": loss, "optimizer": optimizer, "pieces": 3, "learning_rate": 0.01}
    pack = small(width=9, **STRENGTHS | given)
    machine = HostBlocks(checked=True)
    with blocks_on_the_host(monkeypatch, machine, probing=True):
        assert len(list(train(pack, data_for(pack)))) > 1
    assert set(machine.launched) == {"draw_order", "walk_split", "probe_run"}


@pytest.mark.parametrize("threads", [128, 256])
def test_nor_do_blocks_of_images_that_move(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    pack = small_images(network="mlp", shift_pixels=[0, 3], width=33)
    with blocks_on_the_host(monkeypatch, HostBlocks(checked=True), threads):
        assert len(list(train(pack, image_data(pack, stored=np.uint8)))) > 1
