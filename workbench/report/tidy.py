"""A sweep as tidy tables for notebooks and scripts: `workbench.load(name)`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING

from workbench.engine.errors import BadInput

if TYPE_CHECKING:
    import pandas as pd

    from workbench.measure.model import Model
    from workbench.report.figures.findings import Findings
    from workbench.report.page.view import View
    from workbench.report.shown import ShownFigures, ShownPage
    from workbench.report.statistics.design import Design
    from workbench.tracking.read import SweepTables

FIRST_ROWS = 8  # of the runs, where a sweep shows itself


@dataclass(frozen=True)
class Sweep:
    """A sweep in three tables, joined by `cell`, the number of a cell in the order in which the command asks for it.

    `runs`, one row a cell:
        cell, name         its number, and a name a person can read ("relu d4 adam s3")
        outcome, reason    finished, diverged, failed or pending, and why ("" if there is nothing to say)
        reused, run_id     whether another sweep trained it; its run in MLflow
        fingerprint, pack  identity of the run and of the pack it trained in
        overrides          what distinguishes the cell on the command line
        network.depth, ... every setting that decides numbers, and every swept key, under its dotted name
        best_*, last_*     losses and accuracies (0 to 1) at the epoch with the best validation loss, and at the last
        best_epoch, epochs that epoch, and how many were trained; seconds: the run's share of its pack's time
        started, ended     unix seconds; processor: the one that trained it, and how wide its vectors are

    `histories`, one row a cell and epoch (epoch 0 is the untrained network): cell, epoch, train_loss, train_accuracy,
    validation_loss, validation_accuracy, test_loss, test_accuracy, learning_rate, and whatever else was recorded.

    `probes`, one row a cell, epoch, layer (1 is the first, the last is the output) and probe: cell, epoch, layer,
    probe, value.

    `facts` say where the numbers come from (command, commit, versions, device, started ...), `factors` are the swept
    keys. What the page shows is made when it is asked for: `effects`, `verdicts`, `figures`, `page`.
    """

    name: str
    runs: pd.DataFrame
    histories: pd.DataFrame
    probes: pd.DataFrame
    facts: dict[str, str]
    factors: tuple[str, ...]
    tables: SweepTables
    uri: str | None = None

    @property
    def design(self) -> Design:
        """The sweep's factors with their levels, as the statistics of `effects` and the page take them."""
        from workbench.report.statistics.design import read

        return read(self.tables)

    def effects(self, metric: str | None = None) -> pd.DataFrame:
        """What each factor did to a metric (default: the page's main one), the largest effect first: a row a level.

        Columns: factor, level, runs, mean, low, high. Means are over seeds and matched runs, low and high their 95 %
        intervals. Raises BadInput for a metric that no run has.
        """
        import pandas as pd

        from workbench.report.statistics.effects import main_effects

        design, columns = self.design, ["factor", "level", "runs", "mean", "low", "high"]
        asked = metric or design.main
        if asked not in design.runs or design.runs[asked].dtype.kind not in "fiub":
            known = [name for name in map(str, self.runs) if name.startswith(("best_", "last_"))]
            raise BadInput(f"metric: found {asked!r:.80}; allowed: a column of numbers of runs, as {', '.join(known)}")
        rows = [
            (effect.factor.key, level.label, level.runs, level.mean, level.interval.low, level.interval.high)
            for effect in main_effects(design, asked)
            for level in effect.levels
        ]
        return pd.DataFrame(rows, columns=columns)

    @property
    def verdicts(self) -> pd.DataFrame:
        """A row a claim of its sweep file: claim, statement, verdict, effect, low, high, seeds, sentence."""
        import pandas as pd

        columns = ["claim", "statement", "verdict", "effect", "low", "high", "seeds", "sentence"]
        rows = [
            (claim.id, claim.statement, one.verdict, one.effect, one.interval.low, one.interval.high, one.n,
             one.sentence)
            for claim, one in self._findings.judged
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=columns)

    @property
    def figures(self) -> ShownFigures:
        """The figures of its page by name. Each shows itself in a notebook, and `.save("depth.pdf")` writes it."""
        from workbench.report.page.figure_files import named_figures
        from workbench.report.shown import ShownFigure, ShownFigures, told_apart

        every = [(about, ShownFigure(figure)) for about, figure in named_figures(self._view)]
        names = [about if one.title in ("figure", about) else f"{about}: {one.title}" for about, one in every]
        return ShownFigures(dict(zip(told_apart(names), (one for _, one in every), strict=True)))

    @property
    def page(self) -> ShownPage:
        """Its page, made from these tables: shows itself in a notebook, and `.save(file)` writes it."""
        from workbench.report.page.sweep import html
        from workbench.report.shown import ShownPage

        return ShownPage(self.name, html(self._view))

    def model(self, cell: int) -> Model:
        """The trained network of a cell, if it was asked to keep it (analyses=model). Raises BadInput."""
        from workbench.tracking.models import load_run

        mine = self.runs[self.runs["cell"] == cell]
        if not len(mine):
            raise BadInput(f"cell: found {cell!r:.20}; this sweep has 0 to {len(self.runs) - 1}")
        return load_run(str(mine["run_id"].iloc[0]), self.uri)

    @cached_property
    def _findings(self) -> Findings:
        from workbench.report.page.sweep import found
        from workbench.report.rebuild import experiment_of_tables

        experiment = experiment_of_tables(self.tables)
        return found(self.tables, experiment.claims, figures=experiment.figures)

    @cached_property
    def _view(self) -> View:
        from workbench.report.page.view import view

        return view(self._findings)

    def __repr__(self) -> str:
        return (
            f"{self.name}: {self._counts()}; tables: runs, histories, probes; also effects(), verdicts, figures, page"
        )

    def _counts(self) -> str:
        from workbench.report.statistics.design import counts
        from workbench.report.wording import plural

        outcomes = ", ".join(f"{count:,} {name}" for name, count in counts(self.runs).items() if count)
        return f"{plural(len(self.runs), 'run')}: {outcomes}"

    def _repr_html_(self) -> str:
        keys = [key for key in (*self.factors, *self.design.headlines) if key in self.runs]
        columns = list(dict.fromkeys(["cell", "name", "outcome", *keys]))
        shown = self.runs[columns].head(FIRST_ROWS).to_html(index=False, border=0)
        more = f"<p>and {len(self.runs) - FIRST_ROWS:,} more in <code>.runs</code></p>" * (len(self.runs) > FIRST_ROWS)
        return (
            f"<h4>{escape(self.name)}</h4><p>{escape(self._counts())}</p>{shown}{more}"
            "<p><code>.page</code>, <code>.figures</code>, <code>.effects()</code> and <code>.verdicts</code> show "
            "what came out</p>"
        )


def load(name: str, uri: str | None = None) -> Sweep:
    """The latest sweep called `name` from the store at `uri` (default: the environment's, else mlflow.db here).

    What the working folder has in `rules/` and `measures/` joins our tables, so that the page names it. Raises BadInput
    if the store cannot be read or holds no such sweep, or if a row of that folder has a name that is taken.
    """
    from workbench.measure.own_rows import bring_own_rows
    from workbench.tracking.read import load as read_tables

    if not isinstance(name, str):
        raise BadInput(f"name: found {name!r:.80}; allowed: the name of a sweep, as a text")
    tables = read_tables(name, uri)
    bring_own_rows()
    return tidy(tables, uri)


def tidy(tables: SweepTables, uri: str | None = None) -> Sweep:
    """The tables of the store at `uri` under the names that a reader looks for."""
    return Sweep(
        tables.name,
        tables.runs,
        tables.epochs.drop(columns="fingerprint", errors="ignore"),
        tables.layers.drop(columns="fingerprint", errors="ignore"),
        dict(tables.facts),
        tuple(tables.factors),
        tables,
        uri,
    )
