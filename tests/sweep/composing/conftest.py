"""Hydra's loader, what it composes for a command, and our composer over both."""

from __future__ import annotations

import pytest
from hydra.types import RunMode

from workbench.sweep.hydra.composing.composer import Composer
from workbench.sweep.hydra.register import loader as load


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
