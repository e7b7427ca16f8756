"""How wide the processor's vectors are. Wider ones sum in another order, which may change the last digits of a run."""

from __future__ import annotations


def vector_bits() -> int:
    """The width of a vector register as the compiled kernels use it: 128, 256 or 512; 0 if it is not known."""
    from llvmlite import binding  # late, since it loads LLVM

    try:
        has = binding.get_host_cpu_features()
    except RuntimeError:  # LLVM does not know this processor
        return 0
    return 512 if has.get("avx512f") else 256 if has.get("avx2") else 128
