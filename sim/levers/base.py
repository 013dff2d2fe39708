"""What every lever has: an id, a kind, dates, places, and for most a span of months and who is eligible."""

import abc
import dataclasses
import functools
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from sim.terms import NO_LIMIT, WAN, Terms

MONTH_PATTERN = r"^[0-9]{4}-(0[1-9]|1[0-2])$"


@functools.cache
def months_between(start: str, date: str) -> int:
    """Return the number of months from `start` to `date`, both as "YYYY-MM"."""
    return 12 * (int(date[:4]) - int(start[:4])) + int(date[5:7]) - int(start[5:7])


def month_after(start: str, months: int) -> str:
    """Return the calendar month, as "YYYY-MM", that lies `months` after `start`."""
    count = 12 * int(start[:4]) + int(start[5:7]) - 1 + months
    return f"{count // 12:04d}-{count % 12 + 1:02d}"


@dataclasses.dataclass(frozen=True)
class Setting:
    """The scenario that a lever belongs to, as far as its keys depend on it; None where it is not known.

    Passed as pydantic's validation context; without it, places and dates are not checked.
    """

    zones: tuple[str, ...] | None
    start: str | None
    months: int | None


def _of_the_world(zone: str, info: ValidationInfo) -> str:
    setting = info.context
    if isinstance(setting, Setting) and setting.zones is not None and zone not in setting.zones:
        raise PydanticCustomError(
            "unknown_zone", "unknown zone {zone}", {"zone": zone, "known": setting.zones}
        )
    return zone


def _inside_the_scenario(date: str, info: ValidationInfo) -> str:
    setting = info.context
    if not isinstance(setting, Setting) or setting.start is None or setting.months is None:
        return date
    if not 0 <= months_between(setting.start, date) < setting.months:
        last = month_after(setting.start, setting.months - 1)
        raise PydanticCustomError(
            "date_outside",
            "must lie in the scenario's own months, {first} to {last}",
            {"first": setting.start, "last": last},
        )
    return date


#: a calendar month, "YYYY-MM", inside the scenario's own months
Month = Annotated[str, Field(pattern=MONTH_PATTERN), AfterValidator(_inside_the_scenario)]
#: the id of a zone of the scenario's world
ZoneId = Annotated[str, Field(json_schema_extra={"zone": True}), AfterValidator(_of_the_world)]
Zones = Annotated[tuple[ZoneId, ...], Strict(False)]
Segment = Literal["OPC", "APP", "MODEL", "EMB"]
Segments = Annotated[tuple[Segment, ...], Strict(False)]
ALL_SEGMENTS: tuple[Segment, ...] = ("OPC", "APP", "MODEL", "EMB")


def quantity(unit: str, meaning: str, default: Any = ..., low: float = 0.0, high: float = 1e12) -> Any:
    """Declare a number of a lever with its unit, meaning and bounds."""
    return Field(default=default, ge=low, le=high, description=meaning, json_schema_extra={"unit": unit})


