"""The device code as one text. NVRTC and nvcc compile it, and a C++ compiler does so with a few more lines."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from workbench.engine.kernels.cuda import codes, rule_source
from workbench.engine.kernels.cuda.cublas import PRECISIONS
from workbench.engine.kernels.forms import form_of, kinds_with_form


def of_layers(what: str) -> list[str]:
    """The names in that attribute of the layers' forms: their own files before or behind the passes, or their own
    kernels.
    """
    forms = [form_of(kind, codes.CUDA_FORMS) for kind in kinds_with_form(codes.CUDA_FORMS)]
    return list(dict.fromkeys(name for form in forms for name in getattr(form, what, ())))


# Every file uses only what is in the files before it.
SOURCE_FILES = (
    "randomness",
    "elementary",
    *of_layers("OWN_FILES"),
    "losses",
    "blocks",
    "shifts",
    "passes",
    "read_moved",
    *of_layers("OWN_PASSES"),
    "step",
    "tf32_sums",
    "update_by_product",
    "small_product",
)
RULES_BEHIND = "elementary"  # the rules are printed after this file
STEP_KERNELS = (
    "tick", "read_bytes", "read_floats", "read_moved_bytes", "read_moved_floats", "activate", "judge", "reverse",
    *of_layers("OWN_KERNELS"), "update", "bound",
    *(row.updating for row in PRECISIONS.values()), "small_product",
)  # fmt: skip


def text() -> str:
    """The whole source: the shared constants, the files, and the printed rules (`rule_source.py`)."""
    names = [f"enum {{ {name} = {number} }};" for name, number in codes.constants().items()]
    before, after = (
        SOURCE_FILES[: SOURCE_FILES.index(RULES_BEHIND) + 1],
        SOURCE_FILES[SOURCE_FILES.index(RULES_BEHIND) + 1 :],
    )
    return "\n".join(
        [*names, *map(file_text, before), rule_source.activations(), rule_source.updates(), *map(file_text, after)]
    )


@cache
def file_text(name: str) -> str:
    """One of the files of device code."""
    return Path(__file__).with_name(f"{name}.cuh").read_text(encoding="utf-8")
