"""How wide the processor's vectors are.

Wider ones sum over images in another order, which may change the last digits of a convolutional network. Dense networks
end the same.
"""

from __future__ import annotations

import os

FEATURES_VARIABLE = "NUMBA_CPU_FEATURES"  # holds compiled code to a processor with less, such as "-avx512f"


def processor_features() -> dict[str, bool]:
    """Whether this processor has each feature, by LLVM's names. What `FEATURES_VARIABLE` says counts, as it does for
    Numba.
    """
    from llvmlite import binding  # late, since it loads LLVM

    asked = os.environ.get(FEATURES_VARIABLE)
    if asked is None:
        return dict(binding.get_host_cpu_features())
    return {name[1:]: name.startswith("+") for name in asked.split(",") if name}


def vector_bits() -> int:
    """The width of a vector register as the compiled kernels use it: 128, 256 or 512; 0 if it is not known."""
    try:
        has = processor_features()
    except RuntimeError:  # LLVM does not know this processor
        return 0
    return 512 if has.get("avx512f") else 256 if has.get("avx2") else 128


def features_without_avx512() -> str:
    """This processor's features without AVX-512, as `FEATURES_VARIABLE` takes them."""
    return ",".join(f"{'+' if has and not _is_wide(name) else '-'}{name}" for name, has in processor_features().items())


def _is_wide(name: str) -> bool:
    return name.startswith(("avx512", "evex512", "avx10", "amx"))
