"""The results folder: what is written is read again, damage shows, and one process writes at a time."""

import dataclasses
import hashlib
import json
import os
import pathlib
import uuid

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sim import files
from sim.files import APART, csv_of, packed
from sim.plan import DamagedResultsError, OtherPlanError, Plan
from sim.record import SERIES
from sim.store import OUTCOMES, TABLES, Failure, LockedError, RunRecord, Store, writing
from sim.study_files import KEPT

SCENARIOS = {name: {"fingerprint": name * 8, "content": {}} for name in ("base", "cut")}
PLAN = Plan("base", SCENARIOS, (1, 2), 3, "model")


def record(plan, scenario, seed, rows=2):
    """Return a small run whose numbers tell which run it is."""
    field = pa.field("value", pa.float64(), metadata={"unit": "m2"})
    words = pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows), pa.int8()), pa.array(["a"]))
    tables = {
        name: pa.table(
            [words, pa.array([seed + i / 2 for i in range(rows)])], pa.schema([("word", words.type), field])
        )
        for name in TABLES
    }
    return RunRecord(plan.run_id(scenario, seed), seed, f"digest of {scenario} {seed}", 0.1, tables)


def fill(folder, plan=PLAN, notify=print):
    """Write what is missing of a plan, one shard a seed; return the runs that were missing."""
    missing = []
    with writing(folder, plan, notify) as results:
        done = results.done()
        for seed in plan.seeds:
            new = [s for s in plan.scenarios if plan.run_id(s, seed) not in done]
            missing += [(s, seed) for s in new]
            if new:
                results.add([record(plan, s, seed) for s in new])
    return missing


def shards(folder, table):
    return sorted((folder / "shards").glob(f"{table}-*.parquet"))


def test_every_table_that_a_study_can_keep_can_be_asked_for_by_its_name(tmp_path):
    with writing(tmp_path, dataclasses.replace(PLAN, keep=KEPT)):
        pass
    for name in KEPT:
        assert getattr(Store(tmp_path), name)().num_rows == 0


def test_tables_come_back_with_scenario_seed_and_units(tmp_path):
    fill(tmp_path)
    series = Store(tmp_path).series()
    assert series.column_names == ["scenario", "seed", "word", "value"]
    assert series["scenario"].to_pylist() == ["base"] * 4 + ["cut"] * 4
    assert series["seed"].to_pylist() == [1, 1, 2, 2] * 2
    assert series["value"].to_pylist() == [1.0, 1.5, 2.0, 2.5] * 2
    assert series.schema.field("value").metadata == {b"unit": b"m2"}


def test_a_table_without_rows_in_some_runs_is_read(tmp_path):
    with writing(tmp_path, PLAN) as results:
        empty, full = record(PLAN, "base", 1, rows=0), record(PLAN, "cut", 1)
        empty.tables["costs"] = pa.table(
            {
                "word": pa.DictionaryArray.from_arrays(pa.array([], pa.int8()), pa.array(())),
                "value": pa.array([], pa.float64()),
            }
        )
        results.add([empty, full])
    assert Store(tmp_path).costs()["scenario"].to_pylist() == ["cut", "cut"]


def test_the_same_plan_again_has_nothing_missing_and_more_seeds_only_add(tmp_path):
    assert len(fill(tmp_path)) == 4
    assert fill(tmp_path) == []
    more = Plan("base", SCENARIOS, (1, 2, 3), 3, "model")
    assert fill(tmp_path, more) == [("base", 3), ("cut", 3)]


@pytest.mark.parametrize("table", TABLES)
def test_a_flipped_bit_anywhere_is_detected_and_only_its_runs_are_missing(tmp_path, table):
    fill(tmp_path)
    whole = Store(tmp_path).digest()
    path = shards(tmp_path, table)[0]
    content = path.read_bytes()
    for place in np.linspace(0, len(content) - 1, 25).astype(int):
        damaged = bytearray(content)
        damaged[place] ^= 4
        path.write_bytes(bytes(damaged))
        with pytest.raises(DamagedResultsError, match=path.name):
            Store(tmp_path)._arms(table)
    said = []
    assert len(fill(tmp_path, notify=said.append)) == 2
    assert any(path.name in line for line in said)
    assert any((tmp_path / "quarantine").iterdir())
    assert Store(tmp_path).digest() == whole


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("harm", ["gone", "empty", "cut", "renamed"])
def test_a_shard_that_is_not_whole_is_done_again(tmp_path, table, harm):
    fill(tmp_path)
    whole = Store(tmp_path).digest()
    path = shards(tmp_path, table)[0]
    if harm == "gone":
        path.unlink()
    elif harm == "renamed":
        path.rename(path.with_name(f"{table}-0123456789abcdef.parquet"))
    else:
        path.write_bytes(b"" if harm == "empty" else path.read_bytes()[:-20])
    assert len(fill(tmp_path, notify=lambda _line: None)) == 2
    assert Store(tmp_path).digest() == whole


