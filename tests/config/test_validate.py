"""Bad values are refused by name, and whatever is allowed arrives unchanged."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.config import SETTINGS, DataConfig, RunConfig, allowed, check, flatten, run_config, unknown
from workbench.engine.errors import BadInput

NUMBERS = [setting for setting in SETTINGS.values() if setting.kind in (int, float)]
NAMES = [setting for setting in SETTINGS.values() if setting.choices]


def refusal(values):
    with pytest.raises(BadInput) as caught:
        run_config(values)
    message = str(caught.value)
    assert "\n" not in message
    return message


def nested(key, value):
    section, _, name = key.rpartition(".")
    return {section: {name: value}} if section else {name: value}


def test_nothing_given_is_the_defaults():
    assert run_config({}) == RunConfig()


@pytest.mark.parametrize("setting", NUMBERS, ids=lambda setting: setting.key)
def test_a_number_beyond_its_range_is_refused(setting):
    beyond = setting.low if setting.open_low else setting.low - 1
    message = refusal(nested(setting.key, setting.kind(beyond)))
    assert setting.key in message
    assert f"{setting.low:g}" in message
    if setting.high is not None:
        over = setting.high if setting.open_high else setting.high + 1
        assert setting.key in refusal(nested(setting.key, setting.kind(over)))


def test_a_bound_is_said_to_its_last_digit() -> None:
    assert allowed(SETTINGS["seed"]) == "an integer, 0 <= x <= 9223372036854775807"
    assert allowed(SETTINGS["optimizer.learning_rate"]) == "a number, x > 0"


@pytest.mark.parametrize("setting", [s for s in NUMBERS if s.kind is float], ids=lambda setting: setting.key)
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_must_be_finite(setting, value):
    assert setting.key in refusal(nested(setting.key, value))


@pytest.mark.parametrize("setting", NUMBERS, ids=lambda setting: setting.key)
def test_an_integer_that_no_array_and_no_float_holds_is_refused(setting):
    message = refusal(nested(setting.key, 10**400))
    assert message.startswith(f"{setting.key} is 1000")
    assert len(message) < 250


@pytest.mark.parametrize("setting", NAMES, ids=lambda setting: setting.key)
def test_a_name_that_is_no_choice_is_refused_with_the_choices(setting):
    message = refusal(nested(setting.key, "nothing"))
    assert setting.key in message
    assert all(name in message for name in setting.names())


@pytest.mark.parametrize("setting", NAMES, ids=lambda setting: setting.key)
def test_every_choice_is_allowed(setting):
    assert [check(setting.key, name) for name in setting.names()] == list(setting.names())


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS.keys())
def test_another_type_is_refused(setting):
    other = 1 if setting.kind in (str, bool) else "text"
    for value in (["text"], {"a": 1}, other, None if not setting.optional else []):
        message = refusal(nested(setting.key, value))
        assert message.startswith(setting.key)


@pytest.mark.parametrize("value", [[8, 16], "[8,16]", "[8, 16]", "[ 8,16 ]"])
def test_a_list_is_kept_as_the_text_that_is_typed(value):
    assert run_config({"network": {"channels": value}}).network.channels == "[8,16]"


@pytest.mark.parametrize(
    "value", ["8,16", "8", "[]", "[8,]", "[8,-1]", "[0]", "[8.5]", [], [0], [-1], [True], [8.0], [[8]], 8]
)
def test_a_list_of_other_things_is_refused(value):
    message = refusal({"network": {"channels": value}})
    assert message.startswith("network.channels is ")
    assert message.endswith("allowed: a list of integers, each x >= 1, such as [8,16]")


def test_true_is_no_number_and_an_integer_is_one():
    assert "allowed: a number" in refusal({"optimizer": {"learning_rate": True}})
    assert isinstance(run_config({"optimizer": {"learning_rate": 1}}).optimizer.learning_rate, float)
    assert "allowed: an integer" in refusal({"network": {"depth": 2.0}})


@given(st.fixed_dictionaries({
    "depth": st.integers(0, 1000), "width": st.integers(1, 10**6), "slope": st.floats(0, 1e6),
    "init_scale": st.floats(0, 10),
}))  # fmt: skip
def test_what_is_allowed_arrives_unchanged(values):
    flat = flatten(run_config({"network": values, "dtype": "float64"}))
    assert {key: flat[f"network.{key}"] for key in values} == values


def test_an_unknown_key_is_refused_with_what_is_most_like_it():
    assert "did you mean network.depth?" in refusal({"network": {"depht": 3}})
    assert "did you mean seed?" in refusal({"sede": 3})
    assert "did you mean" not in unknown("zzz")


def test_a_section_is_no_value():
    assert "network.name" in refusal({"network": 3})


@pytest.mark.parametrize("name", ["a/b", "..", "", "a b", "-a"])
def test_a_name_must_be_fit_for_a_folder(name):
    assert "name is" in refusal({"name": name})


def test_a_batch_must_not_exceed_the_training_examples():
    assert "training.batch_size is 101; allowed: at most 100" in refusal(
        {"data": {"train_size": 100}, "training": {"batch_size": 101}}
    )
    assert run_config({"data": {"train_size": 100}, "training": {"batch_size": 100}}).training.batch_size == 100


def test_splits_must_fit_the_dataset():
    assert "data.train_size" in refusal({"data": {"train_size": 10**6}})
    assert "data.validation" in refusal({"data": {"validation": 0.9}})
    assert "data.path" in refusal({"data": {"name": "npz"}})


def test_labels_of_a_regression_cannot_be_noisy():
    assert "data.test_noise is 0.2" in refusal({"data": {"name": "diabetes", "test_noise": 0.2}})
    assert "allowed with measure=matrix_form: null" in refusal(
        {"network": {"widths": "[4,2]"}, "measure": "matrix_form"}
    )
    assert "data.label_noise is 0.2" in refusal({"data": {"name": "diabetes", "label_noise": 0.2}})


def test_only_pixels_can_be_permuted_and_not_where_neighbours_matter():
    permuted = {"permute_pixels": True}
    assert "data.permute_pixels is true; allowed: false, as the examples of data=diabetes are no images" in refusal(
        {"data": {"name": "diabetes", **permuted}}
    )
    assert "data.shift is 1; allowed with data.permute_pixels=true: 0" in refusal({"data": {"shift": 1, **permuted}})
    assert "allowed with data.permute_pixels=true: any other" in refusal({"analyses": "model", "data": permuted})
    assert run_config({"analyses": "pruning", "data": permuted}).data.permute_pixels


def test_only_images_can_be_shifted_and_by_less_than_their_size():
    assert "data.shift is 1; allowed: 0, as the examples of data=diabetes are no images" in refusal(
        {"data": {"name": "diabetes", "shift": 1}}
    )
    assert "data.shift is 8; allowed: less than 8" in refusal({"data": {"name": "digits", "shift": 8}})
    assert run_config({"data": {"name": "digits", "shift": 2}}).data.shift == 2


@pytest.mark.parametrize(
    ("dataset", "loss", "fits"),
    [
        ("digits", "cross_entropy", True),
        ("digits", "squared_error", False),
        ("digits", "binary_cross_entropy", False),
        ("breast_cancer", "binary_cross_entropy", True),
        ("diabetes", "squared_error", True),
        ("diabetes", "cross_entropy", False),
    ],
)
def test_a_loss_must_suit_the_task(dataset, loss, fits):
    values = {"data": {"name": dataset}, "network": {"loss": loss}}
    if fits:
        assert run_config(values).network.loss == loss
    else:
        assert f"network.loss is '{loss}'" in refusal(values)


def test_equal_values_of_another_type_are_checked_apart():
    assert run_config({"network": {"depth": 1}}).network.depth == 1
    refusal({"network": {"depth": True}})
    refusal({"network": {"depth": 1.0}})


def test_a_configuration_can_be_looked_up_and_not_changed():
    config = run_config({})
    assert hash(config) == hash(RunConfig())
    with pytest.raises(AttributeError):
        config.data.noise = 3  # type: ignore[misc]
    assert config.data == DataConfig()


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (
            {"data": {"name": "blobs"}},
            "network is 'cnn', which reads images, and the examples of data=blobs are none",
        ),
        ({"network": {"kernel": 5, "padding": "valid"}}, "network.kernel is 5; allowed: at most 2, as an image"),
        ({"network": {"pool_size": 9}}, "network.pool_size is 9; allowed: at most 8, as an image of data=digits has 8"),
        ({"network": {"channels": [2, 2, 2, 2]}}, "network.pool_size is 2; allowed: fewer channels in the list, or "),
        ({"measure": "matrix_form"}, "network is 'cnn'; allowed with measure=matrix_form: mlp"),
        ({"analyses": "model+jacobian"}, "network is 'cnn'; allowed with analyses=jacobian: mlp"),
    ],
)
def test_a_convolutional_network_that_cannot_be_is_refused_in_one_line(given, found):
    assert refusal({"network": {"name": "cnn"} | given.pop("network", {}), **given}).startswith(found)


def test_images_may_be_as_small_as_same_padding_leaves_them():
    run_config({"network": {"name": "cnn", "kernel": 5, "channels": [2, 2, 2]}})
    run_config({"network": {"name": "cnn", "kernel": 5, "channels": [2] * 9, "pool": "none"}})
    run_config({"network": {"name": "cnn"}, "data": {"name": "blobs"}, "measure": "memorizers"})


def test_an_analysis_of_images_alone_is_refused_for_a_dense_network_in_one_line():
    assert refusal({"analyses": "model+filters"}) == "network is 'mlp'; allowed with analyses=filters: cnn"
