"""Checkpoints: a model that was saved and loaded goes on bit for bit, and what is no checkpoint is refused."""

import copy
import dataclasses
import hashlib
import json
import os
import pathlib
import pickle
import subprocess
import sys

import mesa
import numpy as np
import pytest

import sim.checkpoint
import sim.model
from sim.agents import VC, Startup, University
from sim.checkpoint import REBUILT, CheckpointError, arrays_of, world_of
from sim.ledger import Table
from sim.model import ClusterModel
from sim.scenario import Scenario
from sim.world import World

ENTROPY = 7


def contents(value):
    """Return a field of the world as bytes by column, whatever it is; independent of how it is saved."""
    if isinstance(value, Table):
        return [contents(part) for part in value.parts]
    array = np.asarray(value)
    if array.dtype.names:
        return {name: array[name].tobytes() for name in array.dtype.names} if array.size else []
    return array.dtype.str, array.shape, array.tobytes()


def state(model):
    """Return all that decides how a model goes on."""
    fields = {
        f.name: contents(getattr(model.world, f.name)) for f in dataclasses.fields(World) if f.name != "grid"
    }
    mine = {
        "cells": model.world.grid.cell_km,
        "scenario": (model.setup.id, model.setup.fingerprint),
        "seed": model.seed_number,
        "time": (model.time, model.steps, model.running, model.last_month),
        "random": (model.random.getstate(), repr(model.rng.bit_generator.state)),
    }
    return fields | mine


def digest(model):
    return hashlib.sha256(repr(state(model)).encode()).hexdigest()


def after(months, scenario="baseline", seed=1, cell_km=None):
    model = ClusterModel.from_scenario(scenario, seed=seed, cell_km=cell_km)
    if months:
        model.run(months)
    return model


