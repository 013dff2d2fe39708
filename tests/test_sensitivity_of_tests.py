"""A one per cent error anywhere near a check must make the check fail."""

import checks
import numpy as np
import pytest
import worlds
from worlds import settle, startups

from sim.ledger import NEVER
from sim.processes import access, finance, location
from sim.randomness import Draws

ERRORS = (0.99, 1.01)


@pytest.fixture
def town(par):
    """Return a varied town with startups and fields."""
    grid = worlds.town(n_zones=5, cells_per_zone=4)
    rng = np.random.default_rng(0)
    rows = startups(
        60, cell=rng.integers(0, 20, 60), segment=rng.integers(0, 4, 60), heads=rng.uniform(1, 80, 60)
    )
    world = worlds.varied(settle(grid, rows))
    access.refresh_fields(world, par, worlds.terms_of(grid))
    return world


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize(
    "name",
    ["rent_sensitivity", "spillover_weight", "diversity_weight", "talent_weight", "capital_weight",
     "occupancy_cost_rmb_m2_month", "size_weight"],
)  # fmt: skip
def test_the_check_of_choice_shares_finds_one_per_cent_in_any_weight(town, par, name, error):
    terms, key = worlds.terms_of(town.grid), f"location.{name}"
    expected = checks.shares(town, par, np.zeros(5), worlds.APP, 0)
    checks.check_shares(location.choice_shares(town, par, terms, worlds.APP), expected)
    value = float(getattr(par.location, name)) * min(error, 1.0 if name == "size_weight" else error)
    if value == float(getattr(par.location, name)):
        value *= 0.99
    wrong = worlds.parameters({key: value})
    access.attract(town, wrong, town.attraction)
    with pytest.raises(AssertionError):
        checks.check_shares(location.choice_shares(town, wrong, terms, worlds.APP), expected)


@pytest.mark.parametrize("error", ERRORS)
def test_the_check_of_frequencies_finds_a_cell_that_draws_a_third_too_many(town, par, error):
    expected = checks.shares(town, par, np.zeros(5), worlds.APP, 0)
    counts = np.floor(20_000 * expected + 0.5)
    checks.check_frequencies(counts, expected)
    counts[np.argmax(counts)] *= 1 + 33 * (error - 1)
    with pytest.raises(AssertionError):
        checks.check_frequencies(counts, expected)


@pytest.mark.parametrize("error", [0.9, 1.1])
def test_the_check_of_a_chance_finds_a_hazard_that_is_a_tenth_off(error):
    """Four standard errors of 8,000 trials are about 2 points, so one per cent would take millions."""
    lasting = {"finance.first_round_factor": 1.0, "finance.first_round_segment_factor": (1.0,) * 4,
               "finance.stale_factor": 1.0, "finance.search_months": 120}  # fmt: skip
    for factor, fails in ((1.0, False), (error, True)):
        par = worlds.parameters(lasting | {"finance.seek_factor": factor})
        world = settle(worlds.town(), startups(8000, last_round=-3))
        for month in range(36):
            world.month = month
            finance.close_rounds(world, par, worlds.terms_of(world.grid), Draws(1, month))
        hits = np.count_nonzero(world.startups["search_end"] != NEVER)
        if fails:
            with pytest.raises(AssertionError):
                checks.check_chance(hits, 8000, 0.45)
        else:
            checks.check_chance(hits, 8000, 0.45)


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("name", ["seek_factor", "first_round_factor"])
def test_the_hazard_itself_is_pinned_to_one_per_cent(par, name, error):
    right = finance.base_hazard(worlds.APP, 0, par.finance)
    wrong = worlds.parameters({f"finance.{name}": float(getattr(par.finance, name)) * error})
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(finance.base_hazard(worlds.APP, 0, wrong.finance), right, rtol=1e-6)
