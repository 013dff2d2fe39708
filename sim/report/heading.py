"""What stands above the sections of the report: its question, how it is answered, and what the study is."""

from sim.evaluation.result import Evaluation
from sim.figures.geography import Geography
from sim.report.rows import Row, budget_of
from sim.report.text import Both, counted, date_of, money, say

ACCEPTED = "accepted"  #: the one method of a design whose points are worlds that a calibration has accepted


class Heading:
    """The top of a report.

    Parameters
    ----------
    evaluation
        What a study says.
    rows
        Its policies, controls and stresses.
    geography
        World of the study.
    method
        How the points of its design were chosen; "" where that is not known.
    """

    def __init__(self, evaluation: Evaluation, rows: list[Row], geography: Geography, method: str) -> None:
        self.of, self.rows, self.method = evaluation, rows, method
        self.settings = geography.settings
        self.policies = [row for row in rows if row.role == "policy"]
        self.stresses = [row for row in rows if row.role == "stress"]
        budget = evaluation.equal_budget
        sized = {one.scenario for one in budget.levers if one.factor is not None} if budget else set()
        self.equal = [row for row in self.policies if row.result.id in sized]

    @property
    def when(self) -> Both:
        """Month at which effects are read."""
        last = self.of.horizons[-1]
        return say("month {month} ({date})", month=last, date=date_of(self.of.start, last))

    @property
    def most_pairs(self) -> int:
        """Seeds behind the policy that has most."""
        return max((row.result.pairs for row in self.rows), default=0)

    @property
    def question(self) -> Both:
        """The question that the report answers."""
        budget = self.of.equal_budget
        if not self.policies:
            return self._question_outside()
        if len(self.policies) == 1 and budget is None:
            return say("Does “{name}” add AI startups to the region, or does it only move them?",
                       name=self.policies[0].name)  # fmt: skip
        if budget is None:
            return say("Which policies add AI startups to the region, and which only move them?")
        return say("With {money} over {years} years, which policy adds AI startups to the region, and which only "
                   "moves them?", money=money(budget.present_value_rmb), years=budget.years)  # fmt: skip

    def _question_outside(self) -> Both:
        """Return the question of a study without a policy."""
        if len(self.stresses) > 1:
            return say("How do developments outside change the number of AI startups in the region?")
        row = (self.stresses or self.rows)[0]
        return say("How does “{name}” change the number of AI startups in the region?", name=row.name)

    @property
    def place(self) -> Both:
        """Name of the world."""
        name = str(self.settings["name"])
        return Both(name, str(self.settings.get("name_zh") or name))

    @property
    def lead(self) -> Both:
        """How the question is answered."""
        equal = self.of.equal_budget is not None
        first = (
            self._lead_outside()
            if not self.policies else
            say("{k} of {n} policies are brought to equal public cost, the others stand as their scenarios set them "
                "(section 6). Each is compared with the same baseline, seed by seed.",
                k=len(self.equal), n=len(self.policies))
            if equal and len(self.equal) < len(self.policies) else
            counted("{n} policy of equal public cost is compared with one baseline, seed by seed.",
                    "{n} policies of equal public cost are each compared with the same baseline, seed by seed.",
                    len(self.policies))
            if equal else
            counted("{n} policy is compared with one baseline, seed by seed.",
                    "{n} policies are each compared with the same baseline, seed by seed. They differ in cost, so read "
                    "effects and prices together.", len(self.policies))
        )  # fmt: skip
        return first + say("All figures are differences between scenarios, not forecasts.")

    def _lead_outside(self) -> Both:
        if not self.stresses:
            return say("Controls are compared with one baseline, seed by seed.")
        return counted("{n} development outside is compared with one baseline, seed by seed.",
                       "{n} developments outside are each compared with the same baseline, seed by seed.",
                       len(self.stresses))  # fmt: skip

    @property
    def facts(self) -> list[tuple[Both, Both]]:
        """What the study is, in pairs of a word and a value."""
        evaluation = self.of
        base = Both(evaluation.baseline_name, evaluation.baseline_name_zh or evaluation.baseline_name)
        return [
            (say("Baseline"), base),
            (say("Compared with it"), self._compared()),
            *self._paid(),
            (say("Read at"), self.when),
            (say("Paired seeds"), say("{n} of {all}", n=self.most_pairs, all=len(evaluation.seeds))),
            self._varied(),
        ]

    def _compared(self) -> Both:
        """Return how many policies and developments outside the study compares with its baseline."""
        parts = []
        if self.policies and self.of.equal_budget and len(self.equal) < len(self.policies):
            parts.append(
                say("{n} policies, {k} of them at equal cost", n=len(self.policies), k=len(self.equal))
            )
        elif self.policies and self.of.equal_budget:
            parts.append(say("{n} policies, equal cost", n=len(self.policies)))
        elif self.policies:
            parts.append(counted("{n} policy", "{n} policies", len(self.policies)))
        if self.stresses:
            parts.append(counted("{n} development outside", "{n} developments outside", len(self.stresses)))
        return (
            Both("; ".join(p.en for p in parts), "；".join(p.zh for p in parts)) if parts else say("controls")
        )

    def _paid(self) -> list[tuple[Both, Both]]:
        """Return what the public pays, where there is something to say of it."""
        budget = self.of.equal_budget
        if budget is not None:
            shown = say("{money}, {years} years", money=money(budget.present_value_rmb), years=budget.years)
            return [(say("Budget"), shown)]
        if len(self.policies) > 1:
            return [(say("Budget"), say("differs by policy"))]
        known = [row for row in self.policies if row.cost is not None]
        return [(say("Public cost"), say("{money}, present value", money=budget_of(row))) for row in known]

    def _varied(self) -> tuple[Both, Both]:
        """Return what the vectors of parameters are, and their number."""
        if self.of.vectors == 1:
            return say("Plausible worlds"), say("1: parameters as set")
        word = say("Plausible worlds") if self.method == ACCEPTED else say("Points of the design")
        return word, say("{n}, kept apart", n=self.of.vectors)
