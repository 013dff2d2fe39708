"""The end of the history becomes the first month: startups are thinned or cloned, and markets open.   (section 5)"""

import numpy as np

from sim.randomness import combine, uniform

from .choice import Choice, running_pick
from .founders import appeal
from .model import TextbookModel
from .startup import BLANK
from .words import ACTIVE, LISTED, down_to_grain

#: what a startup takes with it, beside its holdings
KEPT = ("uid", "segment", "log_quality", "origin", "origin_place", "parent", "heads", "cash",
        *(name for name in BLANK if name not in ("relief", "posts", "log_capability", "spillover", "diversity",
                                                 "revenue_share", "support", "lock_fund")))  # fmt: skip
KEPT_OF_FUNDS = ("uid", "size", "seat", "offset", "rounds", "segments", "partner", "visiting", "commitment", "uncalled",
                 "purse", "committed", "invested", "returned", "recycled", "all_invested", "all_proceeds")  # fmt: skip


class FirstMonth:
    """What a run begins from, made of the last month of a history.

    Parameters
    ----------
    history
        A History whose months have passed.
    """

    def __init__(self, history):
        self.history, self.region = history, history.region
        self.setup, self.zones = history.setup, history.region.grid.tables.zones
        self.number = self.setup.initial.startups
        self.key = history.draw.once("rescale")

    def start(self):
        """Return the state as plain values."""
        history, region = self.history, self.region
        scale = self.number / max(len(history.active()), 1)
        self.shrink_residuals()
        startups = self.represent()
        for startup in startups:
            if startup["cell"] >= 0:
                startup["lease_rent"] = float(region.reference_rent[startup["cell"]])
        ended = [state_of(startup, history.funds) for startup in history.former]
        for fund in history.funds:
            fund.open_books()
        labour, compute = history.labour, history.compute
        start = {
            "month": 0,
            "offices": {
                "stock": region.stock,
                "reference_rent": region.reference_rent,
                "rent": region.rent,
                "tenant_demand": np.maximum(region.stock * (1.0 - history.vacancy) - self.leased, 0.0),
                "excess_vacancy": region.first_excess,
                "residual": region.residual,
            },
            "labour": {
                "seekers": float(scale * labour.seekers),
                "wage": labour.wage,
                "usual_inflow": float(scale * labour.usual_inflow),
            },
            "compute": {"capacity": 0.0, "price": compute.price},
            "funds": [{name: getattr(fund, name) for name in KEPT_OF_FUNDS} for fund in history.funds],
            "startups": startups + ended,
            "reference_appeal": [0.0] * 4,
        }
        self.open_markets(start)
        return start

    # ---- where startups stand

    def shrink_residuals(self):
        """Believe a residual as far as startups speak for it; a zone without any takes its belt's mean."""
        residual, shares = self.region.residual, self.history.shares
        if self.history.from_floor_space:
            return
        expected = self.number * shares
        shrinkage = self.setup.initial.residual_shrinkage
        if shrinkage > 0.0:
            residual *= expected / (expected + shrinkage)
        for z in np.flatnonzero(shares == 0.0):
            others = [k for k in self.of_belt(z) if shares[k] > 0.0]
            stocks = [self.zones[k].stock_m2 for k in others]
            residual[z] = np.average(residual[others], weights=stocks) if others else 0.0

    def of_belt(self, z):
        """Return the zones of a zone's belt."""
        return [k for k, zone in enumerate(self.zones) if zone.belt == self.zones[z].belt]

    def represent(self):
        """Return the startups of the first month: who looks for rooms or is listed, originals, and copies."""
        history, region = self.history, self.region
        rows = [state_of(startup, history.funds) for startup in history.startups]
        active = [row for row in rows if row["status"] == ACTIVE]
        numbers = largest_remainder(self.number * history.shares, self.number)
        kept, copies = [row for row in rows if row["status"] != ACTIVE], []
        for z in range(region.n_zones):
            own = [row for row in active if region.zone[row["cell"]] == z]
            # a zone without startups borrows those of its belt, or of all
            lent = [row for row in active if region.zone[row["cell"]] in self.of_belt(z)] or active
            if numbers[z] and (own or lent):
                for row, copy in self.take(own or lent, int(numbers[z]), z):
                    if own and copy == 0:
                        kept.append(row)
                    else:
                        copies.append((z, not own, row | {"uid": copied(row["uid"], copy, z)}))
        self.leased = np.zeros(region.n_cells)
        for row in kept:
            if row["status"] in (ACTIVE, LISTED):
                self.leased[row["cell"]] += row["area"]
        choice = Choice(history)
        for z, foreign, row in copies:
            self.house(row, z, choice if foreign else None)
        return kept + [row for *_, row in copies]

    def take(self, rows, number, z):
        """Return as many rows as wanted, spread evenly over their order, each with the number of its copy."""
        order = sorted(
            rows, key=lambda row: (row["stage"], row["segment"], uniform(self.key, row["uid"], 0), row["uid"])
        )
        u = uniform(self.key, np.uint64(z), 1)
        places = [min(int((j + u) * len(rows) / number), len(rows) - 1) for j in range(number)]
        return [(order[place], j - places.index(place)) for j, place in enumerate(places)]

    def house(self, row, z, choice):
        """Give a copy rooms: its row's, or for a borrowed row drawn ones; without room there, the zone's roomiest."""
        region = self.region
        cells = np.flatnonzero(region.zone == z)
        if choice is not None:
            weights = choice.weights(row["segment"], 0, ())[cells]
            row["cell"] = int(cells[running_pick(uniform(self.key, row["uid"], 2) * weights.sum(), weights)])
        free = region.stock[cells] - self.leased[cells]
        if region.stock[row["cell"]] - self.leased[row["cell"]] < row["area"]:
            row["cell"] = int(cells[np.argmax(free)])
            row["area"] = min(row["area"], down_to_grain(max(free.max(), 0.0)))
        self.leased[row["cell"]] += row["area"]

    # ---- markets

    def open_markets(self, start):
        """Set public compute to its share of what is wanted now, and the reference of E18 to today's appeal."""
        model = TextbookModel(self.setup, start, self.history.seed_number)
        model.begin_month()
        model.region.refresh_fields()
        model.region.tenants = model.region.tenant_demand
        model.region.count_vacancy()
        model.compute.count_demand()
        start["compute"] = {
            "capacity": self.setup.compute.public_share * model.compute.demand,
            "price": model.compute.price,
            "voucher_gpu": 0.0,
        }
        start["reference_appeal"] = appeal(model, Choice(model))


def state_of(startup, funds):
    """Return a startup as plain values."""
    held = [(funds.index(fund), share, before) for fund, share, before in startup.holdings]
    return {name: getattr(startup, name) for name in KEPT} | {"holdings": held}


def copied(uid, copy, z):
    """Return the identity of a copy: hashed from its row's, the number of the copy and the zone's position."""
    return np.uint64(combine(uid, np.uint64(copy + (z << 32)))) >> np.uint64(1)


def largest_remainder(quotas, number):
    """Return whole numbers nearest to the quotas that add up to `number`; of equal remainders the first is raised."""
    whole = np.floor(quotas).astype(int)
    rest = quotas - whole
    order = sorted(range(len(whole)), key=lambda z: (-rest[z], z))
    for z in order[: number - int(whole.sum())]:
        whole[z] += 1
    return whole
