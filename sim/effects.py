"""What policies do: a baseline and policies run on the same seeds, and the effects with their intervals.

>>> from sim import compare
>>> comparison = compare(["rent-cut"], seeds=20)
>>> print(comparison.table())
"""

import numbers
import os
import pathlib
import re
from collections.abc import Iterable
from typing import Any

from sim.language import _, current_language
from sim.paired import METRICS, Comparison
from sim.plan import Plan
from sim.problems import Problem, ScenarioError, shown
from sim.scenario import Scenario
from sim.scenario_files import find_file
from sim.store import Failure, Writer
from sim.studies import Interrupted, content_of, execute

__all__ = ["METRICS", "Comparison", "ComparisonError", "Interrupted", "compare"]

#: what is compared if nothing is named
DEFAULT_POLICIES = ("rent-cut", "north-space")
MOST_SEEDS = 100_000
MOST_WORKERS = 1024


class ComparisonError(ValueError):
    """Scenarios cannot be compared as asked."""

    exit_code = 2


def compare(
    policies: Iterable[str | os.PathLike[str] | Scenario] | str | Scenario | None = None,
    baseline: str | os.PathLike[str] | Scenario = "baseline",
    seeds: int | Iterable[int] = 20,
    months: int | None = None,
    workers: int | None = None,
    out: str | os.PathLike[str] | None = None,
    *,
    figures: bool = True,
    controls: bool = True,
) -> Comparison:
    """Run policies and a baseline on the same seeds, and return the effects.

    Runs that are in the folder already are used again, so that the same call goes on where an earlier one was
    interrupted, and more seeds only add runs.

    Parameters
    ----------
    policies
        Scenarios, their ids, or paths of their files; absent: the rent cut and the new northern space.
    baseline
        The scenario with which they are compared.
    seeds
        A number N for the seeds 1 to N, or the seeds themselves.
    months
        Months to simulate; absent: those of the scenarios.
    workers
        Processes; 0 runs in this one, absent takes one for each processor.
    out
        Results folder; absent: results/<first policy>-<hash of the plan>, in the working directory.
    figures
        Whether figures and the report are written into the folder.
    controls
        Whether a placebo and cash for every entrant run beside the policies.

    Raises
    ------
    ScenarioError
        If a scenario cannot be read.
    ComparisonError
        If the scenarios cannot be compared.
    OSError
        If the folder cannot be written.
    """
    scenarios, texts = _read_scenarios(policies, baseline)
    added = add_controls(scenarios) if controls else ()
    plan = _plan(scenarios, added, _seeds(seeds), months)
    comparison = _run(plan, scenarios, texts, pathlib.Path(out or _default_folder(plan)), _workers(workers))
    if figures:
        comparison.draw()
        if comparison.evaluation is not None:
            from sim.evaluation.evaluate import save
            from sim.report import write_report

            save(comparison.evaluation, comparison.folder)
            comparison.report = write_report(
                comparison.folder, lang=current_language(), evaluation=comparison.evaluation
            )
    return comparison


def add_controls(scenarios: dict[str, Scenario]) -> tuple[str, ...]:
    """Add the controls of the baseline, the first scenario, that are not there already; return their ids."""
    from sim.controls import controls

    added = []
    for control in controls(next(iter(scenarios.values()))):
        (own,) = set(control.policies) - set(scenarios[next(iter(scenarios))].policies)
        there = scenarios.get(control.id)
        if there is not None and any(isinstance(lever, type(own)) for lever in there.policies):
            continue  # named as a policy
        name = control.id if there is None else f"{control.id}-control"
        scenarios[name] = control.model_copy(update={"id": name})
        added.append(name)
    return tuple(added)


def _run(
    plan: Plan,
    scenarios: dict[str, Scenario],
    texts: dict[str, str | None],
    folder: pathlib.Path,
    workers: int | None,
) -> Comparison:
    """Do the runs of a plan that are missing, and write the effects beside them."""
    compared: list[Comparison] = []

    def conclude(results: Writer, failures: list[Failure], manifest: dict[str, Any]) -> None:
        compared.append(Comparison(results, failures))
        results.finish(compared[0].effects)

    execute(plan, scenarios, texts, folder, workers, then=conclude)
    return compared[0]


