"""What a world is given: one frozen tree of settings, parameters and levers, read from a TOML file.

A file may extend another (``extends``, a shipped id or a path inside its own folder). Tables are laid over
those of the parent key by key, and policies are matched by id: the same id changes the parent's fields,
another ``kind`` replaces the policy, ``remove = true`` takes it away. Labels (``name``, ``name_zh``,
``description``, ``extends``) belong to one file and are not inherited.
"""

import dataclasses
import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Self

import numpy as np
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    PrivateAttr,
    SerializeAsAny,
    Strict,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from sim.announced import Announced
from sim.city import City, read_city
from sim.explain import NOT_BLANK, explain, field_of, unit_of
from sim.language import _
from sim.levers import Lever, Month, Setting, kinds, lever_class
from sim.made_worlds import WORLDS, MadeWorld
from sim.parameters import (
    SECTIONS,
    Access,
    Births,
    Compute,
    Exits,
    Finance,
    Initial,
    Labour,
    Land,
    Location,
    Operations,
    Outlook,
    Production,
)
from sim.places import default_world, read_world, worlds
from sim.plugins import PROCESSES, Process, fingerprints, names, process_class
from sim.policy import treated_zones
from sim.problems import MOST_PROBLEMS, Problem, ScenarioError, is_hidden, nearest, shown
from sim.scenario_files import (
    LABELS,
    PoliciesById,
    Resolved,
    find_file,
    inside_folder,
    keys_of,
    lay_over,
    read_scenario,
    shipped_ids,
)
from sim.toml_source import KeyPath, dotted

#: where a value comes from that no file gives, and one that was given in Python
DEFAULT, CHANGED = "default", "changed in Python"


_PART = re.compile(r"([^.\[\]]+)|\[([0-9]+)\]")


def _readable(text: str) -> str:
    hidden = [c for c in text if is_hidden(c) and c not in "\n\t"]
    return _without(text, hidden)


def _one_line(text: str) -> str:
    return _without(text, [c for c in text if is_hidden(c)])


def _without(text: str, hidden: list[str]) -> str:
    if hidden:
        raise PydanticCustomError("hidden_character", "hidden {name}", {"name": f"U+{ord(hidden[0]):04X}"})
    return text


def _lever(value: Any, info: ValidationInfo) -> Lever:
    """Return the lever that a table of ``[[policies]]`` describes, by its kind."""
    lever: type[Lever] | None = None
    if isinstance(value, Lever):
        lever, value = type(value), value.model_dump(by_alias=True, exclude_unset=True)
    elif isinstance(value, dict):
        kind = value.get("kind")
        lever = lever_class(kind) if isinstance(kind, str) else None
    else:
        raise PydanticCustomError("table_type", "must be a table")
    if lever is None:
        known = {"known": tuple(kinds())}
        unknown = PydanticCustomError("unknown_kind", "unknown kind", known) if "kind" in value else "missing"
        error = InitErrorDetails(type=unknown, loc=("kind",), input=value.get("kind"))
        raise ValidationError.from_exception_data("policy", [error])
    return lever.model_validate(value, context=_setting(info), by_alias=True, by_name=False)


def _world(value: Any) -> str | MadeWorld | City:
    """Return the world that an id names, a table ``[world]`` describes, or a folder beside the file holds."""
    if isinstance(value, MadeWorld | City):
        return value
    if isinstance(value, ScenarioError):
        raise PydanticCustomError("unread_world", "cannot be read")
    if isinstance(value, str):
        if value not in worlds():
            raise PydanticCustomError("unknown_world", "unknown world", {"known": tuple(worlds())})
        return value
    if not isinstance(value, dict):
        raise PydanticCustomError("world_type", "must be an id or a table")
    kind = value.get("kind")
    if kind == "own":  # the content of a folder, as plans and checkpoints hold it
        return City.model_validate(value)
    if not isinstance(kind, str) or kind not in WORLDS:
        unknown = PydanticCustomError("unknown_sort", "unknown kind", {"known": tuple(WORLDS)})
        error = InitErrorDetails(type=unknown if "kind" in value else "missing", loc=("kind",), input=kind)
        raise ValidationError.from_exception_data("world", [error])
    return WORLDS[kind].model_validate(value)


class Processes(dict[str, Process]):
    """The processes of plug-ins by name; it can be a key."""

    def __hash__(self) -> int:  # type: ignore[override] # a scenario is frozen
        """Return a hash of names and parameters."""
        return hash(tuple(sorted(self.items(), key=lambda named: named[0])))


