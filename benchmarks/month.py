"""What a month costs, by process and by number of startups, on one core.

    python benchmarks/month.py [--startups 2000 20000 200000] [--months 12]

The world is scaled, not the startups: founding and funds grow with their number, floor space per head and the
scale of spillovers shrink with it, so that each startup does what it does in the shipped world. Times are
medians over months; bytes are the cache lines that the passes of a process must read. Nothing here is asserted.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np

from sim.ledger import FIRMS
from sim.model import ClusterModel
from sim.processes import access, births, exits, finance, labour, land, location, operations
from sim.scenario import Scenario
from sim.world import World

PROCESSES: dict[str, tuple[object, tuple[str, ...]]] = {
    "begin of month": (World, ("begin_month",)),
    "places": (land, ("open_space", "clear_offices", "count_vacancy")),
    "access": (access, ("refresh_fields",)),
    "relief": (location, ("mark_eligible",)),
    "operations": (operations, ("post_and_release", "earn_and_spend")),
    "labour": (labour, ("fill_posts",)),
    "finance": (finance, ("close_rounds",)),
    "ends": (exits, ("end_startups", "keep_register")),
    "births": (births, ("found_startups",)),
    "entrants' rooms": (location, ("weigh_region", "place_entrants")),
    "moves": (location, ("move_tenants",)),
}
#: cache lines a row that the passes of a process read: one for each part of the ledger that a pass needs
LINES = {"begin of month": 1, "access": 3, "operations": 4, "finance": 1, "ends": 1, "births": 1,
         "entrants' rooms": 1, "moves": 1}  # fmt: skip
ORDINARY = 1300


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
        start = time.perf_counter()
        result = function(*args)
        store[-1] += time.perf_counter() - start
        return result

    return run


def measure(startups: int, months: int) -> None:
    """Print one table."""
    model = ClusterModel.from_scenario(scaled(startups), seed=1)
    model.run(2)
    times: dict[str, list[float]] = {}
    originals = []
    for name, (module, functions) in PROCESSES.items():
        times[name] = []
        for function in functions:
            originals.append((module, function, getattr(module, function)))
            setattr(module, function, timed(times[name], getattr(module, function)))
    whole, rows, alive = [], [], []
    for _ in range(months):
        for store in times.values():
            store.append(0.0)
        start = time.perf_counter()
        model.step()
        whole.append(time.perf_counter() - start)
        rows.append(model.world.startups.n)
        alive.append(int(model.employing.sum()))
    for module, function, original in originals:
        setattr(module, function, original)
    firms, line = statistics.median(alive), statistics.median(rows) * FIRMS.itemsize
    matrix = 8 * model.world.grid.n_cells**2
    print(
        f"\n{int(firms):,} startups and listed firms, {int(statistics.median(rows)):,} rows of three times {FIRMS.itemsize} bytes"
    )
    print(f"{'process':<18}{'ms a month':>12}{'ns a startup':>14}{'MB moved':>10}{'GB/s':>8}")
    for name, values in times.items():
        seconds = statistics.median(values)
        moved = LINES.get(name, 0) * line + (matrix if name in ("access", "places") else 0)
        print(
            f"{name:<18}{1e3 * seconds:>12.3f}{1e9 * seconds / firms:>14.1f}{moved / 1e6:>10.1f}{moved / seconds / 1e9:>8.1f}"
        )
    month = statistics.median(whole)
    print(
        f"{'whole month':<18}{1e3 * month:>12.3f}{1e9 * month / firms:>14.1f}{'':>18}   {firms / month / 1e6:.2f} M startup-months/s"
    )


def measure_run(repeats: int) -> None:
    """Print what building and running the shipped baseline costs."""
    ClusterModel.from_scenario("baseline", seed=0).run(2)
    builds, copies, runs = [], [], []
    for seed in range(1, repeats + 1):
        start = time.perf_counter()
        ClusterModel.from_scenario("baseline", seed=seed)
        builds.append(time.perf_counter() - start)
        start = time.perf_counter()
        model = ClusterModel.from_scenario("baseline", seed=seed)
        copies.append(time.perf_counter() - start)
        start = time.perf_counter()
        model.run()
        runs.append(time.perf_counter() - start)
    for name, values in (
        ("build, new seed", builds),
        ("build, kept state", copies),
        ("run of 120 months", runs),
    ):
        low, middle = np.min(values), np.median(values)
        print(f"{name:<20}{1e3 * low:>9.1f} ms at best{1e3 * middle:>9.1f} ms median of {repeats}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--startups", type=int, nargs="*", default=[2_000, 20_000, 200_000])
    parser.add_argument("--months", type=int, default=12)
    parser.add_argument("--repeats", type=int, default=7)
    arguments = parser.parse_args()
    measure_run(arguments.repeats)
    for number in arguments.startups:
        measure(number, arguments.months)
