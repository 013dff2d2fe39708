"""The model: build it from a scenario, advance it by months, run it.

>>> from sim import ClusterModel, Scenario
>>> run = ClusterModel.from_scenario(Scenario.load("baseline"), seed=1).run(months=12)
>>> run.outcomes.num_rows
1
"""

import operator
import os
from collections.abc import Callable
from typing import Any, Self

import mesa
import numpy as np

from sim.agents import VC, Everyone, Startup, Startups, University
from sim.checkpoint import read_checkpoint, set_clock, set_collected, set_random_states, write_checkpoint
from sim.district import DistrictGrid, build_grid
from sim.history import first_month
from sim.ledger import ACTIVE, LISTED
from sim.levers import NewSpace, RentCut
from sim.parameters import Parameters
from sim.plugins import Added
from sim.policy import policies_of
from sim.processes import (
    access,
    aid,
    births,
    compute,
    exits,
    finance,
    funds,
    labour,
    land,
    location,
    operations,
    production,
    programmes,
    rent_cuts,
    uptake,
)
from sim.randomness import Draws
from sim.record import Recorder, Run, firms_by_cell
from sim.scenario import Scenario
from sim.world import FLOW, World


class ClusterModel(mesa.Model):
    """Startups, universities and venture funds on a map of office zones.

    Attributes
    ----------
    setup
        The frozen scenario.
    seed_number
        The seed of all draws.
    world
        State: ledger, cells, funds.
    datacollector
        Fed at the end of each step, if there is one.
    """

    datacollector: Any

    def __init__(
        self,
        base: str = "baseline",
        months: int = 120,
        rent_cut_share: float = 0.0,
        new_space_m2: float = 0.0,
        rng: Any = None,
    ) -> None:
        """Build a model with a data collector, as Mesa's tools expect.

        Parameters
        ----------
        base
            Id or path of a scenario.
        months
            Months after which the model stops running, 0 or more.
        rent_cut_share
            Share of the rent that is cut where the scenario's rent cut, or else the shipped one, acts.
        new_space_m2
            Floor space that the scenario's new space, or else the shipped one, adds in all.
        rng
            Seed of all draws: a whole number, also as text, with which ``from_scenario`` gives the same run; or
            a generator or seed sequence, from which a seed is drawn; absent or blank: another seed each time.

        Raises
        ------
        ScenarioError
            If the scenario cannot be read, or takes no such value.
        ValueError
            If `rng` is text and no whole number, or `months` is no whole number of 0 or more.
        """
        months = whole("months", months, least=0)
        if isinstance(rng, str):  # from a field of a page
            rng = whole("rng", rng) if rng.strip() else None
        given = isinstance(rng, int | np.integer)
        super().__init__(rng=abs(int(rng)) if given else rng)
        scenario = Scenario.load(base)
        if float(rent_cut_share):
            scenario = with_rent_cut(scenario, float(rent_cut_share))
        if float(new_space_m2):
            scenario = with_new_space(scenario, float(new_space_m2))
        self._build(scenario, int(rng if given else self.rng.integers(2**31)))
        self.last_month = months
        self.datacollector = mesa.DataCollector(model_reporters=dict(REPORTERS))
        self.datacollector.collect(self)

    @classmethod
    def from_scenario(cls, scenario: Scenario | str, seed: int = 1, cell_km: float | None = None) -> Self:
        """Return a model at the start of its first month.

        Parameters
        ----------
        scenario
            A scenario, its id, or the path of its file.
        seed
            Seed of all draws; any whole number, of which the last 64 bits count.
        cell_km
            Size of the cells [km]; absent: the world's own.

        Raises
        ------
        ScenarioError
            If the scenario cannot be read, or its history leads to no startup.
        WorldError
            If a zone has no cell of that size, or a made world is to have other cells than its own.
        ValueError
            If `seed` is no whole number, or `cell_km` no finite number above 0.
        """
        seed = whole("seed", seed)
        model = cls.__new__(cls)
        mesa.Model.__init__(model, rng=abs(seed))
        model._build(scenario if isinstance(scenario, Scenario) else Scenario.load(scenario), seed, cell_km)
        return model

    @classmethod
    def load(cls, path: str | os.PathLike[str], any_version: bool = False) -> Self:
        """Return the model that was saved; it goes on bit for bit as the one that was saved would.

        It needs neither the scenario's file nor the history. A data collector other than the one that the
        constructor attaches begins anew: attach it again. Nothing in the file is unpickled.

        Parameters
        ----------
        path
            A file that ``save`` wrote.
        any_version
            Load it also if other sources of this program wrote it; it may go on differently.

        Raises
        ------
        CheckpointError
            If the file is no checkpoint, is damaged, or was written by other sources.
        OSError
            If it cannot be read.
        """
        saved = read_checkpoint(path, any_version)
        model = cls.__new__(cls)
        mesa.Model.__init__(model, rng=saved.random["seed"])
        model._build(saved.scenario, saved.seed, world=saved.world)
        model.last_month = saved.last_month
        if saved.collected is not None:
            model.datacollector = mesa.DataCollector(model_reporters=dict(REPORTERS))
            set_collected(model.datacollector, saved.collected)
        set_random_states(model, saved.random)
        set_clock(model, saved.clock)
        return model

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the whole state to one file, from which ``load`` goes on bit for bit.

        What is code is not saved: attributes and overrides of a subclass, and the reporters of a data collector
        other than the one that the constructor attaches (a warning says so).

        Parameters
        ----------
        path
            The file, by custom with the suffix .npz; after any crash it is whole, or as it was.

        Raises
        ------
        CheckpointError
            If the model holds agents of the user's own classes or scheduled events, which are code.
        OSError
            If the file cannot be written.
        """
        own = type(self.datacollector) is mesa.DataCollector
        write_checkpoint(path, self, own and _only_reports(self.datacollector, REPORTERS))

    def _build(
        self, scenario: Scenario, seed: int, cell_km: float | None = None, world: World | None = None
    ) -> None:
        self.datacollector = None
        self._grid: DistrictGrid | None = None
        self.setup = scenario
        self.last_month = scenario.months
        self.seed_number = int(seed)
        self.parameters = Parameters.of(scenario)
        self.world = world or first_month(scenario, self.parameters, self.seed_number, cell_km)
        zones = tuple(zone.id for zone in self.world.grid.tables.zones)
        # runs share their terms, but for those in which code of others acts, which might write them
        shared = policies_of.__wrapped__ if scenario.processes else policies_of
        self.policies = shared(scenario.policies, zones, scenario.start)
        self.added = Added(scenario.processes, self.seed_number)
        self.startups = Startups(self)
        self.world.prepare_for(self.policies)
        for position in range(len(self.world.nodes) - 2):
            University(self, position)
        self._funds_met = 0
        self._meet_funds()

    def _meet_funds(self) -> None:
        """Give each fund that has none an agent."""
        for position in range(self._funds_met, len(self.world.funds)):
            VC(self, position)
        self._funds_met = len(self.world.funds)

    @property
    def agents(self) -> Everyone:
        """Universities, funds and active startups."""
        return Everyone(super().agents, self.startups)

    @property
    def agents_by_type(self) -> dict[type, Any]:
        """Agents by class, startups included."""
        return {**super().agents_by_type, Startup: self.startups}

    @property
    def agent_types(self) -> list[type]:
        """Classes of agents, startups included."""
        return list(self.agents_by_type)

    @property
    def grid(self) -> DistrictGrid:
        """The drawable grid, built on first use; its layers show the state of the last step."""
        if self._grid is None:
            self._grid = build_grid(self)
        return self._grid

    @property
    def running(self) -> bool:
        """Whether months are left; Mesa's tools stop when not. ``run``, ``run_for`` and ``step`` do not ask."""
        return self._running and self.world.month < self.last_month

    @running.setter
    def running(self, running: bool) -> None:
        self._running = bool(running)

    def _repr_png_(self) -> tuple[bytes, dict[str, Any]]:
        """Return a small map of the startups, which Jupyter shows."""
        from sim.figures.inline import draw_model

        return draw_model(self)

    def __getstate__(self) -> dict[str, Any]:
        """Return the state for copies: without the grid, which a copy builds on its own first use."""
        return self.__dict__ | {"_grid": None}

    def step(self) -> None:
        """Advance one month. The order of the lines is the order of events."""
        world, par = self.world, self.parameters
        terms = self.policies.in_force(world.month)
        draw = Draws(self.seed_number, world.month)
        world.begin_month(self.policies.begins_year(world.month))

        # Places
        land.open_space(world, par, terms)
        funds.seat_funds(world, par, terms)
        self._meet_funds()
        access.note_seats(world, par, terms)
        rent_cuts.mark_eligible(world, par, terms, draw)
        programmes.admit(world, par, terms, draw)
        access.refresh_fields(world, par, terms)
        land.clear_offices(world, par, terms)
        self.added.act("places", world, terms)

        # Startups at work
        compute.clear_market(world, par, terms)
        aid.grant_aid(world, par, terms, draw)
        operations.post_and_release(world, par, terms)
        labour.fill_posts(world, par, terms)
        operations.earn_and_spend(world, par, terms)
        funds.call_capital(world, par, terms)
        finance.close_rounds(world, par, terms, draw)
        self.added.act("work", world, terms)

        # Ends
        exits.end_startups(world, par, terms, draw)
        production.produce(world, par, terms, draw)
        self.added.act("ends", world, terms)

        # Beginnings and moves
        land.count_vacancy(world, par)
        choice = location.weigh_region(world, par, terms)
        births.found_startups(world, par, terms, draw)
        location.place_entrants(world, par, terms, choice, draw)
        land.count_vacancy(world, par)
        location.move_tenants(world, par, terms, draw)
        land.count_vacancy(world, par)
        exits.keep_register(world, par, terms, draw)
        uptake.keep_list(world, par, terms, location.weigh_movers, draw)
        self.added.act("moves", world, terms)

        world.month += 1
        if self.datacollector is not None:
            self.datacollector.collect(self)

    @property
    def employing(self) -> np.ndarray:
        """Which rows of the ledger are active startups or listed firms."""
        return np.isin(self.world.startups["status"], (ACTIVE, LISTED))

    def run(self, months: int | None = None) -> Run:
        """Advance `months` (absent: to the end of the scenario) and return their record.

        Raises
        ------
        ValueError
            If there is no month to advance, or `months` is no whole number.
        """
        world = self.world
        first = world.month
        months = self.last_month - first if months is None else whole("months", months)
        if months < 1:
            raise ValueError(f"months: must be 1 or more, not {months} (the model is at month {first})")
        levers = tuple(lever.id for lever in self.policies.levers)
        dealt = world.deals.n
        before = firms_by_cell(world)
        recorder = Recorder(first, months, world.grid.n_zones, levers)
        for _ in range(months):
            self.step()
            recorder.record(world, self.policies)
        world.check_finite()
        return Run(
            scenario_id=self.setup.id,
            fingerprint=self.setup.fingerprint,
            seed=self.seed_number,
            start=self.setup.start,
            zones=tuple(zone.id for zone in world.grid.tables.zones),
            first_month=first,
            months=months,
            arrays={
                "series": recorder.series,
                "region": recorder.region,
                "outside": recorder.outside,
                "costs": recorder.costs,
                "fates": recorder.fates,
            },
            levers=levers,
            ledgers=recorder.ledgers,
            deal_rows=world.deals.rows[dealt:].copy(),
            caps={name: int(world.caps[name][0]) for name in world.caps.dtype.names or ()},
            cell_zone=np.asarray(world.grid.zone),
            grid=world.grid,
            stock=np.array(world.stock),
            before=before,
        )


