"""Reading of tables as users write them: which column each cell belongs to, and the line and column where it stands."""

import csv
import dataclasses
import math
import pathlib
import re

from sim.language import _
from sim.problems import Problem, ScenarioError, is_hidden, nearest, shown
from sim.toml_source import read_text

SUFFIX = ".csv"
MOST_BYTES = 1_000_000

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_CELL = re.compile(r'\s*"(?:[^"]|"")*"[^,]*|[^,]*')


@dataclasses.dataclass(frozen=True)
class Row:
    """One line of a table: its number from 1, its cells by column, and the position of each in the line, from 1."""

    line: int
    cells: dict[str, str]
    at: dict[str, int]


@dataclasses.dataclass(frozen=True)
class Table:
    """One table, called `name` in messages."""

    name: str
    rows: tuple[Row, ...]

    def problem(self, row: Row, column: str, message: str) -> Problem:
        """Return a problem with a cell, at its place."""
        return Problem(self.name, row.line, row.at.get(column, 1), column, message)


def number_in(text: str) -> int | float | None:
    """Return the finite number that a text spells, whole if it is written so; None if it spells none."""
    if not _NUMBER.fullmatch(text):
        return None
    number = float(text)
    if not math.isfinite(number):
        return None
    return int(text) if text.lstrip("+-").isdecimal() else number


def read_table(
    path: pathlib.Path, name: str, required: dict[str, str], optional: dict[str, str], most_rows: int
) -> Table:
    """Read the table at `path`, called `name` in messages: a line with the names of columns, then the rows.

    Parameters
    ----------
    path, name
        The file, and what messages call it.
    required, optional
        What each column means, by its name; a table may leave out those that are optional.
    most_rows
        Rows that a table may have.

    Raises
    ------
    ScenarioError
        If it cannot be read, a column is missing or not known, or a row has other cells than there are columns.
    """
    lines = read_text(path, name, SUFFIX, MOST_BYTES).split("\n")
    if not lines[0].strip():
        raise ScenarioError([Problem(name, 1, 1, "", _("the first line is blank; it must name the columns"))])
    header = _columns(lines[0], name, required, optional)
    rows: list[Row] = []
    problems: list[Problem] = []
    for number, line in enumerate(lines[1:], start=2):
        if not line.strip():
            continue
        if len(rows) == most_rows:
            problems.append(Problem(name, number, 1, "", _("more than {n} rows").format(n=most_rows)))
            break
        cells, at = _cells(line, name, number)
        if len(cells) != len(header):
            message = _(
                "{given} cells in this row, but there are {n} columns (a cell that holds a comma stands in quotes)"
            )
            message = message.format(given=len(cells), n=len(header))
            problems.append(Problem(name, number, 1, "", message))
            continue
        hidden = next((i for i, cell in enumerate(cells) if any(map(is_hidden, cell))), None)
        if hidden is not None:
            message = _("must not hold control or text-direction characters")
            problems.append(Problem(name, number, at[hidden], header[hidden], message))
            continue
        rows.append(Row(number, dict(zip(header, cells, strict=True)), dict(zip(header, at, strict=True))))
    if problems:
        raise ScenarioError(problems)
    if not rows:
        raise ScenarioError([Problem(name, 2, 1, "", _("the table has no rows"))])
    return Table(name, tuple(rows))


def _columns(line: str, name: str, required: dict[str, str], optional: dict[str, str]) -> list[str]:
    """Return the names of the columns."""
    if "," not in line and any(mark in line for mark in ";\t"):
        raise ScenarioError([Problem(name, 1, 1, "", _("cells must be separated by commas"))])
    header, at = _cells(line, name, 1)
    known = [*required, *optional]
    problems = []
    for i, column in enumerate(header):
        if column not in known:
            hint = nearest(column, known) or _(" (columns: {known})").format(known=", ".join(known))
            problems.append(Problem(name, 1, at[i], shown(column), _("unknown column") + hint))
        elif column in header[:i]:
            problems.append(Problem(name, 1, at[i], column, _("the column stands twice")))
    for column, meaning in required.items():
        if column not in header:
            message = _("required column is missing: {meaning}").format(meaning=_(meaning).removesuffix("."))
            problems.append(Problem(name, 1, 1, column, message))
    if problems:
        raise ScenarioError(problems)
    return header


def _cells(line: str, name: str, number: int) -> tuple[list[str], list[int]]:
    """Return the cells of a line, without blanks around them, and where each begins."""
    try:
        cells = [cell.strip() for cell in next(csv.reader([line], strict=True, skipinitialspace=True), [])]
    except csv.Error:
        message = _("a quotation mark is not closed in this line (no cell may hold a line break)")
        raise ScenarioError([Problem(name, number, 1, "", message)]) from None
    at, places = 0, []
    while at <= len(line):
        places.append(at + 1)
        match = _CELL.match(line, at)
        at = (match.end() if match else len(line)) + 1
    return cells, (places + [1] * len(cells))[: len(cells)]
