"""A world of the user's own: a folder beside a scenario file, read once and then carried along as values.

The folder holds ``world.toml``, ``zones.csv`` and ``nodes.csv`` and, for maps, ``geo/`` and ``labels.csv``, all as those
of shipped worlds. A scenario names it by a path inside its own folder (``world = "./rivertown"``). What a scenario then
holds is the content, so that plans and checkpoints are whole and a changed table makes another scenario.
"""

import functools
import hashlib
import json
import math
import os
import pathlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BeforeValidator,
    Field,
    SerializerFunctionWrapHandler,
    Strict,
    ValidationError,
    WrapSerializer,
    model_validator,
)

from sim.csv_source import Row, number_in, read_table
from sim.csv_source import Table as Csv
from sim.explain import NOT_BLANK, explain
from sim.language import N_, _
from sim.levers import Table
from sim.levers.base import quantity
from sim.places import Ground, Node, WorldError, WorldTables, Zone, read_ground
from sim.problems import Problem, ScenarioError, nearest, shown
from sim.toml_source import KeyPath, Source, dotted, read_source

#: the files of a world folder
SETTINGS, ZONES, NODES, GEO, LABELS = "world.toml", "zones.csv", "nodes.csv", "geo", "labels.csv"
MOST_ZONES, MOST_NODES, MOST_BELTS = 400, 2000, 12
MOST_SQUARES = 250_000  #: of the lattice on which cells are laid
MOST_GROUND_BYTES = 4_000_000  #: of a file that only maps read
ID = r"^[a-z0-9][a-z0-9-]*$"

Text = Annotated[str, Field(max_length=200)]
Named = Annotated[str, Field(min_length=1, max_length=120, pattern=NOT_BLANK)]
Span = Annotated[tuple[float, float], Strict(False)]
Words = Annotated[tuple[str, ...], Strict(False)]


def _table_of(value: Any) -> Any:
    """Return a table that `_pairs_of` has written as pairs."""
    pairs = isinstance(value, list) and all(isinstance(pair, list) and len(pair) == 2 for pair in value)
    return dict(value) if pairs and all(isinstance(key, str) for key, _value in value) else value


def _pairs_of(value: Any, as_usual: SerializerFunctionWrapHandler) -> list[list[Any]]:
    return [list(pair) for pair in as_usual(value).items()]


#: of a table whose order counts: JSON has it as pairs, because plans and checkpoints sort the keys of tables
IN_ORDER = (BeforeValidator(_table_of), WrapSerializer(_pairs_of, when_used="json"))
Weights = Annotated[dict[str, Annotated[float, Field(ge=0, le=1e6)]], *IN_ORDER]


class CityZone(Table):
    """A row of zones.csv."""

    id: str = Field(alias="zone", pattern=ID, max_length=64, description=N_("Id of the zone."))
    name: Named = Field(alias="name_en", description=N_("Name in English."))
    name_zh: Text = Field(default="", description=N_("Name in Chinese."))
    lat: float = quantity("degrees", N_("Latitude of the centre (WGS-84)."), low=-85.0, high=85.0)
    lon: float = quantity("degrees", N_("Longitude of the centre (WGS-84)."), low=-180.0, high=180.0)
    radius_km: float = quantity("km", N_("Distance over which floor space thins out."), low=0.05, high=20.0)
    stock_m2: float = quantity("m2", N_("Lettable floor space today."), low=1.0, high=1e10)
    potential_stock_m2: float | None = quantity(
        "m2", N_("Largest stock that any scenario gives the zone; absent: today's."), None, low=1.0, high=1e10)  # fmt: skip
    rent_rmb_m2_month: float = quantity("RMB/m2/month", N_("Rent today."), low=1.0, high=10_000.0)
    vacancy_share: float = quantity("share", N_("Share of floor space that is vacant today."), high=1.0)
    initial_share: float = Field(
        alias="initial_ai_firm_share", ge=0, le=1e6, json_schema_extra={"unit": "weight"},
        description=N_("Weight of the zone among the startups of the first month."))  # fmt: skip
    belt: Text = Field(default="", description=N_("Belt: zones that are told together."))
    note: str = Field(default="", max_length=1000, description=N_("Where the numbers come from."))


