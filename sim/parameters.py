"""Every number that the equations read, one section per process, each with unit, bounds, sweep and source.

Two ranges belong to a parameter. ``bounds`` is where its equation is defined (0 is inside wherever it
switches a term off); ``sweep`` is the range that is plausible, for sensitivity analysis. A table by segment
or stage sweeps by a factor on all of its values. Values are in the unit that the name or ``unit`` states;
``record`` converts them once into the units of the model: RMB in wan (10,000 RMB), areas in m2, months.
"""

import dataclasses
from typing import Annotated, Any, Literal

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


class Access(Section):
    """Spillover, talent and capital fields over the cells."""

    spillover_range_km: float = parameter(
        0.75, unit="km", bounds=(0.05, 50), sweep=(0.3, 2.0),
        meaning="Distance over which knowledge spillovers fall to 1/e.",
        source="Arzaghi and Henderson (2008): gone by about 750 m among Manhattan agencies; form assumed")  # fmt: skip
    spillover_cut_km: float | None = parameter(
        None, unit="km", bounds=(0, 1000), sweep=(1.5, 6.0),
        meaning="Distance beyond which spillovers are cut to zero; absent means no cut.",
        source="assumed")  # fmt: skip
    self_spillover: bool = parameter(
        False, unit="-", sweep=(False, True),
        meaning="Whether a startup counts its own heads among the spillovers it receives.",
        source="assumed: off, or large firms would be their own cluster")  # fmt: skip
    spillover_scale_heads: float = parameter(
        20.0, unit="heads", bounds=(0.01, 1e6), sweep=(10, 50),
        meaning="Field strength at which the logarithm of spillovers bends.", source="assumed")  # fmt: skip
    talent_range_km: float = parameter(
        3.0, unit="km", bounds=(0.05, 100), sweep=(1, 8),
        meaning="Distance over which access to graduates falls to 1/e.", source="assumed")  # fmt: skip
    campus_share: float = parameter(
        0.7, unit="-", bounds=(0, 1), sweep=(0.4, 1.0),
        meaning="Exponent of access to graduates in talent access (the rest is housing).",
        source="assumed")  # fmt: skip
    capital_range_km: float = parameter(
        3.0, unit="km", bounds=(0.05, 100), sweep=(1.5, 10),
        meaning="Distance over which closeness to venture funds falls to 1/e.",
        source="assumed, after the 20-minute rule in Cumming and Dai (2010)")  # fmt: skip


class Land(Section):
    """Offices: other tenants, vacancy and rent."""

    tenant_rent_elasticity: float = parameter(
        0.4, unit="-", bounds=(0, 5), sweep=(0.2, 0.8),
        meaning="Rent elasticity of the floor space that other tenants want.", source="assumed")  # fmt: skip
    rent_speed_per_month: float = parameter(
        0.167, unit="1/month", bounds=(0, 2), sweep=(0.10, 0.25),
        meaning="Monthly change of log rent per unit of vacancy below its natural level.",
        source="Wheaton and Torto (1988): about 2 % a year per percentage point; Beijing 2025 agrees")  # fmt: skip
    natural_vacancy_share: float = parameter(
        0.115, unit="share", bounds=(0, 0.9), sweep=(0.09, 0.13),
        meaning="Vacancy at which rents of a mature zone rest.", source="assumed")  # fmt: skip
    vacancy_half_life_months: float = parameter(
        120.0, unit="months", bounds=(1, 10_000), sweep=(36, 240),
        meaning="Half-life of the gap between a place's own natural vacancy and the mature level.",
        source="calibrated to rents by zone")  # fmt: skip
    new_space_half_life_months: float = parameter(
        36.0, unit="months", bounds=(1, 10_000), sweep=(18, 60),
        meaning="The same for newly opened space, which starts empty.", source="assumed")  # fmt: skip
    rent_reversion_per_month: float = parameter(
        0.03, unit="1/month", bounds=(0, 1), sweep=(0, 0.05),
        meaning="Monthly pull of log rent towards its reference.",
        source="form after Hendershott (1996); value calibrated")  # fmt: skip
    rent_step_limit: float = parameter(
        0.03, unit="log rent/month", bounds=(0, 1), sweep=(0.02, 0.05),
        meaning="Largest change of log rent in a month.", source="assumed")  # fmt: skip
    vacancy_range_km: float = parameter(
        1.0, unit="km", bounds=(0.05, 50), sweep=(0.5, 2),
        meaning="Range of the neighbourhood whose vacancy moves a cell's rent.", source="assumed")  # fmt: skip


