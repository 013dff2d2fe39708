"""Targets: the file that says what a model of a world is fitted to, and which parameters may move for it.

>>> from sim.calibration.targets import Targets
>>> from sim.places import default_world
>>> len(Targets.of(default_world()).ids)
11
"""

import dataclasses
import functools
import math
import pathlib
from collections.abc import Mapping
from typing import Annotated, Any, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, Strict, ValidationError, field_validator, model_validator
from pydantic_core import PydanticCustomError

from sim.calibration.moments import MOMENTS, Window
from sim.designs import Axis
from sim.explain import explain
from sim.language import _
from sim.places import read_world, shipped_folder
from sim.problems import Problem, ScenarioError, nearest, shown
from sim.scenario import Scenario
from sim.study_files import axis_of, has_key
from sim.toml_source import Source, dotted, read_source

FILE = "targets.toml"

Words = Annotated[tuple[str, ...], Strict(False)]
Months = Annotated[tuple[int, int], Strict(False)]


class Table(BaseModel):
    """A table of a file on calibration: frozen, strict, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Fact(Table):
    """A number that is known of the world, and how well."""

    id: str = Field(
        min_length=1, max_length=20, description="What it belongs to; several numbers may share it."
    )
    key: str = Field(min_length=1, max_length=60, description="Its own name in tables.")
    name: str = Field(min_length=1, max_length=120, description="What it is, in a few words.")
    name_zh: str = Field(default="", max_length=120, description="The same in Chinese.")
    unit: str = Field(min_length=1, max_length=40, description="Its unit.")
    source: str = Field(min_length=1, max_length=400, description="Who said so; 'assumed' where nobody did.")
    reliability: str = Field(min_length=1, max_length=200, description="How far to trust it.")


class Target(Fact):
    """A number that runs are fitted to."""

    moment: str = Field(description="What of a run it is held against.")
    months: Months = Field(description="First and last month that count, from 1.")
    age: int = Field(default=0, ge=0, le=600, description="Age in months, for survival.")
    zones: Words = Field(default=(), description="Zones; absent: the whole region.")
    over: Words = Field(default=(), description="Zones with which they are compared.")
    value: float = Field(description="What was observed.")
    low: float = Field(description="Lowest value that counts as met.")
    high: float = Field(description="Highest value that counts as met.")

    @field_validator("moment")
    @classmethod
    def _known(cls, moment: str) -> str:
        if moment not in MOMENTS:
            raise PydanticCustomError("no_moment", "no such moment" + nearest(moment, MOMENTS))
        return moment

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.low < self.value < self.high:
            raise PydanticCustomError("order", "low, value and high must rise")
        if not 1 <= self.months[0] <= self.months[1]:
            raise PydanticCustomError("months", "months must be first and last, from 1 on")
        return self

    @property
    def window(self) -> Window:
        """Where the moment looks."""
        return Window(*self.months, self.age, self.zones, self.over)

    def deviation(self, value: float | np.ndarray) -> Any:
        """Return how far a value lies from the target, in tolerances of its side: within tolerance from -1 to 1."""
        return (value - self.value) / self.side(value)

    def side(self, value: float | np.ndarray) -> Any:
        """Return the tolerance on the side of the target on which a value lies."""
        return np.where(np.asarray(value) > self.value, self.high - self.value, self.value - self.low)


class ParametersTable(Table):
    """Which parameters may move."""

    fitted: Words = Field(min_length=1, description="Those of which the targets speak.")
    carried: Words = Field(
        default=(), description="Those on which answers hang though the targets hardly speak of them."
    )


class TargetsFile(Table):
    """What a file of targets says."""

    scenario: str = Field(description="Id of the scenario that is varied.")
    months: int = Field(ge=1, le=1200, description="Months of each run.")
    targets: Annotated[tuple[Target, ...], Strict(False)] = Field(min_length=1, max_length=200)
    parameters: ParametersTable


@dataclasses.dataclass(frozen=True)
class Targets:
    """What a model is fitted to.

    Attributes
    ----------
    scenario, months
        The scenario that is varied, and the months of each run.
    rows
        The targets.
    axes
        The parameters that may move, with their plausible ranges.
    fitted
        Keys of those of which the targets speak.
    """

    scenario: Scenario
    months: int
    rows: tuple[Target, ...]
    axes: tuple[Axis, ...]
    fitted: tuple[str, ...]

    @classmethod
    def of(cls, world: str) -> "Targets":
        """Return the targets of a shipped world.

        Raises
        ------
        ScenarioError
            If its file is missing or wrong; lists everything at once.
        """
        path = shipped_folder() / world / FILE
        return cls.read(path, f"{world}/{FILE}")

    @classmethod
    def read(cls, path: pathlib.Path, name: str) -> "Targets":
        """Return the targets in a file, called `name` in messages."""
        said, source = read_table(path, name, TargetsFile)
        scenario = Scenario.load(said.scenario)
        problems = _problems(said, scenario, source)
        if problems:
            raise ScenarioError(problems)
        keys = (*said.parameters.fitted, *said.parameters.carried)
        axes = tuple(axis_of(scenario, key) for key in keys)
        return cls(scenario, said.months, said.targets, axes, said.parameters.fitted)

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys of the axes."""
        return tuple(axis.key for axis in self.axes)

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of the targets, each once: a moment may have several numbers."""
        return tuple(dict.fromkeys(target.id for target in self.rows))

    @functools.cached_property
    def shipped(self) -> np.ndarray:
        """The shipped defaults in the unit cube of the axes, (n_axes,)."""
        from sim.study_files import value_of

        return np.array([unit_of(axis, value_of(self.scenario, axis.key)) for axis in self.axes])

    def point(self, cube: np.ndarray) -> dict[str, Any]:
        """Return the values of the axes at a point of the unit cube, (n_axes,)."""
        return {axis.key: axis.at(float(u)) for axis, u in zip(self.axes, cube, strict=True)}

    def deviations(self, values: np.ndarray) -> np.ndarray:
        """Return how far values (..., n_targets) lie from the targets, in tolerances."""
        return np.stack([t.deviation(values[..., j]) for j, t in enumerate(self.rows)], axis=-1)

    def met(self, values: np.ndarray) -> np.ndarray:
        """Return which ids are met by values (..., n_targets): all numbers of an id within tolerance, (..., n_ids)."""
        inside = np.abs(self.deviations(values)) <= 1.0
        columns = [[j for j, t in enumerate(self.rows) if t.id == name] for name in self.ids]
        return np.stack([inside[..., column].all(axis=-1) for column in columns], axis=-1)


def unit_of(axis: Axis, value: Any) -> float:
    """Return where a value lies on an axis, from 0 to 1; the scenario's own value is factor 1."""
    number = 1.0 if axis.factor else float(value)
    if axis.log:
        return (math.log(number) - math.log(axis.low)) / (math.log(axis.high) - math.log(axis.low))
    return (number - axis.low) / (axis.high - axis.low)


