"""The kernel for NVIDIA devices: a step is a list of launches, captured once as a CUDA graph and replayed; or one block
trains a run for a whole epoch in shared memory (`fused.py`).

What the form of a layer offers: `rooms(layer, batch)`, its arrays by name, and `rooms_to_learn`, those of the backward
pass alone; `forward` and `backward(passes, number)`, its launches and products; OWN_FILES and OWN_PASSES, its device
code before and behind the common passes, and OWN_KERNELS, what of it is launched; FUSED, if a block trains it too.

The mathematics are in `workbench/engine/`, and the device code is in the `.cuh` files of this folder. The tests compile
the same text for the host, so they hold device code and lists of launches to the plain form on any machine. A pack with
a rule or layer that has no form here is trained by the plain kernel, more slowly.
"""
