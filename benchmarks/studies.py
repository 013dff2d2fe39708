"""What studies cost beside their runs, and how they grow: store, processes, Dask, arrays of jobs, memory.

    python benchmarks/studies.py overhead [--runs 20] [--months 120]
    python benchmarks/studies.py haidian [--scenarios 10] [--seeds 10] [--months 120] [--workers 1 2] [--dask]
    python benchmarks/studies.py tiny [--runs 10000] [--by process pool dask shards] [--workers 2]
    python benchmarks/studies.py memory [--runs 50000]

``overhead`` takes one run apart: model, digest, tables, and what the store adds, in processor time of this process; then
it does a study of four scenarios in this process and says what part of its time the store took.
``haidian`` does scenarios x seeds of the shipped world with each number of workers, nothing shared but the history
before the first month. ``tiny`` does runs that take no time (those of tests/toy_runs.py), so that what is left is the
machinery: in this process, in processes, on a Dask cluster of this machine, in three parts that are merged. ``memory``
does tiny runs in this process and prints its peak as they go. Rates count from the first durable run to the last, so
that starting processes and compiling are left out; both are printed. Nothing here is asserted.
"""

import argparse
import contextlib
import os
import pathlib
import pickle
import platform
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "tests"))

import toy_runs

import sim.batch
import sim.pool
import sim.work
from sim.batch import tasks_of
from sim.compiled import source_hash
from sim.plan import Plan
from sim.pool import Pool
from sim.provenance import provenance
from sim.scenario import Scenario
from sim.store import OUTCOMES, Failure, RunRecord, Store, write_shard
from sim.studies import content_of, execute, merge, part_of
from sim.work import Executor, Work, in_this_process

Answers = list[tuple[float, int]]


def machine() -> str:
    """Return on what this runs, and which commit."""
    checkout = provenance()["checkout"] or {}
    commit = checkout.get("commit", "?")[:8] + (" with changes" if checkout.get("dirty") else "")
    return f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}, commit {commit}"


@contextlib.contextmanager
def folder() -> Iterator[pathlib.Path]:
    """Make a results folder for the length of a block."""
    with tempfile.TemporaryDirectory(prefix="studies-") as place:
        yield pathlib.Path(place) / "results"


def watched(executor: Executor, seen: Answers) -> Executor:
    """Return an executor that notes when how many runs became durable."""

    def run(work: Work, tasks: Any) -> Iterator[Any]:
        for answer in executor(work, tasks):
            seen.append((time.perf_counter(), 1 if isinstance(answer, Failure) else len(answer)))
            yield answer

    return run


def told(name: str, begin: float, seen: Answers, place: pathlib.Path) -> float:
    """Print how fast runs became durable; return how many a second."""
    runs = sum(number for _when, number in seen)
    files = sum(1 for path in place.rglob("*.parquet"))
    size = sum(path.stat().st_size for path in place.rglob("*.parquet"))
    span, rest = seen[-1][0] - seen[0][0], runs - seen[0][1]
    rate = rest / span if rest and span else runs / (seen[-1][0] - begin)
    print(
        f"{name:<24} {runs:>8,} runs  {time.perf_counter() - begin:8.1f} s in all, first durable after "
        f"{seen[0][0] - begin:5.1f} s, then {rate:9.2f} runs/s  {files:>6,} files  {size / runs / 1e3:7.1f} kB a run",
        flush=True,
    )
    return rate


