"""The engine beside its twin, one Python object a startup: the same months, the same rules, the same world, one core.

    python benchmarks/textbook.py [--startups 2000] [--months 5] [--seeds 2] [--batch-months 12]

Both take turns, month by month, so that a busy machine slows both; times are medians. The startups' part is the month
without what is done for cells alone: relief, fields, offices. Then mesa.batch_run over the twin stands beside this
package's comparison, and two of Mesa's own examples give the scale of a step. Nothing here is asserted.
"""

import argparse
import pathlib
import statistics
import sys
import tempfile
import time
from collections.abc import Callable

import mesa
from mesa.examples.basic.boltzmann_wealth_model.model import BoltzmannScenario, BoltzmannWealth
from mesa.examples.basic.schelling.model import Schelling, SchellingScenario
from month import scaled

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "tests"))

from textbook.model import TextbookModel
from textbook_bridge import start_of

from sim import ClusterModel, Scenario, compare
from sim.processes import (
    aid,
    births,
    compute,
    exits,
    finance,
    funds,
    labour,
    location,
    operations,
    production,
)

#: the lines of the schedule that are the startups' part
ENGINE_PART = [
    (compute, "clear_market"), (aid, "grant_aid"), (operations, "post_and_release"), (labour, "fill_posts"),
    (operations, "earn_and_spend"), (funds, "call_capital"), (finance, "close_rounds"), (exits, "end_startups"),
    (production, "produce"), (location, "weigh_region"), (births, "found_startups"), (location, "place_entrants"),
    (location, "move_tenants"), (exits, "keep_register"),
]  # fmt: skip
TWIN_PART = [(TextbookModel, name) for name in ("work", "ends", "beginnings_and_moves")]


class Watch:
    """The time that some functions take, added up."""

    def __init__(self, parts: list[tuple[object, str]]) -> None:
        self.seconds = 0.0
        for owner, name in parts:
            setattr(owner, name, self.watched(getattr(owner, name)))

    def watched(self, function: Callable) -> Callable:
        """Return `function`, which adds its time."""

        def run(*args: object) -> object:
            start = time.perf_counter()
            result = function(*args)
            self.seconds += time.perf_counter() - start
            return result

        return run


def timed(function: Callable[[], object]) -> float:
    """Return what a call takes [s]."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def line(what: str, engine: float, twin: float) -> None:
    """Print one line: medians and their ratio."""
    print(f"{what:<34}{1e3 * engine:>12.2f} ms{1e3 * twin:>14.1f} ms{twin / engine:>9.0f} x")


def months(startups: int, number: int) -> None:
    """Print what a month costs on either side."""
    setup = scaled(startups)
    model = ClusterModel.from_scenario(setup, seed=1)
    model.run(2)
    twin = TextbookModel(setup, start_of(model), seed=1)
    part, twin_part = Watch(ENGINE_PART), Watch(TWIN_PART)
    times: list[tuple[float, ...]] = []
    for _ in range(number):
        part.seconds = twin_part.seconds = 0.0
        times.append((timed(model.step), timed(twin.step), part.seconds, twin_part.seconds))
    engine, own, engine_part, own_part = (statistics.median(column) for column in zip(*times, strict=True))
    print(
        f"\n{len(twin.active()):,} startups, medians of {number} months{'engine':>13}{'twin':>17}{'ratio':>11}"
    )
    line("whole month", engine, own)
    line("the startups' part", engine_part, own_part)
    same = len(model.startups) == len(twin.active())
    print(f"the two have {'the same' if same else 'NOT the same'} number of startups at the end")


class Run(TextbookModel):
    """The twin as mesa.batch_run wants it: a model that builds itself from a scenario's id and a seed."""

    starts: dict[tuple[str, int], dict] = {}  # noqa: RUF012

    def __init__(self, scenario: str = "baseline", rng: int = 1) -> None:
        super().__init__(Scenario.load(scenario), self.starts[scenario, rng], rng)
        self.datacollector = mesa.DataCollector(
            model_reporters={"startups": lambda model: len(model.active())}
        )

    def step(self) -> None:
        """Advance one month and collect."""
        super().step()
        self.datacollector.collect(self)


def ours(seeds: int, number: int) -> None:
    """Compare the rent cut with the baseline, the way of this package."""
    with tempfile.TemporaryDirectory() as folder:
        compare(
            ["rent-cut"], seeds=seeds, months=number, workers=1, out=folder, figures=False, controls=False
        )


def theirs(seeds: int, number: int) -> None:
    """Run the same scenarios and seeds over the twin, the way of Mesa."""
    mesa.batch_run(
        Run,
        {"scenario": ["baseline", "rent-cut"]},
        rng=list(range(1, seeds + 1)),
        max_steps=number,
        number_processes=1,
        display_progress=False,
    )


def batches(seeds: int, number: int, repeats: int = 3) -> None:
    """Print what a small comparison costs: ours with the history before the first month, Mesa's from given starts."""
    for scenario in ("baseline", "rent-cut"):
        for seed in range(1, seeds + 1):
            Run.starts[scenario, seed] = start_of(ClusterModel.from_scenario(scenario, seed=seed))
    ours(seeds, number)
    times = [
        (timed(lambda: ours(seeds, number)), timed(lambda: theirs(seeds, number))) for _ in range(repeats)
    ]
    engine, twin = (statistics.median(column) for column in zip(*times, strict=True))
    print(f"\nbaseline and rent cut, {seeds} seeds, {number} months, one process, medians of {repeats}")
    line("compare beside mesa.batch_run", engine, twin)


def examples() -> None:
    """Print what a step of two of Mesa's examples costs."""
    print(f"\n{'Mesa example':<34}{'agents':>8}{'ms a step':>12}{'us an agent':>13}")
    for name, model in (
        ("Boltzmann wealth", BoltzmannWealth(BoltzmannScenario(n=2000, width=50, height=50, rng=1))),
        ("Schelling", Schelling(SchellingScenario(width=50, height=50, rng=1))),
    ):
        model.step()
        seconds = statistics.median(timed(model.step) for _ in range(7))
        agents = len(model.agents)
        print(f"{name:<34}{agents:>8}{1e3 * seconds:>12.2f}{1e6 * seconds / agents:>13.1f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--startups", type=int, nargs="*", default=[2000])
    parser.add_argument("--months", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--batch-months", type=int, default=12)
    arguments = parser.parse_args()
    for count in arguments.startups:
        months(count, arguments.months)
    batches(arguments.seeds, arguments.batch_months)
    examples()
