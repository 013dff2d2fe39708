"""Policies as the report shows them: order, letter, colour, numbers, and what may be said of each in one sentence."""

import dataclasses
import functools
from typing import Any

from sim.evaluation.result import Additionality, Effect, Estimate, Evaluation, PolicyResult
from sim.figures.style import Mark
from sim.intervals import Interval
from sim.language import LANGUAGES, translated
from sim.report.text import (
    EMPTY,
    Both,
    alike,
    counted,
    effect,
    limits,
    money,
    name_of,
    percent,
    say,
    signed,
    whole,
)

NET, HEADS = "startups_region", "rd_heads_region"
#: what each cost ratio is divided by
BOUGHT = {
    "per_net_startup_rmb": NET,
    "per_net_rd_job_rmb": HEADS,
    "per_private_rmb": "private_capital_rmb",
}
SMALL = 10.0  #: net startups below which an effect is called little
#: the order in which roles stand in every table
ROLES = ("policy", "cash", "placebo", "stress")


def interval_of(found: Effect | Estimate | None, scale: float = 1.0) -> Interval:
    """Return mean and limits as an interval, all None where there is nothing."""
    if found is None or found.mean is None:
        return Interval()
    low, high = (None if end is None else end * scale for end in (found.low, found.high))
    return Interval(found.mean * scale, low, high)


@dataclasses.dataclass(frozen=True, eq=False)
class Row:
    """One policy, stress or control of the report.

    Attributes
    ----------
    result
        What the evaluation says.
    mark
        How it is drawn.
    slug
        What ids of its parts begin with.
    horizon
        Months simulated at which it is read.
    start
        First month simulated.
    """

    result: PolicyResult
    mark: Mark
    slug: str
    horizon: int
    start: str

    @property
    def name(self) -> Both:
        """Name of the policy."""
        return name_of(self.result)

    @property
    def role(self) -> str:
        """Policy, stress, cash or placebo."""
        return self.result.role

    @functools.cached_property
    def net(self) -> Effect | None:
        """Effect on the startups of the whole region."""
        return self.result.effect(NET, self.horizon)

    @property
    def net_interval(self) -> Interval:
        """The same as an interval."""
        return interval_of(self.net)

    @property
    def net_mean(self) -> float:
        """The same as a number, for sorting."""
        return self.net.mean if self.net is not None and self.net.mean is not None else 0.0

    @property
    def resolved(self) -> bool:
        """Whether a direction may be shown."""
        return self.net is not None and self.net.resolved

    @property
    def has_zones(self) -> bool:
        """Whether the policy is bound to places."""
        return bool(self.result.zones)

    @property
    def account(self) -> Additionality | None:
        """Where the startups of its zones would be without it; None without zones, and where no presence is kept."""
        return self.result.additionality if self.has_zones else None

    @property
    def is_unaccounted(self) -> bool:
        """Whether it is bound to places, but the study did not keep who was there."""
        return self.has_zones and self.account is None and self.result.pairs > 0

    @property
    def moved(self) -> float:
        """Startups of its zones that another zone of the region would have."""
        return self.account.displaced.mean or 0.0 if self.account is not None else 0.0

    @property
    def cost(self) -> Any:
        """What it costs up to the horizon; None where the study does not say."""
        return next((cost for cost in self.result.costs if cost.horizon == self.horizon), None)

    @property
    def is_equal_to_baseline(self) -> bool:
        """Whether no seed has any difference."""
        return self.net is not None and self.net.low == self.net.high == 0

    @property
    def is_never_in_force(self) -> bool:
        """Whether no lever is in force in any month."""
        return bool(self.result.levers) and all(use.months == 0 for use in self.result.levers)

    @property
    def tone(self) -> str:
        """Class of the verb: up, down or none."""
        return {"▲": "up", "▼": "down"}.get(self.chip, "none")

    @property
    def chip(self) -> str:
        """One character for the verb."""
        return self.net.chip if self.net is not None else "–"

    @property
    def verb(self) -> Both:
        """What the interval allows to say, in a word."""
        interval = self.net_interval
        if self.chip == "–" or interval.low is None or interval.high is None:
            return say("provisional")
        inside = interval.low > -SMALL and interval.high < SMALL
        if self.chip == "▲":
            return say("adds a little") if inside else say("adds")
        if self.chip == "▼":
            return say("loses a little") if inside else say("loses")
        if self.is_equal_to_baseline:
            return say("changes nothing")
        return (
            say("changes by less than {small:g}", small=SMALL) if self.chip == "＝" else say("not resolved")
        )

    @property
    def sentence(self) -> Both:
        """What the policy does to the number of startups in the region, in one or two plain sentences."""
        parts = [self._net_sentence(), self._moved_sentence(), self._cash_sentence()]
        return functools.reduce(Both.__add__, [part for part in parts if part], EMPTY)

    def _net_sentence(self) -> Both:
        interval = self.net_interval
        if interval.mean is None:
            return say("For {name} there is no pair of finished runs yet.", name=self.name)
        words: dict[str, Any] = {"name": self.name, "n": whole(abs(interval.mean))}
        if self.chip == "–" or interval.low is None:
            return say("{name}: {n} startups by the runs so far; too few seeds for a judgement.",
                       name=self.name, n=signed(interval.mean))  # fmt: skip
        if self.is_equal_to_baseline:
            if self.is_never_in_force:
                return say(
                    "{name} is not in force in any month simulated, so it changes nothing.", name=self.name
                )
            return say(
                "{name} does not change the number of startups: exactly 0 in every seed.", name=self.name
            )
        words["range"] = limits(interval)
        if self.chip == "▲":
            return say("{name} adds {n} startups to the region (95 % interval {range}).", **words)
        if self.chip == "▼":
            return say("{name} takes {n} startups from the region (95 % interval {range}).", **words)
        words["n"] = effect(interval)
        if self.chip == "＝":
            found = say("{name} changes the number of startups in the region by less than {small:g}: {n} ({range}).",
                        small=SMALL, **words)  # fmt: skip
            return found + self._corrected()
        found = say(
            "For {name}, whether the region gains or loses could not be established: {n} ({range}).", **words
        )
        return found + self._corrected() + self._more_seeds()

    @property
    def is_refused(self) -> bool:
        """Whether its interval excludes 0, but not after the correction for the number of tests."""
        return not self.resolved and self.net_interval.excludes_zero

    def _corrected(self) -> Both:
        if not self.is_refused:
            return EMPTY
        return say("The interval alone excludes 0, but not after the correction for the number of tests.")

    def _more_seeds(self) -> Both:
        more = self.net.more_seeds if self.net is not None else None
        if not more:
            return EMPTY
        return counted("About {n} more seed would settle the direction if mean and spread stay.",
                       "About {n} more seeds would settle the direction if mean and spread stay.", more)  # fmt: skip

    def _moved_sentence(self) -> Both:
        account = self.account
        if account is None or account.displaced_share.mean is None:
            return EMPTY
        gain = (account.displaced.mean or 0.0) + (account.attracted.mean or 0.0)
        if gain < 0.5:
            return EMPTY
        return say("Of the {gain} newcomers to its zones, {share} would be in other zones of the region without it.",
                   gain=whole(gain), share=percent(account.displaced_share.mean))  # fmt: skip

    def _cash_sentence(self) -> Both:
        cash = self.result.against_cash
        if cash is None or self.role != "policy":
            return EMPTY
        if cash.verdict == "worse":
            return say("For the same money, cash to every entrant does more.")
        if cash.verdict == "better":
            return say("For the same money it does more than cash to every entrant.")
        return EMPTY


