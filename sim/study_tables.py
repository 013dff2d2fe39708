"""What a study file may say, table by table."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, Strict

from sim.scenario import Line, Text

MOST_POINTS = 10_000_000
#: keys of a design that each method reads
READS = {
    "grid": ("axes", "levels"),
    "zip": ("axes",),
    "lhs": ("axes", "points", "seed"),
    "sobol": ("axes", "points", "seed"),
    "csv": ("file",),
    "accepted": ("points", "seed", "file"),
}


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


Number = int | float
Values = Annotated[tuple[bool | int | float | str, ...], Strict(False)]


class AxisTable(_Table):
    """One axis of a design."""

    key: str = Field(
        min_length=1, max_length=200, description="Dotted key of a parameter or of a lever's field."
    )
    values: Values = Field(
        default=(), max_length=100_000, description="Values that it takes, for grid and zip."
    )
    low: Number | None = Field(
        default=None, description="Lowest value; absent: the low end of the parameter's sweep."
    )
    high: Number | None = Field(default=None, description="Highest value; absent: the high end of its sweep.")
    scale: Literal["linear", "log"] = Field(
        default="linear", description="Even in the value or in its logarithm."
    )
    factor: bool | None = Field(
        default=None,
        description="Whether values multiply the scenario's own; absent: true for tables of numbers.",
    )


class DesignTable(_Table):
    """Which points are visited."""

    method: Literal["grid", "zip", "lhs", "sobol", "csv", "accepted"] = Field(
        description="How points are chosen; accepted: from what `sim calibrate` has accepted."
    )
    axes: Annotated[tuple[AxisTable, ...], Strict(False)] = Field(
        default=(), max_length=1000, description="What is varied."
    )
    levels: int = Field(default=5, ge=2, le=10_000, description="Values of an axis without values in a grid.")
    points: int = Field(
        default=64, ge=1, le=MOST_POINTS, description="Points of lhs and sobol, vectors of accepted."
    )
    seed: int | None = Field(
        default=None,
        ge=0,
        description="Seed of lhs and sobol, absent: 1; of accepted, absent: no chance, the same vectors always.",
    )
    file: str | None = Field(
        default=None,
        max_length=1000,
        description="File in the study's folder. csv: a column an axis, a row a point; accepted: what `sim calibrate` "
        "has written, absent: the accepted set of the scenarios' world.",
    )


class Keep(_Table):
    """What is kept of each run besides its outcomes."""

    series: bool = Field(default=True, description="Months by zone and segment.")
    region: bool = Field(
        default=True, description="Months of the whole region: labour, compute, who founded elsewhere."
    )
    presence: bool = Field(
        default=True, description="Who was there after 12, 36, 60 and 120 steps and at the end."
    )
    costs: bool = Field(default=True, description="Public cost by month and lever.")
    deals: bool = Field(default=False, description="Every closed round.")
    startups: bool = Field(default=False, description="Every startup, whole, at the last step.")
    moments: bool = Field(default=False, description="What the world's targets ask of the run.")


class Budget(_Table):
    """What every policy of a study is to cost, before it runs."""

    present_value_rmb: float = Field(gt=0, le=1e13, description="Present value of public cost.")
    discount: float = Field(default=0.05, ge=0, le=1, description="Yearly rate.")
    years: int = Field(default=5, ge=1, le=100, description="Years over which is summed.")


class Evaluated(_Table):
    """What is run beside the scenarios of a study, so that its policies can be judged."""

    controls: bool = Field(default=False, description="Whether a placebo and cash for every entrant run too.")
    equal_budget: Budget | None = Field(
        default=None, description="Budget to which the size of each policy is brought first; absent: none."
    )
    doses: Annotated[tuple[Annotated[float, Field(gt=0, le=1000, strict=False)], ...], Strict(False)] = Field(
        default=(), max_length=20, description="Multiples of its size at which each policy runs too."
    )
    worlds: Annotated[tuple[str, ...], Strict(False)] = Field(
        default=(),
        max_length=20,
        description="Developments outside, ids or paths, in which each policy runs too.",
    )


class StudyFile(Evaluated):
    """What a study file says."""

    name: Line = Field(default="", max_length=120, description="Name of the study.")
    description: Text = Field(default="", max_length=4000, description="What it asks.")
    scenarios: Annotated[tuple[str, ...], Strict(False)] = Field(
        min_length=1, max_length=10_000, description="Ids, or paths of scenario files."
    )
    baseline: str | None = Field(
        default=None,
        description="Scenario that the others are compared with; absent: baseline, or else the first.",
    )
    seeds: int | Annotated[tuple[int, ...], Strict(False)] = Field(
        description="N for the seeds 1 to N, or a list."
    )
    months: int | None = Field(
        default=None, ge=1, le=1200, description="Months; absent: those of the scenarios."
    )
    design: DesignTable | None = Field(default=None, description="Points of parameter space; absent: none.")
    keep: Keep = Field(default=Keep(), description="What is kept of each run.")
