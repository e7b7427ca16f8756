"""The compiled passes over images are the plain ones, faster: each network agrees, and they keep every promise."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba", reason="runs where Numba is installed")

from tests.once import made_once
from tests.repetitions import crossed, each_once
from workbench.engine.kernels.choice import with_kernel
from workbench.engine.layers.convolution import PADDINGS
from workbench.engine.rules.activations import ACTIVATIONS
from workbench.engine.training.loop import train
from workbench.engine.training.pack import Pack

from .cases import alone, assert_same_course, course, needs_numba
from .image_cases import image_data, image_pack, mixed_image_pack

pytestmark = needs_numba
RUNS, TOLERANCE = 3, 3e-5
SHAPES: list[dict[str, Any]] = [
    {"kernel_size": kernel, "padding": padding, "pool": pool, "global_average": whole, "channels": channels}
    for kernel, padding, pool, whole, channels in each_once(
        (3, 2, 5), ("same", "valid"), ("max", "average", "none"), (False, True), ((3, 7), (8, 4), (5,))
    )
]


def mild(**given: Any) -> Pack:
    """A pack that learns, with dropout of every kind, and that small roundings do not send elsewhere."""
    rates = {"map_dropout_rate": [0, 0.3, 0], "channel_dropout_rate": [0, 0, 0.3], "dropout_rate": [0, 0.2, 0]}
    given = {"input_dropout_rate": [0, 0.1, 0], "dtype": "float32", "epochs": 2, **rates, **given}
    return image_pack(RUNS, **given)


def assert_agrees_with_plain(pack: Pack, image: tuple[int, int, int], **options: Any) -> None:
    """The same metrics and probes after every epoch of a few, within float32's rounding."""
    data = image_data(pack, image, **options)
    for plain, fast in zip(train(pack, data), train(replace(pack, kernel="compiled"), data), strict=True):
        for kind in ("metrics", "probes"):
            for name, values in getattr(plain, kind).items():
                found, tolerance = getattr(fast, kind)[name], 1e-3 if name == "update_size" else TOLERANCE
                np.testing.assert_allclose(found, values, rtol=tolerance, atol=tolerance, err_msg=name)


@pytest.fixture(scope="module", autouse=True)
def compiled(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Of workers side by side one compiles the passes, and the others read them from its cache."""

    def compile_them(_: Path) -> None:
        pack = mild()
        list(train(replace(pack, kernel="compiled"), image_data(pack)))

    made_once(tmp_path_factory, "compiled images", compile_them)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_shape_of_network_agrees(shape: dict[str, Any]) -> None:
    assert_agrees_with_plain(mild(**shape, activation="tanh"), (13, 12, 1), stored=np.uint8)


@pytest.mark.parametrize("stride", [2, 3, 4])
@pytest.mark.parametrize("kernel", [1, 2, 3, 5])
@pytest.mark.parametrize("padding", PADDINGS)
def test_every_stride_agrees(padding: str, kernel: int, stride: int) -> None:
    """Of the gradients before a convolution tell the second layer and the probe of dl/dx."""
    channels = (3, 6) if padding == "same" or kernel <= 3 else (3,)
    shape = {"kernel_size": kernel, "padding": padding, "stride": stride, "pool": "none", "channels": channels}
    assert_agrees_with_plain(mild(**shape, activation="tanh", epochs=1), (15, 16, 2), stored=np.uint8)


@pytest.mark.parametrize(("batch", "activation"), crossed((8, 7, 20), ACTIVATIONS))
def test_every_activation_agrees(activation: str, batch: int) -> None:
    rates = 0.02 if activation == "identity" else 0.05
    assert_agrees_with_plain(mild(activation=activation, batch_size=batch, learning_rate=rates), (7, 6, 2))


def test_blocks_of_a_batch_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    """Minibatches and evaluations of several blocks, of which the last is not full."""
    from workbench.engine.training import scratch

    monkeypatch.setattr(scratch, "BLOCK_BYTES", 1)
    pack = mild(activation="prelu", batch_size=36, max_norm=[0, 0.5, 0], l1=0.001)
    assert_agrees_with_plain(pack, (7, 6, 2), examples=200)


def test_packed_is_alone_and_auto_takes_this_kernel() -> None:
    pack = with_kernel(mixed_image_pack(RUNS, 4, dtype="float32", optimizer="adam", pool="average"))
    assert pack.kernel == "compiled"
    data = image_data(pack)
    packed = list(train(pack, data))
    for run in range(pack.runs):
        assert_same_course(course(packed, run), course(alone(pack, data, run), 0))


def test_maps_begin_on_cache_lines() -> None:
    """A vector that crosses two lines is loaded twice: that took a fifth of a step."""
    from workbench.engine.kernels.compiled.image_head import FEATURES, ZEROS, X
    from workbench.engine.kernels.compiled.kernel import scratch_for
    from workbench.engine.training.layout import Layout

    layout = Layout(mild().architecture(42, 3, (7, 6, 1)))
    buffers = scratch_for(layout, 20, masks=True).images[X : ZEROS + 1]
    assert buffers[FEATURES - X] > 0
    assert not np.any(buffers % 64)
