"""What a government can change: dated levers, and the terms that they make for one month.

A lever is data: when it acts, where, on whom, how much, and what it costs the public. ``Policies`` turns the
levers of a scenario into one frozen ``Terms`` a month, which is all of a policy that the model's processes
see. Neutral terms are zeros, and a lever of zero strength gives neutral terms.

To add a lever: a class with a new ``kind``, a row in ``LEVERS``, and a field of ``Terms`` that one process
reads.
"""

import abc
import dataclasses
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict, ValidationInfo
from pydantic_core import PydanticCustomError

MONTH_PATTERN = r"^[0-9]{4}-(0[1-9]|1[0-2])$"
NO_LIMIT = 2**31 - 1


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
    """What every lever has."""

    place_bound: ClassVar[bool] = True

    id: str = Field(min_length=1, max_length=64, pattern=r"^[a-z0-9][a-z0-9-]*$",
                    description="Name of the lever inside its scenario.")  # fmt: skip

    @abc.abstractmethod
    def zone_ids(self) -> tuple[str, ...]:
        """Return the zones that the lever treats."""

    @abc.abstractmethod
    def dates(self) -> list[tuple[tuple[str | int, ...], str]]:
        """Return the key inside the lever and the value of each of its dates."""


class RentCut(Lever):
    """The public pays a share of the rent of eligible startups.

    Paid each month on rent and area of the leases that are signed or running in the months in force; cost
    equals receipts.
    """

    kind: Literal["rent-cut"] = Field(description="Kind of lever.")
    zones: Annotated[tuple[ZoneId, ...], Strict(False)] = Field(
        min_length=1, description="Zones in which rents are cut.")  # fmt: skip
    share: float = Field(ge=0, le=1, description="Share of the rent that the public pays.",
                         json_schema_extra={"unit": "share"})  # fmt: skip
    from_: Month = Field(alias="from", description="First month in force.")  # fmt: skip
    months: int | None = Field(default=None, ge=1, le=1200,
                               description="Months in force; absent: to the end.",
                               json_schema_extra={"unit": "months"})  # fmt: skip
    max_age_months: int | None = Field(default=None, ge=0, le=10_000, description="Oldest eligible startup.",
                                       json_schema_extra={"unit": "months"})  # fmt: skip
    max_stage: int | None = Field(default=None, ge=0, le=5,
                                  description="Last eligible stage (0 bootstrapped, 1 seed ... 5 D+).",
                                  json_schema_extra={"unit": "stage"})  # fmt: skip
    max_area_m2: float | None = Field(default=None, gt=0, le=1e9,
                                      description="Largest eligible leased (entrants: needed) area.",
                                      json_schema_extra={"unit": "m2"})  # fmt: skip

    def zone_ids(self) -> tuple[str, ...]:
        """Return the zones that the lever treats."""
        return self.zones

    def dates(self) -> list[tuple[tuple[str | int, ...], str]]:
        """Return the first month in force."""
        return [(("from",), self.from_)]

    def in_force(self, start: str, month: int) -> bool:
        """Return whether the cut is paid in `month` of a run that begins in `start`."""
        first = months_between(start, self.from_)
        return self.share > 0 and first <= month and (self.months is None or month < first + self.months)


class Phase(Table):
    """One opening of new space."""

    opens: Month = Field(description="Month in which the space comes on the market.")
    area_m2: float = Field(ge=0, le=1e9, description="Lettable floor space that opens.",
                           json_schema_extra={"unit": "m2"})  # fmt: skip


