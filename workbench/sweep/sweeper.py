"""The sweeper: one command's grid of jobs, all handed to the launcher at once.

Hydra's own sweeper composes every job to see whether it can be composed; the launcher composes each of them anyway,
before anything is trained, so that is left out. It also writes a folder for every sweep, which ours does not need.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override

from workbench.engine.errors import BadInput
from workbench.sweep.departures import seedless
from workbench.sweep.launcher import PackedLauncher


class GridSweeper(BasicSweeper):
    """Hydra's grid, plus arms: named lists of overrides for designs that are not a full grid.

    A sweep file holds `hydra.sweeper.params`, key -> values as they are typed on the command line, and, where it has
    them, `hydra.sweeper.arms`, name -> overrides. Every arm is crossed with the params, and its name stands in the
    setting `arm`. The command line wins over an arm, an arm over the params; `arm=a,b` takes only those arms.
    """

    def __init__(self, params: Mapping[str, Any], arms: Mapping[str, Sequence[str]]) -> None:
        super().__init__(max_batch_size=None, params={key: typed(value) for key, value in params.items()})
        self.arms = arms

    def sweep(self, arguments: list[str]) -> Any:
        """Launch every job of the sweep in one batch; `arguments` are the overrides of the command line."""
        if not isinstance(self.launcher, PackedLauncher):
            raise BadInput("hydra/launcher is not ours; allowed: packed (who trains is chosen by executor=)")
        refuse_several_sweeps(self._parse(arguments))
        of_the_file = [typed for typed in arguments if typed.startswith("+sweep=")]
        if of_the_file and len(arguments) > len(of_the_file):
            self.launcher.file_jobs = seedless(self.jobs(of_the_file))
        return [self.launcher.launch(self.jobs(arguments), initial_job_idx=0)]

    def jobs(self, arguments: list[str]) -> list[list[str]]:
        """The overrides of every job, in the order of the grid: the last key changes fastest."""
        if not self.arms:
            return self._grid(self._parse_config() + arguments)
        parsed = self._parse(arguments)
        asked = [value for argument in parsed if argument.key_or_group == "arm" for value in _values(argument)]
        if strangers := [name for name in asked if name not in self.arms]:
            raise BadInput(f"arm is {strangers[0]!r}; allowed: one of {', '.join(self.arms)}")
        typed_last = [str(argument.input_line) for argument in parsed if argument.key_or_group != "arm"]
        jobs: list[list[str]] = []
        for name in [name for name in self.arms if name in (asked or self.arms)]:
            jobs += self._grid([*self._parse_config(), f"arm={name}", *self.arms[name], *typed_last])
        return jobs

    def _grid(self, overrides: list[str]) -> list[list[str]]:
        return self.split_arguments(self._parse(overrides), None)[0]

    def _parse(self, overrides: list[str]) -> list[Override]:
        assert self.hydra_context is not None
        return OverridesParser.create(config_loader=self.hydra_context.config_loader).parse_overrides(overrides)


def typed(value: Any) -> str:
    """A value of a sweep file as it would be typed on the command line; a list is swept over, `[1, 2]` as `1,2`."""
    if isinstance(value, str):
        return value
    if isinstance(value, Sequence):
        return ",".join(typed(item) for item in value)
    return Override._get_value_element_as_str(value)


def refuse_several_sweeps(arguments: Sequence[Override]) -> None:
    """Hydra would read `+sweep=a,b` as a grid of two files and forget the grids within them."""
    for argument in arguments:
        if argument.key_or_group == "sweep" and argument.is_sweep_override():
            commands = " and ".join(f"+sweep={name}" for name in _values(argument))
            raise BadInput(f"{argument.input_line} is more than one sweep; ask for one after the other: {commands}")


def _values(argument: Override) -> list[str]:
    return list(argument.sweep_string_iterator()) if argument.is_sweep_override() else [str(argument.value())]
