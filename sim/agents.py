"""The agents of the model: startups, and the universities and venture funds that own their tables.

Startups are views of the ledger (``sim/startups.py``). Universities and funds are ordinary agents; each owns its
row of the node or fund table, and what one writes there the next month reads.
"""

import abc
import math
from collections.abc import Iterable
from typing import Any

import mesa
import numpy as np

from sim.agent_sets import Members
from sim.ledger import ACTIVE
from sim.parameters import SEGMENTS, STAGES
from sim.problems import nearest
from sim.processes import access
from sim.startups import Everyone, Startup, Startups
from sim.terms import WAN
from sim.world import exact

__all__ = ["VC", "Everyone", "Members", "Startup", "Startups", "University"]

ROUNDS = STAGES[1:]


class _Owner(mesa.Agent):
    """An agent that owns a row of one of the world's tables, and stands where that row says."""

    _table: str

    def __init__(self, model: Any, position: int) -> None:
        super().__init__(model)
        self._position = position

    @property
    def _row(self) -> np.record:
        return getattr(self.model.world, self._table)[self._position]

    @property
    @abc.abstractmethod
    def _km(self) -> tuple[float, float]:
        """Its place from the south-west corner, east and north [km]."""

    @property
    def x(self) -> float:
        """Place to draw it at, west to east [cells]."""
        return self._km[0] / self.model.world.grid.cell_km - 0.5

    @property
    def y(self) -> float:
        """Place to draw it at, south to north [cells]."""
        return self._km[1] / self.model.world.grid.cell_km - 0.5

    @property
    def pos(self) -> tuple[int, int]:
        """Column and row of its place on the lattice."""
        x, y = self._km
        cell_km = self.model.world.grid.cell_km
        return int(x / cell_km), int(y / cell_km)

    @pos.setter
    def pos(self, value: Any) -> None:
        # Mesa's constructor sets None
        if value is not None:
            raise TypeError("its place is that of its row: a node's in the world, a fund's by its zone")

    def remove(self) -> None:
        """Refuse: its row would go on without it.

        Raises
        ------
        TypeError
            Always.
        """
        raise TypeError(f"a {type(self).__name__} is part of its world; set what it has to 0 instead")


class University(_Owner):
    """A university, institute or anchor firm; owns its row of the node table.

    Attributes
    ----------
    name, kind
        Id of the node, and what it is.
    """

    _table = "nodes"

    def __init__(self, model: Any, position: int) -> None:
        super().__init__(model, position)
        node = model.world.grid.tables.nodes[position]
        self.name, self.kind = node.id, node.kind

    @property
    def _km(self) -> tuple[float, float]:
        grid = self.model.world.grid
        return float(grid.node_x[self._position]), float(grid.node_y[self._position])

    @property
    def graduates_per_year(self) -> float:
        """AI graduates a year, who draw startups near; what is set here counts from the next month on.

        Only shares count: talent access has the same mean over the region whatever the sum.

        Raises
        ------
        ValueError
            If it is set below 0, or to 0 where no other has graduates.
        """
        return float(self._row["graduates_per_year"])

    @graduates_per_year.setter
    def graduates_per_year(self, value: float) -> None:
        value = _not_negative("graduates_per_year", value)
        others = np.delete(self.model.world.nodes["graduates_per_year"], self._position)
        if value == 0 and not others.any():
            raise ValueError("graduates_per_year: somebody in the region must have graduates")
        self._row["graduates_per_year"] = value
        weigh_access(self.model)

    @property
    def spinoffs_per_year(self) -> float:
        """AI spin-offs a year at the reference point; what is set here counts from the next month on.

        Raises
        ------
        ValueError
            If it is set below 0.
        """
        return float(self._row["spinoffs_per_year"])

    @spinoffs_per_year.setter
    def spinoffs_per_year(self, value: float) -> None:
        self._row["spinoffs_per_year"] = _not_negative("spinoffs_per_year", value)

    @property
    def _own(self) -> np.ndarray:
        rows = self.model.world.startups
        return np.flatnonzero((rows["parent"] == self._row["uid"]) & (rows["status"] == ACTIVE))

    @property
    def spinoffs(self) -> Members:
        """Its spin-offs that are active today."""
        return Members([Startup(self.model, i) for i in self._own.tolist()], self.model.random)

    @property
    def spinoffs_by_segment(self) -> dict[str, int]:
        """Number of its active spin-offs by segment."""
        counts = np.bincount(self.model.world.startups["segment"][self._own], minlength=len(SEGMENTS))
        return dict(zip(SEGMENTS, counts.tolist(), strict=True))


