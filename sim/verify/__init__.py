"""Verification against theory: cases whose answer is known, put to the functions of the engine.

A module of this package that has cases holds them in ``CASES``, a tuple of ``Case``. Modules are loaded when a case
is asked for.
"""

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping, Sequence

from sim.language import _
from sim.problems import nearest, shown
from sim.verify.case import Case, KnobError, Result, unknown_knob


class UnknownCaseError(ValueError):
    """No case has that name; the message says what was probably meant."""

    exit_code = 2


def cases() -> dict[str, Case]:
    """Return all cases by name."""
    found: dict[str, Case] = {}
    for module in pkgutil.iter_modules(__path__):
        for case in getattr(importlib.import_module(f"{__name__}.{module.name}"), "CASES", ()):
            if case.name in found:
                raise RuntimeError(f"two cases are called {case.name}")
            found[case.name] = case
    return found


def chosen(names: Iterable[str] = ()) -> list[Case]:
    """Return the cases of these names, or all of them.

    Raises
    ------
    UnknownCaseError
        If there is no such case.
    """
    known = cases()
    for name in names:
        if name not in known:
            hint = nearest(name, known) or _(" (there are: {known})").format(known=", ".join(known))
            raise UnknownCaseError(_('no test "{name}"').format(name=shown(name)) + hint)
    return [known[name] for name in dict.fromkeys(names)] or list(known.values())


def read_settings(settings: Sequence[str]) -> dict[str, str]:
    """Return the texts of ``key=value`` by key.

    Raises
    ------
    KnobError
        If one has no equals sign, or a key stands twice.
    """
    given: dict[str, str] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals:
            raise KnobError(_('must be key=value, not "{given}"').format(given=shown(setting)))
        if name.strip() in given:
            raise KnobError(_('"{name}" is given twice').format(name=shown(name)))
        given[name.strip()] = text.strip()
    return given


def values_of(chosen_cases: Sequence[Case], given: Mapping[str, str]) -> list[dict]:
    """Return the values of each case's knobs; what is given goes to every case that has the knob.

    Raises
    ------
    KnobError
        If no case has it, or a value is not allowed.
    """
    known = {name for case in chosen_cases for name in case.knobs}
    for name in given:
        if name not in known:
            raise KnobError(unknown_knob(name, known))
    return [
        case.values({name: text for name, text in given.items() if name in case.knobs})
        for case in chosen_cases
    ]


def verify(
    names: Iterable[str] = (),
    given: Mapping[str, str] | None = None,
    seed: int = 1,
    notify: Callable[[Case, int, int], None] | None = None,
) -> list[Result]:
    """Ask cases and return what they found.

    Parameters
    ----------
    names
        Names of cases; none asks all.
    given
        Values of knobs as text, by name.
    seed
        Seed of all draws.
    notify
        Called before each case is asked, with the case, its place from 1, and the number of cases.

    Raises
    ------
    UnknownCaseError
        If there is no such case.
    KnobError
        If a knob or its value is none.
    """
    asked = chosen(names)
    results = []
    for number, (case, values) in enumerate(zip(asked, values_of(asked, given or {}), strict=True), 1):
        if notify is not None:
            notify(case, number, len(asked))
        results.append(Result(case, values, tuple(case.check(values, seed))))
    return results
