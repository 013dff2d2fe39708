"""Studies: many runs that are planned, done, resumed, checked, merged and exported.

>>> from sim.studies import run_study
>>> from sim.study_files import Study
>>> failures = run_study(Study.load("scenarios/studies/outside-pull.toml"), "results/outside-pull")
"""

import collections
import hashlib
import os
import pathlib
import shlex
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from sim.files import write, write_csv
from sim.language import _
from sim.plan import Arm, DamagedResultsError, OtherPlanError, Plan, read_plan
from sim.problems import shown
from sim.scenario import Scenario
from sim.store import Failure, Head, Store, Writer, require_same, writing
from sim.study_files import Study, has_key
from sim.work import Executor, read_work


class Interrupted(KeyboardInterrupt):
    """A study was interrupted; its finished runs are kept in `folder`."""

    def __init__(self, folder: pathlib.Path, kept: int) -> None:
        self.folder, self.kept = folder, kept
        message = _("interrupted; {n} finished runs are kept in {folder}")
        super().__init__(message.format(n=kept, folder=shown(folder)))


class StudyError(ValueError):
    """A study cannot be done as asked."""

    exit_code = 2


def plan_of(study: Study) -> Plan:
    """Return the plan of a study."""
    from sim.compiled import source_hash

    keys = [axis.key for axis in study.axes]
    contents = {}
    for name, scenario in study.scenarios.items():
        contents[name] = content_of(scenario) | study.tags.get(name, {})
        if keys:
            contents[name]["axes"] = [key for key in keys if has_key(scenario, key)]
    factors = tuple(axis.key for axis in study.axes if axis.factor)
    return Plan(next(iter(study.scenarios)), contents, study.seeds, study.months, source_hash(), study.points,
                factors, study.keep)  # fmt: skip


def content_of(scenario: Scenario) -> dict[str, Any]:
    """Return what a plan says of a scenario: its fingerprint and its values."""
    return {"fingerprint": scenario.fingerprint, "content": scenario.model_dump(mode="json", by_alias=True)}


def run_study(
    study: Study,
    out: str | os.PathLike[str],
    workers: int | None = None,
    executor: Executor | None = None,
    timeout: float = 600.0,
    part: tuple[int, int] | None = None,
    own_seeds: bool = False,
) -> list[Failure]:
    """Do the runs of a study that are missing in a folder; return those that failed.

    Parameters
    ----------
    study
        What is run.
    out
        Results folder.
    workers
        Processes; 0 runs in this one, absent takes one for each processor.
    executor
        What does the runs; absent: processes of this machine.
    timeout
        Seconds after which a run counts as hanging.
    part
        (i, n): do the i-th of n parts, in a folder of its own inside `out`.
    own_seeds
        Whether each point runs only with seeds of its own, see `with_own_seeds`.

    Raises
    ------
    Interrupted
        If it is interrupted; what is finished is kept.
    OtherPlanError
        If the folder holds another study.
    LockedError
        If another process writes to the folder.
    OSError
        If the folder cannot be written.
    """
    from sim.evaluation.widening import widened  # above this module

    folder = pathlib.Path(out)
    study = widened(study, folder, _tell)
    plan = plan_of(study)
    arms = with_own_seeds(plan) if own_seeds else None
    if part is not None:
        done = _merged(folder, plan)
        arms = [arm for arm in part_of(plan, *part) if arm.run not in done]
        folder = folder / "parts" / f"{part[0]}-of-{part[1]}"
    return execute(plan, study.scenarios, study.texts, folder, workers, executor, timeout, arms, study.method)


def prospect(study: Study, out: str | os.PathLike[str]) -> tuple[int, int]:
    """Return how many runs of a study a results folder holds, and how many it lacks; nothing is done.

    Raises
    ------
    OtherPlanError
        If the folder holds another study.
    DamagedResultsError
        If its results are damaged.
    """
    from sim.evaluation.widening import widened  # above this module

    folder = pathlib.Path(out)
    plan = plan_of(widened(study, folder, _tell, search=False))
    if not (folder / "plan.json").exists():
        return 0, plan.size
    results = Store(folder)
    require_same(folder, results.plan, plan)
    done = results.done()
    held = sum(arm.run in done for arm in plan.arms())
    return held, plan.size - held


