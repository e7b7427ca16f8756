"""Our composition is Hydra's: the same values from the same overrides, or the same refusal."""

from __future__ import annotations

import pytest
from hydra.errors import HydraException
from hydra.types import RunMode
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf
from omegaconf.errors import InterpolationResolutionError, OmegaConfBaseException, UnsupportedInterpolationType

from tests.repetitions import mostly_thorough, repetitions
from workbench.config import SETTINGS, flatten
from workbench.engine.errors import BadInput
from workbench.sweep.execution.executors import EXECUTORS
from workbench.sweep.hydra import compose
from workbench.sweep.hydra.compose import Composer, cells
from workbench.sweep.hydra.internals import without_hydra
from workbench.sweep.hydra.register import loader as load

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


@pytest.fixture(scope="module")
def loader(tmp_path_factory):
    """Hydra's loader over our conf and a person's own, which holds an interpolation of its own."""
    folder = tmp_path_factory.mktemp("person")
    own = folder / "conf" / "data"
    own.mkdir(parents=True)
    (own / "own.yaml").write_text("name: spirals\nexamples: ${training.batch_size}\nnoise: ${.validation}\n")
    network = folder / "conf" / "network"
    network.mkdir()
    (network / "listed.yaml").write_text(
        'defaults: [cnn, _self_]\nchannels: ["${training.batch_size}", "${..kernel}"]\n'
    )
    (network / "seeded.yaml").write_text('defaults: [cnn, _self_]\nchannels: [4, "${seed}"]\n')
    (own / "seeded.yaml").write_text("name: spirals\nexamples: ${seed}00\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield load()


@pytest.fixture(scope="module")
def master(loader):
    """The configuration of the command as a whole."""
    return loader.load_configuration("config", [], RunMode.MULTIRUN)


@pytest.fixture(scope="module")
def composer(loader, master):
    """Ours, kept over all examples: what one job leaves behind must not reach the next."""
    return Composer(loader, master)


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


SEEDS = ["seed=0", "seed=1", "seed=12", "++seed=3", "seed=a", "seed=-1", "seed=1_0", "seed=${training.epochs}"]
BESIDE_SEEDS = [
    "optimizer=adam", "network.width=8", "network.width=$\\{seed\\}", "network={width: $\\{seed\\}}", "data=seeded",
    "data.examples=300", "penalty=l1", "++network.depth=1", "network.depth=x", "optimizer=nothing",
]  # fmt: skip


def told(composer, jobs):
    """What is made of these jobs, each by itself if there is one, or how they are refused."""
    try:
        return [(one.overrides, one.config, one.choices, one.typed, one.unread) for one in cells(composer, jobs)]
    except BadInput as refused:
        return str(refused)


@settings(max_examples=repetitions(3, 60), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(BESIDE_SEEDS), max_size=3, unique=True), st.lists(st.sampled_from(SEEDS), max_size=3))
@example(["network.width=$\\{seed\\}"], ["seed=1", "seed=12"])
@example(["data=seeded"], ["seed=1", "seed=12"])
@example(["data=seeded", "data.examples=300"], ["seed=1", "seed=12"])
@example(["network=seeded"], ["seed=1", "seed=12"])
@example([], ["seed=0", "++seed=3", "seed=12"])
def test_jobs_that_differ_in_their_seeds_become_what_each_becomes_alone(composer, rest, seeds):
    """`data=seeded` and `network=seeded` are a person's own, with an interpolation that leads to the seed."""
    jobs = [[*rest, seed] for seed in seeds] + [[seed, *rest, seeds[0]] for seed in seeds] + [rest]
    alone = [told(composer, [job]) for job in jobs]
    refused = {one for one in alone if isinstance(one, str)}
    together = told(composer, jobs)
    assert together in refused if refused else together == [one for (one,) in alone]


def test_jobs_that_differ_in_their_seeds_are_composed_and_checked_once(loader, master, monkeypatch):
    checked, check = [], compose.run_config
    monkeypatch.setattr(compose, "run_config", lambda values: checked.append(values) or check(values))
    jobs = [[f"seed={seed}", f"network.width={width}"] for width in (4, 8) for seed in range(50)]
    assert [cell.config.seed for cell in cells(Composer(loader, master), jobs)] == 2 * list(range(50))
    assert len(checked) == 2


def test_cells_keep_the_order_and_the_overrides_of_the_jobs(loader, master):
    jobs = [["seed=0", "optimizer=adam"], ["seed=1", "optimizer=sgd"]]
    design = cells(Composer(loader, master), jobs)
    assert [cell.index for cell in design] == [0, 1]
    assert [list(cell.overrides) for cell in design] == jobs
    assert [cell.config.seed for cell in design] == [0, 1]
    assert [cell.config.optimizer.name for cell in design] == ["adam", "sgd"]
    assert design[0].choices == {"data": "digits", "network": "mlp", "optimizer": "adam", "penalty": "none"}


