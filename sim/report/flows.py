"""Figures that stand alone: who moved, how often plans are reached, two uncertainties side by side."""

from collections.abc import Sequence

from sim.evaluation.result import Additionality, Plan
from sim.figures.style import PALETTE, Mark
from sim.intervals import Interval
from sim.report.marks import Scale
from sim.report.svg import AXIS, GRID, INK, SECONDARY, WIDTH, Drawing, number
from sim.report.text import Both, alike, say, whole
from sim.rounding import rounded

MOST_SOURCES = 6  #: zones named as origins; the rest is one
FLOW_HEIGHT, FLOW_GAP, FLOW_TOP = 230.0, 3.0, 20.0
FLOW_LINE = 12.0  #: the least height of a line of text beside a band
FLOW_LEFT, FLOW_RIGHT, FLOW_BAR = 118.0, 232.0, 10.0
MOVED, ANYWAY = "#AEB6BD", "#DDE1E4"
#: dots a row, their distance and radius
DOTS, DOT_STEP, DOT_RADIUS = 25, 7.0, 2.6
PLAN = "#B8621B"
_LEAST = 0.05  #: startups below which a flow is not drawn


def flow(account: Additionality, zones: dict[str, Both], mark: Mark, name: str) -> Drawing:
    """Return where the startups of the treated zones would be without the policy, as bands whose heights add up.

    Parameters
    ----------
    account
        Account of a policy that is bound to places.
    zones
        Names of zones by id.
    mark
        How the policy is drawn.
    name
        Id of what names the figure.
    """
    moved = [(zones[d.zone], d.startups) for d in sorted(account.displaced_from, key=lambda d: -d.startups)]
    rest = sum(n for _, n in moved[MOST_SOURCES:])
    bands = [(label, n, MOVED) for label, n in moved[:MOST_SOURCES]]
    if rest > 0:
        bands.append((say("{n} other zones", n=len(moved) - MOST_SOURCES), rest, MOVED))
    bands.append((say("new to the region"), account.attracted.mean or 0.0, mark.colour))
    bands.append((say("there anyway"), account.deadweight.mean or 0.0, ANYWAY))
    bands = [band for band in bands if band[1] >= _LEAST]
    drawing = Drawing(WIDTH, FLOW_HEIGHT, name)
    total = sum(n for _, n, _ in bands)
    if not total:
        return drawing
    room = FLOW_HEIGHT - FLOW_TOP - 4.0
    per = _pixels_each([n for _, n, _ in bands], room)
    drawing.text(FLOW_LEFT + FLOW_BAR, 11, say("without the policy"), text_anchor="end", fill=SECONDARY)
    drawing.text(FLOW_RIGHT, 11, say("with it"), fill=SECONDARY)
    left, right = FLOW_TOP, FLOW_TOP + (room - per * total) / 2
    ends = []
    for label, n, colour in bands:
        high = n * per
        y = left + (max(high, FLOW_LINE) - high) / 2
        _band(drawing, y, right, high, colour)
        drawing.rect(FLOW_LEFT, y, FLOW_BAR, high, fill=colour)
        drawing.text(FLOW_LEFT - 5, y + high / 2 + 4, Both(f"{label.en} {whole(n)}", f"{label.zh} {whole(n)}"),
                     text_anchor="end")  # fmt: skip
        ends.append((right, high, colour))
        left, right = left + max(high, FLOW_LINE) + FLOW_GAP, right + high
    for y, high, colour in ends:
        drawing.rect(FLOW_RIGHT, y, FLOW_BAR, high, fill="#8D969E" if colour == MOVED else colour)
    _name_ends(drawing, account, ends, mark)
    return drawing


def _pixels_each(sizes: Sequence[float], room: float) -> float:
    """Return how high one startup is drawn so that bands, each as high as its text at least, fill the room."""
    low, high = 0.0, room / sum(sizes)
    for _ in range(40):
        middle = (low + high) / 2
        taken = sum(max(n * middle, FLOW_LINE) + FLOW_GAP for n in sizes)
        low, high = (middle, high) if taken < room else (low, middle)
    return low


def _band(drawing: Drawing, left: float, right: float, high: float, colour: str) -> None:
    a, b, middle = FLOW_LEFT + FLOW_BAR, FLOW_RIGHT, (FLOW_LEFT + FLOW_BAR + FLOW_RIGHT) / 2
    n = number
    d = (f"M{n(a)} {n(left)}C{n(middle)} {n(left)} {n(middle)} {n(right)} {n(b)} {n(right)}V{n(right + high)}"
         f"C{n(middle)} {n(right + high)} {n(middle)} {n(left + high)} {n(a)} {n(left + high)}Z")  # fmt: skip
    drawing.path(d, fill=colour, fill_opacity="0.75")


