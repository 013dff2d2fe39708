"""Study files: which scenarios, seeds and points of parameter space are run, and what is kept of each run.

>>> from sim.study_files import Study
>>> study = Study.load("scenarios/studies/outside-pull.toml")
>>> len(study.points) * len(study.scenarios) * len(study.seeds)
960
"""

import csv
import dataclasses
import os
import pathlib
from collections.abc import Iterable
from typing import Any, Self

from pydantic import ValidationError

from sim import designs
from sim.designs import Axis
from sim.dotted_keys import has_key, takes_whole_numbers, value_of
from sim.explain import explain, field_of
from sim.language import _
from sim.problems import MOST_PROBLEMS, Problem, ScenarioError, nearest, shown
from sim.scenario import Scenario
from sim.scenario_files import LABELS, find_file, shipped_ids
from sim.study_tables import MOST_POINTS, READS, AxisTable, Budget, DesignTable, Evaluated, StudyFile
from sim.toml_source import KeyPath, Source, dotted, read_source

__all__ = ["Budget", "Evaluated", "Study", "at_point", "axis_of", "has_key", "value_of"]

#: runs that a study may have without being confirmed
MOST_RUNS = 1_000_000
MOST_SEEDS = 100_000
#: size of a CSV file of points
MOST_BYTES = 100_000_000
#: what can be kept of a run besides its outcomes
KEPT = ("series", "region", "presence", "costs", "deals", "startups", "moments")
#: keys of a scenario that its runs in a study do not depend on: a study says its months itself
UNREAD = {"id", *LABELS, "announced", "months"}


#: axes of a design, and values at each point by the key of each
type Points = tuple[tuple[Axis, ...], tuple[dict[str, Any], ...]]


@dataclasses.dataclass(frozen=True)
class Study:
    """A study, ready to be planned.

    Attributes
    ----------
    id, name
        Stem of the file, and what it is called.
    scenarios
        By id, the baseline first.
    texts
        Text of each scenario's file.
    seeds, months
        Seeds of every scenario and point, and months of every run.
    axes, points
        The design: values by the key of each axis; one empty point without a design.
    keep
        Names of the tables that are kept besides the outcomes.
    evaluated, worlds
        What is run beside the scenarios, and the developments outside among it; `sim.evaluation.widening` adds it.
    tags
        What a plan says of scenarios that were added, by id.
    method
        How the points were chosen: a method of designs, or "" without one.
    """

    id: str
    name: str
    scenarios: dict[str, Scenario]
    texts: dict[str, str]
    seeds: tuple[int, ...]
    months: int
    axes: tuple[Axis, ...]
    points: tuple[dict[str, Any], ...]
    keep: tuple[str, ...]
    evaluated: Evaluated = dataclasses.field(default_factory=Evaluated)
    worlds: dict[str, Scenario] = dataclasses.field(default_factory=dict)
    tags: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)
    method: str = ""

    @classmethod
    def load(cls, path: str | os.PathLike[str], confirmed: bool = False) -> Self:
        """Read a study file and everything that it names.

        Parameters
        ----------
        path
            The file.
        confirmed
            Whether a study of more than a million runs is meant.

        Raises
        ------
        ScenarioError
            If anything is wrong with the file, a scenario or a point; lists everything at once.
        """
        file = pathlib.Path(path)
        source = read_source(file, os.fspath(path))
        return _Reader(file, source).study(cls, confirmed)

    @property
    def runs(self) -> int:
        """Number of runs: scenarios times points times seeds."""
        return len(self.scenarios) * len(self.points) * len(self.seeds)

    def applied(self, scenario_id: str, point: dict[str, Any]) -> Scenario:
        """Return a scenario at a point: with the point's values where it has their keys."""
        scenario = self.scenarios[scenario_id]
        return at_point(scenario, point, {axis.key for axis in self.axes if axis.factor})


def runs_with_all(study: Study) -> int:
    """Return the number of runs of a study with what it asks for beside its scenarios."""
    from sim.evaluation.widening import widened  # above this module

    return widened(study, None, lambda _line: None).runs


def at_point(scenario: Scenario, point: dict[str, Any], factors: set[str]) -> Scenario:
    """Return a scenario with the values of a point; keys of `factors` multiply its own values.

    Raises
    ------
    ScenarioError
        If a value is not allowed.
    """
    changes = {
        key: _times(value_of(scenario, key), value) if key in factors else value
        for key, value in point.items()
        if has_key(scenario, key)
    }
    return scenario.with_values(changes) if changes else scenario


