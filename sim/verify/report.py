"""What ``sim verify`` prints: the tests and their parameters, what they found, and how far it is."""

import sys
import textwrap
import time
from collections.abc import Sequence
from typing import Any, Self

from sim.alignment import aligned
from sim.language import _
from sim.verify.case import Case, Knob, Result, Row, Value

#: seconds after which progress is shown, and between plain lines
PATIENCE, PLAIN_EVERY = 2.0, 10.0
_WIDEST = 100  # characters of a line of prose


class Watch:
    """Says on standard error which test runs, once it takes long: a spinner on a terminal, plain lines elsewhere."""

    def __init__(self) -> None:
        self._begin = self._shown = time.monotonic()
        self._status: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._status is not None:
            self._status.stop()

    def begin(self, case: Case, number: int, total: int) -> None:
        """Note that a test begins."""
        line = _("test {number} of {total}: {name}").format(number=number, total=total, name=case.name)
        if sys.stderr.isatty():
            if self._status is None:
                from rich.console import Console

                self._status = Console(stderr=True).status(line)
                self._status.start()
            self._status.update(line)
            return
        now = time.monotonic()
        if now - self._begin >= PATIENCE and (now - self._shown >= PLAIN_EVERY or self._shown == self._begin):
            self._shown = now
            print(line, file=sys.stderr, flush=True)


def report_lines(result: Result) -> list[str]:
    """Return the report of one test: its title, a table, and why so much is allowed."""
    verdict = _("passed") if result.passed else _("FAILED")
    settings = ", ".join(f"{name} = {value_text(value)}" for name, value in result.values.items())
    lines = [f"{result.case.name}: {result.case.title} -- {verdict}", *_wrapped(settings, "  ")]
    reasons = list(dict.fromkeys(row.reason for row in result.rows))
    head = [_("quantity"), _("theory"), _("simulation"), _("within"), "", ""]
    cells = [[row.quantity, *numbers(row), mark_of(reasons.index(row.reason)), _("ok") if row.passed else _("FAILED")]
             for row in result.rows]  # fmt: skip
    lines += [f"  {line}" for line in aligned([head, *cells])]
    lines += [f"  {mark_of(i)}: {reason}" for i, reason in enumerate(reasons)]
    return lines


def mark_of(position: int) -> str:
    """Return the letter that leads from a tolerance to its reason: a to z, then aa, ab and so on."""
    first, last = divmod(position, 26)
    return (chr(ord("a") + first - 1) if first else "") + chr(ord("a") + last)


def numbers(row: Row) -> list[str]:
    """Return theory, simulation and tolerance of a row, with the digits that the tolerance lets one compare."""
    return [f"{row.theory:.7g}", f"{row.simulated:.7g}", f"{row.tolerance:.2g}"]


def value_text(value: Value) -> str:
    """Return a value of a knob as ``--set`` takes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(value_text(part) for part in value)
    if isinstance(value, float):
        short = f"{value:.15g}"
        return short if float(short) == value else repr(value)
    return str(value)


def summary_line(results: Sequence[Result]) -> str:
    """Return one line on all tests."""
    rows = sum(len(result.rows) for result in results)
    failed = [result.case.name for result in results if not result.passed]
    counted = _("tests: {tests}, comparisons: {rows}").format(tests=len(results), rows=rows)
    if failed:
        return f"{counted} -- " + _("FAILED: {names}").format(names=", ".join(failed))
    return f"{counted} -- " + _("all passed")


def case_lines(case: Case) -> list[str]:
    """Return what a test asks, and its parameters."""
    lines = [f"{case.name}: {case.title}", *_wrapped(case.about, "  ")]
    rows = [
        [name, value_text(knob.default), range_text(knob), knob.meaning] for name, knob in case.knobs.items()
    ]
    return lines + [f"  {line}" for line in aligned(rows)]


def range_text(knob: Knob) -> str:
    """Return the bounds of a knob and its unit."""
    if isinstance(knob.default, str):
        return ""
    if isinstance(knob.default, bool):
        return _("true or false")
    low, high = (f"{bound:.15g}" for bound in (knob.low, knob.high))
    return f"{low} to {high}" + ("" if knob.unit == "-" else f" {knob.unit}")


def list_of_cases(cases: Sequence[Case]) -> list[dict[str, Any]]:
    """Return the tests and their parameters for JSON."""
    return [
        {
            "test": case.name,
            "title": case.title,
            "about": case.about,
            "parameters": {
                name: {
                    "default": knob.default,
                    "meaning": knob.meaning,
                    "unit": knob.unit,
                    "range": range_text(knob),
                }
                for name, knob in case.knobs.items()
            },
        }
        for case in cases
    ]


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(text, _WIDEST, initial_indent=indent, subsequent_indent=indent)