def _with_names(value: Any) -> Any:
    """Return a table whose entries know their names."""
    return {name: (name, entry) for name, entry in value.items()} if isinstance(value, dict) else value


def _process(named: tuple[str, Any]) -> Process:
    """Return the process of a plug-in that a table ``[processes.NAME]`` describes."""
    name, value = named
    kind = process_class(name)
    if kind is None:
        raise PydanticCustomError(
            "unknown_process", "unknown process", {"known": tuple(names(PROCESSES)), "word": name}
        )
    if isinstance(value, kind):
        return value
    if not isinstance(value, dict):
        raise PydanticCustomError("table_type", "must be a table")
    return kind.model_validate(value)


def _setting(info: ValidationInfo) -> Setting:
    """Return the scenario's world and months, as far as they are known."""
    world = info.data.get("world")
    return Setting(
        zones=tuple(read_world(world).zone_index) if world is not None else None,
        start=info.data.get("start"),
        months=info.data.get("months"),
    )


AnyWorld = Annotated[str | SerializeAsAny[MadeWorld] | City, PlainValidator(_world)]
AnyProcess = Annotated[SerializeAsAny[Process], PlainValidator(_process)]
AnyLever = Annotated[SerializeAsAny[Lever], PlainValidator(_lever)]
Line = Annotated[str, AfterValidator(_one_line)]
Text = Annotated[str, AfterValidator(_readable)]


@dataclasses.dataclass(frozen=True)
class Entry:
    """One resolved value of a scenario: dotted key, value, unit, and the file and line it comes from."""

    key: str
    value: Any
    unit: str
    origin: str


