"""Paired effects: what each policy changes in every metric, at every horizon, in every part of the region."""

import collections
import dataclasses
import math
from collections.abc import Iterator, Mapping

import numpy as np

from sim.evaluation import design
from sim.evaluation.intervals import Columns, holm, paired, resamples_of, seeds_needed
from sim.evaluation.metrics import (
    BY_STAGE,
    FATE,
    HEADLINE,
    LAST,
    MARGINS,
    PATHS,
    PLACE,
    SHARES,
    SOURCES,
    STAGES,
)
from sim.evaluation.reading import Runs
from sim.evaluation.result import Effect, Path
from sim.evaluation.words import ALPHA, verb_of
from sim.parameters import SEGMENTS

#: columns of the outcomes that hold a metric of the last month, for studies that keep no series
_IN_OUTCOMES = {"other_tenants_m2_region", "startups_treated_zones", "rent_rmb_m2_month", "vacancy_share"}


@dataclasses.dataclass(frozen=True)
class Table:
    """Columns of one policy: which metric, horizon, margin and part each is, with the values of both arms.

    Attributes
    ----------
    keys
        (metric, horizon, margin, part) of each column.
    own, base
        Values with the policy and without, (n_pairs, n_columns).
    """

    keys: list[tuple[str, int, str, str]]
    own: np.ndarray
    base: np.ndarray


