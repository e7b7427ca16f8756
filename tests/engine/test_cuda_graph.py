"""What stands between plans and the device: streams, graphs and cuBLAS, with a stand-in for each.

The stand-in for CuPy runs kernels on the host, notes instead of running while a stream captures, and replays what was
noted. The one for cuBLAS is C with the library's own signature: so every argument goes the way that it will go there.
"""

from __future__ import annotations

import ctypes
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.repetitions import mostly_thorough
from workbench.engine.kernels.cuda import cublas, device, launches, modules
from workbench.engine.kernels.cuda.launches import Launch
from workbench.engine.training.loop import train

from . import strict_device
from .cases import data_for, pack_of
from .cuda_on_host import COMPILER, HostMachine, needs_compiler
from .image_cases import image_data, image_pack
from .strict_device import DeviceArray

pytestmark = needs_compiler

CUBLAS = """
typedef long long i64;
static int handles = 0;
static void* streams[8]; static void* workspaces[8];
extern "C" int cublasCreate_v2(void** handle) { *handle = (void*)(i64)++handles; return 0; }
extern "C" int cublasSetStream_v2(void* h, void* stream) { streams[(i64)h] = stream; workspaces[(i64)h] = 0; return 0; }
extern "C" int cublasSetWorkspace_v2(void* h, void* space, unsigned long bytes) {
    workspaces[(i64)h] = space; return bytes < 4096 || (i64)space % 16; }
extern "C" int cublasGemmStridedBatchedEx(void* h, int ta, int tb, int m, int n, int k, const void* alpha,
    const void* A, int at, int lda, i64 sa, const void* B, int bt, int ldb, i64 sb, const void* beta,
    void* C, int ct, int ldc, i64 sc, int count, int compute, int algorithm) {
    if (at || bt || ct || (compute != 68 && compute != 77) || algorithm != -1) return 7;
    if (!streams[(i64)h] || !workspaces[(i64)h]) return 1;
    if (*(const float*)alpha != 1 || *(const float*)beta != 0) return 7;
    if (lda < (ta ? k : m) || ldb < (tb ? n : k) || ldc < m) return 7;
    for (int r = 0; r < count; ++r) for (int i = 0; i < m; ++i) for (int j = 0; j < n; ++j) {
        const float *a = (const float*)A + r * sa, *b = (const float*)B + r * sb;
        float sum = 0;
        for (int l = 0; l < k; ++l) sum += a[ta ? l + i * lda : i + l * lda] * b[tb ? j + l * ldb : l + j * ldb];
        ((float*)C + r * sc)[i + j * ldc] = sum;
    }
    return 0;
}
"""


class Stream:
    """Does at once what it is told; while it captures, only notes it."""

    entered: Stream  # the current one

    def __init__(self, non_blocking: bool = False) -> None:
        assert non_blocking, "the default stream must not wait for this one"
        self.ptr, self.notes, self.waited = id(self), None, 0
        self.done: list[str] = []
        self.joined: list[Stream] = []  # the streams whose work it captures too
        self.waited_for = True

    def __enter__(self) -> Stream:
        Stream.entered = self
        return self

    def __exit__(self, *_: Any) -> None:
        pass

    def put(self, name: str, work: Callable[[], Any]) -> None:
        self.waited_for = False
        if self.notes is not None:
            self.notes.append((name, work))
        else:
            work()
            self.done.append(name)

    def begin_capture(self) -> None:
        assert self.notes is None
        self.notes: list[Any] | None = []

    def end_capture(self) -> Graph:
        notes, self.notes = self.notes, None
        assert notes is not None
        for other in self.joined:
            assert other.waited_for, "CUDA ends no capture while a stream that joined it is not waited for"
            other.notes = None
        self.joined = []
        return Graph(notes)

    def record(self) -> Stream:
        return self

    def wait_event(self, event: object) -> None:
        """A stream that waits for one that captures is captured too."""
        if isinstance(event, Stream):
            event.waited_for = True
            if event.notes is not None and self.notes is None:
                self.notes = event.notes
                event.joined.append(self)
            assert self.notes is event.notes
        else:
            assert self.notes is None
        self.waited += 1

    def synchronize(self) -> None:
        assert self.notes is None, "nobody may wait for a stream that captures"


class Graph:
    def __init__(self, notes: list[Any]) -> None:
        self.notes = notes

    def launch(self, stream: Stream) -> None:
        assert stream.notes is None
        stream.done.append(f"graph of {len(self.notes)}")
        for _, work in self.notes:
            work()


