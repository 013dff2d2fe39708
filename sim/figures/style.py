"""How figures look: palette, fonts, and a sheet of panels measured in pixels."""

import contextlib
import dataclasses
import functools
import io
import json
import pathlib
import re
import string
import warnings
from collections.abc import Iterator
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findSystemFonts, fontManager
from matplotlib.text import Text

from sim.figures.svg import clean_svg
from sim.language import N_, _, current_language

_FOLDER = pathlib.Path(__file__).parent
PALETTE: dict[str, Any] = json.loads((_FOLDER / "palette.json").read_text(encoding="utf-8"))
UNIT, GAP, MARGIN = 352, 24, 24  #: width of one panel, space between panels, margin of a sheet [px]
PIXELS_PER_INCH = 72
PNG_SCALE = 2
ASCENT, LINE_HEIGHT = 0.93, 1.3  #: of a line of text, in sizes of the font

LATIN = ("Segoe UI", "Arial", "Liberation Sans", "DejaVu Sans")
HAN = (
    "PingFang SC",
    "Hiragino Sans GB",
    "Microsoft YaHei",
    "Noto Sans CJK SC",
    "Source Han Sans SC",
    "WenQuanYi Micro Hei",
)
#: size [px], weight and colour by role
ROLES = {
    "title": (20, "bold", PALETTE["ink"]),
    "panel": (16, "bold", PALETTE["ink"]),
    "subtitle": (14, "normal", PALETTE["ink_secondary"]),
    "heading": (13, "bold", PALETTE["ink"]),
    "note": (13, "normal", PALETTE["ink_note"]),
    "credit": (11.5, "normal", PALETTE["ink_note"]),
    "label": (10.5, "normal", PALETTE["ink"]),
    "strong": (10.5, "bold", PALETTE["ink"]),
    "legend": (11.5, "normal", PALETTE["ink_secondary"]),
}


def pixels_of(ax: Axes) -> tuple[float, float]:
    """Return width and height of axes [px]."""
    box = ax.get_position(original=True)
    figure = ax.get_figure(root=True)
    if figure is None:
        raise ValueError("the axes belong to no figure")
    width, height = figure.get_size_inches() * PIXELS_PER_INCH
    return float(box.width * width), float(box.height * height)


def gid_of(ax: Axes, kind: str, name: str) -> str:
    """Return an id for a part of axes: no other axes of a figure has it if they have ids of their own."""
    return f"{ax.get_gid() or kind}-{name}"


#: why a figure cannot be drawn in Chinese
NO_FONT = N_("no font with Chinese characters; on Debian: apt-get install fonts-noto-cjk")


class FontError(RuntimeError):
    """No font of this machine has the characters of a figure."""


@functools.cache
def fonts() -> tuple[str, ...]:
    """Return the fonts of this machine that figures use, Latin before Chinese."""
    installed = {font.name for font in fontManager.ttflist}
    if not installed & set(HAN):  # Matplotlib lists fonts once and for all: look for those installed since
        for path in set(findSystemFonts()) - {font.fname for font in fontManager.ttflist}:
            with contextlib.suppress(OSError, RuntimeError):  # a file that is no font is none of ours
                fontManager.addfont(path)
        installed = {font.name for font in fontManager.ttflist}
    latin = [name for name in LATIN if name in installed][:1] or ["DejaVu Sans"]
    return (*latin, *[name for name in HAN if name in installed][:1], "DejaVu Sans")


def require_font(lang: str) -> None:
    """Check that the language can be drawn.

    Raises
    ------
    FontError
        If it is Chinese and no font of this machine has Chinese characters.
    """
    if drawable(lang) != lang:
        raise FontError(NO_FONT)


def drawable(lang: str) -> str:
    """Return the language if this machine has a font for it, else English: a run is not lost for want of a font."""
    return "en" if lang == "zh" and not set(HAN) & set(fonts()) else lang


def language_note() -> str:
    """Return why pictures do not speak the user's language, "" where they do."""
    lang = current_language()
    return "" if drawable(lang) == lang else _("pictures are in English: {why}").format(why=_(NO_FONT))


