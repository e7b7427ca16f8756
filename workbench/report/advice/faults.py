"""The faults that a network in training may have: by which symptoms each is known, and what is to be tried against it.

The rules are data. The first fault whose conditions all hold is the diagnosis, so that a cause stands before what it
leads to: a network whose gradients die does not fit its training data either. The bounds were set on the digits with
seeds 0 to 5; how often they are right on other seeds is measured in `tests/report/advice/test_planted.py`.

What is advised follows the notes' recipe: bad on training data, then another activation or an adaptive rate; bad on
held-out data, then early stopping, a penalty, dropout.
"""

from __future__ import annotations

from dataclasses import dataclass

WELL_FITTED = 0.9  # training accuracy from which on a network fits its training data
HEALTHY = "nothing wrong"


@dataclass(frozen=True)
class Condition:
    """A symptom lies over `over`, or under `under`; a symptom that is not known fulfils neither."""

    symptom: str
    over: float | None = None
    under: float | None = None

    def holds(self, value: float) -> bool:
        """Whether this value fulfils it."""
        above = self.over is None or value > self.over
        return bool(above and (self.under is None or value < self.under))


@dataclass(frozen=True)
class Remedy:
    """What may help: settings to change, and the claim of the notes that says so, with what its verdict depends on.

    `changes` are (key, value); a value like "*10" or "/10" multiplies or divides the one there is. `claim` is "" if no
    claim backs it. A remedy that changes nothing of a run is left out.
    """

    words: str
    changes: tuple[tuple[str, str], ...]
    claim: str = ""
    depends: str = ""


@dataclass(frozen=True)
class Fault:
    """A fault: its name, the `evidence` with symptoms in braces, the conditions, of which all hold, and the remedies.

    `activations`: the fault can only befall networks of these; () for all.
    """

    name: str
    evidence: str
    conditions: tuple[Condition, ...]
    remedies: tuple[Remedy, ...] = ()
    activations: tuple[str, ...] = ()


_NOT_FITTED = Condition("fit", under=WELL_FITTED)
_TRY_SLOWER = Remedy("a tenth of the learning rate", (("optimizer.learning_rate", "/10"),))
_TRY_STOP = Remedy(
    "stop where held-out data are learned best", (("training.patience", "5"),), "D1",
    "it shows on networks that overfit",
)  # fmt: skip
_TRY_DROPOUT = Remedy(
    "drop half of the hidden units", (("dropout.rate", "0.5"),), "D9",
    "it helps a wide network that overfits, not a narrow one",
)  # fmt: skip
_TRY_L2 = Remedy(
    "a penalty on large weights", (("penalty", "l2"), ("penalty.strength", "0.003")), "D3",
    "it makes the function smoother; that it tests better is not said",
)  # fmt: skip

FAULTS = (
    Fault(
        "it diverges: the learning rate is too high", "{lost} of the runs diverged", (Condition("lost", over=0.3),),
        (_TRY_SLOWER,),
    ),
    Fault(
        "gradients die towards the input",
        "after the first epoch layer 1 gets {reach} of the gradient of the last layer, and the training accuracy ends "
        "at {fit}",
        (Condition("reach", under=3e-3), _NOT_FITTED),
        (
            Remedy(
                "another activation function", (("network.activation", "relu"),), "C8",
                "from He's initial weights, not from fan-in ones",
            ),
            Remedy("fewer layers", (("network.depth", "/4"),), "C4", "with the sigmoid, deeper is worse"),
        ),
    ),
    Fault(
        "units are dead",
        "in the layer with most of them {dead} of the units have the gradient 0 on every example, and the training "
        "accuracy ends at {fit}",
        (Condition("dead", over=0.5), _NOT_FITTED),
        (
            Remedy(
                "a tenth of the learning rate", (("optimizer.learning_rate", "/10"),), "C11",
                "the larger the rate, the more units die",
            ),
            Remedy(
                "an activation whose units cannot die", (("network.activation", "leaky_relu"),), "C12",
                "no unit dies; that it fits better at a high rate is a part of its own",
            ),
        ),
        ("relu", "maxout"),
    ),
    Fault(
        "the learning rate is too high",
        "the training loss rose in {jumps} of the epochs, by steps of {step} of the weights, and the training accuracy "
        "ends at {fit}",
        (Condition("jumps", over=0.2), Condition("step", over=0.02), Condition("fit", under=0.97)), (_TRY_SLOWER,),
    ),
    Fault(
        "the learning rate is too low",
        "steps are {step} of the weights, the training loss still fell by {falling} over the last fifth of the epochs, "
        "and the training accuracy ends at {fit}",
        (Condition("step", under=5e-4), Condition("falling", over=0.02), Condition("best_at", over=0.9), _NOT_FITTED),
        (
            Remedy("ten times the learning rate", (("optimizer.learning_rate", "*10"),)),
            Remedy(
                "an adaptive rate", (("optimizer", "adam"), ("optimizer.learning_rate", "0.001")), "C18",
                "the claim is RMSProp's, which Adam takes in (C22)",
            ),
        ),
    ),
    Fault(
        "labels look noisy",
        "validation accuracy was {best_held_out} and fell to {held_out} while the training accuracy went to {fit}: "
        "from epoch {best_epoch} on what is learned is wrong elsewhere",
        (Condition("forgotten", over=0.04), Condition("rise", over=1.2), Condition("gap", over=0.15)),
        (_TRY_STOP, _TRY_DROPOUT),
    ),
    Fault(
        "it overfits",
        "the training accuracy ends at {fit}, the validation accuracy at {held_out}; the validation loss was least in "
        "epoch {best_epoch}",
        (Condition("gap", over=0.065), Condition("fit", over=WELL_FITTED)), (_TRY_STOP, _TRY_L2, _TRY_DROPOUT),
    ),
    Fault(
        "it was stopped too early",
        "the training loss still fell by {falling} over the last fifth of the epochs, and the training accuracy ends "
        "at {fit}",
        (Condition("falling", over=0.1), Condition("best_at", over=0.9), _NOT_FITTED),
        (Remedy("three times the epochs", (("training.epochs", "*3"),)),),
    ),
    Fault(
        "it underfits",
        "the training accuracy ends at {fit}, though gradients reach every layer; the training loss fell by {falling} "
        "over the last fifth of the epochs",
        (_NOT_FITTED,),
        (
            Remedy(
                "training without dropout", (("dropout.rate", "0"),), "D12",
                "dropout is for bad test results; where the verdict is withheld its page says why",
            ),
            Remedy("wider layers", (("network.width", "*8"),)),
            Remedy(
                "an adaptive rate", (("optimizer", "adam"), ("optimizer.learning_rate", "0.001")), "C18",
                "the claim is RMSProp's, which Adam takes in (C22)",
            ),
        ),
    ),
    Fault(
        HEALTHY, "the training accuracy ends at {fit}, the validation accuracy at {held_out}",
        (Condition("fit", over=0),),
    ),
)  # fmt: skip
