"""The device code as one text: it compiles with NVRTC, with nvcc and, given a few lines more, with a C++ compiler."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from workbench.engine.kernels.cuda.codes import constants

# In an order in which every file finds what it needs in those before it.
FILES = ("randomness", "activations", "losses", "update", "blocks", "passes", "step")
KERNELS = (
    "tick", "read_bytes", "read_floats", "activate", "judge", "reverse", "reverse_maxout", "update", "bound",
)  # fmt: skip


@cache
def text() -> str:
    """The whole source: the shared constants, then the files."""
    names = [f"enum {{ {name} = {number} }};" for name, number in constants().items()]
    files = [Path(__file__).with_name(f"{name}.cuh").read_text(encoding="utf-8") for name in FILES]
    return "\n".join([*names, *files])
