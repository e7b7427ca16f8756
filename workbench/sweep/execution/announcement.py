"""The lines printed before a sweep trains: its plan, and remarks on it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

from workbench import output
from workbench.engine.backend import missing_cupy
from workbench.engine.kernels.choice import why_not_compiled, why_not_graph
from workbench.engine.rules.rule_files import rows_of_own
from workbench.engine.training.architecture import NETWORKS
from workbench.engine.training.pack import Pack
from workbench.persons_code import MEASURE_FILES, RULE_FILES
from workbench.quantities import counted
from workbench.sweep.execution.data_remarks import absent, hidden
from workbench.sweep.execution.executor import Forecast
from workbench.sweep.execution.log import note, say
from workbench.sweep.planning.earlier_sweep import changes
from workbench.sweep.planning.plan import Plan, as_data, described, to_measure
from workbench.sweep.settings import SweepSettings
from workbench.sweep.store import Earlier, SweepRecord


def announce(
    work: Plan, earlier: Earlier | None, sweep: SweepRecord, settings: SweepSettings, measure_files: Iterable[str]
) -> None:
    """Print what a sweep is about to do; `earlier` is the latest sweep of its name, `measure_files` are the files that
    a person's own measures came from.
    """
    runs = len({cell.fingerprint for cell in work.cells})
    note(f"command: {settings.command}")
    for name in sorted({*(file.name for file in rows_of_own().values()), *measure_files}):
        note(f"code of this folder that is run: {name}")
    for reason in (*RULE_FILES.reasons, *MEASURE_FILES.reasons):
        note(f"code of this folder that could not be used: {reason}")
    say(
        f"{sweep.name}: {counted(runs, 'run')}, {len(work.held)} held already, {work.runs_to_train} to train "
        f"in {counted(len(work.packs), 'pack')}{to_measure(work)}"
    )
    remarks = (
        *settings.remarks,
        *work.remarks(),
        *changes(sweep.name, earlier, work, sweep.facts),
        missing_cupy(),
        *hidden(work.packs),
        *absent(work.packs),
        *_uncompiled(work),
        _compiling(work),
    )
    for line in remarks:
        if line:
            say(line)


def show_plan(
    work: Plan, name: str, page: str, time: str, settings: SweepSettings, forecast: Forecast | None = None
) -> None:
    """Print the plan, for `dry_run=true`; `page` and `time` say where the report will be and how long it takes, and
    `forecast` what it takes of a cluster.
    """
    for line in (*settings.remarks, *_uncompiled(work)):
        say(line)
    output.show("plan", described(work, name, page, time), lambda: as_data(work, name, page, time) | _jobs(forecast))


def _jobs(forecast: Forecast | None) -> dict[str, object]:
    return {"cluster": asdict(forecast)} if forecast else {}


def _uncompiled(work: Plan) -> list[str]:
    """A line for each reason why runs fall back from a fast kernel to the plain one, and how much that costs."""
    packs = [planned.pack for planned in work.packs]
    found = dict.fromkeys((why_not_compiled(pack) or why_not_graph(pack), _how_much_slower(pack)) for pack in packs)
    return [f"{reason}: the plain kernel trains, {slower} slower" for reason, slower in found if reason]


def _how_much_slower(pack: Pack) -> str:
    """How the plain kernel compares with the compiled one, for which it copies every patch of an image before it
    multiplies; on a device, with steps that are captured as graphs.
    """
    if pack.device == "cuda":
        return "nine to a hundred times"
    return "five to ten times" if NETWORKS[pack.network].of_images else "two to three times"


def _compiling(work: Plan) -> str:
    """A line if the first pack will have to wait for the compiler."""
    packs = [planned.pack for planned in work.packs if planned.pack.kernel == "compiled"]
    if not packs:
        return ""
    from workbench.engine.kernels.compiled.jit import cache_folder, is_compiled

    if is_compiled(images=any(NETWORKS[pack.network].of_images for pack in packs)):
        return ""
    often = "once on this machine" if cache_folder() else "at every start, as no cache folder can be written to"
    return f"compiling the engine's passes first, 10 to 20 s on two idle cores, longer on busy ones; {often}"
