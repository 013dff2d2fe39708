"""What must not matter: the order of rows, what zones are called, and by which numbers the streams of draws are keyed.

That the number of workers changes no bit is held by tests/test_compare.py and tests/test_studies.py.
"""

import collections
import csv
import dataclasses
import hashlib
import json
import pathlib
import re
import shutil
from typing import ClassVar, Literal

import numpy as np
import pytest
import worlds
from scipy import stats
from worlds import EMB, settle, startups

from sim import history, made_worlds, places, randomness
from sim.ledger import DORMANT, NEVER
from sim.made_worlds import Line
from sim.model import ClusterModel
from sim.processes import access, births, exits, finance, location, production
from sim.randomness import STREAMS, Draws
from sim.record import POSITION
from sim.scenario import Scenario
from sim.space import Grid
from sim.world import World

# Order of rows


@pytest.mark.slow
def test_another_order_of_the_rows_of_all_three_ledgers_changes_no_bit_under_every_policy():
    models = [ClusterModel.from_scenario("everything", seed=2) for _ in range(2)]
    straight, shuffled = models
    rng = np.random.default_rng(5)
    for months in (16, 4):  # a hub, guided funds and uptake lists are at work, and some firms are gone
        for ledger in (shuffled.world.startups, shuffled.world.former, shuffled.world.gone):
            ledger.replace(rng.permutation(ledger.whole()))
        one, two = (model.run(months) for model in models)
        assert two.digest == one.digest
    assert min(len(shuffled.world.former.whole()), len(shuffled.world.gone.whole())) > 20
    assert not np.array_equal(shuffled.world.startups["uid"], straight.world.startups["uid"])


# Names of zones


def new_name(zone: str) -> str:
    """Return another name for a zone, which stands elsewhere in the alphabet."""
    return f"z{hashlib.sha256(zone.encode()).hexdigest()[:8]}"


def under_new_names(value):
    """Return part of a scenario with other names for the zones that its levers and promises name."""
    if isinstance(value, list):
        return [under_new_names(part) for part in value]
    if not isinstance(value, dict):
        return value
    out = {key: under_new_names(part) for key, part in value.items()}
    if isinstance(out.get("zone"), str):
        out["zone"] = new_name(out["zone"])
    if isinstance(out.get("zones"), list):
        out["zones"] = [new_name(zone) for zone in out["zones"]]
    return out


def in_files(names: list[str], *files: pathlib.Path) -> None:
    """Put the new names of zones into text files."""
    for file in files:
        text = file.read_text(encoding="utf-8")
        for name in names:
            text = re.sub(rf"(?<![\w-]){name}(?![\w-])", new_name(name), text)
        file.write_text(text, encoding="utf-8")


