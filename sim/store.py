"""A results folder: what is planned, which runs are done, and what failed. Nothing else knows its layout.

::

    plan.json        what is run, canonical; its SHA-256 is the identity of the study
    manifest.json    how it was run: scenario texts, how points were chosen, versions, processor, timings
    shards/          finished runs, a few a shard: <table>-<hash of the file>.parquet
    parts/           results folders of an array of jobs, until they are merged
    quarantine/      shards that were found damaged
    failures.jsonl   runs that failed, with their traceback
    .lock            the process that writes
    outcomes, series, region, presence, costs, effects (.parquet): made from the shards at the end; effects also as CSV

A run is done if it is in a readable shard, and not otherwise. A file is written beside its place, synced and
renamed, so that it is whole or absent; its name is the hash of its content, so that damage shows.
"""

import collections
import concurrent.futures
import contextlib
import dataclasses
import hashlib
import itertools
import json
import os
import pathlib
import re
import shutil
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sim.files import LEFT_OVER, packed, plain, write, write_all, write_csv, write_table
from sim.language import _
from sim.meanings import KEYS
from sim.plan import KEEP, Arm, DamagedResultsError, OtherPlanError, Plan, canonical, read_plan
from sim.problems import shown

#: the table that every run leaves; a shard is a file of it, which names those of the other tables
OUTCOMES = "outcomes"
TABLES = (OUTCOMES, *KEEP)
READERS = 2  #: shards that are read at once
#: names of shards, also of such as were tampered with; other files are somebody else's
_SHARD = re.compile(rf"{OUTCOMES}-.*\.parquet|[a-z]+-[0-9a-f]{{16}}\.parquet")
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
class Head:
    """What a shard says of a finished run: identity, seed, digest, seconds, and rows by table."""

    run: str
    seed: int
    digest: str
    seconds: float
    rows: dict[str, int]


@dataclasses.dataclass(frozen=True)
class Failure:
    """A run that failed.

    Attributes
    ----------
    run, scenario, seed, point
        Which run: identity, scenario, seed, position of its point in the design.
    message, traceback
        What happened, and where in the program.
    month
        Month in which it happened; None before the first or if nobody knows.
    """

    run: str
    scenario: str
    seed: int
    message: str
    traceback: str = ""
    point: int = 0
    month: int | None = None


class NotKeptError(LookupError):
    """The study keeps no such table."""

    exit_code = 2


