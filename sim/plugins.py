"""Plug-ins: policies and processes of other packages, found by entry point when a scenario names them.

A package names a class of levers in the group ``sim.policies`` (the entry point's name is the ``kind`` of the lever) or a
class of processes in the group ``sim.processes`` (the name is that of its table, ``[processes.NAME]``). Nothing of it is
imported before a scenario asks for a word that this program does not know, or somebody asks for all schemas; and a
package that is only installed changes no result.
"""

import abc
import dataclasses
import functools
import hashlib
import importlib.util
import pathlib
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, Literal

import numpy as np

from sim.language import _
from sim.parameters.section import Section, parameter
from sim.problems import shown

__all__ = ["PLACES", "POLICIES", "PROCESSES", "Added", "PluginError", "Process", "parameter"]

#: the groups of entry points
POLICIES, PROCESSES = "sim.policies", "sim.processes"
#: where in a month a process can act: at the end of each part of ``ClusterModel.step``
PLACES = ("places", "work", "ends", "moves")


class PluginError(RuntimeError):
    """A plug-in cannot be used; the message names its package."""

    exit_code = 4


class Process(Section, abc.ABC):
    """A process of a plug-in: its parameters are its fields, declared with ``parameter`` as those of the model are.

    It acts in scenarios that have its table, ``[processes.NAME]``, from the first month on; the history before it is
    that of the model. A process that is neutral by default changes nothing until a scenario asks for it.

    Attributes
    ----------
    place
        Where in the month it acts: at the end of "places", "work", "ends" or "moves".
    """

    place: ClassVar[Literal["places", "work", "ends", "moves"]] = "work"

    @abc.abstractmethod
    def act(self, world: Any, terms: Any, key: np.uint64) -> None:
        """Change the state of the world by one month.

        Parameters
        ----------
        world
            The state (``sim.world.World``); say in the docstring what is written.
        terms
            The month's terms (``sim.terms.Terms``); what a policy of the same package wrote stands in ``terms.own``.
        key
            Key of this process, seed and month for addressed draws, as ``uniform(key, uid, k)``.
        """


@dataclasses.dataclass(frozen=True)
class Plugin:
    """A class that a plug-in brings along, and whose it is: the name of its entry point, its package and version."""

    name: str
    package: str
    version: str
    loaded: type[Any]

    @property
    def sources(self) -> str:
        """SHA-256 of the Python sources of the package that holds the class."""
        return _sources(self.loaded.__module__.partition(".")[0])


#: what has been loaded, by its class
_LOADED: dict[type, Plugin] = {}


def names(group: str) -> list[str]:
    """Return the names of all entry points of a group; imports none of them."""
    return sorted({entry.name for entry in _entries(group)})


def load(group: str, name: str, base: type[Any]) -> type[Any] | None:
    """Return the class that an entry point names; None if there is no such entry point.

    Parameters
    ----------
    group, name
        Of the entry point.
    base
        Class of which it must be a subclass.

    Raises
    ------
    PluginError
        If two packages have the name, or what is named cannot be imported or is no such class.
    """
    found = [entry for entry in _entries(group) if entry.name == name]
    if not found:
        return None
    packages = sorted({_package(entry) for entry in found})
    what = _("plug-in {name} of {package}").format(name=shown(name), package=shown(", ".join(packages)))
    if len(packages) > 1:
        raise PluginError(
            _("{what}: several packages have a plug-in of this name; uninstall all but one").format(what=what)
        )
    try:
        loaded = found[0].load()
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
        raise PluginError(_("{what}: cannot be loaded: {why}").format(what=what, why=shown(why))) from error
    if not (isinstance(loaded, type) and issubclass(loaded, base)) or getattr(
        loaded, "__abstractmethods__", None
    ):
        message = _("{what}: {value} is no complete subclass of {base}")
        base_name = f"{base.__module__}.{base.__name__}"
        raise PluginError(message.format(what=what, value=shown(found[0].value), base=base_name))
    problem = _wrong(group, name, loaded)
    if problem:
        raise PluginError(f"{what}: {problem}")
    if group == POLICIES:
        _guard(loaded)
    version = found[0].dist.version if found[0].dist is not None else ""
    _LOADED[loaded] = Plugin(name, packages[0], version, loaded)
    return loaded


def _wrong(group: str, name: str, loaded: type[Any]) -> str:
    """Return what is wrong with a class, or nothing."""
    if group == PROCESSES and loaded.place not in PLACES:
        return _("place must be one of {places}, not {given}").format(
            places=", ".join(PLACES), given=shown(loaded.place)
        )
    if group == POLICIES:
        kind = loaded.model_fields["kind"].annotation if "kind" in loaded.model_fields else None
        if kind != Literal[name]:
            return _('needs the field kind: Literal["{name}"]').format(name=shown(name))
        lost = [key for key in loaded.strength if key not in loaded.model_fields]
        if lost:
            return _("strength names what is no field: {keys}").format(keys=shown(", ".join(lost)))
    bare = [key for key, field in loaded.model_fields.items() if not field.description]
    if group == PROCESSES and bare:
        return _("parameters without a meaning: {keys}").format(keys=", ".join(bare))
    return ""


