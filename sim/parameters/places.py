"""Parameters of places: access, offices, location."""

from typing import Literal

from sim.parameters.section import Section, parameter


class Access(Section):
    """Spillover, talent and capital fields over the cells."""

    spillover_range_km: float = parameter(
        0.75, unit="km", bounds=(0.05, 50), sweep=(0.3, 2.0),
        meaning="Distance over which knowledge spillovers fall to 1/e.",
        source="Arzaghi and Henderson (2008): gone by about 750 m, commonly cited, not verified; form assumed")  # fmt: skip
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
    housing_range_km: float = parameter(
        8.0, unit="km", bounds=(0.05, 100), sweep=(4, 15),
        meaning="Distance over which access to people in talent housing falls to 1/e.", source="assumed")  # fmt: skip
    housing_scale_units: float = parameter(
        40_000.0, unit="units", bounds=(1, 1e9), sweep=(20_000, 80_000),
        meaning="Flats that would double access to people who live near.", source="assumed")  # fmt: skip
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
        0.03, unit="log rent/month", bounds=(0, 1), sweep=(0.005, 0.05),
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
