"""Maps of the report: ground and outlines of zones are defined once for the page, a map only refers to them."""

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup
from matplotlib.path import Path
from matplotlib.transforms import Bbox

from sim.figures.geography import PADDING, Geography
from sim.figures.maps import BAR_KM, BAR_SHARE, LABEL_STEP, difference_colour, level_colour
from sim.figures.numbers import Band, difference_text, level_text
from sim.figures.style import PALETTE, spread_out, text_width
from sim.language import LANGUAGES
from sim.places import AnyWorld
from sim.report.marks import UNRESOLVED
from sim.report.svg import RULE, SECONDARY, WIDTH, Drawing, element, number
from sim.report.text import Both, alike, say

GROUND = "ground"  #: id of land, districts and stations
LABEL = 10.5  #: size of a label [px]
LONGEST = "(\N{MINUS SIGN}888)"  #: the longest number that stands beside the name of a zone
#: how much more of the region a line of two pixels may hide; less than that is left out of an outline [px]
_FINEST = 0.45
KEY_WIDTH, BOX_HEIGHT = 330.0, 14.0


class Atlas:
    """What all maps of a page share: extent, ground, outlines and places of labels.

    Parameters
    ----------
    world
        World of the study.
    """

    def __init__(self, world: AnyWorld) -> None:
        self.geography = Geography.of(world)
        extents = np.array([self.geography.extent(WIDTH, lang) for lang in LANGUAGES])
        self.west, self.east = float(extents[:, 0].min()), float(extents[:, 1].max())
        self.south, self.north = float(extents[:, 2].min()), float(extents[:, 3].max())
        self.step = WIDTH / (self.east - self.west)
        self.height = (self.north - self.south) * self.step
        self.labels = self._label_places()

    @property
    def names(self) -> list[Both]:
        """Short names of the zones."""
        return [Both(label.name("en"), label.name("zh")) for label in self.geography.labels]

    @property
    def credit(self) -> Both:
        """Whose data the maps show, and that stock is synthetic."""
        return Both(self.geography.credit("en"), self.geography.credit("zh"))

    @property
    def full_credit(self) -> Both:
        """The same in full."""
        return Both(self.geography.credit("en", in_full=True), self.geography.credit("zh", in_full=True))

    def at(self, points: np.ndarray) -> np.ndarray:
        """Return where points [km], (n, 2), stand on a map [px]."""
        return np.column_stack(
            [(points[:, 0] - self.west) * self.step, (self.north - points[:, 1]) * self.step]
        )

    def definitions(self) -> Markup:
        """Return ground and zones as what a page defines once."""
        ground = Drawing(WIDTH, self.height)
        self._draw_ground(ground)
        zones = [
            element("path", id=f"zone-{z}", d=self._outline(path))
            for z, path in enumerate(self.geography.outlines)
        ]
        group = element("g", Markup("").join(ground.parts), id=GROUND)
        return element("defs", Markup("").join([group, *zones]))

    def _draw_ground(self, drawing: Drawing) -> None:
        colours, geography = PALETTE["map"], self.geography
        drawing.rect(0, 0, WIDTH, self.height, fill=colours["land"])
        home = geography.home_name("en")
        for district in sorted(geography.districts, key=lambda d: d.name_en != home):
            look = {"fill": "none", "stroke": colours["district_line"], "stroke_width": 0.5}
            if district.name_en == home:
                look = {"fill": colours["home"], "stroke": colours["home_line"], "stroke_width": 1}
            d = "".join(self._ring(ring) for ring in district.rings)
            if d:
                drawing.path(d, **look)
        points = self.at(geography.stations) if len(geography.stations) else np.empty((0, 2))
        dots = "".join(f"M{number(x)} {number(y)}h0" for x, y in points if self._is_clear(x, y))
        if dots:
            drawing.path(
                dots, stroke=colours["station"], stroke_width=2.4, stroke_linecap="round", fill="none"
            )

    def _is_clear(self, x: float, y: float) -> bool:
        """Return whether a point lies on the map and under no label."""
        if not (0 < x < WIDTH and 0 < y < self.height):
            return False
        return not any(a < x < b and c < y < d for a, b, c, d in self._label_boxes())

    def _label_boxes(self) -> list[tuple[float, float, float, float]]:
        boxes = []
        for (x, y), label in zip(self.labels, self.geography.labels, strict=True):
            wide = (
                max(text_width(f"{label.name(lang)} {LONGEST}", LABEL, "bold") for lang in LANGUAGES)
                + PADDING
            )
            left = x - {"left": 0.0, "center": 0.5, "right": 1.0}[label.align] * wide
            boxes.append((left, left + wide, y - 0.7 * LABEL, y + 0.7 * LABEL))
        return boxes

    def _ring(self, ring: np.ndarray) -> str:
        """Return the boundary of a district as far as the map shows it, no finer than can be seen."""
        path = Path(self.at(ring)).clip_to_bbox(_frame(WIDTH, self.height))
        return "".join(_short(np.asarray(polygon)) for polygon in path.to_polygons())

    def _outline(self, path: Path) -> str:
        """Return the outline of a zone; its corners are those of cells."""
        corners = self.at(np.asarray(path.vertices))
        parts: list[str] = []
        loop: list[str] = []
        codes = np.asarray(path.codes)
        for (x, y), code in zip(corners, codes, strict=True):
            if code == Path.CLOSEPOLY:
                parts.append(f"M{'L'.join(loop)}Z")
                loop = []
            else:
                loop.append(f"{number(x)} {number(y)}")
        return "".join(parts)

    def _draw_scale_bar(self, drawing: Drawing) -> None:
        km = max(
            length for length in BAR_KM if length * self.step <= max(BAR_SHARE * WIDTH, BAR_KM[0] * self.step)
        )
        end, y = WIDTH - 12.0, self.height - 10.0
        begin = end - km * self.step
        drawing.path(
            f"M{number(begin)} {number(y - 3)}v6m0 -3H{number(end)}m0 -3v6", stroke=SECONDARY, fill="none"
        )
        drawing.text((begin + end) / 2, y - 5, say("{km} km", km=f"{km:g}"), text_anchor="middle",
                     font_size=LABEL, fill=SECONDARY)  # fmt: skip

    def _label_places(self) -> np.ndarray:
        """Return where the labels of zones begin [px], (n_zones, 2)."""
        geography = self.geography
        centres = self.at(geography.centres)
        if geography.made:
            return centres
        places = self.at(np.array([(label.x or 0.0, label.y or 0.0) for label in geography.labels]))
        column = np.array([label.x is None for label in geography.labels])
        if column.any():
            places[column, 0] = (geography.column_x() - self.west) * self.step
            places[column, 1] = spread_out(centres[column, 1], LABEL_STEP)
        return places

    def levels(self, values: Sequence[float] | np.ndarray, bounds: Sequence[float], name: str) -> Drawing:
        """Return a map of levels by zone, each with its number."""
        drawing = self._map(name)
        for z, value in enumerate(values):
            colour = level_colour(value, bounds)
            drawing.use(f"zone-{z}", fill=colour, stroke=PALETTE["map"]["zone_line"], stroke_width=0.6)
        self._write_labels(drawing, [level_text(value) for value in values], [False] * len(values))
        return drawing

    def difference(
        self,
        by_zone: Band,
        bounds: Sequence[float],
        name: str,
        treated: Sequence[int] = (),
        everything: bool = False,
    ) -> Drawing:
        """Return a map of differences by zone: hatched where the interval includes 0.

        Parameters
        ----------
        by_zone
            Mean difference and its limits, (n_zones,).
        bounds
            Bounds between the nine classes, (8,).
        name
            Id of what names the map.
        treated
            Zones with a strong outline.
        everything
            Whether zones that are not resolved have a label too, their number in brackets.
        """
        drawing, line = self._map(name), PALETTE["map"]
        resolved = by_zone.resolved
        for z, mean in enumerate(by_zone.mean):
            colour = difference_colour(mean, bounds) if resolved[z] else f"url(#{UNRESOLVED})"
            edge = line["zone_line"] if resolved[z] else PALETTE["unresolved"]["line"]
            drawing.use(f"zone-{z}", fill=colour, stroke=edge, stroke_width=0.6)
        for z in treated:
            drawing.use(f"zone-{z}", fill="none", stroke=line["zone_line_selected"], stroke_width=1.6)
        texts = [difference_text(mean) if known else f"({difference_text(mean)})" if everything else ""
                 for mean, known in zip(by_zone.mean, resolved, strict=True)]  # fmt: skip
        self._write_labels(drawing, texts, resolved.tolist())
        return drawing

    def _map(self, name: str) -> Drawing:
        drawing = Drawing(WIDTH, self.height, name, kind="fig map")
        drawing.use(GROUND)
        if not self.geography.grid.apart:
            self._draw_scale_bar(
                drawing
            )  # not in the ground: what is drawn by reference cannot change its language
        return drawing

    def _write_labels(self, drawing: Drawing, texts: Sequence[str], strong: Sequence[bool]) -> None:
        """Write name and number of each zone that has a text, with a line to its centre."""
        line, made = PALETTE["map"]["leader"], self.geography.made
        centres = self.at(self.geography.centres)
        for z, text in enumerate(texts):
            if not text:
                continue
            (cx, cy), (x, y), align = centres[z], self.labels[z], self.geography.labels[z].align
            look = {"text_anchor": {"left": "start", "center": "middle", "right": "end"}[align], "font_size": LABEL,
                    "font_weight": 700 if strong[z] else None, "class": "halo"}  # fmt: skip
            if made:
                drawing.text(cx, cy + 4, alike(text), **(look | {"text_anchor": "middle"}))
                continue
            drawing.line(cx, cy, x, y, stroke=line, stroke_width=0.6)
            drawing.circle(cx, cy, 1.7, fill=SECONDARY, stroke="#fff", stroke_width=0.6)
            nudge = {"left": 2.0, "right": -2.0}.get(align, 0.0)
            label = self.names[z]
            drawing.text(x + nudge, y + 3.8, Both(f"{label.en} {text}", f"{label.zh} {text}"), **look)


