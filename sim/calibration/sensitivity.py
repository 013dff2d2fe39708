"""Sensitivity: which parameters move levels, and which move the effects of policies.

Morris screens all parameters that state a plausible range; Sobol indices, with intervals, follow for those that matter most.
Policies are run beside the baseline at each point with the same seed, so that effects are paired. Whatever changes one decision
changes the luck of all that follow, so a parameter of no importance moves outputs too. By how much depends on the output, on
the place in parameter space and on the parameter: draws are addressed by seed, stream, month and startup, so that histories
share most of their luck until they branch off. So it is measured, where it is used: everything runs with two seeds. What a
parameter does shows in the mean of both; half of their difference holds luck only, and as much of it. If a parameter changes
nothing but luck, it is a coin flip which of the two is larger. So those whose difference is larger by some margin tell how many
exceed their luck by that margin by chance, and the margin is chosen so that they are at most a tenth of those that do
(Barber and Candès 2015). No distribution of luck is assumed but that it is as often up as down.

References
----------
R. Barber and E. Candès (2015), Controlling the false discovery rate via knockoffs, Annals of Statistics 43, 2055-2085,
doi:10.1214/15-AOS1337.
M. Morris (1991), Factorial sampling plans for preliminary computational experiments, Technometrics 33, 161-174,
doi:10.1080/00401706.1991.10484804. A. Saltelli et al. (2010), Variance based sensitivity analysis of model output,
Computer Physics Communications 181, 259-270, doi:10.1016/j.cpc.2009.09.018. J. Herman and W. Usher (2017), SALib: an
open-source Python library for sensitivity analysis, Journal of Open Source Software 2(9), 97, doi:10.21105/joss.00097.
"""

import collections
import dataclasses
import functools
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
from sim.problems import not_installed, shown
from sim.scenario import Scenario
from sim.store import Failure, Store
from sim.studies import reproduce, run_study
from sim.study_files import Study, axis_of, value_of

BASELINE = "baseline"
#: levels that are looked at, and those of them whose change by a policy is, too
LEVELS = ("startups_region", "rd_heads_region", "deals", "capital_rmb", "marcon_puech_500m", "south_share")
EFFECTS = ("startups_region", "rd_heads_region")
NOISE_SEEDS = tuple(range(1, 13))
#: seeds of each point: two tell what a parameter does from what luck does
PAIR = (1, 2)
MORRIS_LEVELS, DESIGN_SEED, RESAMPLES = 4, 1, 200
#: parameters that the table names for each output
NAMED = 6
#: share of what is called beyond luck that may be there by chance
FALSE_SHARE = 0.1
#: base samples of Sobol that are allowed: below the first an index is a matter of a few points
LEAST_BASE, MOST_BASE = 16, 65_536
#: parameters that are no numbers of the world: definitions, switches for theory, and exact by argument
LEFT_OUT = ("switch", "definition")
EXACT = ("location.size_weight", "operations.spillover_centre", "operations.diversity_centre")


