"""Pixels in another order: the same one for every image, nothing lost, and another run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from workbench.config import DataConfig, run_config
from workbench.data import digest, load
from workbench.data.permuted import order_of_pixels, with_permuted_pixels
from workbench.sweep.execution.pack_training import dataset
from workbench.sweep.planning.identity import fingerprint, numbers


def test_the_order_is_fixed_and_holds_every_pixel_once() -> None:
    order = order_of_pixels(64)
    assert order[:6].tolist() == [9, 45, 17, 14, 35, 29]  # of every run's results: never to change
    assert sorted(order) == list(range(64))


def test_every_image_has_its_pixels_in_that_order_and_is_still_an_image(settings) -> None:
    plain, permuted = (load(settings("digits", permute_pixels=asked)) for asked in (False, True))
    np.testing.assert_array_equal(permuted.inputs, plain.inputs[:, order_of_pixels(64)])
    assert permuted.inputs.dtype == plain.inputs.dtype
    assert (permuted.facts, permuted.targets.tolist()) == (plain.facts, plain.targets.tolist())
    assert permuted.digest == plain.digest == digest(settings("digits", permute_pixels=True))


def test_the_channels_of_a_pixel_stay_together(toy) -> None:
    colours = replace(toy(features=12), image=(2, 2, 3))
    pixels = [dataset.inputs.reshape(-1, 4, 3) for dataset in (colours, with_permuted_pixels(colours))]
    np.testing.assert_array_equal(pixels[1], pixels[0][:, order_of_pixels(4)])


def test_a_run_on_permuted_pixels_is_another_run_and_one_without_is_what_it_was() -> None:
    plain, permuted = (numbers(run_config({"data": {"permute_pixels": asked}})) for asked in (False, True))
    assert "data.permute_pixels" not in plain
    assert fingerprint(plain, "data") != fingerprint(permuted, "data")


def test_a_pack_of_such_runs_is_trained_on_permuted_pixels() -> None:
    plain, permuted = (dataset(DataConfig(permute_pixels=asked)).inputs for asked in (False, True))
    np.testing.assert_array_equal(permuted, plain[:, order_of_pixels(64)])
