"""Jobs that differ in nothing but their seeds are composed once, and become what each becomes alone."""

from __future__ import annotations

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.repetitions import repetitions
from workbench.engine.errors import BadInput
from workbench.sweep.hydra.composing import designs
from workbench.sweep.hydra.composing.cells import cells
from workbench.sweep.hydra.composing.composer import Composer

SEEDS = ["seed=0", "seed=1", "seed=12", "++seed=3", "seed=a", "seed=-1", "seed=1_0", "seed=${training.epochs}"]
BESIDE_SEEDS = [
    "optimizer=adam", "network.width=8", "network.width=$\\{seed\\}", "network={width: $\\{seed\\}}", "data=seeded",
    "data.examples=300", "penalty=l1", "++network.depth=1", "network.depth=x", "optimizer=nothing",
]  # fmt: skip


def told(composer, jobs):
    """What is made of these jobs, each by itself if there is one, or how they are refused."""
    try:
        return [(one.overrides, one.config, one.choices, one.typed, one.unread) for one in cells(composer, jobs)]
    except BadInput as refused:
        return str(refused)


@settings(max_examples=repetitions(3, 60), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(BESIDE_SEEDS), max_size=3, unique=True), st.lists(st.sampled_from(SEEDS), max_size=3))
@example(["network.width=$\\{seed\\}"], ["seed=1", "seed=12"])
@example(["data=seeded"], ["seed=1", "seed=12"])
@example(["data=seeded", "data.examples=300"], ["seed=1", "seed=12"])
@example(["network=seeded"], ["seed=1", "seed=12"])
@example([], ["seed=0", "++seed=3", "seed=12"])
def test_jobs_that_differ_in_their_seeds_become_what_each_becomes_alone(composer, rest, seeds):
    """`data=seeded` and `network=seeded` are a person's own, with an interpolation that leads to the seed."""
    jobs = [[*rest, seed] for seed in seeds] + [[seed, *rest, seeds[0]] for seed in seeds] + [rest]
    alone = [told(composer, [job]) for job in jobs]
    refused = {one for one in alone if isinstance(one, str)}
    together = told(composer, jobs)
    assert together in refused if refused else together == [one for (one,) in alone]


def test_jobs_that_differ_in_their_seeds_are_composed_and_checked_once(loader, master, monkeypatch):
    checked, check = [], designs.run_config
    monkeypatch.setattr(designs, "run_config", lambda values: checked.append(values) or check(values))
    jobs = [[f"seed={seed}", f"network.width={width}"] for width in (4, 8) for seed in range(50)]
    assert [cell.config.seed for cell in cells(Composer(loader, master), jobs)] == 2 * list(range(50))
    assert len(checked) == 2
