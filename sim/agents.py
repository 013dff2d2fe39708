"""The Mesa face of the model: startups, universities and venture funds as agents, and the grid they stand on.

Startups live in an array. A ``Startup`` is a view of one row, made when somebody asks for it: two views of the
same row are equal, and a view whose startup has gone raises. Universities and funds are ordinary agents; each
owns its row of the node or fund table, and what one writes there the next month reads.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import mesa
import numpy as np
from mesa.agentset import AbstractAgentSet
from mesa.discrete_space import OrthogonalMooreGrid

from sim.parameters import SEGMENTS, STAGES
from sim.world import ACTIVE, ORIGINS, STATUSES, WAN


def _column(name: str, doc: str) -> property:
    """Return a property that reads one column of the startup's row."""

    def read(self: "Startup") -> float:
        return self.column(name).item()

    read.__doc__ = doc
    return property(read)


class Startup(mesa.Agent):
    """A view of one startup.

    Raises
    ------
    LookupError
        When anything is read after the startup has left the ledger.
    """

    current_action = None

    def __init__(self, model: Any, position: int) -> None:
        # Mesa's constructor would register the view as an agent of its own
        self.model = model
        self._position = position
        self.unique_id = int(model.world.startups["uid"][position])

    @property
    def position(self) -> int:
        """Its row in the ledger."""
        uids = self.model.world.startups["uid"]
        if self._position >= len(uids) or uids[self._position] != self.unique_id:
            self._position = self.model.startups.position(self.unique_id)
        return self._position

    def column(self, name: str) -> Any:
        """Return its value in a column of the ledger."""
        return self.model.world.startups[name][self.position]

    heads = _column("heads", "R&D heads.")
    area = _column("area", "Leased floor space [m2].")
    lease_rent = _column("lease_rent", "Rent of its lease [RMB/m2/month].")
    lease_end = _column("lease_end", "Month in which its lease ends.")
    born = _column("born", "Month of its first lease.")
    rounds = _column("rounds", "Rounds closed.")

    @property
    def age(self) -> int:
        """Months since its first lease."""
        return self.model.world.month - self.born

    @property
    def segment(self) -> str:
        """OPC, APP, MODEL or EMB."""
        return SEGMENTS[self.column("segment")]

    @property
    def stage(self) -> str:
        """Last round closed."""
        return STAGES[self.column("stage")]

    @property
    def status(self) -> str:
        """Active, listed, dormant ..."""
        return STATUSES[self.column("status")]

    @property
    def origin(self) -> str:
        """Where its founders came from."""
        return ORIGINS[self.column("origin")]

    @property
    def quality(self) -> float:
        """Quality; the median of founders is 1."""
        return float(np.exp(self.column("log_quality")))

    @property
    def cash(self) -> float:
        """Cash [RMB]."""
        return float(self.column("cash")) * WAN

    @property
    def parent(self) -> int:
        """Identity of its parent: a startup's or a node's uid."""
        return int(self.column("parent"))

    @property
    def zone(self) -> str:
        """Id of its zone."""
        grid = self.model.world.grid
        return grid.tables.zones[grid.zone[self.column("cell")]].id

    @property
    def pos(self) -> tuple[int, int]:
        """Column and row of its cell on the lattice."""
        grid, cell = self.model.world.grid, self.column("cell")
        return int(grid.column[cell]), int(grid.row[cell])

    @property
    def cell(self) -> Any:
        """Its cell on the model's grid."""
        return self.model.grid[self.pos]

    def step(self) -> None:
        """Refuse: startups are stepped together, by the model.

        Raises
        ------
        TypeError
            Always.
        """
        raise TypeError("startups are stepped together: call model.step()")

    def remove(self) -> None:
        """Refuse: startups end by the model's own processes.

        Raises
        ------
        TypeError
            Always.
        """
        raise TypeError("a startup ends by failure, acquisition or departure, not by remove()")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Startup) and (other.unique_id, id(other.model)) == (
            self.unique_id,
            id(self.model),
        )

    def __hash__(self) -> int:
        return hash((self.unique_id, id(self.model)))

    def __repr__(self) -> str:
        return f"Startup({self.unique_id})"