def axis_of(scenario: Scenario, key: str) -> Axis:
    """Return a parameter as an axis over its plausible range; tables of numbers vary by a factor.

    Raises
    ------
    KeyError
        If the scenario has no such parameter.
    ValueError
        If it states no range.
    """
    value, sweep = value_of(scenario, key), _sweep(key)
    if isinstance(value, bool | str):
        return Axis(key, values=tuple(sweep) or (value,))
    if len(sweep) < 2:
        raise ValueError(f"{key}: " + _("states no range"))
    factor = isinstance(value, tuple)
    low, high = float(sweep[0]), float(sweep[1])
    return Axis(key, low=low, high=high, integer=isinstance(value, int), factor=factor)


def _times(value: Any, factor: float) -> Any:
    """Return a number or a table of numbers times a factor."""
    if isinstance(value, tuple):
        return [_times(part, factor) for part in value]
    return value * factor


class _Reader:
    """Reads one study file, and keeps what is wrong with it."""

    def __init__(self, path: pathlib.Path, source: Source) -> None:
        self.path, self.source, self.problems = path, source, list[Problem]()
        #: where each value of a CSV file of points first stands: file, line
        self.places: dict[tuple[str, type, Any], tuple[str, int]] = {}

    def refuse(self, key: KeyPath, message: str) -> None:
        """Note what is wrong with a key."""
        self.problems.append(Problem(self.source.path, *self.source.place(key), dotted(key), message))

    def study(self, kind: type[Study], confirmed: bool) -> Any:
        """Return the study, or raise everything that is wrong with it."""
        said = self._said()
        scenarios, texts = self._scenarios(said)
        worlds = self._worlds(said, scenarios)
        seeds, months = self._seeds(said), self._months(said, scenarios)
        if said.keep.moments and any(not isinstance(other.world, str) for other in scenarios.values()):
            self.refuse(("keep", "moments"), _("only shipped worlds have targets"))
        axes = self._axes(said, scenarios) if said.design is not None else ()
        self._stop()
        kept = tuple(name for name in KEPT if getattr(said.keep, name))
        study = kind(
            self.path.stem, said.name or self.path.stem, scenarios, texts, seeds, months, axes, ({},), kept,
            Evaluated(**{key: getattr(said, key) for key in Evaluated.model_fields}), worlds,
            method=said.design.method if said.design is not None else "",
        )  # fmt: skip
        runs = runs_with_all(study)
        self._limit(self._size(said.design, axes), runs, confirmed)
        axes, points = self._points(said.design, axes, next(iter(scenarios.values())))
        self._stop()
        self._limit(len(points), runs, confirmed)  # a file is read before its points are counted
        self._check_points(scenarios, axes, points)
        self._stop()
        return dataclasses.replace(study, axes=axes, points=points)

    def _limit(self, points: int, runs: int, confirmed: bool) -> None:
        """Refuse too many points, and too many runs of so many a point unless they are meant."""
        at: KeyPath = ("design",) if "design" in self.source.data else ("seeds",)
        if points > MOST_POINTS:
            self.refuse(
                at, _("{points:,} points, more than {most:,}").format(points=points, most=MOST_POINTS)
            )
        elif points * runs > MOST_RUNS and not confirmed:
            rule = _("{runs:,} runs, more than {most:,}: make it smaller, or confirm it with --yes")
            self.refuse(at, rule.format(runs=points * runs, most=MOST_RUNS))
        self._stop()

    def _stop(self) -> None:
        if self.problems:
            raise ScenarioError(self.problems[:MOST_PROBLEMS])

    def _said(self) -> StudyFile:
        try:
            return StudyFile.model_validate(self.source.data)
        except ValidationError as error:
            for details in error.errors(include_url=False)[:MOST_PROBLEMS]:
                key = tuple(
                    part for part in details["loc"] if not str(part).startswith(("function", "constrained"))
                )
                self.refuse(key, explain(details | {"loc": key}, StudyFile, self.source.data))
            raise ScenarioError(self.problems) from None

    def _worlds(self, said: StudyFile, scenarios: dict[str, Scenario]) -> dict[str, Scenario]:
        """Return the developments outside by id: scenarios of the same world without policy."""
        found = {}
        for i, word in enumerate(said.worlds):
            try:
                scenario = Scenario.load(word if word in shipped_ids() else self.path.parent / word)
            except ScenarioError as error:
                self.problems += error.problems
                continue
            same = all(
                scenario.world == other.world and scenario.start == other.start
                for other in scenarios.values()
            )
            if not scenario.policies or not all(lever.stress for lever in scenario.policies) or not same:
                rule = _("must be a development outside of the same world and start, without policy")
                self.refuse(("worlds", i), rule)
            found[scenario.id] = scenario
        return found

    def _scenarios(self, said: StudyFile) -> tuple[dict[str, Scenario], dict[str, str]]:
        """Return scenarios and the texts of their files by id, the baseline first."""
        found: dict[str, Scenario] = {}
        texts: dict[str, str] = {}
        for i, word in enumerate(said.scenarios):
            try:
                place = find_file(word if word in shipped_ids() else self.path.parent / word)[0]
                scenario = Scenario.load(word if word in shipped_ids() else place)
            except ScenarioError as error:
                self.problems += error.problems
                continue
            if scenario.id in found:
                self.refuse(("scenarios", i), _("the id {id} stands twice").format(id=shown(scenario.id)))
                continue
            found[scenario.id] = scenario
            texts[scenario.id] = place.read_text(encoding="utf-8")
        first = said.baseline or ("baseline" if "baseline" in found else next(iter(found), ""))
        if first not in found:
            if found:
                self.refuse(("baseline",), _("not among the scenarios") + nearest(first, found))
            return found, texts
        for scenario in found.values():
            for key in ("world", "start"):
                if getattr(scenario, key) != getattr(found[first], key):
                    rule = _("{id} has another {key} than {first}: they cannot be compared")
                    self.refuse(
                        ("scenarios",), rule.format(id=shown(scenario.id), key=key, first=shown(first))
                    )
        return {first: found[first]} | found, texts

    def _seeds(self, said: StudyFile) -> tuple[int, ...]:
        seeds = (
            tuple(range(1, min(said.seeds, MOST_SEEDS + 1) + 1))
            if isinstance(said.seeds, int)
            else said.seeds
        )
        fine = (
            seeds and len(set(seeds)) == len(seeds) <= MOST_SEEDS and all(0 <= seed < 2**63 for seed in seeds)
        )
        if not fine:
            rule = _("must be 1 to {most}, or different whole numbers from 0 on")
            self.refuse(("seeds",), rule.format(most=MOST_SEEDS))
        return seeds

    def _months(self, said: StudyFile, scenarios: dict[str, Scenario]) -> int:
        most = min((scenario.months for scenario in scenarios.values()), default=1200)
        if said.months is not None and said.months > most:
            self.refuse(("months",), _("the scenarios have {most} months").format(most=most))
        if said.equal_budget is None:
            return said.months or most
        span = 12 * said.equal_budget.years
        if span > most:
            self.refuse(("equal_budget", "years"), _("the scenarios have {most} months").format(most=most))
        elif said.months not in (None, span):
            rule = _(
                "must be {span}, the months of the budget, or absent: beyond them policies spend more than it"
            )
            self.refuse(("months",), rule.format(span=span))
        return span

    def _axes(self, said: StudyFile, scenarios: dict[str, Scenario]) -> tuple[Axis, ...]:
        design = said.design
        assert design is not None
        for key in sorted(design.model_fields_set - {"method", *READS[design.method]}):
            rule = _("method {method} does not read it, but {keys}")
            self.refuse(
                ("design", key),
                rule.format(method=shown(design.method), keys=", ".join(READS[design.method])),
            )
        if design.method == "csv" and design.file is None:
            self.refuse(("design", "file"), _("required key is missing: the CSV file of the points"))
        if "axes" not in READS[design.method]:
            return ()
        if not design.axes:
            self.refuse(("design", "axes"), _("required key is missing: what is varied"))
        axes = []
        for i, table in enumerate(design.axes):
            axis = self._axis(table, ("design", "axes", i), design.method, list(scenarios.values()))
            if axis is not None:
                axes.append(axis)
        keys = [axis.key for axis in axes]
        for i, key in enumerate(keys):
            if key in keys[:i]:
                self.refuse(
                    ("design", "axes", i, "key"), _("the key {key} stands twice").format(key=shown(key))
                )
        if design.method == "zip" and len({len(axis.values) for axis in axes}) > 1:
            self.refuse(("design", "axes"), _("zip needs as many values for one axis as for another"))
        return tuple(axes)

    def _axis(self, table: AxisTable, at: KeyPath, method: str, scenarios: list[Scenario]) -> Axis | None:
        wrong = _wrong_key(table.key, scenarios)
        if wrong:
            self.refuse((*at, "key"), wrong)
            return None
        owner = next(scenario for scenario in scenarios if has_key(scenario, table.key))
        value, sweep = value_of(owner, table.key), _sweep(table.key)
        factor = isinstance(value, tuple) if table.factor is None else table.factor
        self._unread(table, at, isinstance(value, bool | str))
        if table.values:
            return Axis(table.key, values=table.values, log=table.scale == "log", factor=factor)
        if method == "zip":
            self.refuse((*at, "values"), _("zip needs the values"))
            return None
        if isinstance(value, bool | str):
            return Axis(table.key, values=tuple(sweep) or (value,))
        low = table.low if table.low is not None else (sweep[0] if sweep else None)
        high = table.high if table.high is not None else (sweep[1] if len(sweep) > 1 else None)
        if low is None or high is None:
            self.refuse(at, _("needs low and high: the parameter states no range of its own"))
            return None
        if not low < high or (table.scale == "log" and low <= 0):
            rule = _("needs 0 < low < high on a log scale") if table.scale == "log" else _("needs low < high")
            self.refuse(at, rule)
            return None
        integer = takes_whole_numbers(owner, table.key) and not factor
        if integer and (low != int(low) or high != int(high)):
            self.refuse(at, _("takes whole numbers only"))
            return None
        return Axis(
            table.key,
            low=float(low),
            high=float(high),
            log=table.scale == "log",
            integer=integer,
            factor=factor,
        )

    def _unread(self, table: AxisTable, at: KeyPath, words: bool) -> None:
        """Refuse what an axis says and nobody reads, and a logarithm of what has none."""
        if table.values or words:
            for key in sorted(table.model_fields_set & {"low", "high"}):
                self.refuse((*at, key), _("means nothing for words, switches and beside values"))
        numbers = [v for v in table.values if isinstance(v, int | float) and not isinstance(v, bool)]
        lacking = words or len(numbers) < len(table.values) or min(numbers, default=1) <= 0
        if table.scale == "log" and lacking:
            self.refuse((*at, "scale"), _("needs numbers above 0 on a log scale"))

    def _size(self, design: DesignTable | None, axes: tuple[Axis, ...]) -> int:
        """Return the number of points, without making them."""
        if design is None or design.method == "csv":
            return 1
        if design.method == "grid":
            return designs.grid_size(axes, design.levels)
        return len(axes[0].values) if design.method == "zip" else design.points

    def _points(self, design: DesignTable | None, axes: tuple[Axis, ...], first: Scenario) -> Points:
        if design is None:
            return (), ({},)
        if design.method == "csv":
            return self._from_csv(str(design.file))
        if design.method == "accepted":
            return self._from_accepted(design, first)
        if design.method == "grid":
            return axes, tuple(designs.grid(axes, design.levels))
        if design.method == "zip":
            return axes, tuple(designs.side_by_side(axes))
        seed = 1 if design.seed is None else design.seed
        return axes, tuple(designs.filling(design.method, axes, design.points, seed))

    def _from_accepted(self, design: DesignTable, first: Scenario) -> Points:
        from sim.accepted import Ensemble, EnsembleError

        try:
            if design.file is not None:
                path = self._beside(design.file)
                if path is None:
                    return (), ()
                ensemble = Ensemble.read(path)
            elif isinstance(first.world, str):
                ensemble = Ensemble.of(first.world)
            else:
                raise EnsembleError(_("a made world has no accepted set: name one in file"))
        except EnsembleError as error:
            self.refuse(("design", "method" if design.file is None else "file"), str(error))
            return (), ()
        axes, points = designs.from_accepted(ensemble, design.points, design.seed)
        if len(points) < design.points:
            rule = _("the accepted set gives {n} different vectors")
            self.refuse(
                ("design", "points") if "points" in design.model_fields_set else ("design",),
                rule.format(n=len(points)),
            )
        return axes, points

    def _beside(self, name: str) -> pathlib.Path | None:
        """Return the path of a file in the study's folder; None, and a note, if it does not lie there or is too large."""
        path = (self.path.parent / name).resolve()
        if not path.is_relative_to(self.path.parent.resolve()):
            self.refuse(("design", "file"), _("must lie inside this file's folder"))
            return None
        if path.is_file() and path.stat().st_size > MOST_BYTES:
            self.refuse(("design", "file"), _("is larger than {n} MB").format(n=MOST_BYTES // 10**6))
            return None
        return path

    def _from_csv(self, name: str) -> Points:
        path = self._beside(name)
        if path is None:
            return (), ()
        try:
            rows = designs.rows_of(path)
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            self.refuse(("design", "file"), _("cannot be read: {why}").format(why=shown(error)))
            return (), ()
        if len(rows) < 2:
            self.refuse(("design", "file"), _("needs a line of keys and at least one point"))
            return (), ()
        (first, keys), *rows = rows
        keys = [key.strip() for key in keys]
        for line, row in rows:
            if len(row) != len(keys):
                rule = _("has {n} cells, the keys are {m}").format(n=len(row), m=len(keys))
                self.problems.append(Problem(name, line, 1, "", rule))
        for key in sorted({key for key in keys if keys.count(key) > 1}):
            rule = _("the key {key} stands twice").format(key=shown(key))
            self.problems.append(Problem(name, first, 1, key, rule))
        self._stop()
        points = tuple(
            {key: designs.cell(cell) for key, cell in zip(keys, row, strict=True)} for _line, row in rows
        )
        for (line, _row), point in zip(rows, points, strict=True):
            for key, value in point.items():
                self.places.setdefault((key, type(value), value), (name, line))
        return tuple(Axis(key, values=_unlike(point[key] for point in points)) for key in keys), points

    def _check_points(
        self, scenarios: dict[str, Scenario], axes: tuple[Axis, ...], points: tuple[dict[str, Any], ...]
    ) -> None:
        """Refuse values that a scenario does not allow, and points that stand twice."""
        for i, axis in enumerate(axes):
            at: KeyPath = (
                ("design", "axes", i) if "axes" in self.source.data.get("design", {}) else ("design", "file")
            )
            wrong = _wrong_key(axis.key, list(scenarios.values()))
            if wrong:
                self.refuse(at, f"{shown(axis.key)}: {wrong}")
                continue
            owners = _unlike_owners(axis, scenarios.values())
            for value in _doubtful(axis, points):
                try:
                    for scenario in owners:
                        at_point(scenario, {axis.key: value}, {axis.key} if axis.factor else set())
                except (ScenarioError, TypeError) as error:
                    why = f"{shown(axis.key)} = {shown(value)}: " + _reason(error)
                    place = self.places.get((axis.key, type(value), value))
                    if place is None:
                        self.refuse(at, why)
                    else:
                        self.problems.append(Problem(*place, 1, "", why))
        seen = {tuple(point.items()) for point in points}
        if len(seen) < len(points):
            rule = _("{n} points stand twice").format(n=len(points) - len(seen))
            method = self.source.data.get("design", {}).get("method")
            if method in ("lhs", "sobol") and any(axis.integer or axis.values for axis in axes):
                rule += _(
                    ": take fewer points, more values or wider ranges of whole numbers, or the method grid"
                )
            self.refuse(("design",), rule)


def _reason(error: Exception) -> str:
    return error.problems[0].message if isinstance(error, ScenarioError) else _("cannot be multiplied")


def _doubtful(axis: Axis, points: tuple[dict[str, Any], ...]) -> tuple[Any, ...]:
    """Return the values of an axis that may be wrong: its ends, the first with a fraction, and switches and words."""
    values = axis.values or tuple(point[axis.key] for point in points)
    numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
    chosen: list[Any] = [min(numbers), max(numbers)] if numbers else []
    chosen += [v for v in numbers if isinstance(v, float)][:1]  # a parameter may take whole numbers only
    chosen += [v for v in values if isinstance(v, bool | str)]
    return _unlike(chosen)


def _unlike_owners(axis: Axis, scenarios: Iterable[Scenario]) -> list[Scenario]:
    """Return the scenarios that may take the values of an axis differently: levers of one id may be of two kinds, and a
    factor multiplies what each says.
    """
    lever = axis.key.startswith("policies.")
    found: dict[str, Scenario] = {}
    for scenario in scenarios:
        if has_key(scenario, axis.key):
            own = repr(value_of(scenario, axis.key)) if axis.factor else ""
            found.setdefault(scenario.id if lever else own, scenario)
    return list(found.values())


def _unlike(values: Iterable[Any]) -> tuple[Any, ...]:
    """Return values in their order, each once; 1, 1.0 and true are three."""
    return tuple({(type(value), value): value for value in values}.values())


def _sweep(key: str) -> list[Any]:
    """Return the plausible range that a parameter states: its ends, its words, or [] if it states none."""
    parts: KeyPath = tuple(key.split("."))
    if parts[0] == "policies":
        return []
    about = getattr(field_of(parts, Scenario, {}), "json_schema_extra", None)
    sweep: Any = about.get("sweep", []) if isinstance(about, dict) else []
    return list(sweep["factor"]) if isinstance(sweep, dict) else list(sweep)


def _wrong_key(key: str, scenarios: list[Scenario]) -> str:
    """Return why a key can be no axis of a study, or nothing."""
    if not any(has_key(scenario, key) for scenario in scenarios):
        known = {entry.key.split("[")[0] for scenario in scenarios for entry in scenario.entries()}
        return _("no scenario of the study has this key") + nearest(key, known)
    if key in UNREAD or (key.startswith("policies.") and key.endswith(".id")):
        return _("the runs of a study do not depend on this key")
    return ""
