"""Checkpoints: the whole state of a model in one file, from which it goes on bit for bit.

A checkpoint is a NumPy archive (.npz) of plain arrays, one or more for each field of the world, and a header in
JSON: the resolved scenario, seed, clock, random states, and what the model's own collector has collected. Nothing
in it is code, and nothing is ever unpickled. What is code is not in it either: other data collectors begin anew.
"""

import dataclasses
import hashlib
import json
import os
import pathlib
import warnings
from typing import Any

import numpy as np
from pydantic import ValidationError

from sim.agents import VC, Startup, University
from sim.compiled import source_hash
from sim.files import writing_whole
from sim.language import _
from sim.ledger import Table
from sim.places import WorldError
from sim.problems import shown
from sim.scenario import Scenario
from sim.space import Grid
from sim.world import World

FORMAT = 1
#: fields of the world that are not in a checkpoint, and where they come from
REBUILT = {"grid": "the tables of the scenario's world and the size of a cell"}
_HEADER = "header"


class CheckpointError(RuntimeError):
    """A model cannot be saved or a checkpoint cannot be used; the message names the file and the remedy."""

    exit_code = 3


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint holds, as read.

    Attributes
    ----------
    scenario, seed, last_month
        The frozen scenario, the seed of all draws, and the month after which the model stops.
    world
        The state.
    clock, random
        Mesa's time, and the states of the model's two generators.
    collected
        ``times`` and ``values`` of the model's own collector, or None.
    """

    scenario: Scenario
    seed: int
    last_month: int
    world: World
    clock: dict[str, Any]
    random: dict[str, Any]
    collected: dict[str, Any] | None


def write_checkpoint(path: str | os.PathLike[str], model: Any, own_collector: bool) -> None:
    """Write a model's state to one file; the file is whole or as it was.

    Parameters
    ----------
    path
        Where to.
    model
        A cluster model.
    own_collector
        Whether its collector is the one that its constructor attaches.

    Raises
    ------
    CheckpointError
        If the model holds agents or scheduled events of the user's own, which are code.
    OSError
        If the file cannot be written.
    """
    _refuse_code(model)
    if model.datacollector is not None and not own_collector:
        warnings.warn(
            _("the reporters of the data collector are code and are not saved: it begins anew after load"),
            UserWarning,
            stacklevel=3,
        )
    arrays = arrays_of(model.world)
    header = {
        "format": FORMAT,
        "sources": source_hash(),
        "scenario": {
            "id": model.setup.id,
            "values": model.setup.model_dump(mode="json", by_alias=True),
            "origins": model.setup._origins,
        },
        "fingerprint": model.setup.fingerprint,
        "place": place_digest(model.world.grid),
        "cell_km": model.world.grid.cell_km,
        "seed": model.seed_number,
        "last_month": model.last_month,
        "clock": _clock(model),
        "random": _random_states(model),
        "collected": _collected(model.datacollector) if own_collector else None,
    }
    header["content"] = _digest(header, arrays)
    whole = {_HEADER: np.frombuffer(_json(header), dtype=np.uint8)} | arrays
    with writing_whole(pathlib.Path(path)) as file:
        np.savez(file, allow_pickle=False, **whole)


def read_checkpoint(path: str | os.PathLike[str], any_version: bool = False) -> Checkpoint:
    """Return what a checkpoint holds.

    Parameters
    ----------
    path
        The file.
    any_version
        Read it also if it was written by other sources, which may go on differently.

    Raises
    ------
    CheckpointError
        If the file is no checkpoint, is damaged, or was written by other sources.
    OSError
        If it cannot be read.
    """
    header, arrays = _read_parts(path)
    if header["sources"] != source_hash() and not any_version:
        message = _(
            "{path}: written by sources {theirs}, these are {own}, and a run may go on differently: "
            "check out those sources, or load with any_version=True"
        )
        own, theirs = source_hash()[:16], str(header["sources"])[:16]
        raise CheckpointError(message.format(path=shown(path), theirs=shown(theirs), own=own))
    try:
        saved = header["scenario"]
        scenario = Scenario.model_validate({**saved["values"], "id": saved["id"]})
        scenario._origins.update(saved["origins"])
        grid = Grid.of(scenario.world, header["cell_km"])
        unlike = [
            name
            for name, own in (("fingerprint", scenario.fingerprint), ("place", place_digest(grid)))
            if header[name] != own
        ]
        if unlike:
            message = _("{path}: its scenario or the tables of its world mean something else here ({names})")
            raise CheckpointError(message.format(path=shown(path), names=", ".join(unlike)))
        world = world_of(arrays, grid)
        rest = {name: header[name] for name in ("seed", "last_month", "clock", "random", "collected")}
    except (ValidationError, WorldError, KeyError, TypeError, ValueError) as error:
        message = _("{path}: does not fit these sources ({why})")
        raise CheckpointError(message.format(path=shown(path), why=shown(error))) from error
    return Checkpoint(scenario=scenario, world=world, **rest)


def arrays_of(world: World) -> dict[str, np.ndarray]:
    """Return the world as plain arrays by field; tables have one for each part, numbers have no dimension."""
    arrays: dict[str, np.ndarray] = {}
    for field in dataclasses.fields(world):
        value = getattr(world, field.name)
        if field.name in REBUILT:
            continue
        if isinstance(value, Table):
            arrays |= {f"{field.name}.{i}": _packed(part) for i, part in enumerate(value.parts)}
        else:
            arrays[field.name] = _packed(np.asarray(value))
    return arrays


def world_of(arrays: dict[str, np.ndarray], grid: Grid) -> World:
    """Return the world that plain arrays hold.

    Raises
    ------
    KeyError, ValueError
        If an array is missing, or is not of the kind and shape that the world has.
    """
    world = World.empty(grid, month=0)
    for field in dataclasses.fields(world):
        value = getattr(world, field.name)
        if field.name in REBUILT:
            continue
        if isinstance(value, Table):
            parts = [arrays[f"{field.name}.{i}"] for i in range(len(value.parts))]
            number = max(len(part) for part in parts)
            for i, (own, part) in enumerate(zip(value.reserve(number), parts, strict=True)):
                _fill(f"{field.name}.{i}", own[:number], part)
            value.n = number
        else:
            # what has no entry in an empty world may have any number
            like = np.asarray(value)
            new = np.zeros(like.shape if like.size else arrays[field.name].shape, dtype=like.dtype)
            _fill(field.name, new, arrays[field.name])
            setattr(world, field.name, new if isinstance(value, np.ndarray) else new.item())
    return world


def _fill(name: str, own: np.ndarray, stored: np.ndarray) -> None:
    """Write a stored array into one of the same shape and kind, field by field."""
    if own.shape != stored.shape or _packed(own[:0] if own.ndim else own).dtype != stored.dtype:
        raise ValueError(f"{name}: {stored.dtype} {stored.shape} instead of {own.dtype} {own.shape}")
    for field in own.dtype.names or (...,):
        own[field] = stored[field]


def _packed(array: np.ndarray) -> np.ndarray:
    """Return a copy without room between fields."""
    names = array.dtype.names
    if names is None:
        return array.copy()
    packed = np.empty(array.shape, dtype=[(name, array.dtype[name].str) for name in names])
    for name in names:
        packed[name] = array[name]
    return packed


def place_digest(grid: Grid) -> str:
    """Return the SHA-256 of a world's tables and of its cells, in hexadecimal."""
    tables = grid.tables
    rows = [vars(row) for row in (*tables.zones, *tables.nodes)]
    digest = hashlib.sha256(json.dumps([tables.settings, rows], sort_keys=True, default=str).encode())
    for array in (grid.column, grid.row, grid.zone, grid.spread):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _refuse_code(model: Any) -> None:
    """Raise if the model holds what only its user's program can make."""
    numbers = {University: len(model.world.nodes) - 2, VC: len(model.world.funds)}
    for kind, agents in model.agents_by_type.items():
        if kind is not Startup and len(agents) != numbers.get(kind, 0):
            message = _(
                "cannot save: the model has {number} agents of class {kind}, which a checkpoint cannot hold"
            )
            raise CheckpointError(message.format(number=len(agents), kind=kind.__name__))
    own = model._default_schedule._current_event
    if any(event is not own and not event.CANCELED for event in model._event_list._events):
        raise CheckpointError(
            _("cannot save: the model has scheduled events, which a checkpoint cannot hold")
        )


