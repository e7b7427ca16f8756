"""What Hydra must know before it can compose our `conf/`.

Where it lies, the schema, and two functions for the penalties.
"""

from __future__ import annotations

from typing import Any

from hydra import version
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.utils import create_config_search_path
from hydra.core.config_loader import ConfigLoader
from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf

from workbench import places
from workbench.config import SECTIONS, RunConfig

HYDRA_BEHAVES_AS = "1.3"
PENALTY_STRENGTH = 1e-3  # of a penalty without a file in conf/penalty


def register() -> None:
    """Store the schema under the name that `conf/config.yaml` begins with. May be repeated."""
    ConfigStore.instance().store(name="schema", node=schema())
    OmegaConf.register_new_resolver("share", lambda whole, ratio: whole * ratio, replace=True)
    OmegaConf.register_new_resolver("rest", lambda whole, ratio: whole * (1 - ratio), replace=True)


def register_rows() -> None:
    """Offer every optimizer and penalty as a choice: a row needs no file in `conf/`. May be repeated."""
    from workbench.engine.rules.optimizers import OPTIMIZERS
    from workbench.engine.rules.penalties import PENALTIES

    register()
    nodes: dict[str, dict[str, dict[str, Any]]] = {
        "optimizer": {
            name: {"name": name, "learning_rate": row.learning_rate} for name, row in OPTIMIZERS.items()
        },
        "penalty": {
            name: {"name": name, "strength": PENALTY_STRENGTH, name: "${penalty.strength}"} for name in PENALTIES
        },
    }  # fmt: skip
    for group, rows in nodes.items():
        for name, node in rows.items():
            if not places.find(f"conf/{group}", f"{name}.yaml"):
                ConfigStore.instance().store(group=group, name=name, node=node)


def loader() -> ConfigLoader:
    """Hydra's loader over our `conf` folder and a person's own."""
    version.setbase(HYDRA_BEHAVES_AS)
    return ConfigLoaderImpl(create_config_search_path(str(places.ours("conf"))))


def schema() -> DictConfig:
    """The defaults of `RunConfig`, typed: OmegaConf refuses other keys and other types."""
    config: DictConfig = OmegaConf.structured(RunConfig(**{name: section() for name, section in SECTIONS.items()}))
    _thaw(config)
    return config


def _thaw(config: DictConfig) -> None:
    # OmegaConf makes a frozen dataclass read-only; what is frozen is the resolved run, not its composition.
    config._set_flag("readonly", None)
    for key in config:
        node = config._get_node(key)
        if isinstance(node, DictConfig):
            _thaw(node)
