"""What a parameter is: a value with unit, bounds, plausible range, meaning and source."""

from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, Strict, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

SEGMENTS = ("OPC", "APP", "MODEL", "EMB")
STAGES = ("bootstrapped", "seed", "A", "B", "C", "D+")

#: one value per segment, in the order of SEGMENTS
BySegment = Annotated[tuple[float, float, float, float], Strict(False)]
#: one value per stage, in the order of STAGES
ByStage = Annotated[tuple[float, float, float, float, float, float], Strict(False)]
#: one value per round: to seed, A, B, C, D+
ByRound = Annotated[tuple[float, float, float, float, float], Strict(False)]
#: four rows (segments) of six values (stages)
BySegmentAndStage = Annotated[tuple[ByStage, ByStage, ByStage, ByStage], Strict(False)]

CHOICES = {"log": 0, "relative": 1, "all": 0, "one": 1, "history": 0, "uniform": 1}


def parameter(
    default: Any,
    *,
    unit: str,
    meaning: str,
    source: str,
    bounds: tuple[float, float] | None = None,
    sweep: tuple[Any, ...] = (),
    factor: tuple[float, float] | None = None,
    scale: float = 1.0,
) -> Any:
    """Declare one parameter.

    Parameters
    ----------
    default
        Shipped value.
    unit, meaning, source
        Unit in words ("-" for none), one sentence, and who said so ("assumed" where nobody did).
    bounds
        Lowest and highest value for which the equation is defined; of each element for a table.
    sweep, factor
        Plausible range: absolute values, or for a table a factor on all of its values.
    scale
        Multiplies the value on its way into the model's units.
    """
    about: dict[str, Any] = {"unit": unit, "source": source, "scale": scale}
    if bounds is not None:
        about["bounds"] = list(bounds)
    about["sweep"] = {"factor": list(factor)} if factor else list(sweep)
    return Field(default=default, description=meaning, json_schema_extra=about)


def _numbers(value: Any) -> list[Any]:
    """Return the numbers of a value or of a table; not as floats, which a huge integer has no equal of."""
    if isinstance(value, tuple):
        return [number for part in value for number in _numbers(part)]
    return [value]


class Section(BaseModel):
    """One table of a scenario file: frozen, strict, no unknown keys, no infinities."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, validate_default=True
    )

    @field_validator("*", mode="after")
    @classmethod
    def _within_bounds(cls, value: Any, info: ValidationInfo) -> Any:
        about: Any = cls.model_fields[str(info.field_name)].json_schema_extra
        if value is not None and isinstance(about, dict) and "bounds" in about:
            low, high = about["bounds"]
            outside = [number for number in _numbers(value) if not low <= number <= high]
            if outside:
                raise PydanticCustomError(
                    "out_of_bounds",
                    "must lie between {low} and {high}",
                    {"low": low, "high": high, "value": outside[0]},
                )
        return value

    def record(self) -> np.record:
        """Return the values in the units of the model, as one record that compiled code can read.

        Choices become their numbers in ``CHOICES``, an absent value nan, tables nested arrays.
        """
        columns: list[Any] = []
        values: list[Any] = []
        for name, field in type(self).model_fields.items():
            about: Any = field.json_schema_extra
            value = getattr(self, name)
            if isinstance(value, bool):
                columns.append((name, "?"))
            elif isinstance(value, str):
                columns.append((name, "<i8"))
                value = CHOICES[value]
            elif isinstance(value, int):
                columns.append((name, "<i8"))
            else:
                value = np.asarray(np.nan if value is None else value, dtype=float) * about["scale"]
                columns.append((name, "<f8", value.shape) if value.shape else (name, "<f8"))
            values.append(value)
        row: Any = np.zeros((), dtype=np.dtype((np.record, columns)))[()]
        for column, value in zip(columns, values, strict=True):
            row[column[0]] = value
        return row