def _read_scenarios(policies: Any, baseline: Any) -> tuple[dict[str, Scenario], dict[str, str | None]]:
    """Return the scenarios by id, the baseline first, and the text of their files."""
    problems: list[Problem] = []
    if isinstance(policies, str | os.PathLike | Scenario):
        policies = [policies]
    reference, text = _read(baseline, problems)
    wanted = list(policies or [name for name in DEFAULT_POLICIES if name != getattr(reference, "id", None)])
    read = [_read(policy, problems) for policy in wanted]
    if reference is None or problems:
        raise ScenarioError(problems)
    scenarios, texts = {reference.id: reference}, {reference.id: text}
    for scenario, text in read:
        assert scenario is not None
        known = scenarios.setdefault(scenario.id, scenario)
        if known.fingerprint != scenario.fingerprint:
            message = _("two different scenarios are called {id}: rename one of the files")
            raise ComparisonError(message.format(id=shown(scenario.id)))
        texts.setdefault(scenario.id, text)
    if len(scenarios) == 1:
        raise ComparisonError(_("nothing to compare with the baseline: name a policy"))
    return scenarios, texts


def _read(source: Any, problems: list[Problem]) -> tuple[Scenario | None, str | None]:
    """Return a scenario and the text of its file; add what is wrong with it to `problems`."""
    if isinstance(source, Scenario):
        return source, None
    try:
        scenario = Scenario.load(source)
        return scenario, find_file(source)[0].read_text(encoding="utf-8")
    except ScenarioError as error:
        problems += error.problems
        return None, None


def _plan(
    scenarios: dict[str, Scenario], controls: tuple[str, ...], seeds: tuple[int, ...], months: int | None
) -> Plan:
    from sim.compiled import source_hash

    reference = next(iter(scenarios.values()))
    for scenario in scenarios.values():
        for key in ("world", "start", "months"):
            own, other = getattr(scenario, key), getattr(reference, key)
            if own != other:
                message = _(
                    "{a} and {b} cannot be compared: {key} is {own} and {other}; "
                    "name a baseline that has the same with --baseline"
                )
                names = {"a": shown(scenario.id), "b": shown(reference.id), "key": key}
                raise ComparisonError(message.format(own=own, other=other, **names))
    months = reference.months if months is None else months
    if not isinstance(months, numbers.Integral) or not 1 <= months <= reference.months:
        message = _("months: must be 1 to {most}, the months of the scenarios, not {months}")
        raise ComparisonError(message.format(most=reference.months, months=months))
    contents = {
        name: content_of(scenario) | ({"control": True} if name in controls else {})
        for name, scenario in scenarios.items()
    }
    return Plan(reference.id, contents, seeds, int(months), source_hash())


def _workers(workers: int | None) -> int | None:
    if workers is None or (isinstance(workers, numbers.Integral) and 0 <= workers <= MOST_WORKERS):
        return workers
    raise ComparisonError(
        _("workers: must be 0 to {most}, not {n}").format(most=MOST_WORKERS, n=shown(str(workers)))
    )


def _seeds(seeds: int | Iterable[int]) -> tuple[int, ...]:
    if isinstance(seeds, numbers.Integral):
        seeds = int(seeds)
        if not 1 <= seeds <= MOST_SEEDS:
            raise ComparisonError(_("seeds: must be 1 to {most}, not {n}").format(most=MOST_SEEDS, n=seeds))
        return tuple(range(1, seeds + 1))
    given = tuple(seeds) if isinstance(seeds, Iterable) and not isinstance(seeds, str) else ()
    listed = tuple(int(seed) for seed in given if isinstance(seed, numbers.Integral))
    if (
        not listed
        or len(listed) < len(given)
        or len(set(listed)) < len(listed)
        or not all(0 <= seed < 2**63 for seed in listed)
    ):
        raise ComparisonError(_("seeds: must be different whole numbers from 0 on, at least one"))
    return listed


def _default_folder(plan: Plan) -> pathlib.Path:
    first = next(name for name in plan.scenarios if name != plan.baseline)
    return pathlib.Path("results") / f"{re.sub(r'[^\w.-]', '-', first)}-{plan.sha[:8]}"
