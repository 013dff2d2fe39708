"""The commands ``sim study``: arguments turned into function calls; see `sim.__main__` for what all commands share."""

import json
import pathlib
from typing import Any

import click

from sim.language import _

FAILED_RUNS, DAMAGED = 1, 3
_FILE = click.argument("file", metavar=_("FILE"))
_FOLDER = click.argument("folder", metavar=_("DIR"), type=click.Path(exists=True, file_okay=False))


def _with_results(_context: click.Context, _option: click.Parameter, folder: str) -> str:
    """Return a folder that holds results; refuse any other as `sim evaluate` does."""
    from sim.evaluation.evaluate import results_in

    results_in(folder)
    return folder


_RESULTS = click.argument("folder", metavar=_("DIR"), type=click.Path(exists=True, file_okay=False),
                          callback=_with_results)  # fmt: skip
_JSON = click.option("--json", "as_json", is_flag=True, help=_("Print JSON."))
_YES = click.option("--yes", is_flag=True, help=_("Confirm a study of more than a million runs."))
_OUT = click.option("--out", help=_("Results folder; default: results/<name of the file>."))
_TIMEOUT = click.option("--timeout", type=click.FloatRange(0.1), default=600.0, show_default=True,
                        help=_("Seconds after which a run counts as hanging."))  # fmt: skip
_WORKERS = click.option("--workers", type=click.IntRange(0, 1024),
                        help=_("Processes; 0 for none; default: one a processor."))  # fmt: skip


@click.group(short_help=_("Plan and do many runs."),
             help=_("Plan and do many runs: scenarios by seeds by points of parameter space."),
             epilog=_("Example: sim study plan scenarios/studies/outside-pull.toml"))  # fmt: skip
def study() -> None:
    """Hold the commands on studies."""


@study.command(epilog=_("Example: sim study plan scenarios/studies/outside-pull.toml"),
               short_help=_("Show what a study file asks for, and what it takes."),
               help=_("Show what a study file asks for: the design, the runs, and what they will take."))  # fmt: skip
@_FILE
@_YES
@click.option("--probe/--no-probe", default=True, show_default=True,
              help=_("Do a short run to tell time and disk."))  # fmt: skip
@_JSON
def plan(file: str, yes: bool, probe: bool, as_json: bool) -> None:
    """Print the design and the expected cost of a study."""
    from sim import designs
    from sim.evaluation.widening import widened
    from sim.probe import expected_cost
    from sim.studies import plan_of
    from sim.study_files import Study

    asked = widened(Study.load(file, confirmed=yes), None, lambda line: click.echo(line, err=True))
    cost = expected_cost(asked) if probe else None
    about: dict[str, Any] = {
        "study": asked.id,
        "plan": plan_of(asked).sha,
        "scenarios": list(asked.scenarios),
        "seeds": len(asked.seeds),
        "points": len(asked.points),
        "method": asked.method or None,
        "runs": asked.runs,
        "months": asked.months,
        "keep": ["outcomes", *asked.keep],
        "discrepancy": designs.discrepancy(asked.axes, asked.points)
        if asked.axes and asked.method != "accepted"  # that is not meant to be even
        else None,
    }
    if cost is not None:
        about |= {"seconds_a_run": round(cost.seconds_a_run, 3), "processor_seconds": round(cost.seconds, 1),
                  "bytes": round(cost.bytes)}  # fmt: skip
    if as_json:
        click.echo(json.dumps(about, indent=2, ensure_ascii=False))
        return
    click.echo("\n".join(_plan_lines(asked, about)))


def _plan_lines(asked: Any, about: dict[str, Any]) -> list[str]:
    from sim.designs import MOST_COMPARED
    from sim.problems import shown

    lines = [
        _("{name}: {n:,} runs of {months} months").format(
            name=asked.name, n=about["runs"], months=asked.months
        ),
        _("  scenarios  {n}: {names}").format(
            n=len(asked.scenarios), names=shown(", ".join(asked.scenarios))
        ),
        _("  seeds      {n}").format(n=about["seeds"]),
        _("  kept       {names}").format(names=", ".join(about["keep"])),
    ]
    if asked.axes:
        lines.append(_("  points     {n} ({method})").format(n=about["points"], method=asked.method))
        for axis in asked.axes:
            span = (
                shown(", ".join(map(str, axis.values[:8])))
                if axis.values
                else f"{axis.low:g} .. {axis.high:g}"
            )
            marks = [
                mark
                for mark, has in (
                    (_("log"), axis.log),
                    (_("whole"), axis.integer),
                    (_("factor"), axis.factor),
                )
                if has
            ]
            lines.append(f"    {axis.key}  {span}  {' '.join(marks)}".rstrip())
        if about["discrepancy"] is not None:
            lines.append(_("  discrepancy {d:.2g} (0 is perfectly even)").format(d=about["discrepancy"]))
        elif about["points"] > MOST_COMPARED and asked.method != "accepted":
            lines.append(_("  discrepancy left out: more than {n:,} points").format(n=MOST_COMPARED))
    if "bytes" in about:
        lines.append(
            _("  about {s:.2f} s a run: {minutes:.1f} processor-minutes and {mb:.1f} MB in all").format(
                s=about["seconds_a_run"], minutes=about["processor_seconds"] / 60, mb=about["bytes"] / 1e6)
        )  # fmt: skip
    return lines


