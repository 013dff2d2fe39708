"""A set of agents that holds its members.

Mesa's own sets refer to their agents weakly. Views of rows are made when somebody asks for them, so in such a
set they would be gone at once.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import mesa
from mesa.agentset import AbstractAgentSet


class Members(AbstractAgentSet):
    """A set of agents that holds its members: views live as long as the set does.

    Parameters
    ----------
    agents
        The members, in order.
    random
        Python generator that shuffles them; absent: that of the first member's model.
    """

    def __init__(self, agents: Iterable[mesa.Agent] = (), random: Any = None) -> None:
        self._members = dict.fromkeys(agents)
        if random is None and self._members:
            random = next(iter(self._members)).random
        self.random = random

    @classmethod
    def _from_iterable(cls, agents: Iterable[mesa.Agent]) -> "Members":
        # what & | - ^ give, also for sets of other kinds
        return Members(agents)

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

    def __getitem__(self, item: Any) -> Any:
        """Return one member or a list of members by place, as Mesa's sets do until version 4."""
        return self.to_list()[item]

    def _update(self, agents: Iterable[mesa.Agent]) -> "Members":
        self._members = dict.fromkeys(agents)
        return self

    def select(self, filter_func: Callable | None = None, at_most: float = float("inf"),
               inplace: bool = False, agent_type: type | None = None) -> "Members":  # fmt: skip
        """Return the members that pass the filter, as a set that holds them (Mesa's select)."""
        chosen = self.copy()
        if filter_func is not None or agent_type is not None or at_most != float("inf"):
            chosen = AbstractAgentSet.select(chosen, filter_func, at_most, False, agent_type)
        return self._update(chosen) if inplace else chosen

    def groupby(self, by: Callable | str, result_type: str = "agentset") -> Any:
        """Group the members (Mesa's groupby)."""
        return AbstractAgentSet.groupby(self.copy(), by, result_type)

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

    def copy(self) -> "Members":
        """Return a set of its own with the members of today."""
        return Members(self, self.random)

    __copy__ = copy