def whole(name: str, value: Any, least: int | None = None) -> int:
    """Return a whole number of any type, NumPy's or text that spells one, as an int.

    Raises
    ------
    ValueError
        If it is none, or is below `least`; `name` is what the message calls it.
    """
    try:
        number = int(value) if isinstance(value, str) else operator.index(value)
    except (TypeError, ValueError):
        raise ValueError(f"{name}: must be a whole number, not {value!r}") from None
    if least is not None and number < least:
        raise ValueError(f"{name}: must be {least} or more, not {number}")
    return number


def _startups(model: ClusterModel) -> int:
    return len(model.startups)


def _heads(model: ClusterModel) -> float:
    return float(model.world.startups["heads"][model.employing].sum())


def _deals(model: ClusterModel) -> float:
    return float(model.world.flows[:, :, FLOW["deals"]].sum())


#: what the collector of the constructor reports
REPORTERS: dict[str, Callable[[ClusterModel], float]] = {
    "startups": _startups,
    "heads": _heads,
    "deals": _deals,
}


def _only_reports(collector: mesa.DataCollector, reporters: dict[str, Any]) -> bool:
    """Return whether a collector has these model reporters and nothing else."""
    others = collector.agent_reporters or collector.agenttype_reporters or collector.tables
    return collector.model_reporters == reporters and not others


