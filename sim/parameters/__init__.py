"""Every number that the equations read, one section per process, each with unit, bounds, sweep and source.

Two ranges belong to a parameter. ``bounds`` is where its equation is defined (0 is inside wherever it
switches a term off); ``sweep`` is the range that is plausible, for sensitivity analysis. A table by segment
or stage sweeps by a factor on all of its values. Values are in the unit that the name or ``unit`` states;
``record`` converts them once into the units of the model: RMB in wan (10,000 RMB), areas in m2, months.
"""

import dataclasses
from typing import Any

import numpy as np

from sim.parameters.money import Finance
from sim.parameters.places import Access, Land, Location
from sim.parameters.section import SEGMENTS, STAGES, Section
from sim.parameters.setting import Initial, Outlook
from sim.parameters.startups import Births, Exits, Operations

__all__ = ["SECTIONS", "SEGMENTS", "STAGES", "Access", "Births", "Exits", "Finance", "Initial", "Land",
           "Location", "Operations", "Outlook", "Parameters", "Section"]  # fmt: skip

#: the tables of a scenario file ("start" being its first month, the state then is "initial")
SECTIONS: dict[str, type[Section]] = {
    "access": Access,
    "land": Land,
    "location": Location,
    "operations": Operations,
    "finance": Finance,
    "exits": Exits,
    "births": Births,
    "initial": Initial,
    "outlook": Outlook,
}


@dataclasses.dataclass(frozen=True)
class Parameters:
    """The parameters of a scenario in the units of the model.

    Attributes
    ----------
    table
        One record with a field for each section, as an array of length 1: what compiled code takes (a bare
        record costs ten times more to hand over).
    """

    table: np.ndarray

    @classmethod
    def of(cls, scenario: Any) -> "Parameters":
        """Return the parameters of a scenario."""
        records = {name: getattr(scenario, name).record() for name in SECTIONS}
        table = np.zeros(1, dtype=np.dtype((np.record, [(name, r.dtype) for name, r in records.items()])))
        for name, row in records.items():
            table[0][name] = row
        return cls(table)

    def __getattr__(self, section: str) -> np.record:
        """Return a section's record, a view of the table."""
        if section in SECTIONS:
            return self.table[0][section]
        raise AttributeError(section)

    def outside_offer(self, month: int) -> float:
        """Return what other cities offer beyond the first month's level [utils]."""
        return float(self.outlook.outside_offer_per_year) * max(month, 0) / 12
