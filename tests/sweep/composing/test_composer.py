"""Our composition is Hydra's: the same values from the same overrides, or the same refusal."""

from __future__ import annotations

import pytest
from hydra.errors import HydraException
from hydra.types import RunMode
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf
from omegaconf.errors import InterpolationResolutionError, OmegaConfBaseException, UnsupportedInterpolationType

from tests.repetitions import mostly_thorough, repetitions
from workbench.engine.errors import BadInput
from workbench.sweep.hydra.composing.composer import Composer
from workbench.sweep.hydra.internals import without_hydra

OVERRIDES = [
    "seed=5", "seed=7", "network.depth=3", "network.depth=4", "++network.depth=7", "network.depth=abc",
    "network[depth]=5", "network.depth.x=1", "network={depth: 3, width: 5}", "~network.depth", "training.batch_size=8",
    "network.width=${training.batch_size}", "network.width='${training.batch_size}'",
    "optimizer=adam", "optimizer=adamw", "+optimizer@dropout=sgd", "optimizer.learning_rate=1",
    "optimizer.learning_rate=1e-2", "optimizer.learning_rate=${penalty.strength}", "optimizer.momentum_start=null",
    "optimizer.schedule=${dtype}", "penalty=elastic", "penalty=l1", "penalty.strength=0.5", "penalty.l1_ratio=0.25",
    "penalty.l1=${penalty.strength}", "penalty.l2=1", "~penalty", "~penalty=none", "+penalty=l2",
    "penalty={strength: 3}", "+sweep=tour", "+sweep=nothing", "data=mnist", "data=own", "data.train_size=null",
    "data.train_size=100", "data.dir=${oc.env:HOME}", "data.path=${data.name}", "name=null", "name=1", "workers=2",
    "workers=null", "tracking.uri='sqlite:///a=b, \"c\".db'", 'description="it\'s, so"', "description='a: [b], {c}'",
    "description=", "description=true", "description=1_000", "description=\\,", "+description=a", "reuse=no", "reuse=0",
    "unknown=3", "+unknown=3", "++unknown=3", "+unknown.deep=[1,2]", "arm=${name}", "hydra.verbose=false",
]  # fmt: skip


def hydras(loader, master, overrides):
    config = loader.load_sweep_config(master, overrides)
    without_hydra(config)
    return OmegaConf.to_container(config, resolve=True)


def outcome(compose):
    """What is composed, or the kind of refusal: of two bad overrides, either may be the one complained of. For an
    interpolation that leads to no value, which OmegaConf refuses in several ways, we have a line of our own.
    """
    try:
        return compose()
    except (InterpolationResolutionError, UnsupportedInterpolationType):
        return BadInput
    except (HydraException, OmegaConfBaseException, ValueError) as error:
        return type(error)


@settings(max_examples=repetitions(8, 40), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(OVERRIDES), max_size=5))
def test_any_overrides_compose_to_what_hydra_composes(loader, master, composer, overrides):
    ours = outcome(lambda: composer.compose(overrides).values)
    assert ours == outcome(lambda: hydras(loader, master, overrides))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("penalty.strength=0.5", "penalty={strength: 3}"),
        ("network.depth=3", "network={depth: 4}"),
        ("network.depth=3", "++network.depth=4"),
        ("seed=1", "seed=2"),
        ("penalty=l1", "penalty.l1=3"),
        ("name=a", "+name=b"),
        ("network.width=8", "network.width=${training.batch_size}"),
        ("training.batch_size=8", "network.width=${training.batch_size}"),
        ("penalty.strength=3", "penalty.strength=4"),
    ],
)
def test_of_two_overrides_of_one_place_hydras_order_counts(loader, master, composer, one, other):
    for overrides in ([one, other], [other, one]):
        ours = outcome(lambda overrides=overrides: composer.compose(overrides).values)
        assert ours == outcome(lambda overrides=overrides: hydras(loader, master, overrides))


@pytest.mark.parametrize("override", mostly_thorough(OVERRIDES, *OVERRIDES[::3]))
def test_each_override_composes_to_what_hydra_composes(loader, master, composer, override):
    ours = outcome(lambda: composer.compose([override]).values)
    assert ours == outcome(lambda: hydras(loader, master, [override]))


@pytest.mark.parametrize("override", ["training.batch_size=8", "network.kernel=5", "network.channels=[2]", "seed=5"])
def test_an_interpolation_within_a_list_is_followed(loader, master, composer, override):
    for overrides in (
        ["network=listed"],
        ["network=listed", override],
    ):  # of each the first is known when the next comes
        assert composer.compose(overrides).values == hydras(loader, master, overrides)


def test_plain_values_cost_no_composition(loader, master, monkeypatch):
    composer = Composer(loader, master)
    composed = count_compositions(loader, monkeypatch)
    for optimizer in ("sgd", "adam"):
        for seed in range(10):
            composer.compose([f"optimizer={optimizer}", f"seed={seed}", f"network.width={seed + 1}"])
    assert len(composed) == 2


def count_compositions(loader, monkeypatch):
    """A list that has an entry for each job that Hydra composes from now on."""
    composed, compose = [], loader.load_sweep_config
    monkeypatch.setattr(loader, "load_sweep_config", lambda *given: composed.append(given) or compose(*given))
    return composed


@pytest.mark.parametrize(
    ("typed", "jobs", "compositions"),
    [
        (["network.depth=1,2", "seed=4"], [["network.depth=1", "seed=4"], ["network.depth=2", "seed=4"]], 0),
        (["optimizer=adam", "seed=1,2"], [["optimizer=adam", "seed=1"], ["optimizer=adam", "seed=2"]], 0),
        (["optimizer=adam,sgd"], [["optimizer=adam"], ["optimizer=sgd"]], 2),
        (["penalty=l1", "penalty.strength=0.5"], [["penalty=l1", "penalty.strength=0.5", "seed=3"]], 0),
        # As the jobs of a sweep file alone, where more was typed: what was typed must not reach them.
        (["optimizer=adam", "seed=7"], [["optimizer=adam"], ["optimizer=adam", "seed=7"]], 1),
        (["seed=7", "dropout.rate=0.5"], [["seed=7"], ["dropout.rate=0.5"], []], 1),
    ],
)
def test_what_the_command_has_composed_already_is_not_composed_again(loader, monkeypatch, typed, jobs, compositions):
    master = loader.load_configuration("config", typed, RunMode.MULTIRUN)
    composer = Composer(loader, master)
    expected = [outcome(lambda job=job: hydras(loader, master, job)) for job in jobs]
    composed = count_compositions(loader, monkeypatch)
    assert [outcome(lambda job=job: composer.compose(job).values) for job in jobs] == expected
    assert len(composed) == compositions