class Scenario(BaseModel):
    """A world's settings, the parameters of its processes, and the levers that act in it."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, validate_default=True
    )

    id: Line = Field(default="scenario", max_length=200, exclude=True)
    name: Line = Field(min_length=1, max_length=120, pattern=NOT_BLANK,
                       description="Name of the scenario, as tables and figures show it.")  # fmt: skip
    name_zh: Line = Field(default="", max_length=120, description="The same in Chinese.")
    description: Text = Field(
        default="", max_length=4000,
        description="What the scenario assumes, in a few sentences.")  # fmt: skip
    extends: str | None = Field(
        default=None, max_length=1000,
        description="Scenario that this one changes: a shipped id, "
        "or a path inside this file's folder.")  # fmt: skip
    world: AnyWorld = Field(
        default=default_world(), description="Id of a shipped world, the path of a world folder inside this file's folder, such as \"./rivertown\", "
        "or a table that makes one for theory.")  # fmt: skip
    start: Month = Field(default="2025-01", description="First month that is simulated.")
    months: int = Field(default=120, ge=1, le=1200, description="Months that are simulated.",
                        json_schema_extra={"unit": "months"})  # fmt: skip

    access: Access = Access()
    land: Land = Land()
    location: Location = Location()
    operations: Operations = Operations()
    labour: Labour = Labour()
    compute: Compute = Compute()
    finance: Finance = Finance()
    exits: Exits = Exits()
    production: Production = Production()
    births: Births = Births()
    initial: Initial = Initial()
    outlook: Outlook = Outlook()

    policies: Annotated[tuple[AnyLever, ...], Strict(False)] = Field(
        default=(), max_length=31, description="Levers that act in the scenario.")  # fmt: skip

    processes: Annotated[dict[str, AnyProcess], BeforeValidator(_with_names), AfterValidator(Processes)] = Field(
        default_factory=Processes, max_length=20, validate_default=True, description="Processes of plug-ins by name, with their parameters.")  # fmt: skip

    announced: Annotated[tuple[Announced, ...], Strict(False)] = Field(
        default=(), max_length=20,
        description="What promoters announce: never an input, only held against the results.")  # fmt: skip

    _origins: dict[str, str] = PrivateAttr(default_factory=dict)

    @field_validator("initial")
    @classmethod
    def _startups_have_a_history(cls, initial: Initial, info: ValidationInfo) -> Initial:
        world = info.data.get("world")
        if initial.startups and not initial.history_months and world and read_world(world).startups is None:
            number = {"startups": initial.startups}
            error = InitErrorDetails(type=PydanticCustomError("no_history", "no history", number), loc=("history_months",),
                                     input=0)  # fmt: skip
            raise ValidationError.from_exception_data("initial", [error])
        return initial

    @field_validator("policies")
    @classmethod
    def _ids_differ(cls, policies: tuple[Lever, ...]) -> tuple[Lever, ...]:
        ids = [lever.id for lever in policies]
        for lever_id in ids:
            if ids.count(lever_id) > 1:
                raise PydanticCustomError("repeated_id", "the id {id} stands twice", {"id": lever_id})
        return policies

    @field_validator("policies")
    @classmethod
    def _some_are_alone(cls, policies: tuple[Lever, ...]) -> tuple[Lever, ...]:
        kinds = [type(lever) for lever in policies if lever.alone]
        for kind in kinds:
            if kinds.count(kind) > 1:
                ids = ", ".join(lever.id for lever in policies if isinstance(lever, kind))
                raise PydanticCustomError("only_one", "only one lever of this kind: {ids}", {"ids": ids})
        return policies

    @field_validator("processes")
    @classmethod
    def _levers_have_their_processes(cls, processes: Processes, info: ValidationInfo) -> Processes:
        for lever in info.data.get("policies", ()):
            for name in lever.needs:
                if name not in processes:
                    about = {"id": lever.id, "process": name}
                    raise PydanticCustomError("lacks_process", "{id} needs the process {process}", about)
        return processes

    @field_validator("announced")
    @classmethod
    def _are_of_the_world(
        cls, announced: tuple[Announced, ...], info: ValidationInfo
    ) -> tuple[Announced, ...]:
        if "world" in info.data and "start" in info.data and "months" in info.data:
            for promise in announced:
                Announced.model_validate(promise.model_dump(), context=_setting(info))
        return announced

    @classmethod
    def load(cls, id_or_path: str | os.PathLike[str]) -> Self:
        """Load a shipped scenario by its id, or a scenario file by its path.

        Raises
        ------
        ScenarioError
            If anything is wrong with the file or one that it extends; lists everything at once.
        """
        path, name = find_file(id_or_path)
        resolved = read_scenario(path, name)
        problems = list(resolved.problems)
        values = _as_in_file(resolved.tree) | _own_world(resolved, problems)
        try:
            scenario = cls.model_validate({**values, "id": path.stem})
        except ValidationError as error:
            problems += _problems(error, resolved, values)
        if problems:
            raise ScenarioError(_sorted(problems, name))
        scenario._origins = _origins(resolved)
        return scenario

    @staticmethod
    def shipped() -> list[str]:
        """Return the ids of the shipped scenarios."""
        return shipped_ids()

    def with_values(self, changes: Mapping[str, Any]) -> Self:
        """Return this scenario with other values, validated again.

        Parameters
        ----------
        changes
            Values by dotted key, such as ``births.outside_pull`` or ``months``; a policy's key names its id
            (``policies.north.share``, ``policies.north.phases[0].opens``). A whole policy is a lever or a
            table; None removes it.

        Raises
        ------
        ScenarioError
            If a key does not exist or a value is not allowed; lists everything at once.
        """
        tree, problems = self.tree_with(changes)
        values = _as_in_file(tree)
        try:
            changed = type(self).model_validate({**values, "id": self.id})
        except ValidationError as error:
            for details in _errors(error):
                message = explain(details, type(self), values)
                problems.append(Problem(self.id, None, None, dotted(_by_id(details["loc"], tree)), message))
        if problems:
            raise ScenarioError(_sorted(problems, self.id))
        changed._origins = self._origins | {
            dotted(key): CHANGED
            for key in keys_of(tree)
            for start in changes
            if dotted(key) == start or dotted(key).startswith((f"{start}.", f"{start}["))
        }
        return changed

    def tree_with(
        self, changes: Mapping[str, Any], resolved: bool = False
    ) -> tuple[dict[str, Any], list[Problem]]:
        """Return the values that were given, or all of them, with others laid over, and the keys that do not exist.

        Nothing is validated, so that a form can show what was typed beside what is wrong with it. Policies stand
        under their ids.
        """
        tree = self._tree(resolved)
        problems = []
        for key, value in changes.items():
            message = _set(tree, key, value.tolist() if isinstance(value, np.generic | np.ndarray) else value)
            if message:
                problems.append(Problem(self.id, None, None, key, message))
        return tree, problems

    def entries(self) -> Iterator[Entry]:
        """Yield every resolved value with its unit and its origin, in the order of the schema."""
        tree = self._tree(resolved=True)
        values = _as_in_file(tree)
        for key, value in _leaves(tree):
            unit = unit_of(field_of(_by_position(key, tree), type(self), values))
            name = dotted(key)
            said = f"{value} ({value.sha[:12]})" if isinstance(value, City) else value
            yield Entry(name, said, unit, self._origins.get(name, DEFAULT))

    @property
    def origin(self) -> dict[str, str]:
        """The file and line that each resolved value comes from, or "default", by dotted key."""
        return {entry.key: entry.origin for entry in self.entries()}

    @property
    def treated_zones(self) -> tuple[str, ...]:
        """The zones of all place-bound levers, in the order of the world."""
        return treated_zones(self.policies, read_world(self.world).zone_index)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of everything that a run depends on: all but the id and the labels."""
        values = self._dump(by_alias=True, exclude={*LABELS, "announced"})
        # levers act in the order of their ids, so their order in the file changes nothing
        values["policies"].sort(key=lambda lever: lever["id"])
        return _digest(values)

    @property
    def history_fingerprint(self) -> str:
        """SHA-256 of what the history before the first month depends on: the world and undated sections."""
        undated = {"world", *SECTIONS} - {"outlook"}
        return _digest(self._dump(include=undated))

    def _dump(self, **which: Any) -> dict[str, Any]:
        """Return values as they count in a fingerprint: a world of the user's own as its hash."""
        values = self.model_dump(mode="json", **which)
        if isinstance(self.world, City):
            values["world"] = {"own": self.world.sha}
        plugins = fingerprints(map(type, [*self.policies, *self.processes.values()]))
        if plugins and "policies" in values:  # what acts from the first month on has no part in the history
            values["plugins"] = plugins
        if not values.get("processes", True):
            del values["processes"]
        return values

    def _tree(self, resolved: bool = False) -> dict[str, Any]:
        """Return the values that were given, or all of them, with the policies under their ids."""
        tree = self.model_dump(mode="json", by_alias=True, exclude_unset=not resolved)
        tree["policies"] = PoliciesById((lever["id"], lever) for lever in tree.get("policies", []))
        if isinstance(self.world, City):
            tree["world"] = self.world
        return tree