def _clock(model: Any) -> dict[str, Any]:
    return {
        "time": float(model.time),
        "steps": model.steps,
        "running": model._running,
        "next_step": model._default_schedule.next_scheduled_time,
        "next_agent": model.agent_id_counter,
    }


def set_clock(model: Any, clock: dict[str, Any]) -> None:
    """Set Mesa's time, and when its next step is due."""
    model.time, model.steps = clock["time"], clock["steps"]
    model.running, model.agent_id_counter = clock["running"], clock["next_agent"]
    old = model._default_schedule
    old.stop()
    model._event_list.clear()
    if clock["next_step"] is not None:
        schedule = dataclasses.replace(old.schedule, start=clock["next_step"])
        model._default_schedule = type(old)(model, model._do_step, schedule, old.priority).start()


def _random_states(model: Any) -> dict[str, Any]:
    version, words, gauss = model.random.getstate()
    return {
        "seed": model._seed,
        "numpy": model.rng.bit_generator.state,
        "numpy_at_start": model._rng,
        "python": [version, list(words), gauss],
    }


def set_random_states(model: Any, states: dict[str, Any]) -> None:
    """Set the model's two generators."""
    model._rng = states["numpy"]
    model.reset_rng()  # Mesa's own way to make a generator of any kind from a state
    model._rng = states["numpy_at_start"]
    version, words, gauss = states["python"]
    model.random.setstate((version, tuple(words), gauss))


