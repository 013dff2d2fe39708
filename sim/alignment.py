"""Tables of text in a terminal, where Chinese characters take two columns."""

import unicodedata
from collections.abc import Collection, Sequence

#: columns of a terminal beyond which a cell does not widen those below and above it
WIDEST = 48


def width_of(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def aligned(
    rows: Sequence[Sequence[str]], right: Collection[int] = (), widest: int | None = None
) -> list[str]:
    """Return rows of equally many cells as lines with aligned columns.

    Parameters
    ----------
    rows
        The cells; the first row may be the head.
    right
        Positions of columns that are aligned at their right side, as numbers are.
    widest
        Width of a column at most [columns of a terminal]; a longer cell pushes its own row to the right.
    """
    widths = [max(map(width_of, column)) for column in zip(*rows, strict=True)]
    if widest is not None:
        widths = [min(widest, width) for width in widths]
    lines = []
    for row in rows:
        gaps = [" " * (width - width_of(cell)) for cell, width in zip(row, widths, strict=True)]
        cells = [
            gap + cell if i in right else cell + gap
            for i, (cell, gap) in enumerate(zip(row, gaps, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return lines
