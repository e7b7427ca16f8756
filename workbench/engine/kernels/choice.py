"""The kernels: plain NumPy or CuPy, compiled by Numba, or CUDA. One table, chosen by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from importlib.util import find_spec
from typing import Protocol

import numpy as np

from workbench.engine.backend import Array, too_old_for_tf32
from workbench.engine.errors import BadInput
from workbench.engine.kernels.plain import PlainTrainer
from workbench.engine.kernels.rows import Rows
from workbench.engine.training.architecture import Architecture
from workbench.engine.training.evaluation import Evaluator
from workbench.engine.training.layout import Layout
from workbench.engine.training.pack import Pack
from workbench.engine.training.probing import PlainProbes
from workbench.engine.training.reader import Data, Split
from workbench.untyped import NumbaSettings


class Trainer(Protocol):
    """Trains the rows of a group for an epoch."""

    def train(self, epoch: int) -> dict[str, np.ndarray]:
        """All updates of an epoch: train_loss, train_accuracy and learning_rate, (runs,) each."""
        ...


class Judge(Protocol):
    """Evaluates networks on a split."""

    def evaluate(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean loss and accuracy, (runs,) each."""
        ...


class Prober(Protocol):
    """Probes networks between two epochs."""

    def take(self, after_update: bool) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """The probes of every epoch, (runs, layers) each, and rms of dl/dx, (runs,)."""
        ...

    def at_end(self, ending: np.ndarray) -> dict[str, np.ndarray]:
        """The probes of runs that end, (runs, layers) each; NaN for the others."""
        ...


def _nothing(_pack: Pack, _data: Data) -> None:
    """There is nothing to compile, or it is compiled when it is used."""


@dataclass(frozen=True)
class Kernel:
    """One row of `KERNELS`. The kernel is a part of what decides a run's numbers: kernels agree within rounding, not
    bit for bit.
    """

    summary: str
    obstacle: Callable[[Pack], str]  # why it cannot train a pack; "" if it can
    trainer: Callable[[Rows], Trainer]
    evaluator: Callable[[Pack, Layout, Array, Array, Data, Split], Judge]
    prober: Callable[[Rows], Prober] = PlainProbes
    ask_ahead: Callable[[Pack, Data], None] = _nothing  # have compiled, beside other work, what a pack will need
    workers: str = "processes"  # or "threads", if the passes release the GIL


def _plain_obstacle(pack: Pack) -> str:
    return "" if pack.precision == "float32" else f"precision={pack.precision}"


def _compiled_obstacle(pack: Pack) -> str:
    if pack.precision != "float32":
        return f"precision={pack.precision}"
    if pack.device != "cpu":
        return f"device={pack.device}, dtype={pack.dtype}"
    if fault := numba_fault():
        return fault
    from workbench.engine.kernels.compiled.kernel import obstacle

    return obstacle(pack)


def _compiled_trainer(rows: Rows) -> Trainer:
    from workbench.engine.kernels.compiled.kernel import CompiledTrainer

    resolve_kernel("compiled", rows.pack)  # its passes would read numbers of another dtype as their own
    return CompiledTrainer(rows)


def _compiled_evaluator(pack: Pack, layout: Layout, weights: Array, stored: Array, data: Data, split: Split) -> Judge:
    from workbench.engine.kernels.compiled.kernel import CompiledEvaluator

    return CompiledEvaluator(pack, layout, weights, stored, data, split)


def _compiled_prober(rows: Rows) -> Prober:
    from workbench.engine.kernels.compiled import probes

    return probes.CompiledProbes(rows) if probes.supports() else PlainProbes(rows)


def _graph_obstacle(pack: Pack) -> str:
    from workbench.engine.kernels.cuda.codes import obstacle

    return obstacle(pack) or (too_old_for_tf32() if pack.precision == "tf32" else "")


def _graph_trainer(rows: Rows) -> Trainer:
    from workbench.engine.kernels.cuda.kernel import GraphTrainer

    if rows.pack.precision == "tf32" and (found := too_old_for_tf32()):  # it may have been planned on another machine
        raise BadInput(f"precision: found tf32 on {found}; allowed there is float32")
    return GraphTrainer(rows)


def _graph_evaluator(pack: Pack, layout: Layout, weights: Array, stored: Array, data: Data, split: Split) -> Judge:
    from workbench.engine.kernels.cuda.kernel import GraphEvaluator

    return GraphEvaluator(pack, layout, weights, stored, data, split)


def _graph_ahead(pack: Pack, data: Data) -> None:
    from workbench.engine.kernels.cuda.kernel import ask_ahead

    ask_ahead(pack, data)


def _fused_ahead(pack: Pack, data: Data) -> None:
    from workbench.engine.kernels.cuda import fused, fused_probes

    if fused.fits(pack, pack.layout(data)):
        fused.ask_ahead(pack, data)
        fused_probes.ask_ahead(pack, data)
    else:
        _graph_ahead(pack, data)


