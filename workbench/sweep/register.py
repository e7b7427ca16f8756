"""What Hydra must know before it can compose our `conf/`.

Where it lies, the schema, and two functions for the penalties.
"""

from __future__ import annotations

from hydra import version
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.utils import create_config_search_path
from hydra.core.config_loader import ConfigLoader
from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf

from workbench import places
from workbench.config import SECTIONS, RunConfig
from workbench.engine.rules.optimizers import OPTIMIZERS
from workbench.engine.rules.penalties import PENALTIES

HYDRA_BEHAVES_AS = "1.3"


def register() -> None:
    """Store the schema under the name that `conf/config.yaml` begins with. May be repeated."""
    store = ConfigStore.instance()
    store.store(name="schema", node=schema())
    for name, row in OPTIMIZERS.items():
        store.store(group="optimizer", name=name, node={"name": name, "learning_rate": row.learning_rate})
    for name in PENALTIES:
        if not places.find("conf/penalty", f"{name}.yaml"):
            node = {"name": name, "strength": 1e-3, name: "${penalty.strength}"}
            store.store(group="penalty", name=name, node=node)
    OmegaConf.register_new_resolver("share", lambda whole, ratio: whole * ratio, replace=True)
    OmegaConf.register_new_resolver("rest", lambda whole, ratio: whole * (1 - ratio), replace=True)


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
