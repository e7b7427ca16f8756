"""Measurements, and analyses of trained networks: all results that are not training curves."""

from workbench.measure.answers import ANSWERS
from workbench.measure.calibration import CALIBRATION
from workbench.measure.dead_units import DEAD_UNITS
from workbench.measure.dropout_average import DROPOUT_AVERAGE
from workbench.measure.dropout_inference import DROPOUT_INFERENCE
from workbench.measure.filters import KEPT_FILTERS
from workbench.measure.gradients import GRADIENTS
from workbench.measure.instrument_tables import InstrumentTables
from workbench.measure.kept_model import MODEL_ANALYSIS
from workbench.measure.kept_state import KEPT_STATE
from workbench.measure.learned_slopes import LEARNED_SLOPES
from workbench.measure.linear_probes import LINEAR_PROBES
from workbench.measure.logistic_regression import LOGISTIC_REGRESSION
from workbench.measure.matrix_form import MATRIX_FORM
from workbench.measure.maxout_properties import MAXOUT
from workbench.measure.measurement import Analysis, Measurement
from workbench.measure.memorizers import MEMORIZERS
from workbench.measure.momentum_toys import MOMENTUM_TOYS
from workbench.measure.optimizer_rules import OPTIMIZER_RULES
from workbench.measure.shifted_sigmoids import SHIFTED_SIGMOIDS
from workbench.measure.shrinkage import SHRINKAGE
from workbench.measure.smoothness import SMOOTHNESS
from workbench.measure.timings import TIMINGS
from workbench.measure.weights import WEIGHTS

MEASUREMENTS: dict[str, Measurement] = {
    **MATRIX_FORM,
    **GRADIENTS,
    **MAXOUT,
    **SHIFTED_SIGMOIDS,
    **OPTIMIZER_RULES,
    **MOMENTUM_TOYS,
    **MEMORIZERS,
    **SHRINKAGE,
    **DROPOUT_AVERAGE,
    **TIMINGS,
}
ANALYSES: dict[str, Analysis] = {
    **LINEAR_PROBES,
    **CALIBRATION,
    **DROPOUT_INFERENCE,
    **WEIGHTS,
    **SMOOTHNESS,
    **LEARNED_SLOPES,
    **DEAD_UNITS,
    **LOGISTIC_REGRESSION,
    **KEPT_FILTERS,
    **MODEL_ANALYSIS,
    **ANSWERS,
    **KEPT_STATE,
}
INSTRUMENTS = InstrumentTables(MEASUREMENTS, ANALYSES)

__all__ = ["ANALYSES", "INSTRUMENTS", "MEASUREMENTS", "Analysis", "Measurement"]