def overhead(runs: int, months: int) -> None:
    """Take runs apart, in processor time."""
    from sim.model import ClusterModel

    scenario, spent, records = Scenario.load("rent-cut"), dict[str, list[float]](), []

    def timed(what: str, do: Callable[[], Any]) -> Any:
        begin = time.process_time()
        value = do()
        spent.setdefault(what, []).append(time.process_time() - begin)
        return value

    ClusterModel.from_scenario(scenario, seed=1).run(months)  # compiled, loaded
    plan = Plan("rent-cut", {"rent-cut": content_of(scenario)}, tuple(range(1, runs + 1)), months, "model")
    for arm in plan.arms():
        timed(
            "history", lambda seed=arm.seed: ClusterModel.from_scenario(scenario, seed=seed)
        )  # then it is kept
        model = timed("start", lambda seed=arm.seed: ClusterModel.from_scenario(scenario, seed=seed))
        run = timed("model", lambda model=model: model.run(months))
        digest = timed("digest", lambda run=run: run.digest)
        tables = {}
        for name in (OUTCOMES, *plan.keep):
            tables[name] = timed(f"table {name}", lambda run=run, name=name: getattr(run, name))
        records.append(RunRecord(arm.run, arm.seed, digest, 0.1, tables))
    with folder() as place:
        (place / "shards").mkdir(parents=True)
        write_shard(place, records[:1])  # loaded, as before the second shard of a worker
        for path in (place / "shards").iterdir():
            path.unlink()
        begin, wall = time.process_time(), time.perf_counter()
        heads = write_shard(place, records)
        store, wall = (time.process_time() - begin) / runs, (time.perf_counter() - wall) / runs
        size = sum(path.stat().st_size for path in place.rglob("*.parquet")) / runs
    work = Work(pathlib.Path(), plan, {"rent-cut": scenario})
    each = {what: statistics.median(times) for what, times in spent.items()}
    rest = sum(each.values()) - each["history"]
    for what, second in each.items():
        print(f"{what:<24} {1e3 * second:8.2f} ms")
    print(f"{'store':<24} {1e3 * store:8.2f} ms, {100 * store / each['model']:.1f} % of the model, "
          f"{100 * store / rest:.1f} % of a run whose history is kept ({1e3 * wall:.2f} ms on the clock, with syncs), {size / 1e3:.0f} kB a run")  # fmt: skip
    print(f"{'to a worker and back':<24} {len(pickle.dumps(work)) / 1e3:8.1f} kB once, "
          f"{len(pickle.dumps(arm)) + len(pickle.dumps(heads)) / runs:.0f} bytes a run")  # fmt: skip
    _share_of_store(runs, months)


def _share_of_store(seeds: int, months: int) -> None:
    """Do a study in this process; print which part of it was writing."""
    writes: list[float] = []

    def write_and_tell(*arguments: Any) -> Any:
        begin = time.perf_counter()
        heads = write_shard(*arguments)
        writes.append(time.perf_counter() - begin)
        return heads

    chosen = {name: Scenario.load(name) for name in ("baseline", "rent-cut", "north-space", "vc-hub")}
    contents = {name: content_of(scenario) for name, scenario in chosen.items()}
    plan = Plan("baseline", contents, tuple(range(1, seeds + 1)), months, source_hash())
    usual, sim.work.write_shard = sim.work.write_shard, write_and_tell
    try:
        with folder() as place:
            begin = time.perf_counter()
            execute(plan, chosen, {}, place, executor=in_this_process)
            whole = time.perf_counter() - begin
    finally:
        sim.work.write_shard = usual
    print(
        f"a study of {4 * seeds} runs  {1e3 * whole / 4 / seeds:8.2f} ms a run on the clock, {len(writes)} shards, "
        f"{100 * sum(writes) / (whole - sum(writes)):.1f} % on top for writing them"
    )


def haidian(scenarios: int, seeds: int, months: int, workers: list[int], dask: bool) -> None:
    """Do scenarios x seeds of the shipped world with each number of workers, and on Dask."""
    chosen = {name: Scenario.load(name) for name in ["baseline", *Scenario.shipped()]}
    chosen = dict(list(chosen.items())[:scenarios])
    contents = {name: content_of(scenario) for name, scenario in chosen.items()}
    plan = Plan("baseline", contents, tuple(range(1, seeds + 1)), months, source_hash())
    rates = {}
    for number in workers:
        pool = Pool(number, 600.0) if number else in_this_process
        rates[number] = _haidian(f"{number} workers", plan, chosen, pool)
    if dask:
        from sim.dask_executor import DaskExecutor

        rate = _haidian("dask", plan, chosen, DaskExecutor(workers=max(workers)))
        print(f"Dask at {rate / rates[max(workers)]:.2f} of {max(workers)} processes")
    if 1 in rates:
        for number in sorted(set(workers) - {0, 1}):
            print(f"efficiency of {number} workers against one: {rates[number] / rates[1] / number:.3f}")


def _haidian(name: str, plan: Plan, scenarios: dict[str, Scenario], executor: Executor) -> float:
    with folder() as place:
        begin, seen = time.perf_counter(), Answers()
        failed = execute(plan, scenarios, {}, place, executor=watched(executor, seen))
        rate = told(name, begin, seen, place)
        print(f"{'':<24} digest {Store(place).digest()[:16]}, {len(failed)} failed")
        for failure in failed[:3]:
            print(f"{'':<24} {failure.scenario}, seed {failure.seed}: {failure.message}\n{failure.traceback}")
        return rate


