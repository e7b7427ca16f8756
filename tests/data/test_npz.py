"""A person's own arrays: what is accepted, and the one line every misuse is answered with."""

from __future__ import annotations

import pickle
import zipfile

import numpy as np
import pytest

from workbench.data import describe, digest, known, load
from workbench.engine.errors import BadInput

IMAGES = np.arange(96, dtype=np.uint8).reshape(8, 3, 4)
LABELS = np.array([0, 1, 2, 0, 1, 2, 0, 1])


@pytest.fixture
def packed(settings, tmp_path):
    """Writes arrays into a file and returns the settings that choose it."""

    def write(**arrays):
        np.savez(tmp_path / "own.npz", **arrays)
        return settings("npz", path=str(tmp_path / "own.npz"))

    return write


def test_images_stay_bytes_and_are_flattened(packed):
    dataset = load(packed(inputs=IMAGES, targets=LABELS))
    np.testing.assert_array_equal(dataset.inputs, IMAGES.reshape(8, 12))
    assert (dataset.inputs.dtype, dataset.largest, dataset.classes) == (np.uint8, 95.0, 3)
    assert dataset.targets.dtype == np.int64


@pytest.mark.parametrize(
    ("shape", "image"),
    [((8, 12), ()), ((8, 3, 4), (3, 4, 1)), ((8, 2, 3, 2), (2, 3, 2)), ((8, 1, 2, 3, 2), ()), ((8,), ())],
)
def test_what_has_height_and_width_is_an_image(packed, shape, image):
    given = packed(inputs=IMAGES.reshape(-1)[: np.prod(shape)].reshape(shape), targets=LABELS)
    assert load(given).image == describe(given).image == image


def test_the_digest_does_not_depend_on_the_shape_of_the_images(packed):
    """Dense networks read rows of pixels, and their runs of before stay what they are."""
    assert digest(packed(inputs=IMAGES, targets=LABELS)) == digest(packed(inputs=IMAGES.reshape(8, 12), targets=LABELS))


@pytest.mark.parametrize("dtype", [bool, np.int8, np.int32, np.int64, np.uint16, np.float16, np.float64])
def test_numbers_become_single_precision_where_that_holds_them_exactly(packed, dtype):
    dataset = load(packed(inputs=(IMAGES / 2).astype(dtype), targets=LABELS.astype(np.uint8)))
    assert dataset.inputs.dtype == np.float32
    np.testing.assert_array_equal(dataset.inputs, (IMAGES / 2).astype(dtype).reshape(8, 12))


@pytest.mark.parametrize(
    "given",
    [
        IMAGES / 3 - 40, IMAGES + 1e9 + 0.5, IMAGES * 1e-50, IMAGES * 1e300, IMAGES.astype(int) + 2**40,
        IMAGES.astype(np.uint32) + 2**31,
    ],
)  # fmt: skip
def test_numbers_that_single_precision_would_round_stay_as_they_are(packed, given):
    dataset = load(packed(inputs=given, targets=LABELS))
    assert dataset.inputs.dtype == np.float64
    np.testing.assert_array_equal(dataset.inputs, given.reshape(8, 12))
    assert dataset.largest == np.abs(given).max()


@pytest.mark.parametrize("dtype", [np.int64, np.uint64, np.longdouble])
def test_numbers_that_float64_cannot_keep_apart_are_refused(packed, dtype):
    near = np.arange(16).reshape(8, 2).astype(dtype) + dtype(2**62)
    with pytest.raises(BadInput, match="column 0 of inputs holds different numbers that are one in float64"):
        load(packed(inputs=near, targets=LABELS))
    apart = np.arange(16).reshape(8, 2).astype(dtype) * dtype(2**20 + 1) + dtype(2**62)
    assert load(packed(inputs=apart, targets=LABELS)).inputs.dtype == np.float64  # rounded, and still apart


def test_targets_beyond_float64_are_refused(packed):
    with pytest.raises(BadInput, match="targets holds numbers that are not finite"):
        load(packed(inputs=IMAGES, targets=np.full(8, np.longdouble("1e400"))))


@pytest.mark.parametrize("shape", [(8,), (8, 1), (8, 2)])
def test_float_targets_make_a_regression(packed, shape):
    dataset = load(packed(inputs=IMAGES, targets=np.linspace(0, 1, np.prod(shape)).reshape(shape)))
    assert dataset.classes == 0
    assert dataset.targets.shape == (8, shape[1] if len(shape) == 2 else 1)
    assert dataset.targets.dtype == np.float64


ROWS = np.eye(3, dtype=int)[LABELS]


