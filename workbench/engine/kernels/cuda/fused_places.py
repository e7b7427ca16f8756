"""The places of a run's arrays in the shared memory of a multiprocessor, and how the block's threads share the work."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

from workbench.engine.kernels.cuda import codes
from workbench.engine.layers.dense import Dense
from workbench.engine.training.layout import Layout

FEW, MANY = 128, 256  # threads of a block: few if several blocks share a multiprocessor
SHARED_BY_BLOCKS = 76_800  # bytes: three blocks fit into Hopper's 228 KiB, with the 1 KiB that each costs
MULTIPROCESSOR, OF_A_BLOCK = 228 * 1024, 1024  # bytes of shared memory, and what each block costs besides its own
MOST_THREADS_AT_ONCE = 512  # of a multiprocessor's blocks: then each thread can have 128 registers
WARP = 32
MOST_TILE_ROWS = 8


@dataclass(frozen=True)
class Tile:
    """The part of a product that one thread computes at a time: rows and columns."""

    tall: int
    wide: int


@dataclass(frozen=True)
class Places:
    """Places and sizes by name: of the run, and of each layer. A place is counted in floats."""

    run: dict[str, int]
    layers: list[dict[str, int]]
    threads: int

    @property
    def bytes(self) -> int:
        """Bytes of shared memory of a block."""
        return 4 * self.run["POOL_SIZE"]

    @property
    def side_by_side(self) -> int:
        """Blocks that share a multiprocessor, at least one: as many as its memory holds. The compiler is told, so that
        a thread's registers do not allow fewer.
        """
        return max(1, min(MULTIPROCESSOR // (self.bytes + OF_A_BLOCK), MOST_THREADS_AT_ONCE // self.threads))


class _Pool:
    """Assigns places one after the other, each on a 16-byte boundary."""

    def __init__(self) -> None:
        self.end = 0

    def take(self, floats: int) -> int:
        start, self.end = self.end, self.end + padded(floats)
        return start


def padded(count: int) -> int:
    """The next multiple of four: whole 16-byte words."""
    return -(-count // 4) * 4


def row_of(columns: int) -> int:
    """The distance between rows: an odd number of 16-byte words, so that reads of consecutive rows have no bank
    conflict.
    """
    return 4 * (-(-columns // 4) | 1)


def places_of(layout: Layout, batch: int, slots: int, threads: int = 0) -> Places:
    """The places of a layout's networks, with that many `slots`. `threads` of a block: 0 chooses them by the size."""
    if not threads:
        threads = FEW if places_of(layout, batch, slots, FEW).bytes <= SHARED_BY_BLOCKS else MANY
    pool, numbers = _Pool(), len(codes.numbers())
    masked, features = len(layout.layers), layout.inputs
    run = {
        # Pairs of these are read as 8 bytes, so they come first.
        "KEYS": pool.take(2 * 2 * masked),
        "SHIFT_KEYS": pool.take(2 * 2),
        "THRESHOLDS": pool.take(masked),
        "SCALES": pool.take(masked),
        "SLOPE": pool.take(1),
        "AT": pool.take(2 * numbers),
        "EXAMPLES": pool.take(2 * batch),
        "LABELS": pool.take(2 * batch),
        "INPUT_SCALE": pool.take(features),
        "INPUT_SHIFT": pool.take(features),
        "X": pool.take(batch * row_of(features)),
        "X_ROW": row_of(features),
        "FEATURES": features,
        "MASKED": masked,
        "NUMBERS": numbers,
    }
    layers = list(_layers(layout, batch, pool, run, threads))
    run |= {"SLOT_COUNT": slots, "SLOT_SIZE": _place_slots(layout, layers)}
    run["SLOTS"] = pool.take(slots * run["SLOT_SIZE"])
    pool.take(max(0, 2 * threads - pool.end))  # losses are summed here at the end
    return Places(run | {"POOL_SIZE": pool.end}, layers, threads)


