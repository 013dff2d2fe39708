"""What the page shows, as one frozen value: to and from the address, as a scenario, as a scenario file."""

import dataclasses
import functools
import json
import pathlib
import tempfile
import urllib.parse
from collections.abc import Mapping
from typing import Any

from sim.language import LANGUAGES, N_, _, in_language, speaking
from sim.levers import LEVERS
from sim.problems import Problem, ScenarioError, nearest, shown
from sim.scenario import Scenario

#: longest address that is read [characters]
LONGEST_QUERY = 16_000
MOST_SEED = 2**31 - 1  #: largest seed: what a browser counts exactly, and more than anybody needs
MOST_SEEDS = 200  #: of a comparison on the page; more belong to a study
LAYERS = ("startups", "rent", "vacancy", "talent", "funds", "deals")
VIEWS = ("both", "difference", "one")
EDITED = "-edited"  #: what the id of a shipped scenario ends with once it is changed

Changes = Mapping[str, Any]


@functools.cache
def load(scenario_id: str) -> Scenario:
    """Return a shipped scenario, read once."""
    return Scenario.load(scenario_id)


@dataclasses.dataclass(frozen=True)
class State:
    """All that a reader of the same address sees; nothing of it starts a run.

    Attributes
    ----------
    scenario, baseline
        Ids of shipped scenarios.
    changes
        Values of the scenario that differ from the shipped ones, by dotted key, as `Scenario.with_values` takes them.
    seed, seeds
        Seed of the run on the map, and number of seeds of a comparison.
    months
        Months simulated; None: those of the scenario.
    layer, view, month, zone, startup
        What the map shows: a quantity, one map or two, a month from 1 on (0: the last), a chosen zone, a chosen startup.
    study
        Results folder that is open, below the folder of the page.
    lang
        Language.
    """

    scenario: str = "rent-cut"
    baseline: str = "baseline"
    changes: Changes = dataclasses.field(default_factory=dict)
    seed: int = 1
    seeds: int = 10
    months: int | None = None
    layer: str = LAYERS[0]
    view: str = VIEWS[0]
    month: int = 0
    zone: str = ""
    startup: str = ""
    study: str = ""
    lang: str = LANGUAGES[0]

    def to_query(self) -> str:
        """Return the state as the query of an address: what differs from the defaults, the language always."""
        pairs = []
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.name == "changes":
                if value:
                    pairs.append((field.name, json.dumps(value, separators=(",", ":"), ensure_ascii=False)))
            elif field.name == "lang" or value != field.default:
                pairs.append((field.name, str(value)))
        return urllib.parse.urlencode(pairs)

    def with_change(self, key: str, value: Any) -> "State":
        """Return the state with one more value that differs; changes inside a policy that it replaces go."""
        kept = {name: old for name, old in self.changes.items() if not _inside(name, key)}
        return dataclasses.replace(self, changes=kept | {key: value})

    def without_change(self, key: str) -> "State":
        """Return the state with the shipped value, or policy, again."""
        kept = {name: old for name, old in self.changes.items() if not _inside(name, key)}
        return dataclasses.replace(self, changes=kept)

    @property
    def policy_id(self) -> str:
        """Id under which the scenario runs."""
        return self.scenario + (EDITED if self.changes else "")

    def resolved(self) -> Scenario:
        """Return the scenario that is shown.

        Raises
        ------
        ScenarioError
            If a value is not allowed; lists everything at once.
        """
        found = self._resolved
        if isinstance(found, ScenarioError):
            raise found
        return found

    @functools.cached_property
    def _resolved(self) -> Scenario | ScenarioError:
        try:
            return self._resolve()
        except ScenarioError as error:
            return error

    def _resolve(self) -> Scenario:
        shipped = load(self.scenario)
        if not self.changes:
            return shipped
        changes = dict(self.changes)
        if "name" not in changes:
            edited = N_("{name}, edited")
            changes["name"] = in_language(edited, "en").format(name=shipped.name)[:120]
            if shipped.name_zh:
                changes["name_zh"] = in_language(edited, "zh").format(name=shipped.name_zh)[:120]
        return shipped.with_values(changes).model_copy(update={"id": self.policy_id})

    def typed(self) -> dict[str, Any]:
        """Return all values of the scenario as they were typed, allowed or not, policies under their ids."""
        return load(self.scenario).tree_with(self.changes, resolved=True)[0]

    def problems(self) -> list[Problem]:
        """Return what is wrong with the scenario."""
        try:
            self.resolved()
        except ScenarioError as error:
            return error.problems
        return []


def _inside(name: str, key: str) -> bool:
    return name == key or name.startswith((f"{key}.", f"{key}["))


def from_query(query: str, lang: str = LANGUAGES[0]) -> tuple[State, list[str]]:
    """Return the state that an address names, and what of the address could not be read, in the language of the state.

    Parameters
    ----------
    query
        What follows the question mark, with or without it.
    lang
        Language where the address names none.
    """
    pairs: list[tuple[str, str]] = []
    unread = ""
    if len(query) > LONGEST_QUERY:
        unread = N_("the address is too long to be read")
    else:
        try:
            pairs = urllib.parse.parse_qsl(query.removeprefix("?"), max_num_fields=40)
        except ValueError:
            unread = N_("the address could not be read")
    found: dict[str, Any] = {"lang": lang}
    wrong = []
    with speaking(
        next((text for name, text in reversed(pairs) if name == "lang" and text in LANGUAGES), lang)
    ):
        if unread:
            wrong.append(_(unread))
        for name, text in pairs:
            reader = _READERS.get(name)
            if reader is None:
                continue  # somebody else's, such as what a mailer appends
            try:
                found[name] = reader(text)
            except ValueError as error:
                wrong.append(_("{name}: {text}").format(name=name, text=error))
    return State(**found), wrong


