"""Checks of a sweep file: its beginning, its shape, and values that YAML reads differently. Hydra checks none of these.

Values of other choices, such as `conf/optimizer/mine.yaml`, are checked in the same way.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml  # type: ignore[import-untyped]

from workbench import places
from workbench.config import SECTIONS, SETTINGS
from workbench.engine.errors import BadInput
from workbench.sweep.hydra.internals import yaml_loader
from workbench.sweep.hydra.sweep_file import in_the_file
from workbench.sweep.hydra.typed import CONTROLLERS, check_controller, check_hydras

HEADER = "# @package _global_"
NESTED = "is nested too deeply, or an alias (*name) stands within what it stands for"
IN_GRID = "hydra.sweeper.params."


@dataclass(frozen=True)
class Choice:
    """A choice in the `defaults` of a file: the group, the choice, and whether it is written with `override`."""

    group: str
    name: str
    overrides: bool


def check_file(stem: str) -> None:
    """Raise BadInput if the sweep file lacks its header, has another shape, or YAML reads a value as something else.

    A file that is not YAML is left to Hydra, which reports the place.
    """
    if (file := _found(stem)) is not None:
        in_the_file(stem, _check_text, file)


def check_choice(group: str, name: str) -> None:
    """Raise BadInput if YAML reads a value in a person's own file of a choice, or in one it is based on, as another."""
    folder, waiting, seen = places.theirs("conf"), [(group, name)], set()
    while folder is not None and waiting:
        group, name = one = waiting.pop()
        file = places.find(f"conf/{group}", f"{name}.yaml")
        if one in seen or file is None or not file.is_relative_to(folder):
            continue
        seen.add(one)
        try:
            waiting += _check_values(file, group)
        except RecursionError:
            raise BadInput(f"conf/{group}/{name}.yaml: {NESTED}") from None
        except BadInput as error:
            raise BadInput(f"conf/{group}/{name}.yaml: {error}") from error


def _check_values(file: Path, group: str) -> list[tuple[str, str]]:
    """Check the values of a choice's file, and return the choices that it is based on."""
    try:
        text = file.read_text(encoding="utf-8")
        tree = _tree(text)
    except (UnicodeDecodeError, yaml.YAMLError, OSError):
        return []  # Hydra reports the place
    for key, node in _scalars(tree, _package(text, group)):
        _check_scalar(key, node)
    based_on = [item.value for key, node in _entries(tree) if key == "defaults" for item in node.value]
    whole = [base if base.startswith("/") else f"{group}/{base}" for base in based_on if isinstance(base, str)]
    return [(above.strip("/"), name) for above, _, name in (base.rpartition("/") for base in whole)]


def _package(text: str, group: str) -> str:
    """The section that the values of a file belong to."""
    said = re.search(r"^#\s*@package\s+(\S+)", text, re.MULTILINE)
    section = group.replace("/", ".")
    return said[1].replace("_global_", "").replace("_group_", section).lstrip(".") if said else section


def choices_in(stem: str) -> list[Choice]:
    """The choices of the file's `defaults`; none if it cannot be read."""
    try:
        file = _found(stem)
        return list(_choices(_tree(file.read_text(encoding="utf-8")))) if file else []
    except (UnicodeDecodeError, yaml.YAMLError, OSError):
        return []


def _found(stem: str) -> Path | None:
    try:
        return places.find("conf/sweep", f"{stem}.yaml")
    except (OSError, ValueError):  # it cannot be the name of a file
        return None


def _tree(text: str) -> yaml.Node | None:
    return yaml.compose(text.removeprefix("\ufeff"), Loader=yaml_loader())


def _check_text(file: Path) -> None:
    try:
        text = file.read_text(encoding="utf-8")
        tree = _tree(text)
    except (UnicodeDecodeError, yaml.YAMLError, OSError):
        return
    try:
        _check_tree(text, tree)
    except RecursionError:
        raise BadInput(NESTED) from None


