"""What a file of measures of your own imports: the rows of the tables, and what an analysis may look at.

See docs/own-measures.md. `measures/sureness.py` in the working folder may hold `ANALYSES` and `MEASUREMENTS`, each a
dictionary from names to these rows.
"""

from workbench.measure.measurement import Analysis, Measurement, tidy
from workbench.measure.trained import NetworkOnSplit, layout_of
from workbench.sweep.instruments import Measured, Trained

__all__ = ["Analysis", "Measured", "Measurement", "NetworkOnSplit", "Trained", "layout_of", "tidy"]