@pytest.mark.parametrize("targets", [LABELS[:, None], ROWS, ROWS.astype(bool), ROWS.astype(np.float32)])
def test_a_column_of_integers_and_one_hot_rows_are_labels(packed, targets):
    dataset = load(packed(inputs=IMAGES, targets=targets))
    assert dataset.classes == 3
    np.testing.assert_array_equal(dataset.targets, LABELS)
    split = load(packed(inputs=IMAGES, targets=targets, test_inputs=IMAGES, test_targets=targets))
    np.testing.assert_array_equal(split.targets, [*LABELS, *LABELS])


UNDERSTOOD = {
    "integers": (LABELS, "3 classes, as targets are integers"),
    "one-hot": (ROWS / 1.0, "3 classes, as every row of targets holds one 1 and else 0 (one-hot)"),
    "floats": (LABELS / 3, "a regression, as targets are float64; integers would name classes"),
    "whole floats": (
        LABELS.astype(np.float32),
        "a regression, as targets are float32; all are whole numbers: if they name classes, save them as integers "
        "(targets.astype(int))",
    ),
    "soft": (ROWS / 2, "a regression, as targets are float64; integers would name classes"),
}


@pytest.mark.parametrize("kind", UNDERSTOOD)
def test_how_targets_were_understood_is_said_with_how_to_choose(packed, kind):
    targets, expected = UNDERSTOOD[kind]
    chosen = packed(inputs=IMAGES, targets=targets)
    assert known(chosen).remark == f"{chosen.path}: understood as {expected}"


def test_test_arrays_become_the_fixed_test_set(packed):
    dataset = load(packed(inputs=IMAGES, targets=LABELS, test_inputs=IMAGES[:2] + 1, test_targets=LABELS[:2]))
    assert dataset.test_size == 2
    np.testing.assert_array_equal(dataset.inputs[-2:], IMAGES[:2].reshape(2, 12) + 1)
    np.testing.assert_array_equal(dataset.targets[-2:], LABELS[:2])


def test_digest_and_facts_are_known_beforehand(packed):
    chosen = packed(inputs=IMAGES, targets=LABELS)
    dataset = load(chosen)
    assert (digest(chosen), describe(chosen)) == (dataset.digest, dataset.facts)


def test_the_digest_is_of_the_arrays_and_follows_a_changed_file(packed, settings, tmp_path):
    first = digest(packed(inputs=IMAGES, targets=LABELS))
    np.savez_compressed(tmp_path / "again.npz", targets=LABELS, inputs=IMAGES)
    assert digest(settings("npz", path=str(tmp_path / "again.npz"))) == first
    assert digest(packed(inputs=IMAGES + 1, targets=LABELS)) != first


def test_the_digest_knows_which_examples_are_the_test_set(packed):
    split = packed(inputs=IMAGES[:6], targets=LABELS[:6], test_inputs=IMAGES[6:], test_targets=LABELS[6:])
    apart = digest(split)
    assert digest(packed(inputs=IMAGES, targets=LABELS)) != apart