class Location(Section):
    """Where startups go, when they move, and what they rent."""

    spillover_weight: float = parameter(
        0.45, unit="utils per log unit", bounds=(0, 5), sweep=(0, 0.9),
        meaning="Value of being near heads of the own segment (Marshall).", source="assumed")  # fmt: skip
    diversity_weight: float = parameter(
        0.25, unit="utils per unit", bounds=(0, 5), sweep=(0, 0.6),
        meaning="Value of being near many different segments (Jacobs).", source="assumed")  # fmt: skip
    talent_weight: float = parameter(
        0.50, unit="utils per log unit", bounds=(0, 5), sweep=(0, 1.2),
        meaning="Value of talent access.", source="assumed")  # fmt: skip
    capital_weight: float = parameter(
        0.20, unit="utils per log unit", bounds=(0, 5), sweep=(0, 0.6),
        meaning="Value of closeness to venture funds for early startups (stage up to seed).",
        source="assumed")  # fmt: skip
    late_capital_share: float = parameter(
        0.5, unit="share", bounds=(0, 1), sweep=(0, 1),
        meaning="Part of that value that is left for later stages.", source="assumed")  # fmt: skip
    rent_sensitivity: float = parameter(
        1.2, unit="utils per log cost at the reference rent", bounds=(0, 20), sweep=(0.5, 3),
        meaning="Aversion to rent; one of the two numbers that decide the answers.",
        source="assumed")  # fmt: skip
    occupancy_cost_rmb_m2_month: float = parameter(
        60.0, unit="RMB/m2/month", bounds=(0, 1000), sweep=(30, 100),
        meaning="Other cost of occupancy (fees, fit-out, energy), which no rent cut removes.",
        source="assumed")  # fmt: skip
    reference_rent_rmb_m2_month: float = parameter(
        150.0, unit="RMB/m2/month", bounds=(1, 10_000), sweep=(120, 180),
        meaning="Rent at which the aversion is stated and reference costs are counted.",
        source="assumed: between Beijing's Grade B average (143) and the middle belt")  # fmt: skip
    origin_weight_per_km: float = parameter(
        0.06, unit="utils/km", bounds=(0, 5), sweep=(0, 0.2),
        meaning="Pull of the origin on spin-offs of institutes, anchors and firms.", source="assumed")  # fmt: skip
    stay_bonus: float = parameter(
        1.0, unit="utils", bounds=(-20, 20), sweep=(0, 2),
        meaning="Advantage of the own rooms against moving.",
        source="calibrated to 7-15 % of firms moving in a year")  # fmt: skip
    area_m2_per_head: float = parameter(
        12.0, unit="m2 of gross floor area", bounds=(0, 1000), sweep=(8, 16),
        meaning="Floor space that a head needs.", source="assumed")  # fmt: skip
    lease_reserve: float = parameter(
        1.3, unit="-", bounds=(1, 10), sweep=(1.1, 1.5),
        meaning="Leased area over needed area when a lease is signed.", source="assumed")  # fmt: skip
    crowding_limit: float = parameter(
        1.4, unit="-", bounds=(1, 100), sweep=(1.2, 1.8),
        meaning="Needed area over leased area at which a startup looks for rooms before its lease ends.",
        source="assumed")  # fmt: skip
    early_lease_months: int = parameter(
        24, unit="months", bounds=(1, 600), sweep=(12, 36),
        meaning="Length of a lease up to the seed stage.", source="assumed")  # fmt: skip
    late_lease_months: int = parameter(
        36, unit="months", bounds=(1, 600), sweep=(24, 60),
        meaning="Length of a lease from stage A.", source="assumed")  # fmt: skip
    stopgap_lease_months: int = parameter(
        12, unit="months", bounds=(1, 600), sweep=(6, 24),
        meaning="Lease of a tenant who finds no room anywhere.", source="assumed")  # fmt: skip
    patience_months: int = parameter(
        3, unit="months", bounds=(1, 120), sweep=(1, 6),
        meaning="Months that an entrant without rooms waits before it is lost.", source="assumed")  # fmt: skip
    moving_rent_months: float = parameter(
        3.0, unit="months of rent", bounds=(0, 60), sweep=(1, 6),
        meaning="Moving cost: rent of the new rooms.", source="assumed")  # fmt: skip
    moving_payroll_months: float = parameter(
        0.3, unit="months of payroll", bounds=(0, 12), sweep=(0.1, 0.6),
        meaning="Moving cost: working time lost.", source="assumed")  # fmt: skip
    social_form: Literal["log", "relative"] = parameter(
        "log", unit="-", sweep=("log", "relative"),
        meaning="Social term: log of spillovers, or count of startups relative to the mean per cell.",
        source="'relative' is the convention of Brock and Durlauf (2001), for theory")  # fmt: skip
    size_weight: float = parameter(
        1.0, unit="-", bounds=(0, 1), sweep=(0, 1),
        meaning="Coefficient of log vacant area; exactly 1 makes choice independent of how cells are cut.",
        source="aggregation of equal alternatives, McFadden (1978)")  # fmt: skip
    unlimited_capacity: bool = parameter(
        False, unit="-", sweep=(False, True),
        meaning="Whether floor space never runs short, for theory.", source="switch")  # fmt: skip
    revision_rate_per_month: float = parameter(
        0.0, unit="1/month", bounds=(0, 1), sweep=(0, 0.02),
        meaning="Share of startups that choose anew each month without a reason, for theory.",
        source="switch")  # fmt: skip
    revision: Literal["all", "one"] = parameter(
        "all", unit="-", sweep=("all", "one"),
        meaning="Revisers: all by the rate above, or exactly one startup a month, for theory.",
        source="switch")  # fmt: skip