@contextlib.contextmanager
def house_style() -> Iterator[None]:
    """Draw in the style of the project; a character without a font is drawn as a box, without a warning."""
    with warnings.catch_warnings(), mpl.rc_context(fname=_FOLDER / "haidian.mplstyle"):
        warnings.filterwarnings("ignore", r"Glyph .* missing from", UserWarning)
        mpl.rcParams["font.family"] = list(fonts())
        yield


def use_house_style() -> None:
    """Let all figures of this process look like the project's, as large as a screen asks for: for notebooks."""
    mpl.rcParams.update(mpl.rc_params_from_file(_FOLDER / "haidian.mplstyle", use_default_template=False))
    mpl.rcParams["font.family"] = list(fonts())
    mpl.rcParams["figure.dpi"] = 100


def write(at: Axes | Figure, x: float, y: float, text: str, role: str = "label", **options: Any) -> Text:
    """Write a text in a role; dollar signs and the like mean themselves."""
    size, weight, colour = ROLES[role]
    defaults: dict[str, Any] = {
        "fontsize": size,
        "fontweight": weight,
        "color": colour,
        "family": list(fonts()),
    }
    return at.text(x, y, text, parse_math=False, **(defaults | options))


@functools.lru_cache(maxsize=4096)
def text_width(text: str, size: float, weight: str = "normal") -> float:
    """Return how wide a text is drawn [px]."""
    font = FontProperties(family=list(fonts()), size=size, weight=weight)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph .* missing from", UserWarning)
        width, _, _ = _renderer().get_text_width_height_descent(text, font, ismath=False)
    return float(width)


@functools.cache
def _renderer() -> RendererAgg:
    return RendererAgg(1, 1, PIXELS_PER_INCH)


#: what stays on one line; marks that close stay with what they close
_PIECES = re.compile(r"(?:[\u2e80-\u9fff\uff00-\uffef]|[^\s\u2e80-\u9fff\uff00-\uffef]+)[，。：；、）]*|\s+")


def wrap(text: str, width: float, role: str, lines: int = 2) -> str:
    """Return the text broken into at most `lines` lines of `width` px, the rest cut with an ellipsis."""
    size, weight, _ = ROLES[role]
    fits = lambda line: text_width(line.rstrip(), size, weight) <= width  # noqa: E731
    done: list[str] = []
    line = ""
    for piece in _PIECES.findall(text):
        if not line or fits(line + piece):
            line = line + piece if line else piece.lstrip()
            continue
        if len(done) == lines - 1:
            line += piece  # does not fit, so that the ellipsis follows
            break
        done.append(line.rstrip())
        line = piece.lstrip()
    while not fits(line) and len(line) > 1:
        line = line.removesuffix("…")[:-1].rstrip() + "…"
    return "\n".join([*done, line])


@dataclasses.dataclass(frozen=True)
class Mark:
    """How one scenario is drawn: colour, letter in a key, shape of the key, dashes of the line."""

    colour: str
    letter: str
    marker: str
    line: Any

    @classmethod
    def of(cls, place: int | None) -> "Mark":
        """Return the mark of the policy at a place of the study, or of the baseline (None)."""
        if place is None:
            return _mark(PALETTE["baseline"])
        marks = PALETTE["policies"]
        return dataclasses.replace(_mark(marks[place % len(marks)]), letter=chr(ord("A") + place % 26))

    @classmethod
    def of_role(cls, role: str, place: int) -> "Mark":
        """Return the mark of the scenario at a place among those of its role: letters are for policies, grey for all else."""
        if role == "policy":
            return cls.of(place)
        letter = {"cash": "¥", "placebo": "≈"}.get(role) or string.ascii_lowercase[place % 26]
        return dataclasses.replace(cls.of(None), colour=PALETTE["ink_note"], letter=letter)

    @classmethod
    def of_segment(cls, segment: int) -> "Mark":
        """Return the mark of a segment by its place in the parameters."""
        marks = PALETTE["segments"]
        return _mark(marks[segment % len(marks)])


