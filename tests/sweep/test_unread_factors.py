"""A setting that nothing reads: refused where it is swept over, said where it has one value, never a factor unread."""

from __future__ import annotations

import numpy as np
import pytest

from tests.sweep.test_command import app, complaint, design, in_an_empty_folder  # noqa: F401
from workbench.engine.errors import BadInput
from workbench.sweep.gone_on_from import Origin
from workbench.sweep.planning.going_on import going_on
from workbench.sweep.planning.plan import identified

REFUSED = {
    ("optimizer.momentum=0,0.9",): "with optimizer=sgd; it is read with optimizer=momentum or nesterov",
    ("optimizer=adagrad,adam", "optimizer.alpha=0.5,0.9"): "with optimizer=adagrad or optimizer=adam; it is read with",
    ("optimizer.schedule_factor=0.9,1",): "with optimizer.schedule=constant; it is read with optimizer.schedule=expo",
    ("network.slope=0.1,0.2",): "with network.activation=relu; it is read with network.activation=leaky_relu or prelu",
    ("network.pieces=2,3",): "it is read with network.activation=maxout",
    ("network.init_scale=1,2",): "it is read with network.init=normal, uniform, truncated or sparse",
    ("penalty.strength=0,0.1",): "with penalty=none; it is read with penalty=decay, elastic, l1, l1_proximal or l2",
    ("penalty=l2", "penalty.l1_ratio=0.1,0.2"): "with penalty=l2; it is read with penalty=elastic",
    ("penalty=l2", "penalty.l2=0.1", "penalty.strength=1,2"): "penalty.strength is swept over, but nothing reads it",
    ("network.depth=0", "dropout.rate=0,0.5"): "with network.depth=0; it is read with network.depth of 1 or more",
    ("data.examples=100,200",): "with data=digits; it is read with data=spirals, blobs or quadratic",
    ("measure=matrix_form", "penalty=none,l1"): "penalty is swept over, but nothing reads it with measure=matrix_form",
    ("measure=matrix_form,thin_networks", "training.epochs=1,2"): "with measure=matrix_form or measure=thin_networks",
}


@pytest.mark.parametrize("arguments", REFUSED, ids=" ".join)
def test_a_sweep_over_what_nothing_reads_is_refused(app, capsys, arguments):  # noqa: F811
    assert REFUSED[arguments] in complaint(capsys, *arguments)
    assert app.calls == []


def said(app, *arguments):  # noqa: F811
    cells, settings = design(app, *arguments)
    return cells, settings.remarks


def test_the_run_that_is_gone_on_from_decides_what_is_read(app):  # noqa: F811
    _, remarks = said(app, f"from_run={'0' * 32}", "data.noise=0.1,0.2", "data.path=own.npz")
    assert remarks == ()


def test_a_run_on_an_npz_file_is_gone_on_from_with_its_path(app):  # noqa: F811
    cells, _ = said(app, f"from_run={'0' * 32}", "training.epochs=9")
    origin = Origin("0" * 32, "f" * 32, {"data.name": "npz"}, "", {"epoch": np.array(2)})
    with pytest.raises(BadInput, match=r"data\.path: found none; from_run=0+ was .* give data\.path again"):
        going_on(cells, lambda *_: origin)


def test_a_single_value_that_nothing_reads_is_said(app):  # noqa: F811
    _, remarks = said(app, "optimizer.momentum=0.5", "optimizer.alpha=0.3", "seed=1,2")
    assert remarks == (
        "optimizer.momentum=0.5: no effect, as nothing reads it with optimizer=sgd; it is read with "
        "optimizer=momentum or nesterov",
        "optimizer.alpha=0.3: no effect, as nothing reads it with optimizer=sgd; it is read with optimizer=rmsprop",
    )
    _, remarks = said(app, "measure=matrix_form", "training.epochs=1", "dropout.rate=0.5")
    assert remarks[0].startswith("training.epochs=1: no effect, as nothing reads it with measure=matrix_form")


def test_cells_that_nothing_read_tells_apart_are_one_run(app):  # noqa: F811
    cells, remarks = said(app, "optimizer=sgd,momentum", "optimizer.momentum=0.5,0.9")
    assert remarks == (
        "1 of 4 cells ask for a run that another cell asks for: optimizer.momentum is not read with optimizer=sgd",
    )
    marks = [cell.fingerprint for cell in identified(cells)]
    assert marks[0] == marks[1]
    assert len(set(marks)) == 3
    assert [cell.numbers["optimizer.momentum"] for cell in identified(cells)] == [0.5, 0.9] * 2  # as it was typed


def test_nothing_is_said_of_what_is_read(app):  # noqa: F811
    for arguments in (["penalty=none,l2", "penalty.strength=0.1"], ["network.depth=0,1", "dropout.rate=0.5"],
                      ["optimizer=adam,adamw"], ["measure=training,memorizers", "data.label_noise=0,0.2"],
                      ["penalty={l1: 0.1}"], ["penalty=l1", "penalty.strength=1,2"]):  # fmt: skip
        assert said(app, *arguments)[1] == ()


def test_what_a_search_varies_is_not_refused_once_it_is_trained(app, monkeypatch):  # noqa: F811
    from workbench.sweep.hydra.launcher import PackedLauncher

    monkeypatch.setattr(PackedLauncher, "searched", True, raising=False)
    monkeypatch.setattr(PackedLauncher, "__init__", lambda self: self.__dict__.update(file_jobs=()))
    _, remarks = said(app, "optimizer.momentum=0,0.9")
    assert remarks[0].startswith("optimizer.momentum: no effect")
