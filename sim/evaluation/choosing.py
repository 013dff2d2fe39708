"""Which policy does more for the same money: against cash, among all, at other doses, in other worlds.

Every comparison is made over the same resamples of seeds, so that what seeds have in common cancels.
"""

import dataclasses

import numpy as np

from sim.evaluation import accounts, design
from sim.evaluation.effects import Levels, provisional
from sim.evaluation.intervals import Resamples, mean_of, resamples_of, spread, widened
from sim.evaluation.reading import Runs
from sim.evaluation.result import AgainstCash, Best, Dose, EqualBudget, Estimate, Regret, SizedLever
from sim.intervals import FEWEST_PAIRS, LEVEL
from sim.language import _
from sim.summary import number, percent, signed

NET, NET_PER_MONEY = "net startups", "net startups per 100 M RMB"
SURE = 0.95
_UNIT_RMB = 1e8
BETTER, WORSE, UNRESOLVED, NOT_COMPARABLE = "better", "worse", "not resolved", "not comparable"


@dataclasses.dataclass(frozen=True)
class Yield:
    """What a policy yields and costs in each seed, (n_seeds,) each; NaN where the pair is missing."""

    net: np.ndarray
    cost: np.ndarray


class Choosing:
    """Compares policies by what they yield for their money.

    Parameters
    ----------
    runs, levels
        What was read.
    """

    def __init__(self, runs: Runs, levels: Levels) -> None:
        self.runs, self.levels = runs, levels
        self.entries = runs.store.plan.scenarios
        startups = levels.region("startups_region")[..., -1]
        self.yields: dict[str, Yield] = {}
        for member in runs.members:
            if member.position == member.base:
                continue
            pairs = runs.pairs(member)
            net, cost = np.full((2, len(runs.seeds)), np.nan)
            net[pairs] = startups[member.position, pairs] - startups[member.base, pairs]
            cost[pairs] = accounts.money(runs, levels, member)["pv"][:, -1]
            self.yields[member.id] = Yield(net, cost)
        self.unfinished = {member.id for member in runs.members if provisional(runs, member)}
        self.criterion = NET if self.equal_budget() is not None else NET_PER_MONEY

    def equal_budget(self) -> EqualBudget | None:
        """Return the common budget to which the study brought its policies, None if it did not."""
        sized = {name: entry["budget"] for name, entry in self.entries.items() if "budget" in entry}
        if not sized:
            return None
        first = next(iter(sized.values()))
        rows = tuple(SizedLever(name, b["factor"], b["found_rmb"], b["reason"]) for name, b in sized.items()
                     if "world" not in self.entries[name] and "dose" not in self.entries[name])  # fmt: skip
        return EqualBudget(first["present_value_rmb"], first["discount"], first["years"], rows)

    def compared(self) -> list[design.Member]:
        """Return policies and the cash benchmark, as far as they cost something."""
        return [
            m for m in self.runs.members if m.role in (design.POLICY, design.CASH_ROLE) and self._costs(m.id)
        ]

    def left_out(self) -> tuple[str, ...]:
        """Return the policies without cost."""
        return tuple(m.id for m in self.runs.members if m.role == design.POLICY and not self._costs(m.id))

    def _costs(self, name: str) -> bool:
        cost = self.yields[name].cost
        known = cost[~np.isnan(cost)]
        factor = self.entries[name].get("budget", {"factor": 1.0})["factor"]
        return factor is not None and len(known) > 0 and float(known.mean()) > 0

    def values(
        self, names: list[str], seeds: np.ndarray, resamples: Resamples
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the criterion of each policy over seeds, (n,), and over each resample of them, (number, n).

        Where a policy costs nothing, or less than nothing, the criterion is infinite if it yields something, and else the least
        of all: money that is saved by losing startups is no yield.
        """
        net = np.column_stack([self.yields[name].net[seeds] for name in names])
        if self.criterion == NET:
            return net.mean(axis=0), resamples.sums(net) / len(seeds)
        cost = np.column_stack([self.yields[name].cost[seeds] for name in names])
        return (
            _per_money(net.sum(axis=0), cost.sum(axis=0)),
            _per_money(resamples.sums(net), resamples.sums(cost)),
        )

    def common(self, names: list[str]) -> np.ndarray:
        """Return the positions of the seeds that all these policies have."""
        return np.flatnonzero(~np.isnan(np.array([self.yields[name].net for name in names])).any(axis=0))

    def against_cash(self, member: design.Member) -> AgainstCash | None:
        """Compare a policy with cash for every entrant; None if the study has no such run."""
        cash = next((m for m in self.runs.members if m.role == design.CASH_ROLE and self._costs(m.id)), None)
        if cash is None:
            return None
        if member.id == cash.id or not self._costs(member.id):
            what = _("is the benchmark") if member.id == cash.id else _("costs the public nothing")
            return AgainstCash(NOT_COMPARABLE, self.criterion, Estimate(note=what), "")
        seeds = self.common([member.id, cash.id])
        if len(seeds) < FEWEST_PAIRS:
            note = _("no interval from fewer than 5 seeds is called one")
            return AgainstCash(UNRESOLVED, self.criterion, Estimate(note=note), "")
        resamples, tests = (
            resamples_of(len(seeds)),
            len([m for m in self.compared() if m.role == design.POLICY]),
        )
        values, resampled = self.values([member.id, cash.id], seeds, resamples)
        gap = resamples.percentiles(float(values[0] - values[1]), _behind(resampled[:, 0], resampled[:, 1]))
        verdict = UNRESOLVED
        if self.unfinished & {member.id, cash.id}:
            gap = dataclasses.replace(gap, note=_("not all seeds are done"))
        elif gap.mean is not None and gap.low is not None and gap.high is not None:
            level = 1 - (1 - LEVEL) / max(tests, 1)  # Bonferroni's
            wider = spread(len(seeds), level) / spread(len(seeds))
            low, high = (gap.mean + wider * (end - gap.mean) for end in (gap.low, gap.high))
            verdict = BETTER if low > 0 else WORSE if high < 0 else UNRESOLVED
            if verdict == UNRESOLVED and not gap.low <= 0 <= gap.high:
                note = _("its own interval excludes 0, but not among {n} tests").format(n=tests)
                gap = dataclasses.replace(gap, note=note)
        return AgainstCash(verdict, self.criterion, gap, _beside_cash(verdict, self.criterion, gap))

    def best(self, gaining: set[str]) -> Best | None:
        """Return with what probability each policy is best; None with fewer than two that cost something.

        Only one of those `gaining` startups, by their verb, is called surely best.
        """
        names = [member.id for member in self.compared()]
        seeds = self.common(names) if names else np.zeros(0, dtype=int)
        if len(names) < 2 or len(seeds) < FEWEST_PAIRS:
            return None
        shares = alone_first(widened(*self.values(names, seeds, resamples_of(len(seeds))), len(seeds)))
        unfinished = self.unfinished.intersection(names)
        gaining = set() if unfinished else gaining
        sure = next((n for n, p in zip(names, shares, strict=True) if p >= SURE and n in gaining), None)
        top = int(shares.argmax())
        if sure:
            text = _("{name} yields most {criterion} with probability {p}, among {names}")
        elif shares[top] >= SURE and not unfinished:
            text = _("{name} yields most {criterion} with probability {p}, among {names}, but it is not resolved that it adds "
                     "any")  # fmt: skip
        elif shares[top]:
            text = _(
                "no policy is surely best: {name} yields most {criterion} with probability {p}, among {names}"
            )
        else:
            text = _("no policy yields more {criterion} than another, among {names}")
        said = text.format(name=names[top], criterion=_(self.criterion), p=percent(float(shares[top])),
                           names=", ".join(names))  # fmt: skip
        said += _("; ") + _("not all seeds are done") if unfinished else ""
        return Best(self.criterion, tuple(names), tuple(map(float, shares)), sure, self.left_out(), said)

    def doses(self, member: design.Member, price: Estimate) -> tuple[Dose, ...]:
        """Return a policy at multiples of its size, the smallest first; nothing if the study has one size only.

        At its own size it has the price that stands beside its verb; other sizes have no verb, and their own interval decides.
        """
        of = [m for m in self.runs.members if m.role == design.DOSE and m.of == member.id]
        heads = self.levels.region("rd_heads_region")[..., -1]
        rows = []
        for m in sorted([*of, member], key=lambda m: m.dose) if of else ():
            pairs = self.runs.pairs(m)
            net, cost = (values[pairs] for values in (self.yields[m.id].net, self.yields[m.id].cost))
            rd = heads[m.position, pairs] - heads[m.base, pairs]
            each = price if m is member else accounts.price(cost, net)
            rows.append(Dose(m.id, m.dose, mean_of(cost), mean_of(net), mean_of(rd), each))
        return tuple(rows)

    def regret(self) -> Regret | None:
        """Return how far each policy stays behind the best in each world; None if only one world was run."""
        worlds = tuple(dict.fromkeys(member.world for member in self.runs.members))
        names = [member.id for member in self.compared() if member.role == design.POLICY]
        found = {(m.of, m.world): m.id for m in self.runs.members if m.position != m.base and (m.world or m.of in names)
                 and m.role != design.DOSE}  # fmt: skip
        names = [n for n in names if all((n, w) in found and self._costs(found[n, w]) for w in worlds)]
        runs = [found[name, world] for name in names for world in worlds]
        seeds = self.common(runs) if runs else np.zeros(0, dtype=int)
        if len(worlds) < 2 or len(names) < 2 or len(seeds) < FEWEST_PAIRS:
            return None
        shape = (len(names), len(worlds))
        values, resampled = self.values(runs, seeds, resamples_of(len(seeds)))
        effect, many = values.reshape(shape), widened(values, resampled, len(seeds)).reshape(-1, *shape)
        regret = effect.max(axis=0) - effect
        worst = regret.max(axis=1)
        shares = alone_first(-_behind(many.max(axis=1, keepdims=True), many).max(axis=2))
        leads = np.column_stack([alone_first(many[:, :, w]) for w in range(len(worlds))])
        unfinished = bool(self.unfinished.intersection(runs))
        least = names[int(worst.argmin())] if shares.any() else None
        return Regret(self.criterion, worlds, tuple(names), _rows(effect), _rows(regret), tuple(map(float, worst)), least,
                      tuple(map(float, shares)), self._of_regret(names, worst, shares, unfinished),
                      () if unfinished else tuple(map(tuple, leads.tolist())))  # fmt: skip

    def _of_regret(self, names: list[str], worst: np.ndarray, shares: np.ndarray, unfinished: bool) -> str:
        """Return which policy has the smallest largest regret in words, and how sure that is."""
        least = int(worst.argmin())
        if not shares.any():
            text = _("no policy has a smaller largest regret than another, among {names}")
        elif shares[least] >= SURE and not unfinished:
            text = _("{name} has the smallest largest regret, {regret} {criterion} by the means over seeds, with probability {p}, "
                     "among {names}")  # fmt: skip
        else:
            text = _("no policy surely has the smallest largest regret: by the means over seeds {name} has it, {regret} "
                     "{criterion}, with probability {p}, among {names}")  # fmt: skip
        return text.format(name=names[least], regret=number(float(worst[least])), criterion=_(self.criterion),
                           p=percent(float(shares[least])), names=", ".join(names))  # fmt: skip


def alone_first(values: np.ndarray) -> np.ndarray:
    """Return in what share of the rows (number, n) each column is larger than all others, (n,)."""
    first = values == values.max(axis=1, keepdims=True)
    return (first & (first.sum(axis=1, keepdims=True) == 1)).mean(axis=0)


def _per_money(net: np.ndarray, cost: np.ndarray) -> np.ndarray:
    """Return the net effect for 100 M RMB; see `Choosing.values` for what costs nothing."""
    free = np.where(net > 0, np.inf, -np.inf)
    return np.where(cost > 0, net / np.where(cost > 0, cost, 1.0) * _UNIT_RMB, free)


def _behind(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the first less the second; 0 where both are infinite alike."""
    with np.errstate(invalid="ignore"):
        return np.where(first == second, 0.0, first - second)


def _rows(matrix: np.ndarray) -> tuple[tuple[float | None, ...], ...]:
    return tuple(tuple(row) for row in matrix.tolist())


def _beside_cash(verdict: str, criterion: str, gap: Estimate) -> str:
    """Return in words how a policy stands beside cash."""
    if verdict == UNRESOLVED:
        text = _("whether it does better than cash for every entrant is not resolved")
        return text + (_("; ") + gap.note if gap.note else "")
    text = _("does better than cash for every entrant: {gap} {criterion}") if verdict == BETTER else _(
        "does worse than cash for every entrant: {gap} {criterion}")  # fmt: skip
    interval = ""
    if gap.low is not None and gap.high is not None:
        interval = _(" (95 % interval {low} to {high})").format(low=number(gap.low), high=number(gap.high))
    return text.format(gap=signed(gap.mean or 0.0), criterion=_(criterion)) + interval
