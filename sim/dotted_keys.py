"""Dotted keys of scenarios, such as "births.heredity" or "policies.rent-cut.months", and what stands there."""

from typing import Any, get_args

from pydantic import BaseModel

from sim.explain import key_name
from sim.scenario import Scenario


def has_key(scenario: Scenario, key: str) -> bool:
    """Return whether a scenario has a dotted key; a lever that it lacks has none."""
    try:
        value_of(scenario, key)
    except KeyError:
        return False
    return True


def value_of(scenario: Scenario, key: str) -> Any:
    """Return the value of a dotted key.

    Raises
    ------
    KeyError
        If the scenario has no such key.
    """
    return _part(*_holder(scenario, key))


def takes_whole_numbers(scenario: Scenario, key: str) -> bool:
    """Return whether a dotted key takes whole numbers only; one without a value is asked for what it may have.

    Raises
    ------
    KeyError
        If the scenario has no such key.
    """
    holder, part = _holder(scenario, key)
    value, name = _part(holder, part), _field_named(part, holder)
    if value is not None or name is None:
        return isinstance(value, int)
    return int in get_args(type(holder).model_fields[name].annotation)


def _holder(scenario: Scenario, key: str) -> tuple[Any, str]:
    """Return what holds the last part of a dotted key, and that part."""
    parts = key.split(".")
    holder: Any = scenario
    if parts[0] == "policies":
        if len(parts) < 3:
            raise KeyError(key)
        holder = next((lever for lever in scenario.policies if lever.id == parts[1]), None)
        parts = parts[2:]
    for part in parts[:-1]:
        holder = _part(holder, part)
    return holder, parts[-1]


def _part(holder: Any, part: str) -> Any:
    name = _field_named(part, holder)
    if name is not None:
        return getattr(holder, name)
    if isinstance(holder, dict) and part in holder:  # the processes of plug-ins
        return holder[part]
    raise KeyError(part)


def _field_named(part: str, holder: Any) -> str | None:
    """Return the field of a model that a file calls so: `from` is no name in Python."""
    fields = type(holder).model_fields.items() if isinstance(holder, BaseModel) else ()
    return next((name for name, field in fields if key_name(name, field) == part), None)
