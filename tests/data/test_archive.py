"""An .npz file that promises what it does not hold, or holds what is not read: each is one line that says so."""

from __future__ import annotations

import io
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest

from workbench.data import archive
from workbench.data.archive import read_arrays
from workbench.engine.errors import BadInput

VALUES = np.arange(24.0).reshape(8, 3)


def npy(array: np.ndarray = VALUES, **said: object) -> bytes:
    """An .npy file whose header says of the array what is given here, as source: descr, fortran_order, shape."""
    header = {"descr": repr(array.dtype.str), "fortran_order": "False", "shape": repr(array.shape)} | said
    text = "{" + ", ".join(f"'{key}': {value}" for key, value in header.items()) + "}\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode() + array.tobytes()


def zipped(path: Path, *members: tuple[str, bytes], packing: int = zipfile.ZIP_STORED, zip64: bool = False) -> Path:
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w", packing) as file:
        warnings.simplefilter("ignore")  # of a name twice
        for name, content in members:
            with file.open(name, "w", force_zip64=zip64) as member:
                member.write(content)
    return path


def read(path: Path) -> dict[str, np.ndarray]:
    return read_arrays(path, "inputs", lambda _: None)


@pytest.mark.parametrize("packing", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("zip64", [False, True])
@pytest.mark.parametrize("descr", ["<f8", ">f8", "<f2", ">i4", "|u1", "|b1"])
@pytest.mark.parametrize("fortran", [False, True])
def test_every_sound_form_of_an_array_is_read(tmp_path, packing, zip64, descr, fortran):
    array = VALUES.astype(descr, order="F" if fortran else "C")
    content = io.BytesIO()
    np.save(content, array)
    found = read(zipped(tmp_path / "own.npz", ("inputs.npy", content.getvalue()), packing=packing, zip64=zip64))
    np.testing.assert_array_equal(found["inputs"], array)
    assert found["inputs"].dtype.isnative


def test_an_array_larger_than_a_chunk_is_read_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "CHUNK_BYTES", 1000)
    large = np.random.default_rng(0).normal(size=(3000, 2))
    np.savez_compressed(tmp_path / "own.npz", inputs=large)
    np.testing.assert_array_equal(read(tmp_path / "own.npz")["inputs"], large)


