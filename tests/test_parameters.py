"""Every parameter matters somewhere."""

import pytest

from sim.agents import University
from sim.model import ClusterModel
from sim.parameters import SECTIONS
from sim.scenario import Scenario

SWITCHED_ON = {
    # a switch of the theory is read only beside the form that it belongs to
    "location.revision": {"location.revision_rate_per_month": 0.01},
    # entrants wait only where rooms run out everywhere
    "location.patience_months": {"outlook.tenant_growth_per_month": 0.1},
    # the wage moves so fast only where it moves fast at all
    "labour.wage_step_limit": {"labour.wage_speed_per_month": 0.5},
}
#: where a parameter is read at all
READ_IN = {
    "access.housing_range_km": [("north-latitude", 30)],
    "access.housing_scale_units": [("north-latitude", 30)],
    "exits.locked_departure_factor": [("vc-hub", 120), ("everything", 120)],
}
NAMES = [f"{section}.{name}" for section, kind in SECTIONS.items() for name in kind.model_fields]


def changed_values(scenario, name):
    section, key = name.split(".")
    value = getattr(getattr(scenario, section), key)
    sweep = SECTIONS[section].model_fields[key].json_schema_extra["sweep"]
    if isinstance(sweep, dict):
        return [scaled(value, factor) for factor in sweep["factor"]]
    whole = isinstance(value, int) and not isinstance(value, bool)
    return [int(v) if whole else float(v) if isinstance(value, float) else v for v in sweep if v != value]


def scaled(value, factor):
    return tuple(scaled(v, factor) for v in value) if isinstance(value, tuple) else value * factor


def double_graduates(model):
    university = model.agents_by_type[University][0]
    university.graduates_per_year = 2.0 * university.graduates_per_year


def digest(scenario, months, touch=lambda model: None):
    model = ClusterModel.from_scenario(scenario, seed=2)  # some movers find no room
    touch(model)
    return model.run(months).digest


#: what is done to a model before it runs: the inflow of the first month is given, so that graduates matter only where
#: their number changes, and no shipped scenario changes it
TOUCHED = {"labour.graduate_share": double_graduates}


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_changing_a_parameter_within_its_sweep_changes_some_output(name):
    for scenario_id, months in [
        *READ_IN.get(name, ()),
        ("rent-cut", 12),
        ("north-space", 30),
        ("rent-cut", 120),
        ("north-space", 120),
    ]:
        base = Scenario.load(scenario_id).with_values(SWITCHED_ON.get(name, {}))
        touch = TOUCHED.get(name, lambda model: None)
        reference = digest(base, months, touch)
        for value in changed_values(base, name):
            if digest(base.with_values({name: value}), months, touch) != reference:
                return
    pytest.fail(f"{name} changes nothing")