def test_lists_are_swept_over_as_they_are_typed(loader, master):
    jobs = [["network=cnn", f"network.channels={given}"] for given in ("[8,16]", "[4]", "'[4, 8]'")]
    design = cells(Composer(loader, master), jobs)
    assert [cell.factors for cell in design] == [{"network.channels": text} for text in ("[8,16]", "[4]", "[4,8]")]
    assert {(cell.config.network.name, cell.config.network.depth) for cell in design} == {("cnn", 1)}


def test_what_only_networks_of_images_read_has_no_effect_on_others(loader, master):
    (cell,) = cells(Composer(loader, master), [["network.kernel=5"]])
    assert cell.unread["network.kernel"].because == "network=mlp"
    assert cell.unread["network.kernel"].remedy == "network=cnn"
    assert cell.unread["dropout.channel_rate"].because == "network=mlp"


def test_factors_are_what_varies_and_nothing_else(loader, master):
    jobs = [[f"seed={seed}", f"penalty={penalty}", "dropout.rate=0.5"] for seed in (0, 1) for penalty in ("l1", "l2")]
    design = cells(Composer(loader, master), jobs)
    assert [cell.factors for cell in design] == [
        {"seed": 0, "penalty": "l1"},
        {"seed": 0, "penalty": "l2"},
        {"seed": 1, "penalty": "l1"},
        {"seed": 1, "penalty": "l2"},
    ]


def test_factors_have_the_type_of_their_setting(loader, master):
    design = cells(Composer(loader, master), [["dropout.rate=0"], ["dropout.rate=0.5"], ["++dropout.rate=0.25"]])
    assert [cell.factors["dropout.rate"] for cell in design] == [0.0, 0.5, 0.25]
    assert {type(cell.factors["dropout.rate"]) for cell in design} == {float}


def test_a_section_that_is_swept_over_is_told_by_its_settings(loader, master):
    design = cells(Composer(loader, master), [["network={depth: 1, width: 8}"], ["network={depth: 2, width: 8}"]])
    assert [cell.factors for cell in design] == [{"network.depth": 1}, {"network.depth": 2}]


def test_what_an_arm_fixes_is_told_by_the_arm(loader, master):
    arms = {"a": ["network.init=he"], "b": ["network.init=glorot"]}
    jobs = [[f"arm={arm}", *arms[arm], f"network.depth={depth}"] for arm in arms for depth in (1, 2)]
    assert [set(cell.factors) for cell in cells(Composer(loader, master), jobs)] == [{"arm", "network.depth"}] * 4


def test_elastic_shares_its_strength_between_l1_and_l2(loader, master):
    job = ["penalty=elastic", "penalty.strength=0.5", "penalty.l1_ratio=0.25"]
    flat = flatten(cells(Composer(loader, master), [job])[0].config)
    assert flat["penalty.l1"] == 0.125
    assert flat["penalty.l2"] == 0.375


@pytest.mark.parametrize("override", ["penalty.strength=-1", "network.depth=x", "optimizer=nothing", "+unknown=3"])
def test_a_job_that_is_not_allowed_is_refused_by_name(loader, master, override):
    with pytest.raises(BadInput) as caught:
        cells(Composer(loader, master), [["seed=0"], [override]])
    assert override.partition("=")[0].lstrip("+") in str(caught.value)


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["seed=${seed}"], "seed is '${seed}': "),
        (["seed=${nothing}"], "seed is '${nothing}': Interpolation key 'nothing' not found"),
        (["network.width=${oc.env:NOWHERE_SET}"], "network.width is '${oc.env:NOWHERE_SET}': "),
        (["network.width=${nothing:1}"], "network.width is '${nothing:1}': "),
        (["training.epochs=${network.activation}"], "training.epochs is '${network.activation}': "),
        (["seed=3", "network.depth=${network.width}", "network.width=${network.depth}"], "network.depth is "),
    ],
)
def test_an_interpolation_that_leads_to_no_value_is_refused_by_its_key(loader, overrides, said):
    """Also where it is typed for the command as a whole, whose list of overrides is itself a configuration."""
    typed = loader.load_configuration("config", overrides, RunMode.MULTIRUN)
    with pytest.raises(BadInput) as caught:
        cells(Composer(loader, typed), [overrides])
    assert str(caught.value).startswith(said)
    assert "\n" not in str(caught.value)


def test_every_executor_can_be_chosen():
    assert set(SETTINGS["executor"].names()) == set(EXECUTORS)
