"""What a study runs, as data: its hash is the study's identity, and each run has one of its own."""

import dataclasses
import functools
import hashlib
import itertools
import json
import pathlib
from collections.abc import Iterator
from typing import Any, NamedTuple, Self

from sim.language import _
from sim.problems import shown

FORMAT = 2
#: tables that are kept of a run besides its outcomes, unless a plan says otherwise
KEEP = ("series", "region", "presence", "costs")


class OtherPlanError(ValueError):
    """The folder holds results of another plan."""

    exit_code = 2


class DamagedResultsError(RuntimeError):
    """A file of the folder is not what was written."""

    exit_code = 3


class Arm(NamedTuple):
    """One run of a plan: scenario, position of its point in the design, seed, and the run's identity."""

    scenario: str
    point: int
    seed: int
    run: str


@dataclasses.dataclass(frozen=True)
class Plan:
    """What a study runs.

    Attributes
    ----------
    baseline
        Id of the scenario with which the others are compared.
    scenarios
        ``fingerprint`` and resolved ``content`` of each scenario by its id, the baseline first; with a design also
        the ``axes`` that it has.
    seeds
        Seeds; each scenario runs at each point with each of them.
    months
        Months of each run.
    model
        Hash of the program's sources.
    points
        Points of the design: values by dotted key. Without a design one point without values.
    factors
        Keys whose values multiply the scenario's own.
    keep
        Tables that are kept of each run besides its outcomes.
    """

    baseline: str
    scenarios: dict[str, dict[str, Any]]
    seeds: tuple[int, ...]
    months: int
    model: str
    points: tuple[dict[str, Any], ...] = ({},)
    factors: tuple[str, ...] = ()
    keep: tuple[str, ...] = KEEP

    @functools.cached_property
    def text(self) -> str:
        """The plan as canonical JSON; scenarios as a list, because their order is that of every table."""
        scenarios = [{"id": name} | values for name, values in self.scenarios.items()]
        return canonical({"format": FORMAT} | dataclasses.asdict(self) | {"scenarios": scenarios})

    @functools.cached_property
    def sha(self) -> str:
        """SHA-256 of the plan, in hexadecimal."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def run_id(self, scenario: str, seed: int, point: int = 0) -> str:
        """Return the identity of one run: a hash of all that its result depends on."""
        parts = [self.scenarios[scenario]["fingerprint"], seed, self.months, self.model]
        values = self.values(scenario, point)
        if values:
            parts.append([[key, value, key in self.factors] for key, value in sorted(values.items())])
        return hashlib.sha256(canonical(parts).encode()).hexdigest()[:32]

    def values(self, scenario: str, point: int) -> dict[str, Any]:
        """Return the values of a point that a scenario takes."""
        axes = self.scenarios[scenario].get("axes", ())
        return {key: value for key, value in self.points[point].items() if key in axes}

    @property
    def size(self) -> int:
        """Number of arms."""
        return len(self.scenarios) * len(self.points) * len(self.seeds)

    def arms(self) -> Iterator[Arm]:
        """Yield every run of the plan: scenario by scenario, point by point, seed by seed."""
        for scenario, point, seed in itertools.product(self.scenarios, range(len(self.points)), self.seeds):
            yield Arm(scenario, point, seed, self.run_id(scenario, seed, point))

    def differences(self, other: Self) -> list[str]:
        """Return in which keys `other` is not this plan with seeds, scenarios or points added."""
        alike = ("baseline", "months", "model", "factors", "keep")
        keys = [key for key in alike if getattr(self, key) != getattr(other, key)]
        if not set(self.seeds) <= set(other.seeds):
            keys.append("seeds")
        theirs = {canonical(point) for point in other.points}
        if not all(canonical(point) in theirs for point in self.points):
            keys.append("design")
        for name, own in self.scenarios.items():
            if other.scenarios.get(name) != own:
                keys.append(f"scenarios.{name}")
        return keys


def read_plan(folder: pathlib.Path) -> Plan:
    """Return the plan that stands in a results folder."""
    path = folder / "plan.json"
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if values.pop("format") != FORMAT:
            raise OtherPlanError(_("{path}: written by another version of sim").format(path=shown(path)))
        scenarios = {scenario.pop("id"): scenario for scenario in values["scenarios"]}
        listed = {key: tuple(values[key]) for key in ("seeds", "points", "factors", "keep")}
        return Plan(**values | listed | {"scenarios": scenarios})
    except (KeyError, TypeError, AttributeError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise DamagedResultsError(
            _("{path}: damaged, or not written by sim; choose another folder").format(path=shown(path))
        ) from error


def canonical(value: Any) -> str:
    """Return a value as JSON that is the same for equal values."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
