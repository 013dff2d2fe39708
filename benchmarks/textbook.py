"""The engine beside its twin, one Python object a startup: the same months, the same rules, the same world, one core.

    python benchmarks/textbook.py [--startups 2000] [--months 24] [--turn 12] [--seeds 2] [--batch-months 12]
                                  [--growth 1000 10000 100000 1000000] [--twin-most 10000]

All sides take turns, a year at a time, so that a busy machine slows all of them and each runs as a user would run it
(with `--turn 1` each month begins with caches that another side has filled). Times are medians over months, of the
processor time of one thread where nothing else runs than one. The startups' part is the month without what is done for cells alone: relief,
fields, offices. Then mesa.batch_run over the twin stands beside this package's comparison; a step of two of Mesa's own
examples beside a month of the engine gives the scale; and the last table shows how a month grows with the number of
startups, all sizes in turn. Nothing here is asserted.
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
        self.before = [(owner, name, getattr(owner, name)) for owner, name in parts]
        for owner, name, function in self.before:
            setattr(owner, name, self.watched(function))

    def stop(self) -> None:
        """Leave the functions as they were."""
        for owner, name, function in self.before:
            setattr(owner, name, function)

    def watched(self, function: Callable) -> Callable:
        """Return `function`, which adds its time."""

        def run(*args: object) -> object:
            start = time.thread_time()
            result = function(*args)
            self.seconds += time.thread_time() - start
            return result

        return run


def timed(function: Callable[[], object], clock: Callable[[], float] = time.thread_time) -> float:
    """Return what a call takes [s]."""
    start = clock()
    function()
    return clock() - start


def line(what: str, engine: float, twin: float) -> None:
    """Print one line: medians and their ratio."""
    print(f"{what:<34}{1e3 * engine:>12.2f} ms{1e3 * twin:>14.1f} ms{twin / engine:>9.0f} x")


def in_turns[Key, Value](
    sides: dict[Key, Callable[[], Value]], number: int, turn: int
) -> dict[Key, list[Value]]:
    """Return what `number` calls of each side gave; the sides take turns, `turn` calls at a time."""
    given: dict[Key, list[Value]] = {name: [] for name in sides}
    for first in range(0, number, turn):
        for name, call in sides.items():
            given[name] += [call() for _ in range(min(turn, number - first))]
    return given


def months(startups: int, number: int, turn: int) -> None:
    """Print what a month costs on either side."""
    setup = scaled(startups)
    model = ClusterModel.from_scenario(setup, seed=1)
    model.run(2)
    twin = TextbookModel(setup, start_of(model), seed=1)
    part, twin_part = Watch(ENGINE_PART), Watch(TWIN_PART)

    def month(step: Callable[[], object], watch: Watch) -> tuple[float, float]:
        watch.seconds = 0.0
        return timed(step), watch.seconds

    times = in_turns(
        {"engine": lambda: month(model.step, part), "twin": lambda: month(twin.step, twin_part)}, number, turn
    )
    part.stop()
    twin_part.stop()
    engine, engine_part = (statistics.median(column) for column in zip(*times["engine"], strict=True))
    own, own_part = (statistics.median(column) for column in zip(*times["twin"], strict=True))
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
        (timed(lambda: ours(seeds, number), time.perf_counter), timed(lambda: theirs(seeds, number), time.perf_counter))
        for _ in range(repeats)
    ]  # fmt: skip
    engine, twin = (statistics.median(column) for column in zip(*times, strict=True))
    print(f"\nbaseline and rent cut, {seeds} seeds, {number} months, one process, medians of {repeats}")
    line("compare beside mesa.batch_run", engine, twin)


def examples(startups: int, number: int, turn: int) -> None:
    """Print what a step of two of Mesa's examples costs beside a month of the engine, all in turn."""
    engine = ClusterModel.from_scenario(scaled(startups), seed=1)
    side = round(startups**0.5 * 1.1)
    models: dict[str, mesa.Model] = {
        "Boltzmann wealth, of Mesa": BoltzmannWealth(BoltzmannScenario(n=startups, width=side, height=side, rng=1)),
        "Schelling, of Mesa": Schelling(SchellingScenario(width=side, height=side, rng=1)),
        "this model, the engine": engine,
    }  # fmt: skip
    for model in models.values():
        model.step()
    times = in_turns(
        {name: (lambda model=model: timed(model.step)) for name, model in models.items()}, number, turn
    )
    seconds = [statistics.median(column) for column in times.values()]
    numbers = [len(engine.startups) if model is engine else len(model.agents) for model in models.values()]
    print(
        f"\n{'a step, medians of ' + str(number):<34}{'agents':>8}{'ms':>12}{'us an agent':>13}{'ratio':>9}"
    )
    for name, second, agents in zip(models, seconds, numbers, strict=True):
        ratio = second / agents / (seconds[-1] / numbers[-1])
        print(f"{name:<34}{agents:>8,}{1e3 * second:>12.2f}{1e6 * second / agents:>13.2f}{ratio:>9.1f}")


def growth(sizes: list[int], most: int, number: int, turn: int) -> None:
    """Print what a month costs as startups grow in number; the twin stands beside up to `most` of them."""
    engines = {size: ClusterModel.from_scenario(scaled(size), seed=1) for size in sizes}
    for model in engines.values():
        model.run(2)
    twins = {
        size: TextbookModel(scaled(size), start_of(engines[size]), seed=1) for size in sizes if size <= most
    }
    sides: dict[tuple[str, int], mesa.Model] = {("engine", size): model for size, model in engines.items()}
    sides |= {("twin", size): twin for size, twin in twins.items()}
    times = in_turns(
        {name: (lambda model=model: timed(model.step)) for name, model in sides.items()}, number, turn
    )
    print(
        f"\n{'startups, medians of ' + str(number) + ' months':<34}{'engine':>12}{'ns a startup':>14}{'twin':>14}{'ratio':>9}"
    )
    for size, model in engines.items():
        second, active = statistics.median(times["engine", size]), len(model.startups)
        shown = f"{active:<34,}{1e3 * second:>9.2f} ms{1e9 * second / active:>14.0f}"
        if size in twins:
            own = statistics.median(times["twin", size])
            shown += f"{1e3 * own:>11.0f} ms{own / second:>7.0f} x"
        print(shown)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--startups", type=int, nargs="*", default=[2000])
    parser.add_argument("--months", type=int, default=24)
    parser.add_argument("--turn", type=int, default=12)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--batch-months", type=int, default=12)
    parser.add_argument("--growth", type=int, nargs="*", default=[1_000, 10_000, 100_000])
    parser.add_argument("--twin-most", type=int, default=10_000)
    arguments = parser.parse_args()
    for count in arguments.startups:
        months(count, arguments.months, arguments.turn)
    batches(arguments.seeds, arguments.batch_months)
    examples(arguments.startups[0] if arguments.startups else 2000, arguments.months, arguments.turn)
    if arguments.growth:
        growth(arguments.growth, arguments.twin_most, arguments.months, arguments.turn)
