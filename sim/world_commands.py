"""The commands ``sim world new`` and ``sim world check``: arguments turned into function calls."""

import os

import click

from sim.language import _, current_language

_FILE = click.Path(dir_okay=False)


@click.group(epilog=_("Example: sim world check rivertown"), help=_("Make and check a city of your own."))
def world() -> None:
    """Hold the commands on worlds."""


@world.command(
    epilog=_(
        "Example: sim world new Rivertown --districts districts.geojson --zones zones.csv --nodes nodes.csv --out rivertown"
    ),
    short_help=_("Make a world folder from districts, zones and nodes."),
    help=_(
        "Check districts, zones and nodes of a city, lay its grid, and write a world folder with a map, which scenario "
        "files beside it can name. Needs the extra world."
    ),
)
@click.argument("name", metavar=_("NAME"))
@click.option(
    "--districts", required=True, type=_FILE, help=_("Boundaries of districts, as GeoJSON in WGS-84.")
)
@click.option("--zones", required=True, type=_FILE, help=_("Table of office zones, as CSV."))
@click.option(
    "--nodes",
    required=True,
    type=_FILE,
    help=_("Table of universities, institutes and anchor firms, as CSV."),
)
@click.option("--out", required=True, help=_("Folder to write; must be new."))
@click.option("--name-zh", default="", help=_("Name of the city in Chinese."))
@click.option(
    "--cell-km",
    type=click.FloatRange(0.05, 10),
    default=0.5,
    show_default=True,
    help=_("Side of a cell in km."),
)
@click.option("--home", default="", help=_("District that maps show in white."))
@click.option("--credit", default="", help=_("Whose data maps show."))
def new(
    name: str,
    districts: str,
    zones: str,
    nodes: str,
    out: str,
    name_zh: str,
    cell_km: float,
    home: str,
    credit: str,
) -> None:
    """Write a world folder and print what was found."""
    from sim.figures import drawable, language_note
    from sim.new_city import new_world, next_lines
    from sim.problems import shown

    lang = drawable(current_language())
    click.echo("\n".join(new_world(name, districts, zones, nodes, out, name_zh, cell_km, home, credit, lang)))
    click.echo(_("map: {path}").format(path=shown(os.path.join(out, "map.png"))))
    if note := language_note():
        click.echo(note, err=True)
    click.echo("\n".join(next_lines(out)), err=True)


@world.command(
    epilog=_("Example: sim world check rivertown"),
    short_help=_("Check a world folder."),
    help=_(
        "Check a world folder and print what is in it, or everything that is wrong with it. Needs the extra world."
    ),
)
@click.argument("folder", metavar=_("DIR"))
def check(folder: str) -> None:
    """Check a world folder."""
    from sim.new_city import check_world

    click.echo("\n".join(check_world(folder)))
