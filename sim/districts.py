"""Boundaries of districts from a GeoJSON file: read, checked, and made small enough for maps.

Needs the extra ``world`` (Shapely).
"""

import dataclasses
import json
import math
import pathlib
import re
from typing import Any

from sim.language import _
from sim.problems import Problem, ScenarioError, is_hidden, not_installed, shown
from sim.toml_source import Lines, read_text

SUFFIX = ".geojson"
MOST_BYTES = 20_000_000
MOST_DISTRICTS = 500
#: points of all boundaries beyond which maps get simpler ones, and how far those may be from the true ones
MOST_POINTS, FIRST_STEP_DEGREES = 5_000, 0.0002
#: share of the smaller of two districts that may lie in the other
SLIVER = 0.001
DECIMALS = 5
_FEATURES = re.compile(r'"features"\s*:\s*\[')
_WGS84 = re.compile(r"(CRS:?84|EPSG:+4326|WGS ?84)$", re.IGNORECASE)


@dataclasses.dataclass(frozen=True)
class District:
    """A district: names, and its area as a Shapely polygon in degrees."""

    name: str
    name_zh: str
    area: Any


def shapely() -> Any:
    """Return the library.

    Raises
    ------
    ImportError
        If it is not installed; the message says what to type.
    """
    try:
        import shapely as library
    except ImportError:
        raise not_installed("Shapely", "world") from None
    return library


class _File:
    """A GeoJSON file: its features, where each stands, and what is wrong with it."""

    def __init__(self, path: pathlib.Path, name: str) -> None:
        self.name = name
        self.problems: list[Problem] = []
        text = read_text(path, name, SUFFIX, MOST_BYTES)
        self._lines = Lines(text, name)
        try:
            self.data = json.loads(text)
        except json.JSONDecodeError as error:
            raise self._lines.error(error.pos, _("no JSON: {why}").format(why=error.msg)) from None
        except (RecursionError, ValueError) as error:
            raise self._lines.error(0, _("cannot be parsed: {why}").format(why=shown(error))) from None
        found = self.data.get("features") if isinstance(self.data, dict) else None
        if not isinstance(found, list) or self.data.get("type") != "FeatureCollection":
            raise self._lines.error(0, _("must be a FeatureCollection of districts"), "type")
        self.features: list[Any] = found
        self._at = _places(text, len(found))

    def refuse(self, position: int, key: str, message: str) -> None:
        """Note that something is wrong with a feature."""
        place = self._lines.place(self._at[position])
        self.problems.append(Problem(self.name, *place, f"features[{position}]{key}", message))


def _places(text: str, number: int) -> list[int]:
    """Return where each feature begins; 0 where that cannot be told."""
    decoder, found = json.JSONDecoder(), _FEATURES.search(text)
    places: list[int] = []
    at = found.end() if found else 0
    while found and len(places) < number:
        while text[at] in " \t\n\r,":
            at += 1
        if text[at] == "]":
            break
        places.append(at)
        at = decoder.raw_decode(text, at)[1]
    return places if len(places) == number else [0] * number


def read_districts(path: pathlib.Path, name: str) -> list[District]:
    """Read the districts of the GeoJSON file at `path`, called `name` in messages.

    Each is a Feature with the property ``name_en`` (or ``name``), if there is one ``name_zh``, and a Polygon or a
    MultiPolygon in degrees of longitude and latitude (WGS-84, as RFC 7946 has it).

    Raises
    ------
    ScenarioError
        If anything is wrong with it; lists everything at once.
    ImportError
        If Shapely is not installed.
    """
    library, file = shapely(), _File(path, name)
    _check_reference(file)
    if not file.features:
        raise ScenarioError([Problem(name, 1, 1, "features", _("there are no districts"))])
    if len(file.features) > MOST_DISTRICTS:
        message = _("{given} districts, more than {most}").format(
            given=len(file.features), most=MOST_DISTRICTS
        )
        raise ScenarioError([Problem(name, 1, 1, "features", message)])
    districts: list[District] = []
    positions: list[int] = []
    for position, feature in enumerate(file.features):
        area = _area(library, file, position, feature)
        names = _names(file, position, feature)
        if names and names[0] in [district.name for district in districts]:
            file.refuse(position, ".properties", _('the name "{id}" stands twice').format(id=shown(names[0])))
        elif area is not None and names:
            districts.append(District(*names, area))
            positions.append(position)
    if not file.problems:
        _check_overlaps(library, file, districts, positions)
    if file.problems:
        raise ScenarioError(file.problems)
    return districts


def _check_reference(file: _File) -> None:
    """Refuse a stated coordinate reference system that is not WGS-84."""
    stated = file.data.get("crs")
    if stated is None:
        return
    properties = stated.get("properties") if isinstance(stated, dict) else None
    named = str(properties.get("name", "") if isinstance(properties, dict) else stated)
    if not _WGS84.search(named.strip()):
        message = _(
            "must be WGS-84 in degrees, not {given}; convert it: ogr2ogr -t_srs EPSG:4326 new.geojson old.geojson"
        )
        raise ScenarioError([Problem(file.name, 1, 1, "crs", message.format(given=shown(named)))])


def _names(file: _File, position: int, feature: Any) -> tuple[str, str] | None:
    properties = feature.get("properties") if isinstance(feature, dict) else None
    properties = properties if isinstance(properties, dict) else {}
    name = properties.get("name_en") or properties.get("name")
    if not isinstance(name, str) or not name.strip() or any(map(is_hidden, name)):
        file.refuse(
            position, ".properties", _("needs the name of the district as name_en (or name), as text")
        )
        return None
    chinese = properties.get("name_zh")
    return name.strip()[:120], (chinese if isinstance(chinese, str) and chinese else name).strip()[:120]