@study.command(epilog=_("Example: sim study run scenarios/studies/outside-pull.toml --workers 2"),
               short_help=_("Do the runs of a study that are missing."),
               help=_("Do the runs of a study that are missing. The same command again goes on where it stopped."))  # fmt: skip
@_FILE
@_OUT
@_WORKERS
@click.option("--executor", type=click.Choice(["local", "dask"]), default="local", show_default=True,
              help=_("Processes of this machine, or a Dask cluster."))  # fmt: skip
@click.option("--address", help=_("Address of the Dask scheduler, such as tcp://127.0.0.1:8786."))
@_TIMEOUT
@click.option("--dry-run", is_flag=True, help=_("Only show what would be done."))
@_YES
def run(
    file: str,
    out: str | None,
    workers: int | None,
    executor: str,
    address: str | None,
    timeout: float,
    dry_run: bool,
    yes: bool,
) -> int:
    """Do a study; return the exit code."""
    from sim.studies import prospect, run_study
    from sim.study_files import Study

    asked = Study.load(file, confirmed=yes)
    folder = out or str(pathlib.Path("results") / asked.id)
    if dry_run:
        held, missing = prospect(asked, folder)
        told = _("{runs:,} runs into {folder}: {done:,} are done, {missing:,} to do; nothing was done")
        click.echo(told.format(runs=held + missing, folder=folder, done=held, missing=missing))
        return 0
    does = None
    if executor == "dask":
        from sim.dask_executor import DaskExecutor

        try:
            does = DaskExecutor(address, workers)
        except ValueError as error:
            raise click.UsageError(_("--address: {why}").format(why=error)) from None
    elif address is not None:
        raise click.UsageError(_("--address: only with --executor dask"))
    return _ended(folder, run_study(asked, folder, workers, does, timeout))


def _ended(folder: str | pathlib.Path, failures: list[Any]) -> int:
    """Say how a study ended; return the exit code."""
    from sim.problems import in_full, shown
    from sim.studies import reproduce, status

    about = status(folder)
    click.echo(_("{done:,} of {runs:,} runs are done in {folder}").format(folder=folder, **about))
    click.echo(_("digest {digest}").format(digest=about["digest"]))
    for failure in failures[:10]:
        which = shown(f"{failure.scenario} {failure.seed}: {failure.message}")
        click.echo(f"{which}; {in_full(reproduce(failure, folder))}", err=True)
    return FAILED_RUNS if failures else 0


@study.command(epilog=_("Example: sim study worker study.toml --shard 3/16 --out /scratch/study"),
               short_help=_("Do one part of a study, for an array of jobs."),
               help=_("Do one part of a study, for an array of jobs; merge unites the parts."))  # fmt: skip
@_FILE
@click.option("--shard", required=True, metavar="I/N", help=_("Which part of how many, from 1."))
@click.option("--out", required=True, help=_("Results folder of the whole study."))
@_WORKERS
@_TIMEOUT
@_YES
def worker(file: str, shard: str, out: str, workers: int | None, timeout: float, yes: bool) -> int:
    """Do one part of a study; return the exit code."""
    from sim.studies import run_study
    from sim.study_files import Study

    try:
        number, parts = (int(part) for part in shard.split("/"))
    except ValueError:
        number, parts = 0, 0
    if not 1 <= number <= parts:
        raise click.UsageError(_("--shard: must be I/N with 1 <= I <= N, not {given}").format(given=shard))
    failures = run_study(Study.load(file, confirmed=yes), out, workers, None, timeout, (number, parts))
    return FAILED_RUNS if failures else 0


@study.command(epilog=_("Example: sim study merge /scratch/study"),
               help=_("Unite the parts of an array of jobs, and say what is missing."))  # fmt: skip
