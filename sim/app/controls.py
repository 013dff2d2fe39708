"""Controls of a form, read off the schema: kind, unit, bounds, plausible range, meaning; and what was typed into them."""

import dataclasses
import json
import math
import re
import types
import unicodedata
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from sim.csv_source import number_in
from sim.explain import key_name, limits, unit_of
from sim.language import _, current_language
from sim.levers import LEVERS, MONTH_PATTERN
from sim.parameters import SECTIONS

#: a whole number or share beyond which no slider helps
LARGEST_SLIDER = 240
LONGEST_MONTHS = 120  #: months that a slider covers where many more are allowed
#: commas in a number as they are read: between its thousands, never before its decimals
THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?", re.ASCII)
#: keys of a lever that are not edited as such
FIXED = ("id", "kind")


@dataclasses.dataclass(frozen=True)
class Control:
    """One field of a form.

    Attributes
    ----------
    key
        Dotted key, as `Scenario.with_values` takes it.
    kind
        number, whole, switch, choice, choices, zone, zones, month, text or table.
    meaning, unit, source
        What it is, in the language spoken.
    value
        What was typed or given, allowed or not.
    slides_to
        Last value of a slider where the allowed range is too long for one, None without.
    low, high
        Allowed range, None where there is no limit.
    sweep
        Plausible range, None where none is declared.
    choices
        Words among which one may choose.
    optional
        Whether it may be absent.
    """

    key: str
    kind: str
    meaning: str
    value: Any
    unit: str = ""
    source: str = ""
    low: float | None = None
    high: float | None = None
    sweep: tuple[float, float] | None = None
    choices: tuple[str, ...] = ()
    optional: bool = False
    slides_to: float | None = None

    @property
    def slider(self) -> tuple[float, float, float] | None:
        """First, last and step of a slider; None where a number is better typed.

        It covers the allowed range if that is short, else the plausible one, and always the value.
        """
        if self.kind not in ("number", "whole") or isinstance(self.value, bool):
            return None
        low, high = self.low, self.high
        if low is None or high is None or high - low > LARGEST_SLIDER:
            if self.sweep is None and self.slides_to is None:
                return None
            low, high = self.sweep or (low or 0, self.slides_to or 0)
        if isinstance(self.value, int | float) and math.isfinite(self.value):
            low, high = min(low, self.value), max(high, self.value)
        if not low < high or high - low > 1e6:
            return None
        return low, high, 1 if self.kind == "whole" else _step(high - low)

    @property
    def text(self) -> str:
        """The value as one would type it."""
        if self.value is None:
            return ""
        if isinstance(self.value, list | tuple | dict):
            return json.dumps(self.value, ensure_ascii=False)
        if isinstance(self.value, float) and math.isfinite(self.value):
            return _spelled(self.value)
        if isinstance(self.value, int) and not isinstance(self.value, bool) and abs(self.value) < 10**15:
            return f"{self.value:,}"
        return str(self.value)[:200]

    @property
    def range(self) -> str:
        """Allowed and plausible range in words, empty where anything goes."""
        parts = []
        if self.low is not None and self.high is not None and self.high < 1e9:
            parts.append(
                _("allowed {low} to {high}").format(low=_spelled(self.low), high=_spelled(self.high))
            )
        if self.sweep is not None:
            parts.append(
                _("plausible {low} to {high}").format(
                    low=_spelled(self.sweep[0]), high=_spelled(self.sweep[1])
                )
            )
        return _("; ").join(parts)


def _spelled(value: float) -> str:
    """Return a number as one would type it: whole ones in full, with commas between thousands."""
    return f"{value:,.0f}" if float(value).is_integer() and abs(value) < 1e15 else f"{value:.12g}"


def _step(width: float) -> float:
    """Return a round step of which some fifty fit into a width."""
    size = 10.0 ** math.floor(math.log10(width / 50))
    return next(size * factor for factor in (1, 2, 5, 10) if width / (size * factor) <= 100)


def read(control: Control, text: str) -> Any:
    """Return what was typed as the value that it spells; what spells none stays text, for the schema to refuse."""
    text = text.strip()
    if control.kind in ("number", "whole"):
        if not text:
            return None if control.optional else ""
        plain = _plain(text)
        if THOUSANDS.fullmatch(plain):
            plain = plain.replace(",", "")
        number = number_in(plain.replace("_", ""))
        return text if number is None else number
    if control.kind == "table":
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return text
    return None if control.optional and not text else text


