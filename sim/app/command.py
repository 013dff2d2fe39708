"""The command ``sim app``: arguments turned into function calls; see `sim.__main__` for what all commands share."""

import importlib.util

import click

from sim.language import _, current
from sim.problems import not_installed

#: what the page needs, which the extra "app" installs
NEEDED = ("panel", "bokeh", "tomlkit")


@click.command(
    short_help=_("Serve a page with maps and comparisons to this machine."),
    epilog=_("Example: sim app --port 5006"),
    help=_("Serve a page on which one edits a scenario, plays the map month by month and compares policies, to a "
           "browser of this machine alone. Results and studies are those below the folder in which it is started."),
)  # fmt: skip
@click.option("--port", type=click.IntRange(0, 65535), default=5006, show_default=True,
              help=_("Port of the page; 0 takes one that is free."))  # fmt: skip
def app(port: int) -> None:
    """Serve the page until it is interrupted."""
    lacking = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if lacking:
        raise not_installed(", ".join(lacking), "app")
    from sim.app.server import serve

    serve(port, current())