class FailedRunsError(RuntimeError):
    """Runs failed without which there is no analysis; what is finished is kept."""

    exit_code = 1


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
    luck
        What luck alone adds to the strength, in its unit: the strength of half the difference of two seeds.
    """

    key: str
    output: str
    strength: float
    half: float
    other: float
    luck: float


@dataclasses.dataclass(frozen=True, eq=False)
class Floor:
    """Where luck ends: by how much a strength must exceed its own luck.

    Attributes
    ----------
    margins
        Least excess that counts, by output and in its unit; infinite if no pair counts.
    beyond, by_chance
        Pairs of parameter and output that exceed their luck by the margin, and those whose luck exceeds them by as much:
        as many of the first are expected to be there by chance.
    """

    margins: dict[str, float]
    beyond: int
    by_chance: int

    @classmethod
    def of(cls, screened: Sequence[Moved]) -> "Floor":
        """Return the least margin with which at most `FALSE_SHARE` of what exceeds it does so by chance.

        One margin for all outputs, as a multiple of what each usually moves by; (1 + by chance) / beyond is what is kept
        down (knockoff+ of Barber and Candès 2015), so that ten pairs have to count or none does.
        """
        pairs = collections.defaultdict(list)
        for m in screened:
            if m.strength + m.luck > 0:
                pairs[m.output].append(m)
        # strength and luck count alike, or the scale would tell which is which
        scales = {output: float(np.median([m.strength + m.luck for m in of])) for output, of in pairs.items()}
        excess = np.array([(m.strength - m.luck) / scales[m.output] for of in pairs.values() for m in of])
        for margin in np.unique(np.abs(excess[excess != 0.0])).tolist():
            beyond, by_chance = int((excess >= margin).sum()), int((excess <= -margin).sum())
            if 1 + by_chance <= FALSE_SHARE * beyond:
                least = (1.0 - 1e-12) * margin  # what makes the margin passes it, whatever rounding says
                return cls({output: least * scale for output, scale in scales.items()}, beyond, by_chance)
        return cls({}, 0, 0)

    def level(self, moved: Moved) -> float:
        """Return the strength from which on a pair is beyond luck."""
        return moved.luck + self.margins.get(moved.output, math.inf)

    def passed(self, moved: Moved) -> bool:
        """Return whether a pair of parameter and output is beyond luck."""
        return moved.strength >= self.level(moved)


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
    missing
        Outputs that are left out, with the number of runs that have no value of them.
    asked
        What was analysed.
    """

    screened: list[Moved]
    indices: list[Moved]
    noise: dict[str, float]
    values: dict[str, float]
    missing: dict[str, int]
    asked: Asked

    @functools.cached_property
    def floor(self) -> Floor:
        """Where luck ends in the screening."""
        return Floor.of(self.screened)

    @property
    def luck_share(self) -> dict[str, float]:
        """Largest part that luck alone has in a total index, by output: no parameter owes it more."""
        return {
            output: max(m.luck for m in self.indices if m.output == output)
            for output in dict.fromkeys(m.output for m in self.indices)
        }

    def top(self, output: str, most: int) -> list[Moved]:
        """Return what moves an output most, by Morris."""
        return sorted((m for m in self.screened if m.output == output), key=lambda m: -m.strength)[:most]

    def rows(self) -> Rows:
        """Return what moves each output most and by more than luck."""
        rows = [
            [
                _("output"),
                _("value"),
                _("standard deviation over seeds"),
                _("luck alone, median parameter"),
                _("moved most by (mean absolute effect over the range)"),
            ]
        ]
        for output in self.noise:
            beyond = [m for m in self.top(output, len(self.screened)) if self.floor.passed(m)][:NAMED]
            most = ", ".join(f"{m.key} {number(m.strength)}" for m in beyond) or _("nothing beyond luck")
            luck = float(np.median([m.luck for m in self.screened if m.output == output]))
            numbers = (self.values[output], self.noise[output], luck)
            rows.append([output, *map(number, numbers), most])
        return rows

    def index_rows(self) -> Rows:
        """Return total indices with half intervals, by parameter and output; last what luck alone gives at most."""
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
            rows.append([_("luck alone, at most"), *(f"{self.luck_share[out]:.2f}" for out in outputs)])
        return rows

    def lines(self) -> list[str]:
        """Return it as text."""
        said = [_("Morris, {n} parameters, {r} trajectories").format(
            n=len({m.key for m in self.screened}), r=self.asked.trajectories), *aligned(self.rows()), self.chance()]  # fmt: skip
        if self.missing:
            said.append(self.gaps())
        if self.indices:
            said += ["", _("Sobol, total indices ± half of the 95 % interval"), *aligned(self.index_rows())]
        elif self.asked.sobol:
            said += ["", _("no total indices: no parameter moves an output beyond luck")]
        return said

    def chance(self) -> str:
        """Return how many pairs are beyond luck, and how many of them by chance, as a sentence."""
        text = _(
            "{beyond} of {pairs} pairs of parameter and output are beyond luck; about {chance} of them by chance."
        )
        return text.format(beyond=self.floor.beyond, pairs=len(self.screened), chance=self.floor.by_chance)

    def gaps(self) -> str:
        """Return which outputs are left out, as a sentence."""
        names = ", ".join(f"{name} ({n:,})" for name, n in self.missing.items())
        return _("Left out, because runs have no value of it (in brackets how many): {names}").format(
            names=names
        )

    def to_dict(self) -> dict[str, Any]:
        """Return it as what `--json` prints."""
        morris = [dataclasses.asdict(m) | {"beyond": self.floor.passed(m)} for m in self.screened]
        return {"noise": self.noise, "values": self.values, "missing": self.missing,
                "asked": dataclasses.asdict(self.asked), "beyond": self.floor.beyond, "chance": self.floor.by_chance,
                "luck_share": self.luck_share, "morris": morris,
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
    FailedRunsError
        If runs failed; what is finished is kept.
    ImportError
        If SALib is not installed.
    """
    try:
        import SALib
    except ImportError:
        raise not_installed("SALib", "sensitivity") from None
    del SALib
    scenarios = {name: Scenario.load(name) for name in (BASELINE, *asked.policies)}
    scenarios = {scenario.id: scenario for scenario in scenarios.values()}
    axes = all_axes(scenarios[BASELINE])
    plain = outputs_of(scenarios, asked.months, (), ({},), NOISE_SEEDS, out / "noise", workers)
    screened, missing = morris(scenarios, asked, axes, out / "morris", workers)
    missing = gaps_of(plain) | missing
    plain = {name: values for name, values in plain.items() if name not in missing}
    noise = {name: float(values.std(ddof=1)) for name, values in plain.items()}
    means = {name: float(values.mean()) for name, values in plain.items()}
    screened = [m for m in screened if m.output not in missing]
    found = Sensitivity(screened, [], noise, means, missing, asked)
    chosen = survivors([m for m in screened if found.floor.passed(m)], asked.survivors)
    if asked.sobol and chosen:
        kept = [axis for axis in axes if axis.key in chosen]
        indices, more = sobol(scenarios, asked, kept, out / "sobol", workers)
        indices = [m for m in indices if m.output not in missing]
        found = dataclasses.replace(found, indices=indices, missing=more | missing)
    return found


def survivors(beyond: Sequence[Moved], number: int) -> list[str]:
    """Return the parameters, of those beyond luck, that move some output most, each output by its own largest."""
    largest: dict[str, float] = {}
    for m in beyond:
        largest[m.output] = max(largest.get(m.output, 0.0), m.strength)
    score: dict[str, float] = {}
    for m in beyond:
        score[m.key] = max(score.get(m.key, 0.0), m.strength / largest[m.output])
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
    """Return outputs by name, levels of the baseline and paired effects of the others, (n_points, n_seeds) each.

    A run without a value, such as a share of no startups, gives nan.

    Raises
    ------
    FailedRunsError
        If a run failed: an analysis by design cannot do without one.
    """
    study = Study(out.name, out.name, scenarios, {}, seeds, months, axes, points, ())
    failed = run_study(study, out, workers)
    if failed:
        raise FailedRunsError(_failed(failed, out))
    results = Store(out)
    tables = results.tables("outcomes")
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in scenarios}
    for arm in results.plan.arms():
        rows[arm.scenario].append(tables[arm.run].to_pylist()[0])

    def column(name: str, key: str) -> np.ndarray:
        values = [np.nan if row[key] is None else row[key] for row in rows[name]]
        return np.array(values, dtype=float).reshape(len(points), len(seeds))

    found = {key: column(BASELINE, key) for key in LEVELS}
    for policy in scenarios:
        if policy != BASELINE:
            found |= {f"{policy}: {key}": column(policy, key) - column(BASELINE, key) for key in EFFECTS}
    return found


def _failed(failures: Sequence[Failure], out: pathlib.Path) -> str:
    """Return what is said of runs that failed."""
    first = failures[0]
    text = _(
        "{folder}: {n} runs failed, the first at point {point} of {scenario} with seed {seed}: {why}\n"
        "to see where: {command}\n"
        "what is finished is kept: the same command does only what is missing"
    )
    return text.format(folder=shown(out), n=len(failures), point=first.point, scenario=first.scenario,
                       seed=first.seed, why=shown(first.message), command=reproduce(first, out))  # fmt: skip


def gaps_of(found: dict[str, np.ndarray]) -> dict[str, int]:
    """Return the outputs of which some runs have no value, and how many: there is no design without one of its points."""
    return {name: n for name, values in found.items() if (n := int(np.isnan(values).sum()))}


def halves(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and half difference over a pair of seeds, (n_points,) each, of an output, (n_points, 2).

    What parameters do is in the mean alone, and luck as much in the one as in the other.
    """
    return values.mean(axis=1), (values[:, 0] - values[:, 1]) / 2


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
) -> tuple[list[Moved], dict[str, int]]:
    """Screen parameters by elementary effects; return also the outputs that are left out, with their missing runs."""
    from SALib.analyze import morris as analyze
    from SALib.sample import morris as sample

    problem = problem_of(axes)
    cube = sample.sample(problem, asked.trajectories, num_levels=MORRIS_LEVELS, seed=DESIGN_SEED)

    def effects(values: np.ndarray) -> dict[str, Any]:
        found = analyze.analyze(problem, cube, values, num_levels=MORRIS_LEVELS, num_resamples=RESAMPLES, seed=DESIGN_SEED)  # fmt: skip
        return dict(found)

    found = outputs_of(scenarios, asked.months, axes, points_of(axes, cube), PAIR, out, workers)
    missing, moved = gaps_of(found), []
    for output, values in found.items():
        if output in missing:
            continue
        mean, luck = map(effects, halves(values))
        moved += [Moved(key, output, float(strength), float(half), float(spread), float(by_luck))
                  for key, strength, half, spread, by_luck in zip(mean["names"], mean["mu_star"], mean["mu_star_conf"],
                                                                  mean["sigma"], luck["mu_star"], strict=True)]  # fmt: skip
    return moved, missing


