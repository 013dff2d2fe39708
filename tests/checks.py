"""Checks against an independent computation; the real tests and the tests of their sensitivity share them."""

import math

import numpy as np

from sim.parameters import Parameters
from sim.verify import experiment
from sim.verify.experiment import lattice_sum
from sim.world import World

__all__ = ["lattice_sum"]  # for tests, beside what stands here


def distances(world: World) -> np.ndarray:
    """Return the distances between cells [km]."""
    return experiment.distances(world.grid)


def field(world: World, par: Parameters) -> np.ndarray:
    """Return the field of heads by segment and cell, from the ledger alone, (4, n_cells)."""
    return experiment.field(world, float(par.access.spillover_range_km))


def jacobs(strength: np.ndarray, scale: float) -> np.ndarray:
    """Return diversity from field strengths by segment, (n_cells,)."""
    whole = strength.sum(axis=0)
    with np.errstate(invalid="ignore"):
        parts = np.where(whole > 0, strength / whole, 0.0)
    return (1 - (parts**2).sum(axis=0)) * np.log1p(whole / scale)


def utility(world: World, par: Parameters, relief: np.ndarray, segment: int, phase: int) -> np.ndarray:
    """Return the utility of each cell, without its size and without a startup's origin, (n_cells,)."""
    place, scale = par.location, float(par.access.spillover_scale_heads)
    strength = field(world, par)
    capital = place.capital_weight * (1.0 if phase == 0 else place.late_capital_share)
    other, reference = place.occupancy_cost_rmb_m2_month, place.reference_rent_rmb_m2_month
    paid = world.rent * (1 - relief[world.grid.zone])
    return (
        place.spillover_weight * np.log1p(strength[segment] / scale)
        + place.diversity_weight * jacobs(strength, scale)
        + place.talent_weight * world.log_talent
        + capital * world.log_capital
        + world.residual[world.grid.zone]
        - place.rent_sensitivity
        * (reference + other)
        / reference
        * np.log((paid + other) / (reference + other))
    )


def shares(
    world: World,
    par: Parameters,
    relief: np.ndarray,
    segment: int,
    phase: int,
    origin: np.ndarray | float = 0.0,
) -> np.ndarray:
    """Return the share of choosers that each cell should get, (n_cells,)."""
    value = utility(world, par, relief, segment, phase) - origin
    weights = world.vacant * np.exp(value - value.max())
    return weights / weights.sum()


def check_shares(found: np.ndarray, expected: np.ndarray) -> None:
    """Demand that choice shares are those of the formula."""
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def check_chance(hits: int, trials: int, chance: float) -> None:
    """Demand that a share of trials lies within four standard errors of a chance."""
    error = math.sqrt(chance * (1 - chance) / trials)
    assert abs(hits / trials - chance) < 4 * error, f"{hits}/{trials} = {hits / trials:.5f}, not {chance:.5f}"


def check_frequencies(counts: np.ndarray, expected: np.ndarray) -> None:
    """Demand that counts follow expected shares: chi-square over the cells with five or more expected."""
    from scipy import stats

    mean = expected / expected.sum() * counts.sum()
    assert not counts[mean == 0].any()
    large = mean >= 5
    found = np.append(counts[large], counts[~large].sum())
    wanted = np.append(mean[large], mean[~large].sum())
    found, wanted = found[wanted > 0], wanted[wanted > 0]
    assert stats.chisquare(found, wanted * found.sum() / wanted.sum()).pvalue > 1e-4


def failing(case, given=None, seed: int = 1) -> list[str]:
    """Return the quantities in which a case disagrees with theory."""
    rows = case.check(case.values(given or {}), seed)
    assert rows
    return [row.quantity for row in rows if not row.passed]
