"""Everything that only a GPU can show, in one call: `python benchmarks/on_gpu.py FOLDER [--minutes 9] [--only ours]`.

Runs the tests that need a device, measures the device's own rates, the engine and its peers, and each launch of a step;
then the other tests of the engine, as far as time allows. FOLDER/gpu.json and FOLDER/gpu.md are written after every
part, so that whatever stops it leaves figures. Needs NumPy, CuPy and pytest; PyTorch and JAX where they are to be met.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.gpu_contestant import CONTESTANTS  # noqa: E402
from benchmarks.gpu_page import page  # noqa: E402
from workbench.files import write  # noqa: E402

# Each work and who meets there, the most telling first: what time does not allow is left out at the end.
CONTESTS: dict[str, tuple[str, ...]] = {
    "mnist (3,128), 256 runs": (
        "ours, graph", "ours, plain", "jax, vmap", "torch, one by one", "torch, one by one, graphs",
        "torch, ensemble, graphs", "ours, graph, everything", "ours, graph, tf32", "jax, vmap, tf32",
        "ours, plain, everything",
    ),
    "digits (2,32), 1024 runs": (
        "ours, graph", "ours, fused", "ours, plain", "jax, vmap", "torch, one by one", "torch, one by one, graphs",
        "torch, ensemble, graphs", "ours, graph, everything", "ours, auto, everything",
    ),
    "mnist cnn, 64 runs": ("ours, graph", "torch, grouped, graphs", "jax, vmap"),
    "mnist cnn, 64 runs, moved": ("ours, graph",),
    "digits (2,32), 1024 runs, moved": ("ours, fused", "ours, graph"),
    "mnist (3,128), 1 run": ("ours, graph", "ours, plain", "jax, vmap", "torch, one by one, graphs"),
    "digits (2,32), 1 run": ("ours, graph", "ours, fused", "jax, vmap", "torch, one by one, graphs"),
}  # fmt: skip
# `--only ours`: what we change from one day to the next, and JAX once a work for the ratio; under 200 seconds.
OURS: dict[str, tuple[str, ...]] = {
    "digits (2,32), 1024 runs": (
        "ours, fused", "jax, vmap", "ours, fused, 256 threads", "ours, auto, everything", "ours, graph",
    ),
    "digits (2,32), 1 run": ("ours, fused", "jax, vmap", "ours, graph"),
    "mnist (3,128), 256 runs": ("ours, graph", "ours, auto, everything", "jax, vmap"),
    "mnist (3,128), 1 run": ("ours, graph", "jax, vmap"),
}  # fmt: skip
# `--only fused`: what the kernel of blocks is measured by; under two minutes.
FUSED: dict[str, tuple[str, ...]] = {
    "digits (2,32), 1024 runs": ("ours, fused", "ours, auto, everything", "jax, vmap"),
    "digits (2,32), 1 run": ("ours, fused", "ours, auto, everything", "jax, vmap"),
}
# `--only images`: convolutional networks; under two minutes, tests included.
_OF_IMAGES = ("ours, graph", "torch, grouped, graphs", "ours, plain", "jax, vmap")
IMAGES: dict[str, tuple[str, ...]] = {"mnist cnn, 64 runs": _OF_IMAGES, "digits cnn, 256 runs": _OF_IMAGES}
# `--only new`: what has not been on a device yet, and tf32 beside JAX; about four minutes.
NEW: dict[str, tuple[str, ...]] = {
    "mnist (3,128), 256 runs": ("ours, graph, tf32", "jax, vmap, tf32", "ours, graph", "jax, vmap"),
    "mnist cnn, 64 runs": ("ours, graph", "ours, graph, tf32", "jax, vmap, tf32"),
    "mnist cnn, 64 runs, moved": ("ours, graph", "ours, plain"),
    "digits (2,32), 1024 runs": ("ours, fused",),
    "digits (2,32), 1024 runs, moved": ("ours, fused", "ours, graph"),
}
ONLY = {"ours": OURS, "fused": FUSED, "images": IMAGES, "new": NEW}
MOST_MINUTES = {"images": 1.9}  # whatever is allowed; what does not fit is left out at the end
MOST_SECONDS = {"images": 30.0}  # that a contestant may take, so that the others have their turn
WITHIN_A_BLOCK = ("digits (2,32), 1024 runs", "digits (2,32), 1 run")
# The tests and the works whose launches are timed one by one, with `--only`.
OWN_TESTS = {"images": "images or convolutional"}
PROFILED_IMAGES = tuple(IMAGES)
PROFILED = ("mnist (3,128), 256 runs", "digits (2,32), 1024 runs", "mnist (3,128), 1 run")
PROFILED_IN_TF32 = ("mnist (3,128), 256 runs", "mnist cnn, 64 runs")
DEVICE_TESTS = ("tests/engine/test_cuda_device.py", "tests/engine/test_cupy.py")
# Tests of blocks, in processes of their own: most of their time goes into compiling.
BLOCK_TESTS = {
    "of blocks, every rule": "within_a_block",
    "of blocks, their probes": "probe_of_a_block",
    "of blocks, the rest": "(block or fused or within_a_kernel) and not within_a_block and not probe_of_a_block",
}
EACH, BRIEFLY, PATIENCE = 3.0, 1.0, 60.0  # seconds a contestant is timed, or with `--only`, and may take in all
BARE_PYTEST = ("-q", "-o", "addopts=", "-p", "no:randomly", "--noconftest")  # our options and fixtures need plugins
REPETITIONS = 12  # of the timings of A3-gpu, as many as it asks for
ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")  # as under `workbench`
FOR_DEVICE_TESTS, FOR_IMAGE_TESTS, FOR_OTHER_TESTS = 120.0, 45.0, 20.0  # seconds: at most, and at least
FACTS = """
import datetime, importlib.metadata, json, platform, subprocess
import cupy