def _area(library: Any, file: _File, position: int, feature: Any) -> Any:
    """Return the area of a feature, None if something is wrong with it."""
    geometry = feature.get("geometry") if isinstance(feature, dict) else None
    geometry = geometry if isinstance(geometry, dict) else {}
    kind = geometry.get("type")
    if kind not in ("Polygon", "MultiPolygon"):
        message = _("must be a Polygon or a MultiPolygon, not {given}")
        file.refuse(position, ".geometry", message.format(given=shown(kind)))
        return None
    given: Any = geometry.get("coordinates")
    given = [given] if kind == "Polygon" else given
    try:
        parts = [[[(float(point[0]), float(point[1])) for point in ring] for ring in part] for part in given]
        points = [point for part in parts for ring in part for point in ring]
    except (TypeError, ValueError, IndexError, KeyError):
        file.refuse(position, ".geometry", _("coordinates must be rings of [longitude, latitude]"))
        return None
    wrong = next((p for p in points if not (abs(p[0]) <= 180 and abs(p[1]) <= 90)), None)
    if wrong is not None:
        message = _("must be degrees of longitude and latitude (WGS-84), not [{x:.15g}, {y:.15g}]; convert it: "
                    "ogr2ogr -t_srs EPSG:4326 new.geojson old.geojson")  # fmt: skip
        file.refuse(position, ".geometry", message.format(x=wrong[0], y=wrong[1]))
        return None
    for ring in (ring for part in parts for ring in part):
        if len(ring) < 4 or ring[0] != ring[-1]:
            file.refuse(
                position, ".geometry", _("a ring needs at least four points, the last the same as the first")
            )
            return None
    area = library.MultiPolygon([(part[0], part[1:]) for part in parts if part])
    # the two halves of a bow-tie cancel out, so that it is the hull that tells whether there is an area
    if area.is_empty or not math.isfinite(area.area) or area.convex_hull.area == 0:
        file.refuse(position, ".geometry", _("the area is empty"))
        return None
    if not area.is_valid:
        file.refuse(position, ".geometry", _why_invalid(library.is_valid_reason(area)))
        return None
    return area


def _why_invalid(reason: str) -> str:
    what, _bracket, point = reason.partition("[")
    if "self-intersection" in what.lower():
        return _("the boundary crosses itself at [{point}").format(point=point.replace(" ", ", "))
    return _("the boundary is not valid: {why}").format(why=shown(reason))


def _check_overlaps(library: Any, file: _File, districts: list[District], positions: list[int]) -> None:
    """Refuse districts of which more than a sliver lies in another one."""
    areas = [district.area for district in districts]
    pairs = library.STRtree(areas).query(areas, predicate="intersects").T
    for a, b in sorted((min(pair), max(pair)) for pair in pairs.tolist() if pair[0] < pair[1]):
        shared = library.intersection(areas[a], areas[b]).area
        if shared > SLIVER * min(areas[a].area, areas[b].area):
            message = _("overlaps with {other} on {share:.1%} of the smaller of the two")
            share = shared / min(areas[a].area, areas[b].area)
            file.refuse(
                positions[b], ".geometry", message.format(other=shown(districts[a].name), share=share)
            )


def square_km(area: Any, lat: float) -> float:
    """Return the area of a polygon in degrees at a latitude [km2]."""
    lon_km, lat_km = km_per_degree(lat)
    return float(area.area * lon_km * lat_km)


def km_per_degree(lat: float) -> tuple[float, float]:
    """Return the lengths of a degree of longitude and of one of latitude [km], on the ellipsoid of WGS-84.

    References
    ----------
    National Imagery and Mapping Agency, Department of Defense World Geodetic System 1984, TR8350.2 (2000): semi-major
    axis and flattening.
    """
    axis, flattening = 6378.137, 1 / 298.257223563
    squared = flattening * (2 - flattening)
    phi = math.radians(lat)
    bend = 1 - squared * math.sin(phi) ** 2
    lon = math.radians(1) * axis * math.cos(phi) / math.sqrt(bend)
    return lon, math.radians(1) * axis * (1 - squared) / bend**1.5


def as_geojson(districts: list[District]) -> str:
    """Return districts as the GeoJSON of a world folder: a feature a line, as few points as maps need."""
    library = shapely()
    areas, step = [district.area for district in districts], FIRST_STEP_DEGREES
    while sum(library.get_num_coordinates(areas)) > MOST_POINTS and step < 0.1:
        # the boundary that neighbours share stays shared
        areas = list(library.coverage_simplify([district.area for district in districts], step))
        step *= 2
    lines = []
    for district, area in zip(districts, areas, strict=True):
        polygons = library.get_parts(library.orient_polygons(area))
        parts = [[_ring(ring) for ring in (p.exterior, *p.interiors)] for p in polygons]
        names = {"name_en": district.name, "name_zh": district.name_zh}
        geometry = {"type": "MultiPolygon", "coordinates": parts}
        feature = {"type": "Feature", "properties": names, "geometry": geometry}
        lines.append(json.dumps(feature, ensure_ascii=False, separators=(",", ":")))
    return '{"type":"FeatureCollection","features":[\n' + ",\n".join(lines) + "\n]}\n"


def _ring(ring: Any) -> list[list[float]]:
    return [[round(x, DECIMALS), round(y, DECIMALS)] for x, y in ring.coords]