def execute(
    plan: Plan,
    scenarios: dict[str, Scenario],
    texts: dict[str, str | None] | dict[str, str],
    folder: pathlib.Path,
    workers: int | None = None,
    executor: Executor | None = None,
    timeout: float = 600.0,
    arms: list[Arm] | None = None,
    method: str = "",
    then: Callable[[Writer, list[Failure], dict[str, Any]], None] | None = None,
) -> list[Failure]:
    """Do the runs of a plan that are missing in a folder, then what is to follow while the folder is held."""
    from sim.batch import run_missing
    from sim.provenance import provenance

    begin = time.perf_counter()
    with writing(folder, plan, notify=_tell) as results:
        manifest = provenance() | {"scenario_files": texts, "seeds": list(plan.seeds), "method": method}
        manifest["fingerprints"] = {name: values["fingerprint"] for name, values in plan.scenarios.items()}
        results.describe(manifest)
        for line in results.reasons(arms):
            _tell(line)
        try:
            failures = run_missing(results, scenarios, workers, executor, timeout, arms)
        except KeyboardInterrupt:
            raise Interrupted(folder, len(results.done())) from None
        manifest["timings"] = {
            "command_seconds": round(time.perf_counter() - begin, 2),
            "run_seconds": round(sum(run.seconds for run in results.done().values()), 2),
        }
        if then is not None:
            then(results, failures, manifest)
        results.describe(manifest)
    return failures


def _tell(message: str) -> None:
    print(message, file=sys.stderr)


def with_own_seeds(plan: Plan) -> list[Arm]:
    """Return the runs of a plan in which no two points share a seed: the seeds are dealt to the points in their order."""
    each = len(plan.seeds) // len(plan.points)
    return [
        Arm(scenario, point, seed, plan.run_id(scenario, seed, point))
        for scenario in plan.scenarios
        for point in range(len(plan.points))
        for seed in plan.seeds[point * each : (point + 1) * each]
    ]


def _merged(folder: pathlib.Path, plan: Plan) -> Mapping[str, Head]:
    """Return the runs that stand in the folder of a whole study, into which parts were merged; no part does them again."""
    if not (folder / "plan.json").exists():
        return {}
    results = Store(folder)
    require_same(folder, results.plan, plan)
    done = results.done()
    told = _("{done:,} of {runs:,} runs are done in {folder}")
    _tell(told.format(done=sum(arm.run in done for arm in plan.arms()), runs=plan.size, folder=shown(folder)))
    return done


def part_of(plan: Plan, number: int, parts: int) -> list[Arm]:
    """Return the runs of one of so many parts of a plan, which share histories as far as they can."""
    from sim.batch import tasks_of

    return [arm for task in tasks_of(plan, plan.arms())[number - 1 :: parts] for arm in task]


