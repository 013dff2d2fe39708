"""Sensitivity: which parameters move levels, and which move the effects of policies.

Morris screens all parameters that state a plausible range; Sobol indices, with intervals, follow for those that matter most.
Policies are run beside the baseline at each point with the same seed, so that effects are paired. Whatever changes one decision
changes the luck of all that follow, so a parameter of no importance moves outputs too: as much as other seeds would. That
noise floor follows from the spread over seeds at the shipped defaults. What lies below it says nothing.

References
----------
M. Morris (1991), Factorial sampling plans for preliminary computational experiments, Technometrics 33, 161-174,
doi:10.1080/00401706.1991.10484804. A. Saltelli et al. (2010), Variance based sensitivity analysis of model output,
Computer Physics Communications 181, 259-270, doi:10.1016/j.cpc.2009.09.018. J. Herman and W. Usher (2017), SALib: an
open-source Python library for sensitivity analysis, Journal of Open Source Software 2(9), 97, doi:10.21105/joss.00097.
"""

import dataclasses
import math
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from sim.alignment import aligned
from sim.calibration.tables import Rows, number
from sim.designs import Axis
from sim.language import _
from sim.parameters import SECTIONS
from sim.problems import shown
from sim.scenario import Scenario
from sim.store import Store
from sim.studies import run_study
from sim.study_files import Study, axis_of, value_of

BASELINE = "baseline"
#: levels that are looked at, and those of them whose change by a policy is, too
LEVELS = ("startups_region", "rd_heads_region", "deals", "capital_rmb", "marcon_puech_500m", "south_share")
EFFECTS = ("startups_region", "rd_heads_region")
NOISE_SEEDS = tuple(range(1, 13))
MORRIS_LEVELS, SEED, RESAMPLES = 4, 1, 200
#: step of an elementary effect, as a share of the range
STEP = MORRIS_LEVELS / (2 * (MORRIS_LEVELS - 1))
#: standard normal quantile that one parameter in a hundred without effect exceeds
ONE_IN_A_HUNDRED = 2.326
#: parameters that are no numbers of the world: definitions, switches for theory, and exact by argument
LEFT_OUT = ("switch", "definition")
EXACT = ("location.size_weight", "operations.spillover_centre", "operations.diversity_centre")


@dataclasses.dataclass(frozen=True)
class Asked:
    """What is analysed: policies, trajectories of Morris, base sample of Sobol, parameters that go on, months."""

    policies: tuple[str, ...]
    trajectories: int
    sobol: int
    survivors: int
    months: int


@dataclasses.dataclass(frozen=True)
class Moved:
    """How one parameter moves one output.

    Attributes
    ----------
    key, output
        Parameter and output.
    strength, half
        Morris: mean absolute elementary effect over the whole range. Sobol: total index. And half of its 95 % interval.
    other
        Morris: spread of the elementary effects, which interactions and bends make. Sobol: first-order index.
    """

    key: str
    output: str
    strength: float
    half: float
    other: float


