"""Sentences for what the schema of a scenario refuses: rule, range, unit, the nearest valid word."""

import datetime
from collections.abc import Callable, Iterator
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from sim.language import N_, _
from sim.levers import MONTH_PATTERN, Lever, lever_class
from sim.made_worlds import WORLDS, MadeWorld
from sim.plugins import Process, process_class
from sim.problems import nearest, shown

#: pattern of a text that holds more than blanks
NOT_BLANK = r"\S"

#: an error, the table that its key belongs to, and the key's declaration
Sentence = Callable[[ErrorDetails, type[BaseModel], FieldInfo | None], str]

_SHOULD_BE = {
    "float_type": N_("a number"),
    "float_parsing": N_("a number"),
    "int_type": N_("a whole number"),
    "int_from_float": N_("a whole number"),
    "int_parsing": N_("a whole number"),
    "bool_type": N_("true or false"),
    "string_type": N_("text"),
    "tuple_type": N_("an array"),
    "model_type": N_("a table"),
    "model_attributes_type": N_("a table"),
    "table_type": N_("a table"),
    "dict_type": N_("a table"),
}


def explain(error: ErrorDetails, model: type[BaseModel], values: dict[str, Any]) -> str:
    """Return one sentence on what is wrong and how to mend it.

    Parameters
    ----------
    error
        One of pydantic's errors.
    model
        Class of the whole tree.
    values
        The tree that was refused.
    """
    owner, field = _find(error["loc"], model, values)
    sentence = _SENTENCES.get(error["type"])
    return sentence(error, owner, field) if sentence is not None else error["msg"]


def field_of(key: tuple[str | int, ...], model: type[BaseModel], values: dict[str, Any]) -> FieldInfo | None:
    """Return the declaration of `key` in the tree `values` of class `model`."""
    return _find(key, model, values)[1]


def key_name(name: str, field: FieldInfo) -> str:
    """Return what a scenario file calls a field."""
    return field.alias or name


def limits(field: FieldInfo) -> tuple[float | None, float | None]:
    """Return the lowest and highest allowed value, None where there is no limit."""
    about = field.json_schema_extra
    if isinstance(about, dict) and isinstance(about.get("bounds"), list):
        bounds: Any = about["bounds"]
        return bounds[0], bounds[1]
    ends = [
        next((getattr(rule, name) for name in names for rule in field.metadata if hasattr(rule, name)), None)
        for names in (("ge", "gt"), ("le", "lt"))
    ]
    return ends[0], ends[1]


def unit_of(field: FieldInfo | None) -> str:
    """Return the unit of a field, "" where it has none."""
    about = field.json_schema_extra if field is not None else None
    unit = about.get("unit", "") if isinstance(about, dict) else ""
    return "" if unit == "-" else str(unit)


def _wrong_type(error: ErrorDetails, _owner: type[BaseModel], field: FieldInfo | None) -> str:
    what, given = _(_SHOULD_BE[error["type"]]), _type_name(error["input"])
    return _("must be {what}, not {given}").format(what=what, given=given) + _in_brackets(field)


def _not_finite(error: ErrorDetails, _owner: type[BaseModel], field: FieldInfo | None) -> str:
    return _("must be finite, not {given}").format(given=shown(error["input"])) + _in_brackets(field)


def _no_choice(error: ErrorDetails, _owner: type[BaseModel], field: FieldInfo | None) -> str:
    choices = [str(choice) for choice in _choices(field.annotation)] if field is not None else []
    listed = _(" or ").join(f'"{choice}"' for choice in choices)
    rule = _('must be {choices}, not "{given}"').format(choices=listed, given=shown(error["input"]))
    return rule + nearest(error["input"], choices)


def _choices(annotation: Any) -> tuple[Any, ...]:
    """Return the words of the Literal inside an annotation, such as that of ``tuple[Literal["a", "b"], ...]``."""
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    return next((found for part in get_args(annotation) if (found := _choices(part))), ())


def _pattern(error: ErrorDetails, _owner: type[BaseModel], _field: FieldInfo | None) -> str:
    pattern, given = error["ctx"]["pattern"], shown(error["input"])
    if pattern == MONTH_PATTERN:
        return _('must be a month like "2025-07" (YYYY-MM), not "{given}"').format(given=given)
    if pattern == NOT_BLANK:
        return _("must not be blank")
    return _('must be lower-case letters, digits and hyphens, not "{given}"').format(given=given)