class Library:
    """The C functions, put on the stream where they compute."""

    def __init__(self, library: ctypes.CDLL, streams: list[Stream]) -> None:
        self._library = library
        gemm, set_stream, chosen = library.cublasGemmStridedBatchedEx, library.cublasSetStream_v2, {}

        def choose(handle: ctypes.c_void_p, pointer: int) -> int:
            set_stream.argtypes = choose.argtypes  # type: ignore[attr-defined]
            chosen[handle.value] = next(stream for stream in streams if stream.ptr == pointer)
            return int(set_stream(handle, pointer))

        def on_stream(handle: ctypes.c_void_p, *arguments: Any) -> int:
            gemm.argtypes = on_stream.argtypes  # type: ignore[attr-defined]
            chosen[handle.value].put("product", lambda: self._checked(gemm(handle, *arguments)))
            return 0

        self.cublasGemmStridedBatchedEx, self.cublasSetStream_v2 = on_stream, choose

    @staticmethod
    def _checked(status: int) -> None:
        assert status == 0, f"cuBLAS refuses: {status}"

    def __getattr__(self, name: str) -> Any:
        return getattr(self._library, name)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> device.DeviceMachine:
    """A machine whose CuPy and cuBLAS are the stand-ins."""
    (tmp_path / "cublas.cpp").write_text(CUBLAS)
    command = [str(COMPILER), "-O2", "-shared", "-fPIC", "-o", "cublas.so", "cublas.cpp"]
    subprocess.run(command, check=True, cwd=tmp_path)
    host, streams = HostMachine(), []

    def stream(**options: Any) -> Stream:
        streams.append(Stream(**options))
        return streams[-1]

    def kernel(name: str) -> Any:
        def launch(blocks: Any, threads: Any, arguments: Any) -> None:
            plain = tuple(argument.item() if isinstance(argument, np.generic) else argument for argument in arguments)
            Stream.entered.put(name, lambda: host.launch(Launch(name, blocks, threads[0], plain)))

        return launch

    cupy: Any = ModuleType("cupy")
    vars(cupy).update({name: value for name, value in vars(strict_device).items() if not name.startswith("__")})
    compiled = SimpleNamespace(get_function=kernel, compile=lambda: None)
    cupy.RawModule = lambda code, options: compiled if "__global__" in code and not options else None
    cupy.empty = strict_device.zeros
    current = SimpleNamespace(record=object)
    cupy.cuda = SimpleNamespace(
        Stream=stream, get_current_stream=lambda: current, Device=lambda _number: nullcontext(),
        runtime=SimpleNamespace(getDevice=lambda: 0),
    )  # fmt: skip
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    monkeypatch.setattr(modules, "_made", {})
    monkeypatch.setattr(launches, "THIN", 0)  # all products go through the library
    monkeypatch.setattr(cublas, "loaded", lambda: Library(ctypes.CDLL(str(tmp_path / "cublas.so")), streams))
    pointer = property(lambda a: SimpleNamespace(ptr=a._array.ctypes.data))
    monkeypatch.setattr(DeviceArray, "data", pointer, raising=False)
    for name in ("nbytes", "itemsize"):
        monkeypatch.setattr(DeviceArray, name, property(lambda a, name=name: getattr(a._array, name)), raising=False)
    made = device.DeviceMachine()
    monkeypatch.setattr(device, "device_machine", lambda _precision: made)
    return made


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize("activation", ["prelu", pytest.param("maxout", marks=pytest.mark.thorough)])
def test_a_captured_step_of_a_convolutional_network_does_too(activation: str) -> None:
    """20 updates an epoch, so that graphs of several steps and of one are replayed."""
    rates = {"map_dropout_rate": [0, 0.3, 0], "channel_dropout_rate": [0, 0, 0.3]}
    pack = image_pack(3, dtype="float32", activation=activation, learning_rate=0.05, epochs=1, channels=(3,), **rates)
    data = image_data(pack, (4, 3, 1), examples=270)
    fast = list(train(replace(pack, device="cuda", kernel="graph"), data))
    for one, two in zip(train(pack, data), fast, strict=True):
        for name, values in one.metrics.items():
            np.testing.assert_allclose(two.metrics[name], values, rtol=3e-5, atol=3e-5, err_msg=name)


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize("activation", mostly_thorough(["tanh", "maxout", "prelu"], "maxout"))
def test_a_captured_step_trains_as_the_plain_kernel_does(activation: str) -> None:
    """40 updates an epoch: masks, order, rates and momenta of every replay are those of its own step."""
    given = {"dropout_rate": [0, 0.5, 0.2], "input_dropout_rate": [0, 0, 0.2], "momentum_ramp_epochs": 1.5}
    given |= {"schedule": ["constant", "exponential", "inverse_sqrt"], "schedule_factor": 0.99, "momentum_start": 0.2}
    pack = pack_of(3, dtype="float32", optimizer="nesterov", activation=activation, learning_rate=0.01, **given)
    data = data_for(pack, examples=540)
    fast = list(train(replace(pack, device="cuda", kernel="graph"), data))
    for one, two in zip(train(pack, data), fast, strict=True):
        for name, values in one.metrics.items():
            np.testing.assert_allclose(two.metrics[name], values, rtol=2e-5, atol=2e-5, err_msg=name)


@pytest.mark.parametrize(("first", "second"), [(67, 40), (1, 16), (2, 1), (17, 0)])
def test_the_first_step_is_run_and_all_others_are_replayed(
    first: int, second: int, machine: device.DeviceMachine
) -> None:
    counters = strict_device.asarray(np.array([-1, 0]))
    seeds, keys = strict_device.zeros((1,), np.uint64), strict_device.zeros((1, 1), np.uint64)
    program = machine.program([Launch("tick", (1, 1), 32, (counters, seeds, keys, 5, 1, 1))])
    for times in (first, second):
        program.run(times)
    assert counters.get()[0] == first + second - 1
    done: Any = machine.stream.done
    assert done[0] == "tick"
    assert set(done[1:]) <= {"graph of 16", "graph of 1"}
    assert done.count("graph of 16") == (first - 1) // 16 + second // 16
    assert done.count("graph of 1") == (first - 1) % 16 + second % 16
    assert machine.stream.waited == 2  # for what was sent to the device before either


def test_a_graph_is_captured_once(machine: device.DeviceMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    captured, capture = [], machine.captured
    monkeypatch.setattr(machine, "captured", lambda plan, steps: captured.append(steps) or capture(plan, steps))
    program = machine.program([])
    for _ in range(3):
        program.run(40)
    assert sorted(captured) == [1, 16]


def test_what_cublas_refuses_is_an_error() -> None:
    with pytest.raises(cublas.CublasError, match="cublasCreate: status 3"):
        cublas.Cublas._check("cublasCreate", 3)