@dataclasses.dataclass(frozen=True)
class Named:
    """What a line or bar stands for: its name in the language of the figure, and how it is drawn."""

    name: str
    mark: Mark


def _mark(row: dict[str, Any]) -> Mark:
    line = row["line"]
    return Mark(
        row["colour"], row["letter"], row["marker"], (line[0], tuple(line[1])) if line != "-" else "-"
    )


class Sheet:
    """A figure measured in pixels from its top left corner.

    Parameters
    ----------
    width, height
        Size [px].
    lang
        Language, "en" or "zh".
    """

    def __init__(self, width: float, height: float, lang: str) -> None:
        self.width, self.height, self.lang = width, height, lang
        self.figure = Figure(figsize=(width / PIXELS_PER_INCH, height / PIXELS_PER_INCH), dpi=PIXELS_PER_INCH)

    def axes(self, x: float, y: float, width: float, height: float) -> Axes:
        """Return axes whose top left corner lies at (x, y)."""
        w, h = self.width, self.height
        return self.figure.add_axes((x / w, 1 - (y + height) / h, width / w, height / h))

    def write(self, x: float, y: float, text: str, role: str, **options: Any) -> None:
        """Write lines of text, the first with its top at (x, y), on baselines that do not hang on letters."""
        size = options.get("fontsize", ROLES[role][0])
        for i, line in enumerate(text.split("\n")):
            baseline = y + size * (ASCENT + LINE_HEIGHT * i)
            write(
                self.figure, x / self.width, 1 - baseline / self.height, line, role, va="baseline", **options
            )

    def key(self, x: float, y: float, mark: Mark) -> None:
        """Draw the key of a scenario, its letter in its shape, 18 px wide at (x, y)."""
        ax = self.axes(x, y, 18, 18)
        ax.set_axis_off()
        ax.set(xlim=(0, 18), ylim=(0, 18))
        size = {"D": 11.5, "s": 15}.get(mark.marker, 17)
        ax.plot(
            [9], [9], marker=mark.marker, markersize=size, color=mark.colour, markeredgewidth=0, clip_on=False
        )
        write(ax, 9, 9, mark.letter, "strong", color="white", ha="center", va="center_baseline")

    def png(self) -> bytes:
        """Return the sheet as PNG at twice its size."""
        written = io.BytesIO()
        self.figure.savefig(written, format="png", dpi=PIXELS_PER_INCH * PNG_SCALE)
        return written.getvalue()

    def save(
        self, folder: pathlib.Path, name: str, title: str, description: str, source: str
    ) -> list[pathlib.Path]:
        """Write PNG at twice the size, and SVG with text as text; return both paths."""
        folder.mkdir(parents=True, exist_ok=True)
        png, svg = folder / f"{name}.png", folder / f"{name}.svg"
        self.figure.savefig(
            png,
            dpi=PIXELS_PER_INCH * PNG_SCALE,
            metadata={"Title": title, "Description": description, "Source": source},
        )
        written = io.StringIO()
        self.figure.savefig(
            written,
            format="svg",
            metadata={"Title": title, "Description": description, "Source": source, "Date": None},
        )
        svg.write_text(
            clean_svg(written.getvalue(), name, title, description, self.lang), encoding="utf-8", newline="\n"
        )
        return [png, svg]


def spread_out(wanted: np.ndarray, gap: float) -> np.ndarray:
    """Return positions at least `gap` apart, in the order of those wanted and as near to them as can be."""
    order = np.argsort(wanted, kind="stable")
    level = np.asarray(wanted, dtype=float)[order] - gap * np.arange(len(wanted))
    blocks: list[tuple[float, int]] = []
    for value in level:  # least squares under "not decreasing": merge neighbours that collide
        blocks.append((float(value), 1))
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            (a, n), (b, m) = blocks[-2:]
            blocks[-2:] = [((a * n + b * m) / (n + m), n + m)]
    placed = np.concatenate([np.full(n, value) for value, n in blocks]) + gap * np.arange(len(wanted))
    out = np.empty(len(wanted))
    out[order] = placed
    return out
