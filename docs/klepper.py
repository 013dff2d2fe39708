"""The page on Klepper's rival to spillovers: runs from an even start with one force after another switched off.

``python docs/refresh.py klepper.md`` writes it.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from sim.indices import densest_cells
from sim.ledger import ACTIVE, FIRM, LISTED
from sim.model import ClusterModel
from sim.record import Run
from sim.scenario import Scenario

SEEDS = (1, 2, 3, 4, 5, 6)
THREE_YEARS = 36  # months
EVEN = {"initial.start_from": "uniform"}
NO_SPILLOVERS = {
    "location.spillover_weight": 0.0,
    "location.diversity_weight": 0.0,
    "operations.spillover_elasticity": 0.0,
    "operations.diversity_elasticity": 0.0,
}
NO_SPIN_OFFS = {"births.spinoff_per_month": 0.0}
NO_HOME = {"location.origin_weight_per_km": 0.0}
STRONG_HOME = {"location.origin_weight_per_km": 0.2}

#: what is switched off or turned up in each world
WORLDS: dict[str, dict[str, Any]] = {
    "everything on": {},
    "no spillovers": NO_SPILLOVERS,
    "no spillovers, home pulls three times as much": NO_SPILLOVERS | STRONG_HOME,
    "no spin-offs of firms": NO_SPIN_OFFS,
    "no pull of home": NO_HOME,
    "no spillovers, no spin-offs": NO_SPILLOVERS | NO_SPIN_OFFS,
    "none of the three": NO_SPILLOVERS | NO_SPIN_OFFS | NO_HOME,
}
MEASURES = {"marcon_puech_500m": "M within 0.5 km", "eg_1km": "γ over 1 km", "eg_zones": "γ over zones"}


@dataclasses.dataclass(frozen=True)
class World:
    """What the runs of one world leave.

    Attributes
    ----------
    firms, south
        Firms and share of them in the south at the end, means over runs.
    nulls
        Measures with their nulls, by run.
    lineages
        What `lineage` says of each run, (n_runs, 4).
    places
        What `by_density` says of each run, (n_runs, 2).
    """

    firms: float
    south: float
    nulls: list[dict[str, Any]]
    lineages: np.ndarray
    places: np.ndarray


def page() -> str:
    """Return the page; every number is computed here."""
    found = {name: world(changes) for name, changes in WORLDS.items()}
    return TEXT.format(clusters=clusters_table(found), lineages=lineages_table(found), places=places_table(found),
                       seeds=len(SEEDS))  # fmt: skip


def world(changes: dict[str, Any]) -> World:
    """Run one world with every seed."""
    scenario = Scenario.load("baseline").with_values(EVEN | changes)
    runs = [ClusterModel.from_scenario(scenario, seed=seed).run() for seed in SEEDS]
    return World(
        firms=float(np.mean([len(run.firms[0]) for run in runs])),
        south=float(np.mean([run.clustering()["south_share"] for run in runs])),
        nulls=[run.clustering_null() for run in runs],
        lineages=np.array([lineage(run) for run in runs]),
        places=np.array([by_density(run) for run in runs]),
    )


def lineage(run: Run) -> tuple[float, float, float, float]:
    """Return mean log quality of spin-offs of firms and of others, and the shares of either still here after 36 months.

    Quality is that of the firms that are here in the end; shares are of all who entered in the run.
    """
    ledger = run.ledgers[max(run.ledgers)]
    here = np.isin(ledger["status"], (ACTIVE, LISTED))
    child = ledger["origin"] == FIRM
    entered = (ledger["born"] >= 0) & (ledger["born"] <= run.months - THREE_YEARS)
    average: Callable[[np.ndarray], float] = lambda x: float(x.mean()) if len(x) else np.nan  # noqa: E731
    quality = ledger["log_quality"]
    stayed = (here | (ledger["ended"] - ledger["born"] >= THREE_YEARS)).astype(float)
    return (average(quality[here & child]), average(quality[here & ~child]),
            average(stayed[entered & child]), average(stayed[entered & ~child]))  # fmt: skip


def by_density(run: Run) -> tuple[float, float]:
    """Return mean log quality of the firms here in the end: in the tenth of the cells with most firms, and in others."""
    ledger = run.ledgers[max(run.ledgers)]
    here = np.isin(ledger["status"], (ACTIVE, LISTED))
    cells, quality = ledger["cell"][here], ledger["log_quality"][here]
    dense = densest_cells(np.bincount(cells, minlength=run.grid.n_cells))[cells]
    return float(quality[dense].mean()), float(quality[~dense].mean())


def clusters_table(found: dict[str, World]) -> str:
    """Return the table of measures."""
    head = "".join(f" {label} | runs above the thrown |" for label in MEASURES.values())
    lines = [
        f"| world | firms |{head} share in the south |",
        "| --- | ---: |" + " ---: | ---: |" * len(MEASURES) + " ---: |",
    ]
    for name, one in found.items():
        cells = []
        for key in MEASURES:
            values = [null[key] for null in one.nulls]
            above = sum(value.observed > value.high for value in values)
            cells.append(f" {np.mean([v.observed for v in values]):.3g} | {above} of {len(values)} |")
        lines.append(f"| {name} | {one.firms:,.0f} |{''.join(cells)} {one.south:.2f} |")
    return "\n".join(lines)


def lineages_table(found: dict[str, World]) -> str:
    """Return the table of spin-offs against others."""
    lines = ["| world | log quality: spin-offs of firms | others | still here 3 years after entry: spin-offs | others |",
             "| --- | ---: | ---: | ---: | ---: |"]  # fmt: skip
    for name, one in found.items():
        if np.isfinite(one.lineages).all():
            lines.append(f"| {name} | " + " | ".join(map(with_error, one.lineages.T)) + " |")
    return "\n".join(lines)


def places_table(found: dict[str, World]) -> str:
    """Return the table of firms in dense places against others."""
    lines = ["| world | log quality: densest tenth of cells | other cells | difference |",
             "| --- | ---: | ---: | ---: |"]  # fmt: skip
    for name, one in found.items():
        dense, rest = one.places.T
        lines.append(f"| {name} | " + " | ".join(map(with_error, (dense, rest, dense - rest))) + " |")
    return "\n".join(lines)


def with_error(values: np.ndarray) -> str:
    """Return the mean of a number by run, and its standard error."""
    return f"{values.mean():.3f} ± {values.std(ddof=1) / np.sqrt(len(values)):.3f}"


TEXT = """<!-- written by docs/refresh.py klepper.md -->

