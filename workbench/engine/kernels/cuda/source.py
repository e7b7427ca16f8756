"""The device code as one text: it compiles with NVRTC, with nvcc and, given a few lines more, with a C++ compiler."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from workbench.engine.kernels.cuda import codes, rule_source
from workbench.engine.kernels.forms import form_of, kinds_with_form


def of_layers(what: str) -> list[str]:
    """The files, or the kernels, that the forms of the layers add."""
    forms = [form_of(kind, codes.CUDA_FORMS) for kind in kinds_with_form(codes.CUDA_FORMS)]
    return [name for form in forms for name in getattr(form, what, ())]


# In an order in which every file finds what it needs in those before it.
SOURCE_FILES = (
    "randomness",
    "elementary",
    *of_layers("OWN_FILES"),
    "losses",
    "blocks",
    "passes",
    "step",
    "small_product",
)
RULES_BEHIND = "elementary"  # the rules are printed behind this file
STEP_KERNELS = (
    "tick", "read_bytes", "read_floats", "activate", "judge", "reverse", *of_layers("OWN_KERNELS"), "update", "bound",
    "small_product",
)  # fmt: skip


def text() -> str:
    """The whole source: the shared constants, the files, and the rules as they are printed (`rules.py`)."""
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