class Operations(Section):
    """Productivity, costs, revenue, cash and heads."""

    spillover_elasticity: float = parameter(
        0.065, unit="-", bounds=(0, 1), sweep=(0, 0.13),
        meaning="Elasticity of productivity to spillovers of the own segment.",
        source="Moretti (2021), commonly cited, not verified")  # fmt: skip
    diversity_elasticity: float = parameter(
        0.03, unit="-", bounds=(0, 1), sweep=(0, 0.08),
        meaning="Elasticity of productivity to diversity.", source="assumed")  # fmt: skip
    spillover_centre: float = parameter(
        2.0, unit="log units", bounds=(-20, 20), sweep=(1.5, 2.5),
        meaning="Spillovers at which productivity is 1.", source="assumed, near the mean of the start")  # fmt: skip
    diversity_centre: float = parameter(
        1.5, unit="-", bounds=(-20, 20), sweep=(1, 2),
        meaning="Diversity at which productivity is 1.", source="assumed, near the mean of the start")  # fmt: skip
    wage_wan_head_month: BySegment = parameter(
        (1.8, 3.6, 5.5, 3.9), unit="10,000 RMB/head/month", bounds=(0, 100), factor=(0.75, 1.25),
        meaning="Full cost of a head by segment.",
        source="Beijing recruitment data 2025 as reported, x 1.38 for social cost")  # fmt: skip
    overhead_share: ByStage = parameter(
        (0.1, 0.2, 0.4, 0.6, 0.7, 0.7), unit="of payroll", bounds=(0, 10), factor=(0.5, 1.5),
        meaning="Marketing, data and travel by stage.", source="assumed")  # fmt: skip
    compute_share: BySegment = parameter(
        (0.20, 0.15, 0.80, 0.25), unit="of payroll", bounds=(0, 20), factor=(0.5, 2.0),
        meaning="Compute bill by segment.",
        source="assumed; a listed model developer reported 4.8 times its research wages in 2024")  # fmt: skip
    revenue_share: ByStage = parameter(
        (0.95, 0.39, 0.40, 0.46, 0.59, 0.77), unit="of reference cost", bounds=(0, 10), factor=(0.8, 1.2),
        meaning="Revenue of a startup of median quality by stage.", source="calibrated to survival")  # fmt: skip
    revenue_quality_exponent: float = parameter(
        0.35, unit="-", bounds=(0, 5), sweep=(0.2, 0.5),
        meaning="Elasticity of revenue to quality times productivity.", source="assumed")  # fmt: skip
    revenue_quality_cap: float = parameter(
        2.0, unit="-", bounds=(0.1, 1000), sweep=(1.5, 4),
        meaning="Quality times productivity beyond which revenue rises no more.", source="assumed")  # fmt: skip
    revenue_cap: float = parameter(
        1.1, unit="of reference cost", bounds=(0, 100), sweep=(1.05, 1.3),
        meaning="Largest revenue.", source="assumed")  # fmt: skip
    target_heads: BySegmentAndStage = parameter(
        ((1, 2, 6, 20, 60, 150), (4, 9, 30, 80, 200, 450),
         (8, 18, 60, 160, 380, 900), (6, 14, 45, 120, 280, 650)),
        unit="heads", bounds=(1, 100_000), factor=(0.75, 1.25),
        meaning="Heads that a startup of median quality aims at, by segment and stage.", source="assumed")  # fmt: skip
    target_quality_exponent: float = parameter(
        0.5, unit="-", bounds=(0, 5), sweep=(0.25, 0.75),
        meaning="Elasticity of the target to quality times productivity.", source="assumed")  # fmt: skip
    target_quality_low: float = parameter(
        0.5, unit="-", bounds=(0.01, 1), sweep=(0.3, 0.8),
        meaning="Quality times productivity below which the target falls no more.", source="assumed")  # fmt: skip
    target_quality_high: float = parameter(
        2.5, unit="-", bounds=(1, 1000), sweep=(1.5, 5),
        meaning="Quality times productivity above which the target rises no more.", source="assumed")  # fmt: skip
    growth_per_month: float = parameter(
        0.06, unit="1/month", bounds=(0, 1), sweep=(0.03, 0.12),
        meaning="Part of the gap to the target for which posts are opened in a month.", source="assumed")  # fmt: skip
    cut_per_month: float = parameter(
        0.10, unit="1/month", bounds=(0, 1), sweep=(0.05, 0.2),
        meaning="Heads released in a month when the runway is short.", source="assumed")  # fmt: skip
    growth_runway_months: float = parameter(
        10.0, unit="months", bounds=(0, 1000), sweep=(8, 14),
        meaning="Runway above which a startup grows.", source="assumed")  # fmt: skip
    cut_runway_months: float = parameter(
        6.0, unit="months", bounds=(0, 1000), sweep=(4, 8),
        meaning="Runway below which it releases heads.", source="assumed")  # fmt: skip
    densest_m2_per_head: float = parameter(
        8.0, unit="m2 of gross floor area", bounds=(0, 1000), sweep=(6, 10),
        meaning="Leased area per head at which hiring stops.", source="assumed")  # fmt: skip
    separation_per_month: float = parameter(
        0.012, unit="1/month", bounds=(0, 1), sweep=(0.006, 0.024),
        meaning="Heads that leave a startup of themselves.", source="assumed")  # fmt: skip
    matching_constant: float = parameter(
        0.5, unit="-", bounds=(0, 1), sweep=(0.35, 0.65),
        meaning="Matching constant mu: mu/sqrt(tightness) of the open posts are filled in a month.",
        source="assumed")  # fmt: skip
    tightness: float = parameter(
        0.5, unit="posts per seeker", bounds=(0.25, 4), sweep=(0.4, 0.7),
        meaning="Open posts per seeker at which the wage rests.", source="assumed")  # fmt: skip


