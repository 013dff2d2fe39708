"""What a month costs, line by line and by number of startups, on one core, beside what the machine could do.

    python benchmarks/month.py [--startups 1000 10000 100000 1000000] [--months 12]

The world is scaled, not the startups: founding and funds grow with their number, floor space per head and the
scale of spillovers shrink with it, so that each startup does what it does in the shipped world. Times are
medians over months of the processor time of one thread, so that other work on the machine counts little.

Each line stands beside its roof: the longer of the time in which the cache lines that its passes over all rows
read and write could be copied, and of the time in which its arithmetic could be done, both at rates measured in
the same run. Rows that are reached one by one are not counted, so a line far from its roof waits for them, for
decisions that are hard to foresee, or for Python. Nothing here is asserted.
"""

import argparse
import ast
import inspect
import statistics
import textwrap
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import sim.model
from sim.compiled import kernel
from sim.ledger import FIRMS
from sim.model import ClusterModel
from sim.scenario import Scenario
from sim.world import World

#: cache lines a row that the passes of a line over all rows move: a line that is written moves twice
LINES = {
    "begin_month": 1,
    "refresh_fields": 4,
    "post_and_release": 4,
    "earn_and_spend": 3,
    "close_rounds": 1,
    "end_startups": 1,
    "produce": 1,
    "found_startups": 1,
    "place_entrants": 1,
    "move_tenants": 1,
}
#: arithmetic a row of those passes, roughly: 25 for an exponential, 30 for a logarithm, 10 for a draw
WORK = {
    "refresh_fields": 85,
    "post_and_release": 90,
    "earn_and_spend": 30,
    "close_rounds": 15,
    "end_startups": 35,
    "found_startups": 15,
    "move_tenants": 5,
}
#: how often a line of the month goes over the matrix of weights between all cells, and its arithmetic on each in all
MATRIX = {"refresh_fields": (4, 8), "clear_offices": (1, 2)}
ORDINARY = 1300
STEPS = 16  #: multiplications and additions on a number before it goes back to its cache


def scaled(startups: int) -> Scenario:
    """Return the baseline with `startups` in the first month and a world to match."""
    base = Scenario.load("baseline")
    factor = startups / ORDINARY
    return base.with_values(
        {
            "initial.startups": startups,
            "births.founding_scale": base.births.founding_scale * factor,
            "finance.capital_bn_rmb": base.finance.capital_bn_rmb * factor,
            "location.area_m2_per_head": base.location.area_m2_per_head / factor,
            "operations.densest_m2_per_head": base.operations.densest_m2_per_head / factor,
            "access.spillover_scale_heads": base.access.spillover_scale_heads * factor,
        }
    )


def timed(store: list[float], function: Callable) -> Callable:
    """Return `function`, which adds its time to the last entry of `store`."""

    def run(*args: object) -> object:
        start = time.thread_time()
        result = function(*args)
        store[-1] += time.thread_time() - start
        return result

    return run


@kernel
def copy_into(source, out):
    """Copy an array."""
    for i in range(source.size):
        out[i] = source[i]


@kernel
def multiply_add(values, times):
    """Multiply and add over and over, many numbers at a time."""
    for _ in range(times):
        for i in range(values.size):
            x = values[i]
            for _step in range(STEPS):
                x = x * 0.999 + 0.5
            values[i] = x


def best_of(function: Callable[[], object], repeats: int = 7) -> float:
    """Return the shortest time of some calls [s]."""
    function()
    times = []
    for _ in range(repeats):
        start = time.thread_time()
        function()
        times.append(time.thread_time() - start)
    return min(times)


