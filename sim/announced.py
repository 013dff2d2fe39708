"""What promoters announce: never an input of a run, only something that its results are held against."""

from typing import Literal

import numpy as np
from pydantic import Field

from sim.levers import Month, Table, ZoneId, months_between

#: what may be announced, by the name of its series
Announceable = Literal["startups", "listed", "rd_heads", "production_heads", "landed", "entries", "deals",
                       "capital_rmb", "revenue_rmb"]  # fmt: skip


class Announced(Table):
    """An announcement with a number: what is to be reached where, and by when."""

    name: str = Field(min_length=1, max_length=120, description="What was announced, in a few words.")
    name_zh: str = Field(default="", max_length=120, description="The same in Chinese.")
    series: Announceable = Field(description="Column of the monthly series that is meant.")
    zone: ZoneId | None = Field(default=None, description="Zone; absent: the whole region.")
    at_least: float = Field(gt=0, le=1e15, description="Number that is to be reached, in the unit of the series.",
                            json_schema_extra={"unit": "of the series"})  # fmt: skip
    by: Month = Field(description="Month in which it is to be reached.")
    sum_months: int | None = Field(default=None, ge=1, le=1200, json_schema_extra={"unit": "months"},
                                   description="Months up to then over which is summed; absent: the value of that "
                                   "month.")  # fmt: skip

    def value(self, series: dict[str, np.ndarray], zones: tuple[str, ...], start: str) -> float | None:
        """Return what a run reached; None if it ended before.

        Parameters
        ----------
        series
            Monthly series by name, (months, n_zones) each.
        zones
            Ids of the zones.
        start
            Calendar month of the first row.
        """
        last = months_between(start, self.by)
        data = series[self.series]
        if last >= len(data):
            return None
        first = last if self.sum_months is None else max(last + 1 - self.sum_months, 0)
        part = data[first : last + 1]
        return float(part.sum() if self.zone is None else part[:, zones.index(self.zone)].sum())