def answer(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip().splitlines()[0]
    except (OSError, subprocess.SubprocessError, IndexError):
        return "unknown"

def version(name):
    try:
        return f"{name} {importlib.metadata.version(name)}"
    except importlib.metadata.PackageNotFoundError:
        return f"{name} missing"

found = cupy.cuda.runtime.getDeviceProperties(0)
packages = [version(name) for name in ("numpy", "cupy-cuda13x", "cupy-cuda12x", "torch", "jax")]
print(json.dumps({
    "date": datetime.date.today().isoformat(),
    "commit": answer("git", "rev-parse", "--short", "HEAD"),
    "device": f"{found['name'].decode()} (sm_{found['major']}{found['minor']})",
    "driver": answer("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"),
    "versions": ", ".join(
        [f"Python {platform.python_version()}", *(text for text in packages if not text.endswith("missing"))]),
}))
"""


class Script:
    """One call of the script: what is known so far, and how much time is left."""

    def __init__(self, folder: Path, minutes: float, device: str, commit: str = "", only: str = "") -> None:
        self._folder, self._commit, self._each = folder, commit, BRIEFLY if only else EACH
        self._only, self._patience = only, PATIENCE if device == "cpu" else MOST_SECONDS.get(only, PATIENCE)
        self._end, self._device = monotonic() + 60 * min(minutes, MOST_MINUTES.get(only, minutes)), device
        self.results: dict[str, Any] = {"facts": {}, "tests": {}, "floor": {}, "contest": [], "launches": {}, "A3": []}
        folder.mkdir(parents=True, exist_ok=True)

    def run(self, contests: dict[str, tuple[str, ...]]) -> None:
        """All parts, each written down when it is done."""
        self._know()
        meet = partial(self._meet, contests)
        behind_tests: dict[str, list[Callable[[], Iterator[None]]]] = {
            "": [self._floor, self._profile, self._profile_in_tf32, meet, self._matrix, self._other_tests],
            "images": [meet, self._profile],
            "new": [meet, self._profile_in_tf32, self._matrix],
        }
        for part in (self._device_tests, *behind_tests.get(self._only, [self._profile, meet])):
            for _ in part():
                self._write()
        self._write()

    def _know(self) -> None:
        """When, of which commit, on which device, with which versions."""
        found = self._python("-c", FACTS, limit=60)
        self.results["facts"] = json.loads(found["said"]) if found["well"] else {"device": found["said"]}
        if self._commit:
            self.results["facts"]["commit"] = self._commit

    def _left(self) -> float:
        return self._end - monotonic()

    def _python(self, *arguments: str, limit: float) -> dict[str, Any]:
        """Run Python in the repository: what it said last, all of it, and whether it went well."""
        command = [sys.executable, *arguments]
        environment = os.environ | ONE_THREAD | {"PYTHONPATH": str(ROOT), "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
        print(f"[{self._left():4.0f} s left]", " ".join(arguments)[:150], flush=True)
        try:
            done = subprocess.run(
                command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=max(1.0, limit), check=False
            )
        except subprocess.TimeoutExpired:
            return {"well": False, "said": f"not done within {limit:.0f} s", "all": ""}
        said = done.stdout if done.returncode == 0 else done.stdout + done.stderr
        lines = [line for line in said.splitlines() if line.strip()]
        return {"well": done.returncode == 0, "said": lines[-1] if lines else "", "all": said}

    def _tests(self, name: str, limit: float, *arguments: str) -> None:
        found = self._python("-m", "pytest", *BARE_PYTEST, *arguments, limit=min(limit, self._left()))
        self.results["tests"][name] = found
        print("   ", found["said"], flush=True)

    def _device_tests(self) -> Iterator[None]:
        shares: dict[str, tuple[str, ...]] = {
            name: (DEVICE_TESTS[0], "-k", which) for name, which in BLOCK_TESTS.items()
        }
        if self._only in OWN_TESTS:
            shares = {f"of what is {self._only}": (DEVICE_TESTS[0], "-k", OWN_TESTS[self._only])}
        elif self._only != "fused":
            others = "not block and not fused and not within_a_kernel"
            shares["of graphs and arrays"] = (*DEVICE_TESTS, "-k", others)
        with ThreadPoolExecutor() as side_by_side:
            for name, arguments in shares.items():
                limit = FOR_IMAGE_TESTS if self._only == "images" else FOR_DEVICE_TESTS
                side_by_side.submit(self._tests, name, limit, *arguments)
        yield

    def _other_tests(self) -> Iterator[None]:
        if self._left() > FOR_OTHER_TESTS:
            ignored = [f"--ignore={name}" for name in DEVICE_TESTS]
            self._tests("all others of the engine", self._left(), "tests/engine", *ignored)
        yield

    def _floor(self) -> Iterator[None]:
        self.results["floor"] = self._asked("from benchmarks.gpu_floor import rates as f; a = ()", {})
        yield

    def _profile(self) -> Iterator[None]:
        for work in () if self._only == "images" else WITHIN_A_BLOCK:
            code = "from benchmarks.gpu_floor import within_a_block as f; from benchmarks.gpu_works import WORKS; "
            self.results["launches"][f"{work}, fused"] = self._asked(f"{code}a = (WORKS[{work!r}],)", None)
            yield
        profiled = {"fused": (), "images": PROFILED_IMAGES}.get(self._only, PROFILED)
        for work in profiled if self._left() > FOR_OTHER_TESTS or not self._only else ():
            self.results["launches"][work] = self._launches(work, "float32")
            yield

    def _profile_in_tf32(self) -> Iterator[None]:
        for work in PROFILED_IN_TF32:
            self.results["launches"][f"{work}, tf32"] = self._launches(work, "tf32")
            yield

    def _launches(self, work: str, precision: str) -> Any:
        code = "from benchmarks.gpu_floor import launches as f; from benchmarks.gpu_works import WORKS; "
        return self._asked(f"{code}a = (WORKS[{work!r}], {precision!r})", None)

    def _matrix(self) -> Iterator[None]:
        """What claim A3-gpu is decided by, each repetition in a process of its own."""
        for seed in range(REPETITIONS):
            if self._left() > FOR_OTHER_TESTS:
                self.results["A3"].append(
                    self._asked(f"from benchmarks.gpu_matrix import speedups as f; a = ({seed},)", None)
                )
                yield

    def _asked(self, code: str, otherwise: Any) -> Any:
        """What f(*a) returns in a process of its own; where it fails, its words."""
        found = self._python(
            "-c", f"{code}; import json; print(json.dumps(f(*a)))", limit=min(self._patience, self._left())
        )
        if found["well"]:
            return json.loads(found["said"])
        print(found["all"][-2000:], flush=True)
        return found["said"] if otherwise is None else {"failed": found["said"]}

    def _meet(self, contests: dict[str, tuple[str, ...]]) -> Iterator[None]:
        for work, names in contests.items():
            for name in names:
                if self._left() > 2 * self._each:
                    self.results["contest"].append(self._contestant(name, work))
                    yield

    def _contestant(self, name: str, work: str) -> dict[str, Any]:
        arguments = ("-m", "benchmarks.gpu_contestant", name, work, str(self._each), self._device)
        found = self._python(*arguments, limit=min(self._patience, self._left()))
        if found["well"]:
            return dict(json.loads(found["said"]))
        print(found["all"][-2000:], flush=True)
        return {"contestant": name, "work": work, "error": found["all"] or found["said"]}

    def _write(self) -> None:
        write(self._folder / "gpu.json", json.dumps(self.results, indent=1))
        write(self._folder / "gpu.md", page(self.results))


def main() -> int:
    """Read the command line and run everything."""
    parser = argparse.ArgumentParser(description="Tests, benchmark and profile on a machine with a GPU.")
    parser.add_argument("folder", type=Path, help="where gpu.json and gpu.md are written")
    parser.add_argument("--minutes", type=float, default=9, help="how long it may take in all")
    parser.add_argument("--try", action="store_true", dest="tried", help="tiny works, device code on the host: a trial")
    parser.add_argument("--commit", default="", help="what is measured, where git cannot say it")
    parser.add_argument("--only", choices=list(ONLY), default="", help="a part of it, briefly")
    given = parser.parse_args()
    contests = ONLY.get(given.only, CONTESTS)
    if given.tried:
        of_images = (*_OF_IMAGES, "torch, grouped")
        others = tuple(name for name in CONTESTANTS if "grouped" not in name)
        moved: dict[str, tuple[str, ...]] = {
            "tiny, moved": ("ours, fused", "ours, graph", "ours, plain"),
            "tiny cnn, moved": ("ours, graph",),
        }
        tried = {"images": {"tiny cnn": of_images}, "new": moved}
        contests = tried.get(given.only, {"tiny": others, "tiny cnn": of_images} | moved)
    Script(given.folder, given.minutes, "cpu" if given.tried else "cuda", given.commit, given.only).run(contests)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
