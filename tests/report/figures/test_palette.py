"""A factor's value has one colour, on whatever page it stands."""

from __future__ import annotations

import pytest
from matplotlib.colors import to_rgb

from workbench.report.figures import palette

SERIES = {
    "network.depth": (1, 2, 4, 8, 16, 32, 64),
    "network.width": (16, 32, 64, 128, 256, 512),
    "network.activation": ("sigmoid", "tanh", "relu", "leaky_relu", "prelu", "maxout"),
    "optimizer": ("sgd", "momentum", "rmsprop", "adam"),
    "penalty": ("none", "l1", "l2"),
    "penalty.strength": (0.0, 1e-4, 1e-3, 1e-2),
    "optimizer.learning_rate": (0.01, 0.03, 0.1),
    "dropout.rate": (0, 0.1, 0.2, 0.5),
    "data.train_size": (None, 100, 300),
}


@pytest.mark.parametrize("key", SERIES)
def test_the_values_of_a_page_are_told_apart(key: str) -> None:
    assert len(set(palette.slots_of(key, SERIES[key]))) == len(SERIES[key])


@pytest.mark.parametrize("key", SERIES)
def test_a_value_keeps_its_colour_whatever_else_was_swept(key: str) -> None:
    values = [value for value in SERIES[key][:4] if isinstance(value, str)]
    for value in values:
        assert palette.slots_of(key, [value])[0] in (palette.slots_of(key, values)[values.index(value)],)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -3, "\ud800", True, 10**400, 1e-300], ids=range(7))
def test_any_value_has_a_colour(value: object) -> None:
    assert palette.slots_of("unheard.of", [value])[0] in palette.SLOTS


@pytest.mark.parametrize("count", [2, 3, 6, 8, 9, 25])
def test_ordered_numbers_have_ordered_colours(count: int) -> None:
    values = [2.0**power for power in range(count)]
    for mode in ("light", "dark"):
        found = [to_rgb(getattr(slot, mode)) for slot in palette.slots_of("network.width", values)]
        luminance = [0.2126 * red**2.2 + 0.7152 * green**2.2 + 0.0722 * blue**2.2 for red, green, blue in found]
        assert luminance == sorted(luminance, reverse=mode == "light")


def test_no_value_among_numbers_is_grey() -> None:
    assert palette.slots_of("data.train_size", (None, 100, 300, 900))[0] == palette.GREY_SLOT


def test_many_values_are_an_ordered_ramp() -> None:
    slots = palette.slots_of("network.depth", range(1, 13))
    assert len({slot.light for slot in slots}) == 12
