"""A job becomes a cell with its checked configuration, or is refused in one line that names the key."""

from __future__ import annotations

import pytest
from hydra.types import RunMode

from workbench.config import SETTINGS, flatten
from workbench.engine.errors import BadInput
from workbench.sweep.execution.executors import EXECUTORS
from workbench.sweep.hydra.composing.cells import cells
from workbench.sweep.hydra.composing.composer import Composer


def test_cells_keep_the_order_and_the_overrides_of_the_jobs(loader, master):
    jobs = [["seed=0", "optimizer=adam"], ["seed=1", "optimizer=sgd"]]
    design = cells(Composer(loader, master), jobs)
    assert [cell.index for cell in design] == [0, 1]
    assert [list(cell.overrides) for cell in design] == jobs
    assert [cell.config.seed for cell in design] == [0, 1]
    assert [cell.config.optimizer.name for cell in design] == ["adam", "sgd"]
    assert design[0].choices == {"data": "digits", "network": "mlp", "optimizer": "adam", "penalty": "none"}


def test_what_only_networks_of_images_read_has_no_effect_on_others(loader, master):
    (cell,) = cells(Composer(loader, master), [["network.kernel=5"]])
    assert cell.unread["network.kernel"].because == "network=mlp"
    assert cell.unread["network.kernel"].remedy == "network=cnn"
    assert cell.unread["dropout.channel_rate"].because == "network=mlp"


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
