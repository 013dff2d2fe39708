"""Two bars a policy: what it adds to the region, and what it only moves inside it."""

import dataclasses

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from sim.figures.numbers import count_text, difference_text, interval_text
from sim.figures.style import PALETTE, Mark, write
from sim.figures.words import say

BAR, GAP = 8.0, 2.0  #: height of a bar, and what lies between the two [px]
ROW = 66.0  #: height of the axes [px]


@dataclasses.dataclass(frozen=True)
class Split:
    """What one policy adds and moves, in startups; None where it is not defined.

    Attributes
    ----------
    net, low, high
        Effect on the whole region and its 95 % interval.
    moved
        Startups of the treated zones that are elsewhere in the region without the policy.
    new
        Startups of the treated zones that are not in the region without the policy.
    gain
        Effect on the treated zones.
    resolved
        Whether the direction of the net effect may be told.
    """

    net: float
    low: float | None
    high: float | None
    moved: float | None
    new: float | None
    gain: float | None
    resolved: bool

    @property
    def span(self) -> tuple[float, float]:
        """Where the bars begin and end."""
        return min(self.net, 0.0), max(self.net, self.moved or 0.0, 0.0)


def draw_split_bar(ax: Axes, split: Split, mark: Mark, limits: tuple[float, float], lang: str = "en") -> None:
    """Draw one policy: net for the region solid (hollow while unresolved), moved within it hatched, below.

    They are no parts of one sum: some of the net lies outside the treated zones.

    Parameters
    ----------
    ax
        Where to draw.
    split
        The numbers.
    mark
        How the policy is drawn.
    limits
        First and last number of startups that the axes show, the same for all policies.
    lang
        Language, "en" or "zh".
    """
    ax.set_axis_off()
    ax.set(xlim=limits, ylim=(ROW, 0))
    top, colour = 6.0, mark.colour
    if split.net:
        look = {"facecolor": colour} if split.resolved else {"facecolor": "white", "linestyle": (0, (3, 2))}
        ax.add_patch(
            Rectangle(
                (0, top),
                split.net,
                BAR,
                edgecolor=colour,
                linewidth=1,
                gid=f"{ax.get_gid() or 'bar'}-net",
                **look,
            )
        )
    moved = max(split.moved or 0.0, 0.0)
    if moved:
        ax.add_patch(
            Rectangle(
                (0, top + BAR + GAP),
                moved,
                BAR,
                facecolor="white",
                edgecolor=colour,
                linewidth=1,
                hatch="/////",
                gid=f"{ax.get_gid() or 'bar'}-moved",
            )
        )
    bottom = top + 2 * BAR + GAP
    ax.plot([0, 0], [top - 3, bottom + 3], color=PALETTE["ink_secondary"], linewidth=1.2)
    _say_split(ax, split, bottom + 3, lang)


def _say_split(ax: Axes, split: Split, y: float, lang: str) -> None:
    net = say("net {net}", lang, net=difference_text(split.net))
    if split.low is not None and split.high is not None:
        net += f" {interval_text(split.low, split.high)}"
    first = write(ax, 0, y, net, "strong", va="top", fontsize=12)
    if split.moved is not None:
        text = say("moved {moved}", lang, moved=count_text(split.moved))
        ax.annotate(
            text,
            (1, 0),
            xycoords=first,
            xytext=(12, 0),
            textcoords="offset points",
            va="bottom",
            fontsize=12,
            family=first.get_fontfamily(),
            color=PALETTE["ink_secondary"],
            parse_math=False,
        )
    write(
        ax, 0, y + 17, _zones_text(split, lang), "label", va="top", color=PALETTE["ink_note"], fontsize=11.5
    )


def _zones_text(split: Split, lang: str) -> str:
    if split.gain is None:
        return say("no treated zone", lang)
    gain = difference_text(split.gain)
    if split.new is None:
        return say("treated zones {gain}", lang, gain=gain)
    return say("treated zones {gain}; new to the region {new}", lang, gain=gain, new=count_text(split.new))
