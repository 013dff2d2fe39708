"""Every number that the equations read, one section per process, each with unit, bounds, sweep and source.

Two ranges belong to a parameter. ``bounds`` is where its equation is defined (0 is inside wherever it
switches a term off); ``sweep`` is the range that is plausible, for sensitivity analysis. A table by segment
or stage sweeps by a factor on all of its values. Values are in the unit that the name or ``unit`` states;
``record`` converts them once into the units of the model: RMB in wan (10,000 RMB), areas in m2, months.
"""

import types
from typing import Any

import numpy as np

from sim.parameters.markets import Compute, Labour, Production
from sim.parameters.money import Finance
from sim.parameters.places import Access, Land, Location
from sim.parameters.section import SEGMENTS, STAGES, Section
from sim.parameters.setting import Initial, Outlook
from sim.parameters.startups import Births, Exits, Operations

__all__ = ["SECTIONS", "SEGMENTS", "STAGES", "Access", "Births", "Compute", "Exits", "Finance", "Initial", "Labour", "Land",
           "Location", "Operations", "Outlook", "Parameters", "Production", "Section"]  # fmt: skip

#: the tables of a scenario file ("start" being its first month, the state then is "initial")
SECTIONS: dict[str, type[Section]] = {
    "access": Access,
    "land": Land,
    "location": Location,
    "operations": Operations,
    "labour": Labour,
    "compute": Compute,
    "finance": Finance,
    "exits": Exits,
    "production": Production,
    "births": Births,
    "initial": Initial,
    "outlook": Outlook,
}


class Parameters:
    """The parameters of a scenario in the units of the model.

    Each section is an attribute: a record whose fields are the section's parameters.

    Attributes
    ----------
    table
        One record with a field for each section, as an array of length 1: what compiled code takes (a bare
        record costs ten times more to hand over). The sections are views of it.
    values
        The same by section as plain Python numbers, which uncompiled code reads thirty times faster.
    """

    def __init__(self, records: dict[str, np.record]) -> None:
        kinds = np.dtype((np.record, [(name, row.dtype) for name, row in records.items()]))
        self.table = np.zeros(1, dtype=_KINDS.setdefault(kinds, kinds))
        for name, row in records.items():
            self.table[0][name] = row
            setattr(self, name, self.table[0][name])
        self.table.flags.writeable = False
        self.values = types.SimpleNamespace(
            **{name: types.SimpleNamespace(**_plain(row)) for name, row in records.items()}
        )

    def __deepcopy__(self, memo: dict) -> "Parameters":
        # nothing writes parameters, and kernels would be compiled again for a copy's table, which could be written
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        # the same table again, of the one dtype that kernels know
        return type(self), ({name: self.table[0][name] for name in self.table.dtype.names or ()},)

    @classmethod
    def of(cls, scenario: Any) -> "Parameters":
        """Return the parameters of a scenario."""
        return cls({name: getattr(scenario, name).record() for name in SECTIONS})

    def __getattr__(self, name: str) -> np.record:
        # found only where no section of that name was set; declared so that type checkers know the sections
        raise AttributeError(name)

    def outside_offer(self, month: int) -> float:
        """Return what other cities offer beyond the first month's level [utils]."""
        return self.values.outlook.outside_offer_per_year * max(month, 0) / 12


#: the one object for each layout of the table: a call of a kernel with an equal dtype that is another object compares
#: all of its fields, which takes eight times as long as the call
_KINDS: dict[np.dtype, np.dtype] = {}


def _plain(row: np.record) -> dict[str, Any]:
    names = row.dtype.names or ()
    return {name: row[name].copy() if row.dtype[name].shape else row[name].item() for name in names}