def status(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """Return what is done, missing, failed and damaged in a results folder, and the digest of what is done."""
    results = Store(folder)
    damaged = [path.name for path in results.damaged()]
    set_aside = sorted(path.name for path in (results.folder / "quarantine").glob("*"))
    size = results.plan.size
    found = {} if damaged else results.done()
    done = None if damaged else sum(arm.run in found for arm in results.plan.arms())
    failed = results.failures()
    return {
        "plan": results.plan.sha,
        "runs": size,
        "done": done,
        "missing": None if done is None else size - done,
        "failed": [
            {"scenario": f.scenario, "point": f.point, "seed": f.seed, "month": f.month, "message": f.message,
             "reproduce": reproduce(f, folder)}
            for f in failed
        ],
        "damaged": damaged,
        "quarantined": set_aside,
        "complete": done == size,
        "digest": None if damaged else results.digest(found),
    }  # fmt: skip


def reproduce(failure: Failure, folder: str | os.PathLike[str]) -> str:
    """Return the command that does a failed run again, in one process and with its traceback."""
    words = ["sim", "study", "rerun", os.fspath(folder), "--scenario", failure.scenario]
    words += ["--seed", str(failure.seed)] + (["--point", str(failure.point)] if failure.point else [])
    return f"SIM_DEBUG=1 {shlex.join(words)}"


def verify_sample(folder: str | os.PathLike[str], sample: int, seed: int = 1) -> list[tuple[Arm, str, str]]:
    """Do some finished runs again; return each with the digest that is stored and the new one.

    Raises
    ------
    OtherPlanError
        If other sources of this program did the runs: only those can do them again.
    """
    results = Store(folder)
    work = read_work(os.fspath(folder), results.plan.sha)
    done, finished = results.done(), results.finished()
    order = {arm: hashlib.sha256(f"{seed} {arm.run}".encode()).digest() for arm in finished}
    chosen = set(sorted(finished, key=order.__getitem__)[:sample])
    again = []
    for arm in (arm for arm in finished if arm in chosen):
        record = work.attempt(arm)
        again.append((arm, done[arm.run].digest, getattr(record, "digest", getattr(record, "message", ""))))
    return again


def merge(folder: str | os.PathLike[str]) -> dict[str, int]:
    """Unite the parts of an array of jobs; return how many runs were taken from each.

    Parts may hold the study as it was before seeds, scenarios or points were added.

    Raises
    ------
    DamagedResultsError
        If a part is damaged, or parts hold the same run with different results.
    OtherPlanError
        If a part holds another plan.
    """
    folder = pathlib.Path(folder)
    parts = sorted(path.parent for path in (folder / "parts").glob("*/plan.json"))
    if not parts:
        raise StudyError(_("{path}: no parts to merge").format(path=shown(folder / "parts")))
    widest = max(parts, key=lambda part: read_plan(part).size)
    plan = read_plan(widest)
    if (folder / "plan.json").exists() and not plan.differences(whole := read_plan(folder)):
        plan = whole
    taken = {}
    with writing(folder, plan, notify=_tell) as results:
        for part in parts:
            theirs = Store(part)
            differing = theirs.plan.differences(plan)
            if differing:
                message = _("{path}: holds another plan than {other} ({keys})")
                raise OtherPlanError(
                    message.format(path=shown(part), other=shown(widest), keys=shown(", ".join(differing)))
                )
            bad = theirs.damaged()
            if bad:
                raise DamagedResultsError(_("{path}: damaged").format(path=shown(bad[0])))
            taken[part.name] = len(theirs.done())
            results.take(theirs)
        done = results.done()  # raises where parts disagree
        failed = {f.run: f for part in parts for f in Store(part).failures()}
        for run, failure in failed.items():
            if run not in done:
                results.fail(failure)
        # the folder has the manifest of its own plan where that is wider, and a part that was killed early has none
        told = [part / "manifest.json" for part in parts if read_plan(part).sha == plan.sha]
        for manifest in [path for path in told if path.exists()][:1]:
            write(folder / "manifest.json", manifest.read_bytes())
    return taken


def missing_by_part(folder: str | os.PathLike[str]) -> collections.Counter[str]:
    """Return how many runs each scenario misses."""
    results = Store(folder)
    done = results.done()
    return collections.Counter(arm.scenario for arm in results.plan.arms() if arm.run not in done)


def export(folder: str | os.PathLike[str], out: str | os.PathLike[str]) -> list[pathlib.Path]:
    """Write every table of a study as CSV; return the files."""
    results, target = Store(folder), pathlib.Path(out)
    target.mkdir(parents=True, exist_ok=True)
    written = []
    for name in ("outcomes", *results.plan.keep):
        written.append(target / f"{name}.csv")
        write_csv(written[-1], getattr(results, name)())
    if len(results.plan.points) > 1:
        written.append(target / "points.csv")
        write_csv(written[-1], results.points())
    return written