class Table(BaseModel):
    """A table of a scenario file: frozen, strict, no unknown keys."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        # Python may say `from_`; a scenario file only "from"
        validate_by_name=True,
        validate_by_alias=True,
    )


class Lever(Table, abc.ABC):
    """What every lever has.

    Attributes
    ----------
    place_bound
        Whether it treats the zones that it names, so that its gain there can be displaced from elsewhere.
    stress
        Whether it is a development of the world outside and not a policy: it costs the public nothing.
    assumed
        What of its effect is assumed and not estimated; empty where it acts through prices and quantities alone.
    acts_on
        The equation and term through which it acts.
    alone
        Whether a scenario can have only one of the kind.
    slot
        The table of ``Terms`` in which it has a row; empty if it only adds to sums.
    strength
        Fields without any one of which it does nothing, and costs nothing.
    needs
        Processes of plug-ins through which it acts: a scenario with the lever must have their tables.
    """

    place_bound: ClassVar[bool] = True
    stress: ClassVar[bool] = False
    assumed: ClassVar[str] = ""
    acts_on: ClassVar[str] = ""
    alone: ClassVar[bool] = False
    slot: ClassVar[str] = ""
    strength: ClassVar[tuple[str, ...]] = ()
    needs: ClassVar[tuple[str, ...]] = ()

    id: str = Field(min_length=1, max_length=64, pattern=r"^[a-z0-9][a-z0-9-]*$",
                    description="Name of the lever inside its scenario.")  # fmt: skip

    @field_validator("zones", check_fields=False)
    @classmethod
    def _zones_differ(cls, zones: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for zone in zones or ():
            if (zones or ()).count(zone) > 1:
                raise PydanticCustomError("repeated_zone", "the zone {id} stands twice", {"id": zone})
        return zones

    def zone_ids(self) -> tuple[str, ...]:
        """Return the zones that the lever names, as `zone` or as `zones`."""
        named: str | tuple[str, ...] = getattr(self, "zone", None) or getattr(self, "zones", None) or ()
        return (named,) if isinstance(named, str) else named

    def has_strength(self) -> bool:
        """Return whether the lever does anything at all."""
        return all(getattr(self, name) > 0 for name in self.strength)

    @abc.abstractmethod
    def since(self, start: str, month: int) -> int | None:
        """Return how many months the lever has been in force in `month`, None if it is not."""

    @abc.abstractmethod
    def offer(self, terms: Terms, row: int, since: int, zones: dict[str, int]) -> None:
        """Write what the lever offers this month.

        Parameters
        ----------
        terms
            The month's terms, being made.
        row
            Its row in its table of the terms.
        since
            Months in force.
        zones
            Position of each zone by its id.
        """

    def fixed_cost_rmb(self, since: int) -> float:
        """Return what the lever costs the public this month, whoever uses it [RMB]."""
        return 0.0

    def budget_rmb(self, months: int, years: int) -> float | None:
        """Return what the lever may spend in `months` months of `years` calendar years [RMB]; None: no bound."""
        return None


class Dated(Lever):
    """A lever in force from one month on, for some months or to the end."""

    from_: Month = Field(alias="from", description="First month in force.")  # fmt: skip
    months: int | None = Field(default=None, ge=1, le=1200,
                               description="Months in force; absent: to the end.",
                               json_schema_extra={"unit": "months"})  # fmt: skip

    def since(self, start: str, month: int) -> int | None:
        """Return how many months the lever has been in force in `month`, None if it is not."""
        passed = month - months_between(start, self.from_)
        in_force = self.has_strength() and passed >= 0 and (self.months is None or passed < self.months)
        return passed if in_force else None


class Eligible(Dated):
    """A dated lever for startups of some segments, stages and ages, in some zones or everywhere."""

    zones: Zones | None = Field(default=None, min_length=1,
                                description="Zones in which it applies; absent: the whole region.")  # fmt: skip
    segments: Segments = Field(default=ALL_SEGMENTS, min_length=1, description="Eligible segments.")
    max_age_months: int | None = Field(default=None, ge=1, le=10_000, description="Oldest eligible startup.",
                                       json_schema_extra={"unit": "months"})  # fmt: skip
    max_stage: int | None = Field(default=None, ge=0, le=5,
                                  description="Last eligible stage (0 bootstrapped, 1 seed ... 5 D+).",
                                  json_schema_extra={"unit": "stage"})  # fmt: skip

    def write_eligible(self, row: Any, in_zone: Any, zones: dict[str, int]) -> None:
        """Write who is eligible into a row of the terms and its row of zones."""
        row["segments"] = segment_bits(self.segments)
        row["max_stage"] = limit(self.max_stage)
        row["max_age"] = limit(self.max_age_months)
        if self.zones:
            in_zone[[zones[zone] for zone in self.zones]] = True
        else:
            in_zone[:] = True


class Budgeted(Eligible):
    """A lever for eligible startups that pays until the money of the calendar year is used up."""

    budget_rmb_year: float | None = quantity(
        "RMB/year", "Most that is paid in a calendar year; absent: no bound.", None)  # fmt: skip

    def write_eligible(self, row: Any, in_zone: Any, zones: dict[str, int]) -> None:
        """Write who is eligible, and the year's budget."""
        super().write_eligible(row, in_zone, zones)
        row["budget"] = limit(self.budget_rmb_year, WAN)

    def budget_rmb(self, months: int, years: int) -> float | None:
        """Return the budgets of the calendar years in which it is in force."""
        return None if self.budget_rmb_year is None else self.budget_rmb_year * years


def segment_bits(segments: tuple[str, ...]) -> int:
    """Return the segments as bits, the first the lowest."""
    return sum(1 << ALL_SEGMENTS.index(segment) for segment in set(segments))


def limit(value: float | None, unit: float = 1.0) -> Any:
    """Return a limit in another unit, or the largest number where there is none."""
    return NO_LIMIT if value is None else value / unit