def test_what_an_interrupted_write_left_is_cleared_and_foreign_shards_are_set_aside(tmp_path):
    fill(tmp_path)
    (tmp_path / "shards" / f".tmp-{uuid.uuid4().hex}-series-1.parquet").write_bytes(b"half")
    assert Store(tmp_path).damaged() == []
    shards(tmp_path, "outcomes")[0].unlink()  # as if it had not been reached: its other tables are left over
    (tmp_path / "shards" / "outcomes-holiday.parquet").write_bytes(b"foreign")
    said = []
    assert len(fill(tmp_path, notify=said.append)) == 2
    assert len(said) == 1
    assert "outcomes-holiday.parquet" in said[0]
    assert len(list((tmp_path / "shards").iterdir())) == 2 * len(TABLES)
    assert not list(tmp_path.glob("**/.tmp-*"))


def test_a_table_of_others_under_the_name_of_a_shard_is_damage_and_set_aside_also_if_its_hash_is_right(
    tmp_path,
):
    fill(tmp_path)
    data = packed(pa.table({"a": [1]}))
    foreign = tmp_path / "shards" / f"outcomes-{hashlib.sha256(data).hexdigest()[:16]}.parquet"
    foreign.write_bytes(data)
    assert Store(tmp_path).damaged() == [foreign]
    with pytest.raises(DamagedResultsError, match="not a shard of sim"):
        Store(tmp_path).outcomes()
    assert fill(tmp_path, notify=lambda _line: None) == []
    assert (tmp_path / "quarantine" / foreign.name).exists()


def test_files_of_others_in_a_results_folder_are_left_alone(tmp_path):
    others = [
        tmp_path / ".tmp-letter.odt",
        tmp_path / "shards" / "holiday.jpg",
        tmp_path / "shards" / "my-data.parquet",
    ]
    (tmp_path / "shards").mkdir()
    for path in others:
        path.write_bytes(b"foreign")
    said = []
    fill(tmp_path, notify=said.append)
    fill(tmp_path, notify=said.append)
    assert [path.read_bytes() for path in others] == 3 * [b"foreign"]
    assert said == []


def test_a_line_of_failures_that_a_crash_has_cut_is_left_out(tmp_path):
    fill(tmp_path)
    with writing(tmp_path, Store(tmp_path).plan) as results:
        results.fail(Failure("r", "baseline", 1, "no"))
    whole = (tmp_path / "failures.jsonl").read_text(encoding="utf-8")
    (tmp_path / "failures.jsonl").write_text(whole + whole[:-9], encoding="utf-8")
    assert Store(tmp_path).failures() == [Failure("r", "baseline", 1, "no")]


def test_runs_count_as_done_only_once_every_other_table_of_theirs_is_on_the_disk(tmp_path, monkeypatch):
    done, sync, replace = [], os.fsync, os.replace

    def noting_sync(file):
        places = [tmp_path / "shards", *(tmp_path / "shards").iterdir()]
        (place,) = [place for place in places if os.path.samestat(place.stat(), os.fstat(file))]
        done.append(("sync", place.name.split("-")[2] if "-" in place.name else place.name))
        sync(file)

    def noting_replace(source, target):
        done.append(("replace", pathlib.Path(target).name.split("-")[0]))
        replace(source, target)

    with writing(tmp_path, PLAN) as results:
        monkeypatch.setattr(os, "fsync", noting_sync)
        monkeypatch.setattr(os, "replace", noting_replace)
        results.add([record(PLAN, "base", 1)])
        monkeypatch.undo()
    renamed = [name for what, name in done if what == "replace"]
    assert sorted(renamed) == sorted(TABLES)
    assert renamed[-1] == OUTCOMES, "done, and its other tables may never come"
    assert {name for what, name in done[: len(TABLES)] if what == "sync"} == set(TABLES)
    assert done[-1] == ("sync", "shards")


