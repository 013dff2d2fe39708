"""The command ``sim``: arguments turned into function calls.

Commands import what they need when they run, so that help and errors come at once. Results go to standard
output, everything else to standard error. Exit codes: 0 done, 1 done with failed runs or tests, 2 bad usage or
scenario, 3 damaged results, 4 environment, 70 a fault of this program, 75 results in use, 130 interrupted.
"""

import json
import os
import pathlib
import shlex
import sys
from typing import Any

import click

from sim.alignment import WIDEST, aligned
from sim.app.command import app
from sim.calibration.commands import calibrate, holdout, sensitivity
from sim.evaluation.command import evaluate
from sim.language import LANGUAGES, N_, _, current, current_language, lending, name_in, speak, split_off
from sim.plugin_commands import plugins
from sim.study_commands import study
from sim.world_commands import world

FAILED_RUNS, BAD_INPUT, ENVIRONMENT, FAULT, INTERRUPTED = 1, 2, 4, 70, 130
FAILED_TESTS = 1
#: what Click says, through gettext
CLICK_SAYS = (
    N_("Usage:"), N_("Options"), N_("Commands"), N_("Show this message and exit."), N_("Show the version and exit."),
    N_("default: {default}"), N_("required"), N_("Error: {message}"), N_("Try '{command} {option}' for help."),
    N_("Missing command."), N_("Missing argument"), N_("Missing option"), N_("Missing parameter"),
    N_("No such option {name!r}."), N_("No such command {name!r}."), N_("Invalid value: {message}"),
    N_("Invalid value for {param_hint}: {message}"), N_("Option {name!r} does not take a value."),
    N_("{value!r} is not a valid {number_type}."), N_("{value} is not in the range {range}."), N_("{name} {filename!r} does not exist."), N_("{name} {filename!r} is a file."),
    N_("{name} {filename!r} is a directory."), N_("{name} {filename!r} is not readable."), N_("Choose from:\n\t{choices}"),
)  # fmt: skip
#: likewise for one and for several
CLICK_COUNTS = (
    (N_("Got unexpected extra argument ({args})"), N_("Got unexpected extra arguments ({args})")),
    (N_("Did you mean {possibility}?"), N_("(Did you mean one of: {possibilities}?)")),
    (N_("Option {name!r} requires an argument."), N_("Option {name!r} requires {nargs} arguments.")),
    (N_("{value!r} is not {choice}."), N_("{value!r} is not one of {choices}.")),
)


class Commands(click.Group):
    """A group whose failures are one plain message and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; a reader that has gone, such as `head`, is no failure."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run the command line and leave with its exit code."""
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):  # a terminal without Chinese still gets an answer
                stream.reconfigure(errors="backslashreplace")
        try:
            lang, given = split_off(args[0] if args else extra.pop("args", None))
            if lang is not None:
                speak(lang)
            with lending(lang or current()):
                code = self._answer(
                    given, *args[1:], **{"prog_name": "sim"} | extra | {"standalone_mode": False}
                )
        except (click.Abort, KeyboardInterrupt) as error:
            click.echo(_what_goes_on(_interrupt_behind(error)), err=True)
            code = INTERRUPTED
        except Exception as error:
            if os.environ.get("SIM_DEBUG") == "1":
                raise
            code = _explain(error)
        sys.exit(code if isinstance(code, int) else 0)

    def _answer(self, *args: Any, **extra: Any) -> Any:
        """Run the command line; return its exit code, also if it cannot be parsed."""
        try:
            return super().main(*args, **extra)
        except click.ClickException as error:
            error.show()
            return BAD_INPUT


def _what_goes_on(interrupt: KeyboardInterrupt | None) -> str:
    """Return what to say of an interrupt: that of a study says what it has kept."""
    if interrupt is None or not str(interrupt):
        return _("interrupted")
    return f"{interrupt}; {_('go on with:')} {shlex.join(['sim', *sys.argv[1:]])}"