@dataclasses.dataclass(frozen=True, eq=False)
class Sensitivity:
    """What an analysis found.

    Attributes
    ----------
    screened, indices
        By Morris, and by Sobol.
    noise
        Standard deviation over seeds of each output, at the shipped defaults.
    values
        The outputs at the shipped defaults, means over seeds.
    spread
        Standard deviation of each output over the base sample of Sobol; empty without one.
    asked
        What was analysed.
    """

    screened: list[Moved]
    indices: list[Moved]
    noise: dict[str, float]
    values: dict[str, float]
    spread: dict[str, float]
    asked: Asked

    @property
    def luck(self) -> dict[str, float]:
        """Mean absolute effect on each output that one parameter in a hundred exceeds by luck alone."""
        return {name: luck(sd, self.asked.trajectories) for name, sd in self.noise.items()}

    @property
    def luck_share(self) -> dict[str, float]:
        """Total index of a parameter on each output if it changes nothing but luck."""
        return {name: (self.noise[name] / sd) ** 2 for name, sd in self.spread.items() if sd > 0}

    def top(self, output: str, most: int = 6) -> list[Moved]:
        """Return what moves an output most, by Morris."""
        return sorted((m for m in self.screened if m.output == output), key=lambda m: -m.strength)[:most]

    def rows(self) -> Rows:
        """Return what moves each output most and by more than luck."""
        rows = [
            [
                _("output"),
                _("value"),
                _("standard deviation over seeds"),
                _("luck alone"),
                _("moved most by (mean absolute effect over the range)"),
            ]
        ]
        luck = self.luck
        for output in self.noise:
            beyond = [m for m in self.top(output) if m.strength > luck[output]]
            most = ", ".join(f"{m.key} {number(m.strength)}" for m in beyond) or _("nothing beyond luck")
            numbers = (self.values[output], self.noise[output], luck[output])
            rows.append([output, *map(number, numbers), most])
        return rows

    def index_rows(self) -> Rows:
        """Return total indices with half intervals, by parameter and output; last what luck alone gives."""
        outputs = list(dict.fromkeys(m.output for m in self.indices))
        rows = [[_("parameter"), *outputs]]
        for key in dict.fromkeys(m.key for m in self.indices):
            cells = [
                f"{m.strength:.2f} ± {m.half:.2f}"
                for out in outputs
                for m in self.indices
                if (m.key, m.output) == (key, out)
            ]
            rows.append([key, *cells])
        if len(rows) > 1:
            rows.append([_("luck alone"), *(f"{self.luck_share[out]:.2f}" for out in outputs)])
        return rows

    def lines(self) -> list[str]:
        """Return it as text."""
        said = [_("Morris, {n} parameters, {r} trajectories").format(
            n=len({m.key for m in self.screened}), r=self.asked.trajectories), *aligned(self.rows())]  # fmt: skip
        if self.indices:
            said += ["", _("Sobol, total indices ± half of the 95 % interval"), *aligned(self.index_rows())]
        return said

    def to_dict(self) -> dict[str, Any]:
        """Return it as what `--json` prints."""
        return {"noise": self.noise, "values": self.values, "asked": dataclasses.asdict(self.asked),
                "luck": self.luck, "luck_share": self.luck_share,
                "morris": [dataclasses.asdict(m) for m in self.screened],
                "sobol": [dataclasses.asdict(m) for m in self.indices]}  # fmt: skip


def all_axes(scenario: Scenario) -> tuple[Axis, ...]:
    """Return every parameter that states a plausible range of numbers, as an axis."""
    found = []
    for section, kind in SECTIONS.items():
        for name, field in kind.model_fields.items():
            key, about = f"{section}.{name}", field.json_schema_extra
            value = value_of(scenario, key)
            source = str(about["source"]) if isinstance(about, dict) else ""
            sweep = about["sweep"] if isinstance(about, dict) else []
            is_table = isinstance(value, tuple)
            if value is None or isinstance(value, bool | str) or (is_table and not isinstance(sweep, dict)):
                continue
            if not source.startswith(LEFT_OUT) and key not in EXACT:
                found.append(axis_of(scenario, key))
    return tuple(found)


def analyse(asked: Asked, out: pathlib.Path, workers: int | None = None) -> Sensitivity:
    """Do the runs of an analysis that are missing in a folder, and analyse them.

    Raises
    ------
    Interrupted
        If it is interrupted; what is finished is kept.
    ImportError
        If SALib is not installed.
    """
    try:
        import SALib
    except ImportError:
        raise ImportError(_("SALib is not installed: python -m uv sync --extra sensitivity")) from None
    del SALib
    scenarios = {name: Scenario.load(name) for name in (BASELINE, *asked.policies)}
    scenarios = {scenario.id: scenario for scenario in scenarios.values()}
    axes = all_axes(scenarios[BASELINE])
    # the noise first: it also says what the defaults give
    plain = outputs_of(scenarios, asked.months, (), ({},), NOISE_SEEDS, out / "noise", workers)
    noise = {name: float(values.std(ddof=1)) for name, values in plain.items()}
    means = {name: float(values.mean()) for name, values in plain.items()}
    screened = morris(scenarios, asked, axes, out / "morris", workers)
    found = Sensitivity(screened, [], noise, means, {}, asked)
    if asked.sobol:
        chosen = survivors(screened, found.luck, asked.survivors)
        kept = [axis for axis in axes if axis.key in chosen]
        indices, spread = sobol(scenarios, asked, kept, out / "sobol", workers)
        found = dataclasses.replace(found, indices=indices, spread=spread)
    return found


def luck(noise: float, trajectories: int) -> float:
    """Return the mean absolute elementary effect that one parameter in a hundred exceeds by luck alone.

    Two runs with luck of their own differ by a normal number with variance 2 noise^2; its absolute value has the mean
    2 noise / sqrt(pi) and the variance (2 - 4 / pi) noise^2.

    Parameters
    ----------
    noise
        Standard deviation of the output over seeds.
    trajectories
        Elementary effects of each parameter.
    """
    spread = math.sqrt((2.0 - 4.0 / math.pi) / trajectories)
    return noise / STEP * (2.0 / math.sqrt(math.pi) + ONE_IN_A_HUNDRED * spread)


