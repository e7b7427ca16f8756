"""Every dataset of the table keeps to the same contract."""

from __future__ import annotations

import re
import subprocess
import sys
from math import prod

import numpy as np
import pytest

from workbench.data import DATASETS, bundled, describe, digest, load
from workbench.engine.errors import BadInput

OFFLINE = [name for name in DATASETS if name not in ("mnist", "fashion_mnist", "npz")]


@pytest.mark.parametrize("name", OFFLINE)
def test_the_loaded_dataset_is_what_was_described_before_loading(settings, name):
    dataset = load(settings(name))
    assert dataset.facts == describe(settings(name))
    assert dataset.digest == digest(settings(name))
    assert re.fullmatch("[0-9a-f]{16}", dataset.digest)


@pytest.mark.parametrize("name", OFFLINE)
def test_arrays_have_the_types_the_engine_expects(settings, name):
    dataset = load(settings(name))
    assert dataset.inputs.dtype in (np.uint8, np.float32)
    assert np.isfinite(dataset.inputs).all()
    if dataset.classes:
        assert dataset.targets.dtype == np.int64
        assert set(dataset.targets) == set(range(dataset.classes))
    else:
        assert dataset.targets.dtype == np.float64
        assert dataset.targets.shape == (len(dataset.inputs), 1)
    assert np.abs(dataset.inputs.astype(float)).max() == dataset.largest


@pytest.mark.parametrize(
    ("name", "image"),
    [("digits", (8, 8, 1)), ("mnist", (28, 28, 1)), ("fashion_mnist", (28, 28, 1)), ("blobs", ()), ("diabetes", ())],
)
def test_images_know_their_shape(settings, name, image):
    facts = describe(settings(name))
    assert facts.image == image
    assert not image or prod(image) == facts.features


def test_digits_stay_bytes(settings):
    dataset = load(settings("digits"))
    assert dataset.inputs.dtype == np.uint8
    assert dataset.largest == 16


@pytest.mark.parametrize("name", bundled.DIGESTS)
def test_a_changed_bundle_is_reported_and_not_trained_on(settings, monkeypatch, name):
    monkeypatch.setitem(bundled.DIGESTS, name, "0123456789abcdef")
    with pytest.raises(
        BadInput, match=rf"data.name={name}: scikit-learn [\d.]+.* bundles other data .*0123456789abcdef"
    ):
        load(settings(name))


def test_an_unknown_name_is_answered_with_the_known_ones(settings):
    for question in (load, digest, describe):
        with pytest.raises(BadInput, match=r"data.name: found 'iris'; allowed are digits, .*npz"):
            question(settings("iris"))


def test_every_source_has_a_summary():
    assert all(source.summary and "\n" not in source.summary for source in DATASETS.values())


def test_the_room_imports_with_numpy_alone():
    blocked = ("sklearn", "scipy", "pooch", "requests", "pandas", "mlflow", "hydra", "omegaconf", "matplotlib", "cupy")
    program = (
        f"import sys\nfor name in {blocked!r}: sys.modules[name] = None\n"
        "import workbench.data\nfrom workbench.data import run_data, splits, scaling, order, synthetic, label_noise\n"
        "from types import SimpleNamespace\n"
        "settings = SimpleNamespace(name='spirals', dir=None, path=None, examples=50, noise=0.1, digest=None,\n"
        "                           permute_pixels=False)\n"
        "data = workbench.data.prepare(workbench.data.load(settings), [1], [0.1], ['standard'], None, 0.2, 0.2)\n"
        "print(data.train.index.shape)"
    )
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert finished.stdout.strip() == "(1, 30)", finished.stderr