def level_key(bounds: Sequence[float]) -> Drawing:
    """Return the classes of a map of levels."""
    drawing = Drawing(KEY_WIDTH, 34)
    lasts = [int(bound) for bound in bounds]
    names = [f"{a + 1}–{b}" if a + 1 < b else str(b) for a, b in zip([0, *lasts[:-1]], lasts, strict=True)]
    _draw_classes(drawing, PALETTE["levels"])
    box = KEY_WIDTH / len(PALETTE["levels"])
    for i, text in enumerate([*names, f">{lasts[-1]}"]):
        drawing.text((i + 0.5) * box, 29, text, text_anchor="middle", fill=SECONDARY)
    return drawing


def difference_key(bounds: Sequence[float]) -> Drawing:
    """Return the classes of a map of differences."""
    drawing = Drawing(KEY_WIDTH, 34)
    _draw_classes(drawing, PALETTE["differences"])
    box = KEY_WIDTH / len(PALETTE["differences"])
    for i, bound in enumerate(bounds):
        drawing.text((i + 1) * box, 29, difference_text(bound), text_anchor="middle", fill=SECONDARY)
    return drawing


def mark_key(stations: bool) -> Drawing:
    """Return the key of hatches and outlines, and of points where the world has stations."""
    drawing = Drawing(KEY_WIDTH, 60 if stations else 40)
    line = PALETTE["map"]
    drawing.rect(0.5, 1, 30, 14, fill=f"url(#{UNRESOLVED})", stroke=PALETTE["unresolved"]["line"])
    drawing.text(38, 12, say("interval includes 0: direction not resolved"))
    drawing.rect(1, 22, 28, 13, fill="none", stroke=line["zone_line_selected"], stroke_width=1.6)
    drawing.text(38, 32, say("zone that the policy targets"))
    if stations:
        drawing.circle(15, 50, 2, fill=line["station"])
        drawing.text(38, 54, say("metro station"))
    return drawing


def _draw_classes(drawing: Drawing, colours: Sequence[str]) -> None:
    box = KEY_WIDTH / len(colours)
    for i, colour in enumerate(colours):
        drawing.rect(i * box, 0.5, box, BOX_HEIGHT, fill=colour, stroke=RULE, stroke_width=0.5)


def _frame(width: float, height: float) -> Bbox:
    return Bbox([[-4.0, -4.0], [width + 4.0, height + 4.0]])


def _short(polygon: np.ndarray) -> str:
    """Return a closed line without the points that lie within half a pixel of the one before."""
    kept = [polygon[0]]
    for point in polygon[1:]:
        if np.abs(point - kept[-1]).max() > _FINEST:
            kept.append(point)
    return "M" + "L".join(f"{number(x)} {number(y)}" for x, y in kept) + "Z" if len(kept) > 2 else ""
