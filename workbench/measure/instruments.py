"""The instruments passed to a sweep: they look up a measurement or analysis in its table and run it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from workbench.config import RunConfig
from workbench.config.setting import Value
from workbench.measure.measurement import Analysis, Measurement
from workbench.sweep.measures import Measured, Trained


@dataclass(frozen=True)
class InstrumentTables:
    """Implements the protocol `Instruments` of `workbench.sweep.measures` with two tables."""

    measurements: Mapping[str, Measurement]
    analyses: Mapping[str, Analysis]

    def measure(self, config: RunConfig) -> Measured:
        """The measurement that `config.measure` names."""
        row = self.measurements[config.measure]
        return _as_said(config.measure, row.returns, row.measure(config))

    def analyse(self, names: str, trained: Trained) -> Measured:
        """The analyses of a trained run, `names` joined by "+"."""
        found = Measured({})
        for name in names.split("+"):
            row = self.analyses[name]
            found |= _as_said(name, row.returns, row.analyse(trained))
        return found

    def is_timing(self, name: str) -> bool:
        """Whether a measurement takes times."""
        return name in self.measurements and self.measurements[name].timing

    def versions(self, decided: Mapping[str, Value]) -> list[int]:
        """The versions of the measurement or the analyses of a run."""
        name, analyses = str(decided.get("measure")), decided.get("analyses")
        own = [self.measurements[name].version] if name in self.measurements else []
        return own + [self.analyses[one].version for one in (str(analyses).split("+") if analyses else ())]


def _as_said(name: str, returns: Sequence[str], measured: Measured) -> Measured:
    """The measured values. Raises KeyError for a metric that the row does not announce: a programming error."""
    if unknown := set(measured.metrics) - set(returns):
        raise KeyError(f"{name} gave {', '.join(sorted(unknown))}, which its row does not announce")
    return measured