def of_plugin(kind: type) -> Plugin | None:
    """Return the plug-in that brought a class along; None for this program's own."""
    return _LOADED.get(kind)


def fingerprints(kinds: Iterable[type]) -> dict[str, str]:
    """Return the hash of the sources of each plug-in among some classes, by package and name."""
    found = [plugin for kind in kinds if (plugin := of_plugin(kind)) is not None]
    return {f"{plugin.package}:{plugin.name}": plugin.sources for plugin in found}


def _guard(kind: type[Any]) -> None:
    """Let whatever fails in what a run and its tables ask of a lever be blamed on its plug-in, whoever asks."""
    for name, answer_is_fine in _ASKED.items():
        setattr(kind, name, _guarded(getattr(kind, name), name, answer_is_fine))


def _guarded(method: Callable[..., Any], name: str, fine: Callable[[Any], bool]) -> Callable[..., Any]:
    @functools.wraps(method)
    def guarded(lever: Any, *given: Any, **named: Any) -> Any:
        try:
            answer = method(lever, *given, **named)
            if not fine(answer):
                raise ValueError(_("{name}: {answer} is no finite number").format(name=name, answer=answer))
            if name == "offer" and (endless := given[0].endless()):
                raise ValueError(_("offer: {names}: no finite number").format(names=", ".join(endless)))
        except PluginError:
            raise
        except Exception as error:
            blame(type(lever), error)
            raise
        return answer

    return guarded


def _is_finite(number: Any) -> bool:
    return bool(np.isfinite(number))


#: what is asked of a lever, and which answers will do
_ASKED: dict[str, Callable[[Any], bool]] = {
    "since": lambda months: True,
    "offer": lambda nothing: True,
    "fixed_cost_rmb": _is_finite,
    "budget_rmb": lambda most: most is None or _is_finite(most),
}


def blame(kind: type, error: Exception) -> None:
    """Raise an error that names the plug-in whose code failed, if the class is that of one.

    Raises
    ------
    PluginError
        Because of `error`.
    """
    plugin = of_plugin(kind)
    if plugin is not None:
        message = _("plug-in {name} of {package}: failed: {why}")
        why = shown(f"{type(error).__name__}: {error}")
        message = message.format(name=shown(plugin.name), package=shown(plugin.package), why=why)
        raise PluginError(message) from error


def process_class(name: str) -> type[Process] | None:
    """Return the class of processes of a name; None if no plug-in has it.

    Raises
    ------
    PluginError
        If the plug-in cannot be used.
    """
    known = next(
        (p.loaded for p in _LOADED.values() if p.name == name and issubclass(p.loaded, Process)), None
    )
    return known or load(PROCESSES, name, Process)


class Added:
    """The processes of plug-ins that act in a scenario, by their place in the month.

    Parameters
    ----------
    processes
        Processes by name.
    seed
        Seed of all draws.
    """

    def __init__(self, processes: dict[str, Process], seed: int) -> None:
        self._seed = np.uint64(seed & 0xFFFFFFFFFFFFFFFF)
        self._at = {
            place: tuple(
                (_address(name), processes[name])
                for name in sorted(processes)
                if processes[name].place == place
            )
            for place in PLACES
        }

    def act(self, place: str, world: Any, terms: Any) -> None:
        """Let the processes of a place act, in the order of their names.

        Raises
        ------
        PluginError
            If one fails or leaves a number that is not finite; names the package.
        """
        for address, process in self._at[place]:
            from sim.randomness import combine, mix  # compiled code, which no schema needs

            key = np.uint64(combine(combine(mix(self._seed), address), np.uint64(world.month)))
            try:
                process.act(world, terms, key)
                world.check_finite()  # here it is known whose doing it is
            except Exception as error:
                blame(type(process), error)
                raise


def _address(name: str) -> np.uint64:
    """Return the stream of a process's draws: from its name, far above those of the model."""
    return np.uint64(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") | 1 << 63)


@functools.lru_cache(maxsize=2)
def _entries(group: str) -> tuple[Any, ...]:
    import importlib.metadata

    return tuple(importlib.metadata.entry_points(group=group))


def forget() -> None:
    """Look for plug-ins anew, after packages came or went."""
    _entries.cache_clear()
    _sources.cache_clear()


def _package(entry: Any) -> str:
    return str(entry.dist.name) if entry.dist is not None else str(entry.value)


@functools.lru_cache(maxsize=64)
def _sources(module: str) -> str:
    """Return the SHA-256 of every Python source of a top-level module or package, in hexadecimal."""
    digest, spec = hashlib.sha256(), importlib.util.find_spec(module)
    folders = list(spec.submodule_search_locations or ()) if spec is not None else []
    files = [
        (path, path.relative_to(folder))
        for folder in folders
        for path in sorted(pathlib.Path(folder).rglob("*.py"))
    ]
    if not folders and spec is not None and spec.origin:
        files = [(pathlib.Path(spec.origin), pathlib.Path(pathlib.Path(spec.origin).name))]
    for path, name in files:
        digest.update(name.as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
