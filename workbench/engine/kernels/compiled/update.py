"""The compiled update of one run: penalties and optimizer over blocks of its row that stay in the first-level cache.

Every rule is a loop that is called by its address (`rule_loops.py`).
"""

from __future__ import annotations

from collections import namedtuple

import numpy as np

from workbench.engine.kernels.compiled.jit import ZERO, inner
from workbench.engine.kernels.compiled.native import FLOAT_BYTES, address_of, call
from workbench.engine.kernels.compiled.part import part
from workbench.engine.kernels.compiled.sums import total_of_squares

# optimizer: the address of its loop; slots: the addresses of its slots, each (runs, size); penalties (count, 4): the
# moment, the address of the loop, and the places in `numbers` of what it reads and of its strength. numbers: a row of
# float32, which the passes fill with the hyperparameters of each step, in the order in which the rules read them.
UpdateRules = namedtuple("UpdateRules", "optimizer slots penalties numbers")
ELEMENTWISE_MOMENTS = ("gradient", "before", "after")
_GRADIENT, _BEFORE, _AFTER = range(3)
COMPILED_BLOCK = 4096  # elements


@inner
def update(rules, w, g, at, weights_end):
    """One update of a run's row of w, which begins at `at`, by the gradient row g. g is overwritten."""
    update_some(rules, w, g, at, weights_end, 0, g.size)


@inner
def update_some(rules, w, g, at, weights_end, begin, end):
    """The same of its elements from `begin` to before `end`."""
    numbers = rules.numbers
    slots, read = address_of(rules.slots, 0), address_of(numbers, 0)
    for start in range(begin, end, COMPILED_BLOCK):
        size = min(COMPILED_BLOCK, end - start)
        # Penalties act only on what lies before weights_end. The optimizer follows while w and g of this block are in
        # cache.
        penalised = min(size, max(weights_end - start, 0))
        w_at, g_at = address_of(w, at + start), address_of(g, start)
        _penalise(rules.penalties, _GRADIENT, w_at, g_at, penalised, numbers)
        _penalise(rules.penalties, _BEFORE, w_at, g_at, penalised, numbers)
        call(rules.optimizer, (w_at, g_at, slots, FLOAT_BYTES * (at + start), size, read))
        _penalise(rules.penalties, _AFTER, w_at, g_at, penalised, numbers)


@inner
def _penalise(penalties, moment, w_at, g_at, size, numbers):
    """Apply the penalties of that moment whose strength is not zero."""
    for row in range(len(penalties)):
        if penalties[row, 0] == moment and numbers[penalties[row, 3]] != ZERO and size > 0:
            call(penalties[row, 1], (w_at, g_at, size, address_of(numbers, penalties[row, 2])))


@inner
def keep_within_norm(w, at, rows, columns, largest):
    """Scale every row of the weights (rows, columns), from `at` on, down to the norm `largest` if its
    norm is larger.
    """
    for row in range(rows):
        weights = part(w, at + row * columns, columns)
        norm = np.sqrt(total_of_squares(weights, ZERO))
        if norm > largest:
            for i in range(columns):
                weights[i] *= largest / norm