def _fused_trainer(rows: Rows) -> Trainer:
    from workbench.engine.kernels.cuda.fused import FusedTrainer, fits

    return FusedTrainer(rows) if fits(rows.pack, rows.layout) else _graph_trainer(rows)


def _fused_evaluator(pack: Pack, layout: Layout, weights: Array, stored: Array, data: Data, split: Split) -> Judge:
    from workbench.engine.kernels.cuda.fused import FusedEvaluator, fits

    kind = FusedEvaluator if fits(pack, layout) else _graph_evaluator
    return kind(pack, layout, weights, stored, data, split)


def _fused_prober(rows: Rows) -> Prober:
    from workbench.engine.kernels.cuda.fused_probes import FusedProbes, supports

    return FusedProbes(rows) if supports(rows) else PlainProbes(rows)


def _fused_obstacle(pack: Pack) -> str:
    if why := _plain_obstacle(pack) or _graph_obstacle(pack):
        return why
    from workbench.engine.kernels.cuda.fused import kind_obstacle

    return kind_obstacle(pack)


KERNELS: dict[str, Kernel] = {
    "compiled": Kernel(
        "fused passes compiled by Numba, one run at a time: float32 on the CPU",
        _compiled_obstacle, _compiled_trainer, _compiled_evaluator, _compiled_prober, workers="threads",
    ),
    "fused": Kernel(
        "a run a block, in shared memory, if the network fits into it, else as graph: float32 on an NVIDIA device",
        _fused_obstacle, _fused_trainer, _fused_evaluator, _fused_prober, _fused_ahead,
    ),
    "graph": Kernel(
        "steps as CUDA graphs, all runs at once: float32 on an NVIDIA device",
        _graph_obstacle, _graph_trainer, _graph_evaluator, ask_ahead=_graph_ahead,
    ),
    "plain": Kernel("NumPy or CuPy, all runs of a group at once", _plain_obstacle, PlainTrainer, Evaluator),
}  # fmt: skip


@cache
def numba_fault() -> str:
    """Why there is no Numba to compile with; "" if there is. The engine works without it."""
    if find_spec("numba") is None:
        return "Numba is not installed"
    try:
        import numba
    except Exception as error:  # it may be installed beside a NumPy that is too new for it
        return f"Numba cannot be imported ({type(error).__name__}: {error})".splitlines()[0]
    settings: NumbaSettings = numba.config
    return "Numba is switched off by NUMBA_DISABLE_JIT" if settings.DISABLE_JIT else ""


def resolve_kernel(name: str, pack: Pack) -> str:
    """The kernel that trains a pack; "auto" is the first that supports it. Raises BadInput if the named kernel does not
    support it, or if no kernel does.
    """
    if name == "auto":
        if able := [kernel for kernel, row in KERNELS.items() if not row.obstacle(pack)]:
            return able[0]
        raise BadInput(
            f"precision: found {pack.precision} with {KERNELS['graph'].obstacle(pack)}; allowed is float32, and tf32 "
            f"where kernel=graph trains: device=cuda, dtype=float32, and rules that have a form there"
        )
    if why := KERNELS[name].obstacle(pack):
        able = ["auto", *(kernel for kernel, row in KERNELS.items() if not row.obstacle(pack))]
        allowed = f"{', '.join(able[:-1])} and {able[-1]}" if able[1:] else "auto"
        raise BadInput(f"kernel: found {name} with {why}; allowed are {allowed} ({name} is {KERNELS[name].summary})")
    return name


def why_not_compiled(pack: Pack) -> str:
    """The rule of the pack that has no compiled form, and why; "" if every rule has one."""
    if pack.kernel != "plain" or (pack.device, pack.dtype, pack.precision) != ("cpu", "float32", "float32"):
        return ""
    return KERNELS["compiled"].obstacle(pack)


def why_not_graph(pack: Pack) -> str:
    """What of a pack on a device has a form in no kernel but the plain one, and why; "" if all of it has."""
    if pack.kernel != "plain" or (pack.device, pack.dtype) != ("cuda", "float32"):
        return ""
    return KERNELS["graph"].obstacle(pack)


def why_not_fused(pack: Pack, architecture: Architecture) -> str:
    """Why a pack trains as graphs although its kernel is fused; "" if it does not, or if another kernel trains it."""
    if pack.kernel != "fused":
        return ""
    from workbench.engine.kernels.cuda.fused import obstacle

    return obstacle(pack, Layout(architecture))


def why_not_probed_in_blocks(pack: Pack, architecture: Architecture, examples: int) -> str:
    """Why a pack whose runs train in blocks is probed by array functions, for so many training examples; "" if it is
    not.
    """
    if pack.kernel != "fused" or why_not_fused(pack, architecture):
        return ""
    from workbench.engine.kernels.cuda.fused_probes import obstacle

    return obstacle(Layout(architecture), examples)


def with_kernel(pack: Pack, name: str = "auto") -> Pack:
    """The pack with that kernel."""
    return replace(pack, kernel=resolve_kernel(name, pack))