class Finance(Section):
    """Rounds and the venture funds that close them."""

    round_probability: ByRound = parameter(
        (0.45, 0.50, 0.49, 0.44, 0.40), unit="within 36 months", bounds=(0, 0.999), factor=(0.75, 1.25),
        meaning="Chance that a startup of median quality looks for its next round, by stage.",
        source="CB Insights (2018) and Carta (2025) funnels; calibrated")  # fmt: skip
    first_window_months: float = parameter(
        36.0, unit="months", bounds=(1, 600), sweep=(30, 48),
        meaning="Months over which the chance of looking for a first round is counted.", source="definition")  # fmt: skip
    window_months: float = parameter(
        30.0, unit="months", bounds=(1, 600), sweep=(26, 36),
        meaning="The same for later rounds: 36 months less the gap after a round.", source="definition")  # fmt: skip
    seek_factor: float = parameter(
        1.55, unit="-", bounds=(0, 20), sweep=(1.2, 1.9),
        meaning="Common factor of the seeking hazards.", source="calibrated to deals a year")  # fmt: skip
    first_round_factor: float = parameter(
        0.85, unit="-", bounds=(0, 20), sweep=(0.6, 1.1),
        meaning="Further factor before the first round.", source="calibrated to the share of seed deals")  # fmt: skip
    first_round_segment_factor: BySegment = parameter(
        (0.25, 1.6, 1.6, 1.6), unit="-", bounds=(0, 20), factor=(0.8, 1.2),
        meaning="Further factor before the first round by segment.", source="calibrated")  # fmt: skip
    seek_quality_exponent: float = parameter(
        0.8, unit="-", bounds=(0, 5), sweep=(0, 1.2),
        meaning="Elasticity of the hazard to quality times productivity.", source="assumed")  # fmt: skip
    seek_quality_cap: float = parameter(
        4.0, unit="-", bounds=(0.1, 1000), sweep=(1.5, 6),
        meaning="Largest factor by quality.", source="assumed")  # fmt: skip
    first_gap_months: int = parameter(
        3, unit="months", bounds=(0, 600), sweep=(1, 6),
        meaning="Age from which a startup looks for its first round.", source="assumed")  # fmt: skip
    gap_months: int = parameter(
        7, unit="months", bounds=(0, 600), sweep=(5, 10),
        meaning="Months after a round before the next is sought.",
        source="Carta (2024): median gaps of 14 to 30 months")  # fmt: skip
    stale_months: int = parameter(
        36, unit="months", bounds=(1, 600), sweep=(24, 48),
        meaning="Months after a round from which the hazard is lower.", source="assumed")  # fmt: skip
    stale_factor: float = parameter(
        0.25, unit="-", bounds=(0, 1), sweep=(0.1, 0.5),
        meaning="Factor of the hazard from then on.", source="assumed")  # fmt: skip
    round_median_m_rmb: ByRound = parameter(
        (9.4, 33.0, 99.0, 304.0, 819.0), unit="million RMB", bounds=(0.01, 1e6), factor=(0.6, 1.6), scale=100.0,
        meaning="Median money asked for, by round; later rounds ask for the last.",
        source="calibrated to capital a year; media reports of round sizes")  # fmt: skip
    round_sd: float = parameter(
        0.8, unit="log units", bounds=(0, 5), sweep=(0.5, 1.1),
        meaning="Spread of the money asked for.", source="assumed")  # fmt: skip
    round_segment_factor: BySegment = parameter(
        (0.25, 1.0, 1.8, 1.35), unit="-", bounds=(0.01, 100), factor=(0.8, 1.25),
        meaning="Money asked for by segment.", source="assumed")  # fmt: skip
    search_months: int = parameter(
        9, unit="months", bounds=(1, 120), sweep=(6, 12),
        meaning="Months that a search for money lasts at most.", source="assumed")  # fmt: skip
    pause_months: int = parameter(
        6, unit="months", bounds=(0, 120), sweep=(3, 12),
        meaning="Pause after a search without success.", source="assumed")  # fmt: skip
    funds: int = parameter(
        48, unit="funds", bounds=(1, 2000), sweep=(40, 60),
        meaning="Venture funds, partner funds of the world included.", source="assumed")  # fmt: skip
    capital_bn_rmb: float = parameter(
        160.0, unit="billion RMB", bounds=(0, 1e6), sweep=(100, 200), scale=1e5,
        meaning="Commitments of all funds for one investment period.",
        source="Beijing AI deals of 2024 as reported (over 50 billion RMB), Haidian's share assumed")  # fmt: skip
    partner_size: float = parameter(
        1.0, unit="relative", bounds=(0, 1000), sweep=(0.5, 2),
        meaning="Size of a partner fund.", source="assumed")  # fmt: skip
    other_size: float = parameter(
        0.12, unit="relative", bounds=(0, 1000), sweep=(0.08, 0.2),
        meaning="Scale of the sizes of the other funds.", source="assumed")  # fmt: skip
    size_exponent: float = parameter(
        1.1, unit="-", bounds=(0.2, 10), sweep=(1.1, 1.6),
        meaning="Pareto exponent of the sizes of the other funds.", source="assumed")  # fmt: skip
    period_months: int = parameter(
        48, unit="months", bounds=(1, 600), sweep=(36, 60),
        meaning="Investment period of a fund.", source="assumed")  # fmt: skip
    purse_months: float = parameter(
        12.0, unit="months of pace", bounds=(0, 600), sweep=(6, 24),
        meaning="Called money that a fund holds at most.", source="assumed")  # fmt: skip
    ticket_share: float = parameter(
        0.16, unit="of the fund", bounds=(0, 1), sweep=(0.1, 0.25),
        meaning="Largest ticket.", source="calibrated to capital a year")  # fmt: skip
    lead_share: float = parameter(
        0.30, unit="of the ask", bounds=(0, 1), sweep=(0.2, 0.4),
        meaning="Smallest ticket of the first investor of a round.", source="assumed")  # fmt: skip
    follow_share: float = parameter(
        0.05, unit="of the ask", bounds=(0, 1), sweep=(0.02, 0.1),
        meaning="Smallest ticket of the others.", source="assumed")  # fmt: skip
    close_share: float = parameter(
        0.60, unit="of the ask", bounds=(0, 1), sweep=(0.4, 0.8),
        meaning="Commitments at which a round closes.", source="assumed")  # fmt: skip
    distance_weight: float = parameter(
        0.4, unit="log units per capital range", bounds=(0, 10), sweep=(0, 1),
        meaning="Fall of a fund's score with distance.", source="assumed")  # fmt: skip
    taste_sd: float = parameter(
        0.8, unit="log units", bounds=(0, 5), sweep=(0.4, 1.2),
        meaning="Spread of a fund's own view of a startup.", source="assumed")  # fmt: skip
    score_bar: float = parameter(
        -1.2, unit="log units", bounds=(-20, 20), sweep=(-2, 0),
        meaning="Score below which a fund does not look.", source="assumed")  # fmt: skip
    round_stake: float = parameter(
        0.18, unit="of the firm", bounds=(0.001, 0.999), sweep=(0.12, 0.25),
        meaning="Part of the firm that a round sells.", source="assumed")  # fmt: skip
    acquisition_multiple: float = parameter(
        0.7, unit="of the last valuation", bounds=(0, 100), sweep=(0.4, 1.2),
        meaning="Price of an acquisition.", source="assumed")  # fmt: skip
    listing_multiple: float = parameter(
        1.5, unit="of the last valuation", bounds=(0, 100), sweep=(1, 3),
        meaning="Value at listing.", source="assumed")  # fmt: skip
    recycled_share: float = parameter(
        0.2, unit="of proceeds", bounds=(0, 1), sweep=(0, 0.5),
        meaning="Proceeds that a fund may invest again.", source="assumed")  # fmt: skip
    performance_exponent: float = parameter(
        0.25, unit="-", bounds=(0, 5), sweep=(0, 0.5),
        meaning="Elasticity of a successor fund to relative performance.", source="assumed")  # fmt: skip
    performance_low: float = parameter(
        0.5, unit="-", bounds=(0.01, 1), sweep=(0.3, 0.8),
        meaning="Relative performance below which a successor fund shrinks no more.", source="assumed")  # fmt: skip
    performance_high: float = parameter(
        2.0, unit="-", bounds=(1, 100), sweep=(1.5, 4),
        meaning="Relative performance above which it grows no more.", source="assumed")  # fmt: skip


