"""Parameters of rounds and venture funds."""

from sim.parameters.section import ByRound, BySegment, Section, parameter


class Finance(Section):
    """Rounds and the venture funds that close them."""

    round_probability: ByRound = parameter(
        (0.45, 0.50, 0.49, 0.44, 0.40), unit="within 36 months", bounds=(0, 0.999), factor=(0.75, 1.25),
        meaning="Chance that a startup of median quality looks for its next round, by stage.",
        source="CB Insights (2017) and Carta (2025) funnels; calibrated")  # fmt: skip
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
        1.0, unit="relative", bounds=(0.001, 1000), sweep=(0.5, 2),
        meaning="Size of a partner fund.", source="assumed")  # fmt: skip
    other_size: float = parameter(
        0.12, unit="relative", bounds=(0.001, 1000), sweep=(0.08, 0.2),
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
        0.60, unit="of the ask", bounds=(0.01, 1), sweep=(0.4, 0.8),
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