@pytest.mark.parametrize("call", range(2 * len(TABLES) + 1))
def test_wherever_writing_a_shard_ends_its_runs_are_done_with_all_their_tables_or_not_at_all(
    tmp_path, monkeypatch, call
):
    calls = []

    def dying(usual):
        def call_or_die(*arguments):
            calls.append(usual)
            if len(calls) > call:
                raise KeyboardInterrupt
            return usual(*arguments)

        return call_or_die

    with writing(tmp_path, PLAN) as results:
        for name in ("fsync", "replace"):
            monkeypatch.setattr(os, name, dying(getattr(os, name)))
        with pytest.raises(KeyboardInterrupt):
            results.add([record(PLAN, "base", 1)])
        monkeypatch.undo()
    done = Store(tmp_path).done()
    assert len(done) == (call == 2 * len(TABLES))  # all but the sync of the folder
    for name in TABLES:
        assert Store(tmp_path).tables(name).keys() == done.keys()
    assert not list(tmp_path.glob("**/.tmp-*"))
    assert len(fill(tmp_path)) == 4 - len(done)


@pytest.mark.parametrize("table", TABLES)
def test_runs_of_which_a_table_finds_no_room_are_not_done_and_whoever_wrote_is_told(
    tmp_path, monkeypatch, table
):
    usual = pathlib.Path.open

    def full(path, *arguments, **named):
        if f"-{table}-" in path.name:
            raise OSError(28, "No space left on device")
        return usual(path, *arguments, **named)

    with writing(tmp_path, PLAN) as results:
        monkeypatch.setattr(pathlib.Path, "open", full)
        with pytest.raises(OSError, match="No space"):
            results.add([record(PLAN, "base", 1)])
    assert Store(tmp_path).done() == {}
    monkeypatch.undo()
    assert len(fill(tmp_path)) == 4


def test_two_who_write_the_same_file_at_a_time_do_not_take_each_others(tmp_path, monkeypatch):
    path, sync, others = tmp_path / "costs-1.parquet", os.fsync, []

    def sync_while_another_writes(file):
        if not others:
            others.append(file)
            files.write(path, b"the same")
        sync(file)

    monkeypatch.setattr(os, "fsync", sync_while_another_writes)
    files.write(path, b"the same")
    assert path.read_bytes() == b"the same"
    assert list(tmp_path.iterdir()) == [path]
    assert others


def test_a_write_that_fails_leaves_the_file_as_it_was_and_nothing_beside_it(tmp_path, monkeypatch):
    path = tmp_path / "report.html"
    files.write_text(path, "whole")

    def full(_file):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        files.write_text(path, "half")
    assert path.read_text(encoding="utf-8") == "whole"
    assert list(tmp_path.iterdir()) == [path]


def test_a_second_process_is_told_who_writes(tmp_path):
    with writing(tmp_path, PLAN), pytest.raises(LockedError, match=f"process {os.getpid()} on"):
        fill(tmp_path)
    assert len(fill(tmp_path)) == 4


def test_a_folder_refuses_another_plan_and_names_what_differs(tmp_path):
    fill(tmp_path)
    other = {**SCENARIOS, "cut": {"fingerprint": "else", "content": {}}}
    with pytest.raises(OtherPlanError, match=r"\(months, seeds, scenarios\.cut\)"):
        fill(tmp_path, Plan("base", other, (1, 3), 4, "model"))
    with pytest.raises(OtherPlanError, match="model"):
        fill(tmp_path, Plan("base", SCENARIOS, (1, 2), 3, "changed"))
    assert Store(tmp_path).plan == PLAN


def test_the_order_of_scenarios_is_part_of_the_plan():
    turned = Plan("base", dict(reversed(SCENARIOS.items())), (1, 2), 3, "model")
    assert turned.sha != PLAN.sha
    assert turned.run_id("cut", 1) == PLAN.run_id("cut", 1)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"format": 2}', "\x00"])
def test_a_broken_plan_is_damage_not_a_traceback(tmp_path, text):
    (tmp_path / "plan.json").write_text(text)
    with pytest.raises(DamagedResultsError, match=r"plan\.json"):
        Store(tmp_path)


@pytest.mark.parametrize("version", [1, 3, "2", None])
def test_a_folder_of_another_version_is_refused_and_left_as_it_is(tmp_path, version):
    fill(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps(json.loads(PLAN.text) | {"format": version}))
    with pytest.raises(OtherPlanError, match="written by another version of sim"):
        Store(tmp_path)
    with pytest.raises(OtherPlanError, match="written by another version of sim"):
        fill(tmp_path)
    assert {path: path.read_bytes() for path in before if path.parent.name == "shards"} == {
        path: content for path, content in before.items() if path.parent.name == "shards"
    }


