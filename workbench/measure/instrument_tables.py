"""The instruments passed to a sweep: they look up a measurement or analysis in its table and run it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from workbench.config import RunConfig
from workbench.config.setting import Value
from workbench.engine.errors import BadInput, in_one_line
from workbench.engine.rules.rule_files import RuleFile, TakenName, read
from workbench.measure.checked_result import checked_result
from workbench.measure.measurement import Analysis, Measurement
from workbench.measure.own_files import OWN_TABLES, rows_of
from workbench.persons_code import MEASURE_FILES
from workbench.sweep.instruments import Measured, Trained


@dataclass(frozen=True)
class InstrumentTables:
    """Implements the protocol `Instruments` of `workbench.sweep.instruments` with two tables.

    `own` says of each row that a person brought, by its name, the file that it came from.
    """

    measurements: dict[str, Measurement]
    analyses: dict[str, Analysis]
    own: dict[str, RuleFile] = field(default_factory=dict)

    def bring(self, folder: Path | None) -> list[str]:
        """Let the rows of the files in a folder join the tables, in place of those that were brought before.

        A file that cannot be used costs its own rows alone: the result is a line to print for each, once in a process.
        Raises TakenName for a name that is taken, since it is unclear which of the two a command means; then no row
        joins.
        """
        self._take_back()
        reasons = []
        for path in sorted(folder.glob("*.py")) if folder else []:
            try:
                if file := read(path, OWN_TABLES):
                    self._add(file)
            except TakenName:
                self._take_back()
                raise
            except BadInput as error:
                reasons.append(str(error))
        return MEASURE_FILES.replace(folder, reasons)

    @property
    def own_files(self) -> set[str]:
        """The names of the files that a person brought, such as "measures/sureness.py"."""
        return {file.name for file in self.own.values()}

    def measure(self, config: RunConfig) -> Measured:
        """The measurement that `config.measure` names. Raises BadInput for whatever one of a person's own raises."""
        row = self.measurements[config.measure]
        return self._taken(config.measure, row.returns, partial(row.measure, config))

    def analyse(self, names: str, trained: Trained) -> Measured:
        """The analyses of a trained run, `names` joined by "+". Raises BadInput for whatever one of a person's own
        raises.
        """
        found = Measured({})
        for name in names.split("+"):
            row = self.analyses[name]
            found |= self._taken(name, row.returns, partial(row.analyse, trained))
        return found

    def is_timing(self, name: str) -> bool:
        """Whether a measurement takes times."""
        return name in self.measurements and self.measurements[name].timing

    def versions(self, decided: Mapping[str, Value]) -> list[int | str]:
        """The versions of the measurement or the analyses of a run, and the digests of the files of a person's own."""
        name, analyses = str(decided.get("measure")), decided.get("analyses")
        asked = [one for one in str(analyses).split("+") if analyses]
        versions: list[int | str] = [self.measurements[name].version] if name in self.measurements else []
        versions += [self.analyses[one].version for one in asked]
        return versions + [self.own[one].digest for one in (name, *asked) if one in self.own]

    def own_among(self, names: str) -> str:
        """Those analyses that a person brought."""
        return "+".join(name for name in names.split("+") if name in self.own)

    def __getstate__(self) -> dict[str, object]:
        """Files stand for the rows of a person's own, whose functions no other process could find."""
        ours = {
            "measurements": {name: row for name, row in self.measurements.items() if name not in self.own},
            "analyses": {name: row for name, row in self.analyses.items() if name not in self.own},
        }
        return {**ours, "files": list(dict.fromkeys(self.own.values()))}

    def __setstate__(self, state: dict[str, object]) -> None:
        files = state.pop("files")
        for name, value in {**state, "own": {}}.items():
            object.__setattr__(self, name, value)
        assert isinstance(files, list)
        for file in files:
            self._add(file)

    def _taken(self, name: str, returns: Sequence[str], take: Callable[[], Measured]) -> Measured:
        if name not in self.own:
            return _as_said(name, returns, take())
        try:
            return checked_result(take(), returns)
        except BadInput as error:
            raise BadInput(f"{self.own[name].name}: {name}: {error}") from error
        except (Exception, SystemExit) as error:
            raise BadInput(f"{self.own[name].name}: {name} raises {in_one_line(error)}") from error

    def _add(self, file: RuleFile) -> None:
        found = rows_of(file, {*self.analyses, *self.measurements})
        self.analyses.update(found.analyses)
        self.measurements.update(found.measurements)
        self.own.update(dict.fromkeys(found.names, file))

    def _take_back(self) -> None:
        for name in self.own:
            self.analyses.pop(name, None)
            self.measurements.pop(name, None)
        self.own.clear()


def _as_said(name: str, returns: Sequence[str], measured: Measured) -> Measured:
    """The measured values. Raises KeyError for a metric that the row does not announce: a programming error."""
    if unknown := set(measured.metrics) - set(returns):
        raise KeyError(f"{name} gave {', '.join(sorted(unknown))}, which its row does not announce")
    return measured
