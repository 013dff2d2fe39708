"""Startups learn as the scenario says, mentors add to it where they are, and nothing happens without them."""

import pathlib

import numpy as np

from sim import ClusterModel, Scenario

FILE = pathlib.Path(__file__).parent.parent / "mentors.toml"
SMALL = {"initial.startups": 200, "initial.history_months": 6}


def run(changes, months=8):
    """Return the model after some months of the example with other values."""
    model = ClusterModel.from_scenario(Scenario.load(FILE).with_values(SMALL | changes), seed=1)
    for _ in range(months):
        model.step()
    return model


def quality(model):
    """Return the log quality of each startup by its identity."""
    return dict(zip(model.world.startups["uid"].tolist(), model.world.startups["log_quality"], strict=True))


def test_without_strength_the_run_is_that_of_the_model_bit_for_bit():
    nothing = {"processes.learning.gain_per_month": 0.0, "policies.mentors.gain_per_month": 0.0}
    plain = Scenario.load("baseline").with_values(SMALL)
    with_nothing = Scenario.load(FILE).with_values(SMALL | nothing)
    series = [ClusterModel.from_scenario(s, seed=1).run(8).arrays["series"] for s in (plain, with_nothing)]
    np.testing.assert_array_equal(*series)


def test_a_startup_learns_by_the_gain_each_month():
    model = ClusterModel.from_scenario(Scenario.load(FILE).with_values(SMALL), seed=1)
    before, month = quality(model), model.world.month
    young = {s.unique_id for s in model.startups if s.age < 50}
    model.step()
    assert month == 0
    after = quality(model)
    learned = [after[uid] - before[uid] for uid in young if uid in after and after[uid] != before[uid]]
    assert len(learned) > 50
    np.testing.assert_allclose(learned, 0.002, rtol=1e-9)


def test_mentors_add_to_it_in_their_zones_alone_from_their_first_month_on():
    with_mentors, without = run({}), run({"policies.mentors": None})
    own = {"yongfeng", "cuihu"}
    zones = {s.unique_id: s.zone for s in without.startups}
    better, alike = [], []
    mine, theirs = quality(with_mentors), quality(without)
    for uid in mine.keys() & theirs.keys() & zones.keys():
        (better if zones[uid] in own else alike).append(mine[uid] - theirs[uid])
    # July and August: two months of mentors, for those who did not move meanwhile
    assert np.median(better) > 0.0199
    assert np.median(alike) == 0.0


def test_what_mentors_cost_is_what_the_file_says():
    scenario = Scenario.load(FILE).with_values(SMALL)
    costs = ClusterModel.from_scenario(scenario, seed=1).run(8).measures()["public_cost_rmb"][1]
    assert costs == 2 * 500_000.0