class Exits(Section):
    """Failure, acquisition, listing, departure and the register."""

    failure_per_month: float = parameter(
        0.0048, unit="1/month", bounds=(0, 1), sweep=(0.0035, 0.006),
        meaning="Background hazard of failure.", source="calibrated to survival")  # fmt: skip
    failure_stage_factor: ByStage = parameter(
        (2.2, 1.0, 0.7, 0.5, 0.35, 0.2), unit="-", bounds=(0, 100), factor=(0.8, 1.2),
        meaning="Its factor by stage.", source="calibrated to survival")  # fmt: skip
    failure_first_year_factor: float = parameter(
        0.6, unit="-", bounds=(0, 100), sweep=(0.4, 1),
        meaning="Its factor in the first twelve months.",
        source="State Administration for Industry and Commerce (2013): 1.6 % in the first year")  # fmt: skip
    insolvency_per_month: float = parameter(
        0.25, unit="1/month", bounds=(0, 1), sweep=(0.15, 0.5),
        meaning="Chance of failure in a month without cash.", source="assumed")  # fmt: skip
    acquisition_per_month: ByStage = parameter(
        (0.0, 0.0006, 0.0012, 0.002, 0.002, 0.002), unit="1/month", bounds=(0, 1), factor=(0.5, 2),
        meaning="Chance of being acquired by stage.", source="Carta (2025): 5.5 % in 6.5 years")  # fmt: skip
    listing_per_month: float = parameter(
        0.012, unit="1/month", bounds=(0, 1), sweep=(0.006, 0.024),
        meaning="Chance that a startup of the last stage goes public.",
        source="seven listings of Haidian unicorns in 2024, as reported")  # fmt: skip
    departure_per_month: float = parameter(
        0.0012, unit="1/month", bounds=(0, 1), sweep=(0.0005, 0.003),
        meaning="Chance that a startup leaves for good at the reference rent.", source="assumed")  # fmt: skip
    departure_rent_rmb_m2_month: float = parameter(
        180.0, unit="RMB/m2/month", bounds=(1, 10_000), sweep=(150, 210),
        meaning="Rent at which that chance holds.", source="assumed")  # fmt: skip
    departure_rent_exponent: float = parameter(
        0.5, unit="-", bounds=(0, 5), sweep=(0, 1),
        meaning="Elasticity of departure to the rent paid.", source="assumed")  # fmt: skip
    departure_stage_slope: float = parameter(
        0.3, unit="per stage", bounds=(0, 10), sweep=(0, 0.6),
        meaning="Rise of departure with stage.", source="assumed")  # fmt: skip
    dormancy_months: float = parameter(
        24.0, unit="months", bounds=(1, 1200), sweep=(12, 36),
        meaning="Mean time that a failed firm stays on the register.", source="assumed")  # fmt: skip


