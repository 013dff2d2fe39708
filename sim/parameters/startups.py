"""Parameters of startups: operations, ends and beginnings."""

from sim.parameters.section import BySegment, BySegmentAndStage, ByStage, Section, parameter


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
        unit="heads", bounds=(0.1, 100_000), factor=(0.75, 1.25),
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
    wage_passed_on: float = parameter(
        1.0, unit="-", bounds=(0, 1), sweep=(0.8, 1),
        meaning="Elasticity of revenue to the wage: what all firms of the city pay, their prices follow.",
        source="assumed; below 1 more money can mean fewer firms")  # fmt: skip


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
    locked_departure_factor: float = parameter(
        0.2, unit="-", bounds=(0, 1), sweep=(0, 1),
        meaning="Factor of departure of a firm that guided money holds here.", source="assumed")  # fmt: skip
    dormancy_months: float = parameter(
        24.0, unit="months", bounds=(1, 1200), sweep=(12, 36),
        meaning="Mean time that a failed firm stays on the register.", source="assumed")  # fmt: skip


class Births(Section):
    """Potential founders, the choice between the region and outside, spin-offs."""

    founding_scale: float = parameter(
        0.82, unit="-", bounds=(0, 10_000), sweep=(0.75, 0.95),
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
        (0.28, 0.45, 0.11, 0.16), unit="weights", bounds=(0, 1),
        sweep=((0.22, 0.48, 0.12, 0.18), (0.34, 0.42, 0.10, 0.14)),
        meaning="Segments of entrants (divided by their sum).", source="assumed")  # fmt: skip
    entry_size: float = parameter(
        0.7, unit="of target heads", bounds=(0, 10), sweep=(0.5, 1),
        meaning="Heads of an entrant, at least one.", source="assumed")  # fmt: skip
    quality_sd: float = parameter(
        0.6, unit="log units", bounds=(0, 5), sweep=(0.4, 0.8),
        meaning="Spread of quality, whose median is 1.", source="assumed")  # fmt: skip
    top_share: float = parameter(
        0.01, unit="share", bounds=(0, 1), sweep=(0.005, 0.02),
        meaning="Part of the potential founders, by drawn quality, whose fates are taken down.",
        source="a choice of what to look at; it changes nothing in the model")  # fmt: skip
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
        source="set so that new space of average quality hardly moves entry while rents stay")  # fmt: skip
    spinoff_per_month: float = parameter(
        0.008, unit="1/month", bounds=(0, 1), sweep=(0.003, 0.015),
        meaning="Spin-offs of a firm of reference size.",
        source="Klepper (2010) and others: a few per cent a year, commonly cited, not verified")  # fmt: skip
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
