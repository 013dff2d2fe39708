"""What a verification case is: knobs, rows of theory against simulation, and how both are read and checked."""

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from sim.language import _
from sim.problems import nearest, shown

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_SECONDS = 600.0  #: that a case may take
MOST_BYTES = 2e9  #: that it may hold
#: a value that a knob can take
Value = float | int | bool | str | tuple[float, ...]


class KnobError(ValueError):
    """A case cannot be asked as it was; the message says which knob, by which rule, and what was probably meant."""

    exit_code = 2


@dataclasses.dataclass(frozen=True)
class Knob:
    """A free parameter of a case.

    Attributes
    ----------
    default
        Its value where none is given; its type is the type of all values.
    meaning
        What it is, in words.
    unit
        Its unit, "-" for none.
    low, high
        Lowest and highest value, both allowed; of each element for a tuple.
    """

    default: Value
    meaning: str
    unit: str = "-"
    low: float = -math.inf
    high: float = math.inf

    def read(self, text: str) -> Value:
        """Return the value that `text` spells.

        Raises
        ------
        KnobError
            If it spells none, or one out of bounds.
        """
        if isinstance(self.default, str):
            return text
        if isinstance(self.default, bool):
            if text not in ("true", "false"):
                raise KnobError(_("must be true or false, not {given}").format(given=_quoted(text)))
            return text == "true"
        if not isinstance(self.default, tuple):
            return self._number(text)
        parts = text.split(",")
        if any(not part.strip() for part in parts):
            raise KnobError(_("must be numbers like 0.2,0.3,0.5, not {given}").format(given=_quoted(text)))
        return tuple(self._number(part) for part in parts)

    def _number(self, text: str) -> float | int:
        whole = isinstance(self.default, int)
        try:
            number = int(text) if whole else float(text)
        except ValueError:
            what = _("a whole number") if whole else _("a number")
            raise KnobError(_("must be {what}, not {given}").format(what=what, given=_quoted(text))) from None
        if not self.low <= number <= self.high or not math.isfinite(number):
            raise KnobError(self._rule(number))
        return number

    def _rule(self, number: float) -> str:
        low, high = (f"{bound:.15g}" for bound in (self.low, self.high))
        if not math.isfinite(number):
            rule = _("must be finite, not {given}")
        elif math.isinf(self.high):
            rule = _("must be at least {low}, not {given}")
        elif math.isinf(self.low):
            rule = _("must be at most {high}, not {given}")
        else:
            rule = _("must lie between {low} and {high}, not {given}")
        unit = "" if self.unit == "-" else f" ({self.unit})"
        return rule.format(low=low, high=high, given=shown(number)) + unit


def _quoted(text: str) -> str:
    return f'"{shown(text)}"'


@dataclasses.dataclass(frozen=True)
class Row:
    """One comparison of theory with simulation.

    Attributes
    ----------
    quantity
        What is compared, in words.
    theory, simulated
        The two numbers.
    tolerance
        Largest distance between them that passes.
    reason
        Why that much.
    """

    quantity: str
    theory: float
    simulated: float
    tolerance: float
    reason: str

    @property
    def passed(self) -> bool:
        """Whether the two agree; a number that is not defined never does."""
        return bool(abs(self.simulated - self.theory) <= self.tolerance)


@dataclasses.dataclass(frozen=True)
class Case:
    """A question whose answer is known, put to the functions of the engine.

    Attributes
    ----------
    name, title
        What it is called, and one line on what it asks.
    about
        What is proved, which functions of the engine stand under test, the equation of the ODD, the literature.
    knobs
        Its free parameters by name.
    check
        Takes the values of the knobs and a seed; returns the rows.
    picture
        Draws theory and simulation together into a figure.
    values_check
        Raises KnobError for combinations of values that have no answer.
    """

    name: str
    title: str
    about: str
    knobs: Mapping[str, Knob]
    check: Callable[[Mapping[str, Any], int], list[Row]]
    picture: "Callable[[Mapping[str, Any], int, Figure], None] | None" = None
    values_check: Callable[[Mapping[str, Any]], None] | None = None

    def values(self, given: Mapping[str, str] | None = None) -> dict[str, Value]:
        """Return the values of all knobs, those `given` as text among them.

        Raises
        ------
        KnobError
            If there is no such knob, or a value is not allowed.
        """
        values: dict[str, Value] = {name: knob.default for name, knob in self.knobs.items()}
        for name, text in (given or {}).items():
            if name not in self.knobs:
                raise KnobError(unknown_knob(name, self.knobs))
            try:
                values[name] = self.knobs[name].read(text)
            except KnobError as error:
                raise KnobError(f"{self.name}: {name}: {error}") from None
        if self.values_check is not None:
            try:
                self.values_check(values)
            except KnobError as error:
                raise KnobError(f"{self.name}: {error}") from None
        return values


def demand_affordable(values: Mapping[str, Any], name: str, seconds: float = 0.0, held: float = 0.0) -> None:
    """Refuse a question that would take too long or hold too much; the rule names the most that is allowed.

    Parameters
    ----------
    values
        Values of all knobs.
    name
        The knob, a whole number, that makes the question large; what it takes is taken to grow in proportion.
    seconds, held
        Estimates of the time [s] and the memory [bytes] that it takes.

    Raises
    ------
    KnobError
        If one of them is beyond what a case may take.
    """
    beyond = max(seconds / MOST_SECONDS, held / MOST_BYTES)
    if beyond <= 1.0:
        return
    most = values[name] / beyond
    unit = 10 ** max(math.floor(math.log10(most)) - 1, 0) if most >= 1.0 else 1
    if seconds / MOST_SECONDS >= held / MOST_BYTES:
        cost = _("some {minutes:,.0f} minutes").format(minutes=seconds / 60.0)
    else:
        cost = _("some {size:,.0f} GB of memory").format(size=held / 1e9)
    rule = _(
        "{name}: must be at most {most} with the other parameters as they are, for this would take {cost}"
    )
    raise KnobError(rule.format(name=name, cost=cost, most=int(most) // unit * unit))


def unknown_knob(name: str, known: Any) -> str:
    """Return what to say of a knob that no case has."""
    hint = nearest(name, known) or _(" (there are: {known})").format(known=", ".join(sorted(known)))
    return _('no parameter "{name}"').format(name=shown(name)) + hint


@dataclasses.dataclass(frozen=True)
class Result:
    """What one case found.

    Attributes
    ----------
    case
        The case.
    values
        Values of its knobs.
    rows
        Its comparisons; none where it could not be asked.
    """

    case: Case
    values: Mapping[str, Value]
    rows: tuple[Row, ...]

    @property
    def passed(self) -> bool:
        """Whether there are rows and all of them pass."""
        return bool(self.rows) and all(row.passed for row in self.rows)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as ``sim verify --json`` prints it; what is not finite is null."""
        return {
            "test": self.case.name,
            "parameters": {
                name: list(value) if isinstance(value, tuple) else value
                for name, value in self.values.items()
            },
            "passed": self.passed,
            "rows": [
                {
                    "quantity": row.quantity,
                    "theory": _finite(row.theory),
                    "simulated": _finite(row.simulated),
                    "tolerance": _finite(row.tolerance),
                    "passed": row.passed,
                }
                for row in self.rows
            ],
        }


def _finite(number: float) -> float | None:
    return float(number) if math.isfinite(number) else None