def _digest(values: dict[str, Any]) -> str:
    text = json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _own_world(resolved: Resolved, problems: list[Problem]) -> dict[str, Any]:
    """Return the world folder that a file names by a path, as the value of its key; nothing if it names none."""
    named = resolved.tree.get("world")
    if not isinstance(named, str) or "/" not in named:
        return {}
    layer = resolved.origins[("world",)]
    folder = inside_folder(named, layer)
    if folder is None:
        message = _('"{path}" is not a path inside this file\'s own folder').format(path=shown(named))
        error = ScenarioError([layer.problem(("world",), message)])
    elif not folder.is_dir():
        message = _('no folder "{path}" in this file\'s folder').format(path=shown(named))
        error = ScenarioError([layer.problem(("world",), message)])
    else:
        try:
            name = os.path.normpath(os.path.join(os.path.dirname(layer.source.path), named))
            return {"world": read_city(folder, name, layer.folder)}
        except ScenarioError as found:
            error = found
    problems += error.problems
    return {"world": error}


def _as_in_file(tree: dict[str, Any]) -> dict[str, Any]:
    """Return a tree as files have it: policies as an array."""
    policies = tree.get("policies")
    return tree | {"policies": list(policies.values())} if isinstance(policies, PoliciesById) else tree


def _by_id(key: KeyPath, tree: dict[str, Any]) -> KeyPath:
    """Return `key` with the id of a policy instead of its position."""
    policies = tree.get("policies")
    if (
        len(key) > 1
        and key[0] == "policies"
        and isinstance(key[1], int)
        and isinstance(policies, PoliciesById)
    ):
        return ("policies", list(policies)[key[1]], *key[2:])
    return key


def _by_position(key: KeyPath, tree: dict[str, Any]) -> KeyPath:
    """Return `key` with the position of a policy instead of its id."""
    if len(key) > 1 and key[0] == "policies":
        return ("policies", list(tree["policies"]).index(key[1]), *key[2:])
    return key


