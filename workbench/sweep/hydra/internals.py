"""Undocumented parts of Hydra and OmegaConf. Only this file uses them.

It is tested with `TESTED_VERSIONS`. Other versions work as long as every part exists. If one is missing, the import of
this module raises BadInput, which names the part, the versions found and those to install.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of
from inspect import signature
from itertools import product
from pathlib import Path
from traceback import walk_tb

from workbench.engine.errors import BadInput
from workbench.untyped import HydraValue, OmegaConfNode, YamlLoader

TESTED_VERSIONS = {"hydra-core": ("1.3.8", "1.4.0rc3"), "omegaconf": ("2.3.1", "2.4.1rc1")}
INSTALL = "hydra-core>=1.3.2,<1.5"  # as in pyproject.toml; it depends on the OmegaConf that fits it
BEHAVES_AS = "1.3"  # the `version_base`, which decides Hydra's rules of working folders and choices


def _incompatible(part: str) -> BadInput:
    """The one-line error for a version of Hydra or OmegaConf that lacks a part."""
    found = " and ".join(f"{package} {_installed(package)}" for package in TESTED_VERSIONS)
    tested = " and ".join(f"{package} {' or '.join(versions)}" for package, versions in TESTED_VERSIONS.items())
    return BadInput(f"found {found}, which have no {part}; tested with {tested}; type pip install '{INSTALL}'")


def _part(error: ImportError) -> str:
    name = re.search(r"cannot import name '(\w+)'", str(error))
    return f"{error.name}.{name[1]}" if name else str(error.name)


def _installed(package: str) -> str:
    try:
        return version_of(package)
    except PackageNotFoundError:
        return "(not installed)"


try:
    from hydra import __version__, version
    from hydra._internal.config_loader_impl import ConfigLoaderImpl
    from hydra._internal.hydra import Hydra
    from hydra._internal.utils import create_config_search_path, get_args_parser
    from hydra.core.config_loader import ConfigLoader
    from hydra.core.config_store import ConfigStore
    from hydra.core.global_hydra import GlobalHydra
    from hydra.core.object_type import ObjectType
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.core.override_parser.types import (
        ChoiceSweep,
        IntervalSweep,
        Override,
        OverrideType,
        Quote,
        QuotedString,
        RangeSweep,
        Sweep,
    )
    from hydra.core.plugins import Plugins
    from hydra.core.utils import JobReturn, JobStatus
    from hydra.errors import HydraException
    from hydra.plugins.launcher import Launcher
    from hydra.types import HydraContext, RunMode, TaskFunction
    from omegaconf import DictConfig, OmegaConf
    from omegaconf import __version__ as omegaconf_version
    from omegaconf.basecontainer import BaseContainer
    from omegaconf.nodes import ValueNode
except ImportError as missing:
    raise _incompatible(_part(missing)) from missing

try:
    from omegaconf._yaml import get_yaml_loader  # type: ignore[import-not-found]  # OmegaConf 2.4
except ImportError:
    try:
        from omegaconf._utils import get_yaml_loader
    except ImportError as missing:
        raise _incompatible("omegaconf._utils.get_yaml_loader") from missing

_USED_PARTS: dict[type, tuple[str, ...]] = {
    ConfigLoaderImpl: (
        "_apply_overrides_to_config", "compute_defaults_list", "list_groups", "load_sweep_config",
    ),
    Hydra: ("create_main_hydra2", "hydra_help", "multirun", "show_cfg", "show_info"),
    Override: (
        "_convert_value", "_get_value_element_as_str", "get_key_element", "get_value_element_as_str", "is_add",
        "is_delete", "is_discrete_sweep", "is_hydra_override", "is_sweep_override", "sweep_iterator",
        "sweep_string_iterator", "value",
    ),
    Plugins: ("instantiate_launcher",),
    BaseContainer: ("_get_node", "_get_node_flag", "_set_flag"),
    ValueNode: ("_set_value", "_value"),
}  # fmt: skip


def missing_part() -> str | None:
    """The first method that we call and that this version lacks, as "Class.method"; None if all exist."""
    every = ((owner, name) for owner, names in _USED_PARTS.items() for name in names)
    return next((f"{owner.__name__}.{name}" for owner, name in every if not hasattr(owner, name)), None)


if part := missing_part():
    raise _incompatible(part)

__all__ = [
    "ChoiceSweep",
    "ConfigLoader",
    "DictConfig",
    "IntervalSweep",
    "JobReturn",
    "JobStatus",
    "Override",
    "OverrideType",
    "OverridesParser",
    "RangeSweep",
    "Sweep",
]


def config_loader(folder: Path) -> ConfigLoader:
    """Hydra's loader over a folder of configuration, and what its search path plugins add."""
    _behave()
    return ConfigLoaderImpl(create_config_search_path(str(folder)))


