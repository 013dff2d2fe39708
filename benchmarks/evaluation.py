"""What `sim evaluate` and `sim report` cost on a study of all shipped scenarios.

    python benchmarks/evaluation.py [--seeds 200] [--real 2] [--months 120] [--repeats 3] [--folder DIR]

All shipped scenarios are run for a few real seeds; their tables then stand for all others in turn, so that files have
the size and the content of real ones without thousands of runs; equal ones are stored once, but read for each run.
Printed are seconds of the clock and of the processor of each command, in a process of its own, beside those of reading
alone (the same columns of the same files, once, checked against their hashes), and the ratios. With ``--folder`` the
study stays, and is used again. Nothing here is asserted.
"""

import argparse
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

from sim.effects import compare
from sim.plan import Plan
from sim.scenario_files import shipped_ids
from sim.store import OUTCOMES, RunRecord, Store, writing

#: runs that one process finishes between two shards of a study of this world
AT_ONCE = 14
_READ = """
import sys
from sim.evaluation.reading import Reader
from sim.store import Store
store = Store(sys.argv[1])
print(sum(sum(table.nbytes for table in tables.values()) for _heads, tables in store.parts(Reader(store).columns)))
"""


def multiplied(real: Store, folder: pathlib.Path, seeds: int) -> None:
    """Write a study of so many seeds, whose runs are those of a small one in turn."""
    plan, names = real.plan, (OUTCOMES, *real.plan.keep)
    made = Plan(
        plan.baseline, plan.scenarios, tuple(range(1, seeds + 1)), plan.months, plan.model, keep=plan.keep
    )
    tables, heads = {name: real.tables(name) for name in names}, real.done()
    runs = {(arm.scenario, arm.seed): arm.run for arm in plan.arms()}
    with writing(folder, made) as results:
        arms = list(made.arms())
        for first in range(0, len(arms), AT_ONCE):
            records = []
            for arm in arms[first : first + AT_ONCE]:
                same = runs[arm.scenario, plan.seeds[(arm.seed - 1) % len(plan.seeds)]]
                mine = {name: tables[name][same] for name in names}
                records.append(RunRecord(arm.run, arm.seed, f"{heads[same].digest} {arm.seed}", 0.3, mine))
            results.add(records)


def timed(*arguments: str) -> tuple[float, float]:
    """Return the seconds of the clock and of the processor that a command takes."""
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(
        [sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    after, clock = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - begin
    return clock, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(folder: pathlib.Path, repeats: int) -> None:
    """Print what the commands cost, one after the other, so many times."""
    size = sum(path.stat().st_size for path in folder.glob("shards/*.parquet"))
    plan = Store(folder).plan
    print(f"{len(plan.scenarios)} scenarios, {plan.size:,} runs, {size / 1e9:.2f} GB")
    commands = {
        "reading alone": ("-c", _READ, str(folder)),
        "sim evaluate": ("-m", "sim", "evaluate", str(folder)),
        "sim report": ("-m", "sim", "report", str(folder)),
    }
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for _repeat in range(repeats):  # in turn, so that what else the machine does meets all alike
        for name, arguments in commands.items():
            spent[name].append(timed(*arguments))
    clock, processor = zip(*(map(min, zip(*spent[name], strict=True)) for name in commands), strict=True)
    for i, name in enumerate(commands):
        print(f"{name:<16}{clock[i]:8.1f} s clock {processor[i]:8.1f} s processor   "
              f"{clock[i] / clock[0]:6.2f} and {processor[i] / processor[0]:6.2f} of reading")  # fmt: skip
    page = folder / "report.html"
    print(f"{page.name} {page.stat().st_size / 1e6:.2f} MB")


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name, number in (("seeds", 200), ("real", 2), ("months", 120), ("repeats", 3)):
        parser.add_argument(f"--{name}", type=int, default=number)
    parser.add_argument("--folder", type=pathlib.Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="evaluation-") as place:
        folder = asked.folder or pathlib.Path(place) / "study"
        if not (folder / "plan.json").exists():
            names = [name for name in shipped_ids() if name != "baseline"]
            small = compare(names, seeds=asked.real, months=asked.months, out=pathlib.Path(place) / "real",
                            figures=False, controls=False)  # fmt: skip
            multiplied(Store(small.folder), folder, asked.seeds)
        measure(folder, asked.repeats)


if __name__ == "__main__":
    main()