def with_rent_cut(scenario: Scenario, share: float) -> Scenario:
    """Return the scenario with `share` in its rent cuts, or with the shipped rent cut at that share."""
    levers = _levers(scenario, RentCut)
    return scenario.with_values({f"policies.{c.id}": c.model_copy(update={"share": share}) for c in levers})


def with_new_space(scenario: Scenario, area_m2: float) -> Scenario:
    """Return the scenario with its new space, or the shipped one, scaled to `area_m2` in all."""
    levers = _levers(scenario, NewSpace)
    factor = area_m2 / sum(phase.area_m2 for lever in levers for phase in lever.phases)
    changes: dict[str, Any] = {}
    for lever in levers:
        phases = tuple(p.model_copy(update={"area_m2": p.area_m2 * factor}) for p in lever.phases)
        changes[f"policies.{lever.id}"] = lever.model_copy(update={"phases": phases})
    return scenario.with_values(changes)


#: shipped scenarios whose levers the constructor's numbers change
EXAMPLES = ("rent-cut", "north-space")


def _levers(scenario: Scenario, kind: type) -> list[Any]:
    """Return the levers of a kind: the scenario's own, or those of the shipped scenario of that name."""
    for policies in [scenario.policies, *(Scenario.load(other).policies for other in EXAMPLES)]:
        own = [lever for lever in policies if isinstance(lever, kind)]
        if own:
            return own
    raise LookupError(f"no scenario has a lever of kind {kind.__name__}")
