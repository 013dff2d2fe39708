"""``sim world new`` and ``sim world check``: a world folder from districts, zones and nodes, and what is in one."""

import csv
import dataclasses
import functools
import io
import itertools
import json
import os
import pathlib
import re
import shutil
import unicodedata
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sim.city import (
    GEO,
    LABELS,
    MOST_BELTS,
    MOST_NODES,
    MOST_ZONES,
    NODES,
    SETTINGS,
    ZONES,
    City,
    CityNode,
    CityZone,
    grid_of,
    misfit_rows,
    read_city,
    read_rows,
    repeats,
)
from sim.csv_source import Table
from sim.districts import District, as_geojson, km_per_degree, read_districts, shapely, square_km
from sim.language import _
from sim.made_worlds import MOST_CELLS
from sim.problems import Problem, ScenarioError, is_hidden, nearest, shown
from sim.toml_source import KeyPath, read_source

#: share by which a degree of world.toml may be longer or shorter than on the ellipsoid
WRONG_DEGREE = 0.02
#: the most that a city may reach from west to east or south to north [km]: the grid is a plane
MOST_KM = 200.0
#: land around the outermost floor space, and around all on maps [km]
RIM_KM = 1.0
#: zones in which partner funds sit, those with most startups first, and how many in each (assumed)
PARTNER_ZONES, PARTNERS_A_ZONE = 3, 2
STOCK_CUT_RADII, SMALLEST_CELL_STOCK_M2 = 2.0, 2000.0
DISTRICTS = "districts.geojson"
#: the longest number that stands beside the name of a zone
LONGEST = "(−888)"
#: numbers of the shipped city that no table of another one replaces
TO_SET = ("initial.startups", "births.independents_per_month", "finance.funds", "finance.capital_bn_rmb")


def new_world(
    name: str,
    districts: str,
    zones: str,
    nodes: str,
    out: str,
    name_zh: str = "",
    cell_km: float = 0.5,
    home: str = "",
    credit: str = "",
    lang: str = "en",
) -> list[str]:
    """Write a world folder with its map; return what was found, line by line.

    Parameters
    ----------
    name, name_zh
        Name of the city.
    districts, zones, nodes
        Boundaries as GeoJSON, and the two tables.
    out
        Folder to write: a new one, or empty.
    cell_km
        Side of a cell [km].
    home
        Name of the district that is white on maps, empty for none.
    credit
        Whose data maps show.
    lang
        Language of the map.

    Raises
    ------
    ScenarioError
        If anything is wrong with the files; lists everything at once. Nothing is written then.
    ImportError
        If Shapely is not installed.
    OSError
        If the folder cannot be written.
    """
    from sim.files import write_text

    folder = pathlib.Path(out)
    here = not folder.name  # the folder in which one stands cannot be put in its own place
    if here or folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise ScenarioError([Problem(out, None, None, "--out", _("is there already: name a new folder"))])
    problems = _unreadable({"NAME": name, "--name-zh": name_zh, "--credit": credit})
    found = _collect(problems, lambda: read_districts(pathlib.Path(districts), districts)) or []
    zone_rows, zone_table = read_rows(pathlib.Path(zones), zones, CityZone, MOST_ZONES, problems)
    node_rows, node_table = read_rows(pathlib.Path(nodes), nodes, CityNode, MOST_NODES, problems)
    if home and found and home not in [district.name for district in found]:
        message = _('no district "{word}"').format(word=shown(home)) + nearest(home, [d.name for d in found])
        problems.append(Problem(districts, None, None, "--home", message))
    for column, rows, table in (("zone", zone_rows, zone_table), ("node", node_rows, node_table)):
        if table is not None and len(rows) == len(table.rows):
            problems += [table.problem(table.rows[i], column, message) for i, message in repeats(rows)]
    if problems or zone_table is None:
        raise ScenarioError(problems)
    where = _districts_of(found, zone_rows, zone_table, problems)
    _check_tables(zone_rows, zone_table, node_rows, node_table, problems)
    if problems:
        raise ScenarioError(problems)
    zone_rows, belts = _with_belts(zone_rows, zone_table, where)
    texts = {
        SETTINGS: _settings((name, name_zh), zone_rows, node_rows, belts, cell_km, home, credit),
        ZONES: _as_csv(CityZone, zone_rows),
        NODES: _as_csv(CityNode, node_rows),
        f"{GEO}/{DISTRICTS}": as_geojson(found),
    }
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = folder.with_name(f".tmp-{uuid.uuid4().hex}-{folder.name}")
    try:
        (made / GEO).mkdir(parents=True)
        for file, text in texts.items():
            write_text(made / file, text)
        try:
            lines = check_world(str(made), out)
        except ScenarioError as error:  # of files that are not kept: it is the user's that are to be mended
            files = {ZONES: zones, NODES: nodes, SETTINGS: name}
            raise ScenarioError(
                dataclasses.replace(
                    wrong, path=files.get(pathlib.Path(wrong.path).name, out), line=None, column=None
                )
                for wrong in error.problems
            ) from None
        write_text(made / LABELS, _labels_of(made))
        draw_map(str(made), lang)
        if folder.is_dir():
            folder.rmdir()
        os.replace(made, folder)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return lines