def survivors(screened: Sequence[Moved], floor: dict[str, float], number: int) -> list[str]:
    """Return the parameters that move some output most, each output by its own largest; below the floor nothing counts."""
    largest = {name: max((m.strength for m in screened if m.output == name), default=0.0) for name in floor}
    score: dict[str, float] = {}
    for m in screened:
        relative = (
            m.strength / largest[m.output] if m.strength > floor[m.output] and largest[m.output] > 0 else 0.0
        )
        score[m.key] = max(score.get(m.key, 0.0), relative)
    return sorted(score, key=lambda key: (-score[key], key))[:number]


def outputs_of(
    scenarios: dict[str, Scenario],
    months: int,
    axes: tuple[Axis, ...],
    points: tuple[dict[str, Any], ...],
    seeds: tuple[int, ...],
    out: pathlib.Path,
    workers: int | None,
) -> dict[str, np.ndarray]:
    """Return outputs by name, levels of the baseline and paired effects of the others, (n_points * n_seeds,) each.

    Raises
    ------
    RuntimeError
        If a run failed: an analysis by design cannot do without one.
    """
    study = Study(out.name, out.name, scenarios, {}, seeds, months, axes, points, ())
    failed = run_study(study, out, workers)
    if failed:
        raise RuntimeError(f"{shown(out)}: {len(failed)} runs failed, the first with {failed[0].message}")
    results = Store(out)
    tables = results.tables("outcomes")
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in scenarios}
    for arm in results.plan.arms():
        rows[arm.scenario].append(tables[arm.run].to_pylist()[0])

    def column(name: str, key: str) -> np.ndarray:
        return np.array([np.nan if row[key] is None else row[key] for row in rows[name]], dtype=float)

    found = {key: column(BASELINE, key) for key in LEVELS}
    for policy in scenarios:
        if policy != BASELINE:
            found |= {f"{policy}: {key}": column(policy, key) - column(BASELINE, key) for key in EFFECTS}
    return found


def problem_of(axes: Sequence[Axis]) -> dict[str, Any]:
    """Return the axes as SALib wants them: each from 0 to 1."""
    return {"num_vars": len(axes), "names": [axis.key for axis in axes], "bounds": [[0.0, 1.0]] * len(axes)}


def points_of(axes: Sequence[Axis], cube: np.ndarray) -> tuple[dict[str, Any], ...]:
    """Return points of the unit cube as values by key."""
    return tuple({axis.key: axis.at(float(u)) for axis, u in zip(axes, row, strict=True)} for row in cube)


def morris(
    scenarios: dict[str, Scenario],
    asked: Asked,
    axes: tuple[Axis, ...],
    out: pathlib.Path,
    workers: int | None,
) -> list[Moved]:
    """Screen parameters by elementary effects."""
    from SALib.analyze import morris as analyze
    from SALib.sample import morris as sample

    problem = problem_of(axes)
    cube = sample.sample(problem, asked.trajectories, num_levels=MORRIS_LEVELS, seed=SEED)
    found = outputs_of(scenarios, asked.months, axes, points_of(axes, cube), (SEED,), out, workers)
    moved = []
    for output, values in found.items():
        indices = analyze.analyze(
            problem, cube, values, num_levels=MORRIS_LEVELS, num_resamples=RESAMPLES, seed=SEED
        )
        moved += [Moved(key, output, float(strength), float(half), float(spread)) for key, strength, half, spread in
                  zip(indices["names"], indices["mu_star"], indices["mu_star_conf"], indices["sigma"], strict=True)]  # fmt: skip
    return moved


def sobol(
    scenarios: dict[str, Scenario], asked: Asked, axes: Sequence[Axis], out: pathlib.Path, workers: int | None
) -> tuple[list[Moved], dict[str, float]]:
    """Return total and first-order indices of a few parameters, the others at their defaults, and each output's spread."""
    from SALib.analyze import sobol as analyze
    from SALib.sample import sobol as sample

    problem = problem_of(axes)
    cube = sample.sample(problem, asked.sobol, calc_second_order=False, seed=SEED)
    found = outputs_of(scenarios, asked.months, tuple(axes), points_of(axes, cube), (SEED,), out, workers)
    moved = []
    for output, values in found.items():
        if values.std() == 0.0:
            continue
        indices = analyze.analyze(
            problem, values, calc_second_order=False, num_resamples=RESAMPLES, seed=SEED
        )
        moved += [Moved(key, output, float(total), float(half), float(first)) for key, total, half, first in
                  zip(problem["names"], indices["ST"], indices["ST_conf"], indices["S1"], strict=True)]  # fmt: skip
    return moved, {output: float(values.std()) for output, values in found.items()}