def test_failures_are_lines_of_json_and_are_forgotten_when_tried_again(tmp_path):
    with writing(tmp_path, PLAN) as results:
        results.fail(Failure("r", "cut", 2, "ValueError: 新", "Traceback"))
    lines = (tmp_path / "failures.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["message"] for line in lines] == ["ValueError: 新"]
    fill(tmp_path)
    assert not (tmp_path / "failures.jsonl").exists()


def test_the_end_writes_tables_with_page_checksums_and_a_csv_without_formulas(tmp_path):
    effects = pa.table({"scenario": ["=1+1", "@x", "-a", "plain"], "mean": [-1.0, 2.0, None, 3.0]})
    with writing(tmp_path, PLAN) as results:
        for seed in PLAN.seeds:
            results.add([record(PLAN, s, seed) for s in PLAN.scenarios])
        results.finish(effects)
        results.describe({"seeds": [1, 2]})
    assert pq.read_table(tmp_path / "effects.parquet", page_checksum_verification=True) == effects
    assert pq.read_table(tmp_path / "presence.parquet")["seed"].to_pylist() == [1, 1, 2, 2] * 2
    words = pa.DictionaryArray.from_arrays(pa.array([0, None, 1], pa.int8()), pa.array(["\tx", "2 - 1"]))
    assert csv_of(pa.table({"zone": words})).decode() == '"zone"\n"\'\tx"\n\n"2 - 1"\n'
    lines = csv_of(effects).decode().splitlines()
    assert lines[1:] == ['"\'=1+1",-1', '"\'@x",2', '"\'-a",', '"plain",3']
    assert json.loads((tmp_path / "manifest.json").read_text())["plan"] == PLAN.sha


class Bait:
    """Leaves a file when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return open, (self.path, "w")


def test_nothing_that_is_read_is_unpickled(tmp_path):
    import pickle

    bait = tmp_path / "bait"
    pickle.loads(pickle.dumps(Bait(bait))).close()
    assert bait.exists()
    bait.unlink()
    trap = pickle.dumps(Bait(bait))
    fill(tmp_path / "r")
    path = shards(tmp_path / "r", "series")[0]
    table = pq.read_table(path)
    metadata = {b"ARROW:extension:name": b"arrow.py_extension_type", b"ARROW:extension:metadata": trap}
    table = table.set_column(
        1, pa.field("value", pa.float64(), metadata=metadata), table["value"]
    ).replace_schema_metadata({b"pandas": trap, b"ARROW:schema": trap} | metadata)
    path.unlink()
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, write_page_checksum=True, store_schema=False)
    content = bytes(sink.getvalue())
    name = f"series-{hashlib.sha256(content).hexdigest()[:16]}.parquet"
    (path.parent / name).write_bytes(content)
    for readable in (path.parent / name, *shards(tmp_path / "r", "outcomes")):
        pq.ParquetFile(readable, page_checksum_verification=True).read()
    for call in (
        Store(tmp_path / "r").outcomes,
        Store(tmp_path / "r").damaged,
        Store(tmp_path / "r").failures,
    ):
        call()
    (tmp_path / "r" / "plan.json").write_bytes(trap)
    with pytest.raises(DamagedResultsError):
        Store(tmp_path / "r")
    assert not bait.exists()


def test_numbers_whose_bytes_are_written_apart_come_back_bit_by_bit_and_take_less_space():
    heads = np.concatenate(
        [[0.0, -0.0, np.inf, np.nan, 5e-324], np.random.default_rng(1).lognormal(3, 1, 20_000)]
    )
    data = packed(pa.table({"rd_heads": heads, "other": heads, "entries": np.arange(heads.size)}))
    file = pq.ParquetFile(pa.BufferReader(data))
    ways = [file.metadata.row_group(0).column(i) for i in range(3)]
    assert ["BYTE_STREAM_SPLIT" in way.encodings for way in ways] == [True, False, False]
    assert ways[0].total_compressed_size < 0.9 * ways[1].total_compressed_size
    read = file.read()
    for name in ("rd_heads", "other"):
        assert read[name].to_numpy().tobytes() == heads.tobytes()


def test_columns_whose_bytes_are_written_apart_are_columns_of_the_series():
    assert {column.name for column in SERIES} >= APART
