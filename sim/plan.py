"""What a study runs, as data: its hash is the study's identity, and each run has one of its own."""

import dataclasses
import hashlib
import json
import pathlib
from typing import Any, Self

from sim.language import _
from sim.problems import shown

FORMAT = 1


class OtherPlanError(ValueError):
    """The folder holds results of another plan."""

    exit_code = 2


class DamagedResultsError(RuntimeError):
    """A file of the folder is not what was written."""

    exit_code = 3


@dataclasses.dataclass(frozen=True)
class Plan:
    """What a study runs.

    Attributes
    ----------
    baseline
        Id of the scenario with which the others are compared.
    scenarios
        ``fingerprint`` and resolved ``content`` of each scenario by its id, the baseline first.
    seeds
        Seeds; each scenario runs with each of them.
    months
        Months of each run.
    model
        Hash of the program's sources.
    """

    baseline: str
    scenarios: dict[str, dict[str, Any]]
    seeds: tuple[int, ...]
    months: int
    model: str

    @property
    def text(self) -> str:
        """The plan as canonical JSON; scenarios as a list, because their order is that of every table."""
        scenarios = [{"id": name} | values for name, values in self.scenarios.items()]
        return canonical({"format": FORMAT} | dataclasses.asdict(self) | {"scenarios": scenarios})

    @property
    def sha(self) -> str:
        """SHA-256 of the plan, in hexadecimal."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def run_id(self, scenario: str, seed: int) -> str:
        """Return the identity of one run: a hash of all that its result depends on."""
        parts = [self.scenarios[scenario]["fingerprint"], seed, self.months, self.model]
        return hashlib.sha256(canonical(parts).encode()).hexdigest()[:32]

    def differences(self, other: Self) -> list[str]:
        """Return in which keys `other` is not this plan with seeds or scenarios added."""
        keys = [key for key in ("baseline", "months", "model") if getattr(self, key) != getattr(other, key)]
        if not set(self.seeds) <= set(other.seeds):
            keys.append("seeds")
        theirs = other.scenarios
        return keys + [f"scenarios.{key}" for key, own in self.scenarios.items() if theirs.get(key) != own]


def read_plan(folder: pathlib.Path) -> Plan:
    """Return the plan that stands in a results folder."""
    path = folder / "plan.json"
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if values.pop("format") != FORMAT:
            raise OtherPlanError(_("{path}: written by another version of sim").format(path=shown(path)))
        scenarios = {scenario.pop("id"): scenario for scenario in values["scenarios"]}
        return Plan(**values | {"seeds": tuple(values["seeds"]), "scenarios": scenarios})
    except (KeyError, TypeError, AttributeError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise DamagedResultsError(
            _("{path}: damaged, or not written by sim; choose another folder").format(path=shown(path))
        ) from error


def canonical(value: Any) -> str:
    """Return a value as JSON that is the same for equal values."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