def _leaves(tree: Any, key: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    """Yield the values of a tree; an array of numbers or words is one value."""
    if isinstance(tree, dict):
        for part, value in tree.items():
            yield from _leaves(value, (*key, part))
    elif isinstance(tree, list) and tree and isinstance(tree[0], dict):
        for i, value in enumerate(tree):
            yield from _leaves(value, (*key, i))
    else:
        yield key, tree


def _errors(error: ValidationError) -> Iterator[ErrorDetails]:
    """Yield pydantic's errors, without those that only repeat others."""
    for details in error.errors(include_url=False)[: MOST_PROBLEMS + 1]:
        if details["type"] == "missing" and isinstance(details["loc"][-1], int):
            # one error for each value that an array of fixed length lacks: speak of the array
            loc = details["loc"]
            while isinstance(loc[-1], int):
                loc = loc[:-1]
            details["type"], details["loc"] = "too_few", loc
        if details["type"] == "too_short" and isinstance(details["input"], list) and details["input"]:
            continue  # the elements are there, and wrong
        yield details


def _problems(error: ValidationError, resolved: Resolved, values: dict[str, Any]) -> Iterator[Problem]:
    """Put each of pydantic's errors where its key stands."""
    for details in _errors(error):
        inside_policy = len(details["loc"]) > 1 and details["loc"][0] == "policies"
        if details["type"] == "missing" and inside_policy and not resolved.complete:
            continue  # the file that could not be read may have it
        if details["type"] in ("repeated_id", "unread_world"):
            continue  # already reported, with their own places
        key = _by_id(details["loc"], resolved.tree)
        found = key
        while found and found not in resolved.origins:
            found = found[:-1]
        layer = resolved.origins.get(found, resolved.layer)
        yield layer.problem(key, explain(details, Scenario, values))


def _sorted(problems: list[Problem], path: str) -> list[Problem]:
    """Return each problem once, in the order of the lines, those of the file at `path` first."""
    unlike = sorted(
        dict.fromkeys(problems),
        key=lambda found: (found.path != path, found.path, found.line or 0, found.column or 0),
    )
    if len(unlike) > MOST_PROBLEMS:
        unlike[MOST_PROBLEMS:] = [Problem(path, None, None, "", _("and more problems"))]
    return unlike


def _origins(resolved: Resolved) -> dict[str, str]:
    places = {}
    for key, layer in resolved.origins.items():
        line, _column = layer.source.place(layer.in_file(key))
        places[dotted(key)] = f"{layer.source.path}:{line}"
    return places


def _set(tree: dict[str, Any], key: str, value: Any) -> str:
    """Set one dotted key of a tree; return what is wrong with the key, or nothing."""
    parts = [int(number) if number else name for name, number in _PART.findall(key)]
    if not parts or isinstance(parts[0], int):
        return _("no dotted key")
    if parts[0] == "policies":
        if len(parts) == 1:
            return _set_policies(tree, value)
        if len(parts) == 2:
            return _set_policy(tree["policies"], str(parts[1]), value)
        if parts[1] not in tree["policies"]:
            return _("no such policy") + nearest(parts[1], tree["policies"])
    holder: Any = tree
    for part in parts[:-1]:
        if isinstance(holder, dict):
            holder = holder.setdefault(part, {})
        else:
            holder = holder[part] if _has(holder, part) else None
    if not isinstance(holder, dict) and not _has(holder, parts[-1]):
        return _("no such key")
    holder[parts[-1]] = _plain(value)
    return ""


def _has(array: Any, position: Any) -> bool:
    return isinstance(array, list) and isinstance(position, int) and position < len(array)


def _set_policies(tree: dict[str, Any], value: Any) -> str:
    if not isinstance(value, list | tuple):
        return _("must be an array")
    tree["policies"] = PoliciesById()
    for position, lever in enumerate(map(_plain, value)):
        token = lever.get("id") if isinstance(lever, dict) else None
        taken = not isinstance(token, str) or token in tree["policies"]
        tree["policies"][f"[{position}]" if taken else token] = lever
    return ""


def _set_policy(policies: PoliciesById, policy_id: str, value: Any) -> str:
    if value is None and policy_id not in policies:
        return _("no such policy") + nearest(policy_id, policies)
    if value is None:
        del policies[policy_id]
    elif isinstance(value := _plain(value), dict):
        laid = lay_over(
            {"policies": policies}, {"policies": PoliciesById({policy_id: value | {"id": policy_id}})}
        )
        policies |= laid["policies"]
    else:
        return _("must be a lever, a table or None, not {given}").format(given=shown(value))
    return ""


def _plain(value: Any) -> Any:
    return (
        value.model_dump(by_alias=True, exclude_unset=True, mode="json")
        if isinstance(value, BaseModel)
        else value
    )
