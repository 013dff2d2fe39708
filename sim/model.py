"""The model: build it from a scenario, advance it by months, run it.

>>> from sim import ClusterModel, Scenario
>>> run = ClusterModel.from_scenario(Scenario.load("baseline"), seed=1).run(months=12)
>>> run.outcomes.num_rows
1
"""

import mesa
import numpy as np

from sim.history import first_month
from sim.parameters import Parameters
from sim.policy import Policies
from sim.processes import access, births, exits, finance, land, location, operations
from sim.randomness import Draws
from sim.record import Recorder, Run
from sim.scenario import Scenario


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
    """

    @classmethod
    def from_scenario(
        cls, scenario: Scenario | str, seed: int = 1, cell_km: float | None = None
    ) -> "ClusterModel":
        """Return a model at the start of its first month.

        Parameters
        ----------
        scenario
            A scenario, its id, or the path of its file.
        seed
            Seed of all draws; any whole number.
        cell_km
            Size of the cells; absent: the world's own.

        Raises
        ------
        ScenarioError
            If the scenario cannot be read.
        """
        model = cls.__new__(cls)
        mesa.Model.__init__(model, rng=abs(seed))
        model._build(scenario if isinstance(scenario, Scenario) else Scenario.load(scenario), seed, cell_km)
        return model

    def _build(self, scenario: Scenario, seed: int, cell_km: float | None = None) -> None:
        self.setup = scenario
        self.seed_number = int(seed)
        self.parameters = Parameters.of(scenario)
        self.world = first_month(scenario, self.parameters, self.seed_number, cell_km)
        zones = self.world.grid.tables.zone_index
        self.policies = Policies(scenario.policies, zones, scenario.start)

    def step(self) -> None:
        """Advance one month. The order of the lines is the order of events."""
        world, par = self.world, self.parameters
        terms = self.policies.in_force(world.month)
        draw = Draws(self.seed_number, world.month)
        world.begin_month()

        # Places
        land.open_space(world, par, terms)
        location.mark_eligible(world, par, terms)
        access.refresh_fields(world, par, terms)
        land.clear_offices(world, par, terms)

        # Startups at work
        operations.hire_and_release(world, par, terms)
        operations.earn_and_spend(world, par, terms)
        finance.close_rounds(world, par, terms, draw)

        # Ends
        exits.end_startups(world, par, terms, draw)
        exits.leave_region(world, par, terms, draw)

        # Beginnings and moves
        land.count_vacancy(world, par)
        choice = location.weigh_region(world, par, terms)
        births.found_startups(world, par, terms, draw)
        location.place_entrants(world, par, terms, choice, draw)
        location.move_tenants(world, par, terms, draw)
        exits.keep_register(world, par, terms, draw)

        world.month += 1

    def run(self, months: int | None = None) -> Run:
        """Advance `months` (absent: the scenario's) and return their record."""
        months = self.setup.months if months is None else months
        world = self.world
        levers = tuple(lever.id for lever in self.policies.levers)
        recorder = Recorder(months, world.grid.n_zones, levers)
        for _ in range(months):
            world.retire()
            self.step()
            recorder.record(world, self.policies)
        return Run(
            scenario_id=self.setup.id,
            fingerprint=self.setup.fingerprint,
            seed=self.seed_number,
            start=self.setup.start,
            zones=tuple(zone.id for zone in world.grid.tables.zones),
            months=months,
            arrays={"series": recorder.series, "outside": recorder.outside, "costs": recorder.costs},
            levers=levers,
            rows=recorder.presence,
            caps={name: int(world.caps[name][0]) for name in world.caps.dtype.names or ()},
            cell_zone=np.asarray(world.grid.zone),
        )
