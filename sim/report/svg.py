"""A small writer of SVG for a page with a strict policy: no style attributes, text as text in both languages.

Lengths are in units of CSS pixels at the width at which a figure is meant to stand.
"""

import re
from typing import Any

from markupsafe import Markup, escape

from sim.figures.style import PALETTE
from sim.language import LANGUAGES
from sim.report.text import TAGS, Both

WIDTH = 352.0  #: of a figure, one column of three
SIZE = 11.0  #: of text in figures
INK, SECONDARY, NOTE = PALETTE["ink"], PALETTE["ink_secondary"], PALETTE["ink_note"]
RULE, GRID, AXIS = PALETTE["rule"], PALETTE["grid"], PALETTE["axis"]
#: how a hatch is drawn: distance and width of its lines
HATCH_STEP, HATCH_LINE = 6, 2.2
_NAME = re.compile(r"[^0-9A-Za-z_-]+")


def number(value: float) -> str:
    """Return a length rounded to a tenth of a pixel."""
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def identifier(text: str) -> str:
    """Return a text as part of an id of a page."""
    return _NAME.sub("-", text)


class Drawing:
    """One figure, put together from the back to the front.

    Parameters
    ----------
    width, height
        Size, in pixels.
    name
        Id of the element of the page that names the figure; ``name-text`` describes it. Absent: the figure only
        repeats what stands beside it, and a screen reader passes it over.
    kind
        Class of the element.
    left
        Where the figure begins, left of 0.
    """

    def __init__(
        self, width: float, height: float, name: str = "", kind: str = "fig", left: float = 0.0
    ) -> None:
        self.width, self.height, self.name, self.kind, self.left = width, height, name, kind, left
        self.parts: list[Markup] = []

    def add(self, tag: str, content: Any = None, **attributes: Any) -> None:
        """Add an element; an underscore in the name of an attribute stands for a hyphen."""
        self.parts.append(element(tag, content, **attributes))

    def rect(self, x: float, y: float, width: float, height: float, **look: Any) -> None:
        """Add a rectangle, also one whose width is negative."""
        self.add("rect", x=min(x, x + width), y=y, width=abs(width), height=height, **look)

    def line(self, x1: float, y1: float, x2: float, y2: float, **look: Any) -> None:
        """Add a straight line."""
        self.add("line", x1=x1, y1=y1, x2=x2, y2=y2, **({"stroke": INK} | look))

    def circle(self, x: float, y: float, radius: float, **look: Any) -> None:
        """Add a circle."""
        self.add("circle", cx=x, cy=y, r=radius, **look)

    def path(self, d: str, **look: Any) -> None:
        """Add a path."""
        self.add("path", d=d, **look)

    def use(self, symbol: str, **look: Any) -> None:
        """Draw what the page defines under an id."""
        self.add("use", href=f"#{symbol}", **look)

    def text(self, x: float, y: float, text: Both | str, **look: Any) -> None:
        """Write a text, once for each language if they differ."""
        look = {"x": x, "y": y} | look
        if isinstance(text, str) or text.en == text.zh:
            self.add("text", text if isinstance(text, str) else text.en, **look)
            return
        kind = look.pop("class", "")
        for lang in LANGUAGES:
            self.add("text", text.of(lang), **{"class": f"{lang} {kind}".strip(), "lang": TAGS[lang]}, **look)

    def __html__(self) -> str:
        box = " ".join(map(number, (self.left, 0.0, self.width - self.left, self.height)))
        about: dict[str, Any] = {"aria-hidden": "true"}
        if self.name:
            about = {"role": "img", "aria-labelledby": self.name, "aria-describedby": f"{self.name}-text"}
        look = {"class": self.kind, "viewBox": box, "font-size": SIZE, "fill": INK}
        return str(element("svg", Markup("").join(self.parts), **look, **about))


def element(tag: str, content: Any = None, **attributes: Any) -> Markup:
    """Return an element; numbers are rounded, text is escaped, what is None is left out."""
    given = "".join(
        f' {name.replace("_", "-")}="{number(value) if isinstance(value, float) else escape(value)}"'
        for name, value in attributes.items()
        if value is not None
    )
    if content is None:
        return Markup(f"<{tag}{given}/>")
    return Markup(f"<{tag}{given}>{escape(content)}</{tag}>")


def hatch(name: str, colour: str, background: str = "#fff", line: float = HATCH_LINE) -> Markup:
    """Return a pattern of lines at 45 degrees."""
    inside = element("rect", width=HATCH_STEP, height=HATCH_STEP, fill=background)
    inside += element("rect", width=line, height=HATCH_STEP, fill=colour)
    return element(
        "pattern", inside, id=name, width=HATCH_STEP, height=HATCH_STEP, patternUnits="userSpaceOnUse",
        patternTransform="rotate(45)",
    )  # fmt: skip


def nice_ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Return round numbers from one end of a scale to the other, 0 among them where the scale holds it."""
    reach = max(high - low, 1e-12)
    size = 10.0 ** _exponent(reach / most)
    step = next(size * factor for factor in (1, 2, 5, 10) if reach / (size * factor) <= most)
    first = -int(-low // step) if low > 0 else int(low / step)
    return [step * i for i in range(first, int(high // step) + 1)]


def _exponent(value: float) -> int:
    exponent = 0
    while value >= 10:
        value, exponent = value / 10, exponent + 1
    while value < 1:
        value, exponent = value * 10, exponent - 1
    return exponent