def _unknown_word(error: ErrorDetails, _owner: type[BaseModel], _field: FieldInfo | None) -> str:
    rule = {
        "unknown_zone": _('no zone "{word}" in this world'),
        "unknown_kind": _('no kind "{word}"'),
        "unknown_sort": _('no kind of world "{word}"'),
        "unknown_world": _('no world "{word}"'),
        "unknown_process": _(
            'no process "{word}" (processes are those of plug-ins; is its package installed?)'
        ),
    }[error["type"]]
    known = error["ctx"]["known"]
    word = error["ctx"].get("word", error["input"])
    hint = nearest(word, known)
    if error["type"] == "unknown_process":
        return rule.format(word=shown(word)) + hint
    if error["type"] == "unknown_world" and not hint:
        hint = _(' (there are: {known}; a world folder beside the file is written "./{word}")')
        hint = hint.format(known=", ".join(known), word=shown(error["input"]))
    elif not hint and error["type"] != "unknown_zone":
        hint = _(" (there are: {known})").format(known=", ".join(known))
    return rule.format(word=shown(error["input"])) + hint


def _rule(template: str) -> "Sentence":
    """Return a sentence that needs nothing but the error's own context and what was given."""

    def sentence(error: ErrorDetails, _owner: type[BaseModel], _field: FieldInfo | None) -> str:
        context = {name: shown(value) for name, value in error.get("ctx", {}).items()}
        return _(template).format(given=shown(error["input"]), **context)

    return sentence


def _unknown_key(error: ErrorDetails, owner: type[BaseModel], _field: FieldInfo | None) -> str:
    name = str(error["loc"][-1])
    elsewhere = [
        f"{section}.{name}"
        for section, field in owner.model_fields.items()
        if (model := _model_of(field.annotation)) and name in model.model_fields
    ]
    if elsewhere and not issubclass(owner, Lever):
        return _('unknown key; did you mean "{word}"?').format(word=elsewhere[0])
    known = [key_name(field_name, field) for field_name, field in owner.model_fields.items()]
    known = [key for key in known if key != "id" or issubclass(owner, Lever)]
    hint = nearest(name, known)
    if not hint and len(known) <= 10:
        hint = _(" (keys: {known})").format(known=", ".join(known))
    return _("unknown key") + hint


def _too_few(_error: ErrorDetails, _owner: type[BaseModel], field: FieldInfo | None) -> str:
    return _("too few values: {rule}").format(rule=_length_rule(field))


def _missing(_error: ErrorDetails, _owner: type[BaseModel], field: FieldInfo | None) -> str:
    meaning = f": {_(field.description)}" if field is not None and field.description else ""
    return _("required key is missing") + meaning.rstrip(".。") + _in_brackets(field)


def _wrong_length(error: ErrorDetails, _owner: type[BaseModel], field: FieldInfo | None) -> str:
    about = error["ctx"]
    if error["type"] == "too_short":
        return _("must not be empty")
    if field is not None and _lengths_are_fixed(field.annotation):
        return _("too many values: {rule}").format(rule=_length_rule(field))
    if error["loc"] == ("policies",):
        rule = _("must have at most {n} entries, those of the files that it extends among them")
        return rule.format(n=about["max_length"])
    return _("must have at most {n} entries").format(n=about["max_length"])


def _lengths_are_fixed(annotation: Any) -> bool:
    """Return whether a value is a tuple of so many parts, and not a list or a table of any length."""
    if getattr(annotation, "__metadata__", None):
        return _lengths_are_fixed(get_args(annotation)[0])
    return get_origin(annotation) is tuple and Ellipsis not in get_args(annotation)


def _length_rule(field: FieldInfo | None) -> str:
    lengths = [str(length) for length in _lengths(field.annotation if field else None)]
    return _("must be {lengths} numbers").format(lengths=" x ".join(lengths))


def _lengths(annotation: Any) -> Iterator[int]:
    parts = get_args(annotation)
    if getattr(annotation, "__metadata__", None):
        yield from _lengths(parts[0])
    elif parts:
        yield len(parts)
        yield from _lengths(parts[0])


def _out_of_range(error: ErrorDetails, _owner: type[BaseModel], field: FieldInfo | None) -> str:
    given = error.get("ctx", {}).get("value", error["input"])
    low, high = limits(field) if field is not None else (None, None)
    if low is None and high is None:  # a number inside a list or a table
        about = error.get("ctx", {})
        low, high = about.get("ge", about.get("gt")), about.get("le", about.get("lt"))
    if error["type"] == "greater_than":
        rule = _("must be more than {low}, not {given}")
    elif low is not None and high is not None:
        rule = _("must lie between {low} and {high}, not {given}")
    elif low is not None:
        rule = _("must be at least {low}, not {given}")
    else:
        rule = _("must be at most {high}, not {given}")
    unit = _(" ({what})").format(what=_(unit_of(field))) if unit_of(field) else ""
    return rule.format(low=_plain(low), high=_plain(high), given=shown(given)) + unit