class Members(AbstractAgentSet):
    """A set of agents that holds its members: views live as long as the set does."""

    def __init__(self, agents: Iterable[mesa.Agent] = (), random: Any = None) -> None:
        self._members = dict.fromkeys(agents)
        self.random = random

    @property
    def _agents(self) -> dict[mesa.Agent, None]:
        # the base class reads this in get() and to_list()
        return dict.fromkeys(iter(self))

    def __len__(self) -> int:
        return len(self._members)

    def __iter__(self) -> Iterator[mesa.Agent]:
        return iter(list(self._members))

    def __contains__(self, agent: object) -> bool:
        return agent in self._members

    def _update(self, agents: Iterable[mesa.Agent]) -> "Members":
        self._members = dict.fromkeys(agents)
        return self

    def select(self, filter_func: Callable | None = None, at_most: float = float("inf"),
               inplace: bool = False, agent_type: type | None = None) -> "Members":  # fmt: skip
        """Return the members that pass the filter, as a set that holds them (Mesa's select)."""
        chosen = Members(self, self.random)
        if filter_func is not None or agent_type is not None or at_most != float("inf"):
            chosen = AbstractAgentSet.select(chosen, filter_func, at_most, False, agent_type)
        return self._update(chosen) if inplace else chosen

    def groupby(self, by: Callable | str, result_type: str = "agentset") -> Any:
        """Group the members (Mesa's groupby)."""
        return AbstractAgentSet.groupby(Members(self, self.random), by, result_type)

    def shuffle(self, inplace: bool = False) -> "Members":
        """Return the members in random order."""
        agents = list(self)
        self.random.shuffle(agents)
        return self._update(agents) if inplace else Members(agents, self.random)

    def sort(self, key: Callable | str, ascending: bool = False, inplace: bool = False) -> "Members":
        """Return the members sorted by an attribute or a function."""
        by = (lambda agent: getattr(agent, key)) if isinstance(key, str) else key
        agents = sorted(self, key=by, reverse=not ascending)
        return self._update(agents) if inplace else Members(agents, self.random)

    def do(self, method: str | Callable, *args: Any, **kwargs: Any) -> "Members":
        """Call a method of each member."""
        self.map(method, *args, **kwargs)
        return self

    def shuffle_do(self, method: str | Callable, *args: Any, **kwargs: Any) -> "Members":
        """Call a method of each member, in random order."""
        self.shuffle().map(method, *args, **kwargs)
        return self

    def map(self, method: str | Callable, *args: Any, **kwargs: Any) -> list[Any]:
        """Return what a method of each member returns."""
        if isinstance(method, str):
            return [getattr(agent, method)(*args, **kwargs) for agent in self]
        return [method(agent, *args, **kwargs) for agent in self]

    def add(self, agent: mesa.Agent) -> None:
        """Add an agent."""
        self._members[agent] = None

    def discard(self, agent: mesa.Agent) -> None:
        """Remove an agent if it is there."""
        self._members.pop(agent, None)

    def remove(self, agent: mesa.Agent) -> None:
        """Remove an agent.

        Raises
        ------
        KeyError
            If it is not there.
        """
        del self._members[agent]

    def __copy__(self) -> "Members":
        return Members(self, self.random)


class Startups(Members):
    """All active startups of a model; membership is the ledger's, not the set's."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._index: dict[int, int] = {}
        self._indexed: tuple[int, int] = (-1, -1)

    @property
    def random(self) -> Any:
        """The model's Python generator."""
        return self._model.random

    def position(self, uid: int) -> int:
        """Return the row of a startup in the ledger.

        Raises
        ------
        LookupError
            If it has left the ledger.
        """
        table = self._model.world.startups
        if self._indexed != (table.version, table.n):
            self._index = {u: i for i, u in enumerate(table["uid"].tolist())}
            self._indexed = (table.version, table.n)
        if uid not in self._index:
            raise LookupError(f"startup {uid} has left the model")
        return self._index[uid]

    def __len__(self) -> int:
        return int(np.count_nonzero(self._model.world.startups["status"] == ACTIVE))

    def __iter__(self) -> Iterator[mesa.Agent]:
        positions = np.flatnonzero(self._model.world.startups["status"] == ACTIVE)
        return iter([Startup(self._model, position) for position in positions.tolist()])

    def __contains__(self, agent: object) -> bool:
        try:
            return isinstance(agent, Startup) and agent.model is self._model and agent.status == "active"
        except LookupError:
            return False

    def _refuse(self, *_: Any) -> Any:
        raise TypeError("the set of startups is the model's: it changes by births and ends only")

    _update = add = discard = remove = _refuse  # type: ignore[assignment]


class Everyone(Members):
    """The registered agents of a model and all its startups."""

    def __init__(self, registered: Iterable[mesa.Agent], startups: Startups) -> None:
        self._registered, self._startups = registered, startups

    @property
    def random(self) -> Any:
        """The model's Python generator."""
        return self._startups.random

    def __len__(self) -> int:
        return len(list(self._registered)) + len(self._startups)

    def __iter__(self) -> Iterator[mesa.Agent]:
        return iter([*self._registered, *self._startups])

    def __contains__(self, agent: object) -> bool:
        return agent in self._startups or agent in list(self._registered)

    _update = add = discard = remove = Startups._refuse  # type: ignore[assignment]