class Births(Section):
    """Potential founders, the choice between the region and outside, spin-offs."""

    founding_scale: float = parameter(
        0.82, unit="-", bounds=(0, 100), sweep=(0.75, 0.95),
        meaning="Common factor of founders from institutes, anchors and of independents.",
        source="calibrated to the stock of firms")  # fmt: skip
    consideration_factor: float = parameter(
        1.35, unit="-", bounds=(0, 100), sweep=(1.2, 1.5),
        meaning="Potential founders per founder who stays at the reference point.",
        source="AUTM (2013): 74.7 % of university startups stay in the home state")  # fmt: skip
    institute_scale: float = parameter(
        1.0, unit="-", bounds=(0, 100), sweep=(0.5, 2),
        meaning="Factor of the spin-offs of universities and institutes.",
        source="AUTM (2013) and assumed share of alumni firms")  # fmt: skip
    independents_per_month: float = parameter(
        15.0, unit="1/month", bounds=(0, 10_000), sweep=(8, 25),
        meaning="Founders without a parent institution.", source="calibrated to the stock of firms")  # fmt: skip
    entrant_segments: BySegment = parameter(
        (0.28, 0.45, 0.11, 0.16), unit="weights", bounds=(0, 1), factor=(0.8, 1.2),
        meaning="Segments of entrants (divided by their sum).", source="assumed")  # fmt: skip
    entry_size: float = parameter(
        0.7, unit="of target heads", bounds=(0, 10), sweep=(0.5, 1),
        meaning="Heads of an entrant, at least one.", source="assumed")  # fmt: skip
    quality_sd: float = parameter(
        0.6, unit="log units", bounds=(0, 5), sweep=(0.4, 0.8),
        meaning="Spread of quality, whose median is 1.", source="assumed")  # fmt: skip
    starting_cash_wan: BySegment = parameter(
        (40.0, 185.0, 185.0, 185.0), unit="10,000 RMB", bounds=(0, 1e6), factor=(0.5, 2),
        meaning="Median cash of an entrant by segment.", source="calibrated to survival")  # fmt: skip
    starting_cash_sd: float = parameter(
        0.6, unit="log units", bounds=(0, 5), sweep=(0.4, 0.8),
        meaning="Spread of starting cash.", source="assumed")  # fmt: skip
    outside_weight: float = parameter(
        0.35, unit="-", bounds=(0, 100), sweep=(0.2, 0.6),
        meaning="Odds of founding outside at the reference point.",
        source="AUTM (2013): 74.7 % stay in the home state")  # fmt: skip
    outside_pull: float = parameter(
        0.5, unit="-", bounds=(0, 10), sweep=(0, 1),
        meaning="How far the region's appeal moves the choice between inside and outside; "
        "the other number that decides the answers.",
        source="assumed")  # fmt: skip
    choice_size_exponent: float = parameter(
        0.35, unit="-", bounds=(0, 1), sweep=(0, 1),
        meaning="Appeal of more vacant space as such; 0 means none.",
        source="set so that average new space leaves entry unchanged")  # fmt: skip
    spinoff_per_month: float = parameter(
        0.008, unit="1/month", bounds=(0, 1), sweep=(0.003, 0.015),
        meaning="Spin-offs of a firm of reference size.",
        source="Klepper (2010) and industry studies report a few per cent a year")  # fmt: skip
    spinoff_heads: float = parameter(
        30.0, unit="heads", bounds=(0.1, 1e6), sweep=(15, 60),
        meaning="Reference size.", source="assumed")  # fmt: skip
    spinoff_size_exponent: float = parameter(
        0.5, unit="-", bounds=(0, 2), sweep=(0.3, 0.8),
        meaning="Elasticity of spin-offs to heads.", source="assumed")  # fmt: skip
    spinoff_age_months: int = parameter(
        18, unit="months", bounds=(0, 1200), sweep=(12, 36),
        meaning="Age after which a firm has spin-offs.", source="assumed")  # fmt: skip
    boost_factor: float = parameter(
        3.0, unit="-", bounds=(0, 100), sweep=(1, 5),
        meaning="Factor of spin-offs after acquisition, listing or failure.",
        source="assumed, after Klepper (2010)")  # fmt: skip
    boost_months: int = parameter(
        12, unit="months", bounds=(0, 600), sweep=(6, 24),
        meaning="Months for which it holds.", source="assumed")  # fmt: skip
    boost_stage: int = parameter(
        2, unit="stage", bounds=(0, 5), sweep=(1, 3),
        meaning="Lowest stage at exit for which it holds.", source="assumed")  # fmt: skip
    heredity: float = parameter(
        0.4, unit="-", bounds=(0, 1), sweep=(0, 0.7),
        meaning="Part of a parent's log quality that a spin-off inherits.",
        source="Klepper (2007) finds heredity; value assumed")  # fmt: skip
    heredity_sd: float = parameter(
        0.55, unit="log units", bounds=(0, 5), sweep=(0.4, 0.7),
        meaning="Spread of a spin-off's own part.", source="assumed")  # fmt: skip
    segment_kept: float = parameter(
        0.7, unit="share", bounds=(0, 1), sweep=(0.5, 0.9),
        meaning="Chance that a spin-off stays in its parent's segment.", source="assumed")  # fmt: skip