def draw_map(folder: str, lang: str) -> pathlib.Path:
    """Draw the map of a world folder into it; return the path of the picture."""
    from sim.figures import draw_world

    city = read_city(pathlib.Path(folder), folder)
    return draw_world(pathlib.Path(folder) / "map.png", city, lang)[0]


def check_world(folder: str, name: str | None = None) -> list[str]:
    """Check a world folder, called `name` in messages; return what was found, line by line.

    Raises
    ------
    ScenarioError
        If anything is wrong with it; lists everything at once.
    ImportError
        If it has boundaries and Shapely is not installed.
    """
    path, name = pathlib.Path(folder), folder if name is None else name
    problems: list[Problem] = []
    districts: list[District] = []
    for file in sorted((path / GEO).glob("*.geojson")):
        shown_as = os.path.join(name, GEO, file.name)
        districts += _collect(problems, functools.partial(read_districts, file, shown_as)) or []
    if problems:
        raise ScenarioError(problems)
    city = read_city(path, name)
    zones = os.path.join(name, ZONES)
    zone_rows, zone_table = read_rows(path / ZONES, zones, CityZone, MOST_ZONES, problems)
    where: dict[str, District] = {}
    if districts and zone_table is not None:
        where = _districts_of(districts, zone_rows, zone_table, problems)
    problems += _contradictions(path, os.path.join(name, SETTINGS), city, districts)
    if problems:
        raise ScenarioError(problems)
    grid = grid_of(city, name)
    if grid.n_cells > MOST_CELLS:
        message = _("{n} cells with floor space, more than {most}: choose larger ones")
        message = message.format(n=grid.n_cells, most=MOST_CELLS)
        raise ScenarioError([Problem(os.path.join(name, SETTINGS), None, None, "cell_km", message)])
    return _told(city, grid, districts, where)


def _collect[Value](problems: list[Problem], read: Callable[[], Value]) -> Value | None:
    """Return what `read` returns, or None and its problems."""
    try:
        return read()
    except ScenarioError as error:
        problems += error.problems
        return None


def _unreadable(texts: dict[str, str]) -> list[Problem]:
    """Return what is wrong with words of the command line."""
    problems = []
    for key, text in texts.items():
        if any(map(is_hidden, text)) or len(text) > 200 or (key == "NAME" and not text.strip()):
            message = _("must be a line of 1 to 120 characters that can all be seen")
            problems.append(Problem(shown(text), None, None, key, message))
    return problems


def _districts_of(
    districts: Sequence[District], zones: Sequence[CityZone], table: Table, problems: list[Problem]
) -> dict[str, District]:
    """Return the district of each zone by its id; note those that lie in none."""
    library, where = shapely(), {}
    for zone, row in zip(zones, table.rows, strict=True):
        point, swapped = library.Point(zone.lon, zone.lat), library.Point(zone.lat, zone.lon)
        inside = next((d for d in districts if d.area.covers(point)), None)
        if inside is not None:
            where[zone.id] = inside
            continue
        lon_km, lat_km = km_per_degree(zone.lat)
        near = min(districts, key=lambda d: d.area.distance(point))
        away = near.area.distance(point) * (lon_km + lat_km) / 2
        message = _("lies in no district; the nearest is {name}, some {km:.3g} km away")
        message = message.format(name=shown(near.name), km=away)
        if any(d.area.covers(swapped) for d in districts):
            message = _("lies in no district; are lat and lon swapped?")
        problems.append(table.problem(row, "lat", message))
    return where


