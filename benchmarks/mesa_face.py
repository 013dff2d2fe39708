"""What Mesa's tools cost on the model, startup by startup and by columns, side by side, on one core.

    python benchmarks/mesa_face.py [--startups 2000 20000] [--repeats 7]    (drawing needs the extra viz)

Both ways take turns, so that a busy machine slows both; times are medians. Nothing here is asserted.
(The file is not called mesa.py, which would hide the library from every script beside it.)
"""

import argparse
import copy
import pathlib
import statistics
import tempfile
import time
from collections.abc import Callable

import mesa
from mesa.visualization import SpaceRenderer
from month import scaled

from sim.agents import Startup
from sim.collector import ColumnCollector
from sim.district import build_grid
from sim.drawing import ClusterRenderer, portray
from sim.model import ClusterModel

REPORTERS = {name: name for name in ("segment", "stage", "heads", "cash", "zone")}


def turns(repeats: int, *ways: Callable[[], object]) -> list[float]:
    """Return the median time of each way [ms]; they take turns."""
    times: list[list[float]] = [[] for _ in ways]
    for way in ways:
        way()
    for _ in range(repeats):
        for way, store in zip(ways, times, strict=True):
            start = time.perf_counter()
            way()
            store.append(1e3 * (time.perf_counter() - start))
    return [statistics.median(store) for store in times]


def compare(what: str, one_by_one: float, by_columns: float) -> None:
    """Print one line."""
    print(f"{what:<34}{one_by_one:>12.2f} ms{by_columns:>12.2f} ms{one_by_one / by_columns:>9.1f} x")


def collection(kind: type[mesa.DataCollector], model: ClusterModel) -> Callable[[], object]:
    """Return one month of data collection, into a collector of its own."""

    def collect() -> object:
        collector = kind(agenttype_reporters={Startup: REPORTERS})
        collector.collect(model)
        return collector

    return collect


def points(kind: type[SpaceRenderer], model: ClusterModel) -> Callable[[], object]:
    """Return the collection of what is drawn."""
    renderer = kind(model)
    return lambda: renderer.backend_renderer.collect_agent_data(model.grid, portray)


def picture(kind: type[SpaceRenderer], model: ClusterModel, path: pathlib.Path) -> Callable[[], object]:
    """Return the drawing of one PNG."""
    return lambda: kind(model).setup_agents(portray).render().canvas.get_figure().savefig(path)


def measure(startups: int, repeats: int) -> None:
    """Print one table."""
    model = ClusterModel.from_scenario(scaled(startups), seed=1)
    model.run(2)
    print(f"\n{len(model.startups):,} startups")
    print(f"{'':<34}{'one by one':>15}{'by columns':>15}")
    compare(
        "collect 5 attributes",
        *turns(repeats, *(collection(k, model) for k in (mesa.DataCollector, ColumnCollector))),
    )
    compare(
        "points of a picture", *turns(repeats, *(points(k, model) for k in (SpaceRenderer, ClusterRenderer)))
    )
    sums = turns(
        repeats,
        lambda: sum(s.heads for s in model.startups),
        lambda: float(model.startups.columns.heads.sum()),
    )
    compare("sum of heads", *sums)
    with tempfile.TemporaryDirectory() as folder:
        png, saved = pathlib.Path(folder) / "region.png", pathlib.Path(folder) / "model.npz"
        compare("whole PNG", *turns(3, *(picture(k, model, png) for k in (SpaceRenderer, ClusterRenderer))))
        written, read = turns(repeats, lambda: model.save(saved), lambda: ClusterModel.load(saved))
        print(
            f"checkpoint: written in {written:.1f} ms, read in {read:.1f} ms, {saved.stat().st_size / 1e6:.2f} MB"
        )


def measure_unused(months: int) -> None:
    """Print what the Mesa face costs a month that does not use it."""
    model = ClusterModel.from_scenario("baseline", seed=1)
    idle = copy.deepcopy(model)
    idle._user_step = lambda: None
    month, wrapping = turns(months, model.step, idle.step)
    print(f"a month takes {month:.3f} ms, of which Mesa's clock {1e3 * wrapping:.0f} us")
    print(f"the grid, built on first use only: {turns(5, lambda: build_grid(model))[0]:.1f} ms")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--startups", type=int, nargs="*", default=[2_000, 20_000])
    parser.add_argument("--repeats", type=int, default=7)
    arguments = parser.parse_args()
    measure_unused(100)
    for number in arguments.startups:
        measure(number, arguments.repeats)
