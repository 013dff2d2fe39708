"""Cases about whole runs: what must be conserved, the balance of the start, and policies that do nothing."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import signal

from sim.ledger import ACTIVE, LISTED, SUPPORTED
from sim.levers import LEVERS, Dated
from sim.levers.base import month_after
from sim.model import ClusterModel
from sim.places import read_world
from sim.processes import access, land
from sim.record import Run
from sim.scenario import Scenario
from sim.space import Grid
from sim.terms import WAN
from sim.verify import worlds
from sim.verify.case import Case, Knob, KnobError, Row
from sim.verify.chance import number_of
from sim.world import FLOW, World

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Values = Mapping[str, Any]


def known_scenario(values: Values) -> None:
    """Refuse a scenario that is not shipped."""
    if values["scenario"] not in Scenario.shipped():
        raise KnobError(f"scenario: must be one of {', '.join(Scenario.shipped())}")


# Conservation


def distances(grid: Grid) -> np.ndarray:
    """Return the distances between cells [km]."""
    return np.hypot(grid.x[:, None] - grid.x[None, :], grid.y[:, None] - grid.y[None, :])


def lattice_sum(cell_km: float, range_km: float, cut_km: float = np.inf) -> float:
    """Return the sum of exp(-d/range) over a lattice that is as good as unbounded."""
    steps = np.arange(-int(45 * range_km / cell_km) - 1, int(45 * range_km / cell_km) + 2)
    lengths = cell_km * np.hypot(*np.meshgrid(steps, steps))
    return float(np.exp(-lengths / range_km)[lengths <= cut_km].sum())


def heads_by_cell(world: World) -> np.ndarray:
    """Return heads, which the model adds in steps of 2^-20, by segment and cell, (4, n_cells)."""
    rows = world.startups.whole()
    here = rows[np.isin(rows["status"], (ACTIVE, LISTED))]
    out = np.zeros((4, world.grid.n_cells))
    np.add.at(out, (here["segment"], here["cell"]), np.floor(here["heads"] * 2**20 + 0.5) / 2**20)
    return out


def field(world: World, range_km: float) -> np.ndarray:
    """Return the field of heads by segment and cell, by brute force, (4, n_cells)."""
    matrix = np.exp(-distances(world.grid) / range_km) / lattice_sum(world.grid.cell_km, range_km)
    return heads_by_cell(world) @ matrix


def field_by_transform(world: World, range_km: float) -> np.ndarray:
    """Return the same as a convolution on the padded lattice by fast Fourier transforms, (4, n_cells)."""
    grid = world.grid
    columns, rows = grid.shape
    x, y = np.arange(1 - columns, columns), np.arange(1 - rows, rows)
    near = np.exp(-grid.cell_km * np.hypot(x[:, None], y[None, :]) / range_km)
    near /= lattice_sum(grid.cell_km, range_km)
    out = np.empty((4, grid.n_cells))
    for segment, heads in enumerate(heads_by_cell(world)):
        lattice = np.zeros(grid.shape)
        lattice[grid.column, grid.row] = heads
        spread = signal.fftconvolve(lattice, near)[columns - 1 : 2 * columns - 1, rows - 1 : 2 * rows - 1]
        out[segment] = spread[grid.column, grid.row]
    return out


class Month:
    """The cash of startups in one month of a model, from before its step to after."""

    def __init__(self, model: ClusterModel) -> None:
        rows = model.world.startups.whole()
        at_work = np.isin(rows["status"], (ACTIVE, LISTED))
        self.model, self.before = model, np.sort(rows[at_work], order="uid")
        self.deals = model.world.deals.n

    def unexplained(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return by startup what cash has changed by beyond what is known, what a move costs, and revenue [wan]."""
        world, par, before = self.model.world, self.model.parameters, self.before
        rows = np.sort(world.startups.whole(), order="uid")
        after = rows[np.searchsorted(rows["uid"], before["uid"])]
        o, place, wage = par.operations, par.location, float(world.labour["wage"][0])
        segment, stage, heads = before["segment"], before["stage"], after["heads"]
        head = o.wage_wan_head_month[segment]
        usual = head * (1.0 + o.overhead_share[stage] + o.compute_share[segment])
        dearer = head * o.compute_share[segment] * (self.bill() - 1.0)
        rent = before["area"] * before["lease_rent"] * (1.0 - after["relief"]) / WAN
        cost = wage * heads * (usual + dearer) + rent
        power = (
            np.minimum(np.exp(after["log_capability"]), o.revenue_quality_cap) ** o.revenue_quality_exponent
        )
        share = np.minimum(o.revenue_share[stage] * power, o.revenue_cap)
        reference = usual + place.area_m2_per_head * place.reference_rent_rmb_m2_month / WAN
        revenue = share * heads * reference * wage**o.wage_passed_on
        support = np.where(after["aided"] & SUPPORTED, after["support"], 0.0)
        deals = world.deals.rows[self.deals :]
        raised = np.zeros(len(before))
        raised[np.searchsorted(before["uid"], deals["uid"])] = deals["amount"]
        known = revenue + support + raised - cost
        payroll = heads * o.wage_wan_head_month[after["segment"]] * wage
        move = (place.moving_rent_months * after["lease_rent"] * after["area"] / WAN
                + place.moving_payroll_months * payroll)  # fmt: skip
        return after["cash"] - before["cash"] - known, move, revenue

    def bill(self) -> float:
        """Return the bill for compute relative to the reference."""
        price = float(self.model.world.compute["price"][0])
        return price ** (1.0 - float(self.model.parameters.compute.price_elasticity))


