"""The compiled kernel: the same passes as the plain engine, fused and compiled by Numba for one run at a time, float32,
CPU.

The mathematics stand in the plain room, `workbench/engine/`; every form here is held to its plain one by the tests.
What has no compiled form is trained by the plain kernel, and is merely slower.
"""
