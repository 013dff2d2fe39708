"""Cases about how many startups there are: entry and exit, survival, spin-offs.

The engine draws by address: theory looks at the same uniform numbers and says from them, by its own formula, what
must happen to whom. Such rows have no statistical error, so that they find one startup in thousands that errs.
"""

import functools
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import optimize, stats

from sim.ledger import ACTIVE
from sim.processes import births, exits, location
from sim.randomness import Draws
from sim.verify import worlds
from sim.verify.case import Case, Knob, Row, demand_affordable
from sim.verify.chance import each, law_row, none_row, number_of, share_row, sum_row, variance_row

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Values = Mapping[str, Any]

MONTHS_A_YEAR = 12
ROOMY_M2 = 1e9  # a zone that never fills
#: the only end is failure, at a hazard that depends on nothing
ONLY_FAILURE = {"exits.failure_stage_factor": (1.0,) * 6, "exits.failure_first_year_factor": 1.0,
                "exits.acquisition_per_month": (0.0,) * 6, "exits.listing_per_month": 0.0,
                "exits.departure_per_month": 0.0, "location.unlimited_capacity": True}  # fmt: skip
#: nobody founds but nodes and firms, and all found here
ALL_HERE = {"births.founding_scale": 1.0, "births.consideration_factor": 1.0, "births.institute_scale": 1.0,
            "births.independents_per_month": 0.0, "births.outside_weight": 0.0}  # fmt: skip


# Stock


ROW_BYTES = 400  # of a startup in the ledger, and of what is made of it in a month


def fits_memory(values: Values) -> None:
    """Refuse more startups than fit into memory."""
    lived = min(values["months"], 1.0 / values["hazard"])  # months after which there are not many more
    held = ROW_BYTES * values["sources"] * (values["start"] + values["rate"] * lived)
    largest = "months" if values["rate"] * lived > values["start"] else "sources"
    demand_affordable({**values, "months": lived}, largest, held=held)


class Stock:
    """Many sources of startups, each with Poisson entry, in a world where the only end is a constant hazard."""

    def __init__(self, values: Values, seed: int) -> None:
        self.rate, self.hazard, self.exposed = values["rate"], values["hazard"], values["exposure"]
        self.first, self.sources, self.seed = values["start"], values["sources"], seed
        self.par = worlds.parameters(
            ONLY_FAILURE
            | ALL_HERE
            | {"exits.failure_per_month": self.hazard, "births.spinoff_per_month": 0.0}
        )
        nodes = tuple(worlds.node(f"source-{j}", MONTHS_A_YEAR * self.rate) for j in range(self.sources))
        self.world = worlds.settle(worlds.town(1, 1, ROOMY_M2, nodes=nodes), worlds.startups(0))
        self.terms = worlds.terms_of(self.world.grid)
        uids = self.world.nodes["uid"][: self.sources]
        self.world.startups.replace(
            worlds.startups(self.sources * self.first, parent=np.repeat(uids, self.first))
        )
        self._order = np.argsort(uids)
        self._uids = uids[self._order]
        self.wrong_ends = self.wrong_entries = self.exposures = 0

    def live(self, month: int) -> None:
        """Let a month pass: ends and entries, in the order of the case."""
        self.world.month = month
        self.world.begin_month()
        draw = Draws(self.seed, month)
        for happen in (self.enter, self.end) if self.exposed else (self.end, self.enter):
            happen(draw)

    def end(self, draw: Draws) -> None:
        """Let startups fail, and count those whose end is not that of their draw."""
        firms = self.world.startups.parts[0]
        expected = worlds.draws_of(firms, draw("fail")) < self.hazard
        exits.end_startups(self.world, self.par, self.terms, draw)
        self.exposures += len(firms)
        self.wrong_ends += number_of((firms["status"] != ACTIVE) != expected)

    def enter(self, draw: Draws) -> None:
        """Let startups enter and find rooms, and count those sources whose number is not that of their draw."""
        world, before = self.world, self.world.startups.n
        choice = location.weigh_region(world, self.par, self.terms)
        births.found_startups(world, self.par, self.terms, draw)
        location.place_entrants(world, self.par, self.terms, choice, draw)
        u = worlds.draws_of(world.nodes[: self.sources], draw("founders"))
        found = self.by_source(world.startups["parent"][before:])
        self.wrong_entries += number_of(found != stats.poisson.ppf(u, self.rate))

    def by_source(self, parents: np.ndarray) -> np.ndarray:
        """Return how many startups have each source as their parent, (sources,)."""
        counts = np.bincount(np.searchsorted(self._uids, parents), minlength=self.sources)
        out = np.empty(self.sources, dtype=np.int64)
        out[self._order] = counts
        return out

    def stock(self) -> np.ndarray:
        """Return the startups of each source, (sources,)."""
        at_work = self.world.startups["status"] == ACTIVE
        return self.by_source(self.world.startups["parent"][at_work])

    def kept(self, month: int) -> float:
        """Return the chance that a startup of the start is still there after `month` months."""
        return (1.0 - self.hazard) ** month

    def newer(self, month: int) -> float:
        """Return the mean number that entered since and are still there."""
        seen = 1.0 - self.hazard if self.exposed else 1.0
        return seen * self.rate * (1.0 - self.kept(month)) / self.hazard

    def mean(self, month: int) -> float:
        """Return the mean stock of a source."""
        return self.first * self.kept(month) + self.newer(month)

    def variance(self, month: int) -> float:
        """Return its variance: those of the start are binomial, the others Poisson."""
        return self.first * self.kept(month) * (1.0 - self.kept(month)) + self.newer(month)

    def cumulant(self, month: int, tilt: float) -> float:
        """Return ln E e^(tilt (stock - mean)) of a source."""
        grown = np.expm1(tilt)
        whole = self.first * np.log1p(self.kept(month) * grown) + self.newer(month) * grown
        return float(whole - tilt * self.mean(month))

    def law(self, month: int) -> np.ndarray:
        """Return P(stock = k), k = 0, 1, ..."""
        most = int(stats.poisson.isf(1e-12, self.newer(month))) + 2
        newer = stats.poisson.pmf(np.arange(most), self.newer(month))
        return np.convolve(newer, stats.binom.pmf(np.arange(self.first + 1), self.first, self.kept(month)))