@_FOLDER
def merge(folder: str) -> int:
    """Unite parts; return the exit code."""
    from sim.studies import merge as unite
    from sim.studies import missing_by_part

    for part, number in unite(folder).items():
        click.echo(_("{part}: {n:,} runs").format(part=part, n=number))
    missing = missing_by_part(folder)
    for scenario, number in missing.items():
        click.echo(_("missing: {n:,} runs of {scenario}").format(n=number, scenario=scenario), err=True)
    return FAILED_RUNS if missing else 0


@study.command(epilog=_("Example: sim study status results/outside-pull --json"),
               short_help=_("Say what is done, missing, failed and damaged."),
               help=_("Say what is done, missing, failed and damaged, and the digest of what is done."))  # fmt: skip
@_RESULTS
@_JSON
def status(folder: str, as_json: bool) -> int:
    """Print the state of a results folder; return the exit code."""
    from sim.problems import in_full, shown
    from sim.studies import status as state_of

    about = state_of(folder)
    if as_json:
        click.echo(json.dumps(about, indent=2, ensure_ascii=False))
    elif about["damaged"]:
        click.echo(_("{n} damaged files, found by their checksums:").format(n=len(about["damaged"])))
        click.echo("\n".join(f"  {name}" for name in about["damaged"]))
        click.echo(_("the next `sim study run` sets them aside and does their runs again"))
    else:
        click.echo(_("{done:,} of {runs:,} runs are done, {missing:,} are missing").format(**about))
        for failed in about["failed"]:
            which = shown(f"{failed['scenario']} {failed['seed']}: {failed['message']}")
            click.echo(f"{which}\n  {in_full(failed['reproduce'])}")
        click.echo(_("digest {digest}").format(digest=about["digest"]))
    if about["damaged"]:
        return DAMAGED
    return 0 if about["complete"] else FAILED_RUNS


@study.command(epilog=_("Example: sim study verify results/outside-pull --sample 8"),
               help=_("Do a sample of finished runs again and compare every bit."))  # fmt: skip
@_RESULTS
@click.option("--sample", type=click.IntRange(1), default=4, show_default=True, help=_("Runs to do again."))
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help=_("Seed of the sample."))
def verify(folder: str, sample: int, seed: int) -> int:
    """Do runs again; return the exit code."""
    from sim.studies import verify_sample

    again = verify_sample(folder, sample, seed)
    for arm, stored, new in again:
        verdict = _("the same bits") if stored == new else _("DIFFERS: {new}").format(new=new)
        point = f" @{arm.point}" if arm.point else ""
        click.echo(f"{arm.scenario}{point} {arm.seed}: {verdict}")
    return 0 if all(stored == new for _arm, stored, new in again) else DAMAGED


@study.command(epilog=_("Example: sim study rerun results/outside-pull --scenario baseline --seed 3"),
               short_help=_("Do one run of a study again in this process."),
               help=_("Do one run of a study again in this process; SIM_DEBUG=1 shows where it fails."))  # fmt: skip
@_RESULTS
@click.option("--scenario", required=True, help=_("Scenario of the run."))
@click.option("--seed", type=int, required=True, help=_("Seed of the run."))
@click.option(
    "--point", type=click.IntRange(0), default=0, show_default=True, help=_("Position of its point.")
)
def rerun(folder: str, scenario: str, seed: int, point: int) -> None:
    """Do one run again and print its outcomes."""
    from sim.model import ClusterModel
    from sim.plan import Arm
    from sim.problems import nearest
    from sim.summary import run_summary
    from sim.work import read_work

    work = read_work(folder)
    if scenario not in work.scenarios:
        raise click.UsageError(_("--scenario: not in the study") + nearest(scenario, work.scenarios))
    if point >= len(work.plan.points):
        raise click.UsageError(_("--point: the study has {n} points").format(n=len(work.plan.points)))
    seeds = work.plan.seeds
    if seed not in seeds:
        rule = _("--seed: not among those of the study: {n}, from {low} to {high}")
        raise click.UsageError(rule.format(n=len(seeds), low=min(seeds), high=max(seeds)))
    arm = Arm(scenario, point, seed, work.plan.run_id(scenario, seed, point))
    done = ClusterModel.from_scenario(work.scenario(arm), seed=seed).run(work.plan.months)
    click.echo("\n".join(run_summary(done)))


@study.command(epilog=_("Example: sim study export results/outside-pull --out tables"),
               help=_("Write the tables of a study as CSV."))  # fmt: skip
@_RESULTS
@click.option("--out", help=_("Folder for the files; default: csv in the results folder."))
def export(folder: str, out: str | None) -> None:
    """Write CSV files."""
    from sim.studies import export as write

    for path in write(folder, out or pathlib.Path(folder) / "csv"):
        click.echo(str(path))