BROKEN = {
    "TokenError": (npy(shape="(" * 40), "the header of an array is broken"),
    "deep": (npy(shape="-" * 5000 + "1"), "the header of an array is broken"),
    "no dictionary": (npy(shape="(8, 3)}, {1: 2"), "the header of an array is broken"),
    "a type that is none": (npy(descr="'<q99'"), "the header of an array is broken"),
    "a shape that is none": (npy(shape="(8, 'x')"), "the header of an array is broken"),
    "negative": (npy(shape="(-8, -3)"), r"an array's shape is \(-8, -3\)"),
    "another version": (b"\x93NUMPY\x03" + npy()[7:], "the header of an array is broken"),
    "structured": (npy(descr="[('a', '<f8')]"), r"inputs is \[\('a', '<f8'\)\]; allowed are numbers"),
    "objects": (npy(descr="'|O'"), "inputs holds Python objects, which are not read"),
    "objects within": (npy(descr="[('a', '|O')]"), "inputs holds Python objects, which are not read"),
    "raw": (npy(descr="'|V8'"), r"inputs is \|V8; allowed are numbers"),
    "no width": (npy(descr="'<U0'", shape="(10000000000000000000000,)"), "inputs is <U0; allowed are numbers"),
    "dates": (npy(descr="'<M8[s]'"), r"inputs is datetime64\[s\]; allowed are numbers"),
    "gigabytes": (npy(shape="(1000000000000, 3)"), r"the header of inputs promises 2400000000\d+ bytes, float64 of"),
    "overflow": (npy(shape="(4294967296, 4294967296, 8)"), "the header of inputs promises 1180591620717411303"),
    "zero times much": (npy(VALUES[:0], shape=f"(0, {10**30})"), "is no readable .npz file of inputs"),
    "less than there is": (npy(shape="(7, 3)"), r"promises \d+ bytes, float64 of shape \(7, 3\), but the file holds"),
    "empty": (b"", "the header of an array is broken"),
    "text": (b"1, 2, 3", "the header of an array is broken"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_array_is_one_line(tmp_path, kind):
    content, expected = BROKEN[kind]
    with pytest.raises(BadInput, match=rf"own\.npz: .*{expected}") as raised:
        read(zipped(tmp_path / "own.npz", ("inputs.npy", content)))
    assert str(raised.value).isprintable()
    assert len(str(raised.value)) < 500


def test_a_name_twice(tmp_path):
    with pytest.raises(BadInput, match=r"own\.npz: holds inputs more than once; allowed is each key once"):
        read(zipped(tmp_path / "own.npz", ("inputs.npy", npy()), ("inputs.npy", npy())))
    with pytest.raises(BadInput, match=r"holds inputs more than once"):
        read(zipped(tmp_path / "own.npz", ("inputs.npy", npy()), ("inputs", npy())))


def test_a_name_that_would_break_the_line(tmp_path):
    asked = []
    read_arrays(zipped(tmp_path / "own.npz", ("a\nb" + "c" * 1000, npy())), "inputs", asked.extend)
    assert asked == [r"'a\nb" + "c" * 55 + "..."]


def test_an_encrypted_array(tmp_path):
    path = zipped(tmp_path / "own.npz", ("inputs.npy", npy()))
    content = bytearray(path.read_bytes())
    for signature, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + place] |= 1
    path.write_bytes(content)
    with pytest.raises(BadInput, match=r"own\.npz: inputs is encrypted; allowed are arrays without a password"):
        read(path)


@pytest.mark.parametrize("packing", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_another_packing_than_numpys(tmp_path, packing):
    with pytest.raises(BadInput, match=rf"inputs is packed by method {packing} of zip; allowed are .*savez_compressed"):
        read(zipped(tmp_path / "own.npz", ("inputs.npy", npy()), packing=packing))


def test_an_archive_that_unpacks_to_more_than_the_memory_holds_is_refused_before_it_is_read(tmp_path, monkeypatch):
    np.savez_compressed(tmp_path / "own.npz", inputs=np.zeros((1 << 17, 8)))
    assert (tmp_path / "own.npz").stat().st_size < 1 << 16
    monkeypatch.setattr(archive, "free_host_memory", lambda: 1 << 24)
    assert read(tmp_path / "own.npz")["inputs"].shape == (1 << 17, 8)
    monkeypatch.setattr(archive, "SMALL_BYTES", 1 << 20)
    with pytest.raises(BadInput, match=r"own\.npz: promises 8,388,736 bytes of arrays; allowed are 4,194,304,"):
        read(tmp_path / "own.npz")
    monkeypatch.setattr(archive, "free_host_memory", lambda: 1 << 26)
    assert read(tmp_path / "own.npz")["inputs"].shape == (1 << 17, 8)


def test_an_archive_whose_directory_lies_about_its_sizes(tmp_path):
    path = zipped(tmp_path / "own.npz", ("inputs.npy", npy(shape="(8, 300)")), packing=zipfile.ZIP_DEFLATED)
    content = bytearray(path.read_bytes())
    size = len(npy(shape="(8, 300)")) + 8 * 297 * 8
    place = content.index(b"PK\x01\x02") + 24
    content[place : place + 4] = size.to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(BadInput, match=r"own\.npz: "):
        read(path)


def test_a_file_that_may_not_be_read_is_named(tmp_path, monkeypatch):
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    path = zipped(tmp_path / "own.npz", ("inputs.npy", npy()))
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(BadInput, match=r"own\.npz: is no readable .npz file of inputs \(.*Permission denied\)"):
        read(path)