class Start(Section):
    """The first month: how many startups, and the history that leads to them."""

    start_from: Literal["history", "uniform"] = parameter(
        "history", unit="-", sweep=("history", "uniform"),
        meaning="Startups by zone as given by the world, or spread by floor space alone.",
        source="'uniform' is the null world")  # fmt: skip
    startups: int = parameter(
        1300, unit="startups", bounds=(0, 10_000_000), sweep=(1100, 1600),
        meaning="Active AI startups in the first month.",
        source="Wang (2025) as reported: 1,300 in June 2025; other counts reach 1,600")  # fmt: skip
    history_months: int = parameter(
        144, unit="months", bounds=(0, 1200), sweep=(96, 192),
        meaning="Length of the history before the first month.", source="assumed")  # fmt: skip
    history_growth_per_month: float = parameter(
        0.0085, unit="1/month", bounds=(0, 0.1), sweep=(0.008, 0.013),
        meaning="Growth of founding and of fund commitments during the history.",
        source="calibrated to the stock of firms")  # fmt: skip
    residual_months: int = parameter(
        60, unit="months", bounds=(0, 1200), sweep=(36, 84),
        meaning="Last months of the history in which zone residuals adapt.", source="assumed")  # fmt: skip
    residual_speed: float = parameter(
        0.06, unit="1/month", bounds=(0, 1), sweep=(0.03, 0.1),
        meaning="Speed at which they adapt.", source="assumed")  # fmt: skip
    residual_shrinkage: float = parameter(
        25.0, unit="startups", bounds=(0, 1e6), sweep=(10, 50),
        meaning="Startups of a zone at which half of its residual is believed.", source="assumed")  # fmt: skip


