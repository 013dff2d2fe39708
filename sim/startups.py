"""Startups as agents: views of the rows of the ledger.

Startups live in arrays. A ``Startup`` is a view of one row, made when somebody asks for it: two views of the same
row are equal, and a view whose startup has gone raises. ``model.startups.columns`` has the same attributes for
all startups at once, as arrays.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import mesa
import numpy as np

from sim.agent_sets import Members
from sim.ledger import ACTIVE, ORIGINS, STATUSES
from sim.parameters import SEGMENTS, STAGES
from sim.problems import nearest
from sim.terms import WAN

#: words by code, which one code or an array of codes can index
_SEGMENTS, _STAGES, _STATUSES, _ORIGINS = (
    np.array(words, dtype=object) for words in (SEGMENTS, STAGES, STATUSES, ORIGINS)
)
_SPREAD = 0.8  #: part of a cell over which its startups are drawn


class Attribute:
    """An attribute of a startup: written once, read of one startup or, as an array, of many.

    The function that it decorates takes a ``Startup`` or ``Columns`` and reads its ``column``.
    """

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.function = function
        self.__doc__ = function.__doc__

    def __get__(self, startup: Any, owner: type | None = None) -> Any:
        if startup is None:
            return self
        value = self.function(startup)
        return value.item() if isinstance(value, np.generic) else value


def _stored(name: str, doc: str) -> Attribute:
    """Return an attribute that is a column of the ledger as it stands."""
    attribute = Attribute(lambda startup: startup.column(name))
    attribute.__doc__ = doc
    return attribute


class Startup(mesa.Agent):
    """A view of one startup; nothing can be set on it.

    Raises
    ------
    LookupError
        When anything is read after the startup has left the ledger.
    """

    current_action = None

    def __init__(self, model: Any, position: int, uid: int | None = None) -> None:
        # Mesa's constructor would register the view as an agent of its own
        if uid is None:
            uid = int(model.world.startups["uid"][position])
        self.__dict__.update(model=model, _position=position, unique_id=uid)

    def __setattr__(self, name: str, value: Any) -> None:
        """Refuse: a view is made anew each time, so that what is set on it would be lost.

        Raises
        ------
        AttributeError
            Always.
        """
        raise AttributeError(f"{name}: nothing can be set on a startup; keep notes in a dict by unique_id")

    @property
    def position(self) -> int:
        """Its row in the ledger."""
        uids, position = self.model.world.startups["uid"], self.__dict__["_position"]
        if position >= len(uids) or uids[position] != self.unique_id:
            self.__dict__["_position"] = position = self.model.startups.position(self.unique_id)
        return position

    def column(self, name: str) -> Any:
        """Return its value in a column of the ledger."""
        return self.model.world.startups[name][self.position]

    heads = _stored("heads", "R&D heads.")
    area = _stored("area", "Leased floor space [m2].")
    lease_rent = _stored("lease_rent", "Rent of its lease [RMB/m2/month].")
    lease_end = _stored("lease_end", "Month in which its lease ends.")
    born = _stored("born", "Month of its first lease.")
    rounds = _stored("rounds", "Rounds closed.")
    parent = _stored("parent", "Identity of its parent: a startup's or a node's uid.")

    @Attribute
    def age(self) -> Any:
        """Months since its first lease."""
        return self.model.world.month - self.column("born")

    @Attribute
    def segment(self) -> Any:
        """OPC, APP, MODEL or EMB."""
        return _SEGMENTS[self.column("segment")]

    @Attribute
    def stage(self) -> Any:
        """Last round closed."""
        return _STAGES[self.column("stage")]

    @Attribute
    def status(self) -> Any:
        """Active, listed, dormant ..."""
        return _STATUSES[self.column("status")]

    @Attribute
    def origin(self) -> Any:
        """Where its founders came from."""
        return _ORIGINS[self.column("origin")]

    @Attribute
    def quality(self) -> Any:
        """Quality; the median of founders is 1."""
        return np.exp(self.column("log_quality"))

    @Attribute
    def cash(self) -> Any:
        """Cash [RMB]."""
        return self.column("cash") * WAN

    @Attribute
    def valuation(self) -> Any:
        """What it was worth after its last round [RMB]."""
        return self.column("valuation") * WAN

    @Attribute
    def subsidy(self) -> Any:
        """Public money received from the first month on [RMB]: rent relief, aid, cash."""
        return self.column("subsidy") * WAN

    @Attribute
    def zone(self) -> Any:
        """Id of its zone."""
        grid = self.model.world.grid
        ids = np.array([zone.id for zone in grid.tables.zones], dtype=object)
        return ids[grid.zone[self.column("cell")]]

    @Attribute
    def x(self) -> Any:
        """Place to draw it at, west to east [cells]: its cell, and in it a point that its identity fixes."""
        return self.model.world.grid.column[self.column("cell")] + _within_cell(self.column("uid"), 0)

    @Attribute
    def y(self) -> Any:
        """Place to draw it at, south to north [cells]."""
        return self.model.world.grid.row[self.column("cell")] + _within_cell(self.column("uid"), 16)

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


def _within_cell(uid: Any, shift: int) -> Any:
    """Return a place inside a cell, from its centre [cells], that 16 bits of an identity fix."""
    share = (uid >> np.uint64(shift) & np.uint64(0xFFFF)) / 65_536.0
    return (share - 0.5) * _SPREAD


class Columns:
    """The attributes of many startups: ``columns.cash`` is an array (n,) in the order of the rows.

    Every attribute of ``Startup`` that is not about a single view is here, with the same name, unit and values.

    Parameters
    ----------
    model
        The model.
    rows
        Rows of the ledger, (n,); good until the model advances.

    Raises
    ------
    AttributeError
        If startups have no such attribute.
    """

    def __init__(self, model: Any, rows: np.ndarray) -> None:
        self.model = model
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def column(self, name: str) -> np.ndarray:
        """Return a column of the ledger at these rows, a copy."""
        return self.model.world.startups[name][self.rows]

    @property
    def unique_id(self) -> np.ndarray:
        """Identities."""
        return self.column("uid")

    def __getattr__(self, name: str) -> np.ndarray:
        attribute = Startup.__dict__.get(name)
        if not isinstance(attribute, Attribute):
            raise AttributeError(f"startups have no column {name!r}{nearest(name, ATTRIBUTES)}")
        return attribute.function(self)


#: the attributes that startups have both one by one and as columns
ATTRIBUTES = tuple(name for name, value in Startup.__dict__.items() if isinstance(value, Attribute))


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

    @property
    def columns(self) -> Columns:
        """The attributes of all of them as arrays, in the order in which the set is gone through."""
        return Columns(self._model, self._rows)

    @property
    def _rows(self) -> np.ndarray:
        return np.flatnonzero(self._model.world.startups["status"] == ACTIVE)

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

    def get(self, attr_names: Any, handle_missing: str = "error", default_value: Any = None) -> list[Any]:
        """Return an attribute, or a list of attributes, of each startup (Mesa's get)."""
        names = [attr_names] if isinstance(attr_names, str) else list(attr_names)
        if not set(names) <= set(ATTRIBUTES) or not names:
            return super().get(attr_names, handle_missing, default_value)
        columns = self.columns
        values = [getattr(columns, name).tolist() for name in names]
        return values[0] if isinstance(attr_names, str) else [list(row) for row in zip(*values, strict=True)]

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[mesa.Agent]:
        rows = self._rows
        uids = self._model.world.startups["uid"][rows]
        for position, uid in zip(rows.tolist(), uids.tolist(), strict=True):
            yield Startup(self._model, position, uid)

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
        self.registered, self._startups = registered, startups

    @property
    def random(self) -> Any:
        """The model's Python generator."""
        return self._startups.random

    def __len__(self) -> int:
        return len(list(self.registered)) + len(self._startups)

    def __iter__(self) -> Iterator[mesa.Agent]:
        yield from list(self.registered)
        yield from self._startups

    def __contains__(self, agent: object) -> bool:
        return agent in self._startups or agent in list(self.registered)

    _update = add = discard = remove = Startups._refuse  # type: ignore[assignment]