def rows_of(evaluation: Evaluation, horizon: int) -> list[Row]:
    """Return policies, controls and stresses: letters in the order of the study, rows in that of the net effect."""
    made: dict[str, list[Row]] = {role: [] for role in ROLES}
    for place, result in enumerate(r for r in evaluation.policies if r.role in ROLES):
        group = made[result.role]
        mark = Mark.of_role(result.role, len(group))
        group.append(Row(result, mark, f"r{place}", horizon, evaluation.start))
    for role in ("policy", "stress"):
        made[role].sort(key=lambda row: -row.net_mean)
    return [row for role in ROLES for row in made[role]]


def in_both(text: str) -> Both:
    """Return a sentence that an evaluation holds, in either language, in both; where it is a name, as it stands."""
    return Both(*(translated(text, lang) for lang in LANGUAGES))


def price(row: Row, name: str) -> tuple[Interval, Both]:
    """Return a cost ratio [M RMB] of a policy, and what is said where it has no number.

    Parameters
    ----------
    row
        The policy.
    name
        Attribute of its cost.
    """
    if row.cost is None:
        return Interval(), say("not counted")
    if row.cost.present_value_rmb.mean and row.chip == "–":
        return Interval(), say("provisional")
    estimate = getattr(row.cost, name)
    if estimate.mean is not None:
        return interval_of(estimate, 1e-6), EMPTY
    if not row.cost.present_value_rmb.mean:
        return Interval(), say("costs nothing")
    if row.cost.present_value_rmb.mean < 0:
        return Interval(), say("saves public money")
    bought = row.result.effect(BOUGHT[name], row.horizon)
    if bought is not None and bought.resolved and bought.mean is not None and bought.mean <= 0:
        return Interval(), say("no net gain")
    return Interval(), say("not resolved")


def least_price(row: Row) -> float | None:
    """Return what a net startup costs at the least [M RMB], where the net effect is not resolved, so that it may be 0."""
    if row.chip == "–" or row.cost is None:
        return None
    each = row.cost.per_net_startup_rmb
    return each.low / 1e6 if each.mean is None and each.low else None


def budget_of(row: Row) -> Both:
    """Return what the policy costs up to the horizon, in present value."""
    spent = row.cost.present_value_rmb.mean if row.cost is not None else None
    return alike("–") if spent is None else money(spent)