def counts_by_zone(world: World, statuses: tuple[int, ...]) -> np.ndarray:
    """Return the firms of each zone that have one of these statuses."""
    rows = world.startups.whole()
    cells = rows["cell"][np.isin(rows["status"], statuses)]
    return np.bincount(world.grid.zone[cells], minlength=world.grid.n_zones)


def check_conservation(values: Values, seed: int) -> list[Row]:
    """Hold every month of a whole run against what must be conserved."""
    model = ClusterModel.from_scenario(worlds.scenario(values["scenario"]), seed)
    world, worst = model.world, dict.fromkeys(("startups", "firms", "area", "cash", "revenue", "moves"), 0.0)
    oversold, most_cash = 0.0, 0.0
    for _ in range(values["months"]):
        startups, firms = counts_by_zone(world, (ACTIVE,)), counts_by_zone(world, (ACTIVE, LISTED))
        month = Month(model)
        model.step()
        flow = {name: world.flows[:, :, k].sum(axis=1) for name, k in FLOW.items()}
        ends = flow["failures"] + flow["acquisitions"] + flow["departures"]
        change = counts_by_zone(world, (ACTIVE,)).sum() - startups.sum()
        error = abs(change - (flow["entries"] - ends - flow["listings"]).sum())
        worst["startups"] = max(worst["startups"], error)
        moved = flow["entries"] - ends + flow["moves_in"] - flow["moves_out"]
        error = np.abs(counts_by_zone(world, (ACTIVE, LISTED)) - firms - moved).max()
        worst["firms"] = max(worst["firms"], float(error))
        area, room = floor_space(world)
        worst["area"], oversold = max(worst["area"], area), max(oversold, -room)
        left, move, revenue = month.unexplained()
        went = np.abs(left) > np.abs(left + move)
        worst["cash"] = max(worst["cash"], float(np.abs(np.where(went, left + move, left)).max(initial=0.0)))
        worst["moves"] += abs(number_of(went) - flow["moves_out"].sum())
        worst["revenue"] = max(worst["revenue"], abs(float(revenue.sum() - flow["revenue_wan"].sum())))
        most_cash = max(most_cash, float(np.abs(world.startups["cash"]).max(initial=1.0)))
    count, rounding = "a count", "rounding of 64-bit numbers"
    area_tolerance = 1e-9 * float(world.stock.sum())
    rows = [
        Row("startups beyond entries less ends, in any month", 0.0, worst["startups"], 0.0, count),
        Row("firms of a zone beyond entries, ends and moves", 0.0, worst["firms"], 0.0, count),
        Row("floor space made or lost in a cell (m2)", 0.0, worst["area"], area_tolerance, rounding),
        Row("floor space oversold in a cell (m2)", 0.0, oversold, area_tolerance, rounding),
        Row("cash of a startup beyond revenue, aid, rounds, costs and moves (10,000 RMB)", 0.0, worst["cash"],
            1e-11 * most_cash, rounding),
        Row("moves that are not paid for, or paid for and not made", 0.0, worst["moves"], 0.0, count),
        Row("revenue that is booked and not counted (10,000 RMB)", 0.0, worst["revenue"],
            (len(month.before) + 1) * 2.0**-20, "revenue is counted in steps of 2^-20"),
    ]  # fmt: skip
    return rows + fields(model)


