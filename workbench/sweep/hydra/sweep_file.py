"""Sweep files: the grid and the arms as overrides, and checks before Hydra reads the file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import yaml  # type: ignore[import-untyped]

from workbench import places
from workbench.config import SETTINGS
from workbench.engine.errors import BadInput
from workbench.sweep.hydra.internals import written, yaml_loader
from workbench.sweep.hydra.typed import CONTROLLERS, check_controller, check_hydras

Given = TypeVar("Given")
Found = TypeVar("Found")
HEADER = "# @package _global_"
IN_GRID = "hydra.sweeper.params."


def named(stem: str | None) -> str:
    """The file's name, for the beginning of an error."""
    return f"conf/sweep/{stem}.yaml: " if stem else ""


def in_the_file(stem: str | None, do: Callable[[Given], Found], given: Given) -> Found:
    """Call `do` on a part of a sweep file; its errors begin with the file's name."""
    try:
        return do(given)
    except BadInput as error:
        raise BadInput(f"{named(stem)}{error}") from error


def params_of(given: object) -> list[str]:
    """`hydra.sweeper.params` as overrides; a mapping within it is a section, nothing is no grid."""
    if given is None:
        return []
    if not isinstance(given, Mapping):
        raise BadInput(f"hydra.sweeper.params is {given!r}; allowed: lines of key: values")
    return [f"{key}={typed(value)}" for key, value in _leaves(given)]


def arms_of(given: object) -> dict[str, list[str]]:
    """`hydra.sweeper.arms`: name -> overrides, which may stand there as a list, as key: value, or as one."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise BadInput(f"hydra.sweeper.arms is {given!r}; allowed: lines of name: [key=value, ...]")
    for name in map(str, given):
        if not name.strip() or not name.isprintable():
            raise BadInput(f"an arm is called {name!r}; allowed: a name of printable characters")
    return {str(name): list(_overrides(str(name), arm)) for name, arm in given.items()}


def _overrides(name: str, arm: object) -> Iterator[str]:
    if isinstance(arm, str):
        yield arm
    elif isinstance(arm, Mapping):
        yield from (f"{key}={typed(value)}" for key, value in _leaves(arm))
    elif isinstance(arm, Sequence):
        for part in arm:
            yield from _overrides(name, part)
    elif arm is not None:
        raise BadInput(f"arm {name!r} is {arm!r}; allowed: [key=value, ...]")


def typed(value: object) -> str:
    """A value of a sweep file as it would be typed on the command line; a list is swept over, `[1, 2]` as `1,2`, and
    what it holds may be lists, `[[1, 2], [3]]` as `[1,2],[3]`.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, Sequence):
        return ",".join(f"[{typed(item)}]" if _is_list(item) else typed(item) for item in value)
    return written(value)


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _leaves(given: Mapping[object, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    for key, value in given.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def check_file(stem: str) -> None:
    """Raise BadInput if the sweep file does not begin as it must, or YAML reads a value as something else.

    A file that is no YAML at all is left to Hydra, which reports the place.
    """
    try:
        file = places.find("conf/sweep", f"{stem}.yaml")
    except (OSError, ValueError):  # no name of a file
        return
    if file is None:
        return
    in_the_file(stem, _check_text, file)


def _check_text(file: Path) -> None:
    try:
        text = file.read_text(encoding="utf-8")
        tree = yaml.compose(text.removeprefix("\ufeff"), Loader=yaml_loader())
    except (UnicodeDecodeError, yaml.YAMLError, OSError):
        return
    if text.startswith("\ufeff"):
        raise BadInput("begins with a byte order mark; save it as UTF-8 without one")
    if not re.search(r"^#\s*@package\s+_global_\s*$", text, re.MULTILINE):
        raise BadInput(f"its first line must be {HEADER}; without it Hydra puts the settings elsewhere")
    for key, node in _scalars(tree):
        _check_scalar(key, node)
    for section, node in _names_of_choices(tree):
        raise BadInput(
            f"line {node.start_mark.line + 1}: {section}.name would keep what the other choice of {section} sets "
            f"beside its name; write defaults: [override /{section}: {node.value}]"
        )
    for key in _of_hydra(tree):
        check_hydras(key, f"{key}:")
    for group, name in _choices(tree):
        if group in CONTROLLERS:
            check_controller(group, name)


def _check_scalar(key: str, node: yaml.ScalarNode) -> None:
    """Refuse scalars with a surprising value: YAML 1.1 reads 010 as 8, 1:30 as 90 and no as false."""
    line = f"line {node.start_mark.line + 1}: {key} is {node.value}"
    kind = node.tag.rpartition(":")[2]
    setting = SETTINGS.get(key.removeprefix(IN_GRID))
    wants_text = setting is not None and setting.kind is str
    if kind in ("int", "float") and (wants_text or re.fullmatch(r"[-+]?0[0-9_]+|.*:.*", node.value)):
        read = yaml_loader()("").construct_object(node)
        if str(read) != node.value:
            raise BadInput(f"{line}, which YAML reads as {read}; write {read}, or '{node.value}' for the text")
    if kind == "bool" and wants_text:
        read = node.value.lower() in ("yes", "on", "true", "y")
        raise BadInput(f"{line}, which YAML reads as {str(read).lower()}; write '{node.value}' for the text")


def _names_of_choices(tree: yaml.Node | None) -> Iterator[tuple[str, yaml.Node]]:
    """Sections in which a file sets `name`, as in `optimizer: {name: adam}`, each with the node of the name."""
    for section, node in tree.value if isinstance(tree, yaml.MappingNode) else []:
        if f"{section.value}.name" in SETTINGS and isinstance(node, yaml.MappingNode):
            yield from ((section.value, name) for key, name in node.value if key.value == "name")


def _of_hydra(tree: yaml.Node | None) -> Iterator[str]:
    """The settings of Hydra's that a file sets, as hydra.sweeper.params; its choices stand in its `defaults`."""
    for key, node in tree.value if isinstance(tree, yaml.MappingNode) else []:
        if key.value == "hydra" and isinstance(node, yaml.MappingNode):
            for section, below in node.value:
                inner = below.value if isinstance(below, yaml.MappingNode) else []
                yield from (f"hydra.{section.value}.{name.value}" for name, _ in inner)
                if not inner and section.value != "sweeper":
                    yield f"hydra.{section.value}"


def _choices(tree: yaml.Node | None) -> Iterator[tuple[str, str]]:
    """The choices of the file's `defaults`: group, name."""
    for key, node in tree.value if isinstance(tree, yaml.MappingNode) else []:
        if key.value == "defaults" and isinstance(node, yaml.SequenceNode):
            for item in node.value:
                for group, name in item.value if isinstance(item, yaml.MappingNode) else []:
                    yield group.value.split()[-1].lstrip("/"), str(name.value)


def _scalars(node: yaml.Node | None, prefix: str = "") -> Iterator[tuple[str, yaml.ScalarNode]]:
    """The plain scalars of a file, unquoted, each with its dotted key."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _scalars(value, f"{prefix}.{key.value}" if prefix else str(key.value))
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _scalars(item, prefix)
    elif isinstance(node, yaml.ScalarNode) and not node.style:  # None of PyYAML's loader, "" of libyaml's
        yield prefix, node
