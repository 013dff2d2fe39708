"""The commands ``sim calibrate``, ``sim holdout`` and ``sim sensitivity``: arguments turned into function calls."""

import json
import math
import pathlib
from typing import Any

import click

from sim.language import _

FAILED_RUNS = 1
_JSON = click.option("--json", "as_json", is_flag=True, help=_("Print JSON."))
_WORKERS = click.option("--workers", type=click.IntRange(0, 1024),
                        help=_("Processes; 0 for none; default: one a processor."))  # fmt: skip


def _known_world(_context: click.Context, _option: click.Parameter, world: str | None) -> str:
    from sim.places import default_world, read_world

    read_world(world or default_world())  # says which one may be meant, if there is none
    return world or default_world()


_WORLD = click.option(
    "--world", callback=_known_world, help=_("World whose targets are meant; default: the shipped one.")
)


def _say(lines: list[str], value: Any, as_json: bool) -> None:
    if as_json:
        lines = [json.dumps(_without_nan(value), indent=2, ensure_ascii=False, allow_nan=False)]
    click.echo("\n".join(lines))


def _without_nan(value: Any) -> Any:
    """Return a tree with null for each number that is not finite: JSON has no word for it."""
    if isinstance(value, dict):
        return {key: _without_nan(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


@click.command(
    short_help=_("Fit the model to the targets of its world."),
    epilog=_("Example: sim calibrate --quick"),
    help=_(
        "Fit the model to the targets of its world: history matching, then sequential Monte Carlo from what is left. "
        "The same command again goes on where it was interrupted. Needs the extra calibrate."
    ),
)
@click.option(
    "--quick", is_flag=True, help=_("A small version for tests and first looks: too little to believe.")
)
@click.option("--populations", type=click.IntRange(1, 20),
              help=_("Populations of the sampler, each nearer than half of the last; default: 1."))  # fmt: skip
@click.option("--out", help=_("Results folder; default: results/calibration."))
@_WORKERS
@_WORLD
@_JSON
def calibrate(
    quick: bool,
    populations: int | None,
    out: str | None,
    workers: int | None,
    world: str,
    as_json: bool,
) -> int:
    """Calibrate; return the exit code."""
    import dataclasses

    from sim.calibration.calibrate import calibrate as fit
    from sim.calibration.calibrate import summary, to_dict
    from sim.calibration.matching import QUICK, Effort
    from sim.calibration.targets import Targets

    targets = Targets.of(world)
    folder = pathlib.Path(out or pathlib.Path("results") / ("calibration-quick" if quick else "calibration"))
    effort = QUICK if quick else Effort()
    if populations is not None:
        effort = dataclasses.replace(effort, generations=populations)
    ensemble = fit(targets, folder, effort, workers)
    _say(summary(ensemble, targets), to_dict(ensemble, targets), as_json)
    click.echo(_("accepted set: {path}").format(path=folder / "accepted.parquet"), err=True)
    return 0


@click.command(
    short_help=_("Hold the accepted set against facts kept out of the fit."),
    epilog=_("Example: sim holdout --members 40"),
    help=_(
        "Hold the accepted set against what it was fitted to and against what was kept out of the fit: for each fact the "
        "predictive distribution, where the fact lies in it, and a verdict."
    ),
)
@click.option("--members", type=click.IntRange(5, 10_000), default=40, show_default=True,
              help=_("Vectors of the accepted set that are run."))  # fmt: skip
@click.option("--out", help=_("Results folder; default: results/holdout."))
@_WORKERS
@_WORLD
@_JSON
def holdout(members: int, out: str | None, workers: int | None, world: str, as_json: bool) -> int:
    """Confront the accepted set with what was held out; return the exit code."""
    from sim.calibration.holdouts import confront, lines, to_dict

    folder = pathlib.Path(out or pathlib.Path("results") / "holdout")
    found = confront(world, folder, members, workers)
    _say(lines(found), to_dict(found), as_json)
    return FAILED_RUNS if found.failed else 0


def _base_of_sobol(_context: click.Context, _option: click.Parameter, value: int) -> int:
    from sim.calibration.sensitivity import LEAST_BASE, MOST_BASE

    if value and (value < LEAST_BASE or value & (value - 1)):
        nearest = min((2**n for n in range(MOST_BASE.bit_length())), key=lambda base: abs(base - value))
        raise click.BadParameter(
            _("{value} is no power of 2 from {least} on; the nearest is {nearest}").format(
                value=value, least=LEAST_BASE, nearest=max(nearest, LEAST_BASE)
            )
        )
    return value


@click.command(
    short_help=_("Say which parameters move levels and effects."),
    epilog=_("Example: sim sensitivity --trajectories 4 --sobol 0"),
    help=_(
        "Say which parameters move levels and which move the effects of policies: Morris screening of all of them, then "
        "Sobol indices of those that matter most, with intervals. Two seeds at each point tell what luck does. Needs the "
        "extra sensitivity."
    ),
)
@click.argument("policies", metavar=_("[SCENARIO]..."), nargs=-1)
@click.option("--trajectories", type=click.IntRange(2, 1000), default=6, show_default=True,
              help=_("Trajectories of Morris."))  # fmt: skip
@click.option("--sobol", type=click.IntRange(0, 65_536), default=64, show_default=True, callback=_base_of_sobol,
              help=_("Base sample of Sobol, a power of 2 from 16 on; 0 for none."))  # fmt: skip
@click.option("--survivors", type=click.IntRange(2, 40), default=8, show_default=True,
              help=_("Parameters that go on from Morris to Sobol."))  # fmt: skip
@click.option(
    "--months", type=click.IntRange(1, 1200), default=60, show_default=True, help=_("Months of each run.")
)
@click.option("--out", help=_("Results folder; default: results/sensitivity."))
@_WORKERS
@_JSON
def sensitivity(
    policies: tuple[str, ...],
    trajectories: int,
    sobol: int,
    survivors: int,
    months: int,
    out: str | None,
    workers: int | None,
    as_json: bool,
) -> int:
    """Analyse sensitivity; return the exit code."""
    from sim.calibration.sensitivity import Asked, analyse

    asked = Asked(policies or ("rent-cut", "north-space"), trajectories, sobol, survivors, months)
    folder = pathlib.Path(out or pathlib.Path("results") / "sensitivity")
    found = analyse(asked, folder, workers)
    _say(found.lines(), found.to_dict(), as_json)
    return 0