def _one_of(known: Any, text: str) -> str:
    if text in known:
        return text
    raise ValueError(_('"{word}" is not known').format(word=shown(text)) + nearest(text, known))


def _whole(low: int, high: int, text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = low - 1
    if low <= value <= high:
        return value
    message = _("must be a whole number from {low} to {high}, not {given}")
    raise ValueError(message.format(low=low, high=high, given=shown(text)))


def _changes(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ValueError(_("could not be read"))
    return found


def _short(text: str) -> str:
    if len(text) > 300:
        raise ValueError(_("could not be read"))
    return text


_READERS: dict[str, Any] = {
    "scenario": lambda text: _one_of(Scenario.shipped(), text),
    "baseline": lambda text: _one_of(Scenario.shipped(), text),
    "changes": _changes,
    "seed": lambda text: _whole(0, MOST_SEED, text),
    "seeds": lambda text: _whole(1, MOST_SEEDS, text),
    "months": lambda text: _whole(1, 1200, text),
    "layer": lambda text: _one_of(LAYERS, text),
    "view": lambda text: _one_of(VIEWS, text),
    "month": lambda text: _whole(0, 1200, text),
    "zone": _short,
    "startup": _short,
    "study": _short,
    "lang": lambda text: _one_of(LANGUAGES, text),
}


def new_lever(kind: str, scenario: Scenario, zone: str | None, taken: Any) -> dict[str, Any]:
    """Return a lever to begin with, as a table: that of a shipped scenario, placed in a zone, from the first month on.

    Parameters
    ----------
    kind
        Its kind.
    scenario
        Scenario to which it is added.
    zone
        Where; None leaves the zones of the example.
    taken
        Ids of the levers that are there.
    """
    lever = LEVERS[kind]
    table = _example(kind) or {
        field.alias or name: "" for name, field in lever.model_fields.items() if field.is_required()
    }
    table |= {"kind": kind, "id": _free(kind, taken)}
    if "from" in table:
        table["from"] = scenario.start
        table.pop("months", None)
    if zone is not None and "zone" in lever.model_fields:
        table["zone"] = zone
    elif zone is not None and "zones" in lever.model_fields:
        table["zones"] = [zone]
    return table


def _example(kind: str) -> dict[str, Any]:
    """Return the first lever of a kind among the shipped scenarios, empty if there is none."""
    for name in Scenario.shipped():
        for lever in load(name).policies:
            if getattr(lever, "kind", "") == kind:
                return lever.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return {}


def _free(wanted: str, taken: Any) -> str:
    number = 1
    while f"{wanted}-{number}" in taken:
        number += 1
    return f"{wanted}-{number}"


def as_file(state: State) -> str:
    """Return the scenario as the text of a scenario file that reads back as the same.

    It extends the shipped scenario and says what differs; where a value cannot be taken back that way, it says all.

    Raises
    ------
    ScenarioError
        If a value is not allowed.
    """
    import tomlkit

    scenario = state.resolved()
    short = {"extends": state.scenario, "name": scenario.name, "name_zh": scenario.name_zh}
    short |= _differing(state, scenario)
    full = scenario.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude_none=True)
    for tree in (short, {key: value for key, value in full.items() if key != "extends"}):
        text = f"# {_('Written by sim app')}\n\n{tomlkit.dumps(_without_nothing(tree))}"
        if _reads_back(text, scenario):
            return text
    raise ScenarioError([Problem(scenario.id, None, None, "", _("cannot be written as a file"))])


def _differing(state: State, scenario: Scenario) -> dict[str, Any]:
    """Return the changed keys as a tree, with the values that the scenario has."""
    values = scenario.model_dump(mode="json", by_alias=True)
    given = scenario.model_dump(mode="json", by_alias=True, exclude_unset=True)
    levers = {lever["id"]: lever for lever in values["policies"]}
    written = {lever["id"]: lever for lever in given.get("policies", [])}
    inherited = {lever.id for lever in load(state.scenario).policies}
    tree: dict[str, Any] = {}
    policies: dict[str, dict[str, Any]] = {}
    for key, value in state.changes.items():
        parts = key.split(".")
        if parts[0] != "policies":
            section = tree.setdefault(parts[0], {}) if len(parts) > 1 else tree
            section[parts[-1]] = values[parts[0]][parts[1]] if len(parts) > 1 else value
        elif parts[1] not in levers:
            if parts[1] in inherited:
                policies[parts[1]] = {"id": parts[1], "remove": True}
        elif len(parts) == 2 or parts[1] not in inherited:
            policies[parts[1]] = written[parts[1]]
        else:
            field = parts[2].split("[")[0]
            policies.setdefault(parts[1], {"id": parts[1]})[field] = levers[parts[1]][field]
    return tree | ({"policies": list(policies.values())} if policies else {})


def _without_nothing(tree: Any) -> Any:
    """Return a tree without absent values, which TOML cannot write."""
    if isinstance(tree, dict):
        return {key: _without_nothing(value) for key, value in tree.items() if value is not None}
    return [_without_nothing(value) for value in tree] if isinstance(tree, list | tuple) else tree


def _reads_back(text: str, scenario: Scenario) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "scenario.toml"
        path.write_text(text, encoding="utf-8")
        try:
            return Scenario.load(path).fingerprint == scenario.fingerprint
        except ScenarioError:
            return False