def sobol(
    scenarios: dict[str, Scenario], asked: Asked, axes: Sequence[Axis], out: pathlib.Path, workers: int | None
) -> tuple[list[Moved], dict[str, int]]:
    """Return total and first-order indices of a few parameters, the others at their defaults, and what is left out."""
    from SALib.analyze import sobol as analyze
    from SALib.sample import sobol as sample

    problem = problem_of(axes)
    cube = sample.sample(problem, asked.sobol, calc_second_order=False, seed=DESIGN_SEED)
    found = outputs_of(scenarios, asked.months, tuple(axes), points_of(axes, cube), PAIR, out, workers)
    missing, moved = gaps_of(found), []
    for output, values in found.items():
        mean, luck = halves(values)
        if output in missing or mean.std() == 0.0:
            continue
        indices = analyze.analyze(
            problem, mean, calc_second_order=False, num_resamples=RESAMPLES, seed=DESIGN_SEED
        )
        shares = shares_of_luck(mean, luck, len(axes))
        moved += [Moved(key, output, float(total), float(half), float(first), float(share))
                  for key, total, half, first, share in zip(problem["names"], indices["ST"], indices["ST_conf"],
                                                            indices["S1"], shares, strict=True)]  # fmt: skip
    return moved, missing


def shares_of_luck(mean: np.ndarray, luck: np.ndarray, n_axes: int) -> np.ndarray:
    """Return what luck adds to total indices, (n_axes,): the estimator of Saltelli et al. with luck above the line.

    Parameters
    ----------
    mean, luck
        Mean and half difference of the pair of seeds at the points of a design without second order, (n_points,): a
        point, the same with one axis after the other changed, and the point with all of them changed.
    n_axes
        Axes of the design.
    """
    mean, luck = (values.reshape(-1, n_axes + 2) for values in (mean, luck))
    return np.square(luck[:, 1:-1] - luck[:, :1]).mean(axis=0) / (2 * mean[:, [0, -1]].var())