def rename_zones(folder: pathlib.Path) -> list[str]:
    """Give the zones of a world folder other names, in the same order; return the old ones."""
    with (folder / "zones.csv").open(encoding="utf-8", newline="") as file:
        head, *rows = csv.reader(file)
    column = head.index("zone")
    names = [row[column] for row in rows]
    for row in rows:
        row[column] = new_name(row[column])
    with (folder / "zones.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([head, *rows])
    in_files(names, folder / "world.toml")
    in_files(names, folder / "labels.csv")
    assert sorted(map(new_name, names)) != [new_name(name) for name in sorted(names)]
    return names


@pytest.fixture
def renamed_world(tmp_path, monkeypatch):
    """Return the id of a copy of the shipped world whose zones have other names, in the same order."""
    true, folder = places.shipped_folder() / places.default_world(), tmp_path / "other-names"
    shutil.copytree(true, folder)
    (tmp_path / true.name).symlink_to(true)
    rename_zones(folder)
    monkeypatch.setattr(places, "shipped_folder", lambda: tmp_path)
    return folder.name


def test_other_names_of_zones_change_no_bit_but_the_names(renamed_world):
    months = 14  # the first new space opens after twelve
    usual = Scenario.load("everything")
    content = under_new_names(usual.model_dump(mode="json", by_alias=True))
    other = Scenario.model_validate(content | {"world": renamed_world, "id": usual.id})
    one, two = (ClusterModel.from_scenario(scenario, seed=3).run(months) for scenario in (usual, other))
    assert two.digest == one.digest
    zones = one.series["zone"].to_pylist()
    assert two.series["zone"].to_pylist() == [new_name(zone) for zone in zones] != zones
    assert two.costs.drop_columns("lever").equals(one.costs.drop_columns("lever"))


class OtherLine(Line):
    """A line of parks whose zones have other names."""

    kind: Literal["other-line"]
    names: ClassVar[dict[str, str]] = {}

    def tables(self) -> places.WorldTables:
        """Return the tables of a line under the new names."""
        tables = super().tables()
        zones = tuple(
            dataclasses.replace(zone, id=new_name(f"park-{z + 1}")) for z, zone in enumerate(tables.zones)
        )
        funds = tables.settings["funds"] | {"seat_weights": {zone.id: 1.0 for zone in zones}}
        return dataclasses.replace(tables, zones=zones, settings=tables.settings | {"funds": funds})


@pytest.mark.parametrize("history", [True, False])
def test_other_names_of_the_zones_of_a_made_world_change_no_bit_but_the_names(monkeypatch, history):
    monkeypatch.setitem(made_worlds.WORLDS, "other-line", OtherLine)
    zones = [f"park-{z + 1}" for z in range(12)]
    assert zones != sorted(zones)  # their own order is not that of the alphabet either
    policies = [
        {"id": "rent", "kind": "rent-cut", "from": "2025-02", "zones": ["park-11", "park-2"], "share": 0.5},
        {"id": "desks", "kind": "incubator", "from": "2025-02", "zones": ["park-3", "park-10"], "places": 5},
        {"id": "hub", "kind": "vc-hub", "from": "2025-03", "zone": "park-4", "visitors": 2, "capital_rmb": 1e9},
        {"id": "firms", "kind": "tenant-demand", "from": "2025-02", "zones": ["park-12", "park-1"],
         "area_m2_month": 5e3, "over_months": 6},
        {"id": "list", "kind": "uptake-list", "from": "2025-02", "zone": "park-2"},
    ]  # fmt: skip
    world = {"park_cells": 2, "gap_cells": 2, "parks": 12, "history": history}
    content = {"id": "line", "name": "A line", "months": 10, "policies": policies,
               "initial": {"history_months": 30, "residual_months": 12, "startups": 250}}  # fmt: skip
    one, two = (
        ClusterModel.from_scenario(Scenario.model_validate(words | {"world": world | {"kind": kind}}), seed=4).run(10)
        for kind, words in (("line", content), ("other-line", under_new_names(content)))
    )  # fmt: skip
    assert two.digest == one.digest
    names = one.series["zone"].to_pylist()
    assert set(names) >= set(zones)
    assert two.series["zone"].to_pylist() == [new_name(zone) if zone in zones else zone for zone in names]
    assert one.series["moves_in"].to_numpy().sum() > 0


@pytest.fixture(scope="module")
def rivertown(tmp_path_factory):
    """Return a folder with an invented city of the user's own, and two scenarios of it."""
    from sim.new_city import new_world

    folder, inputs = (
        tmp_path_factory.mktemp("rivertown"),
        places.shipped_folder().parent / "docs/howto/rivertown",
    )
    for name in ("today.toml", "docks-rent-cut.toml"):
        shutil.copy(inputs / name, folder)
    files = {key: str(inputs / f"{key}.csv") for key in ("zones", "nodes")}
    new_world("Rivertown", str(inputs / "districts.geojson"), out=str(folder / "city"), **files)
    return folder


def test_other_names_of_the_zones_of_a_city_change_no_bit(rivertown, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(rivertown, other)
    names = rename_zones(other / "city")
    in_files(names, other / "docks-rent-cut.toml")
    runs = []
    for folder in (rivertown, other):
        scenario = Scenario.load(folder / "docks-rent-cut.toml")
        # what a worker reads: a plan, whose keys are in the order of the alphabet
        content = json.loads(json.dumps(scenario.model_dump(mode="json", by_alias=True), sort_keys=True))
        worker = Scenario.model_validate(content | {"id": scenario.id})
        assert worker.fingerprint == scenario.fingerprint
        runs += [ClusterModel.from_scenario(s, seed=3).run(9) for s in (scenario, worker)]
    assert len({run.digest for run in runs}) == 1
    assert {new_name(zone) for zone in names} == set(runs[-1].series["zone"].to_pylist())


def test_what_workers_read_of_a_city_has_its_seats_and_belts_in_their_own_order(rivertown):
    """Seats are drawn against a running sum: in another order other funds sit elsewhere."""
    scenario = Scenario.load(rivertown / "docks-rent-cut.toml")
    content = json.loads(json.dumps(scenario.model_dump(mode="json", by_alias=True), sort_keys=True))
    read = Scenario.model_validate(content).world.settings
    own = scenario.world.settings
    assert list(own.funds.seat_weights) != sorted(own.funds.seat_weights)
    assert list(read.funds.seat_weights.items()) == list(own.funds.seat_weights.items())
    assert list(read.belts.items()) == list(own.belts.items())
    content["world"]["settings"]["funds"]["seat_weights"].reverse()
    city = Scenario.model_validate(content).world
    assert city.sha != scenario.world.sha  # another order is another world, whose runs are not these


def in_order(order: list[int]) -> tuple[World, np.ndarray]:
    """Return a town whose zones stand in this order in its table, and the place of each cell of the first order."""
    side, each = 0.5, 4
    cells = [
        (side * (z + 0.5), side * (j + 0.5), k, 1 / each) for k, z in enumerate(order) for j in range(each)
    ]
    zones = [worlds.zone(f"zone-{z}", 1e5 * (z + 1), rent=100.0 + 20.0 * z) for z in order]
    place = np.array([each * order.index(z) + j for z in range(len(order)) for j in range(each)])
    rng = np.random.default_rng(2)
    rows = startups(80, cell=place[rng.integers(0, place.size, 80)], segment=rng.integers(0, 4, 80))
    rows["heads"] = rng.uniform(1.0, 60.0, 80)
    world = settle(worlds.grid_of(cells, zones), rows)
    world.log_talent[place] = rng.normal(0.0, 0.5, place.size)
    return world, place


def test_another_order_of_zones_reorders_fields_and_shares_and_nothing_else(par):
    """Draws of the zone are addressed by its position (E6): other draws, of the same law."""
    found = []
    for order in ([0, 1, 2, 3, 4], [3, 0, 4, 1, 2]):
        world, place = in_order(order)
        terms = worlds.terms_of(world.grid)
        access.refresh_fields(world, par, terms)
        shares = [location.choice_shares(world, par, terms, segment)[place] for segment in range(4)]
        found.append((world.spillovers[:, place], world.diversity[place], np.array(shares)))
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-12, atol=1e-15)


# Keys of streams


def key_anew(monkeypatch) -> None:
    """Give every stream the number of another, and forget histories that were drawn by the old numbers."""
    last = max(STREAMS.values()) + 1
    other = {stream: last - number for stream, number in STREAMS.items()}
    assert sorted(other.values()) == sorted(STREAMS.values())
    assert not any(other[stream] == number for stream, number in STREAMS.items())
    monkeypatch.setattr(randomness, "STREAMS", other)
    monkeypatch.setattr(history, "_states", collections.OrderedDict())


def founders(start, par) -> dict[str, np.ndarray]:
    """Return who founded here in five years: source, segment, quality and cash."""
    groups = []
    for month in range(60):
        start.startups.n = start.former.n = 0
        start.month = month
        start.begin_month()
        births.found_startups(start, par, worlds.terms_of(start.grid), Draws(1, month))
        groups.append(start.startups.whole())
    rows = np.concatenate(groups)
    return {"source": rows["parent"].astype(np.int64), "segment": rows["segment"].astype(np.int64),
            "quality": rows["log_quality"], "cash": np.log(rows["cash"])}  # fmt: skip


def spin_offs(_start, _par) -> dict[str, np.ndarray]:
    """Return the spin-offs of many firms in a month: how many of each, their segments and qualities."""
    rich = {"births.founding_scale": 0.0, "births.spinoff_per_month": 0.5}
    parents = startups(6_000, heads=30.0)
    world = settle(worlds.town(), parents)
    births.found_startups(world, worlds.parameters(rich), worlds.terms_of(world.grid), Draws(1, 0))
    born = world.startups.whole()[len(parents) :]
    many = np.array([np.count_nonzero(born["parent"] == uid) for uid in parents["uid"][:1_000]])
    return {"spin-offs of a firm": many, "segment": born["segment"].astype(np.int64), "quality": born["log_quality"]}  # fmt: skip


def ends(_start, _par) -> dict[str, np.ndarray]:
    """Return how startups of each stage end in a month of many ends, and who leaves the register."""
    par = worlds.parameters({"exits.failure_per_month": 0.1, "exits.departure_per_month": 0.1,
                             "exits.acquisition_per_month": (0.1,) * 6, "exits.listing_per_month": 0.1})  # fmt: skip
    stage = np.arange(12_000) % 6
    world = settle(worlds.town(), startups(12_000, stage=stage))
    terms = worlds.terms_of(world.grid)
    exits.end_startups(world, par, terms, Draws(1, 0))
    ended = 6 * world.startups["status"].astype(np.int64) + stage
    world = settle(worlds.town(), startups(6_000, status=DORMANT))
    world.begin_month()
    exits.keep_register(world, worlds.parameters({"exits.dormancy_months": 5.0}), terms, Draws(1, 1))
    return {"end": ended, "register": world.former["status"].astype(np.int64)}


def rounds(_start, _par) -> dict[str, np.ndarray]:
    """Return who begins to look for money, what it asks for, and which fund leads its round."""
    par = worlds.parameters({"finance.seek_factor": 5.0})
    stage = np.arange(6_000) % 5
    world = settle(worlds.town(cell_km=4.0), startups(6_000, stage=stage, cell=np.arange(6_000) % 12))
    world.funds = worlds.funds(12, purse=1e9, commitment=1e9, uncalled=0.0, seat=np.arange(12) % 4)
    finance.close_rounds(world, par, worlds.terms_of(world.grid), Draws(1, 0))
    looks = (world.startups["search_end"] != NEVER) | (world.startups["rounds"] > 0)
    deals = world.deals.rows
    return {"who looks": stage + 5 * looks, "ask": np.log(deals["ask"][deals["stage"] == 0]),
            "leads": deals["lead"].astype(np.int64)}  # fmt: skip


def rooms(_start, _par) -> dict[str, np.ndarray]:
    """Return the cells of entrants and, at the end of a lease, of tenants, and who produces where."""
    par = worlds.parameters({"location.unlimited_capacity": True})
    n, grid = 6_000, worlds.town(n_zones=5, cells_per_zone=4)
    tenants = startups(n, cell=np.arange(n) % grid.n_cells, lease_end=0, heads=0.01, segment=EMB, stage=4)
    rows = np.concatenate([tenants, worlds.entrants(n, uid=np.arange(1, n + 1, dtype=np.uint64), heads=0.01)])
    world = worlds.varied(settle(grid, rows))
    terms, draw = worlds.terms_of(grid), Draws(1, 0)
    access.refresh_fields(world, par, terms)
    choice = location.weigh_region(world, par, terms)
    location.place_entrants(world, par, terms, choice, draw)
    location.move_tenants(world, par, terms, draw)
    production.produce(world, par, terms, draw)
    cell = world.startups["cell"].astype(np.int64)
    stayed = cell[:n] == np.arange(n) % grid.n_cells
    return {"entrants": cell[n:], "tenants": cell[:n] + grid.n_cells * stayed,
            "production": world.startups["site"][:n].astype(np.int64)}  # fmt: skip


PROCESSES = (founders, spin_offs, ends, rounds, rooms)


def chance_of_one_law(one: np.ndarray, two: np.ndarray) -> float:
    """Return how likely samples so far apart are if both have one law: of their sizes and of what is in them.

    A number of independent rare events is Poisson, so that of two such numbers one is binomial, given their sum.
    """
    size = 1.0 if len(one) == len(two) else stats.binomtest(len(one), len(one) + len(two)).pvalue
    if one.dtype.kind == "f":
        return min(size, stats.ks_2samp(one, two).pvalue)
    values, found = np.unique(np.concatenate([one, two]), return_inverse=True)
    counts = np.stack([np.bincount(part, minlength=values.size) for part in np.split(found, [len(one)])])
    rare = counts.sum(axis=0) < 20
    table = np.column_stack([counts[:, ~rare], counts[:, rare].sum(axis=1)] if rare.any() else [counts])
    table = table[:, table.sum(axis=0) > 0]
    return min(size, stats.chi2_contingency(table, correction=False).pvalue)


@pytest.mark.parametrize("process", PROCESSES, ids=lambda process: process.__name__)
def test_draws_by_other_keys_are_others_and_have_the_same_law(process, kept_start, par, monkeypatch):
    usual = process(kept_start.copy(), par)
    key_anew(monkeypatch)
    other = process(kept_start.copy(), par)
    for name, sample in usual.items():
        assert not np.array_equal(sample, other[name]), name
        assert chance_of_one_law(sample, other[name]) > 1e-4, name


def test_the_check_of_one_law_tells_a_tenth_more_events_and_another_law():
    rng = np.random.default_rng(1)
    many = rng.integers(0, 6, 12_000)
    assert chance_of_one_law(many, many[::-1]) == 1.0
    assert chance_of_one_law(many, many[:10_800]) < 1e-4
    assert chance_of_one_law(many, np.where(rng.uniform(size=12_000) < 0.05, 0, many)) < 1e-4
    assert chance_of_one_law(rng.normal(size=2_000), 0.2 + rng.normal(size=2_000)) < 1e-4


def paired_effects(seeds: range, months: int) -> dict[tuple[str, str], np.ndarray]:
    """Return, by policy and metric, its run less the baseline's at the last month, one number a seed."""
    found = collections.defaultdict(list)
    column = POSITION["startups"]
    for seed in seeds:
        base = ClusterModel.from_scenario("baseline", seed).run(months).arrays["series"][-1, :, :, column]
        for name in ("rent-cut", "north-space"):
            scenario = Scenario.load(name)
            run = ClusterModel.from_scenario(scenario, seed).run(months)
            more = (run.arrays["series"][-1, :, :, column] - base).sum(axis=1)
            index = Grid.of(scenario.world).tables.zone_index
            treated = [index[zone] for zone in scenario.treated_zones]
            found[name, "startups of the region"].append(more.sum())
            found[name, "startups of the treated zones"].append(more[treated].sum())
            found[name, "public cost"].append(run.arrays["costs"][:, :, 0].sum())
    return {key: np.array(values, dtype=float) for key, values in found.items()}


@pytest.mark.slow
def test_other_keys_of_the_streams_change_no_conclusion(monkeypatch):
    """The same policies on eight seeds for five years, drawn twice: the two differ as other seeds would."""
    from sim.intervals import mean_interval, verdict

    seeds, months = range(1, 9), 60
    usual = paired_effects(seeds, months)
    key_anew(monkeypatch)
    other = paired_effects(seeds, months)
    resolved = 0
    for key, values in usual.items():
        again = other[key]
        if key[1] == "public cost" and np.ptp(values) == 0.0:  # what is built costs the same in every history
            assert np.array_equal(values, again)
            continue
        assert not np.array_equal(values, again), key
        # Welch: means of two samples of one law lie further apart once in 10,000 times
        assert stats.ttest_ind(values, again, equal_var=False).pvalue > 1e-4, key
        one, two = mean_interval(values), mean_interval(again)
        assert one.low <= two.high, key
        assert two.low <= one.high, key
        signs = {verdict(found.mean, found.low, found.high).chip for found in (one, two)}
        assert not {"▲", "▼"} <= signs, key  # no sign turns
        resolved += len(signs) == 1 and one.excludes_zero
    assert resolved >= 3  # both policies fill their zones, and the cut costs money, under either keying