class Levels:
    """Values of metrics by scenario and seed, made from what was read.

    Parameters
    ----------
    runs
        What was read.
    """

    def __init__(self, runs: Runs) -> None:
        self.runs = runs
        self.horizons = runs.horizons
        self.belts = tuple(dict.fromkeys(zone.belt for zone in runs.zones))
        self._in_belt = np.array(
            [[zone.belt == belt for belt in self.belts] for zone in runs.zones], dtype=float
        )

    def outcome(self, name: str) -> np.ndarray:
        """Return a column of the outcomes, a mean over points, (n_scenarios, n_seeds); NaN where it is missing."""
        values = self.runs.outcomes.get(name)
        shape = self.runs.done.shape
        return np.full(shape, np.nan) if values is None else values.mean(axis=1)

    def region(self, metric: str, zones: np.ndarray | None = None) -> np.ndarray:
        """Return a metric of the region, or of some zones, (n_scenarios, n_seeds, n_horizons)."""
        source, found = SOURCES[metric], self.runs.found
        out = np.full((*self.runs.done.shape, len(self.horizons)), np.nan)
        if source.kind == LAST:
            out[..., -1] = self.outcome(source.plus[0])
        elif source.kind == FATE:
            for h, horizon in enumerate(self.horizons):
                if horizon % 12 == 0:
                    out[..., h] = self.outcome(source.plus[0].format(years=horizon // 12))
        elif source.kind == PLACE:
            return self._offices(metric) if "zone_stock_m2" in found else out
        elif source.plus[0] in found:
            out = source.of(found.__getitem__)
            out = (out if zones is None else out[:, :, :, zones]).sum(axis=(-2, -1))
        elif metric not in _IN_OUTCOMES:
            out[..., -1] = self._at_the_end(metric)
        return out

    def _at_the_end(self, metric: str) -> np.ndarray:
        """Return a metric at the last month from the outcomes alone."""
        return self.outcome(metric) if metric in self.runs.outcomes else SOURCES[metric].of(self.outcome)

    def _offices(self, metric: str) -> np.ndarray:
        found = self.runs.found
        stock = found["zone_stock_m2"]
        column = found[SOURCES[metric].plus[0]]
        if metric == "rent_rmb_m2_month":
            return (column * stock).sum(axis=-1) / stock.sum(axis=-1)
        return column.sum(axis=-1) / (stock.sum(axis=-1) if metric == "vacancy_share" else 1.0)

    def by_part(self, metric: str, margin: str) -> tuple[tuple[str, ...], np.ndarray] | None:
        """Return the parts of a margin and a metric in each, (n_scenarios, n_seeds, n_horizons, n_parts)."""
        found = self.runs.found
        if margin == "stage":
            if "stages" not in found:
                return None
            return tuple(map(str, range(STAGES))), found["stages"][:, :, :, BY_STAGE.index(metric)]
        if metric in SHARES:
            parts = self.by_part(SHARES[metric], margin)
            if parts is None:
                return None
            with np.errstate(invalid="ignore", divide="ignore"):
                return parts[0], parts[1] / parts[1].sum(axis=-1, keepdims=True)
        source = SOURCES[metric]
        if source.plus[0] not in found:
            return None
        if source.kind == PLACE:
            values = found[source.plus[0]]
            if metric == "vacancy_share":
                values = values / found["zone_stock_m2"]
        else:
            values = source.of(found.__getitem__)
            if margin == "segment":
                return SEGMENTS, values.sum(axis=-2)
            values = values.sum(axis=-1)
        if margin == "belt":
            return self.belts, values @ self._in_belt
        return tuple(zone.id for zone in self.runs.zones), values

    def columns(self) -> Iterator[tuple[tuple[str, int, str, str], np.ndarray]]:
        """Yield every column but those of treated zones: its key, and its values (n_scenarios, n_seeds)."""
        for metric in SOURCES:
            if metric != "startups_treated_zones":
                values = self.region(metric)
                yield from (((metric, horizon, "region", ""), values[..., h])
                            for h, horizon in enumerate(self.horizons))  # fmt: skip
        for metric, margins in MARGINS.items():
            for margin in margins:
                found = self.by_part(metric, margin)
                if found is None:
                    continue
                for h, horizon in enumerate(self.horizons):
                    yield from (((metric, horizon, margin, part), found[1][:, :, h, k])
                                for k, part in enumerate(found[0]))  # fmt: skip


def tables(runs: Runs, members: list[design.Member]) -> dict[str, Table]:
    """Return the columns of each policy by its id; those that no run says are left out."""
    levels = Levels(runs)
    keys, values = zip(*levels.columns(), strict=True)
    stacked = np.stack(values, axis=-1)
    zones = tuple(zone.id for zone in runs.zones)
    out = {}
    for member in members:
        pairs = runs.pairs(member)
        own, base = stacked[member.position][pairs], stacked[member.base][pairs]
        mine = list(keys)
        chosen = design.treated(member, zones)
        if len(chosen):
            inside = levels.region("startups_treated_zones", chosen)
            own = np.hstack([own, inside[member.position][pairs]])
            base = np.hstack([base, inside[member.base][pairs]])
            mine += [("startups_treated_zones", horizon, "region", "") for horizon in runs.horizons]
        known = (
            ~(np.isnan(own) | np.isnan(base)).any(axis=0) if len(pairs) else np.zeros(len(mine), dtype=bool)
        )
        out[member.id] = Table(
            [key for key, k in zip(mine, known, strict=True) if k], own[:, known], base[:, known]
        )
    return out


def effects(runs: Runs, members: list[design.Member]) -> tuple[dict[str, tuple[Effect, ...]], int]:
    """Return the effects of each policy by its id, and over how many tests Holm's correction goes at the end."""
    found = tables(runs, members)
    said = {name: paired(table.own - table.base) for name, table in found.items()}
    corrected = _corrected(runs, found, said)
    tests = collections.Counter(key[1] for keys in corrected.values() for key in keys)
    by_id = {member.id: member for member in members}
    out = {}
    for name, table in found.items():
        headline = [i for i, key in enumerate(table.keys) if _is_headline(key)]
        bca = np.full((2, len(table.keys)), np.nan)
        if headline:
            difference = (table.own - table.base)[:, headline]
            bca[:, headline] = resamples_of(len(table.own)).bca(difference)
        unfinished = provisional(runs, by_id[name])
        out[name] = tuple(_rows(table, said[name], bca, corrected[name], tests, unfinished))
    return out, tests[runs.horizons[-1]]


def _is_headline(key: tuple[str, int, str, str]) -> bool:
    return key[0] in HEADLINE and key[2] == "region"


def provisional(runs: Runs, member: design.Member) -> bool:
    """Return whether runs of a policy or of its baseline are neither done nor failed."""
    failed = {(failure.scenario, failure.seed) for failure in runs.store.failures()}
    return any(
        not runs.done[position, i] and (runs.members[position].id, seed) not in failed
        for position in (member.position, member.base)
        for i, seed in enumerate(runs.seeds)
    )


def _corrected(
    runs: Runs, found: dict[str, Table], said: dict[str, Columns]
) -> dict[str, dict[tuple[str, int, str, str], float]]:
    """Return p-values of the headline metrics, corrected over all policies at each horizon."""
    out: dict[str, dict[tuple[str, int, str, str], float]] = {name: {} for name in found}
    for horizon in runs.horizons:
        places = [
            (name, i)
            for name, table in found.items()
            for i, key in enumerate(table.keys)
            if _is_headline(key) and key[1] == horizon and not np.isnan(said[name].p[i])
        ]
        corrected = holm(np.array([said[name].p[i] for name, i in places]))
        for (name, i), p in zip(places, corrected, strict=True):
            out[name][found[name].keys[i]] = float(p)
    return out


def _more(
    table: Table, said: Columns, corrected: dict[tuple[str, int, str, str], float], tests: Mapping[int, int]
) -> list[int | None]:
    """Return how many seeds must be added until the verb of each column may state a direction; None where unknown.

    A headline metric must stand up to Holm's correction, which it does at its first step if p is below ALPHA over the number
    of tests, whatever the others are.
    """
    at_once = np.array([max(tests[key[1]], 1) if _is_headline(key) else 1 for key in table.keys])
    more = seeds_needed(said.mean, said.sd, 1 - ALPHA / at_once) - len(table.own)
    told = (said.low > 0) | (said.high < 0)
    for i, key in enumerate(table.keys):
        told[i] &= corrected.get(key, 0.0) < ALPHA
    return [None if n is None else int(n) for n in _listed(np.where(told, 0.0, np.maximum(more, 1.0)))]


def _rows(
    table: Table, said: Columns, bca: np.ndarray, corrected: dict[tuple[str, int, str, str], float],
    tests: Mapping[int, int], unfinished: bool,
) -> Iterator[Effect]:  # fmt: skip
    n = len(table.own)
    own, base = (_listed(values.mean(axis=0)) if n else [] for values in (table.own, table.base))
    fields = [_listed(getattr(said, name)) for name in ("mean", "low", "high", "same_sign", "p")]
    needed = _more(table, said, corrected, tests)
    lows, highs = _listed(bca[0]), _listed(bca[1])
    for i, key in enumerate(table.keys):
        mean, low, high, same, p = (field[i] for field in fields)
        p_holm, more = corrected.get(key), needed[i]
        verb = verb_of(
            key[0], mean, low, high, p_holm, more, tests[key[1]], unfinished, headline=_is_headline(key)
        )
        yield Effect(
            *key, pairs=n, baseline=base[i], policy=own[i], mean=mean, low=low, high=high, bca_low=lows[i],
            bca_high=highs[i], same_sign=same, p=p, p_holm=p_holm, more_seeds=more, verb=verb.verb, chip=verb.chip,
            resolved=verb.resolved, note=verb.note,
        )  # fmt: skip


def _listed(values: np.ndarray) -> list[float | None]:
    """Return numbers as a list, None for NaN."""
    return [None if math.isnan(value) else value for value in values.tolist()]


def paths(runs: Runs, member: design.Member) -> tuple[Path, ...]:
    """Return the effects of a policy on the region month by month."""
    pairs, out = runs.pairs(member), []
    for metric in PATHS:
        values = runs.found.get(f"path:{metric}")
        if values is None or len(pairs) == 0:
            continue
        own, base = values[member.position][pairs], values[member.base][pairs]
        said = paired(own - base)
        out.append(Path(
            metric, tuple(base.mean(axis=0).tolist()), tuple(own.mean(axis=0).tolist()), tuple(said.mean.tolist()),
            tuple(_listed(said.low)), tuple(_listed(said.high)),
        ))  # fmt: skip
    return tuple(out)
