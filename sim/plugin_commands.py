"""The command ``sim plugins``: which plug-ins are installed, and what keys their tables have."""

import json
from typing import Any

import click

from sim.alignment import aligned
from sim.language import N_, _

BROKEN = 4
HEADS = (N_("key"), N_("unit"), N_("range"), N_("default"), N_("meaning"))


@click.command(
    short_help=_("List installed plug-ins, or the keys of one."),
    epilog=_("Example: sim plugins --json"),
    help=_(
        "List installed plug-ins; with NAME, print the keys of its table. Ends with 4 if one cannot be used."
    ),
)
@click.argument("name", metavar=_("[NAME]"), required=False)
@click.option("--markdown", is_flag=True, help=_("Print the table of keys for a page."))
@click.option("--json", "as_json", is_flag=True, help=_("Print JSON."))
def plugins(name: str | None, markdown: bool, as_json: bool) -> int:
    """List plug-ins, or the keys of one; return the exit code."""
    from sim.problems import nearest, shown

    found, broken = _found()
    for message in broken:
        click.echo(message, err=True)
    if name is not None:
        known = {entry["name"]: entry for entry in found}
        if name not in known:
            raise click.UsageError(_('no plug-in "{word}"').format(word=shown(name)) + nearest(name, known))
        rows = _keys(known[name].pop("class"))
        if as_json:
            click.echo(json.dumps(known[name] | {"keys": [dict(zip(HEADS, row, strict=True)) for row in rows]},
                                  indent=2, ensure_ascii=False))  # fmt: skip
        else:
            click.echo(_table([tuple(_(head) for head in HEADS), *rows], markdown))
        return BROKEN if broken else 0
    for entry in found:
        del entry["class"]
    if as_json:
        click.echo(json.dumps({"plugins": found, "broken": broken}, indent=2, ensure_ascii=False))
    elif found:
        click.echo(_table([(_("name"), _("what"), _("package"), _("version"), _("sources")),
                           *((e["name"], e["what"], e["package"], e["version"], e["sources"][:12]) for e in found)],
                          markdown))  # fmt: skip
    elif not broken:
        click.echo(_("no plug-ins are installed"))
    return BROKEN if broken else 0


def _found() -> tuple[list[dict[str, Any]], list[str]]:
    """Return what is installed, and what of it cannot be used."""
    from sim.levers import LEVERS, lever_class
    from sim.plugins import POLICIES, PROCESSES, PluginError, names, of_plugin, process_class

    found: list[dict[str, Any]] = []
    broken = []
    sorts = ((POLICIES, _("policy"), lever_class), (PROCESSES, _("process"), process_class))
    for group, what, class_of in sorts:
        for name in names(group):
            try:
                plugin = of_plugin(class_of(name) or object)
            except PluginError as error:
                broken.append(str(error))
                continue
            if plugin is None:
                assert name in LEVERS
                message = _("plug-in {name}: is never used, because this program has a kind of this name")
                broken.append(message.format(name=name))
                continue
            about = {"name": name, "what": what, "package": plugin.package, "version": plugin.version}
            found.append(about | {"sources": plugin.sources, "class": plugin.loaded})
    return found, broken


def _keys(model: type[Any]) -> list[tuple[str, ...]]:
    """Return key, unit, range, default and meaning of each field."""
    from sim.explain import key_name, limits, unit_of

    rows: list[tuple[str, ...]] = []
    for name, field in model.model_fields.items():
        low, high = limits(field)
        span = (
            ""
            if low is None and high is None
            else f"{'' if low is None else f'{low:,g}'} – {'' if high is None else f'{high:,g}'}"
        )
        default = (
            ""
            if field.is_required()
            else json.dumps(field.get_default(call_default_factory=True), default=str)
        )
        rows.append((key_name(name, field), unit_of(field), span, default, field.description or ""))
    return rows


def _table(rows: list[tuple[str, ...]], markdown: bool) -> str:
    if markdown:
        lines = [rows[0], ("---",) * len(rows[0]), *rows[1:]]
        return "\n".join(
            "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines
        )
    return "\n".join(aligned(rows))
