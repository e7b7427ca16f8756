"""The device code of the probes, one block for each run: the passes of training, on the probe batch."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from workbench.engine.kernels.cuda import fused_source, source
from workbench.engine.kernels.cuda.fused_places import places_of
from workbench.engine.kernels.cuda.fused_source import FusedSource, places_name
from workbench.engine.rules.activations import ACTIVATIONS
from workbench.engine.rules.probes import NEAR_ZERO, SATURATED
from workbench.engine.training.layout import Layout
from workbench.engine.training.pack import Pack

PROBE_KERNELS = ("probe_run",)
BLOCK_PROBES = (
    "activation_mean", "activation_deviation", "saturated", "gain", "dead", "gradient_z", "gradient_weights",
    "update_size", "weight_rms", "near_zero", "exact_zero",
)  # fmt: skip


def probe_source(pack: Pack, layout: Layout, stored: np.dtype, batch: int) -> FusedSource:
    """The source that probes a pack's networks on `batch` examples of inputs stored as that dtype."""
    places = places_of(layout, batch, slots=0)
    threshold = float(np.float32(SATURATED) * np.float32(ACTIVATIONS[pack.activation].steepest))
    probes = [f"PROBE_{name.upper()} = {place}" for place, name in enumerate(BLOCK_PROBES)]
    parts = [
        *fused_source.parts_of(pack, layout, stored, places, batch),
        f"enum {{ {', '.join(probes)}, PROBES = {len(probes)}, SUMS = POOL_SIZE, LAYERS = {len(places.layers)} }};",
        f"constexpr float SATURATED = {threshold!r}f, NEAR_ZERO = {float(np.float32(NEAR_ZERO))!r}f;",
        source.file_text("fused_probes"),
        *(fused_source.layer_text(number, layer) for number, layer in enumerate(places.layers)),
        _kernel(len(places.layers)),
    ]
    return FusedSource("\n".join(parts), probes_take(layout, batch), places.threads, PROBE_KERNELS)


def probes_take(layout: Layout, batch: int) -> int:
    """Bytes of shared memory of a block that probes a network of the layout on `batch` examples."""
    places = places_of(layout, batch, slots=0)
    return places.bytes + 8 * places.threads  # a double for each thread, for its sums


def _kernel(layers: int) -> str:
    """`probe_run`: a forward pass and its probes, then a backward pass and its probes, on the probe batch."""
    each = [places_name(number) for number in range(layers)]
    every = "\n".join
    backward = [
        f"    backward<{upper}, {lower}>(pool, 0);\n    __syncthreads();"
        for lower, upper in reversed(list(pairwise(each)))
    ]
    seen = [f"    probe_forward<{layer}>(pool, seen + {number} * PROBES);" for number, layer in enumerate(each)]
    left = [
        f"    probe_backward<{layer}>(pool, before, seen + {number} * PROBES);" for number, layer in enumerate(each)
    ]
    return f"""\
extern "C" __global__ void __launch_bounds__(BLOCK, SIDE_BY_SIDE) probe_run(
    const float* weights, const float* previous, const Stored* stored, const int* index, const int* labels,
    const float* values, const float* scale, const float* shift, const float* slope, double* found, double* of_inputs,
    int after_update) {{
    POOL;
    const int run = blockIdx.x;
    const i64 row = (i64)run * ROW_SIZE;
    const float* before = after_update ? previous + row : nullptr;
    double* seen = found + (i64)run * LAYERS * PROBES;
{fused_source.opening(each)}
    const float* own_values = REGRESSION ? values + (i64)run * BATCH * OUTPUTS : values;
    Ahead ahead;
    Inputs inputs;
    ahead.ask(nullptr, 0, BATCH);
    ahead.follow(index + (i64)run * BATCH, REGRESSION ? labels : labels + (i64)run * BATCH);
    ahead.place(pool, 0);
    __syncthreads();
    inputs.ask(pool, stored, 0, 0);  // nothing that is probed moves
    inputs.write(pool, stored, 0, 0);
    __syncthreads();
{every(f"    forward<{layer}>(pool, 0);" for layer in each)}
{every(seen)}
    double loss = 0.0;
    int right = 0;
    judge_outputs(pool, own_values, 0, {each[-1]}::Z, {each[-1]}::Z_ROW, loss, right);
    __syncthreads();
{every(backward)}
{every(left)}
    probe_inputs<{each[0]}>(pool, of_inputs + run);
}}
"""