def floor_space(world: World) -> tuple[float, float]:
    """Return the largest error of stock = startups + other tenants + vacant, and the least vacant, of any cell [m2]."""
    rows = world.startups.whole()
    here = rows[np.isin(rows["status"], (ACTIVE, LISTED))]
    leased = np.bincount(here["cell"], weights=here["area"], minlength=world.grid.n_cells)
    gap = world.stock - leased - world.tenants - world.vacant
    return float(np.abs(gap).max()), float(world.vacant.min())


def fields(model: ClusterModel) -> list[Row]:
    """Return the comparison of the field of heads with a sum by brute force, and with a Fourier transform."""
    world, par = model.world, model.parameters
    access.refresh_fields(world, par, model.policies.in_force(world.month))
    range_km = float(par.access.spillover_range_km)
    rows = []
    for how, other in (
        ("brute force", field(world, range_km)),
        ("Fourier transform", field_by_transform(world, range_km)),
    ):
        error = float(np.abs(world.spillovers - other).max() / other.max())
        rows.append(Row(f"largest error of the field of heads against {how}, of the largest", 0.0, error, 1e-10,
                        "rounding of sums over cells"))  # fmt: skip
    return rows


CONSERVATION = Case(
    name="conservation",
    title="startups, floor space and money are neither made nor lost in any month of a whole run",
    about="With every market at work, month by month: startups change by entries, failures, acquisitions, listings and "
    "departures, firms of a zone by moves too; stock = startups + other tenants + vacant in every cell, and none is "
    "oversold; the cash of every single startup changes by revenue, aid, rounds, wages, overhead, compute, rent and "
    "moving costs, written out from the equations, and by nothing else. The field of heads is the sum over startups, by "
    "brute force and by Fourier transform on the padded lattice. Under test: the step of the model (E1, E7, E8, E13, E16, "
    "E20, E25).",
    knobs={
        "scenario": Knob("everything", "id of a shipped scenario"),
        "months": Knob(18, "months of the run", "months", 1, 120),
    },
    check=check_conservation,
    values_check=known_scenario,
)


# Start


def start_of(values: Values, seed: int) -> ClusterModel:
    """Return the model of a scenario before its first month."""
    plain = worlds.scenario(values["scenario"])
    return ClusterModel.from_scenario(plain.with_values({"initial.startups": values["startups"]}), seed)


def quotas(values: Values, grid: Grid) -> np.ndarray:
    """Return the startups of each zone by the world's table, (n_zones,); they need not be whole."""
    share = grid.zone_values("initial_share")
    return np.asarray(values["startups"] * share / share.sum())


def first_log_rents(model: ClusterModel) -> np.ndarray:
    """Return the log rents after month 0 by E8 and E9, without levers, by brute force, (n_cells,).

    Other tenants hold the occupied part of a cell's stock that startups leave, vacancy is natural there, and rents
    rest; where startups hold more than that part, less is vacant than is natural, and rents rise.
    """
    world, grid, land_of = model.world, model.world.grid, model.parameters.values.land
    usual = grid.zone_values("vacancy_share")[grid.zone]
    rows = world.startups.whole()
    here = rows[np.isin(rows["status"], (ACTIVE, LISTED))]
    leased = np.bincount(here["cell"], weights=here["area"], minlength=grid.n_cells)
    vacant = np.minimum(world.stock * usual, world.stock - leased)
    near = np.exp(-distances(grid) / land_of.vacancy_range_km)
    gap = near @ (world.stock * usual - vacant) / (near @ world.stock)
    return np.asarray(
        np.clip(land_of.rent_speed_per_month * gap, -land_of.rent_step_limit, land_of.rent_step_limit)
    )