class Store:
    """The results in a folder, for reading.

    Tables begin with ``scenario`` and ``seed``, between them ``point`` where the study has a design, and have the units and
    meanings of their columns in the schema; docs/series.md lists them. Columns of axes, which a study varies, have none:
    their names are keys of docs/parameters.md and docs/levers.md.

    Parameters
    ----------
    folder
        A results folder.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = pathlib.Path(folder)
        self.plan = read_plan(self.folder)

    def outcomes(self) -> pa.Table:
        """Return one row a run: the region at the last month, and sums over the run; each axis of a design is a column.

        Among them ``startups_region`` [startups], ``rd_heads_region`` [heads], ``capital_rmb``, ``public_cost_rmb`` [RMB].
        """
        return self._arms(OUTCOMES)

    def series(self) -> pa.Table:
        """Return a row for each month, zone and segment of each run: stocks at the end of the month and flows over it.

        Among them ``startups``, ``rd_heads`` [heads], ``area_m2`` [m2], ``zone_rent_rmb_m2_month`` [RMB/m2/month].
        """
        return self._arms("series")

    def region(self) -> pa.Table:
        """Return a row for each month of each run, of the whole region: labour, compute, who founded elsewhere.

        Among them ``wage_index`` and ``compute_price`` [of the first month], ``seekers_heads`` and ``posts_heads`` [heads].
        """
        return self._arms("region")

    def presence(self) -> pa.Table:
        """Return a row for each startup that was there after 12, 36, 60, 120 steps and at the end of each run.

        ``step`` says when, ``uid`` who, the same in every scenario; with ``zone``, ``status``, ``rd_heads`` [heads].
        """
        return self._arms("presence")

    def costs(self) -> pa.Table:
        """Return a row for each month and lever of each run: ``cost_rmb`` [RMB], ``served`` and ``refused`` [count]."""
        return self._arms("costs")

    def deals(self) -> pa.Table:
        """Return a row for each closed round of each run, if the plan keeps them: ``month``, ``uid``, ``raised_rmb`` [RMB]."""
        return self._arms("deals")

    def startups(self) -> pa.Table:
        """Return a row for each startup of each run that had rooms here, at the last step, if the plan keeps them.

        Among them ``born`` [months], ``rd_heads`` [heads], ``cash_rmb`` and ``valuation_rmb`` [RMB].
        """
        return self._arms("startups")

    def moments(self) -> pa.Table:
        """Return a row for each target of its world and each run, if the plan keeps them: ``key``, ``value`` [of the target]."""
        return self._arms("moments")

    def points(self) -> pa.Table:
        """Return a row for each point of the design: ``point``, its position from 0, and a column for each axis."""
        positions = pa.array(range(len(self.plan.points)), pa.int32())
        axes = self._axes()
        fields = [_key_field("point", positions.type), *(pa.field(key, axes[key].type) for key in axes)]
        return pa.table([positions, *axes.values()], schema=pa.schema(fields))

    def done(self) -> dict[str, Head]:
        """Return what the shards say of each run in them, by run identity.

        Raises
        ------
        DamagedResultsError
            If a shard is damaged, or two shards hold the same run with different results.
        """
        found: dict[str, Head] = {}
        for path in self._shards():
            for head in _read_heads(path)[0]:
                if found.setdefault(head.run, head).digest != head.digest:
                    message = _("{path}: run {run} stands in two shards with different results")
                    raise DamagedResultsError(message.format(path=shown(path), run=head.run))
        return found

    def finished(self, done: Mapping[str, Head] | None = None) -> list[Arm]:
        """Return the finished runs of the plan, in its order; `done` is what `done` returns, if it is known."""
        done = self.done() if done is None else done
        return [arm for arm in self.plan.arms() if arm.run in done]

    def failures(self) -> list[Failure]:
        """Return the runs that failed when the study was last run; a line that a crash has cut is left out."""
        path = self.folder / "failures.jsonl"
        found = []
        for line in path.read_bytes().splitlines() if path.exists() else []:
            with contextlib.suppress(ValueError, TypeError):
                found.append(Failure(**json.loads(line)))
        return found

    def digest(self, done: Mapping[str, Head] | None = None) -> str:
        """Return one hash of all finished runs, whatever shards they stand in; `done` as for `finished`."""
        done = self.done() if done is None else done
        text = canonical([[*arm[:3], done[arm.run].digest] for arm in self.finished(done)])
        return hashlib.sha256(text.encode()).hexdigest()

    def tables(self, name: str) -> dict[str, pa.Table]:
        """Return one table of every run in the shards, by run identity."""
        found: dict[str, pa.Table] = {}
        for path in self._shards():
            runs, files = _read_heads(path)
            whole = _read_table(path if name == OUTCOMES else path.parent / files[name])
            start = 0
            for run in runs:
                found.setdefault(run.run, whole.slice(start, run.rows[name]))
                start += run.rows[name]
        return found

    def parts(self, columns: Mapping[str, Sequence[str]]) -> Iterator[tuple[list[Head], dict[str, pa.Table]]]:
        """Yield the runs of one shard after the other, with some columns of some of its tables, by their names.

        The next shards are read while whoever asks is at work on one.
        """
        with concurrent.futures.ThreadPoolExecutor(READERS) as pool:
            coming, paths = collections.deque[Any](), iter(self._shards())
            for path in itertools.islice(paths, READERS):
                coming.append(pool.submit(_read_part, path, columns))
            while coming:
                part = coming.popleft().result()
                coming.extend(pool.submit(_read_part, path, columns) for path in itertools.islice(paths, 1))
                yield part

    def _arms(self, name: str) -> pa.Table:
        if name not in (OUTCOMES, *self.plan.keep):
            raise NotKeptError(_("{table}: not kept by this study ([keep] in its file)").format(table=name))
        whole, places = self._rows(name)
        arms = [arm for arm in self.plan.arms() if arm.run in places]
        if not arms:
            return pa.table({"scenario": pa.array([], pa.string()), "seed": pa.array([], pa.int64())})
        first, number = np.array([places[arm.run] for arm in arms]).T
        rows = np.arange(number.sum()) + np.repeat(first - number.cumsum() + number, number)
        table = _with_keys(whole.take(pa.array(rows)), arms, number)
        if len(self.plan.points) == 1:
            return table.drop_columns("point")
        if name != OUTCOMES:
            return table
        points = table["point"].combine_chunks()
        for i, (key, column) in enumerate(self._axes().items()):
            table = table.add_column(3 + i, pa.field(key, column.type), column.take(points))
        return table

    def _rows(self, name: str) -> tuple[pa.Table, dict[str, tuple[int, int]]]:
        """Return one table of all shards, and the first row and the number of rows of each run in it."""
        parts, places, start = [], dict[str, tuple[int, int]](), 0
        for path in self._shards():
            runs, files = _read_heads(path)
            parts.append(_read_table(path if name == OUTCOMES else path.parent / files[name]))
            for run in runs:
                places.setdefault(run.run, (start, run.rows[name]))
                start += run.rows[name]
        if not parts:
            return pa.table({}), places
        whole = pa.concat_tables(parts, promote_options="permissive").unify_dictionaries().combine_chunks()
        return whole.replace_schema_metadata(), places

    def _axes(self) -> dict[str, pa.Array]:
        """Return the values of each axis at each point."""
        keys = dict.fromkeys(key for point in self.plan.points for key in point)
        return {key: pa.array([point.get(key) for point in self.plan.points]) for key in keys}

    def damaged(self) -> list[pathlib.Path]:
        """Return the files of the shards that are not what was written."""
        bad = []
        for path in sorted((self.folder / "shards").glob("[!.]*.parquet")):
            try:
                if not path.name.startswith(f"{OUTCOMES}-"):
                    _verified(path)
                elif not all((path.parent / other).exists() for other in _read_heads(path)[1].values()):
                    bad.append(path)
            except DamagedResultsError:
                bad.append(path)
        return bad

    def _shards(self) -> list[pathlib.Path]:
        return sorted((self.folder / "shards").glob(f"{OUTCOMES}-*.parquet"))


class Writer(Store):
    """The results in a folder, for the one process that writes them; made by `writing`.

    Attributes
    ----------
    before
        The plan that the folder held, if it held one.
    failed_before
        Runs that had failed.
    set_aside
        Number of shards that were found damaged.
    """

    before: Plan | None = None
    failed_before: frozenset[str] = frozenset()
    set_aside = 0

    def reasons(self, arms: Iterable[Arm] | None = None) -> list[str]:
        """Return why runs are to be done, a line for each reason; nothing in a new folder."""
        if self.before is None:
            return []
        done = self.done()
        wanted = [arm.run for arm in (self.plan.arms() if arms is None else arms)]
        missing = [run for run in wanted if run not in done]
        known = {arm.run for arm in self.before.arms()}
        counts = {
            _("failed last time"): sum(run in self.failed_before for run in missing),
            _("new in the plan"): sum(run not in known for run in missing),
        }
        counts[_("not finished, or in a damaged shard") if self.set_aside else _("not finished")] = len(
            missing
        ) - sum(counts.values())
        lines = [
            _("{done} of {runs} runs are done").format(done=len(wanted) - len(missing), runs=len(wanted))
        ]
        return lines + [_("{n} to do: {why}").format(n=n, why=why) for why, n in counts.items() if n]

    def take(self, other: Store) -> None:
        """Copy the shards of another folder of the same plan."""
        here = self.folder / "shards"
        for path in other._shards():
            names = [*_read_heads(path)[1].values(), path.name]  # the last one makes the runs count as done
            missing = [name for name in names if not (here / name).exists()]
            write_all((here / name, _verified(path.parent / name)) for name in missing)

    def add(self, records: Iterable[RunRecord]) -> list[Head]:
        """Write finished runs as one shard; they are done when this returns."""
        return write_shard(self.folder, list(records))

    def fail(self, failure: Failure) -> None:
        """Take down a run that failed."""
        with (self.folder / "failures.jsonl").open("a", encoding="utf-8") as file:
            file.write(canonical(dataclasses.asdict(failure)) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def finish(self, effects: pa.Table) -> None:
        """Write the tables of all runs, and the effects."""
        for name in (OUTCOMES, *self.plan.keep):
            write_table(self.folder / f"{name}.parquet", self._arms(name))
        write_table(self.folder / "effects.parquet", effects)
        write_csv(self.folder / "effects.csv", effects)

    def describe(self, manifest: dict[str, Any]) -> None:
        """Write how the study is run."""
        text = json.dumps({"plan": self.plan.sha} | manifest, indent=2, ensure_ascii=False, sort_keys=True)
        write(self.folder / "manifest.json", text.encode() + b"\n")


def write_shard(folder: pathlib.Path, records: list[RunRecord]) -> list[Head]:
    """Write finished runs as one shard of a results folder; they are done when this returns.

    Any process may: files are named by their content and nobody else's file is touched.
    """
    names = list(records[0].tables)
    heads = [
        Head(record.run, record.seed, record.digest, record.seconds,
             {name: record.tables[name].num_rows for name in names})
        for record in records
    ]  # fmt: skip
    files: dict[str, str] = {}

    def parts() -> Iterator[tuple[pathlib.Path, pa.Buffer]]:
        for name in names:
            if name != OUTCOMES:
                data = _part(name, records, {})
                files[name] = f"{name}-{_hash(data)}.parquet"
                yield folder / "shards" / files[name], data
        about = {_RUNS: canonical([vars(head) for head in heads]), _FILES: canonical(files)}
        data = _part(OUTCOMES, records, about)
        yield folder / "shards" / f"{OUTCOMES}-{_hash(data)}.parquet", data

    write_all(parts())  # the last one makes the runs count as done
    return heads


def _part(name: str, records: list[RunRecord], about: dict[bytes, str]) -> pa.Buffer:
    """Return one table of runs as a Parquet file."""
    tables = [record.tables[name] for record in records]
    if all(table.schema.equals(tables[0].schema) for table in tables):
        table = pa.concat_tables(tables)  # much faster than the other
    else:  # some have no rows
        table = pa.concat_tables([plain(table) for table in tables], promote_options="permissive")
    table = plain(table.unify_dictionaries())
    return packed(table.replace_schema_metadata(about))


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
        before, failed = None, frozenset[str]()
        if (folder / "plan.json").exists():
            before = read_plan(folder)
            failed = frozenset(failure.run for failure in Store(folder).failures())
            require_same(folder, before, plan)
        write(folder / "plan.json", plan.text.encode())
        (folder / "failures.jsonl").unlink(missing_ok=True)  # what failed is tried again
        for left_over in [*folder.glob(LEFT_OVER), *folder.glob(f"shards/{LEFT_OVER}")]:
            left_over.unlink()
        set_aside = _clear_shards(folder, notify)
        results = Writer(folder)
        results.before, results.failed_before, results.set_aside = before, failed, set_aside
        yield results


@contextlib.contextmanager
def _locked(folder: pathlib.Path) -> Iterator[None]:
    """Hold the folder's lock, which the system takes back when the process ends, however it ends."""
    import fcntl  # not on Windows

    with (folder / ".lock").open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            message = _("{path} is in use by process {holder}")
            holder = shown(_holder(file) or "?")
            raise LockedError(message.format(path=shown(folder), holder=holder)) from None
        file.truncate(0)
        file.write(f"{os.getpid()} on {socket.gethostname()}\n")
        file.flush()
        yield