def _interrupt_behind(error: BaseException | None) -> KeyboardInterrupt | None:
    """Return the interrupt of which Click, compiled code or its compiler made another error."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error


def _explain(error: Exception) -> int:
    """Print what a failure means to the user; return the exit code."""
    from sim.problems import ScenarioError, shown

    if interrupt := _interrupt_behind(error):
        click.echo(_what_goes_on(interrupt), err=True)
        return INTERRUPTED
    if isinstance(error, ScenarioError):
        click.echo(str(error), err=True)
        return BAD_INPUT
    if isinstance(error, OSError | ImportError):
        about_files = isinstance(error, OSError) and not isinstance(
            error, ChildProcessError | FileNotFoundError | ConnectionError | TimeoutError
        )
        hint = _(" (--out names another results folder)") if about_files else ""
        click.echo(_("environment: {why}").format(why=shown(error)) + hint, err=True)
        return ENVIRONMENT
    code = getattr(error, "exit_code", None)
    if isinstance(code, int):
        click.echo(str(error), err=True)
        return code
    message = _(
        "This is a fault of sim, not of your input: {kind}: {why}. "
        "Please report it with what you typed; SIM_DEBUG=1 shows where it happened."
    )
    click.echo(message.format(kind=type(error).__name__, why=shown(error)), err=True)
    return FAULT


def _echo_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=_("Example: sim scenario show rent-cut --origin"),
    help=_("Simulate how AI startups cluster in a city, and compare policies for them."),
)
@click.version_option(package_name="haidian-sim", prog_name="sim", help=_("Show the version and exit."))
@click.option("--lang", type=click.Choice(LANGUAGES), expose_value=False,
              help=_("Language, anywhere on the line; default: SIM_LANG, else that of the system."))  # fmt: skip
def cli() -> None:
    """Hold the commands."""


@cli.command("list", epilog=_("Example: sim list --json"), help=_("List the shipped scenarios."))
@click.option("--json", "as_json", is_flag=True, help=_("Print JSON."))
def list_scenarios(as_json: bool) -> None:
    """Print id, name and policies of each shipped scenario."""
    from sim.scenario import Scenario

    scenarios = [Scenario.load(scenario_id) for scenario_id in Scenario.shipped()]
    if as_json:
        labels = ("id", "name", "name_zh", "description")
        _echo_json(
            [
                {label: getattr(scenario, label) for label in labels}
                | {"policies": [lever.id for lever in scenario.policies]}
                for scenario in scenarios
            ]
        )
        return
    lang = current_language()
    rows = [
        (
            scenario.id,
            name_in(lang, scenario.name, scenario.name_zh),
            ", ".join(lever.id for lever in scenario.policies) or "-",
        )
        for scenario in scenarios
    ]
    rows = [(_("id"), _("name"), _("policies")), *rows]
    click.echo("\n".join(aligned(rows, widest=WIDEST)))


@cli.group(help=_("Check, show and describe scenario files."))
def scenario() -> None:
    """Hold the commands on scenario files."""


@scenario.command(
    epilog=_("Example: sim scenario validate scenarios/rent-cut.toml"),
    short_help=_("Check scenario files."),
    help=_("Check scenario files and print everything that is wrong with them."),
)
@click.argument("files", metavar=_("FILE..."), nargs=-1, required=True)
def validate(files: tuple[str, ...]) -> None:
    """Check files; all of them, also after one with errors."""
    from sim.city import City, grid_of
    from sim.problems import ScenarioError, shown
    from sim.scenario import Scenario

    problems = []
    for file in files:
        try:
            world = Scenario.load(file).world
            if isinstance(world, City):
                grid_of(world, world.id)
        except ScenarioError as error:
            problems += error.problems
        else:
            click.echo(f"{shown(file)}: {_('ok')}")
    if problems:
        raise ScenarioError(problems)


@scenario.command(
    epilog=_("Example: sim scenario show rent-cut --origin"),
    short_help=_("Show every value of a scenario with its unit."),
    help=_("Show every value of a scenario (a shipped id or a file) with its unit."),
)
@click.argument("scenario_id", metavar=_("ID_OR_FILE"))
@click.option("--origin", is_flag=True, help=_("Also print the file and line that each value comes from."))
@click.option("--json", "as_json", is_flag=True, help=_("Print JSON."))
def show(scenario_id: str, origin: bool, as_json: bool) -> None:
    """Print the resolved values of a scenario."""
    from sim.scenario import Scenario

    loaded = Scenario.load(scenario_id)
    if as_json:
        values = {
            entry.key: {"value": entry.value, "unit": entry.unit or None}
            | ({"origin": entry.origin} if origin else {})
            for entry in loaded.entries()
        }
        _echo_json({"id": loaded.id, "fingerprint": loaded.fingerprint, "values": values})
        return
    rows = [
        (entry.key, json.dumps(entry.value, ensure_ascii=False), entry.unit and _(entry.unit), entry.origin)[
            : 4 if origin else 3
        ]
        for entry in loaded.entries()
        if entry.value is not None
    ]
    click.echo("\n".join(aligned(rows, widest=WIDEST)))


@scenario.command(
    epilog=_("Example: sim scenario schema > scenarios/scenario.schema.json"),
    short_help=_("Print the JSON Schema of scenario files."),
    help=_("Print the JSON Schema of scenario files, which editors use to complete and check them."),
)
def schema() -> None:
    """Print the JSON Schema of scenario files."""
    from sim.schema import scenario_schema

    _echo_json(scenario_schema())


@cli.command(
    "compare",
    short_help=_("Compare policies with a baseline on the same seeds."),
    epilog=_("Example: sim compare rent-cut --seeds 20"),
    help=_(
        "Run policies and a baseline on the same seeds and print what the policies change, net of what they "
        "only move. SCENARIO is a shipped id or a file; without any, the rent cut and the new northern space are "
        "compared. A placebo and cash for every entrant run beside them. The same command again goes on where it was interrupted."
    ),
)
@click.argument("scenarios", metavar=_("[SCENARIO]..."), nargs=-1)
@click.option("--baseline", default="baseline", show_default=True, help=_("Scenario to compare with."))
@click.option(
    "--seeds", type=click.IntRange(1, 100_000), default=20, show_default=True, help=_("Seeds 1 to N.")
)
@click.option("--months", type=click.IntRange(1), help=_("Months to simulate; default: the scenarios'."))
@click.option(
    "--workers", type=click.IntRange(0, 1024), help=_("Processes; 0 for none; default: one a processor.")
)
@click.option("--out", help=_("Results folder; default: results/<first policy>-<plan>."))
@click.option("--controls/--no-controls", default=True, show_default=True,
              help=_("Run a placebo and cash for every entrant beside the policies."))  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help=_("Print the effects as JSON."))
def compare_scenarios(
    scenarios: tuple[str, ...],
    baseline: str,
    seeds: int,
    months: int | None,
    workers: int | None,
    out: str | None,
    controls: bool,
    as_json: bool,
) -> int:
    """Compare policies with a baseline; return the exit code."""
    from sim.effects import compare
    from sim.summary import closing_lines

    comparison = compare(scenarios, baseline, seeds, months, workers, out, controls=controls)
    if as_json:
        _echo_json(comparison.to_dict())
    else:
        click.echo(comparison.table())
    click.echo("\n".join(["", *closing_lines(comparison)]), err=as_json)
    return FAILED_RUNS if comparison.failures else 0


@cli.command(
    "run",
    short_help=_("Run one scenario with one seed."),
    epilog=_("Example: sim run baseline --seed 1 --months 24"),
    help=_("Run one scenario (a shipped id or a file) with one seed and print what came out."),
)
@click.argument("scenario_id", metavar=_("SCENARIO"))
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=1, show_default=True, help=_("Seed."))
@click.option("--months", type=click.IntRange(1), help=_("Months to simulate; default: the scenario's."))
@click.option("--out", help=_("Folder for the tables of the run, as Parquet, and a page of figures."))
@click.option("--json", "as_json", is_flag=True, help=_("Print JSON."))
def run_scenario(scenario_id: str, seed: int, months: int | None, out: str | None, as_json: bool) -> None:
    """Run one scenario once."""
    from sim.batch import run_once
    from sim.files import require_writable
    from sim.scenario import Scenario
    from sim.store import TABLES, write_run
    from sim.summary import run_summary

    loaded = Scenario.load(scenario_id)
    if months is not None and months > loaded.months:
        raise click.UsageError(_("--months: the scenario has {months} months").format(months=loaded.months))
    if out is not None:
        require_writable(out)
    run = run_once(loaded, seed, months)
    if out is not None:
        write_run(out, {name: getattr(run, name) for name in TABLES})
        if run.months > 1:
            from sim.figures import NobodyEnteredError, draw_scenario, drawable, language_note

            try:
                draw_scenario(pathlib.Path(out) / "scenario.png", [run], loaded, drawable(current_language()))
            except NobodyEnteredError:
                click.echo(_("no page of figures: nobody found first rooms early in the run"), err=True)
            if note := language_note():
                click.echo(note, err=True)
    if as_json:
        outcomes = {name: value for name, (_unit, value) in run.measures().items()}
        names = {"scenario": run.scenario_id, "seed": run.seed, "months": run.months, "digest": run.digest}
        _echo_json(names | {"outcomes": outcomes})
        return
    click.echo("\n".join(run_summary(run)))


@cli.command(
    "verify",
    short_help=_("Check the model's functions against theory."),
    epilog=_("Example: sim verify brock-durlauf --set beta_j=0.8,1.3 --seed 2"),
    help=_(
        "Put questions whose answer is known from theory to the model's own functions, and print theory, simulation "
        "and how far apart they may be. NAME is a test; without any, all are asked. Ends with 1 if one fails."
    ),
)
@click.argument("names", metavar=_("[NAME]..."), nargs=-1)
@click.option("--set", "settings", metavar=_("KEY=VALUE"), multiple=True,
              help=_("Value of a parameter of every test that has it; may be given several times."))  # fmt: skip
@click.option(
    "--seed", type=click.IntRange(0, 2**63 - 1), default=1, show_default=True, help=_("Seed of all draws.")
)
@click.option("--list", "listing", is_flag=True, help=_("List the tests and their parameters instead."))
@click.option("--json", "as_json", is_flag=True, help=_("Print JSON."))
def verify_theory(
    names: tuple[str, ...], settings: tuple[str, ...], seed: int, listing: bool, as_json: bool
) -> int:
    """Ask cases and print what they found; return the exit code."""
    from sim.verify import chosen, read_settings, verify
    from sim.verify.report import Watch, case_lines, list_of_cases, report_lines, summary_line

    if listing:
        cases = chosen(names)
        if as_json:
            _echo_json(list_of_cases(cases))
        else:
            click.echo("\n\n".join("\n".join(case_lines(case)) for case in cases))
        return 0
    with Watch() as watch:
        results = verify(names, read_settings(settings), seed, watch.begin)
    passed = all(result.passed for result in results)
    if as_json:
        _echo_json({"passed": passed, "tests": [result.to_dict() for result in results]})
    else:
        click.echo("\n\n".join("\n".join(report_lines(result)) for result in results))
        click.echo("\n" + summary_line(results))
    return 0 if passed else FAILED_TESTS


@cli.command(
    "report",
    short_help=_("Write the report of a results folder for planners."),
    epilog=_("Example: sim report results/rent-cut-1a2b3c4d"),
    help=_(
        "Write the report of a results folder for planners: one page in English and Chinese, without a network."
    ),
)
@click.argument("folder", metavar=_("DIR"), type=click.Path(exists=True, file_okay=False))
@click.option(
    "--out", type=click.Path(dir_okay=False), help=_("Page to write; default: report.html in the folder.")
)
def report_study(folder: str, out: str | None) -> None:
    """Write the report and print where it is."""
    from sim.language import current
    from sim.problems import shown
    from sim.report import write_report

    click.echo(shown(write_report(folder, out, current())))


for command in (app, world, plugins, study, evaluate, calibrate, holdout, sensitivity):
    cli.add_command(command)


def main() -> None:
    """Run the command ``sim``."""
    cli.main()


if __name__ == "__main__":
    main()
