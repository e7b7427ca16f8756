"""What is not a training curve but needs an engine or weights: measurements, and analyses of trained networks."""

from workbench.measure.calibration import CALIBRATION
from workbench.measure.dropout_inference import DROPOUT_INFERENCE
from workbench.measure.gradients import GRADIENTS
from workbench.measure.instruments import Workshop
from workbench.measure.learned_slopes import LEARNED_SLOPES
from workbench.measure.linear_probes import LINEAR_PROBES
from workbench.measure.logistic_regression import LOGISTIC_REGRESSION
from workbench.measure.matrix_form import MATRIX_FORM
from workbench.measure.maxout import MAXOUT
from workbench.measure.measurement import Analysis, Measurement
from workbench.measure.smoothness import SMOOTHNESS
from workbench.measure.weights import WEIGHTS

MEASUREMENTS: dict[str, Measurement] = {
    **MATRIX_FORM,
    **GRADIENTS,
    **MAXOUT,
}
ANALYSES: dict[str, Analysis] = {
    **LINEAR_PROBES,
    **CALIBRATION,
    **DROPOUT_INFERENCE,
    **WEIGHTS,
    **SMOOTHNESS,
    **LEARNED_SLOPES,
    **LOGISTIC_REGRESSION,
}
INSTRUMENTS = Workshop(MEASUREMENTS, ANALYSES)

__all__ = ["ANALYSES", "INSTRUMENTS", "MEASUREMENTS", "Analysis", "Measurement"]