class VC(_Owner):
    """A venture fund; owns its row of the fund table. Money in RMB.

    Attributes
    ----------
    name
        Partner, Fund or Visitor and a number; no real fund is meant.
    """

    _table = "funds"

    def __init__(self, model: Any, position: int) -> None:
        super().__init__(model, position)
        partners, local = (
            int((model.world.funds["partner"] == 1).sum()),
            model.parameters.values.finance.funds,
        )
        if position >= local:
            self.name = f"Visitor {position + 1 - local}"
        else:
            partner = bool(self._row["partner"])
            self.name = f"Partner {position + 1}" if partner else f"Fund {position + 1 - partners}"

    @property
    def _km(self) -> tuple[float, float]:
        grid, seat = self.model.world.grid, self._row["seat"]
        return float(grid.zone_x[seat]), float(grid.zone_y[seat])

    @property
    def capital(self) -> float:
        """Commitment of its running investment period [RMB].

        What is set here counts from the next month on: the money that is not invested yet, later periods and
        the nearness of capital change in proportion. A fund that had nothing gets the part of it that is still
        to call in its period.

        Raises
        ------
        ValueError
            If it is set below 0.
        """
        return float(self._row["commitment"]) * WAN

    @capital.setter
    def capital(self, value: float) -> None:
        row, wanted = self._row, exact(_not_negative("capital", value) / WAN)
        held = row["uncalled"] + row["purse"]
        if row["commitment"] > 0:
            share = wanted / row["commitment"]
            for name in ("base_commitment", "uncalled", "purse"):
                row[name] = exact(row[name] * share)
        else:
            months = self.model.parameters.values.finance.period_months
            left = months - (self.model.world.month - row["offset"]) % months
            row["base_commitment"], row["uncalled"], row["purse"] = wanted, exact(wanted * left / months), 0.0
        row["commitment"] = wanted
        row["committed"] += row["uncalled"] + row["purse"] - held
        weigh_access(self.model)

    @property
    def purse(self) -> float:
        """Called money that is not invested [RMB]."""
        return float(self._row["purse"]) * WAN

    @property
    def pace(self) -> float:
        """Money called in a month [RMB]; to set it is to set the capital in proportion."""
        return self.capital / self.model.parameters.values.finance.period_months

    @pace.setter
    def pace(self, value: float) -> None:
        self.capital = _not_negative("pace", value) * self.model.parameters.values.finance.period_months

    @property
    def invested(self) -> float:
        """Money invested since month 0 [RMB]."""
        return float(self._row["invested"]) * WAN

    @property
    def focus(self) -> tuple[str, ...]:
        """Segments in which it invests; what is set here counts from the next month on.

        Raises
        ------
        ValueError
            If there is no such segment.
        """
        return tuple(name for s, name in enumerate(SEGMENTS) if self._row["segments"] >> s & 1)

    @focus.setter
    def focus(self, segments: Iterable[str]) -> None:
        self._row["segments"] = sum(1 << s for s in {_place("segment", name, SEGMENTS) for name in segments})

    @property
    def rounds(self) -> tuple[str, ...]:
        """Rounds in which it invests; what is set here counts from the next month on.

        Raises
        ------
        ValueError
            If there is no such round, or they do not follow one another.
        """
        return ROUNDS[self._row["first_round"] : self._row["last_round"] + 1]

    @rounds.setter
    def rounds(self, rounds: Iterable[str]) -> None:
        places = sorted({_place("round", name, ROUNDS) for name in rounds})
        if not places or places[-1] - places[0] >= len(places):
            raise ValueError(f"rounds: must follow one another in {', '.join(ROUNDS)}")
        self._row["first_round"], self._row["last_round"] = places[0], places[-1]

    @property
    def zone(self) -> str:
        """Id of the zone of its seat; what is set here counts from the next month on.

        Raises
        ------
        ValueError
            If there is no such zone.
        """
        return self.model.world.grid.tables.zones[self._row["seat"]].id

    @zone.setter
    def zone(self, zone: str) -> None:
        self._row["seat"] = _place("zone", zone, tuple(self.model.world.grid.tables.zone_index))
        weigh_access(self.model)

    @property
    def portfolio(self) -> Members:
        """Active startups in which it holds a share."""
        holdings, rows = self.model.world.holdings.rows, self.model.world.startups
        held = []
        for i in np.flatnonzero((rows["status"] == ACTIVE) & (rows["holding"] >= 0)).tolist():
            entry = int(rows["holding"][i])
            while entry >= 0 and holdings["fund"][entry] != self._position:
                entry = int(holdings["next"][entry])
            if entry >= 0:
                held.append(Startup(self.model, i))
        return Members(held, self.model.random)


def weigh_access(model: Any) -> None:
    """Weigh graduates and funds over the cells anew (writes log_talent, log_capital)."""
    access.prepare_access(model.world, model.parameters)


def _not_negative(name: str, value: Any) -> float:
    number = float(value)
    if not (math.isfinite(number) and number >= 0):
        raise ValueError(f"{name}: must be a number of 0 or more, not {value!r}")
    return number


def _place(kind: str, name: Any, known: tuple[str, ...]) -> int:
    if name not in known:
        raise ValueError(f"no {kind} {name!r}{nearest(name, known)}")
    return known.index(name)
