"""IDX files: what is written is read, and every kind of broken file is named with what is wrong."""

from __future__ import annotations

import gzip
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.data import idx
from workbench.engine.errors import BadInput


def encode(array: np.ndarray) -> bytes:
    """An IDX file of unsigned bytes."""
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.astype(np.uint8).tobytes()


IMAGES = encode(np.arange(24).reshape(2, 3, 4))
LABELS = encode(np.arange(5))


@given(shape=st.tuples(st.integers(0, 5), st.integers(0, 4), st.integers(0, 4)), seed=st.integers(0, 99))
def test_what_is_encoded_is_decoded(shape, seed):
    array = np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)
    np.testing.assert_array_equal(idx.decode(encode(array), "file", 3), array)


@pytest.mark.parametrize("name", ["labels", "labels.gz"])
@pytest.mark.parametrize("packed", [False, True])
def test_gzip_is_told_by_content_and_not_by_name(tmp_path, name, packed):
    path = tmp_path / name
    path.write_bytes(gzip.compress(LABELS) if packed else LABELS)
    assert idx.read(path, 1, len(LABELS)) == LABELS


@pytest.mark.parametrize("cut", [3, 10, 18, 30])
def test_a_truncated_gzip_file_is_named(tmp_path, cut):
    path = tmp_path / "images.gz"
    path.write_bytes(gzip.compress(IMAGES)[:cut])
    with pytest.raises(BadInput, match=r"images\.gz: the gzip file is broken or truncated \(.+\)$"):
        idx.read(path, 3, 1000)


def test_a_gzip_file_with_a_flipped_bit_is_named(tmp_path):
    packed = bytearray(gzip.compress(IMAGES))
    packed[-6] ^= 1
    (tmp_path / "images.gz").write_bytes(packed)
    with pytest.raises(BadInput, match=r"the gzip file is broken"):
        idx.read(tmp_path / "images.gz", 3, 1000)


def test_a_folder_in_place_of_a_file_is_named(tmp_path):
    with pytest.raises(BadInput, match=f"{tmp_path.name}: cannot be read"):
        idx.read(tmp_path, 3, 1000)


def test_images_where_labels_are_expected():
    with pytest.raises(
        BadInput, match=r"^file: it holds images: found the magic number 0x00000803, expected 0x00000801"
    ):
        idx.decode(IMAGES, "file", 1)


def test_labels_where_images_are_expected():
    with pytest.raises(
        BadInput, match=r"^file: it holds labels: found the magic number 0x00000801, expected 0x00000803"
    ):
        idx.decode(LABELS, "file", 3)


@pytest.mark.parametrize("foreign", [b"<!DOCTYPE html>", b"\x00\x00\x0d\x03" + IMAGES[4:], b"\x08\x03" + IMAGES[2:]])
def test_a_foreign_file_is_named_with_its_magic_number(foreign):
    found = f"0x{foreign[:4].hex()}"
    with pytest.raises(BadInput, match=f"^file: it is no such IDX file: found the magic number {found}"):
        idx.decode(foreign, "file", 3)


@given(kept=st.integers(0, len(IMAGES) - 1))
def test_a_truncated_file_is_refused_wherever_it_is_cut(kept):
    with pytest.raises(BadInput, match=f"^file: found {kept} bytes"):
        idx.decode(IMAGES[:kept], "file", 3)


def test_the_message_counts_the_bytes_of_a_truncated_file():
    with pytest.raises(
        BadInput, match=r"found 39 bytes, expected 40 \(16 of header, 2 x 3 x 4 of images\).* truncated"
    ):
        idx.decode(IMAGES[:-1], "file", 3)


def test_bytes_after_the_end_are_refused():
    with pytest.raises(BadInput, match=r"found at least 41 bytes, expected 40 .*followed by something else"):
        idx.decode(IMAGES + b"x", "file", 3)


def test_a_header_of_absurd_dimensions_allocates_nothing():
    with pytest.raises(BadInput, match=r"expected 79228162458924105385300197391"):
        idx.decode(IMAGES[:4] + b"\xff" * 12 + b"few bytes", "file", 3)


@pytest.mark.parametrize("packed", [False, True])
def test_a_header_that_promises_gigabytes_is_refused_before_anything_is_read(tmp_path, packed):
    promise = bytes([0, 0, 8, 3]) + np.array([60000, 1000, 1000], ">u4").tobytes()
    (tmp_path / "images").write_bytes(gzip.compress(promise) if packed else promise)
    with pytest.raises(BadInput, match=r"images: its header promises 60000000016 bytes; allowed are at most 1000$"):
        idx.read(tmp_path / "images", 3, 1000)


def test_of_a_gzip_file_that_unpacks_to_more_than_its_header_promises_no_more_is_read(tmp_path):
    (tmp_path / "images").write_bytes(gzip.compress(IMAGES + bytes(1 << 24)))
    tracemalloc.start()
    try:
        with pytest.raises(BadInput, match=r"found at least 41 bytes, expected 40 .*followed by something else"):
            idx.read(tmp_path / "images", 3, 1000)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
