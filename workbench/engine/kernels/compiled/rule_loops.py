"""The rules of a pack as compiled loops, generated from the functions of the tables.

Each loop is a function over addresses (`native.py`). It is compiled when a pack first uses its rule, and kept on
disk. A loop's text is written to a file of the cache folder, named by its digest, because Numba caches only functions
from files.
"""

from __future__ import annotations

import ctypes
import math
import sys
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from hashlib import sha256
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from tempfile import NamedTemporaryFile
from types import ModuleType

import numpy as np

from workbench.engine.kernels.compiled import elementary, native
from workbench.engine.kernels.compiled.jit import BEFORE_ARGUMENTS, c_function, cache_folder, entry
from workbench.engine.kernels.lowering import Trace, statements
from workbench.engine.kernels.traced import activation_traces, optimizer_trace, penalty_trace
from workbench.engine.rules.activations import ACTIVATIONS
from workbench.engine.rules.optimizers import OPTIMIZERS
from workbench.engine.rules.penalties import PENALTIES
from workbench.untyped import Compiled

# The addresses of an activation's loops: a <- value(z); z <- dl/dz, with the gradient of learned slopes; gain <- a'(z).
ActivationLoops = namedtuple("ActivationLoops", "forward backward gain")
_ELEMENTARY = ("larger", "smaller", "sign", "exp", "expm1", "log", "log1p", "tanh")
# The names that a printed loop may use.
_LOOP_GLOBALS = {"np": np, "math": math, "floats": native.floats, "integers": native.integers} | {
    name: getattr(elementary, name) for name in _ELEMENTARY
}
_kept: list[Compiled] = []  # compiled functions; their addresses are in use as long as the process lives


@cache
def activation_loops(name: str) -> ActivationLoops:
    """The loops of a row of `ACTIVATIONS`."""
    value, derivative, slope = activation_traces(ACTIVATIONS[name])
    text = [_activation_loop("forward", value, "a_of[i] = {}", ("z",))]
    learned = [] if slope is None else [_slope_loop(slope)]
    text.append(_activation_loop("backward", derivative, "z_of[i] = dl_da_of[i] * {}", ("z", "a"), learned))
    text.append(_activation_loop("gain", derivative, "gain_of[i] = {}", ("z", "a")))
    module = _module(name, "\n\n".join(text))
    return ActivationLoops(*(address(getattr(module, loop)) for loop in ActivationLoops._fields))


@cache
def optimizer_loop(name: str) -> int:
    """The address of the update of a row of `OPTIMIZERS`."""
    row = OPTIMIZERS[name]
    return address(_module(name, _update_loop(optimizer_trace(row), len(row.slots))).update)


@cache
def penalty_loop(name: str) -> int:
    """The address of the loop of a row of `PENALTIES`, which changes the gradient or the weights."""
    row = PENALTIES[name]
    return address(_module(name, _penalty_loop(penalty_trace(row), row.moment)).penalise)