def _check_size(zones: Sequence[CityZone], table: Table, problems: list[Problem]) -> None:
    """Refuse zones that are too far apart for a plane."""
    lon_km, lat_km = km_per_degree(sum(zone.lat for zone in zones) / len(zones))
    for key, km in (("lon", lon_km), ("lat", lat_km)):
        values = [getattr(zone, key) for zone in zones]
        span = (max(values) - min(values)) * km
        if span > MOST_KM:
            far = max(range(len(zones)), key=lambda i: abs(values[i] - sorted(values)[len(values) // 2]))
            message = _("zones reach over {km:.0f} km; a city may reach over {most:.0f}").format(
                km=span, most=MOST_KM
            )
            problems.append(table.problem(table.rows[far], key, message))


def _belt_id(name: str, named: tuple[str, str], belts: Mapping[str, tuple[str, str]]) -> str:
    """Return the id of a district's belt: its name in plain letters, with a number where others have that id."""
    letters = unicodedata.normalize("NFKD", name.lower()).encode("ascii", "ignore").decode()
    first = re.sub(r"[^a-z0-9]+", "-", letters).strip("-") or "belt"
    numbered = itertools.chain([first], (f"{first}-{n}" for n in itertools.count(2)))
    return next(belt for belt in numbered if belts.get(belt, named) == named)


def _check_tables(
    zones: Sequence[CityZone],
    zone_table: Table,
    nodes: Sequence[CityNode],
    node_table: Table | None,
    problems: list[Problem],
) -> None:
    """Refuse what of the two tables does not fit together."""
    _check_size(zones, zone_table, problems)
    if not problems and node_table is not None:
        _check_reach(zones, nodes, node_table, problems)
    problems += [zone_table.problem(zone_table.rows[i], *wrong) for i, *wrong in misfit_rows(zones)]
    problems += [zone_table.problem(zone_table.rows[i], "lat", wrong) for i, wrong in _one_centre(zones)]


def _with_belts(
    zones: Sequence[CityZone], table: Table, where: dict[str, District]
) -> tuple[list[CityZone], dict[str, tuple[str, str]]]:
    """Return the zones, each in a belt, and the names of the belts; a zone without one is in that of its district."""
    given = {zone.belt: (zone.belt, zone.belt) for zone in zones if zone.belt}
    belts: dict[str, tuple[str, str]] = {}
    settled = []
    for zone, row in zip(zones, table.rows, strict=True):
        district = where[zone.id]
        named = (zone.belt, zone.belt) if zone.belt else (district.name, district.name_zh)
        belt = zone.belt or _belt_id(district.name, named, given | belts)
        settled.append(zone.model_copy(update={"belt": belt}))
        belts[belt] = named
        if len(belts) > MOST_BELTS:
            message = _("more than {most} belts: give zones a `belt` that several of them share")
            raise ScenarioError([table.problem(row, "belt", message.format(most=MOST_BELTS))])
    return settled, belts


def _check_reach(
    zones: Sequence[CityZone], nodes: Sequence[CityNode], table: Table, problems: list[Problem]
) -> None:
    """Refuse nodes that are too far away from the zones for a plane."""
    lon_km, lat_km = km_per_degree(sum(zone.lat for zone in zones) / len(zones))
    for key, km in (("lon", lon_km), ("lat", lat_km)):
        values = [getattr(zone, key) for zone in zones]
        for node, row in zip(nodes, table.rows, strict=True):
            value = getattr(node, key)
            away = max(value - min(values), max(values) - value) * km
            if away > MOST_KM:
                message = _("lies {km:.0f} km away from a zone; a city may reach over {most:.0f}")
                problems.append(table.problem(row, key, message.format(km=away, most=MOST_KM)))


def _one_centre(zones: Sequence[CityZone]) -> Iterator[tuple[int, str]]:
    """Yield position and message of each zone at the very centre of one before it, which leaves one of them no cell."""
    first: dict[tuple[float, float], CityZone] = {}
    for position, zone in enumerate(zones):
        other = first.setdefault((zone.lat, zone.lon), zone)
        if other is not zone:
            message = _('has the same centre as the zone "{zone}": cells belong to one zone')
            yield position, message.format(zone=shown(other.id))


def _contradictions(
    folder: pathlib.Path, name: str, city: City, districts: Sequence[District]
) -> list[Problem]:
    """Return what world.toml says of degrees and districts that is not so."""
    source = read_source(folder / SETTINGS, name)
    found: list[tuple[str, KeyPath, str]] = []
    lat = sum(zone.lat for zone in city.zones) / len(city.zones)
    for key, km in zip(("km_per_degree_lon", "km_per_degree_lat"), km_per_degree(lat), strict=True):
        given = getattr(city.settings, key)
        if abs(given / km - 1) > WRONG_DEGREE:
            message = _("a degree is {km:.2f} km long at latitude {lat:.1f}, not {given:g}")
            found.append((key, (key,), message.format(km=km, lat=lat, given=given)))
    home, names = city.settings.map.home_district, [district.name for district in districts]
    if home and home not in names:
        message = _('no district "{word}"').format(word=shown(home)) + nearest(home, names)
        found.append(("map.home_district", ("map", "home_district"), message))
    return [Problem(name, *source.place(at), key, message) for key, at, message in found]


def _settings(
    names: tuple[str, str],
    zones: Sequence[CityZone],
    nodes: Sequence[CityNode],
    belts: dict[str, tuple[str, str]],
    cell_km: float,
    home: str,
    credit: str,
) -> str:
    """Return world.toml: a grid around all floor space and all nodes, and where funds sit."""
    lat = sum(zone.lat for zone in zones) / len(zones)
    lon_km, lat_km = (round(km, 3) for km in km_per_degree(lat))
    reach = [zone.radius_km * STOCK_CUT_RADII + RIM_KM for zone in zones] + [RIM_KM] * len(nodes)
    points: list[CityZone | CityNode] = [*zones, *nodes]
    west = _floor2(min(p.lon - r / lon_km for p, r in zip(points, reach, strict=True)))
    south = _floor2(min(p.lat - r / lat_km for p, r in zip(points, reach, strict=True)))
    width = _whole(max((p.lon - west) * lon_km + r for p, r in zip(points, reach, strict=True)), cell_km)
    height = _whole(max((p.lat - south) * lat_km + r for p, r in zip(points, reach, strict=True)), cell_km)
    ranked = sorted((zone for zone in zones if zone.initial_share), key=lambda zone: -zone.initial_share)
    seats = [zone.id for zone in ranked[:PARTNER_ZONES] for _seat in range(PARTNERS_A_ZONE)]
    lines = [
        "# The grid: its south-west corner (WGS-84), the lengths of a degree there, its size and that of a cell",
        _pair("name", names[0]), _pair("name_zh", names[1]),
        _pair("origin_lon", west), _pair("origin_lat", south),
        _pair("km_per_degree_lon", lon_km), _pair("km_per_degree_lat", lat_km),
        _pair("width_km", width), _pair("height_km", height), _pair("cell_km", cell_km), "",
        "# Cells with less lettable stock than this, counted at the zone's largest stock, give it to their neighbours",
        _pair("smallest_cell_stock_m2", SMALLEST_CELL_STOCK_M2),
        "# How many radii the stock of a zone reaches from its centre", _pair("stock_cut_radii", STOCK_CUT_RADII), "",
        "# Whose data maps show", _pair("credit", credit), _pair("credit_short", credit), "",
        "# Belts: zones that are told together; add factory_space = true where hardware can be made",
    ]  # fmt: skip
    for belt, (name, name_zh) in belts.items():
        lines += [f"[belts.{json.dumps(belt)}]", _pair("name", name), _pair("name_zh", name_zh)]
    lines += ["", "# Where venture funds sit (assumed: where startups are): partner funds, and weights for the others",
              "[funds]", _pair("partner_seats", seats), "[funds.seat_weights]"]  # fmt: skip
    lines += [_pair(zone.id, zone.initial_share) for zone in ranked]
    if home:
        lines += ["", "# The district that is white on maps", "[map]", _pair("home_district", home)]
    return "\n".join(lines) + "\n"


def _pair(key: str, value: Any) -> str:
    return f"{key} = {json.dumps(value, ensure_ascii=False)}"


def _floor2(value: float) -> float:
    return float(f"{value - 0.005:.2f}")


def _whole(km: float, cell_km: float) -> float:
    """Return a length of whole cells that holds `km`."""
    return round((int(km / cell_km) + 1) * cell_km, 6)


def _as_csv(kind: type[Any], rows: Sequence[Any]) -> str:
    """Return rows as the table that they came from, all columns in the order of their declaration."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([field.alias or key for key, field in kind.model_fields.items()])
    for row in rows:
        values = [getattr(row, key) for key in kind.model_fields]
        writer.writerow(
            [
                "" if value is None else f"{value:.15g}" if isinstance(value, float) else value
                for value in values
            ]
        )
    return text.getvalue()


def _told(city: City, grid: Any, districts: Sequence[District], where: dict[str, District]) -> list[str]:
    """Return what was found in a world, line by line."""
    zones, nodes = grid.tables.zones, grid.tables.nodes
    lat = sum(zone.lat for zone in zones) / len(zones)
    lines = [
        _("{name}: {districts} districts, {zones} zones, {nodes} nodes").format(
            name=shown(city), districts=len(districts), zones=len(zones), nodes=len(nodes)),
        _("grid: {width:g} x {height:g} km, {n} cells of {cell:g} km with floor space").format(
            width=city.settings.width_km, height=city.settings.height_km, n=grid.n_cells, cell=grid.cell_km),
    ]  # fmt: skip
    for district in districts:
        inside = [zone.id for zone in zones if where.get(zone.id) is district]
        lines.append(_("district {name}: {km2:.1f} km2; zones: {zones}").format(
            name=shown(district.name), km2=square_km(district.area, lat), zones=", ".join(inside) or "-"))  # fmt: skip
    stock, potential = sum(z.stock_m2 for z in zones), sum(z.potential_stock_m2 for z in zones)
    vacant = sum(z.stock_m2 * z.vacancy_share for z in zones)
    lines.append(_("floor space: {stock:,.0f} m2, {vacant:.1%} of it vacant; with all that scenarios may add {most:,.0f} m2").format(
        stock=stock, vacant=vacant / stock, most=potential))  # fmt: skip
    kinds = {
        kind: [node for node in nodes if node.kind == kind] for kind in ("university", "institute", "anchor")
    }
    lines.append(_("nodes by kind: university {universities}, institute {institutes}, anchor {anchors}; {graduates:,.0f} AI "
                   "graduates and {spinoffs:,.0f} founders a year").format(
        universities=len(kinds["university"]), institutes=len(kinds["institute"]), anchors=len(kinds["anchor"]),
        graduates=sum(n.ai_graduates_per_year for n in nodes), spinoffs=sum(n.ai_spinoffs_per_year for n in nodes)))  # fmt: skip
    return lines


def _labels_of(folder: pathlib.Path) -> str:
    """Return labels.csv: short names, each beside its zone where it covers no other zone and no other name."""
    from sim.figures.geography import Geography
    from sim.figures.style import ROLES, UNIT, text_width

    geography = Geography.of(read_city(folder, str(folder)))
    west, east, _south, _north = geography.extent(UNIT)
    px, settings = (east - west) / UNIT, geography.settings
    size = ROLES["strong"][0]
    boxes = [outline.get_extents() for outline in geography.outlines]
    taken = [(box.x0, box.x1, box.y0, box.y1) for box in boxes]
    lines = ["zone,short_en,short_zh,x_km,y_km,align"]
    for zone, box, (x, y) in zip(geography.grid.tables.zones, boxes, geography.centres, strict=True):
        names = [re.sub(r"\s*[(（].*", "", name).strip() or name for name in (zone.name, zone.name_zh)]
        wide = max(text_width(f"{name} {LONGEST}", size, "bold") for name in names) * px
        high, gap = 1.4 * size * px, 2 * px
        place = ["", "", ""]
        for left, low, at in (
            (x - wide / 2, box.y1 + gap, [x, box.y1 + gap, "center"]),
            (box.x1 + gap, y - high / 2, [box.x1 + gap, y, "left"]),
            (box.x0 - gap - wide, y - high / 2, [box.x0 - gap, y, "right"]),
            (x - wide / 2, box.y0 - gap - high, [x, box.y0 - gap - high, "center"]),
        ):
            own = (left, left + wide, low, low + high)
            inside = (
                own[2] > 0 and own[3] < settings["height_km"] and own[0] > 0 and own[1] < settings["width_km"]
            )
            if inside and not any(
                own[0] < b and a < own[1] and own[2] < d and c < own[3] for a, b, c, d in taken
            ):
                taken.append(own)
                place = [f"{at[0]:.2f}", f"{at[1]:.2f}", str(at[2])]
                break
        text = io.StringIO()
        csv.writer(text, lineterminator="").writerow([zone.id, *names, *place])
        lines.append(text.getvalue())
    return "\n".join(lines) + "\n"


def next_lines(folder: str) -> list[str]:
    """Return what to do with a new world folder."""
    name = pathlib.Path(folder).name
    return [
        _("a scenario file beside the folder names it: {line}").format(line=f'world = "./{name}"'),
        _("set what your city has of these, or the shipped city's numbers hold: {keys}").format(
            keys=", ".join(TO_SET)
        ),
        _("belts, seats of funds and what maps show stand in {path}").format(
            path=os.path.join(folder, SETTINGS)
        ),
    ]
