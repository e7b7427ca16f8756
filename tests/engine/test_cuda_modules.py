"""Device code is compiled beside the training, each text once, and what is asked for ahead is what training uses."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from threading import Event, current_thread, main_thread
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
        self.threads: set[str] = set()
        self.may_go_on, self.has_begun = Event(), Event()
        self.may_go_on.set()

    def __call__(self, code: str, options: tuple[str, ...]) -> Any:
        self.begun.append(code)
        self.threads.add(current_thread().name)
        self.has_begun.set()
        if current_thread() is not main_thread():
            assert self.may_go_on.wait(60)
        if code == "wrong":
            raise ValueError("line 1: no such thing")
        return SimpleNamespace(code=code, options=options, compile=lambda: None)


@pytest.fixture
def compiler(monkeypatch: pytest.MonkeyPatch) -> Iterator[Compiler]:
    found, cupy = Compiler(), ModuleType("cupy")
    runtime = SimpleNamespace(getDevice=lambda: 1)
    vars(cupy).update(RawModule=found, cuda=SimpleNamespace(runtime=runtime, Device=lambda _number: nullcontext()))
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    for name in ("_asked", "_made"):
        monkeypatch.setattr(modules, name, {})
    yield found
    found.may_go_on.set()


def test_a_text_is_compiled_once_however_often_it_is_asked_for(compiler: Compiler) -> None:
    with modules.compiling_ahead(2):
        modules.ask("text")
        modules.ask("text")
        assert modules.module("text") is modules.module("text")
        modules.ask("text")
        modules.module("text", ("-option",))
    assert compiler.begun == ["text", "text"]
    assert modules.module("text").code == "text"


def test_nothing_is_asked_of_a_compiler_where_there_is_no_thread_for_it(compiler: Compiler) -> None:
    modules.ask("text")
    assert compiler.begun == []
    assert modules.module("text").code == "text"
    assert compiler.threads == {main_thread().name}


def test_what_the_compiler_says_is_raised_where_the_text_is_used_and_it_is_tried_anew(compiler: Compiler) -> None:
    """What failed may have been the device's memory, which the next, smaller pack leaves free."""
    with modules.compiling_ahead(1):
        modules.ask("wrong")
        for _ in range(2):
            with pytest.raises(ValueError, match="no such thing"):
                modules.module("wrong")
    assert compiler.begun == ["wrong", "wrong"]


def test_what_is_needed_now_does_not_wait_for_what_was_asked_for_before(compiler: Compiler) -> None:
    compiler.may_go_on.clear()
    with modules.compiling_ahead(1):
        modules.ask("first")
        assert compiler.has_begun.wait(60)
        modules.ask("second")
        assert modules.module("second").code == "second"
        assert main_thread().name in compiler.threads
        compiler.may_go_on.set()
        assert modules.module("first").code == "first"
    assert compiler.begun == ["first", "second"]


def test_what_has_not_begun_is_dropped_at_the_end_and_compiled_where_it_is_used(
    compiler: Compiler, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiler.may_go_on.clear()
    with modules.compiling_ahead(1):
        modules.ask("first")
        assert compiler.has_begun.wait(60)
        modules.ask("second")
        shutdown = modules._compilers[-1].shutdown

        def release_then_wait(cancel_futures: bool) -> None:
            shutdown(wait=False, cancel_futures=cancel_futures)
            compiler.may_go_on.set()
            shutdown()

        monkeypatch.setattr(modules._compilers[-1], "shutdown", release_then_wait)
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