class CityNode(Table):
    """A row of nodes.csv."""

    id: str = Field(alias="node", pattern=ID, max_length=64, description=N_("Id of the node."))
    name: Named = Field(alias="name_en", description=N_("Name in English."))
    name_zh: Text = Field(default="", description=N_("Name in Chinese."))
    lat: float = quantity("degrees", N_("Latitude (WGS-84)."), low=-85.0, high=85.0)
    lon: float = quantity("degrees", N_("Longitude (WGS-84)."), low=-180.0, high=180.0)
    kind: Literal["university", "institute", "anchor"] = Field(description=N_("Kind of node."))
    ai_graduates_per_year: float = quantity(
        "people/year", N_("Graduates who could work in a startup."), high=1e6
    )
    ai_spinoffs_per_year: float = quantity("1/year", N_("Founders who come out of it."), high=1e5)


class Belt(Table):
    """A belt of zones, which figures and tables tell together."""

    name: Named = Field(description=N_("Name in English."))
    name_zh: Text = Field(default="", description=N_("Name in Chinese."))
    factory_space: bool = Field(default=False, description=N_("Whether its zones have space for production."))


class Funds(Table):
    """Where venture funds sit."""

    partner_seats: Words = Field(default=(), max_length=100, description=N_("Zone of each partner fund."))
    #: seats are drawn against the running sum of the weights, so that their order decides who sits where
    seat_weights: Weights = Field(
        min_length=1, description=N_("Weight of each zone among the seats of the other funds."))  # fmt: skip


class Frame(Table):
    """What maps show."""

    x_km: Span | None = Field(default=None, description=N_("First and last km from the origin, eastward."))
    y_km: Span | None = Field(default=None, description=N_("First and last km from the origin, northward."))
    home_district: Text = Field(default="", description=N_("District that is white on maps."))
    home_note: Text = Field(default="", description=N_("What to say of it."))
    home_note_zh: Text = Field(default="", description=N_("The same in Chinese."))


class Settings(Table):
    """What world.toml says."""

    name: Named = Field(description=N_("Name of the city."))
    name_zh: Text = Field(default="", description=N_("The same in Chinese."))
    default: bool = Field(default=False, description=N_("Of no meaning for a world of one's own."))
    origin_lon: float = quantity("degrees", N_("West edge of the grid."), low=-180.0, high=180.0)
    origin_lat: float = quantity("degrees", N_("South edge of the grid."), low=-85.0, high=85.0)
    km_per_degree_lon: float = quantity("km", N_("Length of a degree of longitude."), low=1.0, high=112.0)
    km_per_degree_lat: float = quantity("km", N_("Length of a degree of latitude."), low=110.0, high=112.0)
    width_km: float = quantity("km", N_("Width of the grid."), low=0.1, high=1000.0)
    height_km: float = quantity("km", N_("Height of the grid."), low=0.1, high=1000.0)
    cell_km: float = quantity("km", N_("Side of a cell."), 0.5, low=0.05, high=10.0)
    smallest_cell_stock_m2: float = quantity(
        "m2", N_("Cells with less lettable stock give it to their neighbours."), 2000.0)  # fmt: skip
    membership_stock_m2: dict[str, Annotated[float, Field(gt=0, le=1e10)]] = Field(
        default_factory=dict, description=N_("Zones whose cells are assigned as if this stock stood there."))  # fmt: skip
    stock_cut_radii: float = quantity(
        "radii", N_("How far the stock of a zone reaches from its centre."), 2.0, low=0.5, high=6.0)  # fmt: skip
    credit: str = Field(default="", max_length=1000, description=N_("Whose data maps show, in full."))
    credit_short: Text = Field(default="", description=N_("The same in a few words."))
    stock_note: str = Field(default="", max_length=1000, description=N_("What to know of the stock."))
    belts: Annotated[dict[str, Belt], *IN_ORDER] = Field(
        min_length=1, max_length=MOST_BELTS, description=N_("Belts by id.")
    )
    funds: Funds = Field(description=N_("Where venture funds sit."))
    map: Frame = Field(default=Frame(), description=N_("What maps show."))


