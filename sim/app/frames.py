"""One run as the page plays it: what every month shows, taken down at once, so that playing asks nobody.

The arrays of a run go to the browser together; a frame is a slice of them, drawn there.
"""

import dataclasses

import numpy as np

from sim.additionality import Present, account

ABSENT = -1  #: cell of a startup in months in which it is not active


@dataclasses.dataclass(frozen=True, eq=False)
class Frames:
    """All months of one run, T of them, in Z zones, with n startups that were ever active.

    Attributes
    ----------
    scenario_id, name, name_zh, seed, months
        What was run, and the calendar month of each frame.
    zones
        Ids of the zones.
    by_segment
        Active startups at the end of each month, (T, Z, 4).
    layers
        By name: rent [RMB/m2/month], vacancy [share], talent [R&D heads], funds [seats], deals [rounds closed in the last
        12 months, nan in the first 11], (T, Z) each.
    uid
        Identity of each startup, the same in every scenario, (n,).
    segment
        Segment of each, (n,).
    cell
        Cell in which it was active by month, -1 where it was not, (T, n).
    heads, stage
        Its R&D heads and last round closed by month, (T, n).
    origin
        Origin of each, (n,).
    deals
        Rounds closed: month, uid, amount [RMB], rows (m,).
    outcomes
        Outcomes at the end of the run, by name.
    present
        Who was there at the end.
    """

    scenario_id: str
    name: str
    name_zh: str
    seed: int
    months: tuple[str, ...]
    zones: tuple[str, ...]
    by_segment: np.ndarray
    layers: dict[str, np.ndarray]
    uid: np.ndarray
    segment: np.ndarray
    cell: np.ndarray
    heads: np.ndarray
    stage: np.ndarray
    origin: np.ndarray
    deals: np.ndarray
    outcomes: dict[str, float]
    present: Present

    @property
    def startups(self) -> np.ndarray:
        """Active startups by month and zone, (T, Z)."""
        return self.by_segment.sum(axis=2)

    def layer(self, name: str) -> np.ndarray:
        """Return a layer by month and zone, (T, Z)."""
        return self.startups if name == "startups" else self.layers[name]

    def spells(self) -> dict[str, np.ndarray]:
        """Return every stay of a startup in a cell: startup, cell, first and last month, (n_spells,) each."""
        cell = self.cell.T  # a row a startup
        changes = np.ones_like(cell, dtype=bool)
        changes[:, 1:] = cell[:, 1:] != cell[:, :-1]
        who, begin = np.nonzero(changes)
        end = np.append(begin[1:], cell.shape[1]) - 1
        end[np.append(who[1:] != who[:-1], True)] = cell.shape[1] - 1
        kept = cell[who, begin] != ABSENT
        return {"who": who[kept], "cell": cell[who, begin][kept], "first": begin[kept], "last": end[kept]}


def moved(policy: Frames, baseline: Frames, treated: tuple[str, ...]) -> dict[str, float] | None:
    """Return the account of startups of the treated zones (`additionality.account`); None without treated zones."""
    if not treated:
        return None
    zones = np.array([policy.zones.index(zone) for zone in treated])
    return account(policy.present, baseline.present, zones)


@dataclasses.dataclass(frozen=True, eq=False)
class History:
    """One startup from month to month: zone, heads, stage where it was active, and its rounds.

    Attributes
    ----------
    uid
        Its identity.
    segment, origin
        Positions of its segment and origin.
    first, last
        First and last frame in which it is active.
    zone
        Position of its zone by frame, -1 where it is not active, (T,).
    heads, stage
        R&D heads and last round closed by frame, (T,) each.
    deals
        Frame and amount [RMB] of each round.
    """

    uid: int
    segment: int
    origin: int
    first: int
    last: int
    zone: np.ndarray
    heads: np.ndarray
    stage: np.ndarray
    deals: tuple[tuple[int, float], ...]


def history_of(frames: Frames, uid: int, cell_zone: np.ndarray) -> History | None:
    """Return the history of a startup in a run, None if it was never active there."""
    at = int(np.searchsorted(frames.uid, np.uint64(uid)))
    if at >= frames.uid.size or int(frames.uid[at]) != uid:
        return None
    cell = frames.cell[:, at]
    there = np.flatnonzero(cell != ABSENT)
    own = frames.deals[frames.deals["uid"] == np.uint64(uid)]
    return History(
        uid, int(frames.segment[at]), int(frames.origin[at]), int(there[0]), int(there[-1]),
        np.where(cell == ABSENT, ABSENT, cell_zone[cell]), frames.heads[:, at], frames.stage[:, at],
        tuple((int(row["month"]), float(row["amount"])) for row in own),
    )  # fmt: skip