def run_activation(name: str, z: np.ndarray, slope: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Value and derivative of a row, computed by its loops; z and slope are (units,) float32."""
    loops, a, gain = activation_loops(name), np.empty_like(z), np.empty_like(z)
    from_z, from_a, from_slope = (array.ctypes.data for array in (z, a, slope))
    called(loops.forward, from_z, from_a, from_slope, 1, z.size, z.size)
    called(loops.gain, from_z, from_a, from_slope, gain.ctypes.data, 1, z.size, z.size)
    return a, gain


def run_optimizer(
    name: str, w: np.ndarray, g: np.ndarray, slots: Sequence[np.ndarray], numbers: Mapping[str, float]
) -> None:
    """Update w and the slots, flat float32 arrays, in place by the loop of a row."""
    reads = np.array([numbers[read] for read in optimizer_trace(OPTIMIZERS[name]).reads], np.float32)
    places = np.array([slot.ctypes.data for slot in slots], np.int64)
    called(optimizer_loop(name), w.ctypes.data, g.ctypes.data, places.ctypes.data, 0, w.size, reads.ctypes.data)


def run_penalty(name: str, w: np.ndarray, g: np.ndarray, numbers: Mapping[str, float]) -> None:
    """Change g or w, flat float32 arrays, in place by the loop of a row."""
    reads = np.array([numbers[read] for read in penalty_trace(PENALTIES[name]).reads], np.float32)
    called(penalty_loop(name), w.ctypes.data, g.ctypes.data, w.size, reads.ctypes.data)


def called(loop: int, *arguments: int) -> None:
    """Call a loop by its address from Python. Raises RuntimeError if the loop raises anything."""
    before = [ctypes.byref(ctypes.c_int64()) for _ in range(BEFORE_ARGUMENTS)]
    kinds = [*[ctypes.c_void_p] * BEFORE_ARGUMENTS, *[ctypes.c_int64] * len(arguments)]
    if status := ctypes.CFUNCTYPE(ctypes.c_int32, *kinds)(loop)(*before, *arguments):
        raise RuntimeError(f"a compiled loop raised something, status {status}")


def address(loop: Callable[..., None]) -> int:
    """The address of a loop whose arguments are all 64-bit integers, compiled."""
    compiled = c_function(loop)
    _kept.append(compiled)
    return entry(compiled)


def _activation_loop(name: str, traced: Trace, target: str, reads: Sequence[str], learned: Sequence[str] = ()) -> str:
    """A loop over z and the arrays computed from it, (batch, units); row by row if the rule reads the units' slopes."""
    arguments = {
        "forward": "z_at, a_at, slope_at, batch, rows, units",
        "backward": "dl_da_at, z_at, a_at, slope_at, slope_gradient_at, batch, rows, units",
        "gain": "z_at, a_at, slope_at, gain_at, batch, rows, units",
    }[name]
    arrays = [part.removesuffix("_at") for part in arguments.split(", ") if part.endswith("_at")]
    arrays = [array for array in arrays if array not in ("slope", "slope_gradient")]
    by_row = "slope" in traced.uses
    body = [f"length = {'units' if by_row else 'batch * units'}", *learned]
    body += ["slope_of = floats(slope_at, units)"] if by_row else []
    body += ["for start in range(0, batch * units, length):"]
    body += [f"    {array}_of = floats({array}_at + 4 * start, length)" for array in arrays]
    body += ["    for i in range(length):"]
    used = [array for array in (*reads, "slope") if array in traced.uses]
    printed = statements(traced, "python")
    inner = [f"{array} = {array}_of[i]" for array in used]
    inner += [f"{name} = {expression}" for name, expression, _ in (*printed.once, *printed.each)]
    inner += [target.format(printed.results[0])]
    return "\n".join([f"def {name}({arguments}):", *_indented(body, 1), *_indented(inner, 3)])


def _slope_loop(traced: Trace) -> str:
    """The gradient of the slopes: the sum over the batch of dl/da times da/dslope."""
    printed = statements(traced, "python")
    inner = ["z = z_of[i]"] if "z" in traced.uses else []
    inner += [f"{name} = {expression}" for name, expression, _ in (*printed.once, *printed.each)]
    inner += [f"gradient_of[i] += dl_da_of[i] * {printed.results[0]}"]
    head = [
        "gradient_of = floats(slope_gradient_at, units)",
        "gradient_of[:] = np.float32(0)",
        "for start in range(0, batch * units, units):",
        "    dl_da_of, z_of = floats(dl_da_at + 4 * start, units), floats(z_at + 4 * start, units)",
        "    for i in range(units):",
    ]
    return "\n".join([*head, *_indented(inner, 2)])


def _update_loop(traced: Trace, slots: int) -> str:
    """One update of `size` weights by their gradients. Slot k begins `offset` bytes after the k-th address."""
    arrays = ["w", "g", *(f"slot{k}" for k in range(slots))]
    body = ["w_of, g_of = floats(w_at, size), floats(g_at, size)"]
    body += [f"slot{k}_of = floats(integers(slots_at, {slots})[{k}] + offset, size)" for k in range(slots)]
    outs = [f"{array}_of[i]" for array in arrays if array != "g"]
    return _elementwise("update", "w_at, g_at, slots_at, offset, size, numbers_at", traced, arrays, body, outs)


def _penalty_loop(traced: Trace, moment: str) -> str:
    body = ["w_of, g_of = floats(w_at, size), floats(g_at, size)"]
    outs = ["g_of[i]" if moment == "gradient" else "w_of[i]"]
    return _elementwise("penalise", "w_at, g_at, size, numbers_at", traced, ["w", "g"], body, outs)


def _elementwise(
    name: str, arguments: str, traced: Trace, arrays: Sequence[str], body: list[str], outs: Sequence[str]
) -> str:
    """A loop over flat arrays. The numbers of this step lie in the order in which the rule reads them."""
    printed = statements(traced, "python")
    body = [*body, f"numbers = floats(numbers_at, {len(traced.reads)})"]
    body += [f"at_{read} = numbers[{place}]" for place, read in enumerate(traced.reads)]
    body += [f"{name} = {expression}" for name, expression, _ in printed.once]
    inner = [f"{array} = {array}_of[i]" for array in arrays if array in traced.uses]
    inner += [f"{name} = {expression}" for name, expression, _ in printed.each]
    inner += [f"{out} = {result}" for out, result in zip(outs, printed.results, strict=True)]
    loop = ["for i in range(size):", *_indented(inner, 1)]
    return "\n".join([f"def {name}({arguments}):", *_indented([*body, *loop], 1)])


def _indented(lines: Sequence[str], depth: int) -> list[str]:
    return ["    " * depth + line for text in lines for line in text.splitlines()]


def _module(rule: str, text: str) -> ModuleType:
    """The text as a module, imported from a file if one can be written."""
    name = f"{''.join(c if c.isalnum() else '_' for c in rule)}_{sha256(text.encode()).hexdigest()[:16]}"
    file = Path(cache_folder()) / "rules" / f"{name}.py" if cache_folder() else None
    if file and _written(file, text):
        spec = spec_from_file_location(f"workbench_rule_{name}", file)
        assert spec is not None
        assert spec.loader is not None
        module = sys.modules[spec.name] = module_from_spec(spec)  # where Numba looks when it reads its cache
        vars(module).update(_LOOP_GLOBALS)
        spec.loader.exec_module(module)
        return module
    module = ModuleType(f"workbench_rule_{name}")
    vars(module).update(_LOOP_GLOBALS)
    exec(compile(text, f"<rule {rule}>", "exec"), vars(module))
    return module


def _written(file: Path, text: str) -> bool:
    """Whether the file exists or could be written. Its name contains the digest of the text; it appears whole or not at
    all.
    """
    if file.exists():
        return True
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile("w", dir=file.parent, suffix=".tmp", delete=False, encoding="utf-8") as temporary:
            temporary.write(text)
        Path(temporary.name).replace(file)
    except OSError:
        return False
    return True