class NewSpace(Lever):
    """New office space in one zone, opened in phases at the rents of the day."""

    kind: Literal["new-space"] = Field(description="Kind of lever.")
    zone: ZoneId = Field(description="Zone in which the space is built.")
    cost_rmb_m2: float = Field(default=12_621.0, ge=0, le=1e6, json_schema_extra={"unit": "RMB/m2"},
                               description="Public capital cost (the first phase of the Jingxi park: "
                               "3.9 billion RMB for 309,000 m2).")  # fmt: skip
    phases: Annotated[tuple[Phase, ...], Strict(False)] = Field(
        min_length=1, description="Openings, each with a date and an area.")  # fmt: skip

    def zone_ids(self) -> tuple[str, ...]:
        """Return the zone that the lever treats."""
        return (self.zone,)

    def dates(self) -> list[tuple[tuple[str | int, ...], str]]:
        """Return the opening month of each phase."""
        return [(("phases", i, "opens"), phase.opens) for i, phase in enumerate(self.phases)]


#: the open table of levers: a new kind adds a row
LEVERS: dict[str, type[Lever]] = {"rent-cut": RentCut, "new-space": NewSpace}


@dataclasses.dataclass(frozen=True)
class Terms:
    """What policy offers in one month.

    Attributes
    ----------
    rent_share
        Share of the rent paid by each rent cut in each zone, (n_cuts, n_zones); 0 where it does not act.
    max_age, max_stage, max_area
        Eligibility for each rent cut: months, stage, m2, (n_cuts,) each.
    opened_m2
        Floor space that opens in each zone this month [m2], (n_zones,).
    """

    rent_share: np.ndarray
    max_age: np.ndarray
    max_stage: np.ndarray
    max_area: np.ndarray
    opened_m2: np.ndarray


class Policies:
    """The levers of a scenario, seen from inside a run.

    Parameters
    ----------
    levers
        Levers of the scenario.
    zone_index
        Position of each zone by its id.
    start
        Calendar month of month 0, "YYYY-MM".
    """

    def __init__(self, levers: tuple[Any, ...], zone_index: dict[str, int], start: str) -> None:
        self.levers = tuple(sorted(levers, key=lambda lever: lever.id))
        self.start = start
        self._zone_index = zone_index
        self._cuts = [lever for lever in self.levers if isinstance(lever, RentCut)]
        self._spaces = [lever for lever in self.levers if isinstance(lever, NewSpace)]
        self.cut_ids = tuple(lever.id for lever in self._cuts)
        self._neutral = self._terms(None)

    def in_force(self, month: int) -> Terms:
        """Return the terms of `month` (months of the history are neutral)."""
        opens = any(
            months_between(self.start, phase.opens) == month and phase.area_m2 > 0
            for lever in self._spaces
            for phase in lever.phases
        )
        if not opens and not any(cut.in_force(self.start, month) for cut in self._cuts):
            return self._neutral
        return self._terms(month)

    def capital_cost_rmb(self, month: int) -> dict[str, float]:
        """Return what each lever spends on building in `month` [RMB]."""
        spent: dict[str, float] = {}
        for lever in self._spaces:
            for phase in lever.phases:
                if months_between(self.start, phase.opens) == month:
                    spent[lever.id] = spent.get(lever.id, 0.0) + phase.area_m2 * lever.cost_rmb_m2
        return spent

    def _terms(self, month: int | None) -> Terms:
        n_zones = len(self._zone_index)
        share = np.zeros((len(self._cuts), n_zones))
        opened = np.zeros(n_zones)
        if month is not None:
            for i, cut in enumerate(self._cuts):
                if cut.in_force(self.start, month):
                    share[i, [self._zone_index[zone] for zone in cut.zones]] = cut.share
            for lever in self._spaces:
                for phase in lever.phases:
                    if months_between(self.start, phase.opens) == month:
                        opened[self._zone_index[lever.zone]] += phase.area_m2
        return Terms(
            rent_share=share,
            max_age=np.array([_limit(cut.max_age_months) for cut in self._cuts], dtype=np.int64),
            max_stage=np.array([_limit(cut.max_stage) for cut in self._cuts], dtype=np.int64),
            max_area=np.array([_limit(cut.max_area_m2) for cut in self._cuts], dtype=float),
            opened_m2=opened,
        )


def _limit(value: float | None) -> float:
    return NO_LIMIT if value is None else value
