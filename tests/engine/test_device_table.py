"""Which kernel of a device takes what, asked of the code, is what `docs/gpu.md` says; whatever falls back says so."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from workbench.engine import backend
from workbench.engine.errors import BadInput
from workbench.engine.kernels import choice
from workbench.engine.kernels.choice import KERNELS, why_not_graph, with_kernel
from workbench.engine.rules import rule_files
from workbench.engine.rules.activations import ACTIVATIONS
from workbench.engine.rules.initializers import INITIALIZERS
from workbench.engine.rules.losses import LOSSES
from workbench.engine.rules.optimizers import OPTIMIZERS
from workbench.engine.rules.penalties import PENALTIES
from workbench.engine.rules.rule_files import RuleFile
from workbench.engine.rules.schedules import SCHEDULES
from workbench.engine.training.pack import Pack

from .cases import pack_of
from .image_cases import image_pack

PAGE = Path(__file__).parents[2] / "docs" / "gpu.md"
ON_DEVICE = ("fused", "graph", "plain")
DROPOUT = {"rate": "dropout_rate", "input_rate": "input_dropout_rate", "map_rate": "map_dropout_rate",
           "channel_rate": "channel_dropout_rate"}  # fmt: skip
OWN = """
import numpy as np
from workbench.engine.rules.activations import Activation
ACTIVATIONS = {"swash": Activation("", lambda z, slope: np.arcsinh(z), lambda z, a, slope: (1 + z * z) ** -0.5, "he"),
               "halved": Activation("", lambda z, slope: 0.5 * z, lambda z, a, slope: 0.5, "he")}
"""


def on_device(**given: Any) -> Pack:
    return pack_of(1, **{"dtype": "float32", "device": "cuda"} | given)


def asked() -> Iterator[tuple[str, str, Pack]]:
    """A setting, a value of it, and a pack that has it."""
    for setting, table, key in (
        ("network.activation", ACTIVATIONS, "activation"), ("network.loss", LOSSES, "loss"),
        ("optimizer", OPTIMIZERS, "optimizer"), ("network.init", INITIALIZERS, "init"),
        ("optimizer.schedule", SCHEDULES, "schedule"),
    ):  # fmt: skip
        yield from ((setting, name, on_device(**{key: name})) for name in table)
    yield from (("penalty", name, on_device(**{name: 0.1})) for name in PENALTIES)
    yield from (("dropout", name, on_device(**{column: 0.1})) for name, column in DROPOUT.items())
    for pool in ("max", "average", "none"):
        yield "network=cnn, network.pool", pool, image_pack(1, dtype="float32", device="cuda", pool=pool)
    yield "data.shift", "of images", on_device(shift_pixels=1)
    yield from (("precision", name, on_device(precision=name)) for name in ("float32", "tf32"))
    yield from (("dtype", name, on_device(dtype=name)) for name in ("float32", "float64"))


def takers(pack: Pack) -> str:
    """The kernels that take a pack on a device; `auto` takes the first of them."""
    return ", ".join(f"`{name}`" for name in ON_DEVICE if not KERNELS[name].obstacle(pack))


def table() -> list[str]:
    found: dict[tuple[str, str], list[str]] = {}
    for setting, name, pack in asked():
        found.setdefault((setting, takers(pack)), []).append(name)
    return [f"| `{setting}` | {', '.join(names)} | {kernels} |" for (setting, kernels), names in found.items()]


def test_the_page_has_the_table_as_the_code_answers() -> None:
    written = PAGE.read_text(encoding="utf-8").splitlines()
    missing = [line for line in table() if line not in written]
    assert not missing, "\n".join(missing)


@pytest.fixture
def own() -> Iterator[None]:
    rule_files.install([RuleFile("rules/own.py", OWN)])
    yield
    rule_files.uninstall()


@pytest.mark.usefixtures("own")
def test_an_own_rule_goes_wherever_it_can_be_lowered_and_else_it_is_said() -> None:
    assert takers(on_device(activation="halved")) == "`fused`, `graph`, `plain`"
    pack = with_kernel(on_device(activation="swash"))
    assert pack.kernel == "plain"
    assert why_not_graph(pack).startswith("network.activation=swash: np.arcsinh has no form")
    with pytest.raises(BadInput, match=r"precision: found tf32 with network\.activation=swash: np\.arcsinh has no"):
        with_kernel(replace(pack, precision="tf32"))


def test_an_own_loss_trains_by_array_functions_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LOSSES, "mine", LOSSES["cross_entropy"])
    pack = with_kernel(on_device(loss="mine"))
    assert (pack.kernel, why_not_graph(pack)) == ("plain", "network.loss=mine: it has no form in this kernel")


def test_tf32_is_refused_where_no_tensor_core_knows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for capability, told in (("75", "a device of compute capability 7.5, before 8.0"), ("80", ""), ("120", "")):
        device = SimpleNamespace(compute_capability=capability)
        cupy = SimpleNamespace(cuda=SimpleNamespace(Device=lambda device=device: device))
        monkeypatch.setitem(sys.modules, "cupy", cupy)
        monkeypatch.setattr(backend, "cuda_is_usable", lambda: True)
        backend.too_old_for_tf32.cache_clear()
        assert KERNELS["graph"].obstacle(on_device(precision="tf32")) == told
        assert not KERNELS["graph"].obstacle(on_device())
    backend.too_old_for_tf32.cache_clear()


def test_tf32_is_refused_where_it_would_train_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sweep may be planned on another machine than its packs train on."""
    monkeypatch.setattr(choice, "too_old_for_tf32", lambda: "a device of compute capability 7.0, before 8.0")
    rows = SimpleNamespace(pack=on_device(precision="tf32"))
    with pytest.raises(BadInput, match=r"precision: found tf32 on a device of compute capability 7\.0, before 8\.0; "):
        KERNELS["graph"].trainer(rows)  # type: ignore[arg-type]


def test_what_was_chosen_is_no_fall_back() -> None:
    for pack in (on_device(kernel="plain"), on_device(dtype="float64"), pack_of(1, dtype="float32")):
        assert why_not_graph(pack) == ""
    with pytest.raises(BadInput, match=r"kernel: found fused with precision=tf32; allowed are auto and graph \("):
        with_kernel(on_device(precision="tf32"), "fused")