def _collected(collector: Any) -> dict[str, Any]:
    return {"times": collector._collection_steps, "values": collector.model_vars}


def set_collected(collector: Any, collected: dict[str, Any]) -> None:
    """Give a collector what another with the same model reporters has collected.

    Raises
    ------
    CheckpointError
        If the reporters are others.
    """
    if list(collected["values"]) != sorted(collector.model_reporters):
        raise CheckpointError(_("the checkpoint has a data collector with other reporters"))
    collector._collection_steps = list(collected["times"])
    collector.model_vars = {name: list(collected["values"][name]) for name in collector.model_reporters}


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=_plain).encode()


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise TypeError(f"a checkpoint cannot hold {type(value).__name__}")


def _digest(header: dict[str, Any], arrays: dict[str, np.ndarray]) -> str:
    """Return the SHA-256 of a checkpoint's content, in hexadecimal."""
    digest = hashlib.sha256(_json(header))
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.descr} {array.shape}".encode() + array.tobytes())
    return digest.hexdigest()


def _read_parts(path: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return header and arrays of a checkpoint of this format."""
    with open(path, "rb") as file:
        try:
            with np.load(file, allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
            header = json.loads(arrays.pop(_HEADER).tobytes())
            found, content = header["format"], header.pop("content", None)
        except Exception as error:  # a damaged archive raises whatever it likes
            message = _("{path}: damaged, or not a checkpoint of sim")
            raise CheckpointError(message.format(path=shown(path))) from error
    if found != FORMAT:
        message = _("{path}: a checkpoint of format {found}; this version of sim reads format {own}")
        raise CheckpointError(message.format(path=shown(path), found=shown(found), own=FORMAT))
    if content != _digest(header, arrays):
        raise CheckpointError(
            _("{path}: damaged: its content is not what was written").format(path=shown(path))
        )
    return header, arrays
