"""What an experiment file of your own imports: claims with the rules that decide them, and figures for their page.

See docs/add-a-claim.md. `experiments/NAME.py` in the working folder decides what `conf/sweep/NAME.yaml` runs: it holds
`CLAIMS`, a list of `Claim`, and `FIGURES`, a list of `Figure`, if any.
"""

from workbench.report.figures.drawings import Drawing, Heat, Lines
from workbench.report.figures.figure import Figure
from workbench.report.figures.measured import NothingHeld, melted, rows_of, table
from workbench.report.figures.named_rows import Rows
from workbench.report.figures.networks import parameters_by_cell
from workbench.report.figures.own_figures import runs
from workbench.report.figures.spans import Spans
from workbench.report.statistics.extrapolation import carried_on, misses, trusted_factor
from workbench.report.verdicts.claim_rules import (
    Arm,
    Claim,
    Collapse,
    Equivalence,
    Identity,
    Paired,
    Premise,
    Tuning,
    Variation,
)
from workbench.report.verdicts.notes import FAMILY, IMAGES_FAMILY
from workbench.report.verdicts.variations import varied

__all__ = [
    "FAMILY",
    "IMAGES_FAMILY",
    "Arm",
    "Claim",
    "Collapse",
    "Drawing",
    "Equivalence",
    "Figure",
    "Heat",
    "Identity",
    "Lines",
    "NothingHeld",
    "Paired",
    "Premise",
    "Rows",
    "Spans",
    "Tuning",
    "Variation",
    "carried_on",
    "melted",
    "misses",
    "parameters_by_cell",
    "rows_of",
    "runs",
    "table",
    "trusted_factor",
    "varied",
]