class University(mesa.Agent):
    """A university, institute or anchor firm; owns its row of the node table."""

    def __init__(self, model: Any, position: int) -> None:
        super().__init__(model)
        self._position = position
        node = model.world.grid.tables.nodes[position]
        self.name, self.kind = node.id, node.kind

    @property
    def _row(self) -> np.record:
        return self.model.world.nodes[self._position]

    @property
    def graduates_per_year(self) -> float:
        """AI graduates who enter the region's labour market each year."""
        return float(self._row["graduates_per_year"])

    @property
    def spinoffs_per_year(self) -> float:
        """AI spin-offs a year at the reference point; what is set here counts from the next month on."""
        return float(self._row["spinoffs_per_year"])

    @spinoffs_per_year.setter
    def spinoffs_per_year(self, value: float) -> None:
        self._row["spinoffs_per_year"] = value

    @property
    def spinoffs(self) -> Members:
        """Its spin-offs that are active today."""
        rows = self.model.world.startups
        own = np.flatnonzero((rows["parent"] == self._row["uid"]) & (rows["status"] == ACTIVE))
        return Members([Startup(self.model, i) for i in own.tolist()], self.model.random)

    @property
    def spinoffs_by_segment(self) -> dict[str, int]:
        """Number of its active spin-offs by segment."""
        rows = self.model.world.startups
        own = (rows["parent"] == self._row["uid"]) & (rows["status"] == ACTIVE)
        counts = np.bincount(rows["segment"][own], minlength=4)
        return dict(zip(SEGMENTS, counts.tolist(), strict=True))

    @property
    def pos(self) -> tuple[int, int]:
        """Column and row of its place on the lattice."""
        grid = self.model.world.grid
        x, y = grid.node_x[self._position], grid.node_y[self._position]
        return int(x / grid.cell_km), int(y / grid.cell_km)

    @pos.setter
    def pos(self, value: Any) -> None:
        # Mesa's constructor sets None; a node's place is the world's
        if value is not None:
            raise TypeError("a node's place is a property of its world")


class VC(mesa.Agent):
    """A venture fund; owns its row of the fund table. Money in RMB."""

    def __init__(self, model: Any, position: int) -> None:
        super().__init__(model)
        self._position = position
        partner = bool(self._row["partner"])
        partners = int(model.world.funds["partner"].sum())
        self.name = f"Partner {position + 1}" if partner else f"Fund {position + 1 - partners}"

    @property
    def _row(self) -> np.record:
        return self.model.world.funds[self._position]

    @property
    def capital(self) -> float:
        """Commitment of its running investment period [RMB]."""
        return float(self._row["commitment"]) * WAN

    @capital.setter
    def capital(self, value: float) -> None:
        row, share = self._row, 0.0
        if row["commitment"] > 0:
            share = value / WAN / float(row["commitment"])
        for name in ("base_commitment", "commitment", "uncalled", "purse"):
            row[name] = float(row[name]) * share

    @property
    def purse(self) -> float:
        """Called money that is not invested [RMB]."""
        return float(self._row["purse"]) * WAN

    @property
    def pace(self) -> float:
        """Money called in a month [RMB]."""
        months = float(self.model.parameters.finance.period_months)
        return self.capital / months

    @property
    def invested(self) -> float:
        """Money invested since month 0 [RMB]."""
        return float(self._row["invested"]) * WAN

    @property
    def focus(self) -> tuple[str, ...]:
        """Segments in which it invests."""
        return tuple(name for s, name in enumerate(SEGMENTS) if self._row["segments"] >> s & 1)

    @property
    def rounds(self) -> tuple[str, ...]:
        """Rounds in which it invests."""
        return STAGES[self._row["first_round"] + 1 : self._row["last_round"] + 2]

    @property
    def zone(self) -> str:
        """Id of the zone of its seat."""
        return self.model.world.grid.tables.zones[self._row["seat"]].id

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

    @property
    def pos(self) -> tuple[int, int]:
        """Column and row of its seat on the lattice."""
        grid, seat = self.model.world.grid, self._row["seat"]
        return int(grid.zone_x[seat] / grid.cell_km), int(grid.zone_y[seat] / grid.cell_km)

    @pos.setter
    def pos(self, value: Any) -> None:
        if value is not None:
            raise TypeError("a fund's place is the zone of its seat")


class DistrictGrid(OrthogonalMooreGrid):
    """The drawable grid: layers rent, compute and talent, and everybody who stands on it."""

    model: Any = None

    @property
    def agents(self) -> Any:
        """Everyone in the model (Mesa draws these)."""
        return super().agents if self.model is None else self.model.agents


def build_grid(model: Any) -> DistrictGrid:
    """Return a Mesa grid of the model's lattice with its layers filled (tens of milliseconds)."""
    place = model.world.grid
    grid = DistrictGrid(place.shape, torus=False, random=model.random)
    grid.model = model
    for name in ("rent", "compute", "talent"):
        grid.create_property_layer(name, default_value=0.0, dtype=float)
    fill_layers(model, grid)
    return grid


def fill_layers(model: Any, grid: DistrictGrid) -> None:
    """Copy rent [RMB/m2/month], compute sufficiency (1 is enough) and talent access (mean 1) into the layers."""
    world, place = model.world, model.world.grid
    at = (place.column, place.row)
    np.asarray(grid.rent.data)[at] = world.rent
    np.asarray(grid.compute.data)[at] = 1.0
    np.asarray(grid.talent.data)[at] = np.exp(world.log_talent)
