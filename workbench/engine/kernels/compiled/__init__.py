"""The compiled kernel: the same passes as the plain engine, fused and compiled by Numba for one run at a time, float32,
CPU.

The mathematics is in `workbench/engine/`; the tests compare every form here with the plain one. A pack with a rule or
layer that has no compiled form is trained by the plain kernel, more slowly.
"""
