"""Damaged data files: whatever became of a file, it is read rightly or refused in one line, within little memory.

`WORKBENCH_FUZZ=2000 python -m pytest tests/data/test_damage.py` tries so many instead of a sample.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.data import damage
from tests.repetitions import repetitions
from workbench.data import Dataset, load
from workbench.data.mnist import COLLECTIONS, TEST_IMAGES, TEST_LABELS, TRAIN_IMAGES, TRAIN_LABELS, Collection
from workbench.engine.errors import BadInput

CASES = int(os.environ.get("WORKBENCH_FUZZ") or repetitions(30, 120)) // 2  # of each format
MOST_BYTES = 8 << 20  # of memory; the files are of a few KiB


@pytest.fixture(autouse=True)
def traced() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


def read_or_refused(case: int, path: Path, read: Callable[[], Dataset]) -> Dataset | None:
    """What was read; None where it was refused as it has to be."""
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    try:
        return read()
    except BadInput as refused:
        message = str(refused)
        assert str(path) in message, f"case {case}: {message}"
        assert message.isprintable(), f"case {case}: {message!r}"
        assert len(message) < 600 + len(str(path)), f"case {case}: {message}"
        assert "no memory" not in message, f"case {case}: {message}"
        return None
    except Exception as error:
        raise AssertionError(f"case {case}: {type(error).__name__}: {error}") from error
    finally:
        assert tracemalloc.get_traced_memory()[1] - before < MOST_BYTES, f"case {case} takes much memory"


def test_a_damaged_npz_file_is_read_rightly_or_refused_in_one_line(settings, tmp_path):
    path, count = tmp_path / "own.npz", 0
    for case in range(CASES):
        random = np.random.default_rng(case)
        path.write_bytes(damage.damaged(random, damage.npz(random)))
        dataset = read_or_refused(case, path, lambda: load(settings("npz", path=str(path))))
        if dataset:
            count += 1
            assert np.isfinite(dataset.inputs).all()
            assert len(dataset.inputs) == len(dataset.targets) > 0
            assert dataset.inputs.dtype.isnative
            assert dataset.targets.dtype == (np.int64 if dataset.classes else np.float64)
    print(f"{CASES} .npz files, {count} of them read")
    assert 0 < count < CASES


def test_a_damaged_idx_file_is_read_rightly_or_refused_in_one_line(settings, tmp_path, monkeypatch):
    pixels = np.arange(damage.EXAMPLES * 6, dtype=np.uint8).reshape(damage.EXAMPLES, 3, 2)
    sound = {TRAIN_IMAGES: encode(pixels), TRAIN_LABELS: encode(np.arange(damage.EXAMPLES))}
    sound |= {TEST_IMAGES: sound[TRAIN_IMAGES], TEST_LABELS: sound[TRAIN_LABELS]}
    contents = {file: hashlib.md5(content).hexdigest() for file, content in sound.items()}
    monkeypatch.setitem(COLLECTIONS, "mnist", Collection(contents, (), ("",)))
    for file, content in sound.items():
        (tmp_path / f"{file}.gz").write_bytes(gzip.compress(content))
    path, count = tmp_path / f"{TRAIN_IMAGES}.gz", 0
    for case in range(CASES):
        random = np.random.default_rng(case)
        whole = (damage.images, damage.gzipped_images)[case % 2](random)
        path.write_bytes(damage.damaged(random, whole))
        dataset = read_or_refused(case, path, lambda: load(settings("mnist", dir=str(tmp_path))))
        if dataset:
            count += 1
            np.testing.assert_array_equal(dataset.inputs[: damage.EXAMPLES], pixels.reshape(damage.EXAMPLES, -1))
    print(f"{CASES} IDX files, {count} of them read")
    assert 0 < count < CASES


def encode(array: np.ndarray) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.astype(np.uint8).tobytes()