def _as_tuples(value: Any) -> Any:
    return tuple(map(_as_tuples, value)) if isinstance(value, list | tuple) else value


class Map(Table):
    """What maps show beside the zones."""

    labels: Annotated[tuple[dict[str, str], ...], Strict(False)] = ()
    districts: Annotated[Any, BeforeValidator(_as_tuples)] = ()
    stations: Annotated[tuple[dict[str, str], ...], Strict(False)] = ()
    places: Annotated[tuple[dict[str, str], ...], Strict(False)] = ()

    def ground(self) -> Ground:
        """Return the same as maps take it."""
        districts = tuple(
            (str(name), str(zh), tuple(tuple((float(x), float(y)) for x, y in ring) for ring in rings))
            for name, zh, rings in self.districts
        )
        return Ground(self.labels, districts, self.stations, self.places)


class City(Table):
    """A world of the user's own, whole: settings, zones, nodes, and what maps show."""

    kind: Literal["own"]
    id: str = Field(max_length=200)
    settings: Settings
    zones: Annotated[tuple[CityZone, ...], Strict(False)]
    nodes: Annotated[tuple[CityNode, ...], Strict(False)]
    map: Map = Map()

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        for _file, _position, key, message in misfits(self.settings, self.zones, self.nodes):
            raise ValueError(f"{key}: {message}")
        return self

    def __str__(self) -> str:
        """Return the name, as messages show it."""
        return self.settings.name

    def __hash__(self) -> int:
        """Return a hash of what runs depend on."""
        return hash(self.sha)

    @functools.cached_property
    def sha(self) -> str:
        """SHA-256 of what a run depends on: all but names and maps."""
        labels = {"name": True, "name_zh": True, "note": True}
        settings: dict[str, Any] = {
            **dict.fromkeys(
                ("name", "name_zh", "default", "credit", "credit_short", "stock_note", "map"), True
            )
        }
        settings["belts"] = {"__all__": {"name": True, "name_zh": True}}
        values: dict[str, Any] = {
            "settings": self.settings.model_dump(mode="json", exclude=settings),
            "zones": [zone.model_dump(mode="json", exclude=labels) for zone in self.zones],
            "nodes": [node.model_dump(mode="json", exclude=labels) for node in self.nodes],
        }
        values["settings"]["belts"].sort()  # their order is that of figures
        text = json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def tables(self) -> WorldTables:
        """Return its zones and nodes."""
        return _tables(self)


@functools.lru_cache(maxsize=8)
def _tables(city: City) -> WorldTables:
    zones = [zone.model_dump() for zone in city.zones]
    for zone in zones:
        zone["potential_stock_m2"] = zone["potential_stock_m2"] or zone["stock_m2"]
        zone["name_zh"] = zone["name_zh"] or zone["name"]
    nodes = [node.model_dump() for node in city.nodes]
    for node in nodes:
        node["name_zh"] = node["name_zh"] or node["name"]
    settings = city.settings.model_dump(exclude_none=True)
    for named in (settings, *settings["belts"].values()):
        named["name_zh"] = named["name_zh"] or named["name"]
    ids = f"own:{city.id}"  # no id of a shipped world, whose targets are not this one's
    return WorldTables(ids, None, settings, tuple(Zone(**zone) for zone in zones),
                       tuple(Node(**node) for node in nodes), ground=city.map.ground())  # fmt: skip