def without_model() -> None:
    """Spare the machinery the model, which tiny runs do not have."""
    sim.batch.compile_kernels = lambda *_more: None  # type: ignore[assignment]
    sim.pool.PRELOAD = ["toy_runs"]


def tiny(runs: int, by: list[str], workers: int) -> None:
    """Do runs that take no time, by each way of doing runs."""
    without_model()
    for name in by:
        with folder() as place:
            begin, seen = time.perf_counter(), Answers()
            if name == "shards":
                _in_parts(runs, place, seen)
            else:
                executor = toy_runs.toy_executor(
                    None, workers * (name != "process"), name == "dask", flush=5.0
                )
                execute(toy_runs.plan_of(runs), {}, {}, place, executor=watched(executor, seen))
            told(name, begin, seen, place)
            begin = time.perf_counter()
            digest = Store(place).digest()
            rows = Store(place).outcomes().num_rows
            print(f"{'':<24} digest {digest[:16]}, {rows:,} rows read in {time.perf_counter() - begin:.1f} s")


def _in_parts(runs: int, place: pathlib.Path, seen: Answers) -> None:
    plan = toy_runs.plan_of(runs)
    for i in (3, 1, 2):
        executor = toy_runs.toy_executor(None, 0, flush=5.0)
        execute(
            plan,
            {},
            {},
            place / "parts" / f"{i}-of-3",
            executor=watched(executor, seen),
            arms=part_of(plan, i, 3),
        )
    begin = time.perf_counter()
    merge(place)
    print(f"{'merge':<24} {time.perf_counter() - begin:.1f} s")


def memory(runs: int) -> None:
    """Do tiny runs in this process, and print the peak of its memory."""
    without_model()
    peaks: list[tuple[int, int]] = []

    def run(work: Work, tasks: Any) -> Iterator[Any]:
        done = 0
        for answer in toy_runs.toy_executor(None, 0, flush=5.0)(work, tasks):
            done += len(answer)
            peaks.append((done, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))
            yield answer

    before, begin = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    plan = toy_runs.plan_of(runs)
    tasks = tasks_of(plan, list({arm.run: arm for arm in plan.arms()}.values()))
    spent, after = time.process_time() - begin, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"planning: {1e6 * spent / runs:.1f} us and {1024 * (after - before) / runs:.0f} bytes a run, "
          f"{len(tasks):,} tasks")  # fmt: skip
    del tasks
    with folder() as place:
        begin, clock = time.process_time(), time.perf_counter()
        execute(plan, {}, {}, place, executor=run)
        spent, clock = time.process_time() - begin, time.perf_counter() - clock
        print(f"doing: {1e6 * spent / runs:.0f} us of processor and {1e6 * clock / runs:.0f} us a run")
        begin = time.process_time()
        Store(place).digest()
        print(f"digest: {1e6 * (time.process_time() - begin) / runs:.1f} us a run")
        begin = time.process_time()
        Store(place).outcomes()
        print(f"outcomes as one table: {1e6 * (time.process_time() - begin) / runs:.1f} us a run")
    for done, kib in peaks[:: max(len(peaks) // 10, 1)]:
        print(f"after {done:>9,} runs  {kib / 1024:8.1f} MiB at most")
    print(f"from a fifth of the runs to the last: {peaks[-1][1] / peaks[len(peaks) // 5][1] - 1:+.1%}")


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    add = commands.add_parser("overhead")
    add.add_argument("--runs", type=int, default=20)
    add.add_argument("--months", type=int, default=120)
    add = commands.add_parser("haidian")
    add.add_argument("--scenarios", type=int, default=10)
    add.add_argument("--seeds", type=int, default=10)
    add.add_argument("--months", type=int, default=120)
    add.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    add.add_argument("--dask", action="store_true")
    add = commands.add_parser("tiny")
    add.add_argument("--runs", type=int, default=10_000)
    add.add_argument("--by", nargs="+", default=["process", "pool", "dask", "shards"],
                     choices=["process", "pool", "dask", "shards"])  # fmt: skip
    add.add_argument("--workers", type=int, default=2)
    add = commands.add_parser("memory")
    add.add_argument("--runs", type=int, default=50_000)
    asked = vars(parser.parse_args())
    print(machine())
    {"overhead": overhead, "haidian": haidian, "tiny": tiny, "memory": memory}[asked.pop("command")](**asked)


if __name__ == "__main__":
    main()
