"""The device code of a whole pass over a split, one block for each run, printed for the shapes and rules of one pack.

Everything that a pack's runs share is a constant. So loops unroll, tables of rules reduce to the rule in use, and the
compiler sees nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from workbench.engine.kernels.cuda import codes, rule_source, source
from workbench.engine.kernels.cuda.fused_places import Places, places_of
from workbench.engine.layers.base import Shape
from workbench.engine.rules.optimizers import OPTIMIZERS
from workbench.engine.training.layout import Layout
from workbench.engine.training.pack import Pack
from workbench.engine.training.randomness import Purpose

EPOCH_KERNELS = ("draw_order", "walk_split")
BEFORE_RULES, BEHIND_RULES = (
    ("randomness", "elementary"),
    (*source.of_layers("OWN_FILES"), "losses", "blocks", "shifts"),
)
OWN = ("fused", "order", "fused_probes")
STORED = {"uint8": "unsigned char", "float32": "float"}


@dataclass(frozen=True)
class FusedSource:
    """The text, the shared memory of a block, its threads, and the kernels in the text."""

    text: str
    bytes: int
    threads: int
    kernels: tuple[str, ...] = EPOCH_KERNELS


def fused_source(pack: Pack, layout: Layout, stored: np.dtype, threads: int = 0, moving: Shape = ()) -> FusedSource:
    """The source for a pack whose stored inputs have that dtype. `threads` of a block: 0 chooses them by the size;
    `moving` is the shape of images that move, () if none does.
    """
    places = places_of(layout, pack.batch_size, len(OPTIMIZERS[pack.optimizer].slots), threads)
    parts = [
        *parts_of(pack, layout, stored, places, pack.batch_size, moving),
        source.file_text("order"),
        *(layer_text(number, layer) for number, layer in enumerate(places.layers)),
        _kernel(pack, len(places.layers)),
    ]
    return FusedSource("\n".join(parts), places.bytes, places.threads)


def parts_of(pack: Pack, layout: Layout, stored: np.dtype, places: Places, batch: int, moving: Shape = ()) -> list[str]:
    """The beginning of every kernel of blocks: constants, rules, and the passes over a minibatch of that size."""
    names = codes.constants() | places.run | _of_pack(pack, layout, places) | _of_images(moving) | {"BATCH": batch}
    return [
        *(f"enum {{ {name} = {number} }};" for name, number in names.items()),
        f"typedef {STORED[stored.name]} Stored;",
        f"constexpr float MEAN = {1 / batch!r}f;",
        *map(source.file_text, BEFORE_RULES),
        rule_source.activations(),
        rule_source.updates(),
        *map(source.file_text, BEHIND_RULES),
        source.file_text("fused"),
    ]


def _of_pack(pack: Pack, layout: Layout, places: Places) -> dict[str, int]:
    return {
        "BLOCK": places.threads,
        "SIDE_BY_SIDE": places.side_by_side,
        "OUTPUTS": layout.outputs,
        "ROW_SIZE": layout.size,
        "LOSS": codes.LOSS_CODES.index(pack.loss),
        "REGRESSION": int(pack.loss == "squared_error"),
        "OPTIMIZER": codes.optimizers().index(pack.optimizer),
        "PURPOSE": int(Purpose.DROPOUT),
    }


def _of_images(moving: Shape) -> dict[str, int]:
    height, width, channels = moving or (1, 1, 1)
    found = {"MOVING": int(bool(moving)), "HEIGHT": height, "WIDTH": width, "CHANNELS": channels}
    return found | {"SHIFT_PURPOSE": int(Purpose.SHIFT)}


def layer_text(number: int, layer: dict[str, int]) -> str:
    """The places of one layer as a type, for the templates of `fused.cuh`."""
    lines = [f"    static constexpr int {name} = {value};" for name, value in layer.items()]
    return "\n".join([f"struct {places_name(number)} {{", *lines, "};"])


def _kernel(pack: Pack, layers: int) -> str:
    """`walk_split`: a pass over a split that trains, or only evaluates. All barriers are here or in `forward`."""
    each, slots = [places_name(number) for number in range(layers)], len(OPTIMIZERS[pack.optimizer].slots)
    return "\n".join([_SIGNATURE + opening(each), _before(each, slots), _step(each), _after(each, slots)])


_SIGNATURE = """\
extern "C" __global__ void __launch_bounds__(BLOCK, SIDE_BY_SIDE) walk_split(
    float* weights, float* slot0, float* slot1, float* slot2, float* slot3, float* previous, const Stored* stored,
    const int* index, const int* order, const int* labels, const float* values, const float* scale, const float* shift,
    const u64* seeds, const u32* thresholds, const float* scales, const float* slope, const int* shift_pixels,
    const float* varying, const int* which, const float* constant, double* losses, i64* hits, int learning, int steps,
    int first, int examples) {
    POOL;
    const int run = blockIdx.x;
    const i64 row = (i64)run * ROW_SIZE;
"""


def _slots(move: str, each: list[str], slots: int) -> str:
    """For every slot of the optimizer and every layer: `fetch` it into shared memory, or `put` it back."""
    return "\n".join(
        f"        {move}_slots<{layer}>(pool + SLOTS + {slot} * SLOT_SIZE, slot{slot} + row);"
        for slot in range(slots)
        for layer in each
    )


def _before(each: list[str], slots: int) -> str:
    """What a block loads before its first step, and the first minibatch."""
    return f"""\
    if (learning) {{
{_slots("fetch", each, slots)}
    }}
    for (int layer = threadIdx.x; layer < MASKED; layer += BLOCK) {{
        ((u32*)(pool + THRESHOLDS))[layer] = learning ? thresholds[layer * gridDim.x + run] : 0;
        pool[SCALES + layer] = learning ? scales[layer * gridDim.x + run] : 1.0f;
    }}
    for (int i = threadIdx.x; i < CONSTANT; i += BLOCK)
        pool[AT + VARYING + i] = pool[AT + NUMBERS + VARYING + i] = constant[run * CONSTANT + i];
    const int* own_order = learning ? order + (i64)run * examples : nullptr;
    const int* own_index = index + (i64)run * examples;
    const int* own_labels = REGRESSION ? labels : labels + (i64)run * examples;
    const float* own_values = REGRESSION ? values + (i64)run * examples * OUTPUTS : values;
    const float* own_varying = varying + (learning ? (i64)which[run] * steps * VARYING : 0);
    const u64 seed = seeds[run];
    const int most_moved = learning ? shift_pixels[run] : 0;
    Ahead ahead;
    Inputs inputs;
    ahead.ask(own_order, 0, examples);
    ahead.follow(own_index, own_labels);
    ahead.write(pool, own_varying, seed, (u64)first, 0);
    __syncthreads();
    inputs.ask(pool, stored, most_moved, 0);
    inputs.write(pool, stored, most_moved, 0);
    __syncthreads();
    double loss = 0.0;
    int right = 0;
    MARK_START"""


def _step(each: list[str]) -> str:
    """The loop over minibatches."""
    forward = [f"        forward<{layer}>(pool, parity); MARK({number})" for number, layer in enumerate(each)]
    forward.insert(1, "        if (more) ahead.follow(own_index, own_labels);")
    passes, last = "\n".join(forward), each[-1]
    return f"""\
    for (int step = 0; step < steps; ++step) {{
        const int parity = step & 1;
        const bool more = step + 1 < steps;
        if (more) ahead.ask(own_order, step + 1, examples);
{passes}
        judge_outputs(pool, own_values, parity, {last}::Z, {last}::Z_ROW, loss, right);
        __syncthreads();
        MARK(10)
        if (more) ahead.write(pool, learning ? own_varying + (step + 1) * VARYING : own_varying, seed,
                              (u64)(first + step + 1), parity ^ 1);
        if (learning) {{
{_learn(each)}
        }} else {{
            __syncthreads();
            if (more) inputs.ask(pool, stored, most_moved, parity ^ 1);
        }}
        if (more) inputs.write(pool, stored, most_moved, parity ^ 1);
        __syncthreads();
        MARK(13)
    }}"""


def _learn(each: list[str]) -> str:
    """The part of a step that learns: the backward pass and the update."""
    backward = "\n".join(
        f"            backward<{upper}, {lower}>(pool, parity);\n            __syncthreads();\n            MARK(11)"
        for lower, upper in reversed(list(pairwise(each)))
    )
    penalised = " || ".join(f"at[AT_{name.upper()}] != 0.0f" for name in codes.penalties()) or "false"
    previous = "\n".join(f"                put_weights<{layer}>(pool, previous + row);" for layer in each)
    updates = "\n".join(f"            update_layer<{layer}>(pool, penalised, at);" for layer in each)
    bounds = "\n".join(f"                bound_layer<{layer}>(pool, at[AT_MAX_NORM]);" for layer in each)
    return f"""\
{backward or "            __syncthreads();"}
            float at[NUMBERS];
#pragma unroll
            for (int i = 0; i < NUMBERS; ++i) at[i] = pool[AT + parity * NUMBERS + i];
            if (!more) {{
{previous}
                __syncthreads();
            }}
            if (more) inputs.ask(pool, stored, most_moved, parity ^ 1);
            const bool penalised = {penalised};
{updates}
            __syncthreads();
            MARK(12)
            if (at[AT_MAX_NORM] > 0.0f) {{
{bounds}
                __syncthreads();
            }}"""


def _after(each: list[str], slots: int) -> str:
    """What a block writes at its end."""
    weights = "\n".join(f"        put_weights<{layer}>(pool, weights + row);" for layer in each)
    return f"""\
    if (learning) {{
{weights}
{_slots("put", each, slots)}
        __syncthreads();
    }}
    loss = block_sum(loss, (double*)pool);
    const double all_right = block_sum((double)right, (double*)pool);
    if (threadIdx.x == 0) {{
        losses[run] = loss;
        hits[run] = (i64)all_right;
    }}
}}
"""


def opening(layers: list[str]) -> str:
    """Zeros everywhere, then a run's weights, scaling and slope: every kernel of blocks begins so."""
    fetched = "\n".join(f"    fetch_weights<{layer}>(pool, weights + row);" for layer in layers)
    return f"""\
    for (int i = 4 * threadIdx.x; i < POOL_SIZE; i += 4 * BLOCK) four(pool + i) = {{{{0.0f, 0.0f, 0.0f, 0.0f}}}};
    __syncthreads();
{fetched}
    fetch<1, FEATURES, FEATURES>(pool + INPUT_SCALE, scale + (i64)run * FEATURES);
    fetch<1, FEATURES, FEATURES>(pool + INPUT_SHIFT, shift + (i64)run * FEATURES);
    if (threadIdx.x == 0) pool[SLOPE] = slope[run];"""


def places_name(number: int) -> str:
    """The type that holds a layer's places."""
    return f"Layer{number}"
