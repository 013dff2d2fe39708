"""Write tests/baseline.json anew: the digest and a few outcomes of every shipped scenario.

Run it when results are meant to change, and say in CHANGELOG under "Results changed" why and by how much.
"""

import json
import pathlib

from sim.model import ClusterModel
from sim.scenario import Scenario

BASELINE = pathlib.Path(__file__).with_name("baseline.json")
SEED = 1
SHOWN = ("startups_region", "heads_region", "deals", "capital_rmb", "public_cost_rmb")


def outcomes() -> dict[str, dict[str, object]]:
    """Return seed, months, digest and outcomes by scenario."""
    found: dict[str, dict[str, object]] = {}
    for name in Scenario.shipped():
        run = ClusterModel.from_scenario(name, seed=SEED).run()
        measures = run.measures()
        found[name] = {"seed": SEED, "months": run.months, "digest": run.digest}
        found[name] |= {key: round(measures[key][1], 3) for key in SHOWN}
    return found


if __name__ == "__main__":
    BASELINE.write_text(json.dumps(outcomes(), indent=2) + "\n", encoding="utf-8")
