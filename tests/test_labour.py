"""Labour: seekers, posts, hires and the wage."""

import math

import numpy as np
import pytest
import worlds
from worlds import settle, startups

from sim import ClusterModel
from sim.processes import labour


def market(par, posts, seekers: float, month: int = 0, wage: float = 1.0, talent=None):
    """Return a town with posts by cell, one firm a cell, after a month of the market."""
    posts = np.asarray(posts, dtype=float)
    world = settle(
        worlds.town(), startups(len(posts), cell=np.arange(len(posts)), heads=10.0, posts=posts), month
    )
    world.posts = np.zeros(world.grid.n_cells)
    world.posts[: len(posts)] = posts
    world.log_talent = np.zeros(world.grid.n_cells) if talent is None else np.asarray(talent, dtype=float)
    world.labour["seekers"], world.labour["wage"] = seekers, wage
    labour.fill_posts(world, par, worlds.terms_of(world.grid))
    return world


def hires(world) -> np.ndarray:
    """Return whom each firm hires."""
    return world.filled[world.startups["cell"]] * world.startups["posts"]


def still(**changes):
    """Return parameters of a market that nobody joins and nobody leaves."""
    quiet = {"labour.leaving_per_month": 0.0, "labour.graduate_share": 0.0}
    return worlds.parameters(quiet | {f"labour.{name}": value for name, value in changes.items()})


@pytest.mark.parametrize(("posts", "seekers", "made"), [
    (100.0, 200.0, 0.5 * math.sqrt(200 * 100)),  # the matching function
    (100.0, 1.0, 1.0),  # no more than there are seekers
    (1.0, 1e4, 1.0),  # no more than there are posts
    (0.0, 50.0, 0.0),
    (50.0, 0.0, 0.0),
])  # fmt: skip
def test_hires_are_those_of_the_matching_function_and_never_more_than_posts_or_seekers(posts, seekers, made):
    world = market(still(), [posts], seekers)
    assert hires(world)[0] == pytest.approx(made, abs=1e-9)
    assert world.labour["seekers"][0] == pytest.approx(seekers - made, abs=1e-9)


def test_cells_with_better_access_to_talent_fill_more_of_their_posts():
    world = market(still(), [100.0, 100.0], 50.0, talent=[0.0, 2.0, *[0.0] * 10])
    hired = hires(world)
    assert hired[1] / hired[0] == pytest.approx(math.exp(0.5 * 2.0), rel=1e-9)
    assert hired.sum() == pytest.approx(0.5 * math.sqrt(50 * 200))


def test_nobody_hires_more_than_it_posts_and_what_is_left_over_is_shared_again():
    # the second cell alone would get more than its posts; the rest goes to the first
    world = market(still(matching_constant=1.0), [100.0, 10.0], 110.0, talent=[0.0, 6.0, *[0.0] * 10])
    hired = hires(world)
    assert hired[1] == pytest.approx(10.0)
    assert hired.sum() == pytest.approx(110.0)


@pytest.mark.parametrize(
    ("ratio", "step"), [(0.5, 0.0), (0.6, 0.002), (0.4, -0.002), (5.0, 0.01), (0.0, -0.01)]
)
def test_the_wage_rises_with_posts_per_seeker_beyond_rest_within_its_limit(par, ratio, step):
    world = market(still(), [1000.0 * ratio], 1000.0)
    assert math.log(world.labour["wage"][0]) == pytest.approx(step, abs=1e-12)
    assert world.caps["wage_step"][0] == (abs(step) >= 0.01)


def test_the_inflow_answers_the_wage_and_what_other_cities_offer():
    par = worlds.parameters({"outlook.outside_offer_per_year": 1.2})
    for month, wage in ((0, 1.0), (0, 1.1), (12, 1.1)):
        world = market(par, [0.0], 0.0, month, wage)
        world.labour["usual_inflow"], world.labour["wage"] = 700.0, wage
        graduates = world.labour["usual_graduates"][0]
        world.labour["usual_graduates"] = labour.graduates_a_month(world, par)
        expected = 700.0 * wage**3 * math.exp(-0.5 * 1.2 * month / 12)
        assert labour.inflow(world, par, worlds.terms_of(world.grid)) == pytest.approx(expected, rel=1e-12)
        assert graduates == 0.0


def test_nobody_is_sent_away_by_an_inflow_that_the_history_left_below_nothing(par):
    world = market(par, [0.0], 500.0)
    world.labour["usual_inflow"] = -40.0
    assert labour.inflow(world, par, worlds.terms_of(world.grid)) == 0.0


def test_more_graduates_of_a_university_are_more_seekers():
    model = ClusterModel.from_scenario("baseline", seed=1)
    usual = labour.inflow(model.world, model.parameters, worlds.terms_of(model.world.grid))
    node = next(agent for agent in model.agents if getattr(agent, "graduates_per_year", 0) > 0)
    model.world.nodes["graduates_per_year"][node._position] += 1200.0
    assert labour.inflow(
        model.world, model.parameters, worlds.terms_of(model.world.grid)
    ) - usual == pytest.approx(0.35 * 100.0)


@pytest.mark.parametrize("seed", [1, 2])
def test_the_first_months_are_at_rest(seed):
    model = ClusterModel.from_scenario("baseline", seed=seed)
    assert model.world.labour["wage"][0] == 1.0
    for _ in range(3):
        model.step()
    assert abs(math.log(model.world.labour["wage"][0])) < 0.015


def test_a_firm_never_releases_its_last_head_nor_opens_its_post():
    par = still()
    world = settle(worlds.town(), startups(1, heads=1.0, cash=-100.0, area=78.0))
    from sim.processes import operations

    operations.post_and_release(world, par, None)
    assert world.startups["heads"][0] == 1.0
    assert world.startups["posts"][0] == 0.0
    assert world.labour["released"][0] == 0.0


def test_in_the_history_the_wage_rests_and_the_pool_is_what_the_resting_tightness_needs(par):
    world = market(par, [120.0], 10.0, month=-20)
    assert world.labour["wage"][0] == 1.0
    hires = 0.5 / math.sqrt(0.5) * 120.0
    assert world.labour["hires"][0] == pytest.approx(hires)
    assert world.labour["seekers"][0] == pytest.approx(240.0 - hires)


def test_a_funding_winter_lowers_heads_and_wages():
    winter = worlds.scenario().with_values({"outlook.climate": 0.6})
    cold, mild = (ClusterModel.from_scenario(s, seed=2) for s in (winter, worlds.scenario()))
    for model in (cold, mild):
        model.run(36)
    assert cold.world.labour["wage"][0] < mild.world.labour["wage"][0]
    heads = [float(m.world.startups["heads"][m.employing].sum()) for m in (cold, mild)]
    assert heads[0] < heads[1]
