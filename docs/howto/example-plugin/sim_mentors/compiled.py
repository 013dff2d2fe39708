"""The loop over startups, compiled. It stands apart, so that a scenario is checked without the compiler."""

from sim.compiled import kernel
from sim.ledger import ACTIVE


@kernel
def add_experience(firms, states, zone, offer, gain, until, month):
    """Raise the log quality of each active startup that has rooms and is young enough."""
    for i in range(firms.shape[0]):
        firm = firms[i]
        if firm.status == ACTIVE and firm.cell >= 0 and month - firm.born < until:
            states[i].log_quality += gain + offer[zone[firm.cell]]