# Klepper's rival: do clusters need spillovers?

Firms may cluster because they profit from neighbours ([Marshall 1890](sources.md#marshall-1890)). Or they may not profit at
all: good firms have more children, children inherit quality, and children stay near their parents, so that the
places where good firms happened to begin fill up ([Klepper 2007](sources.md#klepper-2007),
[Klepper 2010](sources.md#klepper-2010)). Both stories end with a dense place full of good firms. Here each force is switched off in
turn, by parameters ([spillovers in choice](ODD.md#e5-utility-of-a-cell) and
[in productivity](ODD.md#e12-productivity), [spin-offs of firms](ODD.md#e19-spin-offs-of-firms), the pull of the origin on
its children).

The world starts **even**: firms spread by floor space alone, no attraction of a zone that nothing explains
(`initial.start_from = "uniform"`), so that what is clustered after ten years has formed in the run. {seeds} seeds a world.
*Above the thrown* counts the runs in which a measure lies above the 95 % of the same firms thrown on floor space; by chance that
is one in forty. Numbers after ± are standard errors over the seeds. What the measures say stands in [measures.md](measures.md).

{clusters}

**Near each other.** Within half a kilometre firms come to stand closer than their offices explain only where spillovers are
on. Spin-offs and heredity without spillovers leave them as thrown ones are, also if home pulls three times as much as assumed:
in this model the pull of home counts to the centre of a zone and says nothing about the cell, so it can fill a zone but not
a street. That is a property of how the model was written, not a finding about Haidian.

**Zones.** Over whole zones firms are somewhat clustered with none of the three, because campuses, funds and rents
differ between zones. Spillovers double that; spin-offs and the pull of home add nothing that these runs could see.

{lineages}

**Better children.** Spin-offs of firms have higher quality than others in every world in which they exist, with spillovers
or without, and more of them are still here after three years. Quality is that of the firms that are here in the end, so
that it mixes what firms were born with and who survived; the shares still here are of all who entered.

{places}

**Dense places.** Here the densest tenth of cells are those with most firms, and quality is again that of the firms that are
here in the end. In no world are firms there better beyond what chance brings among so many comparisons, and without
spillovers there are hardly places that are denser than their offices. So these runs show neither story's dense place full of good firms: children are better,
but they do not gather where firms are dense.

**What these runs do not show.** That clusters on the scale of streets come with spillovers only is how the model was written, as said
above, and not a way to tell from a map which story is at work. Nor do the number of firms and the performance of
spin-offs tell: both are alike with spillovers and without. Which is at work in Haidian is not known here; spillovers are on by default,
with weights that are assumed. What a policy is worth that moves firms next to each other was not run on this page; it
should be asked with spillovers and without.
"""