MISUSE = {
    "no targets": ({"inputs": IMAGES}, "targets is missing"),
    "half a test set": ({"inputs": IMAGES, "targets": LABELS, "test_inputs": IMAGES}, "test_targets is missing"),
    "a misspelt key": ({"inputs": IMAGES, "targets": LABELS, "test_input": IMAGES}, "unknown key test_input; allowed"),
    "counts": ({"inputs": IMAGES[:7], "targets": LABELS}, "inputs holds 7 examples, but targets holds 8"),
    "test counts": (
        {"inputs": IMAGES, "targets": LABELS, "test_inputs": IMAGES, "test_targets": LABELS[:3]},
        "test_inputs holds 8 examples, but test_targets holds 3",
    ),
    "test shape": (
        {"inputs": IMAGES, "targets": LABELS, "test_inputs": IMAGES[:, :2], "test_targets": LABELS},
        r"test_inputs is uint8 of \(2, 4\) an example, but inputs is uint8 of \(3, 4\)",
    ),
    "test type": (
        {"inputs": IMAGES, "targets": LABELS, "test_inputs": IMAGES / 255, "test_targets": LABELS},
        "test_inputs is float64",
    ),
    "empty": ({"inputs": IMAGES[:0], "targets": LABELS[:0]}, "inputs holds no examples"),
    "a number": ({"inputs": np.array(3.0), "targets": LABELS}, "inputs holds no examples"),
    "no features": ({"inputs": np.zeros((8, 0)), "targets": LABELS}, "inputs has no features"),
    "complex": ({"inputs": IMAGES * 1j, "targets": LABELS}, "inputs is of type complex128; allowed are real"),
    "text": ({"inputs": IMAGES, "targets": LABELS.astype(str)}, "targets is <U"),
    "objects": ({"inputs": IMAGES.astype(object), "targets": LABELS}, "holds Python objects, which are not read"),
    "not finite": (
        {"inputs": np.where(np.arange(16).reshape(8, 2) == 7, np.nan, 1.0), "targets": LABELS},
        r"inputs holds numbers that are not finite: 1 of 16, the first at inputs\[3, 1\], nan",
    ),
    "too large": ({"inputs": np.full((8, 2), np.longdouble("1e400")), "targets": LABELS}, "not finite"),
    "a target beyond float64": (
        {"inputs": IMAGES, "targets": np.full(8, np.longdouble("1e4000"))},
        "targets holds numbers that are not finite",
    ),
    "infinite target": (
        {"inputs": IMAGES, "targets": np.full(8, np.inf)},
        r"targets holds numbers that are not finite: 8 of 8, the first at targets\[0\], inf",
    ),
    "two labels each": (
        {"inputs": IMAGES, "targets": np.ones((8, 2), int)},
        r"targets is int64 of shape \(8, 2\), and not one-hot; allowed are integers",
    ),
    "labels from 1": ({"inputs": IMAGES, "targets": LABELS + 1}, "3 different integers from 1 to 3"),
    "a negative label": ({"inputs": IMAGES, "targets": np.array([-1, 1, 2] * 2 + [1, 2])}, "from -1 to 2"),
    "a class that never occurs": ({"inputs": IMAGES, "targets": LABELS * 2}, "from 0 to 4; allowed are 0, 1"),
    "a class of the test set alone": (
        {"inputs": IMAGES, "targets": LABELS % 2, "test_inputs": IMAGES, "test_targets": LABELS},
        "test_targets holds the label 2, which no example of targets has; allowed are labels that can be learned",
    ),
    "a one-hot class of the test set alone": (
        {"inputs": IMAGES, "targets": ROWS[:2].repeat(4, axis=0), "test_inputs": IMAGES, "test_targets": ROWS},
        "test_targets holds the label 2, which",
    ),
    "one class": ({"inputs": IMAGES, "targets": LABELS * 0}, "the labels are all 0; allowed are 0, 1"),
}


@pytest.mark.parametrize("kind", MISUSE)
def test_misuse_is_one_clear_line_that_names_the_file(packed, kind):
    arrays, expected = MISUSE[kind]
    chosen = packed(**arrays)
    for question in (load, digest, describe):
        with pytest.raises(BadInput, match=expected) as raised:
            question(chosen)
        assert "own.npz" in str(raised.value)
        assert "\n" not in str(raised.value)


def test_no_path(settings):
    with pytest.raises(BadInput, match=r"^data.path: found none"):
        load(settings("npz"))


@pytest.mark.parametrize("path", ["~nobody-of-that-name/own.npz", "x" * 5000, "a\0b"])
def test_a_path_that_can_be_none(settings, path):
    with pytest.raises(BadInput, match=r"^data.path: ") as raised:
        load(settings("npz", path=path))
    assert "\n" not in str(raised.value)


def test_a_path_to_nothing(settings, tmp_path):
    with pytest.raises(BadInput, match=r"^data.path: .*absent.npz is not there"):
        digest(settings("npz", path=str(tmp_path / "absent.npz")))


def write_text(path):
    path.write_text("inputs, targets")


def write_nothing(path):
    path.write_bytes(b"")


def write_one_array(path):
    with path.open("wb") as file:
        np.save(file, IMAGES)


def write_a_pickle(path):
    path.write_bytes(pickle.dumps({"inputs": IMAGES}))


def write_half(path):
    np.savez(path, inputs=IMAGES, targets=LABELS)
    path.write_bytes(path.read_bytes()[:-40])


def write_a_flipped_bit(path):
    np.savez(path, inputs=IMAGES, targets=LABELS)
    content = bytearray(path.read_bytes())
    content[content.index(IMAGES.tobytes()) + 5] ^= 1
    path.write_bytes(content)


def write_a_plain_zip(path):
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("inputs", "1 2 3")
        file.writestr("targets", "1 2 3")


WRITERS = [
    write_text,
    write_nothing,
    write_one_array,
    write_a_pickle,
    write_half,
    write_a_flipped_bit,
    write_a_plain_zip,
]


@pytest.mark.parametrize("write", WRITERS)
def test_a_foreign_or_broken_file_is_one_clear_line(settings, tmp_path, write):
    path = tmp_path / "own.npz"
    write(path)
    with pytest.raises(BadInput, match=r"own.npz: ") as raised:
        load(settings("npz", path=str(path)))
    assert "\n" not in str(raised.value)
