"""Scenario files on disk: where they are, what they extend, and one tree laid over another.

A *tree* is what a file says, with its policies under their ids instead of their positions; a *layer* is the
tree of one file, which still knows where each key stands.
"""

import dataclasses
import os
import pathlib
import re
from collections.abc import Iterator
from typing import Any

from sim.language import _
from sim.places import shipped_folder
from sim.problems import Problem, ScenarioError, is_hidden, nearest, shown
from sim.toml_source import KeyPath, Source, dotted, read_source

#: keys that describe one file and are not inherited
LABELS = ("name", "name_zh", "description", "extends")
#: files that one file may extend, directly and through others
MOST_PARENTS = 8

_ID = re.compile(r"[a-z0-9][a-z0-9-]*")


class PoliciesById(dict[str, Any]):
    """The policies of a tree under their ids, in the order of the file."""


@dataclasses.dataclass(frozen=True)
class Layer:
    """What one file says: its tree, the position in the file of each policy, and the folder that it stands in."""

    source: Source
    tree: dict[str, Any]
    positions: dict[str, int]
    folder: pathlib.Path

    def in_file(self, key: KeyPath) -> KeyPath:
        """Return what the file calls `key` of the tree: ``policies[0].share`` for the one of "north"."""
        if len(key) > 1 and key[0] == "policies" and isinstance(key[1], str) and key[1] in self.positions:
            return ("policies", self.positions[key[1]], *key[2:])
        return key

    def problem(self, key: KeyPath, message: str) -> Problem:
        """Return a problem with `key` of the tree, at its place in the file."""
        key = self.in_file(key)
        return Problem(self.source.path, *self.source.place(key), dotted(key), message)


@dataclasses.dataclass(frozen=True)
class Resolved:
    """A file laid over all that it extends.

    Attributes
    ----------
    layer
        The file itself.
    tree
        The resolved tree.
    origins
        The layer that each key of the tree comes from.
    problems
        What is wrong with the files as such; what their values mean is not looked at here.
    complete
        Whether everything that is extended could be read.
    """

    layer: Layer
    tree: dict[str, Any]
    origins: dict[KeyPath, Layer]
    problems: list[Problem]
    complete: bool


def shipped_ids() -> list[str]:
    """Return the ids of the shipped scenarios, in alphabetical order."""
    return sorted(path.stem for path in shipped_folder().glob("*.toml"))


def find_file(id_or_path: str | os.PathLike[str]) -> tuple[pathlib.Path, str]:
    """Return the file of a shipped id or a path, and its name for messages.

    Raises
    ------
    ScenarioError
        If a word that looks like an id is none.
    """
    word = os.fspath(id_or_path)
    path = pathlib.Path(word)
    if isinstance(id_or_path, str):
        if word in shipped_ids():
            return _shipped_file(word)
        if not path.suffix and path.name == word and not _exists(path):
            message = _("no scenario of this name (shipped: {known})").format(known=", ".join(shipped_ids()))
            raise ScenarioError([Problem(word, None, None, "", message + nearest(word, shipped_ids()))])
    return path, word


def read_scenario(path: pathlib.Path, name: str) -> Resolved:
    """Read the scenario file at `path`, called `name` in messages, and all that it extends.

    Raises
    ------
    ScenarioError
        If the file itself cannot be read; what is wrong beyond that is listed in the result.
    """
    source = read_source(path, name)
    layers, seen = [_layer(source, path.parent)], [path.resolve()]
    problems = _structure(layers[0])
    complete = True
    while (parent := layers[-1].source.data.get("extends")) is not None:
        try:
            path, name = _parent_file(parent, layers[-1])
            if path.resolve() in seen:
                raise _refusal(layers[-1], _("extends itself, through {name}").format(name=shown(name)))
            if len(layers) > MOST_PARENTS:
                raise _refusal(layers[-1], _("more than {n} files deep").format(n=MOST_PARENTS))
            source = read_source(path, name)
        except ScenarioError as error:
            problems += error.problems
            complete = False
            break
        seen.append(path.resolve())
        layers.append(_layer(source, path.parent))
        problems += _structure(layers[-1])
    tree, origins, removals = _fold(layers[::-1], complete)
    return Resolved(layers[0], tree, origins, problems + removals, complete)


def lay_over(parent: dict[str, Any], child: dict[str, Any]) -> dict[str, Any]:
    """Return the tree `child` laid over the tree `parent`; neither is changed."""
    merged = _merged({key: value for key, value in parent.items() if key not in LABELS}, child)
    if _another_kind(parent.get("world"), child.get("world")):
        merged["world"] = child["world"]
    if isinstance(child.get("policies"), PoliciesById):
        inherited = parent.get("policies")
        if not isinstance(inherited, PoliciesById):
            inherited = PoliciesById()
        merged["policies"] = _merged_policies(inherited, child["policies"])
    return merged


def _another_kind(parent: Any, child: Any) -> bool:
    """Return whether both are made worlds, or policies, and the second names a kind that is not the first's."""
    both = isinstance(parent, dict) and isinstance(child, dict)
    return both and "kind" in child and child["kind"] != parent.get("kind")


def _merged(parent: dict[str, Any], child: dict[str, Any]) -> dict[str, Any]:
    merged = dict(parent)
    for key, value in child.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merged(merged[key], value) if both else value
    return merged


def _merged_policies(parent: PoliciesById, child: PoliciesById) -> PoliciesById:
    merged = PoliciesById(parent)
    for token, entry in child.items():
        inherited = merged.get(token)
        if isinstance(entry, dict) and "remove" in entry:
            merged.pop(token, None)
        elif isinstance(entry, dict) and isinstance(inherited, dict):
            merged[token] = entry if _another_kind(inherited, entry) else _merged(inherited, entry)
        else:
            merged[token] = entry
    return merged