@contextmanager
def started(folder: Path, name: str) -> Iterator[Hydra]:
    """Hydra set up as by its own `main`, over a folder of configuration. Its global state is cleared at the end."""
    _behave()
    try:
        yield Hydra.create_main_hydra2(name, create_config_search_path(str(folder)))
    finally:
        GlobalHydra.instance().clear()


def multirun(hydra: Hydra, config: str, overrides: Sequence[str], task: TaskFunction) -> None:
    """Compose the command once, then run the sweeper that it chooses.

    Hydra's own `main` composes twice, the first time only to read `hydra.mode`. Ours is always MULTIRUN.
    """
    hydra.multirun(config, task, list(overrides))


def show_configuration(
    hydra: Hydra, config: str, overrides: Sequence[str], kind: str, package: str | None, resolve: bool
) -> None:
    """Print the configuration of a run, or one `package` of it. `kind` is job, hydra or all."""
    hydra.show_cfg(config, list(overrides), kind, package, resolve)


def show_information(hydra: Hydra, config: str, overrides: Sequence[str], topic: str) -> None:
    """Print Hydra's information on a topic of its option --info."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level  # Hydra adds handlers to the root logger and does not remove them
    try:
        hydra.show_info(topic, config, list(overrides), RunMode.MULTIRUN)
    finally:
        root.handlers[:] = before
        root.setLevel(level)


def show_hydra_help(hydra: Hydra, config: str) -> None:
    """Print Hydra's own help."""
    parser = get_args_parser()
    hydra.hydra_help(config, parser, parser.parse_args([]))


def launcher_of(context: HydraContext, task: TaskFunction, config: DictConfig) -> Launcher:
    """The launcher that a configuration chooses, after its setup."""
    return Plugins.instance().instantiate_launcher(hydra_context=context, task_function=task, config=config)


def grid(overrides: Sequence[Override]) -> list[list[str]]:
    """Every combination of the values of some overrides, as the overrides of a job each. The last key changes fastest.

    If two overrides have one key, the later counts, at the place of the first. Raises HydraException for an interval.
    """
    values: dict[str, list[str]] = {}
    for override in overrides:
        key = override.get_key_element()
        if not override.is_sweep_override():
            values[key] = [f"{key}={override.get_value_element_as_str()}"]
        elif override.is_discrete_sweep():
            values[key] = [f"{key}={value}" for value in override.sweep_string_iterator()]
        else:
            raise HydraException(f"{override.input_line}: an interval has no values to list")
    return [list(job) for job in product(*values.values())]


def store(name: str, node: object, group: str | None = None) -> None:
    """Register with Hydra a configuration that is not a file. May be repeated."""
    takes_replace = "replace" in signature(ConfigStore.store).parameters  # Hydra 1.4 requires it
    further = {"replace": True} if takes_replace else {}
    keep: Callable[..., None] = ConfigStore.instance().store  # of either version
    keep(name=name, node=node, group=group, **further)