def _name_ends(
    drawing: Drawing, account: Additionality, ends: Sequence[tuple[float, float, str]], mark: Mark
) -> None:
    """Write beside the bar of the treated zones what its parts add up to, at least a line apart."""
    parts = [
        (say("moved"), account.displaced.mean, MOVED, SECONDARY),
        (say("new"), account.attracted.mean, mark.colour, INK),
        (say("anyway"), account.deadweight.mean, ANYWAY, SECONDARY),
    ]
    last = 0.0
    for label, n, colour, ink in parts:
        own = [(y, high) for y, high, c in ends if c == colour]
        if not own or n is None:
            continue
        middle = (own[0][0] + own[-1][0] + own[-1][1]) / 2 + 4
        y = max(middle, last + 13.0)
        last = y
        text = Both(f"{label.en} {whole(n)}", f"{label.zh} {whole(n)}")
        drawing.text(
            FLOW_RIGHT + FLOW_BAR + 6, y, text, fill=ink, font_weight=700 if colour == mark.colour else None
        )


def dots(probability: float) -> Drawing:
    """Return a hundred dots of which as many are filled as runs in a hundred reach a plan."""
    filled = int(rounded(100 * probability))
    drawing = Drawing(DOTS * DOT_STEP, 100 / DOTS * DOT_STEP, kind="dots")
    for i in range(100):
        x, y = (i % DOTS + 0.5) * DOT_STEP, (i // DOTS + 0.5) * DOT_STEP
        full = i < filled
        drawing.circle(
            x, y, DOT_RADIUS, fill=PLAN if full else "#fff", stroke=PLAN if full else AXIS, stroke_width=0.8
        )
    return drawing


def plan_line(plan: Plan, stated: Both, reached: Both) -> Drawing:
    """Return a line from 0 on which the median run and the plan stand."""
    drawing = Drawing(260, 44, kind="plan")
    top = max(plan.at_least, plan.median, 1e-9) * 1.08
    x = lambda value: 8.0 + 236.0 * value / top  # noqa: E731
    drawing.line(x(0), 16, x(top), 16, stroke=GRID, stroke_width=2)
    drawing.line(x(0), 16, x(plan.median), 16, stroke=INK, stroke_width=4)
    drawing.circle(x(plan.median), 16, 4, fill="#fff", stroke=INK, stroke_width=2)
    drawing.line(x(plan.at_least), 6, x(plan.at_least), 26, stroke=PLAN, stroke_width=2.5)
    near = abs(x(plan.at_least) - x(plan.median)) < 90
    drawing.text(min(max(x(plan.median), 8), 240), 40, reached, font_weight=700,
                 text_anchor="start" if x(plan.median) < 60 else "end")  # fmt: skip
    right = near and x(plan.at_least) < 170
    beside = (4 if right else -4) if near else 0  # the plan's own line stands as high as a text above
    drawing.text(x(plan.at_least) + beside, 10 if near else 40, stated, fill="#8A3B00",
                 text_anchor="start" if right else "end")  # fmt: skip
    return drawing


def two_uncertainties(
    seeds: Interval, worlds: Interval | None, scale: Scale, mark: Mark, resolved: bool
) -> Drawing:
    """Return the interval over seeds as a thick line, that over plausible worlds as a thin one below it."""
    drawing = Drawing(176, 26, kind="iv")
    for tick in scale.ticks():
        drawing.line(scale.at(tick), 2, scale.at(tick), 24, stroke=INK if tick == 0 else GRID)
    if seeds.low is not None and seeds.high is not None:
        drawing.line(scale.at(seeds.low), 9, scale.at(seeds.high), 9, stroke=mark.colour, stroke_width=5)
    if worlds is not None and worlds.low is not None and worlds.high is not None:
        drawing.line(
            scale.at(worlds.low), 19, scale.at(worlds.high), 19, stroke=mark.colour, stroke_width=1.5
        )
        drawing.circle(scale.at(worlds.mean or 0.0), 19, 2.5, fill=mark.colour)
    if seeds.mean is not None:
        fill = mark.colour if resolved else "#fff"
        drawing.circle(scale.at(seeds.mean), 9, 4, fill=fill, stroke=mark.colour, stroke_width=2)
    return drawing


def sample(kind: str) -> Drawing:
    """Return a mark by itself, for the key of how to read it: filled, hollow or open."""
    drawing = Drawing(200, 26, kind="sample")
    colour = PALETTE["policies"][0]["colour"]
    drawing.line(40, 2, 40, 24, stroke=INK)
    drawing.text(46, 9, alike("0"), font_size=9, fill=SECONDARY)
    if kind == "open":
        drawing.line(80, 13, 176, 13, stroke=colour, stroke_width=2, stroke_dasharray="3 2")
        drawing.line(80, 8, 80, 18, stroke=colour, stroke_width=2)
        drawing.path("M184 13l-9 -5v10z", fill=colour)
        return drawing
    low, high = (80, 170) if kind == "filled" else (20, 110)
    drawing.line(low, 13, high, 13, stroke=colour, stroke_width=2.5)
    drawing.circle((low + high) / 2, 13, 4.5, fill=colour if kind == "filled" else "#fff", stroke=colour,
                   stroke_width=2)  # fmt: skip
    return drawing