class Outlook(Section):
    """What the world outside does from the first month on. The history does not depend on it."""

    climate: float = parameter(
        1.0, unit="-", bounds=(0, 20), sweep=(0.6, 1.6),
        meaning="Funding climate: factor of fund commitments and of their pace.",
        source="deal counts doubled within 18 months in 2024-25, as reported")  # fmt: skip
    outside_offer_per_year: float = parameter(
        0.0, unit="utils/year", bounds=(-10, 10), sweep=(0, 0.2),
        meaning="Rise of what other cities offer to founders and startups.", source="assumed")  # fmt: skip
    tenant_growth_per_month: float = parameter(
        0.0, unit="1/month", bounds=(-0.1, 0.1), sweep=(0, 0.004),
        meaning="Growth of the floor space that other tenants want.",
        source="assumed; 76,000 m2 were absorbed in Zhongguancun in the first half of 2025")  # fmt: skip


#: the tables of a scenario file ("start" is its first month, so the section of that name is "initial")
SECTIONS: dict[str, type[Section]] = {
    "access": Access,
    "land": Land,
    "location": Location,
    "operations": Operations,
    "finance": Finance,
    "exits": Exits,
    "births": Births,
    "initial": Start,
    "outlook": Outlook,
}


@dataclasses.dataclass(frozen=True)
class Parameters:
    """The sections of a scenario in the units of the model, as records that compiled code reads."""

    access: np.record
    land: np.record
    location: np.record
    operations: np.record
    finance: np.record
    exits: np.record
    births: np.record
    initial: np.record
    outlook: np.record

    @classmethod
    def of(cls, scenario: Any) -> "Parameters":
        """Return the parameters of a scenario."""
        return cls(**{name: getattr(scenario, name).record() for name in SECTIONS})

    def outside_offer(self, month: int) -> float:
        """Return what other cities offer beyond the first month's level [utils]."""
        return float(self.outlook.outside_offer_per_year) * max(month, 0) / 12