def advice(control: Control, text: str) -> str:
    """Return what helps who typed a decimal comma into the field of a number, empty if nobody did."""
    if control.kind in ("number", "whole") and "," in _plain(text) and isinstance(read(control, text), str):
        return _(
            "the decimal sign is a point, as in 12.5; commas stand between thousands alone, as in 12,000"
        )
    return ""


def _plain(text: str) -> str:
    """Return what was typed with the digits and signs of a number as programs write them."""
    return unicodedata.normalize("NFKC", text).replace("\N{MINUS SIGN}", "-")


def controls_of_lever(table: dict[str, Any], key: str) -> list[Control]:
    """Return the controls of a lever, given as the table that was typed; none for an unknown kind.

    Parameters
    ----------
    table
        Its keys, allowed or not.
    key
        Dotted key of the lever.
    """
    lever = LEVERS.get(str(table.get("kind")))
    return [] if lever is None else list(_controls(lever, table, key, FIXED))


def controls_of_section(section: str, values: Any) -> list[Control]:
    """Return the controls of one section of parameters."""
    return list(_controls(SECTIONS[section], values if isinstance(values, dict) else {}, section, ()))


def _controls(
    model: type[BaseModel], table: dict[str, Any], key: str, without: tuple[str, ...]
) -> Iterator[Control]:
    for name, field in model.model_fields.items():
        own = key_name(name, field)
        if own in without:
            continue
        default = None if field.is_required() else field.get_default(call_default_factory=True)
        value = table.get(own, default)
        inner = _table_inside(field.annotation)
        if inner is not None and isinstance(value, list):
            for i, row in enumerate(value):
                cells = row if isinstance(row, dict) else {}
                for control in _controls(inner, cells, f"{key}.{own}[{i}]", without):
                    meaning = _("Phase {n}: {meaning}").format(n=i + 1, meaning=control.meaning)
                    yield dataclasses.replace(control, meaning=meaning)
        else:
            yield _control(f"{key}.{own}", field, value)


def _control(key: str, field: FieldInfo, value: Any) -> Control:
    about: Any = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    kind, choices, optional = _kind(field)
    low, high = limits(field)
    sweep = about.get("sweep")
    plausible = None
    if isinstance(sweep, list) and len(sweep) == 2 and all(type(v) in (int, float) for v in sweep):
        plausible = (float(sweep[0]), float(sweep[1]))
    unit = unit_of(field)
    return Control(
        key, kind, _meaning(field.description or ""), list(value) if isinstance(value, tuple) else value,
        _(unit) if unit else "", str(about.get("source", "")), low, high, plausible, choices, optional,
        LONGEST_MONTHS if unit == "months" else None,
    )  # fmt: skip


def _meaning(text: str) -> str:
    """Return the declared meaning in the language spoken; Chinese has it where it is translated."""
    return _(text.split("\n\n", maxsplit=1)[0].replace("\n", " ")).rstrip(
        "." if current_language() == "en" else "。"
    )


def _table_inside(annotation: Any) -> type[BaseModel] | None:
    """Return the table of which an annotation is an array, such as the phases of new space."""
    for part in _parts(annotation):
        if isinstance(part, type) and issubclass(part, BaseModel):
            return part
    return None


def _parts(annotation: Any) -> Iterator[Any]:
    yield annotation
    for part in get_args(annotation):
        yield from _parts(part)


def _kind(field: FieldInfo) -> tuple[str, tuple[str, ...], bool]:
    """Return the kind of a field, its choices, and whether it may be absent."""
    annotation, optional = field.annotation, False
    if get_origin(annotation) in (Union, types.UnionType):
        optional = type(None) in get_args(annotation)
        annotation = next(part for part in get_args(annotation) if part is not type(None))
    parts = list(_parts(annotation))
    extras = [
        part.json_schema_extra for part in [*parts, field, *field.metadata] if isinstance(part, FieldInfo)
    ]
    is_zone = any(isinstance(extra, dict) and extra.get("zone") for extra in extras)
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    several = get_origin(annotation) is tuple
    words = next((get_args(part) for part in parts if get_origin(part) is Literal), ())
    patterns = [getattr(rule, "pattern", None) for part in [field, *parts] if isinstance(part, FieldInfo)
                for rule in (part, *part.metadata)] + [getattr(rule, "pattern", None) for rule in field.metadata]  # fmt: skip
    if is_zone:
        return ("zones" if several else "zone"), (), optional
    if words:
        return ("choices" if several else "choice"), tuple(map(str, words)), optional
    if several:
        return "table", (), optional
    if annotation is bool:
        return "switch", (), optional
    if annotation in (int, float):
        return ("whole" if annotation is int else "number"), (), optional
    return ("month" if MONTH_PATTERN in patterns else "text"), (), optional