def read_table[File: BaseModel](path: pathlib.Path, name: str, kind: type[File]) -> tuple[File, Source]:
    """Return a TOML file as a table of a kind.

    Raises
    ------
    ScenarioError
        If it cannot be read or says something else; lists everything at once.
    """
    source = read_source(path, name)
    try:
        return kind.model_validate(source.data), source
    except ValidationError as error:
        problems = []
        for details in error.errors(include_url=False):
            key = tuple(
                part for part in details["loc"] if not str(part).startswith(("function", "constrained"))
            )
            message = explain(details | {"loc": key}, kind, source.data)
            problems.append(Problem(name, *source.place(key), dotted(key), message))
        raise ScenarioError(problems) from None


def _problems(said: TargetsFile, scenario: Scenario, source: Source) -> list[Problem]:
    """Return what is wrong with a file of targets as a whole."""
    found: list[tuple[tuple[str | int, ...], str]] = []
    zones = read_world(scenario.world).zone_index
    keys = [target.key for target in said.targets]
    for i, target in enumerate(said.targets):
        if target.months[1] > said.months:
            found.append((("targets", i, "months"), _("runs have {n} months").format(n=said.months)))
        if target.key in keys[:i]:
            found.append(
                (("targets", i, "key"), _("the key {key} stands twice").format(key=shown(target.key)))
            )
        for list_ in ("zones", "over"):
            found += [(("targets", i, list_), _("unknown zone {zone}").format(zone=shown(zone)) + nearest(zone, zones))
                      for zone in getattr(target, list_) if zone not in zones]  # fmt: skip
    known = [entry.key.split("[")[0] for entry in scenario.entries()]
    parameters: Mapping[str, tuple[str, ...]] = {
        "fitted": said.parameters.fitted,
        "carried": said.parameters.carried,
    }
    for list_, names in parameters.items():
        for i, key in enumerate(names):
            if not has_key(scenario, key):
                rule = _("the scenario has no key {key}").format(key=shown(key)) + nearest(key, known)
                found.append((("parameters", list_, i), rule))
    if said.months > scenario.months:
        found.append((("months",), _("the scenario has {n} months").format(n=scenario.months)))
    return [Problem(source.path, *source.place(key), dotted(key), rule) for key, rule in found]