def _holder(file: IO[str]) -> str:
    """Return who holds a lock, by its file; the holder may be about to write it."""
    for _attempt in range(50):
        file.seek(0)
        if holder := file.read().strip():
            return holder
        time.sleep(0.02)
    return ""


def _clear_shards(folder: pathlib.Path, notify: Callable[[str], None]) -> int:
    """Move what is not a whole shard out of the way, and drop what an interrupted write left.

    Returns how many files were moved.
    """
    used, moved = set(), 0
    for path in sorted((folder / "shards").iterdir()):
        if not path.name.startswith(f"{OUTCOMES}-"):
            continue
        try:
            _runs, files = _read_heads(path)
            for name in files.values():
                _verified(path.parent / name)
        except DamagedResultsError as error:
            _set_aside(path, notify, str(error))
            moved += 1
        else:
            used |= {path.name, *files.values()}
    for path in sorted((folder / "shards").iterdir()):
        if path.name in used or not _SHARD.fullmatch(path.name):
            continue
        try:
            _verified(path)
        except DamagedResultsError as error:
            _set_aside(path, notify, str(error))
            moved += 1
        else:
            path.unlink()
    return moved


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


def _read_heads(path: pathlib.Path) -> tuple[list[Head], dict[str, str]]:
    """Return the runs of a shard, in the order of its rows, and the files of its other tables."""
    metadata = pq.read_schema(pa.BufferReader(_verified(path))).metadata or {}
    if _RUNS not in metadata:
        raise DamagedResultsError(_("{path}: not a shard of sim").format(path=shown(path)))
    return [Head(**head) for head in json.loads(metadata[_RUNS])], json.loads(metadata[_FILES])


