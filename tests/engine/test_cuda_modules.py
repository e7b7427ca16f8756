"""Device code is compiled beside the training, each text once, and what is asked for ahead is what training uses."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from threading import Event
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from workbench.engine.kernels.choice import KERNELS
from workbench.engine.kernels.cuda import fused, fused_probes, kernel, modules, source
from workbench.engine.kernels.cuda.fused import FusedTrainer
from workbench.engine.kernels.cuda.fused_probes import FusedProbes
from workbench.engine.training.group import Group

from .cases import data_for, pack_of
from .cuda_on_host import HostBlocks
from .image_cases import image_data, image_pack


class Compiler:
    """Stands for NVRTC: begins each text when it may, and fails on some."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.may_go_on, self.has_begun = Event(), Event()
        self.may_go_on.set()

    def __call__(self, code: str, options: tuple[str, ...]) -> Any:
        self.begun.append(code)
        self.has_begun.set()
        self.may_go_on.wait()
        if code == "wrong":
            raise ValueError("line 1: no such thing")
        return SimpleNamespace(code=code, options=options, compile=lambda: None)


@pytest.fixture
def compiler(monkeypatch: pytest.MonkeyPatch) -> Compiler:
    found, cupy = Compiler(), ModuleType("cupy")
    runtime = SimpleNamespace(getDevice=lambda: 1)
    vars(cupy).update(RawModule=found, cuda=SimpleNamespace(runtime=runtime, Device=lambda _number: nullcontext()))
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    monkeypatch.setattr(modules, "_asked", {})
    one_thread = ThreadPoolExecutor(1)
    monkeypatch.setattr(modules, "_compilers", lambda: one_thread)
    return found


def test_a_text_is_compiled_once_however_often_it_is_asked_for(compiler: Compiler) -> None:
    modules.ask("text")
    assert modules.module("text") is modules.module("text")
    modules.module("text", ("-option",))
    assert compiler.begun == ["text", "text"]


def test_what_the_compiler_says_is_raised_where_the_text_is_used(compiler: Compiler) -> None:
    modules.ask("wrong")
    for _ in range(2):
        with pytest.raises(ValueError, match="no such thing"):
            modules.module("wrong")
    assert compiler.begun == ["wrong"]


def test_what_has_not_begun_can_be_dropped_and_asked_for_again(compiler: Compiler) -> None:
    compiler.may_go_on.clear()
    modules.ask("first")
    compiler.has_begun.wait()
    modules.ask("second")
    modules.forget()
    compiler.may_go_on.set()
    assert modules.module("first").code == "first"
    assert compiler.begun == ["first"]
    assert modules.module("second").code == "second"


CASES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"optimizer": "adam"}, {"stored": np.uint8}),
    ({"loss": "squared_error", "activation": "tanh"}, {}),
    ({"activation": "maxout", "dropout_rate": 0.5}, {"stored": np.float64}),
]


@pytest.mark.parametrize(("given", "of_data"), CASES)
def test_what_is_asked_for_ahead_is_what_training_and_probes_use(
    given: dict[str, Any], of_data: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    for form in (fused, fused_probes):
        monkeypatch.setattr(form, "ask", lambda text, _options: asked.append(text))
    monkeypatch.setattr(fused, "largest_shared", lambda: 2**17)
    pack = pack_of(3, dtype="float32", **given)
    data = data_for(pack, **of_data)
    KERNELS["fused"].ask_ahead(replace(pack, device="cuda", kernel="fused"), data)
    rows: Any = Group(pack, data)._trainer._rows  # type: ignore[attr-defined]
    assert asked == [FusedTrainer(rows, HostBlocks())._source.text, FusedProbes(rows, HostBlocks())._source.text]


def test_of_images_that_move_too(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    for form in (fused, fused_probes):
        monkeypatch.setattr(form, "ask", lambda text, _options: asked.append(text))
    monkeypatch.setattr(fused, "largest_shared", lambda: 2**18)
    pack = image_pack(3, dtype="float32", network="mlp", channels=(), depth=1, shift_pixels=[0, 1, 2])
    data = image_data(pack, stored=np.uint8)
    KERNELS["fused"].ask_ahead(replace(pack, device="cuda", kernel="fused"), data)
    rows: Any = Group(pack, data)._trainer._rows  # type: ignore[attr-defined]
    assert asked == [FusedTrainer(rows, HostBlocks())._source.text, FusedProbes(rows, HostBlocks())._source.text]


def test_for_a_network_that_fits_no_block_the_kernels_of_graphs_are_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(kernel, "ask", asked.append)
    monkeypatch.setattr(fused, "largest_shared", lambda: 2**10)
    pack = replace(pack_of(3, dtype="float32"), device="cuda", kernel="fused")
    for name in ("fused", "graph"):
        KERNELS[name].ask_ahead(pack, data_for(pack))
    assert asked == [source.text()] * 2
