"""The device code compiles for the devices of today, keeps everything in registers, and travels inside the package."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.repetitions import mostly_thorough
from workbench.engine.kernels.cuda import codes, source
from workbench.engine.kernels.cuda import fused_source as fused_texts
from workbench.engine.kernels.cuda.fused_probe_source import probe_source
from workbench.engine.training.layout import Layout

from .cases import pack_of

NVCC = shutil.which("nvcc")
needs_nvcc = pytest.mark.skipif(NVCC is None, reason="runs where nvcc is installed")
ARCHITECTURES = ("sm_80", "sm_90", "sm_100")  # Ampere, Hopper, Blackwell


def _reported(text: str, architecture: str, folder: Path) -> str:
    """What nvcc says of the registers, spills and shared memory of each kernel; no warning is let pass."""
    known = subprocess.run([str(NVCC), "--list-gpu-code"], capture_output=True, text=True, check=True).stdout
    if architecture not in known:
        pytest.skip(f"this nvcc does not know {architecture}")
    (folder / "kernels.cu").write_text(text, encoding="utf-8")
    options = [f"-arch={architecture}", "-cubin", "-Werror", "all-warnings", "-Xptxas", "-v"]
    command = [str(NVCC), *options, "-o", str(folder / "kernels.cubin"), str(folder / "kernels.cu")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@needs_nvcc
@pytest.mark.parametrize("architecture", mostly_thorough(ARCHITECTURES, "sm_90"))
def test_it_compiles_without_a_warning_and_spills_no_register(architecture: str, tmp_path: Path) -> None:
    said = _reported(source.text(), architecture, tmp_path)
    assert set(re.findall(r"entry function '(\w+)'", said)) == set(source.STEP_KERNELS)
    assert set(re.findall(r"(\d+) bytes spill", said)) == {"0"}


@pytest.mark.thorough
@needs_nvcc
@pytest.mark.parametrize("architecture", ["sm_90", "sm_80"])
def test_three_runs_share_a_multiprocessor_and_spill_no_register(architecture: str, tmp_path: Path) -> None:
    """Digits, two layers of 32 units, Adam: a Hopper multiprocessor has 65,536 registers and 228 KiB, 1 KiB a block."""
    pack = pack_of(2, dtype="float32", depth=2, width=32, batch_size=32, optimizer="adam")
    fused = fused_texts.fused_source(pack, Layout(pack.architecture(64, 10)), np.dtype(np.uint8))
    assert 3 * (fused.bytes + 1024) <= 228 * 1024
    said = _reported(fused.text, architecture, tmp_path)
    assert set(re.findall(r"entry function '(\w+)'", said)) == set(fused_texts.EPOCH_KERNELS)
    assert set(re.findall(r"(\d+) bytes spill", said)) == {"0"}
    assert 3 * fused.threads * max(map(int, re.findall(r"Used (\d+) registers", said))) <= 65536


# Of a block: the network, what else the pack has, and how many blocks share a multiprocessor: see docs/gpu.md.
BLOCKS: list[tuple[dict[str, Any], dict[str, Any], int]] = [
    ({"depth": 1, "width": 8, "batch_size": 8}, {"optimizer": "momentum"}, 4),
    ({"depth": 2, "width": 32, "batch_size": 32}, {"optimizer": "rmsprop", "activation": "maxout"}, 2),
    ({"depth": 2, "width": 32, "batch_size": 128}, {"optimizer": "sgd"}, 1),
    ({"depth": 3, "width": 64, "batch_size": 32}, {"optimizer": "adam"}, 1),
]


# Bytes: maxout whose images move needs a few registers more than two blocks leave it.
SPILLED_IF_MOVED = 40


def _block(shape: dict[str, Any], given: dict[str, Any], moving: tuple[int, ...] = ()) -> fused_texts.FusedSource:
    pack = pack_of(2, dtype="float32", **shape, **given)
    return fused_texts.fused_source(pack, Layout(pack.architecture(64, 10)), np.dtype(np.uint8), moving=moving)


@pytest.mark.parametrize(("shape", "given", "blocks"), BLOCKS)
def test_as_many_blocks_share_a_multiprocessor_as_its_memory_holds(
    shape: dict[str, Any], given: dict[str, Any], blocks: int
) -> None:
    fused = _block(shape, given)
    assert f"enum {{ SIDE_BY_SIDE = {blocks} }};" in fused.text
    assert blocks * (fused.bytes + 1024) <= 228 * 1024
    assert blocks * fused.threads <= 512


@pytest.mark.thorough
@needs_nvcc
@pytest.mark.parametrize("moving", [(), (8, 8, 1)], ids=["still", "moving"])
@pytest.mark.parametrize(("shape", "given", "blocks"), BLOCKS)
def test_registers_allow_as_many_and_hardly_one_is_spilled(
    shape: dict[str, Any], given: dict[str, Any], blocks: int, moving: tuple[int, ...], tmp_path: Path
) -> None:
    fused = _block(shape, given, moving)
    said = _reported(fused.text, "sm_90", tmp_path)
    spilled = max(map(int, re.findall(r"(\d+) bytes spill", said)))
    assert spilled <= (SPILLED_IF_MOVED if moving else 0)
    assert blocks * fused.threads * max(map(int, re.findall(r"Used (\d+) registers", said))) <= 65536


@pytest.mark.thorough
@needs_nvcc
def test_probes_compile_without_a_warning_and_spill_no_register(tmp_path: Path) -> None:
    pack = pack_of(2, dtype="float32", depth=2, width=32, batch_size=7, optimizer="adam")
    probing = probe_source(pack, Layout(pack.architecture(64, 10)), np.dtype(np.uint8), batch=32)
    said = _reported(probing.text, "sm_90", tmp_path)
    assert set(re.findall(r"entry function '(\w+)'", said)) == set(probing.kernels)
    assert set(re.findall(r"(\d+) bytes spill", said)) == {"0"}


def test_no_constant_turns_the_arithmetic_into_double() -> None:
    """Every number with a point is a float's, but for the doubles that losses are added up in."""
    code = re.sub(r"//.*", "", source.text())
    doubles = [line for line in code.splitlines() if re.search(r"\d\.\d+(?![\df])", line)]
    assert all("double" in line or "right" in line for line in doubles), doubles


def test_every_file_is_part_of_the_text_and_every_kernel_is_named() -> None:
    folder = Path(source.__file__).parent
    assert {path.stem for path in folder.glob("*.cuh")} == {*source.SOURCE_FILES, *fused_texts.OWN}
    named = set(re.findall(r"__global__ void (?:__launch_bounds__\([^)]*\) )?(\w+)\(", source.text())) - {"NAME"}
    assert named | set(re.findall(r"^READ(?:_MOVED)?\((\w+),", source.text(), re.MULTILINE)) == set(source.STEP_KERNELS)


def test_the_codes_are_the_very_numbers_that_python_passes() -> None:
    constants = codes.constants()
    assert constants["LOSS_SQUARED_ERROR"] == codes.LOSS_CODES.index("squared_error")
    assert constants["AT_MAX_NORM"] == len(codes.numbers()) - 1
    assert f"case {codes.activations().index('prelu')}: return value_" in source.text()
