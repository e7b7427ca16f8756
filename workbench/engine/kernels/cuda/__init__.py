"""The kernel for NVIDIA devices: a step is a list of launches, captured once as a CUDA graph and replayed.

The mathematics stand in the plain room, `workbench/engine/`; the device code lies in the `.cuh` files beside this one.
Device code and list of launches are held to the plain form on any machine: the tests compile the very same text for the
host. What has no form here is trained by the plain kernel, and is merely slower.
"""
