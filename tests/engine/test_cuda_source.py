"""The device code compiles for the devices of today, keeps everything in registers, and travels inside the package."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from workbench.engine.kernels.cuda import codes, source

NVCC = shutil.which("nvcc")
ARCHITECTURES = ("sm_80", "sm_90", "sm_100")  # Ampere, Hopper, Blackwell


@pytest.mark.skipif(NVCC is None, reason="no nvcc to compile the device code with")
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_it_compiles_without_a_warning_and_spills_no_register(architecture: str, tmp_path: Path) -> None:
    known = subprocess.run([str(NVCC), "--list-gpu-code"], capture_output=True, text=True, check=True).stdout
    if architecture not in known:
        pytest.skip(f"this nvcc does not know {architecture}")
    text = tmp_path / "kernels.cu"
    text.write_text(source.text(), encoding="utf-8")
    options = [f"-arch={architecture}", "-cubin", "-Werror", "all-warnings", "-Xptxas", "-v"]
    command = [str(NVCC), *options, "-o", str(tmp_path / "kernels.cubin"), str(text)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said = done.stdout + done.stderr
    assert set(re.findall(r"entry function '(\w+)'", said)) == set(source.KERNELS)
    assert set(re.findall(r"(\d+) bytes spill", said)) == {"0"}


def test_no_constant_turns_the_arithmetic_into_double() -> None:
    """Every number with a point is a float's, but for the doubles that losses are added up in."""
    code = re.sub(r"//.*", "", source.text())
    doubles = [line for line in code.splitlines() if re.search(r"\d\.\d+(?![\df])", line)]
    assert all("double" in line or "right" in line for line in doubles), doubles


def test_every_file_is_part_of_the_text_and_every_kernel_is_named() -> None:
    folder = Path(source.__file__).parent
    assert {path.stem for path in folder.glob("*.cuh")} == set(source.FILES)
    named = set(re.findall(r"__global__ void (\w+)\(", source.text())) - {"NAME"}
    assert named | set(re.findall(r"^READ\((\w+),", source.text(), re.MULTILINE)) == set(source.KERNELS)


def test_the_codes_are_the_very_numbers_that_python_passes() -> None:
    constants = codes.constants()
    assert constants["LOSS_SQUARED_ERROR"] == codes.LOSSES.index("squared_error")
    assert constants["AT_MAX_NORM"] == len(codes.numbers()) - 1
    assert f"case {codes.activations().index('prelu')}: return value_" in source.text()
