"""The sweeper: makes the jobs of one command's grid and passes them all to the launcher at once.

Hydra's own sweeper composes every job as a check and writes a folder for every sweep. This one does neither: the
launcher composes all jobs before anything is trained.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from difflib import get_close_matches

from hydra.errors import HydraException
from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from workbench.engine.errors import BadInput
from workbench.sweep.hydra.complain import diagnose
from workbench.sweep.hydra.internals import (
    JobReturn,
    Override,
    OverridesParser,
    converted,
    grid,
    in_single_quotes,
    launcher_of,
)
from workbench.sweep.hydra.launcher import PackedLauncher
from workbench.sweep.hydra.sweep_file import arms_of, in_the_file, named, params_of
from workbench.sweep.hydra.typed import check, refuse_too_many


class GridSweeper(Sweeper):
    """Every combination of the values given, plus arms: named lists of overrides for designs that are not a full grid.

    A sweep file holds `hydra.sweeper.params`, key -> values as they are typed on the command line. It may hold
    `hydra.sweeper.arms`, name -> overrides. Every arm is crossed with the params, and its name is the value of the
    setting `arm`. The command line wins over an arm, an arm over the params; `arm=a,b` takes only those arms.
    """

    def __init__(self, params: object, arms: object, **others: object) -> None:
        self.hydra_context: HydraContext | None = None
        self.config: DictConfig | None = None
        self.launcher: Launcher | None = None
        self.given, self.given_arms, self.others = params, arms, others  # checked later: Hydra wraps errors here

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Hydra's hook before `sweep`."""
        self.hydra_context, self.config = hydra_context, config
        self.launcher = launcher_of(hydra_context, task_function, config)

    def sweep(self, arguments: list[str]) -> list[Sequence[JobReturn]]:
        """Launch every job of the sweep in one batch; `arguments` are the overrides of the command line."""
        if not isinstance(self.launcher, PackedLauncher):
            raise BadInput("hydra/launcher is not Workbench's; allowed: packed (who trains is chosen by executor=)")
        refuse_several_sweeps(self._parse(arguments))
        self._check_file()
        of_the_file = [typed for typed in arguments if typed.startswith("+sweep=")]
        if of_the_file and len(arguments) > len(of_the_file):
            self.launcher.file_jobs = self.jobs(of_the_file)
        return [self.launcher.launch(self.jobs(arguments), initial_job_idx=0)]

    @property
    def arms(self) -> dict[str, list[str]]:
        """The arms by their names, each as its overrides."""
        return in_the_file(self._stem(), arms_of, self.given_arms)

    def jobs(self, arguments: list[str]) -> list[list[str]]:
        """The overrides of every job, in the order of the grid: the last key changes fastest."""
        parsed = self._parse(arguments)
        asked = [value for argument in parsed if argument.key_or_group == "arm" for value in _values(argument)]
        arms = self.arms
        if asked and not arms:
            raise BadInput(
                f"arm is {asked[0]!r}; this sweep has no arms: they stand in a sweep file, hydra.sweeper.arms"
            )
        if not arms:
            return self._grid(self._parse_config() + arguments)
        if strangers := [name for name in asked if name not in arms]:
            raise BadInput(f"arm is {strangers[0]!r}; allowed: one of {', '.join(arms)}")
        typed_last = [str(argument.input_line) for argument in parsed if argument.key_or_group != "arm"]
        jobs: list[list[str]] = []
        for name in [name for name in arms if name in (asked or arms)]:
            jobs += self._grid([*self._parse_config(), _arm(name), *arms[name], *typed_last])
        return jobs

    def _check_file(self) -> None:
        """Raise BadInput for an error in the sweep file; it begins with the file's name."""
        if self.others:
            close = get_close_matches(next(iter(self.others)), ("params", "arms"), n=1)
            guess = f"; did you mean {close[0]}?" if close else "; allowed: params, arms"
            raise BadInput(
                f"{named(self._stem())}hydra.sweeper.{next(iter(self.others))} is not a setting of a sweep{guess}"
            )
        every = [*self._parse_config(), *(text for arm in self.arms.values() for text in arm)]
        in_the_file(self._stem(), self._check_each, every)

    def _check_each(self, overrides: Sequence[str]) -> None:
        assert self.hydra_context is not None
        check(overrides)
        for text in dict.fromkeys(overrides):
            diagnose(text, self.hydra_context.config_loader)

    def _parse_config(self) -> list[str]:
        """`hydra.sweeper.params` as overrides."""
        return in_the_file(self._stem(), params_of, self.given)

    def _stem(self) -> str | None:
        assert self.config is not None
        return self.config.hydra.runtime.choices.get("sweep")

    def _grid(self, overrides: list[str]) -> list[list[str]]:
        parsed = self._parse(overrides)
        refuse_too_many(parsed)
        return grid(parsed)

    def _parse(self, overrides: list[str]) -> list[Override]:
        assert self.hydra_context is not None
        return OverridesParser.create(config_loader=self.hydra_context.config_loader).parse_overrides(overrides)


def refuse_several_sweeps(arguments: Sequence[Override]) -> None:
    """Raise BadInput for `+sweep=a,b`: Hydra would sweep over the two files and ignore the grids within them."""
    for argument in arguments:
        if argument.key_or_group == "sweep" and argument.is_sweep_override():
            commands = " and ".join(shlex.quote(f"+sweep={name}") for name in _values(argument))
            raise BadInput(f"{argument.input_line} is more than one sweep; ask for one after the other: {commands}")


def _values(argument: Override) -> list[str]:
    """The values that an override gives, without quotes."""
    if not argument.is_sweep_override():
        return [str(argument.value())]
    return [str(converted(value)) for value in argument.sweep_iterator()]


def _arm(name: str) -> str:
    """The override that sets the arm, in quotes if Hydra would read the name as something else without them."""
    plain = f"arm={name}"
    try:
        override = OverridesParser.create().parse_override(plain)
    except HydraException:
        return f"arm={in_single_quotes(name)}"
    as_it_is = not override.is_sweep_override() and override.value() == name
    return plain if as_it_is else f"arm={in_single_quotes(name)}"