def check_stock(values: Values, seed: int) -> list[Row]:
    """Compare the stock of startups with its law under Poisson entry and a constant hazard."""
    run, months = Stock(values, seed), values["months"]
    stages = sorted({max(months * k // 4, 1) for k in range(1, 5)})
    stocks = {}
    for month in range(1, months + 1):
        run.live(month)
        if month in stages:
            stocks[month] = run.stock()
    rate, last = each(len(stages) + 2), stocks[months]
    rows = [
        none_row("startups whose end is not that of u < hazard", run.wrong_ends, run.exposures),
        none_row(
            "sources whose entries are not the Poisson quantile of their draw",
            run.wrong_entries,
            months * run.sources,
        ),
    ]
    for month, stock in stocks.items():
        rows.append(
            sum_row(
                f"mean stock after {month} months",
                run.mean(month),
                float(stock.mean()),
                run.sources,
                functools.partial(run.cumulant, month),
                math.sqrt(run.variance(month)),
                rate,
                f"{run.sources} sources",
            )
        )
    law = run.law(months)
    rows.append(variance_row("variance of the stock at the end", last, law, rate))
    rows.append(
        law_row("distance of the shares of stocks at the end from their law", last, np.cumsum(law), rate)
    )
    return rows


def draw_stock(values: Values, seed: int, figure: "Figure") -> None:
    """Draw the mean stock over time, and the law of the stock at the end."""
    run, months = Stock(values, seed), values["months"]
    path = [float(run.first)]
    for month in range(1, months + 1):
        run.live(month)
        path.append(float(run.stock().mean()))
    over_time, at_end = figure.subplots(1, 2)
    time = np.arange(months + 1)
    over_time.plot(time, path, lw=3, alpha=0.5, label="simulation, mean of sources")
    over_time.plot(time, [run.mean(int(t)) for t in time], "k--", lw=1, label="theory")
    over_time.set(xlabel="months", ylabel="startups of a source")
    stock, law = run.stock(), run.law(months)
    at_end.hist(stock, bins=20, density=True, alpha=0.5, label="simulation")
    shown = np.flatnonzero(law > 1e-3 * law.max())
    at_end.plot(shown, law[shown], "k--", lw=1, label="theory")
    at_end.set(xlabel=f"startups of a source after {months} months", ylabel="share of sources")
    over_time.legend()
    at_end.legend()


STOCK = Case(
    name="stock",
    title="entry and exit alone: the stock of startups is Poisson",
    about="Sources have Poisson entry, startups end at a constant hazard. Whoever was there at the start is still "
    "there with chance (1 - h)^t; the others are Poisson with mean rate (1 - (1 - h)^t)/h, times 1 - h if entrants "
    "are exposed in their month of entry; in the long run rate/h. Under test: births.found_startups, "
    "location.place_entrants and exits.end_startups, in the order of the model's month (entrants not exposed) or "
    "with entry first (E17, E18). Literature: any text on immigration-death processes, such as J. Kingman (1993), "
    "Poisson Processes.",
    knobs={
        "rate": Knob(10.0, "startups that enter from each source", "1/month", 0.01, 199.0),
        "hazard": Knob(0.02, "chance that a startup ends", "1/month", 1e-4, 0.99),
        "exposure": Knob(False, "whether entrants may end in their month of entry"),
        "start": Knob(100, "startups of each source at the start", "startups", 0, 10_000),
        "sources": Knob(80, "sources, which are independent of each other", "-", 20, 2_000),
        "months": Knob(180, "months that pass", "months", 1, 5_000),
    },
    check=check_stock,
    values_check=fits_memory,
    picture=draw_stock,
)


# Survival


def monthly(yearly: tuple[float, ...]) -> np.ndarray:
    """Return the chance of failing in a month of each year of age, from the chance over the year."""
    return 1.0 - (1.0 - np.asarray(yearly)) ** (1.0 / MONTHS_A_YEAR)


def by_age(hazards: np.ndarray) -> list[Any]:
    """Return parameters with the hazard of each year of age.

    The first two years have the same parameters where that is possible: what tells them apart is then the engine's
    own factor of the first twelve months.
    """
    out = []
    for year in range(len(hazards)):
        base, factor = hazards[year], 1.0
        if len(hazards) > 1 and year < 2 and hazards[1] > 0.0 and hazards[0] <= 100.0 * hazards[1]:
            base, factor = hazards[1], hazards[0] / hazards[1]
        changes = {"exits.failure_per_month": float(base), "exits.failure_first_year_factor": float(factor)}
        out.append(worlds.parameters(ONLY_FAILURE | changes))
    return out


def survivors(values: Values, seed: int) -> tuple[np.ndarray, int]:
    """Return how many of a cohort are alive after each month, and how many ends are not those of their draw."""
    hazards, cohort = monthly(values["hazards"]), values["startups"]
    world = worlds.settle(
        worlds.town(1, 1, ROOMY_M2), worlds.startups(cohort, born=0, stage=np.arange(cohort) % 6)
    )
    terms, alive, wrong = worlds.terms_of(world.grid), [cohort], 0
    for year, par in enumerate(by_age(hazards)):
        for month in range(MONTHS_A_YEAR * year + 1, MONTHS_A_YEAR * (year + 1) + 1):
            world.month = month
            world.begin_month()
            world.former.n = 0
            firms, draw = world.startups.parts[0], Draws(seed, month)
            expected = worlds.draws_of(firms, draw("fail")) < hazards[year]
            exits.end_startups(world, par, terms, draw)
            failed = firms["status"] != ACTIVE
            wrong += number_of(failed != expected)
            alive.append(len(firms) - number_of(failed))
    return np.array(alive), wrong


def check_survival(values: Values, seed: int) -> list[Row]:
    """Compare the survival of a cohort with the product of its yearly hazards."""
    alive, wrong = survivors(values, seed)
    years, cohort = len(values["hazards"]), values["startups"]
    theory = np.cumprod(1.0 - np.asarray(values["hazards"]))
    rows = [none_row("startups whose end is not that of u < hazard", wrong, float(alive[:-1].sum()))]
    whole = 1.0
    for year, par in enumerate(by_age(monthly(values["hazards"]))):
        for age in range(MONTHS_A_YEAR * year + 1, MONTHS_A_YEAR * (year + 1) + 1):
            whole *= 1.0 - exits.failure_probability(age % 6, age, 1.0, 1.0, par.exits)
    reason = "rounding of twelfth roots and their products"
    rows.append(
        Row(
            f"survival after {years} years, product of the engine's chances", theory[-1], whole, 1e-12, reason
        )
    )
    for year in range(years):
        hits = int(alive[MONTHS_A_YEAR * (year + 1)])
        rows.append(share_row(f"survival after {year + 1} years", hits, cohort, theory[year], each(years)))
    return rows


def draw_survival(values: Values, seed: int, figure: "Figure") -> None:
    """Draw the survival curve of the cohort over that of theory."""
    alive, _ = survivors(values, seed)
    hazards = np.repeat(monthly(values["hazards"]), MONTHS_A_YEAR)
    years = np.arange(len(alive)) / MONTHS_A_YEAR
    axes = figure.subplots()
    axes.step(years, alive / alive[0], where="post", lw=3, alpha=0.5, label="simulation")
    axes.plot(years, np.cumprod(np.concatenate([[1.0], 1.0 - hazards])), "k--", lw=1, label="theory")
    table = np.cumprod(np.concatenate([[1.0], 1.0 - np.asarray(values["hazards"])]))
    axes.plot(np.arange(len(table)), table, "ko", label="product of the yearly table")
    axes.set(xlabel="age (years)", ylabel="share still alive", ylim=(0.0, 1.02))
    axes.legend()


SURVIVAL = Case(
    name="survival",
    title="a table of yearly hazards gives its survival curve",
    about="A cohort is exposed to a table of yearly chances of failure, each spread evenly over its twelve months; "
    "S(n) is the product of 1 - h over the years. Under test: exits.failure_probability and exits.end_startups with "
    "the engine's own first-year factor between the first two years (E17). Default: the register of the State "
    "Administration for Industry and Commerce (2013), whose last years are stated as above 8 % only.",
    knobs={
        "hazards": Knob(
            (0.016, 0.063, 0.095, 0.085, 0.082, 0.081, 0.080),
            "chance of failing in each year of age",
            "1/year",
            0.0,
            0.999,
        ),
        "startups": Knob(60_000, "startups of the cohort", "startups", 100, 1_000_000),
    },
    check=check_survival,
    picture=draw_survival,
)


# Branching

STILL_TO_HAPPEN = 0.1  # of a tolerance, up to which months are as good as for ever
SURELY = 1e-9  # chance of dying out that counts as none
MOST_STARTUPS = 150_000  # in the months before the first lineages are set aside
COUNTED_MONTHS, LONG = 36, 10_000  # in which spin-offs are held against their draws; more than any


def offspring(q: float, hazard: float, rate: float) -> float:
    """Return E[q^Z], Z being what a startup leaves a month later: itself if it lives, and its spin-offs."""
    return hazard + (1.0 - hazard) * q * math.exp(rate * (q - 1.0))


def grown_cumulant(hazard: float, rate: float, months: int, tilt: float) -> float:
    """Return ln E e^(tilt (Z - E Z)), Z being what a startup leaves so many months later."""
    above = np.expm1(tilt)
    for _ in range(months):  # E[s^Z] - 1 of s - 1
        above = (1.0 - hazard) * np.expm1(rate * above + np.log1p(above))
    return float(np.log1p(above) - tilt * ((1.0 - hazard) * (1.0 + rate)) ** months)


def extinction(hazard: float, rate: float) -> float:
    """Return the chance that a lineage of one startup ever dies out."""
    if hazard == 0.0:
        return 0.0
    most = 1.0 - 1e-12  # next to the root 1, which is not the chance if another lies below
    if (1.0 - hazard) * (1.0 + rate) <= 1.0 or offspring(most, hazard, rate) >= most:
        return 1.0
    return float(optimize.brentq(lambda q: offspring(q, hazard, rate) - q, 0.0, most))


class Lineages:
    """Many lineages of spin-offs, each from one startup, beside each other in one world."""

    def __init__(self, values: Values, seed: int) -> None:
        self.hazard, self.rate, self.seed = values["hazard"], values["spinoffs"], seed
        self.number = values["lineages"]
        self.par = worlds.parameters(
            ONLY_FAILURE
            | ALL_HERE
            | {"exits.failure_per_month": self.hazard, "births.spinoff_per_month": self.rate,
               "births.spinoff_size_exponent": 0.0, "births.spinoff_age_months": 0, "births.boost_factor": 1.0})  # fmt: skip
        rows = worlds.startups(self.number, lock_fund=np.arange(self.number))
        self.world = worlds.settle(worlds.town(1, 1, ROOMY_M2), rows)
        self.terms = worlds.terms_of(self.world.grid)
        self.line = dict(zip(rows["uid"].tolist(), range(self.number), strict=True))
        self.safe = np.zeros(self.number, dtype=bool)  # too large ever to die out
        q = extinction(self.hazard, self.rate)
        self.bound = math.inf if q >= 1.0 else math.log(SURELY) / math.log(max(q, SURELY))
        growth = math.log((1.0 - self.hazard) * (1.0 + self.rate))
        room = math.log(max(MOST_STARTUPS / self.number, 1.0))
        self.whole = min(
            values["months"], COUNTED_MONTHS, max(int(room / growth), 1) if growth > 0.0 else LONG
        )
        self.wrong = self.watched = 0

    def live(self, month: int) -> None:
        """Let a month pass: failures, then spin-offs of the survivors, who find rooms at once."""
        world, draw = self.world, Draws(self.seed, month)
        world.month = month
        world.begin_month()
        world.former.n = 0
        firms, before = world.startups.parts[0], world.startups.n
        fails = worlds.draws_of(firms, draw("fail")) < self.hazard
        exits.end_startups(world, self.par, self.terms, draw)
        births.found_startups(world, self.par, self.terms, draw)
        firms, _, books = world.startups.parts
        if month <= self.whole:
            self.count_errors(firms[:before], books["parent"][before:], fails, draw)
        parents = [self.line[uid] for uid in books["parent"][before:].tolist()]
        books["lock_fund"][before:] = parents  # a field that nobody reads here carries the lineage
        self.line.update(zip(firms["uid"][before:].tolist(), parents, strict=True))
        firms["status"][before:], firms["cell"][before:] = ACTIVE, 0

    def count_errors(self, firms: np.ndarray, parents: np.ndarray, fails: np.ndarray, draw: Draws) -> None:
        """Count startups whose end or number of spin-offs is not that of their draws."""
        u = worlds.draws_of(firms, draw("spin-off"))
        expected = np.where(fails, 0.0, stats.poisson.ppf(u, self.rate))
        who, times = np.unique(parents, return_counts=True)
        order = np.argsort(firms["uid"])
        found = np.zeros(len(firms))
        found[order[np.searchsorted(firms["uid"][order], who)]] = times
        self.wrong += number_of((firms["status"] != ACTIVE) != fails)
        self.wrong += number_of(found != expected)
        self.watched += 2 * len(firms)

    def sizes(self) -> np.ndarray:
        """Return the startups of each lineage, (lineages,)."""
        at_work = self.world.startups["status"] == ACTIVE
        return np.bincount(self.world.startups["lock_fund"][at_work], minlength=self.number)

    def tidy(self, month: int) -> None:
        """Set lineages aside where that is due: once a year, or when there are too many startups."""
        if month >= self.whole and (month % MONTHS_A_YEAR == 0 or self.world.startups.n > MOST_STARTUPS):
            self.set_aside()

    def set_aside(self) -> None:
        """Take lineages out of the world that are too large to die out."""
        large = self.sizes() >= self.bound
        self.safe |= large
        rows = self.world.startups.whole()
        rows = rows[~large[rows["lock_fund"]] & (rows["status"] == ACTIVE)]
        self.world.startups.replace(rows)
        self.line = dict(zip(rows["uid"].tolist(), rows["lock_fund"].tolist(), strict=True))

    def gone(self) -> np.ndarray:
        """Return which lineages have died out, (lineages,)."""
        return (self.sizes() == 0) & ~self.safe


def check_branching(values: Values, seed: int) -> list[Row]:
    """Compare lineages that die out, and the growth of all, with a branching process."""
    run, months = Lineages(values, seed), values["months"]
    early, by_then, hazard, rate = run.whole, 0.0, run.hazard, run.rate
    for month in range(1, months + 1):
        run.live(month)
        by_then = offspring(by_then, hazard, rate)
        if month == early:
            grown = float(run.sizes().sum())
        run.tidy(month)
    q, gone, group = extinction(hazard, rate), run.gone(), values["founders"]
    mean = (1.0 - hazard) * (1.0 + rate)
    spread = (1.0 - hazard) * ((1.0 + rate) ** 2 + rate) - mean**2
    powers = mean ** (early - 1) * sum(mean**k for k in range(early))
    groups = gone[: len(gone) // group * group].reshape(-1, group).all(axis=1)
    exact = float(births.spinoff_rate(run.par.operations.target_heads[1, 0], run.par.births))
    share = each(4)
    ever = [
        (
            share_row(quantity, number_of(ends), len(ends), by_then**size, share, q**size),
            abs(q**size - by_then**size),
        )
        for quantity, ends, size in (
            ("lineages of 1 startup that ever die out", gone, 1),
            (f"lineages of {group} startups that ever die out", groups, group),
        )
    ]
    return [
        none_row("startups whose end or spin-offs are not those of their draws", run.wrong, run.watched),
        Row(
            "spin-offs a month of a startup, the engine's rate",
            rate,
            exact,
            1e-15 + 1e-12 * rate,
            "rounding of an exponential of 0",
        ),
        sum_row(
            f"startups after {early} months for one at the start",
            mean**early,
            grown / run.number,
            run.number,
            functools.partial(grown_cumulant, hazard, rate, early),
            math.sqrt(spread * powers),
            share,
            f"{run.number} lineages",
        ),
        share_row(
            f"lineages that have died out after {months} months", number_of(gone), run.number, by_then, share
        ),
        # what is left to happen must not be what makes the tolerance
        *(row for row, left in ever if left <= STILL_TO_HAPPEN * (row.tolerance - left)),
    ]


def draw_branching(values: Values, seed: int, figure: "Figure") -> None:
    """Draw the share of lineages that have died out over time."""
    run, months = Lineages(values, seed), values["months"]
    found, theory = [0.0], [0.0]
    for month in range(1, months + 1):
        run.live(month)
        run.tidy(month)
        found.append(float(run.gone().mean()))
        theory.append(offspring(theory[-1], run.hazard, run.rate))
    axes = figure.subplots()
    axes.plot(found, lw=3, alpha=0.5, label="simulation")
    axes.plot(theory, "k--", lw=1, label="theory")
    axes.axhline(extinction(run.hazard, run.rate), color="k", lw=0.5, label="ever")
    axes.set(xlabel="months", ylabel="share of lineages that have died out", ylim=(0.0, 1.0))
    axes.legend()


BRANCHING = Case(
    name="branching",
    title="lineages of spin-offs die out as a branching process does",
    about="A startup fails with chance h, or else leaves itself and Poisson(b) spin-offs: q = h + (1 - h) q e^(b(q - 1)) "
    "is the chance that a lineage of one ever dies out, q^n for n of them, and (1 - h)(1 + b) the growth of all. "
    "Under test: exits.end_startups and births.found_startups with births.spinoff_counts and births.add_spinoffs "
    "(E17, E19); rooms are given by hand. Literature: F. Galton and H. Watson (1875), On the probability of the "
    "extinction of families, Journal of the Anthropological Institute 4, 138-144; S. Klepper (2007), Disagreements, "
    "spinoffs, and the evolution of Detroit, Management Science 53, 616-631.",
    knobs={
        "hazard": Knob(0.01, "chance that a startup fails", "1/month", 0.0, 0.9),
        "spinoffs": Knob(0.02, "spin-offs of a startup", "1/month", 0.0, 1.0),
        "founders": Knob(10, "startups of a lineage that begins with several", "startups", 1, 100),
        "lineages": Knob(1_500, "lineages", "-", 100, 100_000),
        "months": Knob(480, "months that pass", "months", 1, 5_000),
    },
    check=check_branching,
    picture=draw_branching,
)


CASES = (STOCK, SURVIVAL, BRANCHING)
