"""Registers what Hydra needs to compose our `conf/`: its folder, the schema, and two resolvers for the penalties."""

from __future__ import annotations

from functools import lru_cache

from omegaconf import DictConfig, OmegaConf

from workbench import places
from workbench.config import SECTIONS, RunConfig
from workbench.sweep.hydra.internals import ConfigLoader, config_loader, register_resolver, store, store_group, thaw

PENALTY_STRENGTH = 1e-3  # the default for a penalty without a file in conf/penalty


def register() -> None:
    """Store the schema under the name that the `defaults` of `conf/config.yaml` begin with. May be repeated."""
    _store_schema(tuple(SECTIONS.values()))
    register_resolver("share", lambda whole, ratio: whole * ratio)
    register_resolver("rest", lambda whole, ratio: whole * (1 - ratio))


def register_rows() -> None:
    """Register every optimizer and penalty as a choice, so that a row needs no file in `conf/`. May be repeated, also
    in another folder or after a row was removed.
    """
    from workbench.engine.rules.optimizers import OPTIMIZERS
    from workbench.engine.rules.penalties import PENALTIES

    register()
    nodes: dict[str, dict[str, dict[str, object]]] = {
        "optimizer": {
            name: {"name": name, "learning_rate": row.learning_rate} for name, row in OPTIMIZERS.items()
        },
        "penalty": {
            name: {"name": name, "strength": PENALTY_STRENGTH, name: "${penalty.strength}"} for name in PENALTIES
        },
    }  # fmt: skip
    offered = [
        (group, name, tuple(node.items()))
        for group, rows in nodes.items()
        for name, node in rows.items()
        if not places.find(f"conf/{group}", f"{name}.yaml")
    ]
    _store_rows(tuple(nodes), tuple(offered))


@lru_cache(maxsize=1)
def _store_schema(_sections: tuple[type, ...]) -> None:
    """Store the schema of these sections, unless it was the last one stored."""
    store("schema", schema())


@lru_cache(maxsize=1)
def _store_rows(groups: tuple[str, ...], offered: tuple[tuple[str, str, tuple[tuple[str, object], ...]], ...]) -> None:
    """Store the rows (group, name, node) of these groups, unless they were the last ones stored."""
    for group in groups:
        store_group(group, {name: dict(node) for of, name, node in offered if of == group})


def loader() -> ConfigLoader:
    """Hydra's loader over our `conf` folder and a person's own, and the schema of the present settings."""
    register()  # what was stored last may have settings of rules that are gone
    return config_loader(places.ours("conf"))


def schema() -> DictConfig:
    """The defaults of `RunConfig`, typed: OmegaConf refuses other keys and other types."""
    config: DictConfig = OmegaConf.structured(RunConfig(**{name: section() for name, section in SECTIONS.items()}))
    thaw(config)  # the dataclasses are frozen for the resolved run, but composing must write
    return config