def store_group(group: str, nodes: Mapping[str, object]) -> None:
    """Register these choices of a group, which are not files, in place of those registered before."""
    ConfigStore.instance().repo.pop(group, None)
    for name, node in nodes.items():
        store(name, node, group)


def options_of(loader: ConfigLoader, group: str) -> list[str]:
    """The choices of a config group and the groups below it; empty if there is no such group."""
    return _listed(loader, group, None)


def choices_of(loader: ConfigLoader, group: str) -> list[str]:
    """The choices of a config group that are files or rows of a table, without the groups below it."""
    return _listed(loader, group, ObjectType.CONFIG)


def _listed(loader: ConfigLoader, group: str, kind: ObjectType | None) -> list[str]:
    """The content of a config group. The loader's own method copies its repository first: 30 ms a call."""
    repository = getattr(loader, "repository", None)
    if repository is None:
        raise _incompatible("ConfigLoaderImpl.repository")
    options: list[str] = repository.get_group_options(group, kind)
    return options


def default_choices(loader: ConfigLoader, config: str) -> set[str]:
    """The config groups that have a default choice in this configuration."""
    defaults = loader.compute_defaults_list(config, [], RunMode.MULTIRUN).defaults
    return {str(item.override_key) for item in defaults if item.override_key is not None}


def apply(overrides: Sequence[Override], config: DictConfig) -> None:
    """Apply overrides to a composed configuration by Hydra's own code."""
    ConfigLoaderImpl._apply_overrides_to_config(list(overrides), config)


def converted(value: HydraValue) -> object:
    """A value of a parsed override as plain Python, without quotes."""
    return Override._convert_value(value)


def written(value: HydraValue) -> str:
    """A value as it would be typed on the command line."""
    return str(Override._get_value_element_as_str(value))


def in_single_quotes(text: str) -> str:
    """A text as one quoted value of Hydra's grammar, whatever characters it holds."""
    return QuotedString(text=text, quote=Quote.single).with_quotes()


def register_resolver(name: str, function: Callable[..., object]) -> None:
    """Register a resolver: `${name:...}` becomes what the function returns. May be repeated."""
    known_as = "register_new_resolver" if omegaconf_version.startswith("2.3") else "register_resolver"
    getattr(OmegaConf, known_as)(name, function, replace=True)


def node_of(config: DictConfig, key: str) -> OmegaConfNode:
    """The node of a key, without its value being resolved."""
    return config._get_node(key)


def value_of_node(node: OmegaConfNode, value: object) -> object:
    """A value converted and checked as if it were assigned to the node. Raises the errors of OmegaConf."""
    node._set_value(value)
    return node._value()


def thaw(config: DictConfig) -> None:
    """Make a structured configuration writable: OmegaConf makes a frozen dataclass read-only."""
    config._set_flag("readonly", None)
    for key in config:
        node = config._get_node(key)
        if isinstance(node, DictConfig):
            thaw(node)


def without_hydra(config: DictConfig) -> None:
    """Delete the node `hydra` from a composed configuration, as Hydra does before it calls a task."""
    flags = {flag: config._get_node_flag(flag) for flag in ("readonly", "struct")}
    for flag in flags:
        config._set_flag(flag, False)
    del config["hydra"]
    for flag, value in flags.items():
        config._set_flag(flag, value)


def file_being_read(error: BaseException) -> str | None:
    """The configuration file that Hydra was reading when this was raised, by its path below the folder; else None."""
    files = [frame.f_locals.get("normalized_config_path") for frame, _ in walk_tb(error.__traceback__)]
    return next((str(file) for file in files if file), None)


def yaml_loader() -> YamlLoader:
    """The class that reads YAML as OmegaConf does. It has its own rule for which plain scalars are numbers."""
    return get_yaml_loader()


def _behave() -> None:
    """Set `version_base` under Hydra 1.3. Hydra 1.4 has one set of rules only, and warns if it is set."""
    if __version__.startswith("1.3"):
        version.setbase(BEHAVES_AS)