def _layers(layout: Layout, batch: int, pool: _Pool, run: dict[str, int], threads: int) -> Iterator[dict[str, int]]:
    """Shapes, tiles, and the places of each layer's weights and of its arrays for a minibatch."""
    reads, reads_row, busy = run["X"], run["X_ROW"], 0
    for number, (layer, (start, rows, columns)) in enumerate(zip(layout.dense_layers, layout.rows(), strict=True)):
        last, slopes = number == len(layout.layers) - 1, slopes_of(layer)
        forward, back = _forward_tile(batch, rows, threads), _backward_tile(batch, columns, threads)
        found = {
            "NUMBER": number, "COLUMNS": columns, "ROWS": rows, "UNITS": layer.units,
            "PIECES": rows // layer.units, "LAST": int(last),
            "ACTIVATION": 0 if last else codes.activations().index(layer.activation),
            "TALL": forward.tall, "WIDE": forward.wide, "TALL_BACK": back.tall,
            "W_START": start, "B_START": layout.start(number, "biases"),
            "S_START": layout.start(number, "slopes") if slopes else 0,
            "READS": reads, "READS_ROW": reads_row,
            "W": pool.take(padded(rows) * row_of(columns)), "W_ROW": row_of(columns),
            "BIASES": pool.take(layer.rows),
            "SLOPES": pool.take(layer.units) if slopes else -1,
            "Z": pool.take(batch * row_of(layer.rows)), "Z_ROW": row_of(layer.rows),
            "TERMS": pool.take(batch * row_of(layer.rows)) if slopes else 0,
            "OUT": 0 if last else pool.take(batch * row_of(layer.units)), "OUT_ROW": row_of(layer.units),
        }  # fmt: skip
        busy = _share_out(found, layer, busy)
        yield found
        reads, reads_row = found["OUT"], found["OUT_ROW"]


def slopes_of(layer: Dense) -> int:
    """The number of slopes that it learns."""
    return sum(tensor.size for tensor in layer.tensors if tensor.name == "slopes")


def _share_out(found: dict[str, int], layer: Dense, busy: int) -> int:
    """The thread with which each part of the update begins. `busy` threads have work before it; returns how many have
    after.
    """
    for name, tiles in (
        ("SHIFT", ceil(found["ROWS"] / 4) * ceil(found["COLUMNS"] / 4)),
        ("SHIFT_BIASES", layer.rows),
        ("SHIFT_SLOPES", slopes_of(layer)),
    ):
        found[name] = busy
        busy += -(-tiles // WARP) * WARP
    return busy


def _place_slots(layout: Layout, layers: list[dict[str, int]]) -> int:
    """Places of a layer's parameters within one slot; returns the size of a slot."""
    pool = _Pool()
    for layer, found in zip(layout.dense_layers, layers, strict=True):
        found["SLOT_ROW"] = padded(found["COLUMNS"])
        found["W_SLOT"] = pool.take(layer.rows * found["SLOT_ROW"])
        found["B_SLOT"], found["S_SLOT"] = pool.take(layer.rows), pool.take(slopes_of(layer))
    return pool.end


def _forward_tile(batch: int, rows: int, threads: int) -> Tile:
    """The tile for z (batch, rows). A tile costs one step of arithmetic for each number, and two reads for each row and
    column.
    """
    tiles = [Tile(tall, wide) for tall in (1, 2, 4, MOST_TILE_ROWS) for wide in (1, 2, 4)]
    return min(tiles, key=lambda t: _rounds(batch, rows, t, threads) * (t.tall * t.wide + 2 * (t.tall + t.wide)))


def _backward_tile(batch: int, units: int, threads: int) -> Tile:
    """The tile for dl/da (batch, units), four columns wide."""
    tiles = [Tile(tall, 4) for tall in (1, 2, 4, MOST_TILE_ROWS)]
    return min(tiles, key=lambda t: _rounds(batch, units, t, threads) * (4 * t.tall + 2 * (t.tall + 4)))


def _rounds(rows: int, columns: int, tile: Tile, threads: int) -> int:
    return ceil(ceil(rows / tile.tall) * ceil(columns / tile.wide) / threads)
