"""Does a run of which every month is taken down for the page: for the process beside it, which has the model loaded."""

import numpy as np

from sim.additionality import present_at
from sim.app.frames import ABSENT, Frames
from sim.ledger import ACTIVE
from sim.levers import month_after
from sim.model import ClusterModel
from sim.record import POSITION
from sim.scenario import Scenario

#: months over which rounds are counted on the map
DEAL_MONTHS = 12
#: outcomes of a run that are set beside each other, with their units
OUTCOMES = ("startups_region", "rd_heads_region", "entries", "founded_outside", "failures", "departures", "moves",
            "deals", "capital_rmb", "public_cost_pv_rmb")  # fmt: skip


class Watched(ClusterModel):
    """The model, of which every month is taken down as it ends."""

    seen: list[dict[str, np.ndarray]]

    def step(self) -> None:
        """Advance one month, and take down who is active where, and where funds sit."""
        super().step()
        rows = self.world.startups
        active = rows["status"] == ACTIVE
        month = {
            name: np.array(rows[name][active])
            for name in ("uid", "cell", "segment", "stage", "heads", "origin")
        }
        month["funds"] = np.bincount(self.world.funds["seat"], minlength=self.world.grid.n_zones)
        self.__dict__.setdefault("seen", []).append(month)


def frames_of(scenario: Scenario, seed: int, months: int | None = None) -> Frames:
    """Do one run in this process and return its frames.

    Parameters
    ----------
    scenario
        What is run.
    seed
        Seed of all draws.
    months
        Months; absent: those of the scenario.
    """
    model = Watched.from_scenario(scenario, seed=seed)
    run = model.run(months)
    series, seen = run.arrays["series"], model.seen
    stock = series[:, :, 0, POSITION["zone_stock_m2"]]
    deals = series[:, :, :, POSITION["deals"]].sum(axis=2).cumsum(axis=0)
    earlier = np.zeros_like(deals)
    earlier[DEAL_MONTHS:] = deals[:-DEAL_MONTHS]
    earlier[: DEAL_MONTHS - 1] = np.nan  # rounds of the months before the first are not known
    uid, first = np.unique(np.concatenate([month["uid"] for month in seen]), return_index=True)
    everyone = {
        name: np.concatenate([month[name] for month in seen])[first] for name in ("segment", "origin")
    }
    cell = np.full((run.months, uid.size), ABSENT, dtype=np.int32)
    heads, stage = np.zeros(cell.shape, dtype=np.float32), np.zeros(cell.shape, dtype=np.int8)
    for t, month in enumerate(seen):
        at = np.searchsorted(uid, month["uid"])
        cell[t, at], heads[t, at], stage[t, at] = month["cell"], month["heads"], month["stage"]
    rounds = run.deals
    measures = run.measures()
    return Frames(
        scenario_id=scenario.id, name=scenario.name, name_zh=scenario.name_zh, seed=seed,
        months=tuple(month_after(scenario.start, t) for t in range(run.months)), zones=run.zones,
        by_segment=series[:, :, :, POSITION["startups"]].copy(),
        layers={
            "rent": series[:, :, 0, POSITION["zone_rent_rmb_m2_month"]].copy(),
            "vacancy": series[:, :, 0, POSITION["zone_vacant_m2"]] / np.where(stock > 0, stock, np.nan),
            "talent": series[:, :, :, POSITION["rd_heads"]].sum(axis=2),
            "funds": np.array([month["funds"] for month in seen], dtype=float),
            "deals": deals - earlier,
        },
        uid=uid, segment=everyone["segment"], cell=cell, heads=heads, stage=stage, origin=everyone["origin"],
        deals=np.rec.fromarrays(
            [rounds[name].to_numpy() for name in ("month", "uid", "raised_rmb")], names="month,uid,amount"),
        outcomes={name: float(measures[name][1] or 0.0) for name in OUTCOMES},
        present=present_at(run.presence, max(run.ledgers), run.zones),
    )  # fmt: skip