def keys_of(tree: Any, key: KeyPath = ()) -> Iterator[KeyPath]:
    """Yield the path of every key and array element of a tree, tables before what they hold."""
    parts: Any = ()
    if isinstance(tree, dict):
        parts = tree.items()
    elif isinstance(tree, list):
        parts = enumerate(tree)
    for part, value in parts:
        yield (*key, part)
        yield from keys_of(value, (*key, part))


def _fold(layers: list[Layer], complete: bool) -> tuple[dict[str, Any], dict[KeyPath, Layer], list[Problem]]:
    """Lay each layer over those before it, from the root to the file."""
    tree: dict[str, Any] = {}
    origins: dict[KeyPath, Layer] = {}
    problems: list[Problem] = []
    for layer in layers:
        inherited = tree.get("policies", {})
        tree, own = lay_over(tree, layer.tree), set(keys_of(layer.tree))
        origins = {key: layer if key in own else origins[key] for key in keys_of(tree)}
        if complete:
            problems += _vain_removals(layer, inherited)
    return tree, origins, problems


def _vain_removals(layer: Layer, inherited: Any) -> list[Problem]:
    own = layer.tree.get("policies")
    known = list(inherited) if isinstance(inherited, PoliciesById) else []
    return [
        layer.problem(("policies", token), _("nothing inherited to remove") + nearest(token, known))
        for token, entry in (own.items() if isinstance(own, PoliciesById) else ())
        if isinstance(entry, dict) and "remove" in entry and token not in known
    ]


def _layer(source: Source, folder: pathlib.Path) -> Layer:
    tree = dict(source.data)
    positions: dict[str, int] = {}
    entries = tree.get("policies")
    if isinstance(entries, list):
        by_id = PoliciesById()
        for position, entry in enumerate(entries):
            token = _token(entry)
            if token is None or token in by_id:
                token = f"[{position}]"  # no id can look like this
            by_id[token] = entry
            positions[token] = position
        tree["policies"] = by_id
    tree.pop("id", None)
    if not isinstance(tree.get("extends", ""), str):
        del tree["extends"]
    return Layer(source, tree, positions, folder)


def _token(entry: Any) -> str | None:
    token = entry.get("id") if isinstance(entry, dict) else None
    return token if isinstance(token, str) and _ID.fullmatch(token) else None


def _structure(layer: Layer) -> list[Problem]:
    """Return what is wrong with a file that its values do not show any more once it is laid over another."""
    problems = []
    if "id" in layer.source.data:
        message = _("unknown key; the id of a scenario is the name of its file")
        problems.append(layer.problem(("id",), message))
    entries = layer.source.data.get("policies")
    first: dict[str, int] = {}
    for position, entry in enumerate(entries if isinstance(entries, list) else []):
        token = _token(entry)
        if token is not None and token in first:
            message = _('the id "{id}" stands twice, first in policies[{n}]')
            message = message.format(id=token, n=first[token])
            problems.append(layer.problem(("policies", position, "id"), message))
        elif token is not None:
            first[token] = position
        if isinstance(entry, dict) and "remove" in entry:
            problems += _bad_removal(layer, position, entry)
    return problems


def _bad_removal(layer: Layer, position: int, entry: dict[str, Any]) -> list[Problem]:
    problems = []
    if entry["remove"] is not True:
        message = _("must be true (a policy that stays needs no such key)")
        problems.append(layer.problem(("policies", position, "remove"), message))
    if "id" not in entry:
        message = _("required key is missing: the id of the policy to remove")
        problems.append(layer.problem(("policies", position, "id"), message))
    message = _("unknown key beside remove = true")
    return problems + [
        layer.problem(("policies", position, key), message) for key in entry if key not in ("id", "remove")
    ]


def _refusal(layer: Layer, message: str) -> ScenarioError:
    return ScenarioError([layer.problem(("extends",), message)])


def _parent_file(parent: Any, layer: Layer) -> tuple[pathlib.Path, str]:
    """Return the file that a layer extends, and its name for messages."""
    if not isinstance(parent, str):
        raise _refusal(layer, _("must be the id of a shipped scenario, or a path beside this file, as text"))
    if parent in shipped_ids():
        return _shipped_file(parent)
    if not parent.endswith(".toml") and "/" not in parent and "\\" not in parent:
        message = _('no shipped scenario "{id}" (a file beside this one ends with .toml)')
        raise _refusal(layer, message.format(id=shown(parent)) + nearest(parent, shipped_ids()))
    message = _('"{path}" is not a path inside this file\'s own folder')
    outside = _refusal(layer, message.format(path=shown(parent)))
    target = inside_folder(parent, layer)
    if target is None:
        raise outside
    if not _exists(target):
        raise _refusal(layer, _('no file "{path}" in this file\'s folder').format(path=shown(parent)))
    return target, os.path.join(os.path.dirname(layer.source.path), parent)


def inside_folder(path: str, layer: Layer) -> pathlib.Path | None:
    """Return what a relative path in a file names, links followed; None if that lies outside the file's own folder."""
    parts = pathlib.PurePosixPath(path).parts
    if path.startswith("/") or ".." in parts or any(c in ":\\" or is_hidden(c) for c in path):
        return None
    target = layer.folder / path
    try:
        inside = target.resolve().is_relative_to(layer.folder.resolve())
    except (OSError, RuntimeError):
        return None
    return target if inside else None


def _shipped_file(scenario_id: str) -> tuple[pathlib.Path, str]:
    path = shipped_folder() / f"{scenario_id}.toml"
    here = pathlib.Path.cwd()
    return path, str(path.relative_to(here) if path.is_relative_to(here) else path)


def _exists(path: pathlib.Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False