def check_start(values: Values, seed: int) -> list[Row]:
    """Hold the state before the first month against the world's table, and its rents against E8 and E9."""
    model = start_of(values, seed)
    world, par, grid = model.world, model.parameters, model.world.grid
    counts = counts_by_zone(world, (ACTIVE,))
    off = float(np.abs(counts - quotas(values, grid)).max())
    rows = [
        Row("startups of the first month", float(values["startups"]), float(counts.sum()), 0.0, "a count"),
        Row("startups of a zone off their share", 0.0, off, 1.0, "largest remainders"),
        Row("floor space oversold in a cell (m2)", 0.0, max(-floor_space(world)[1], 0.0), 0.0, "nobody is turned out"),
    ]  # fmt: skip
    ahead, terms, theory = world.copy(), worlds.terms_of(grid), first_log_rents(model)
    land.open_space(ahead, par, terms)
    land.clear_offices(ahead, par, terms)
    drift = [
        grid.zone_sums(ahead.stock * ahead.reference_rent * np.exp(log_rent))
        / grid.zone_sums(ahead.stock * ahead.reference_rent)
        - 1.0
        for log_rent in (theory, ahead.log_rent)
    ]
    most, reason = int(np.abs(drift[0]).argmax()), "rounding of 64-bit numbers"
    error = float(np.abs(ahead.log_rent - theory).max())
    return [
        *rows,
        Row("drift of the rents of a zone in the first month, where it is largest", float(drift[0][most]), float(drift[1][most]),
            1e-12, reason),
        Row("largest error of the log rent of a cell after the first month", 0.0, error, 1e-12, reason),
    ]  # fmt: skip


def draw_start(values: Values, seed: int, figure: "Figure") -> None:
    """Draw the startups of each zone in the first month over their shares."""
    model = start_of(values, seed)
    counts, zones = counts_by_zone(model.world, (ACTIVE,)), np.arange(model.world.grid.n_zones)
    axes = figure.subplots()
    axes.bar(zones, counts, alpha=0.5, label="simulation")
    axes.plot(
        zones,
        quotas(values, model.world.grid),
        "ko",
        markersize=3,
        label="theory: the share of the world's table",
    )
    axes.set(xlabel="zone", ylabel="startups of the first month")
    axes.legend()


START = Case(
    name="start",
    title="the first month has the startups that are asked for, where they are asked for, and rents that rest",
    about="The state before month 0 comes from a history of its own: it has exactly the startups that are asked for, by "
    "zone as the world's table says. Other tenants hold what startups leave of the occupied space, so that rents rest in "
    "the first month without levers; where startups hold more than that, rents rise as E8 and E9 say. Nothing is claimed of "
    "the months that follow: a run may grow from where it begins. Under test: the history, land.open_space and "
    "land.clear_offices.",
    knobs={
        "scenario": Knob("baseline", "id of a shipped scenario"),
        "startups": Knob(1_300, "startups of the first month", "startups", 50, 20_000),
    },
    check=check_start,
    picture=draw_start,
    values_check=known_scenario,
)


# Paired identity

#: each kind of lever as strong as nothing; "zone" stands for the last zone of the world
NOTHING: dict[str, dict[str, Any]] = {
    "rent-cut": {"zones": "zone", "share": 0.0},
    "new-space": {"zone": "zone", "phases": ({"opens": "begin", "area_m2": 0.0},)},
    "uptake-list": {"zone": "zone", "offer_utils": 1.0, "awareness_per_month": 0.0},
    "compute-centre": {"capacity_gpu": 0.0},
    "compute-voucher": {"share": 0.0},
    "rd-subsidy": {"share": 0.0},
    "public-orders": {"share": 0.0},
    "vc-hub": {"zone": "zone", "partners": 0, "visitors": 0, "cost_rmb_month": 0.0},
    "guided-fund": {"capital_rmb_year": 0.0},
    "cash": {"amount_rmb": 0.0},
    "talent-housing": {"zone": "zone", "units": 0.0},
    "administration": {"appeal_utils": 0.0, "cost_rmb_month": 0.0},
    "landing": {"founders_per_month": 0.0},
    "public-space": {"zones": "zone", "attraction_utils": 0.0, "cost_rmb_month": 0.0},
    "incubator": {"zones": "zone", "places": 0},
    "accelerator": {"zones": "zone", "places": 0},
    "test-platform": {"zones": "zone", "places": 0},
    "placebo": {"funds": 0},
    "funding-climate": {"factor": 1.0},
    "outside-offer": {"rise_utils": 0.0, "over_months": 12},
    "production-offer": {"rise_log_odds": 0.0, "over_months": 1},
    "tenant-demand": {"zones": "zone", "area_m2_month": 0.0},
}
EVERY = "every"
#: fields of a startup's row that name levers or places in tables, and not what happens to it
NAMES = ("eligible", "holding")