#: what does not fit: file, key in world.toml or position of the row, column or dotted key, message
Misfit = tuple[str, KeyPath | int, str, str]


def misfits(settings: Settings, zones: Iterable[CityZone], nodes: Iterable[CityNode]) -> Iterator[Misfit]:
    """Yield what of tables that are each right does not fit together."""
    zones, nodes = tuple(zones), tuple(nodes)
    for file, column, rows in ((ZONES, "zone", zones), (NODES, "node", nodes)):
        yield from ((file, position, column, message) for position, message in repeats(rows))
    yield from _misfit_zones(settings, zones)
    ids = [zone.id for zone in zones]
    named: list[tuple[KeyPath, str]] = [
        *((("funds", "partner_seats", i), zone) for i, zone in enumerate(settings.funds.partner_seats)),
        *((("funds", "seat_weights", zone), zone) for zone in settings.funds.seat_weights),
        *((("membership_stock_m2", zone), zone) for zone in settings.membership_stock_m2),
    ]
    for key, zone in named:
        if zone not in ids:
            yield (
                SETTINGS,
                key,
                dotted(key),
                _('no zone "{word}" in zones.csv').format(word=shown(zone)) + nearest(zone, ids),
            )
    if not any(settings.funds.seat_weights.values()):
        key = ("funds", "seat_weights")
        yield SETTINGS, key, dotted(key), _("at least one zone must have a weight above 0")
    squares = settings.width_km * settings.height_km / settings.cell_km**2
    if squares > MOST_SQUARES:
        message = _("the grid has {n} squares, more than {most}: choose a larger cell")
        yield SETTINGS, ("cell_km",), "cell_km", message.format(n=round(squares), most=MOST_SQUARES)


def repeats(rows: Iterable[CityZone | CityNode]) -> Iterator[tuple[int, str]]:
    """Yield position and message of each row whose id stands in a row before."""
    first: dict[str, int] = {}
    for position, row in enumerate(rows):
        if first.setdefault(row.id, position) != position:
            yield (
                position,
                _('the id "{id}" stands twice; first in row {n}').format(id=row.id, n=first[row.id] + 1),
            )


def misfit_rows(zones: Sequence[CityZone]) -> Iterator[tuple[int, str, str]]:
    """Yield position, column and message of what does not fit together in the table of zones itself."""
    if not any(zone.initial_share for zone in zones):
        yield 0, "initial_ai_firm_share", _("at least one zone must have a weight above 0")
    for position, zone in enumerate(zones):
        if zone.potential_stock_m2 is not None and zone.potential_stock_m2 < zone.stock_m2:
            message = _("must be at least the stock of today, {stock}").format(stock=f"{zone.stock_m2:,.15g}")
            yield position, "potential_stock_m2", message


def _misfit_zones(settings: Settings, zones: tuple[CityZone, ...]) -> Iterator[Misfit]:
    yield from ((ZONES, *wrong) for wrong in misfit_rows(zones))
    for position, zone in enumerate(zones):
        if zone.belt not in settings.belts:
            message = _('no belt "{word}" in world.toml').format(word=shown(zone.belt))
            yield ZONES, position, "belt", message + nearest(zone.belt, settings.belts)
        x = (zone.lon - settings.origin_lon) * settings.km_per_degree_lon
        y = (zone.lat - settings.origin_lat) * settings.km_per_degree_lat
        if not (0 < x < settings.width_km and 0 < y < settings.height_km):
            message = _(
                "lies outside of the grid that world.toml states ({x:.1f} km east and {y:.1f} km north of its corner)"
            )
            yield ZONES, position, "lat", message.format(x=x, y=y)


