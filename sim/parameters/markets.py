"""Parameters of the labour market."""

from sim.parameters.section import Section, parameter


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