def _check_tree(text: str, tree: yaml.Node | None) -> None:
    if text.startswith("\ufeff"):
        raise BadInput("begins with a byte order mark; save it as UTF-8 without one")
    if not re.search(r"^#\s*@package\s+_global_\s*$", text, re.MULTILINE):
        raise BadInput(f"its first line must be {HEADER}; without it Hydra puts the settings elsewhere")
    _check_shape(tree)
    for key, node in _scalars(tree):
        _check_scalar(key, node)
    for section, node in _names_of_choices(tree):
        raise BadInput(
            f"line {node.start_mark.line + 1}: {section}.name would keep what the other choice of {section} sets "
            f"beside its name; write defaults: [override /{section}: {node.value}]"
        )
    for key in _of_hydra(tree):
        check_hydras(key, f"{key}:")
    for choice in _choices(tree):
        if choice.group in CONTROLLERS:
            check_controller(choice.group, choice.name)


def _check_shape(tree: yaml.Node | None) -> None:
    """Refuse a value in place of lines of key: value, and the reverse."""
    _require_lines("the file", tree)
    for key, node in _entries(tree):
        if key == "defaults":
            _require(isinstance(node, yaml.SequenceNode), key, node, "a list, as [override /optimizer: adam]")
        elif key in SECTIONS:
            _require_lines(key, node, nothing=False)
    hydra = dict(_entries(tree)).get("hydra")
    sweeper = dict(_entries(hydra)).get("sweeper")
    _require_lines("hydra", hydra)
    _require_lines("hydra.sweeper", sweeper)
    for key, node in _entries(sweeper):
        if key in ("params", "arms"):
            _require_lines(f"hydra.sweeper.{key}", node)
        if key == "arms" and isinstance(node, yaml.MappingNode):
            for name, _ in node.value:
                _check_name_of_arm(name)


def _require_lines(key: str, node: yaml.Node | None, nothing: bool = True) -> None:
    empty = nothing and (node is None or node.tag.endswith(":null"))
    _require(empty or isinstance(node, yaml.MappingNode), key, node, "lines of key: value")


def _require(fits: bool, key: str, node: yaml.Node | None, allowed: str) -> None:
    if not fits and not _is_interpolation(node):
        assert node is not None
        kind = {yaml.SequenceNode: "a list", yaml.MappingNode: "lines of key: value"}.get(type(node))
        raise BadInput(f"line {node.start_mark.line + 1}: {key} is {kind or node.value or 'empty'}; allowed: {allowed}")


def _is_interpolation(node: yaml.Node | None) -> bool:
    return isinstance(node, yaml.ScalarNode) and "${" in node.value


def _check_name_of_arm(node: yaml.Node) -> None:
    """YAML 1.1 reads the name `no` as false."""
    if isinstance(node, yaml.ScalarNode) and not node.style and node.tag.rpartition(":")[2] != "str":
        read = yaml_loader()("").construct_object(node)
        if str(read) != node.value:
            raise BadInput(
                f"line {node.start_mark.line + 1}: an arm is called {node.value}, which YAML reads as "
                f"{str(read).lower()}; write '{node.value}' for the text"
            )


def _entries(node: yaml.Node | None) -> Iterator[tuple[str, yaml.Node]]:
    """The keys of a mapping, each with its node."""
    for key, value in node.value if isinstance(node, yaml.MappingNode) else []:
        yield str(key.value), value


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
    """The settings of Hydra that a file sets, such as hydra.sweeper.params. Its choices are in its `defaults`."""
    for key, node in tree.value if isinstance(tree, yaml.MappingNode) else []:
        if key.value == "hydra" and isinstance(node, yaml.MappingNode):
            for section, below in node.value:
                inner = below.value if isinstance(below, yaml.MappingNode) else []
                yield from (f"hydra.{section.value}.{name.value}" for name, _ in inner)
                if not inner and section.value != "sweeper":
                    yield f"hydra.{section.value}"


def _choices(tree: yaml.Node | None) -> Iterator[Choice]:
    """The choices of the file's `defaults`."""
    for key, node in _entries(tree):
        if key == "defaults" and isinstance(node, yaml.SequenceNode):
            for item in node.value:
                for group, name in _entries(item):
                    *words, last = group.split() or [""]
                    yield Choice(last.lstrip("/"), str(name.value), "override" in words)


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
