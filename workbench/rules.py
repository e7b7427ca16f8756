"""What a file of rules of your own imports: the rows of the engine's tables.

See docs/own-rules.md. `rules/swish.py` in the working folder may hold `ACTIVATIONS`, `OPTIMIZERS`, `PENALTIES`,
`INITIALIZERS`, `SCHEDULES` and `LOSSES`, each a dictionary from names to these rows.
"""

from workbench.engine.rules.activations import Activation
from workbench.engine.rules.at import At
from workbench.engine.rules.initializers import Initializer
from workbench.engine.rules.losses import Judged, Loss
from workbench.engine.rules.optimizers import Hyperparameter, Optimizer
from workbench.engine.rules.penalties import Penalty
from workbench.engine.rules.schedules import Schedule

__all__ = ["Activation", "At", "Hyperparameter", "Initializer", "Judged", "Loss", "Optimizer", "Penalty", "Schedule"]
