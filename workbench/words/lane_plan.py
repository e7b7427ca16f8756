"""How many sweeps of `workbench reproduce` run at a time, in which order, and which of them run alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

from workbench.words.in_turn import is_dry

SEVERAL = 2  # workers
MOST_LANES = 4  # more have not been measured, and each takes the memory of a sweep
# Our sweeps, the longest first, as their plans predict it (`Plan.cost`). To ask the plans would take ten seconds of the
# processor at every start, most of what the order saves; tests/test_lane_plan.py asks them.
LONGEST = (
    "srivastava2014_mnist", "hinton2012_mnist", "lecun1998_mnist", "simard2003_mnist", "srivastava2014_rows",
    "srivastava2014_share", "dropout", "deep_convolutions", "vanishing_gradients", "convolution_dropout",
    "learning_curves", "smoothness", "dropout_tumours", "sparsity", "maxout", "made_for_images", "fewer_parameters",
    "dead_units", "adaptive_rates", "early_stopping", "loss_functions", "softmax_probabilities", "dropout_inference",
    "backpropagation_identities", "matrix_speed", "activation_cost", "backpropagation_cost", "momentum_toys",
    "memorizers", "maxout_identities", "matrix_form", "feature_extractor", "learned_slopes", "optimizer_algorithms",
    "shrinkage", "sigmoid_sums", "logistic_regression",
)  # fmt: skip


def lanes_for(commands: Mapping[str, Sequence[str]], overrides: Sequence[str]) -> tuple[int, list[str]]:
    """How many lanes, and the sweeps that run alone in the end. One lane: all in the order of the commands.

    There is a core for every worker that a person asks for. Jobs of a cluster, worker processes and GPUs are shared out
    by the sweep that has them, so sweeps with those run one at a time.
    """
    from workbench.config import RunConfig
    from workbench.engine.backend import cuda_is_usable
    from workbench.sweep.execution.cores import cores
    from workbench.sweep.execution.executors import EXECUTORS

    executor = EXECUTORS.get(_said(overrides, "executor", RunConfig().executor))
    if len(commands) == 1 or is_dry(overrides) or executor is None or executor.packs_at_once(SEVERAL) > 1:
        return 1, []
    workers = _said(overrides, "workers", "1")
    count = min(MOST_LANES, cores() // max(1, int(workers))) if workers.isdigit() else 1
    if count < 2 or (_said(overrides, "device", "auto") != "cpu" and cuda_is_usable()):
        return 1, []
    alone = [stem for stem in commands if takes_times(stem)]
    return max(1, min(count, len(commands) - len(alone))), alone


def longest_first(stems: Iterable[str]) -> list[str]:
    """The order in which lanes take sweeps, so that none still trains a long one when the others have nothing left.

    A person's own come first, in their order, as it is not known how long they take.
    """
    rank = {stem: place for place, stem in enumerate(LONGEST)}
    return sorted(stems, key=lambda stem: rank.get(stem, -1))


def takes_times(stem: str) -> bool:
    """Whether a claim of this sweep wants a machine that does nothing else, or the sweep file names a timing."""
    from workbench import places
    from workbench.engine.errors import BadInput
    from workbench.measure import INSTRUMENTS
    from workbench.measure.own_rows import bring_own_rows
    from workbench.report.experiments import experiment_of
    from workbench.report.verdicts.claim_rules import rules_of

    with suppress(BadInput):  # the sweep itself says so
        bring_own_rows()
    rules = [rule for claim in experiment_of(stem).claims for rule in rules_of(claim)]
    if any(premise.kind == "quiet" for rule in rules for premise in getattr(rule, "premises", ())):
        return True
    file = places.find("conf/sweep", f"{stem}.yaml")
    words = re.findall(r"\w+", file.read_text(encoding="utf-8", errors="replace")) if file else ()
    return any(map(INSTRUMENTS.is_timing, words))


def _said(overrides: Sequence[str], key: str, default: str) -> str:
    """The last value that the overrides give a key."""
    values = [text.partition("=")[2] for text in overrides if text.lstrip("+").partition("=")[0] == key]
    return values[-1] if values else default
