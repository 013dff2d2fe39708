"""A results folder: what is planned, which runs are done, and what failed. Nothing else knows its layout.

::

    plan.json        what is run, canonical; its SHA-256 is the identity of the study
    manifest.json    how it was run: scenario texts, versions, processor, timings
    shards/          finished runs, a few a shard: <table>-<hash of the file>.parquet
    quarantine/      shards that were found damaged
    failures.jsonl   runs that failed, with their traceback
    .lock            the process that writes
    outcomes, series, presence, effects (.parquet, .csv): made from the shards at the end

A run is done if it is in a readable shard, and not otherwise. A file is written beside its place, synced and
renamed, so that it is whole or absent; its name is the hash of its content, so that damage shows.
"""

import contextlib
import dataclasses
import hashlib
import io
import json
import os
import pathlib
import shutil
import socket
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from sim.language import _
from sim.plan import DamagedResultsError, OtherPlanError, Plan, canonical, read_plan
from sim.problems import shown

OUTCOMES = "outcomes"
#: tables of a run; a shard is one file for each, and that of the outcomes names the others
TABLES = (OUTCOMES, "series", "presence", "costs")
_RUNS, _FILES = b"sim.runs", b"sim.files"


class LockedError(RuntimeError):
    """Another process writes to the folder."""

    exit_code = 75


@dataclasses.dataclass(frozen=True)
class RunRecord:
    """A finished run: identity, seed, digest, seconds it took, and its tables by name."""

    run: str
    seed: int
    digest: str
    seconds: float
    tables: dict[str, pa.Table]


@dataclasses.dataclass(frozen=True)
class Failure:
    """A run that failed: identity, scenario, seed, what happened, and where in the program."""

    run: str
    scenario: str
    seed: int
    message: str
    traceback: str = ""


class Store:
    """The results in a folder, for reading.

    Parameters
    ----------
    folder
        A results folder.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = pathlib.Path(folder)
        self.plan = read_plan(self.folder)

    def outcomes(self) -> pa.Table:
        """Return one row a run: the region at the last month, and sums over the run."""
        return self._arms(OUTCOMES)

    def series(self) -> pa.Table:
        """Return the months of each run by zone and segment."""
        return self._arms("series")

    def presence(self) -> pa.Table:
        """Return who was there after 12, 36, 60, 120 steps and at the end of each run."""
        return self._arms("presence")

    def costs(self) -> pa.Table:
        """Return the public cost of each run by month and lever."""
        return self._arms("costs")

    def done(self) -> dict[str, dict[str, Any]]:
        """Return seed, digest, seconds and tables' lengths of each run in a shard, by run identity."""
        return {run["run"]: run for path in self._shards() for run in _read_heads(path)[0]}

    def finished(self) -> list[tuple[str, int, str]]:
        """Return scenario, seed and run identity of each finished run of the plan."""
        done = self.done()
        pairs = [(scenario, seed) for scenario in self.plan.scenarios for seed in self.plan.seeds]
        named = [(scenario, seed, self.plan.run_id(scenario, seed)) for scenario, seed in pairs]
        return [(scenario, seed, run) for scenario, seed, run in named if run in done]

    def digest(self) -> str:
        """Return one hash of all finished runs, whatever shards they stand in."""
        done = self.done()
        text = canonical([[scenario, seed, done[run]["digest"]] for scenario, seed, run in self.finished()])
        return hashlib.sha256(text.encode()).hexdigest()

    def tables(self, name: str) -> dict[str, pa.Table]:
        """Return one table of every run in the shards, by run identity."""
        found: dict[str, pa.Table] = {}
        for path in self._shards():
            runs, files = _read_heads(path)
            whole = _read_table(path if name == OUTCOMES else path.parent / files[name])
            start = 0
            for run in runs:
                found.setdefault(run["run"], whole.slice(start, run["rows"][name]))
                start += run["rows"][name]
        return found

    def _arms(self, name: str) -> pa.Table:
        tables = self.tables(name)
        arms = [
            _with_keys(tables[run].replace_schema_metadata(), scenario, seed)
            for scenario, seed, run in self.finished()
        ]
        if not arms:
            return pa.table({"scenario": pa.array([], pa.string()), "seed": pa.array([], pa.int64())})
        return pa.concat_tables(arms, promote_options="permissive").unify_dictionaries()

    def _shards(self) -> list[pathlib.Path]:
        return sorted((self.folder / "shards").glob(f"{OUTCOMES}-*.parquet"))


