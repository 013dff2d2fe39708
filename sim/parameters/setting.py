"""Parameters of the first month, and of the world outside."""

from typing import Literal

from sim.parameters.section import Section, parameter


class Initial(Section):
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