def loaded(model, folder):
    model.save(folder / "model.npz")
    return ClusterModel.load(folder / "model.npz")


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Return the file of a model of two months, and that model; nobody may write either."""
    path = tmp_path_factory.mktemp("saved") / "model.npz"
    model = after(2)
    model.save(path)
    return path, model


def edited(path, target, change):
    """Write a checkpoint whose header and arrays somebody has changed."""
    with np.load(path) as archive:
        arrays = dict(archive)
    header = json.loads(arrays["header"].tobytes())
    change(header, arrays)
    arrays["header"] = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
    with target.open("wb") as file:
        np.savez(file, **arrays)
    return target


# Going on


@pytest.mark.parametrize(
    ("scenario", "before", "later", "cell_km"),
    [
        ("baseline", 7, 5, None),
        ("baseline", 0, 3, None),
        ("rent-cut", 7, 5, None),  # the cut begins in month 6
        ("north-space", 13, 3, None),  # space opens in month 12
        ("rent-cut", 7, 2, 1.0),
    ],
)
def test_a_loaded_model_goes_on_bit_for_bit(tmp_path, scenario, before, later, cell_km):
    whole = after(before + later, scenario, cell_km=cell_km)
    model = loaded(after(before, scenario, cell_km=cell_km), tmp_path)
    run = model.run(later)
    assert state(model) == state(whole)
    assert (run.first_month, run.months) == (before, later)


def test_the_record_of_a_loaded_model_joins_that_of_the_saved_one(tmp_path):
    whole = ClusterModel.from_scenario("north-space", seed=1).run(16)
    model = ClusterModel.from_scenario("north-space", seed=1)
    first = model.run(10)
    second = loaded(model, tmp_path).run(6)
    for name in ("series", "outside", "costs"):
        np.testing.assert_array_equal(
            np.concatenate([first.arrays[name], second.arrays[name]]), whole.arrays[name]
        )
    assert sorted(second.rows) == [12, 16]
    np.testing.assert_array_equal(np.concatenate([first.deal_rows, second.deal_rows]), whole.deal_rows)
    for step, rows in second.rows.items():
        np.testing.assert_array_equal(np.sort(rows, order="uid"), np.sort(whole.rows[step], order="uid"))


def test_saving_changes_nothing_in_the_model(tmp_path):
    model = after(3)
    before = state(model)
    model.save(tmp_path / "model.npz")
    assert state(model) == before
    assert state(ClusterModel.load(tmp_path / "model.npz")) == before


def test_the_same_state_gives_the_same_file(tmp_path):
    for name in ("one", "other"):
        after(3).save(tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()
    loaded(after(3), tmp_path).save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "one").read_bytes()


@pytest.mark.parametrize("seed", [-1, 2**63])
def test_any_whole_number_is_a_seed_after_loading_too(tmp_path, seed):
    model = after(1, Scenario.load("baseline").with_values({"initial.history_months": 12}), seed)
    again = loaded(model, tmp_path)
    for each in (model, again):
        each.run(2)
    assert state(again) == state(model)


def test_loading_lives_no_history_and_builds_no_grid(saved, monkeypatch):
    def forbidden(*_):
        raise AssertionError("not needed")

    monkeypatch.setattr(sim.model, "first_month", forbidden)
    monkeypatch.setattr(sim.model, "build_grid", forbidden)
    ClusterModel.load(saved[0]).run(1)


def test_a_scenarios_file_is_not_needed_any_more(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('extends = "rent-cut"\nname = "我的"\n[births]\noutside_pull = 0.5\n', encoding="utf-8")
    scenario = Scenario.load(path)
    model = after(8, scenario)
    model.save(tmp_path / "model.npz")
    path.unlink()
    again = ClusterModel.load(tmp_path / "model.npz")
    assert again.setup == scenario
    assert again.setup.origin == scenario.origin
    assert again.run(2).digest == model.run(2).digest


@pytest.mark.slow
def test_a_model_loaded_in_another_process_goes_on_bit_for_bit(tmp_path):
    after(7, "rent-cut").save(tmp_path / "model.npz")
    program = (
        "import sys; from test_checkpoint import digest; from sim.model import ClusterModel\n"
        "model = ClusterModel.load(sys.argv[1]); model.run(5); print(digest(model))"
    )
    folders = [str(pathlib.Path(sim.__file__).parent.parent), str(pathlib.Path(__file__).parent)]
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path / "model.npz"],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(folders)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == digest(after(12, "rent-cut"))


# What is in it


def test_every_field_of_the_world_is_saved_or_named_as_rebuilt():
    model = after(1)
    names = {field.name for field in dataclasses.fields(World)}
    found = {name.partition(".")[0] for name in arrays_of(model.world)}
    assert found | set(REBUILT) == names
    assert not found & set(REBUILT)


def test_whatever_the_arrays_hold_comes_back():
    world = after(14).world.copy()
    rng = np.random.default_rng(ENTROPY)
    for field in dataclasses.fields(World):
        value = getattr(world, field.name)
        if isinstance(value, np.ndarray) and not value.dtype.names:
            setattr(world, field.name, rng.normal(size=value.shape).astype(value.dtype))
    world.uptake, world.month, world.scale = rng.normal(size=2), 14, 0.1 + 0.2
    world.largest_lease[0], world.vacant[1] = np.inf, -0.0
    again = world_of(arrays_of(world), world.grid)
    for field in dataclasses.fields(World):
        if field.name not in REBUILT:
            assert contents(getattr(again, field.name)) == contents(getattr(world, field.name)), field.name
            assert type(getattr(again, field.name)) is type(getattr(world, field.name)), field.name
    assert again.startups.parts[0].dtype == world.startups.parts[0].dtype


def test_what_was_set_on_universities_and_funds_stays(tmp_path):
    model = after(2)
    university, fund = (model.agents_by_type[kind].to_list()[1] for kind in (University, VC))
    university.graduates_per_year, university.spinoffs_per_year = 900.0, 12.5
    fund.capital, fund.focus, fund.rounds = 4e9, ("EMB",), ("A", "B")
    fund.zone = model.world.grid.tables.zones[3].id
    again = loaded(model, tmp_path)
    for kind in (University, VC):
        for one, other in zip(model.agents_by_type[kind], again.agents_by_type[kind], strict=True):
            names = [name for name in dir(kind) if isinstance(getattr(kind, name), property)]
            for name in {"unique_id", "name", *names} - {
                "random",
                "rng",
                "scenario",
                "portfolio",
                "spinoffs",
                "_row",
                "_own",
            }:
                assert getattr(one, name) == getattr(other, name), name
    portfolios = [[s.unique_id for s in m.agents_by_type[VC].to_list()[1].portfolio] for m in (model, again)]
    assert portfolios[0] == portfolios[1]
    assert model.run(4).digest == again.run(4).digest


def test_what_the_constructors_collector_collected_stays(tmp_path):
    whole, model = (ClusterModel(months=9, rng=1) for _ in range(2))
    for _ in range(4):
        model.step()
    model = loaded(model, tmp_path)
    for each in (whole, model):
        while each.running:
            each.step()
    found = model.datacollector.get_model_vars_dataframe()
    assert len(found) == 10
    assert found.equals(whole.datacollector.get_model_vars_dataframe())
    assert model.datacollector._collection_steps == whole.datacollector._collection_steps


def test_another_collector_begins_anew_and_saving_says_so(tmp_path):
    model = after(1)
    model.datacollector = mesa.DataCollector(agenttype_reporters={Startup: {"heads": "heads"}})
    model.step()
    with pytest.raises((AttributeError, pickle.PicklingError)):
        pickle.dumps(model)  # Mesa makes closures of names
    with pytest.warns(UserWarning, match="it begins anew after load"):
        model.save(tmp_path / "model.npz")
    assert ClusterModel.load(tmp_path / "model.npz").datacollector is None


def test_both_generators_go_on_and_reset_as_before(tmp_path):
    model = ClusterModel(months=5, rng=1)
    model.rng.normal(size=5)
    model.random.gauss(0, 1)
    again = loaded(model, tmp_path)
    assert again.rng.normal(size=4).tolist() == model.rng.normal(size=4).tolist()
    assert [again.random.gauss(0, 1) for _ in range(3)] == [model.random.gauss(0, 1) for _ in range(3)]
    for each in (model, again):
        each.reset_rng()
    assert again.rng.random() == model.rng.random() == np.random.default_rng(1).random()


@pytest.mark.parametrize("kind", [np.random.MT19937, np.random.Philox])
def test_a_generator_of_any_kind_goes_on(tmp_path, kind):
    model = ClusterModel(months=5, rng=np.random.Generator(kind(1)))
    model.rng.normal(size=5)
    again = loaded(model, tmp_path)
    assert type(again.rng.bit_generator) is kind
    assert again.rng.integers(2**60, size=9).tolist() == model.rng.integers(2**60, size=9).tolist()


def test_the_clock_goes_on_between_two_months_too(tmp_path):
    model = after(2)
    model.run_for(0.5)
    again = loaded(model, tmp_path)
    for each in (model, again):
        each.run_for(0.5)
    assert again.world.month == model.world.month == 3
    assert state(again) == state(model)


@pytest.mark.parametrize("running", [True, False])
def test_a_model_that_was_stopped_stays_stopped(tmp_path, running):
    model = ClusterModel(months=5, rng=1)
    model.running = running
    assert loaded(model, tmp_path).running is running


def test_a_loaded_model_copies_and_saves_like_any_other(tmp_path):
    model = loaded(after(3), tmp_path)
    other = copy.deepcopy(model)
    again = loaded(model, tmp_path)
    assert model.run(2).digest == other.run(2).digest == again.run(2).digest


def test_a_subclass_loads_as_itself(saved):
    class Mine(ClusterModel):
        pass

    assert type(Mine.load(saved[0])) is Mine


# What cannot be saved


def test_agents_of_the_users_own_are_refused(tmp_path):
    class Minister(mesa.Agent):
        pass

    model = after(0)
    minister = Minister(model)
    with pytest.raises(CheckpointError, match="1 agents of class Minister"):
        model.save(tmp_path / "model.npz")
    minister.remove()
    model.save(tmp_path / "model.npz")


def test_scheduled_events_are_refused_until_they_are_over(tmp_path):
    model, months = after(0), []

    def note():
        months.append(model.world.month)

    model.schedule_event(note, at=2)
    with pytest.raises(CheckpointError, match="scheduled events"):
        model.save(tmp_path / "model.npz")
    assert not list(tmp_path.iterdir())
    model.run(2)
    assert months == [2]  # after the month of its time
    assert loaded(model, tmp_path).world.month == 2


def test_an_interrupted_save_leaves_the_file_as_it_was(saved, tmp_path, monkeypatch):
    path = tmp_path / "model.npz"
    path.write_bytes(saved[0].read_bytes())

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        after(3).save(path)
    assert [file.name for file in tmp_path.iterdir()] == ["model.npz"]
    assert state(ClusterModel.load(path)) == state(saved[1])


def test_a_folder_that_is_not_there_is_an_oserror(tmp_path):
    with pytest.raises(OSError, match="nowhere"):
        after(0).save(tmp_path / "nowhere" / "model.npz")
    with pytest.raises(OSError, match=r"none\.npz"):
        ClusterModel.load(tmp_path / "none.npz")


# What cannot be loaded


def test_a_file_of_other_sources_is_refused_by_both_names_or_loaded_on_demand(saved, monkeypatch):
    own = sim.checkpoint.source_hash()
    monkeypatch.setattr(sim.checkpoint, "source_hash", lambda: "f" * 64)
    with pytest.raises(CheckpointError) as caught:
        ClusterModel.load(saved[0])
    for part in (own[:16], "f" * 16, "any_version=True", "model.npz"):
        assert part in str(caught.value)
    assert state(ClusterModel.load(saved[0], any_version=True)) == state(saved[1])


def rubbish(saved):
    """Yield what may lie where a checkpoint was expected."""
    whole = saved.read_bytes()
    npy = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }".ljust(117) + b"\n"
    yield b""
    yield "不是检查点\n".encode() * 100
    yield b"PK\x03\x04" + bytes(200)
    yield pickle.dumps({"header": 1})
    yield b"\x93NUMPY\x01\x00v\x00" + npy + bytes(8)
    for share in (0.001, 0.3, 0.7, 0.99, 0.9999):
        yield whole[: int(share * len(whole))]


def test_rubbish_is_refused_with_the_files_name(saved, tmp_path):
    path = tmp_path / "rubbish.npz"
    for data in rubbish(saved[0]):
        path.write_bytes(data)
        with pytest.raises(CheckpointError, match=r"rubbish\.npz: damaged, or not a checkpoint of sim"):
            ClusterModel.load(path)


def test_an_archive_of_something_else_is_refused(tmp_path):
    path = tmp_path / "other.npz"
    for arrays in ({"a": np.zeros(3)}, {"header": np.zeros(3)}, {"header": np.frombuffer(b"[1]", dtype=np.uint8)},
                   {"header": np.array([{"format": 1}], dtype=object)}):  # fmt: skip
        np.savez(path, **arrays)
        with pytest.raises(CheckpointError, match="not a checkpoint of sim"):
            ClusterModel.load(path)


def test_a_flipped_bit_is_refused_or_means_nothing(saved, tmp_path):
    whole, path = bytearray(saved[0].read_bytes()), tmp_path / "flipped.npz"
    expected, refused = state(saved[1]), 0
    places = np.random.default_rng(ENTROPY).integers(8 * len(whole), size=40).tolist()
    for place in places:
        flipped = bytearray(whole)
        flipped[place // 8] ^= 1 << place % 8
        path.write_bytes(flipped)
        try:
            assert state(ClusterModel.load(path)) == expected
        except CheckpointError:
            refused += 1
    assert refused > 35


def test_another_format_is_refused_by_its_number(saved, tmp_path):
    def change(header, _):
        header["format"] = 99

    path = edited(saved[0], tmp_path / "later.npz", change)
    with pytest.raises(CheckpointError, match="format 99; this version of sim reads format 1"):
        ClusterModel.load(path, any_version=True)


def test_an_edited_file_is_refused(saved, tmp_path):
    def richer(_, arrays):
        arrays["startups.0"]["cash"] *= 2

    def seeded(header, _):
        header["seed"] = 2

    def without(_, arrays):
        del arrays["rent"]

    for change in (richer, seeded, without):
        path = edited(saved[0], tmp_path / "edited.npz", change)
        with pytest.raises(CheckpointError, match="its content is not what was written"):
            ClusterModel.load(path, any_version=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda header, arrays: arrays.pop("rent"), "does not fit these sources .*rent"),
        (lambda header, arrays: arrays.update(rent=arrays["rent"][:-1]), "does not fit these sources .*rent"),
        (lambda header, arrays: arrays.update(month=np.array(2.0)), "does not fit these sources .*month"),
        (
            lambda header, arrays: arrays.update({"startups.1": arrays["startups.1"][:-1]}),
            r"does not fit these sources .*startups\.1",
        ),
        (
            lambda header, arrays: header["scenario"]["values"]["births"].update(unheard_of=1),
            "does not fit these sources .*unheard_of",
        ),
        (
            lambda header, arrays: header["scenario"]["values"].update(world="mars"),
            "does not fit these sources",
        ),
        (lambda header, arrays: header["scenario"].pop("id"), "does not fit these sources .*id"),
        (
            lambda header, arrays: header["scenario"]["values"]["births"].update(outside_pull=0.1),
            "mean something else here .fingerprint",
        ),
        (lambda header, arrays: header.update(cell_km=1.0), "mean something else here .place"),
    ],
)
def test_what_fits_no_longer_is_refused_by_name(saved, tmp_path, change, message):
    def signed(header, arrays):
        change(header, arrays)
        header.pop("content")
        header["content"] = sim.checkpoint._digest(header, {k: v for k, v in arrays.items() if k != "header"})

    path = edited(saved[0], tmp_path / "old.npz", signed)
    with pytest.raises(CheckpointError, match=message):
        ClusterModel.load(path)


def test_a_collector_with_other_reporters_is_refused(tmp_path, monkeypatch):
    ClusterModel(months=2, rng=1).save(tmp_path / "model.npz")
    monkeypatch.delitem(sim.model.REPORTERS, "deals")
    with pytest.raises(CheckpointError, match="other reporters"):
        ClusterModel.load(tmp_path / "model.npz")


def test_nothing_is_ever_unpickled(saved, tmp_path, monkeypatch):
    unpickled = []  # an error would be taken for that of a damaged file

    def forbidden(*arguments, **__):
        unpickled.append(arguments)
        raise AssertionError

    for name in ("load", "loads", "Unpickler"):
        monkeypatch.setattr(pickle, name, forbidden)
    ClusterModel.load(saved[0])

    def poison(_, arrays):
        arrays["rent"] = np.array([{"a": 1}], dtype=object)

    path = edited(saved[0], tmp_path / "poisoned.npz", poison)
    with pytest.raises(CheckpointError, match="not a checkpoint of sim"):
        ClusterModel.load(path)
    assert unpickled == []
