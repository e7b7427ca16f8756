"""The faults that a network in training may have: by which symptoms each is known, and what is to be tried against it.

The rules are data. The first fault whose conditions all hold is the diagnosis, so that a cause stands before what it
leads to: a network whose gradients die does not fit its training data either. The bounds were set on the digits with
seeds 0 to 5; how often they are right on other seeds is measured in `tests/report/advice/test_planted.py`.

What is advised follows the notes' recipe: bad on training data, then another activation or an adaptive rate; bad on
held-out data, then early stopping, a penalty, dropout.
"""

from __future__ import annotations

from dataclasses import dataclass

from workbench.report.language.words import say

WELL_FITTED = 0.9  # training accuracy from which on a network fits its training data
HEALTHY = say("fault.healthy")


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
    """A fault: its name, the key of the `evidence`, the conditions, of which all hold, and the remedies. Symptoms are
    placeholders of the evidence.

    `activations`: the fault can only befall networks of these; () for all.
    """

    name: str
    evidence: str
    conditions: tuple[Condition, ...]
    remedies: tuple[Remedy, ...] = ()
    activations: tuple[str, ...] = ()


_NOT_FITTED = Condition("fit", under=WELL_FITTED)
_TRY_SLOWER = Remedy(say("remedy.slower"), (("optimizer.learning_rate", "/10"),))
_TRY_STOP = Remedy(
    say("remedy.stop"), (("training.patience", "5"),), "D1",
    say("remedy.stop_depends"),
)  # fmt: skip
_TRY_DROPOUT = Remedy(
    say("remedy.dropout"), (("dropout.rate", "0.5"),), "D9",
    say("remedy.dropout_depends"),
)  # fmt: skip
_TRY_L2 = Remedy(
    say("remedy.penalty"), (("penalty", "l2"), ("penalty.strength", "0.003")), "D3",
    say("remedy.penalty_depends"),
)  # fmt: skip

FAULTS = (
    Fault(
        say("fault.diverges"), "symptom.diverges", (Condition("lost", over=0.3),),
        (_TRY_SLOWER,),
    ),
    Fault(
        say("fault.gradients_die"),
        "symptom.gradients_die",
        (Condition("reach", under=3e-3), _NOT_FITTED),
        (
            Remedy(
                say("remedy.activation"), (("network.activation", "relu"),), "C8",
                say("remedy.activation_depends"),
            ),
            Remedy(say("remedy.fewer_layers"), (("network.depth", "/4"),), "C4", say("remedy.fewer_layers_depends")),
        ),
    ),
    Fault(
        say("fault.dead"),
        "symptom.dead",
        (Condition("dead", over=0.5), _NOT_FITTED),
        (
            Remedy(
                say("remedy.slower"), (("optimizer.learning_rate", "/10"),), "C11",
                say("remedy.slower_depends"),
            ),
            Remedy(
                say("remedy.living_units"), (("network.activation", "leaky_relu"),), "C12",
                say("remedy.living_units_depends"),
            ),
        ),
        ("relu", "maxout"),
    ),
    Fault(
        say("fault.rate_too_high"),
        "symptom.rate_too_high",
        (Condition("jumps", over=0.2), Condition("step", over=0.02), Condition("fit", under=0.97)), (_TRY_SLOWER,),
    ),
    Fault(
        say("fault.rate_too_low"),
        "symptom.rate_too_low",
        (Condition("step", under=5e-4), Condition("falling", over=0.02), Condition("best_at", over=0.9), _NOT_FITTED),
        (
            Remedy(say("remedy.faster"), (("optimizer.learning_rate", "*10"),)),
            Remedy(
                say("remedy.adaptive"), (("optimizer", "adam"), ("optimizer.learning_rate", "0.001")), "C18",
                say("remedy.adaptive_depends"),
            ),
        ),
    ),
    Fault(
        say("fault.noisy_labels"),
        "symptom.noisy_labels",
        (Condition("forgotten", over=0.04), Condition("rise", over=1.2), Condition("gap", over=0.15)),
        (_TRY_STOP, _TRY_DROPOUT),
    ),
    Fault(
        say("fault.overfits"),
        "symptom.overfits",
        (Condition("gap", over=0.065), Condition("fit", over=WELL_FITTED)), (_TRY_STOP, _TRY_L2, _TRY_DROPOUT),
    ),
    Fault(
        say("fault.stopped_early"),
        "symptom.stopped_early",
        (Condition("falling", over=0.1), Condition("best_at", over=0.9), _NOT_FITTED),
        (Remedy(say("remedy.longer"), (("training.epochs", "*3"),)),),
    ),
    Fault(
        say("fault.underfits"),
        "symptom.underfits",
        (_NOT_FITTED,),
        (
            Remedy(
                say("remedy.no_dropout"), (("dropout.rate", "0"),), "D12",
                say("remedy.no_dropout_depends"),
            ),
            Remedy(say("remedy.wider"), (("network.width", "*8"),)),
            Remedy(
                say("remedy.adaptive"), (("optimizer", "adam"), ("optimizer.learning_rate", "0.001")), "C18",
                say("remedy.adaptive_depends"),
            ),
        ),
    ),
    Fault(
        HEALTHY, "symptom.healthy",
        (Condition("fit", over=0),),
    ),
)  # fmt: skip