def read_city(folder: pathlib.Path, name: str, inside: pathlib.Path | None = None) -> City:
    """Read the world folder at `folder`, called `name` in messages.

    Parameters
    ----------
    folder, name
        The folder, and what messages call it.
    inside
        Folder outside which no file may lie, links followed; absent: that of the world itself.

    Raises
    ------
    ScenarioError
        If anything is wrong with it; lists everything at once.
    """
    if not folder.is_dir():
        raise ScenarioError([Problem(name, None, None, "", _("no such folder"))])
    _stay_inside(folder, name, inside or folder)
    problems: list[Problem] = []
    source, settings = _read_settings(folder / SETTINGS, os.path.join(name, SETTINGS), problems)
    zones, zone_table = read_rows(folder / ZONES, os.path.join(name, ZONES), CityZone, MOST_ZONES, problems)
    nodes, node_table = read_rows(folder / NODES, os.path.join(name, NODES), CityNode, MOST_NODES, problems)
    if not problems and settings is not None and source is not None:
        tables = {ZONES: zone_table, NODES: node_table}
        for file, place, key, message in misfits(settings, zones, nodes):
            table = tables.get(file)
            if table is not None and isinstance(place, int):
                problems.append(table.problem(table.rows[place], key, message))
            elif not isinstance(place, int):
                problems.append(Problem(source.path, *source.place(place), key, message))
    if problems or settings is None:
        raise ScenarioError(problems)
    return City(
        kind="own",
        id=folder.resolve().name,
        settings=settings,
        zones=tuple(zones),
        nodes=tuple(nodes),
        map=_map(folder, name, settings, [zone.id for zone in zones]),
    )


def grid_of(city: City, name: str) -> Any:
    """Return the grid (``sim.space.Grid``) of the world whose folder messages call `name`.

    Raises
    ------
    ScenarioError
        If a zone has no cell.
    """
    from sim.space import Grid  # compiled code, which reading a folder does not need

    try:
        return Grid.of(city)
    except WorldError as error:
        why = str(error).removeprefix(f"own:{city.id}: ")
        message = _(
            "{why}: give it more floor space or a larger radius, or choose smaller cells or a smaller "
            "smallest_cell_stock_m2"
        ).format(why=why)
        raise ScenarioError([Problem(os.path.join(name, ZONES), None, None, "", message)]) from None


def _stay_inside(folder: pathlib.Path, name: str, inside: pathlib.Path) -> None:
    """Refuse a folder one of whose files is a link to somewhere else."""
    files = [SETTINGS, ZONES, NODES, LABELS, GEO]
    files += [f"{GEO}/{path.name}" for path in (folder / GEO).iterdir()] if (folder / GEO).is_dir() else []
    for file in files:
        if not (folder / file).resolve().is_relative_to(inside.resolve()):
            message = _("lies outside of the scenario's own folder")
            raise ScenarioError([Problem(os.path.join(name, file), None, None, "", message)])


def _read_settings(
    path: pathlib.Path, name: str, problems: list[Problem]
) -> tuple[Source | None, Settings | None]:
    """Return world.toml as text and as values; add what is wrong to `problems`."""
    try:
        source = read_source(path, name)
    except ScenarioError as error:
        problems += error.problems
        return None, None
    try:
        return source, Settings.model_validate(source.data)
    except ValidationError as error:
        for details in error.errors(include_url=False):
            key = details["loc"]
            message = explain(details, Settings, source.data)
            problems.append(Problem(name, *source.place(key), dotted(key), message))
        return source, None


def read_rows[Kind: Table](
    path: pathlib.Path, name: str, kind: type[Kind], most: int, problems: list[Problem]
) -> tuple[list[Kind], Csv | None]:
    """Return the rows of a table, and where they stand; add what is wrong to `problems`."""
    columns = {field.alias or key: field for key, field in kind.model_fields.items()}
    required = {key: field.description or "" for key, field in columns.items() if field.is_required()}
    optional = {key: field.description or "" for key, field in columns.items() if not field.is_required()}
    try:
        table = read_table(path, name, required, optional, most)
    except ScenarioError as error:
        problems += error.problems
        return [], None
    rows = []
    for row in table.rows:
        values = _values(row, kind)
        try:
            rows.append(kind.model_validate(values, by_alias=True, by_name=False))
        except ValidationError as error:
            for details in error.errors(include_url=False):
                column = str(details["loc"][0])
                problems.append(table.problem(row, column, explain(details, kind, values)))
    return rows, table


