"""Runs plans on the device: launch by launch the first time, and from then on as a CUDA graph that is replayed.

CuPy compiles these kernels as it compiles its own: numbers under 1e-38 are flushed to zero, and nothing is reordered.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from workbench.engine.kernels.cuda import modules, source
from workbench.engine.kernels.cuda.cublas import WORKSPACE, Cublas
from workbench.engine.kernels.cuda.launches import Argument, Plan, Product

if TYPE_CHECKING:
    import cupy

STEPS_A_GRAPH = 16  # in the larger of the two graphs, to spread the host's cost of starting a graph


class DeviceMachine:
    """A stream, the compiled kernels, and a cuBLAS handle. `precision` is a row of `cublas.PRECISIONS`."""

    def __init__(self, precision: str = "float32", text: str = "") -> None:
        import cupy

        # A non-blocking stream: it and the default stream do not wait for each other, so it captures only our own work.
        self.stream = cupy.cuda.Stream(non_blocking=True)
        module = modules.module(text or source.text())
        self._kernels = {name: module.get_function(name) for name in source.STEP_KERNELS}
        self._cublas = Cublas(self.stream, cupy.empty(WORKSPACE, np.uint8), precision)
        self._aside = cupy.cuda.Stream(non_blocking=True)  # for products that nothing waits for at once
        self._cublas_aside = Cublas(self._aside, cupy.empty(WORKSPACE, np.uint8), precision)

    def program(self, plan: Plan) -> DeviceProgram:
        """Prepare a plan; nothing is launched yet."""
        return DeviceProgram(self, plan)

    def launch(self, plan: Plan) -> None:
        """Put every launch of a plan on the stream, or into the graph that the stream captures."""
        is_open = False  # whether something on the other stream has not been waited for
        with self.stream:
            for part in plan:
                if isinstance(part, Product):
                    is_open |= part.aside
                    self._multiply(part)
                    continue
                if is_open and part.waits:
                    self.stream.wait_event(self._aside.record())
                    is_open = False
                arguments = tuple(_passed(argument) for argument in part.arguments)
                self._kernels[part.kernel](part.blocks, (part.threads,), arguments)
            if is_open:
                self.stream.wait_event(self._aside.record())

    def _multiply(self, product: Product) -> None:
        if not product.aside:
            self._cublas.multiply(product)
            return
        self._aside.wait_event(self.stream.record())
        self._cublas_aside.multiply(product)

    def captured(self, plan: Plan, steps: int) -> cupy.cuda.Graph:
        """A graph of that many steps, one after the other."""
        with self.stream:
            self.stream.begin_capture()
            try:
                for _ in range(steps):
                    self.launch(plan)
            finally:
                graph = self.stream.end_capture()
        return graph


class DeviceProgram:
    """One plan on the device."""

    def __init__(self, machine: DeviceMachine, plan: Plan) -> None:
        self._machine, self._plan = machine, plan
        self._graphs: dict[int, cupy.cuda.Graph] = {}
        self._warm = False

    def run(self, times: int) -> None:
        """Run the plan that many times and wait for it.

        The first time is not captured: kernels and cuBLAS are loaded at their first use, and loading is not allowed
        while a stream captures.
        """
        import cupy

        stream = self._machine.stream
        stream.wait_event(cupy.cuda.get_current_stream().record())  # everything sent to the device has arrived
        if not self._warm and times:
            self._machine.launch(self._plan)
            self._warm, times = True, times - 1
        for steps in (STEPS_A_GRAPH, 1):
            for _ in range(times // steps):
                self._graph(steps).launch(stream)
            times %= steps
        stream.synchronize()

    def _graph(self, steps: int) -> cupy.cuda.Graph:
        if steps not in self._graphs:
            self._graphs[steps] = self._machine.captured(self._plan, steps)
        return self._graphs[steps]


def device_machine(precision: str = "float32") -> DeviceMachine:
    """The machine of this process for each precision and set of rules."""
    return _machine(precision, source.text())


@cache
def _machine(precision: str, text: str) -> DeviceMachine:
    return DeviceMachine(precision, text)


def _passed(argument: Argument) -> Argument | np.number:
    """The argument as CuPy passes it to a kernel: arrays by pointer, numbers as C's int and float."""
    if isinstance(argument, int):
        return np.int32(argument)
    return np.float32(argument) if isinstance(argument, float) else argument
