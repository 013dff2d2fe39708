"""What the shipped scenario files say of their effects, seed by seed: all of them, on the seeds of every table."""

import numpy as np
import pytest

from sim import Scenario, compare

SEEDS, ENOUGH = 20, 18

#: what each file says to move in at least 18 of 20 seeds: a metric at the end, or a series ("path:") after five years
STATED = {
    "ai-blocks": {"startups_treated_zones": 1},
    "cash-benchmark": {"failures": -1, "startups_region": 1},
    "everything": {"startups_treated_zones": 1, "startups_region": 1},
    "funding-winter": {"capital_rmb": -1, "deals": -1, "startups_region": -1, "path:startups": -1},
    "hardware-leaves": {"production_heads_region": -1},
    "incubators-and-administration": {"entries": 1, "path:startups": 1},
    "jingxi": {"startups_treated_zones": 1, "departures": -1, "startups_region": 1},
    "north-latitude": {"startups_treated_zones": 1, "path:startups": 1},
    "north-space": {"startups_treated_zones": 1, "startups_region": 1, "departures": -1, "path:startups": -1},
    "outside-rises": {"entries": -1, "startups_region": -1, "departures": 1},
    "rent-cut": {"startups_treated_zones": 1, "entries": 1},
    "southern-crowding": {"startups_region": -1},
    "ten-measures": {"founded_outside": -1, "path:startups": 1},
    "vc-hub": {"entries": 1, "startups_region": 1},
}
#: what each file says not to move so: the region's startups at the end
UNRESOLVED = ("ai-blocks", "incubators-and-administration", "north-latitude", "opc-accelerator", "rent-cut",
              "shared-platforms", "ten-measures")  # fmt: skip


@pytest.fixture(scope="module")
def everything(tmp_path_factory):
    """Return the comparison of all shipped scenarios."""
    folder = tmp_path_factory.mktemp("shipped")
    names = [name for name in Scenario.shipped() if name != "baseline"]
    return compare(names, seeds=SEEDS, out=folder, figures=False)


def seeds_that_move(comparison, policy: str, name: str, sign: int) -> int:
    """Return in how many seeds a metric differs from the baseline in a direction."""
    if name.startswith("path:"):
        series = [
            comparison.path(scenario, name.removeprefix("path:"))
            for scenario in (policy, comparison.baseline)
        ]
        difference = (series[0] - series[1])[:, 59]
    else:
        difference = np.subtract(*comparison.differences[policy][name])
    return int(np.count_nonzero(sign * difference > 0))


@pytest.mark.slow
def test_every_shipped_scenario_runs_on_twenty_seeds_and_every_lever_of_it_acts(everything):
    assert everything.failures == []
    assert len(everything.seeds) == SEEDS
    assert everything.idle_levers() == []
    assert len(everything.policies) == 16


@pytest.mark.slow
@pytest.mark.parametrize("policy", sorted(STATED))
def test_what_a_file_says_to_move_moves_so_in_nine_of_ten_seeds(everything, policy):
    for name, sign in STATED[policy].items():
        assert seeds_that_move(everything, policy, name, sign) >= ENOUGH, name


@pytest.mark.slow
@pytest.mark.parametrize("policy", UNRESOLVED)
def test_what_a_file_says_not_to_move_in_one_direction_does_not(everything, policy):
    moved = max(seeds_that_move(everything, policy, "startups_region", sign) for sign in (1, -1))
    assert moved < ENOUGH


@pytest.mark.slow
def test_the_placebo_has_no_effect_that_its_interval_resolves(everything):
    found = everything.intervals["placebo"]
    resolved = [
        name for name in ("startups_region", "entries", "failures", "deals") if found[name].excludes_zero
    ]
    assert len(resolved) <= 1  # one in twenty by chance


@pytest.mark.slow
def test_no_lever_spends_more_than_its_budget(everything):
    for policy in everything.policies:
        for row in everything.to_dict()["levels"][policy]["levers"]:
            if row["budget_rmb"] is not None:
                assert row["spent_rmb"] <= row["budget_rmb"] * (1 + 1e-9), (policy, row["lever"])