def _values(row: Row, kind: type[Table]) -> dict[str, Any]:
    """Return the cells of a row as numbers where numbers are meant; an empty cell is as one that is not there."""
    values: dict[str, Any] = {}
    for key, field in kind.model_fields.items():
        cell = row.cells.get(field.alias or key, "")
        if not cell:
            continue
        numeric = field.annotation in (float, float | None)
        number = number_in(cell) if numeric else None
        values[field.alias or key] = cell if number is None else float(number)
    return values


#: columns of labels.csv besides the zone, and where a name may stand beside its point
_LABEL_COLUMNS = ("short_en", "short_zh", "x_km", "y_km", "align")
_ALIGNS = ("left", "center", "right")


def _check_labels(path: pathlib.Path, name: str, settings: Settings, zones: list[str]) -> None:
    """Raise ScenarioError if labels.csv names what the world has not, or places that no map shows."""
    table = read_table(path, name, {"zone": "zone"}, dict.fromkeys(_LABEL_COLUMNS, ""), MOST_ZONES)
    problems = []
    for row in table.rows:
        zone, align = row.cells["zone"], row.cells.get("align", "")
        if zone not in zones:
            message = _('no zone "{word}" in zones.csv').format(word=shown(zone)) + nearest(zone, zones)
            problems.append(table.problem(row, "zone", message))
        if align and align not in _ALIGNS:
            message = _("must be one of {words}, not {given}").format(
                words=", ".join(_ALIGNS), given=shown(align)
            )
            problems.append(table.problem(row, "align", message))
        at = {key: row.cells.get(key, "") for key in ("x_km", "y_km")}
        for (key, cell), size in zip(at.items(), (settings.width_km, settings.height_km), strict=True):
            number = number_in(cell)
            if cell and (number is None or not -size <= number <= 2 * size):
                message = _("must be a number of km from {low:g} to {high:g}, not {given}")
                message = message.format(low=-size, high=2 * size, given=shown(cell))
                problems.append(table.problem(row, key, message))
            elif not cell and any(at.values()):
                problems.append(table.problem(row, key, _("needs both coordinates, or neither")))
    if problems:
        raise ScenarioError(problems)


def _map(folder: pathlib.Path, name: str, settings: Settings, zones: list[str]) -> Map:
    """Return what maps show of a folder."""
    geo = folder / GEO
    files = [folder / LABELS, *(sorted(geo.iterdir()) if geo.is_dir() else ())]
    for file in files:
        if file.is_file() and file.stat().st_size > MOST_GROUND_BYTES:
            message = _("larger than {n} bytes").format(n=MOST_GROUND_BYTES)
            raise ScenarioError(
                [Problem(os.path.join(name, str(file.relative_to(folder))), 1, 1, "", message)]
            )
    if (folder / LABELS).is_file():
        _check_labels(folder / LABELS, os.path.join(name, LABELS), settings, zones)
    try:
        ground = read_ground(folder)
        for row in (*ground.stations, *ground.places):
            if not (math.isfinite(float(row["lon"])) and math.isfinite(float(row["lat"]))):
                raise ValueError(_("a place is no finite number"))
        return Map(
            labels=ground.labels, districts=ground.districts, stations=ground.stations, places=ground.places
        )
    except (ValueError, KeyError, TypeError, RecursionError, AttributeError, OSError) as error:
        message = _("what maps read ({geo}/, {labels}) cannot be read: {why}; type: sim world check {folder}")
        message = message.format(geo=GEO, labels=LABELS, why=shown(error), folder=shown(name))
        raise ScenarioError([Problem(name, None, None, "", message)]) from None
