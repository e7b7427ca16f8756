"""Small configurations and trained runs for the tests of what is measured."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from workbench.config import SETTINGS, RunConfig, run_config
from workbench.data import load, prepare
from workbench.engine.training.loop import train
from workbench.sweep.instruments import Trained
from workbench.sweep.planning.identity import engine_pack, numbers

TINY: dict[str, Any] = {
    "device": "cpu",
    "data": {"name": "blobs", "examples": 120},
    "network": {"depth": 2, "width": 6},
    "training": {"epochs": 3, "batch_size": 16},
}


def tiny(**changes: Any) -> RunConfig:
    """A configuration of a moment. `changes` are sections (dicts of settings) or top-level settings."""
    values = {key: dict(value) if isinstance(value, dict) else value for key, value in TINY.items()}
    for key, value in changes.items():
        values[key] = {**values.get(key, {}), **value} if isinstance(value, dict) else value
    return run_config(values)


@lru_cache
def trained(config: RunConfig) -> Trained:
    """The run of a configuration, trained."""
    decided = numbers(config)
    columns = {
        name: np.array([decided.get(key, SETTINGS[key].default)])
        for key, name in {
            "seed": "seed", "network.init": "init", "network.slope": "slope", "training.epochs": "epochs",
            "optimizer.learning_rate": "learning_rate", "optimizer.momentum": "momentum", "penalty.l2": "l2",
            "optimizer.momentum_start": "momentum_start", "dropout.rate": "dropout_rate",
            "dropout.input_rate": "input_dropout_rate", "dropout.map_rate": "map_dropout_rate",
            "dropout.channel_rate": "channel_dropout_rate", "training.patience": "patience",
        }.items()
    }  # fmt: skip
    pack = engine_pack(decided, columns)
    share = config.data
    noise, scaling = np.array([share.label_noise]), [share.scaling]
    data = prepare(load(share), [config.seed], noise, scaling, share.train_size, share.validation, share.test)
    for epoch in train(pack, data):
        if epoch.ended:
            weights, state = epoch.weights([0]), epoch.state()
    return Trained(pack, data, weights, lambda: state)
