"""Parameters of the markets for labour and compute, and of production."""

from sim.parameters.section import BySegment, Section, parameter


class Labour(Section):
    """Seekers, posts, hires and the wage."""

    matching_constant: float = parameter(
        0.5, unit="-", bounds=(0, 1), sweep=(0.35, 0.65),
        meaning="Matching constant mu: at rest mu/sqrt(tightness) of the open posts are filled in a month.",
        source="assumed")  # fmt: skip
    tightness: float = parameter(
        0.5, unit="posts per seeker", bounds=(0.25, 4), sweep=(0.4, 0.7),
        meaning="Open posts per seeker at which the wage rests.", source="assumed")  # fmt: skip
    access_exponent: float = parameter(
        0.5, unit="-", bounds=(0, 5), sweep=(0.25, 1),
        meaning="Elasticity of a cell's part in the hires to its talent access.", source="assumed")  # fmt: skip
    leaving_per_month: float = parameter(
        0.06, unit="1/month", bounds=(0, 1), sweep=(0.03, 0.12),
        meaning="Seekers who leave the region's startup labour market.", source="assumed")  # fmt: skip
    graduate_share: float = parameter(
        0.35, unit="share", bounds=(0, 1), sweep=(0.2, 0.5),
        meaning="Graduates of the nodes who look for work in a startup; the rest of the inflow are experienced "
        "people, their number solved so that the first month is at rest.", source="assumed")  # fmt: skip
    inflow_elasticity: float = parameter(
        3.0, unit="-", bounds=(0, 20), sweep=(1.5, 4),
        meaning="Elasticity of the inflow to the wage.", source="calibrated to wages 1.2 times as high after five years")  # fmt: skip
    wage_speed_per_month: float = parameter(
        0.02, unit="1/month", bounds=(0, 1), sweep=(0.01, 0.04),
        meaning="Change of the log wage for each post per seeker beyond rest.", source="assumed")  # fmt: skip
    wage_step_limit: float = parameter(
        0.01, unit="1/month", bounds=(0, 1), sweep=(0.005, 0.02),
        meaning="Largest change of the log wage in a month.", source="assumed")  # fmt: skip
    failed_heads_return: float = parameter(
        1.0, unit="share", bounds=(0, 1), sweep=(0.7, 1),
        meaning="Heads of a failed firm who look for work here.", source="assumed")  # fmt: skip
    acquired_heads_return: float = parameter(
        0.3, unit="share", bounds=(0, 1), sweep=(0.1, 0.6),
        meaning="Heads of an acquired firm who look for work here.", source="assumed")  # fmt: skip
    departed_heads_return: float = parameter(
        0.5, unit="share", bounds=(0, 1), sweep=(0.2, 0.8),
        meaning="Heads of a departed firm who stay and look for work here.", source="assumed")  # fmt: skip


class Compute(Section):
    """Compute: what it costs, what public capacity serves, what is delivered."""

    price_rmb_gpu_month: float = parameter(
        6_000.0, unit="RMB/GPU/month", bounds=(1, 1e6), sweep=(3_000, 12_000), scale=1e-4,
        meaning="National price of an accelerator of the A100 class in the first month.",
        source="assumed; list prices of clouds are 18,000 to 25,000")  # fmt: skip
    price_elasticity: float = parameter(
        0.7, unit="-", bounds=(0, 5), sweep=(0.35, 1.4),
        meaning="Elasticity of the compute that a firm wants to its price.", source="assumed")  # fmt: skip
    public_share: float = parameter(
        0.15, unit="share", bounds=(0, 1), sweep=(0.05, 0.4),
        meaning="Share of what is wanted that public capacity serves in the first month.", source="assumed")  # fmt: skip
    public_price: float = parameter(
        0.85, unit="of the national price", bounds=(0, 10), sweep=(0.5, 1),
        meaning="Price of that capacity.", source="assumed")  # fmt: skip
    national_price: float = parameter(
        1.0, unit="of the national price in the first month", bounds=(0.01, 100), sweep=(0.5, 2),
        meaning="National price from the first month on.", source="assumed; no forecast is made")  # fmt: skip
    national_delivery: float = parameter(
        0.9, unit="share", bounds=(0.01, 1), sweep=(0.6, 1),
        meaning="Share of what is ordered nationally that is delivered.", source="assumed")  # fmt: skip
    sufficiency_exponent: BySegment = parameter(
        (0.3, 0.3, 0.6, 0.3), unit="elasticity", bounds=(0, 5), factor=(0, 2),
        meaning="Elasticity of productivity to the share of compute that is delivered.", source="assumed")  # fmt: skip


class Production(Section):
    """Where embodied-AI firms produce."""

    first_stage: int = parameter(
        3, unit="stage", bounds=(0, 6), sweep=(2, 4),
        meaning="Stage at which a firm decides; 6 for never.", source="assumed")  # fmt: skip
    outside_log_odds: float = parameter(
        1.3862943611198906, unit="log odds", bounds=(-20, 20), sweep=(0.2, 3),
        meaning="Log odds of producing outside: 4 to 1.",
        source="assumed; Wang (2026) reports that hardware production left for Shenzhen, Dongguan and Huizhou")  # fmt: skip
    factory_log_odds: float = parameter(
        -0.4, unit="log odds", bounds=(-20, 20), sweep=(-0.8, 0),
        meaning="Change where the zone has space for factories.", source="assumed")  # fmt: skip
    no_factory_log_odds: float = parameter(
        0.15, unit="log odds", bounds=(-20, 20), sweep=(0, 0.3),
        meaning="Change where it has none.", source="assumed")  # fmt: skip
    growth_per_month: float = parameter(
        0.06, unit="1/month", bounds=(0, 1), sweep=(0.03, 0.12),
        meaning="Part of the gap to the R&D heads that production closes in a month.", source="assumed")  # fmt: skip
