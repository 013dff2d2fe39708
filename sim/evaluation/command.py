"""The command ``sim evaluate``: arguments turned into function calls; see `sim.__main__` for what all commands share."""

import json
import math

import click

from sim.language import _

INCOMPLETE = 1


def _finite(_context: click.Context, _option: click.Parameter, value: float | None) -> float | None:
    """Refuse nan and inf, which a range lets pass."""
    if value is not None and not math.isfinite(value):
        raise click.BadParameter(_("{value} is no finite number").format(value=value))
    return value


@click.command(
    short_help=_("Say what policies change, what that costs and how sure it is."),
    epilog=_("Example: sim evaluate results/rent-cut-1a2b3c4d --json"),
    help=_("Say what the policies of a study or a comparison change, net of what they only move; what that costs, how sure "
           "it is, and where it fails. Writes evaluation.json into the folder. Ends with 1 if runs are missing."),
)  # fmt: skip
@click.argument("folder", metavar=_("DIR"), type=click.Path(exists=True, file_okay=False))
@click.option("--price", type=click.FloatRange(0, min_open=True), metavar="RMB", callback=_finite,
              help=_("Cost per net startup that a policy should reach, in the search for where it fails; default: "
                     "that of cash for every entrant, or 10 million where cash has none."))  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help=_("Print JSON."))
def evaluate(folder: str, price: float | None, as_json: bool) -> int:
    """Evaluate a results folder; return the exit code."""
    from sim.evaluation.evaluate import evaluate as found_in
    from sim.evaluation.evaluate import save
    from sim.evaluation.table import lines

    found = found_in(folder, price)
    path = save(found, folder)
    if as_json:
        click.echo(json.dumps(found.to_dict(), ensure_ascii=False, allow_nan=False))
    else:
        click.echo("\n".join(lines(found)))
    click.echo(_("written: {path}").format(path=path), err=True)
    return 0 if found.complete else INCOMPLETE