def _read_part(
    path: pathlib.Path, columns: Mapping[str, Sequence[str]]
) -> tuple[list[Head], dict[str, pa.Table]]:
    """Return the runs of a shard, and some columns of some of its tables, by their names."""
    runs, files = _read_heads(path)
    places = {name: path if name == OUTCOMES else path.parent / files[name] for name in columns}
    return runs, {name: _read_table(places[name], columns[name] or None) for name in columns}


def _read_table(path: pathlib.Path, columns: Sequence[str] | None = None) -> pa.Table:
    data = pa.BufferReader(
        _verified(path)
    )  # the hash is that of all bytes: checksums of pages would tell nothing more
    # pq.read_table would import pandas first, which takes longer than most reads
    return pq.ParquetFile(data).read(columns)


def _with_keys(table: pa.Table, arms: list[Arm], rows: np.ndarray) -> pa.Table:
    """Return the rows of arms, so many for each, with scenario, point and seed as their first columns."""
    names = list(dict.fromkeys(arm.scenario for arm in arms))
    position = {name: i for i, name in enumerate(names)}
    scenarios = np.repeat(np.array([position[arm.scenario] for arm in arms], np.int32), rows)
    keys = {
        "seed": pa.array(np.repeat(np.array([arm.seed for arm in arms], np.int64), rows)),
        "point": pa.array(np.repeat(np.array([arm.point for arm in arms], np.int32), rows)),
        "scenario": pa.DictionaryArray.from_arrays(pa.array(scenarios), pa.array(names)),
    }
    for name, values in keys.items():
        if name in table.column_names:
            table = table.drop_columns(name)
        table = table.add_column(0, _key_field(name, values.type), values)
    return table


def _key_field(name: str, kind: pa.DataType) -> pa.Field:
    """Return the field of a column that says which run a row is of."""
    return pa.field(name, kind, metadata={"unit": "-", "meaning": KEYS[name]})


def require_same(folder: pathlib.Path, before: Plan, plan: Plan) -> None:
    """Raise OtherPlanError if the plan that a folder holds is not `plan`, or the same with fewer seeds or scenarios."""
    differing = before.differences(plan)
    if differing:
        message = _("{path} holds results of another plan ({keys}): choose another folder")
        raise OtherPlanError(message.format(path=shown(folder), keys=shown(", ".join(differing))))


def write_run(folder: str | os.PathLike[str], tables: dict[str, pa.Table]) -> None:
    """Write the tables of one run, by name."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        write_table(folder / f"{name}.parquet", plain(table))


def _hash(data: bytes | pa.Buffer) -> str:
    return hashlib.sha256(data).hexdigest()[:16]