def _in_brackets(field: FieldInfo | None) -> str:
    """Return " (0 to 1, share)": the range and the unit of a field."""
    if field is None:
        return ""
    low, high = limits(field)
    span = ""
    if low is not None and high is not None:
        span = _("{low} to {high}").format(low=_plain(low), high=_plain(high))
    elif low is not None:
        span = _("at least {low}").format(low=_plain(low))
    unit = _(unit_of(field)) if unit_of(field) else ""
    rule = _(", ").join(part for part in (span, unit) if part)
    return _(" ({what})").format(what=rule) if rule else ""


def _plain(number: float | None) -> str:
    return "" if number is None else f"{number:,.15g}"


def _type_name(value: Any) -> str:
    names: list[tuple[type | tuple[type, ...], str]] = [
        (bool, _("true or false")),
        (int, _("a whole number")),
        (float, _("a number with a fraction")),
        (str, _("text")),
        ((list, tuple), _("an array")),
        (dict, _("a table")),
        ((datetime.date, datetime.time), _('a bare date (put it in quotes, as "2025-07")')),
    ]
    found = next((name for types, name in names if isinstance(value, types)), "")
    return found or (_("nothing") if value is None else type(value).__name__)


def _find(
    loc: tuple[str | int, ...], model: type[BaseModel], values: Any
) -> tuple[type[BaseModel], FieldInfo | None]:
    """Walk down `loc`; return the class that owns its last key, and the key's declaration."""
    owner, field = model, None
    for step, part in enumerate(loc):
        values = _inside(values, part)
        if isinstance(part, str):
            fields = {key_name(name, info): info for name, info in owner.model_fields.items()}
            if owner is Process:  # the key that names a process
                owner, field = process_class(part) or owner, None
                continue
            field = fields.get(part)
            if field is None:
                return owner, None
        if step == len(loc) - 1:
            break
        inner = _model_of(field.annotation) if field is not None else None
        if inner is not None and issubclass(inner, Lever):
            inner = lever_class(str(_inside(values, "kind"))) or inner
        if inner is not None and issubclass(inner, MadeWorld):
            inner = WORLDS.get(str(_inside(values, "kind")), inner)
        owner = inner or owner
    return owner, field


def _inside(values: Any, part: str | int) -> Any:
    try:
        return values[part]
    except (KeyError, IndexError, TypeError):
        return None


def _model_of(annotation: Any) -> type[BaseModel] | None:
    """Return the class of tables inside an annotation, such as Phase in ``tuple[Phase, ...]``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((model for part in get_args(annotation) if (model := _model_of(part))), None)


_SENTENCES: dict[str, Sentence] = {
    **dict.fromkeys(_SHOULD_BE, _wrong_type),
    **dict.fromkeys(
        ("unknown_zone", "unknown_kind", "unknown_sort", "unknown_world", "unknown_process"), _unknown_word
    ),
    **dict.fromkeys(("too_long", "too_short"), _wrong_length),
    **dict.fromkeys(
        ("out_of_bounds", "greater_than_equal", "greater_than", "less_than_equal", "less_than"), _out_of_range
    ),
    "extra_forbidden": _unknown_key,
    "missing": _missing,
    "too_few": _too_few,
    "finite_number": _not_finite,
    "literal_error": _no_choice,
    "string_pattern_mismatch": _pattern,
    "string_too_long": _rule(N_("must have at most {max_length} characters")),
    "string_too_short": _rule(N_("must not be empty")),
    "hidden_character": _rule(N_("must not hold control or text-direction characters ({name})")),
    "date_outside": _rule(N_("must lie in the scenario's own months, {first} to {last}, not {given}")),
    "only_one": _rule(N_("a scenario can have only one lever of this kind, not {ids}")),
    "no_history": _rule(
        N_(
            "must be at least 1: the {startups} startups of the first month come out of the history "
            "(initial.startups = 0 asks for none)"
        )
    ),
    "world_type": _rule(
        N_("must be the id of a shipped world or the path of a world folder, as text, or a table with a kind")
    ),
    "too_many_cells": _rule(N_("makes {cells} cells; a made world has at most {most}")),
    "wrong_count": _rule(
        N_("must be one number for all zones or one for each of {zones}, not {numbers} numbers")
    ),
    "lacks_process": _rule(
        N_('the lever "{id}" acts through the process "{process}", which has no table here')
    ),
    "repeated_zone": _rule(N_('the zone "{id}" stands twice')),
    "repeated_id": _rule(N_('the id "{id}" stands twice')),
}
