"""Two rows that stand in every table: a change without meaning, and cash for founders.

The placebo shows the noise in which effects must be seen; cash to every entrant is what any lever should beat.
"""

from sim.levers import Cash, Placebo
from sim.scenario import Scenario

PLACEBO, CASH = "placebo", "cash-benchmark"
NAMES = {PLACEBO: ("Placebo", "安慰剂对照"), CASH: ("Cash benchmark", "现金基准")}
CASH_RMB = 53_000.0  #: about 100 million RMB in five years


def controls(baseline: Scenario) -> list[Scenario]:
    """Return the baseline with a placebo, and the baseline with cash for every entrant from its first month on."""
    levers = {
        PLACEBO: Placebo(id=free_id("control-placebo", baseline), kind="placebo", from_=baseline.start),
        CASH: Cash(
            id=free_id("control-cash", baseline), kind="cash", amount_rmb=CASH_RMB, from_=baseline.start
        ),
    }
    return [
        baseline.with_values(
            {f"policies.{lever.id}": lever, "name": NAMES[name][0], "name_zh": NAMES[name][1]}
        ).model_copy(update={"id": name})
        for name, lever in levers.items()
    ]


def free_id(wanted: str, scenario: Scenario) -> str:
    """Return an id that no lever of the scenario has."""
    taken = {lever.id for lever in scenario.policies}
    while wanted in taken:
        wanted += "-x"
    return wanted