class Writer(Store):
    """The results in a folder, for the one process that writes them; made by `writing`."""

    def add(self, records: Iterable[RunRecord]) -> None:
        """Write finished runs as one shard; they are done when this returns."""
        records = list(records)
        runs = [
            {key: getattr(record, key) for key in ("run", "seed", "digest", "seconds")}
            | {"rows": {name: record.tables[name].num_rows for name in TABLES}}
            for record in records
        ]
        files = {name: self._write_part(name, records, {}) for name in TABLES if name != OUTCOMES}
        heads = {_RUNS: canonical(runs), _FILES: canonical(files)}
        self._write_part(OUTCOMES, records, heads)

    def fail(self, failure: Failure) -> None:
        """Take down a run that failed."""
        with (self.folder / "failures.jsonl").open("a", encoding="utf-8") as file:
            file.write(canonical(dataclasses.asdict(failure)) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def finish(self, effects: pa.Table, manifest: dict[str, Any]) -> None:
        """Write the tables of all runs, the effects, and how the study was run."""
        for name in TABLES:
            write_table(self.folder / f"{name}.parquet", self._arms(name))
        write_table(self.folder / "effects.parquet", effects)
        _write(self.folder / "effects.csv", _csv(effects))
        self.describe(manifest)

    def describe(self, manifest: dict[str, Any]) -> None:
        """Write how the study is run."""
        text = json.dumps({"plan": self.plan.sha} | manifest, indent=2, ensure_ascii=False, sort_keys=True)
        _write(self.folder / "manifest.json", text.encode() + b"\n")

    def _write_part(self, name: str, records: list[RunRecord], heads: dict[bytes, str]) -> str:
        tables = [_plain(record.tables[name]) for record in records]
        table = pa.concat_tables(tables, promote_options="permissive").unify_dictionaries()
        data = _packed(table.replace_schema_metadata(heads))
        path = self.folder / "shards" / f"{name}-{_hash(data)}.parquet"
        _write(path, data)
        return path.name


@contextlib.contextmanager
def writing(
    folder: str | os.PathLike[str], plan: Plan, notify: Callable[[str], None] = print
) -> Iterator[Writer]:
    """Open a results folder for writing, and hold it until the end of the block.

    Parameters
    ----------
    folder
        Results folder; made if it is not there.
    plan
        What is run. A folder takes the plan that it holds, or the same with seeds or scenarios added.
    notify
        Told of each shard that was found damaged.

    Raises
    ------
    OSError
        If the folder cannot be written.
    LockedError
        If another process writes to it.
    OtherPlanError
        If it holds results of another plan.
    """
    folder = pathlib.Path(folder)
    (folder / "shards").mkdir(parents=True, exist_ok=True)
    with _locked(folder):
        if (folder / "plan.json").exists():
            differing = read_plan(folder).differences(plan)
            if differing:
                message = _("{path} holds results of another plan ({keys}): choose another folder")
                raise OtherPlanError(message.format(path=shown(folder), keys=shown(", ".join(differing))))
        _write(folder / "plan.json", plan.text.encode())
        (folder / "failures.jsonl").unlink(missing_ok=True)  # what failed is tried again
        for left_over in [*folder.glob(".tmp-*"), *folder.glob("shards/.tmp-*")]:
            left_over.unlink()
        _clear_shards(folder, notify)
        yield Writer(folder)


@contextlib.contextmanager
def _locked(folder: pathlib.Path) -> Iterator[None]:
    """Hold the folder's lock, which the system takes back when the process ends, however it ends."""
    import fcntl  # not on Windows

    with (folder / ".lock").open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            message = _("{path} is in use by process {holder}")
            holder = shown(file.read().strip() or "?")
            raise LockedError(message.format(path=shown(folder), holder=holder)) from None
        file.truncate(0)
        file.write(f"{os.getpid()} on {socket.gethostname()}\n")
        file.flush()
        yield


def _clear_shards(folder: pathlib.Path, notify: Callable[[str], None]) -> None:
    """Move what is not a whole shard out of the way, and drop what an interrupted write left."""
    used = set()
    for path in sorted((folder / "shards").iterdir()):
        if not path.name.startswith(f"{OUTCOMES}-"):
            continue
        try:
            _runs, files = _read_heads(path)
            for name in files.values():
                _verified(path.parent / name)
        except DamagedResultsError as error:
            _set_aside(path, notify, str(error))
        else:
            used |= {path.name, *files.values()}
    for path in sorted((folder / "shards").iterdir()):
        if path.name in used:
            continue
        try:
            _verified(path)
        except DamagedResultsError as error:
            _set_aside(path, notify, str(error))
        else:
            path.unlink()


def _set_aside(path: pathlib.Path, notify: Callable[[str], None], why: str) -> None:
    place = path.parent.parent / "quarantine"
    place.mkdir(exist_ok=True)
    shutil.move(path, place / path.name)
    notify(_("{why}; moved to quarantine/, its runs are run again").format(why=why))


def _verified(path: pathlib.Path) -> bytes:
    """Return the content of a file whose name ends with its hash.

    Raises
    ------
    DamagedResultsError
        If the content is not that of the name.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DamagedResultsError(_("{path}: cannot be read").format(path=shown(path))) from error
    if path.stem.rpartition("-")[2] != _hash(data):
        raise DamagedResultsError(_("{path}: damaged").format(path=shown(path)))
    return data


def _read_heads(path: pathlib.Path) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Return the runs of a shard, in the order of its rows, and the files of its other tables."""
    metadata = pq.read_schema(pa.BufferReader(_verified(path))).metadata or {}
    if _RUNS not in metadata:
        raise DamagedResultsError(_("{path}: not a shard of sim").format(path=shown(path)))
    return json.loads(metadata[_RUNS]), json.loads(metadata[_FILES])


def _read_table(path: pathlib.Path) -> pa.Table:
    data = pa.BufferReader(_verified(path))
    # pq.read_table would import pandas first, which takes longer than most reads
    return pq.ParquetFile(data, page_checksum_verification=True).read()


def _plain(table: pa.Table) -> pa.Table:
    """Return a table whose words have one type, also where it has no rows."""
    for i, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            words = table.column(i).cast(pa.string()).cast(pa.dictionary(pa.int32(), pa.string()))
            table = table.set_column(i, field.with_type(words.type), words)
    return table


def _with_keys(table: pa.Table, scenario: str, seed: int) -> pa.Table:
    """Return a table with scenario and seed as its first columns."""
    n = table.num_rows
    names = pa.DictionaryArray.from_arrays(pa.nulls(n, pa.int32()).fill_null(0), pa.array([scenario]))
    keys = {"seed": pa.nulls(n, pa.int64()).fill_null(seed), "scenario": names}
    for name, values in keys.items():
        if name in table.column_names:
            table = table.drop_columns(name)
        table = table.add_column(0, pa.field(name, values.type, metadata={"unit": "-"}), values)
    return table


def write_run(folder: str | os.PathLike[str], tables: dict[str, pa.Table]) -> None:
    """Write the tables of one run, by name."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        write_table(folder / f"{name}.parquet", _plain(table))


def require_writable(folder: str | os.PathLike[str]) -> None:
    """Make a folder if it is not there.

    Raises
    ------
    OSError
        If nothing can be written into it.
    """
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    probe = folder / ".tmp-probe"
    probe.touch()
    probe.unlink()


def write_table(path: pathlib.Path, table: pa.Table) -> None:
    """Write a table as Parquet with page checksums; the file is whole or absent."""
    _write(path, _packed(table))


def _packed(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, write_page_checksum=True, compression="zstd", compression_level=1)
    return sink.getvalue()


def _csv(table: pa.Table) -> bytes:
    """Return a table as CSV; a cell that a spreadsheet would take for a formula is defused."""
    for i, field in enumerate(table.schema):
        if pa.types.is_string(field.type):
            cells = table.column(i).to_pylist()
            safe = ["'" + c if c and c[0] in "=+-@\t\r" else c for c in cells]
            table = table.set_column(i, field, pa.array(safe, pa.string()))
    sink = io.BytesIO()
    pyarrow.csv.write_csv(table, sink)
    return sink.getvalue()


def _write(path: pathlib.Path, data: bytes) -> None:
    """Write a file so that after any crash it is whole, or as it was."""
    temporary = path.with_name(f".tmp-{path.name}")
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]