def without_strength(kind: str, plain: Scenario, begins: int) -> dict[str, Any]:
    """Return a lever of a kind without strength as a table of a scenario file."""
    zone, date = read_world(plain.world).zones[-1].id, month_after(plain.start, begins)
    table: dict[str, Any] = {"id": f"no-{kind}", "kind": kind} | NOTHING[kind]
    if "zone" in table:
        table["zone"] = zone
    if "zones" in table:
        table["zones"] = (zone,)
    if "phases" in table:
        table["phases"] = tuple(phase | {"opens": date} for phase in table["phases"])
    return table | ({"from": date} if issubclass(LEVERS[kind], Dated) else {})


def askable_levers(values: Values) -> None:
    """Refuse a kind of lever that there is not, and levers that begin after the run."""
    if values["begins"] >= values["months"]:
        raise KnobError(
            f"begins: must be below the months of the run ({values['months']}), not {values['begins']}"
        )
    if values["kind"] != EVERY and values["kind"] not in LEVERS:
        raise KnobError(f"kind: must be {EVERY} or one of {', '.join(LEVERS)}")


def differing(one: np.ndarray, other: np.ndarray) -> int:
    """Return how many numbers of two arrays are not the same bit for bit; all, if their shapes differ."""
    if one.shape != other.shape:
        return max(one.size, other.size)
    bits = (
        np.frombuffer(np.ascontiguousarray(a).tobytes(), dtype=np.uint8).reshape(a.size, -1)
        for a in (one, other)
    )
    return int(np.any(np.not_equal(*bits), axis=1).sum()) if one.size else 0


def differing_rows(one: np.ndarray, other: np.ndarray) -> int:
    """Return how many fields of startups' rows are not the same bit for bit, whatever their order."""
    one, other = np.sort(one, order="uid"), np.sort(other, order="uid")
    names = one.dtype.names or ()
    return sum(differing(one[name], other[name]) for name in names if name not in NAMES)


def check_paired(values: Values, seed: int) -> list[Row]:
    """Compare a run with levers of no strength to the run without, bit for bit."""
    plain = worlds.scenario().with_values({"initial.startups": values["startups"]})
    kinds = list(NOTHING) if values["kind"] == EVERY else [values["kind"]]
    tables = [without_strength(kind, plain, values["begins"]) for kind in kinds]
    treated = plain.with_values({f"policies.{table['id']}": table for table in tables})
    one, other = (run_of(scenario, seed, values["months"]) for scenario in (treated, plain))
    numbers = {
        name: differing(one.arrays[name], other.arrays[name])
        for name in ("series", "region", "outside", "fates")
    }
    step = max(one.rows)
    reason = "the same draws and the same arithmetic"
    rows = [
        Row(f"numbers that differ in {name}", 0.0, float(number), 0.0, reason)
        for name, number in numbers.items()
    ]
    rows.append(Row("fields of startups that differ at the end", 0.0, float(differing_rows(one.rows[step], other.rows[step])),
                    0.0, reason))  # fmt: skip
    rows.append(
        Row(
            "fields of rounds that differ",
            0.0,
            float(differing_rows(one.deal_rows, other.deal_rows)),
            0.0,
            reason,
        )
    )
    rows.append(
        Row("public cost (RMB)", 0.0, float(np.abs(one.arrays["costs"]).sum()), 0.0, "nothing costs nothing")
    )
    return rows


def run_of(scenario: Scenario, seed: int, months: int) -> Run:
    """Return the run of a scenario."""
    return ClusterModel.from_scenario(scenario, seed).run(months)


PAIRED = Case(
    name="paired",
    title="a policy without strength changes no bit of anything",
    about="A run with levers of every kind, each as strong as nothing, and the run without them agree bit for bit in all "
    "series, startups and rounds, and cost nothing: draws are addressed and not consumed, so that whatever differs between "
    "two scenarios is the policy's doing. Under test: every lever, Policies.in_force and the step of the model. Literature: "
    "D. Klein, R. Abeysuriya, R. Stuart, C. Kerr (2024), arXiv:2409.02086 (Noise-free comparison of stochastic agent-based "
    "simulations using common random numbers).",
    knobs={
        "kind": Knob(EVERY, "kind of lever, or every"),
        "startups": Knob(1_300, "startups of the first month", "startups", 50, 20_000),
        "begins": Knob(3, "month from which the levers are in force", "months", 0, 119),
        "months": Knob(30, "months of the run", "months", 1, 120),
    },
    check=check_paired,
    values_check=askable_levers,
)

CASES = (CONSERVATION, START, PAIRED)