def bandwidth(size: float) -> float:
    """Return the bytes a second that a copy moves, read and written, between two tables of `size` bytes."""
    source, out = np.ones(max(int(size / 8), 512)), np.ones(max(int(size / 8), 512))
    times = max(1, 1_000_000 // source.size)
    seconds = best_of(lambda: [copy_into(source, out) for _ in range(times)])
    return 2 * source.nbytes * times / seconds


def arithmetic() -> float:
    """Return the additions and multiplications a second on numbers in the nearest cache."""
    values, times = np.ones(512), 2_000
    return 2 * STEPS * values.size * times / best_of(lambda: multiply_add(values, times))


def lines_of_step() -> list[tuple[Any, str]]:
    """Return module and name of the functions that a month calls on the world, in the order of its lines.

    They are read from the source of the step, so that what is measured is the month as it stands.
    """
    body = ast.parse(textwrap.dedent(inspect.getsource(ClusterModel.step)))
    called: dict[tuple[Any, str], None] = {}
    for call in ast.walk(body):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
            owner, name = call.func.value, call.func.attr
            if name == "begin_month":
                called[World, name] = None
            elif isinstance(owner, ast.Name) and hasattr(sim.model, owner.id):
                called[getattr(sim.model, owner.id), name] = None
    return list(called)


def measure(startups: int, months: int) -> None:
    """Print one table."""
    model = ClusterModel.from_scenario(scaled(startups), seed=1)
    model.run(2)
    lines = lines_of_step()
    times: dict[str, list[float]] = {name: [] for _, name in lines}
    originals = [(owner, name, getattr(owner, name)) for owner, name in lines]
    for owner, name, function in originals:
        setattr(owner, name, timed(times[name], function))
    whole, rows, alive = [], [], []
    for _ in range(months):
        for store in times.values():
            store.append(0.0)
        start = time.thread_time()
        model.step()
        whole.append(time.thread_time() - start)
        rows.append(model.world.startups.n)
        alive.append(int(model.employing.sum()))
    for owner, function, original in originals:
        setattr(owner, function, original)
    firms, table = statistics.median(alive), statistics.median(rows) * FIRMS.itemsize
    report(firms, table, 8 * model.world.grid.n_cells**2, times, statistics.median(whole))


def report(firms: float, table: float, matrix: int, times: dict[str, list[float]], month: float) -> None:
    """Print times, what they move, and the roof; `table` and `matrix` are the bytes of one part of the ledger
    and of the weights between all cells."""
    copied, computed = bandwidth(table), arithmetic()
    print(
        f"\n{int(firms):,} startups and listed firms, a table of {table / 1e6:.1f} MB for each part of a row; "
        f"measured: copies {copied / 1e9:.1f} GB/s, arithmetic {computed / 1e9:.1f} G/s"
    )
    print(
        f"{'line of the month':<18}{'ms a month':>12}{'ns a startup':>14}{'MB moved':>10}{'ns roof':>10}{'of roof':>9}"
    )
    roofs = 0.0
    for name, values in times.items():
        seconds = statistics.median(values)
        numbers, each = MATRIX.get(name, (0, 0))
        moved = LINES.get(name, 0) * table + numbers * matrix
        work = WORK.get(name, 0) * firms + each * matrix / 8
        roof = max(moved / copied, work / computed)
        roofs += roof
        print(f"{name:<18}{1e3 * seconds:>12.3f}{1e9 * seconds / firms:>14.1f}{moved / 1e6:>10.1f}"
              f"{1e9 * roof / firms:>10.1f}{roof / seconds:>9.0%}")  # fmt: skip
    print(f"{'whole month':<18}{1e3 * month:>12.3f}{1e9 * month / firms:>14.1f}{'':>10}{1e9 * roofs / firms:>10.1f}"
          f"{roofs / month:>9.0%}   {firms / month / 1e6:.2f} M startup-months/s")  # fmt: skip


def measure_run(repeats: int) -> None:
    """Print what building and running the shipped baseline costs."""
    ClusterModel.from_scenario("baseline", seed=0).run(2)
    builds, copies, runs = [], [], []
    for seed in range(1, repeats + 1):
        start = time.thread_time()
        ClusterModel.from_scenario("baseline", seed=seed)
        builds.append(time.thread_time() - start)
        start = time.thread_time()
        model = ClusterModel.from_scenario("baseline", seed=seed)
        copies.append(time.thread_time() - start)
        start = time.thread_time()
        model.run()
        runs.append(time.thread_time() - start)
    for name, values in (
        ("build, new seed", builds),
        ("build, kept state", copies),
        ("run of 120 months", runs),
    ):
        low, middle = np.min(values), np.median(values)
        print(f"{name:<20}{1e3 * low:>9.1f} ms at best{1e3 * middle:>9.1f} ms median of {repeats}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--startups", type=int, nargs="*", default=[1_000, 10_000, 100_000])
    parser.add_argument("--months", type=int, default=12)
    parser.add_argument("--repeats", type=int, default=7)
    arguments = parser.parse_args()
    measure_run(arguments.repeats)
    for number in arguments.startups:
        measure(number, arguments.months)
