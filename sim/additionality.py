"""Additionality: what would have been there anyway, what was only moved, and what is new.

T and B are the sets of active startups with and without a policy, T_z and B_z those in the treated zones.
The startups of T_z are deadweight (also in B_z), displaced (in B, elsewhere) or attracted (not in B at all).
Which startup is which depends on the random numbers that both runs share; the net effect |T| - |B| does not.
"""

import dataclasses

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sim.ledger import STATUSES

_ACTIVE = STATUSES.index("active")


@dataclasses.dataclass(frozen=True)
class Present:
    """Who was there at one step of a run; arrays of shape (n_startups,)."""

    uid: np.ndarray
    zone: np.ndarray  # position in `zones`
    active: np.ndarray
    subsidy: np.ndarray  # received since the first month [RMB]


def present_at(presence: pa.Table, step: int, zones: tuple[str, ...]) -> Present:
    """Return who was there after `step` steps.

    Parameters
    ----------
    presence
        Presence table of one run.
    step
        Steps after which the rows were taken down.
    zones
        Ids of the zones.
    """
    table = presence.filter(pc.equal(presence["step"], step))
    places = pc.index_in(table["zone"].cast(pa.string()), value_set=pa.array(zones, pa.string()))
    return Present(
        uid=table["uid"].to_numpy(),
        zone=places.to_numpy(),
        active=pc.equal(table["status"].cast(pa.string()), STATUSES[_ACTIVE]).to_numpy(),
        subsidy=table["subsidy_rmb"].to_numpy(),
    )


def same_startups(treated: Present, baseline: Present) -> np.ndarray:
    """Return the position in `baseline` of each startup of `treated`, (n_startups,); -1 for those that it has not."""
    if len(baseline.uid) == 0:
        return np.full(len(treated.uid), -1)
    order = np.argsort(baseline.uid, kind="stable")
    ordered = baseline.uid[order]
    at = np.minimum(np.searchsorted(ordered, treated.uid), len(ordered) - 1)
    return np.where(ordered[at] == treated.uid, order[at], -1)


def account(
    treated: Present, baseline: Present, zones: np.ndarray, rows: np.ndarray | None = None
) -> dict[str, float]:
    """Return the account of the treated zones and of the rest of the region, in startups.

    Parameters
    ----------
    treated, baseline
        Who was there with and without the policy.
    zones
        Positions of the treated zones.
    rows
        What `same_startups` returns, if it is known.

    Returns
    -------
    dict
        ``gross`` = ``deadweight`` + ``displaced`` + ``attracted`` startups of the treated zones; and the
        net effect on the region = ``attracted`` - ``lost_treated`` + ``gained_elsewhere`` -
        ``lost_elsewhere``, where lost startups are active in the baseline only.
    """
    rows = same_startups(treated, baseline) if rows is None else rows
    there, was_there = _in_zones(treated.zone, zones), _in_zones(baseline.zone, zones)
    in_both, in_same_place = (_also(rows, known & baseline.active) for known in (True, was_there))
    here = treated.active
    gone = baseline.active.copy()
    gone[rows[here & (rows >= 0)]] = False
    counts = {
        "gross": here & there,
        "deadweight": here & there & in_same_place,
        "displaced": here & there & in_both & ~in_same_place,
        "attracted": here & there & ~in_both,
        "gained_elsewhere": here & ~there & ~in_both,
        "lost_treated": gone & was_there,
        "lost_elsewhere": gone & ~was_there,
    }
    return {name: float(np.count_nonzero(which)) for name, which in counts.items()}


def displaced_from(
    treated: Present, baseline: Present, zones: np.ndarray, n_zones: int, rows: np.ndarray | None = None
) -> np.ndarray:
    """Return how many startups of the treated zones are in each other zone without the policy, (n_zones,)."""
    rows = same_startups(treated, baseline) if rows is None else rows
    moved = treated.active & _in_zones(treated.zone, zones)
    moved &= _also(rows, baseline.active & ~_in_zones(baseline.zone, zones))
    return np.bincount(baseline.zone[rows[moved]], minlength=n_zones).astype(float)


def windfall_rmb(
    treated: Present, baseline: Present, zones: np.ndarray, rows: np.ndarray | None = None
) -> tuple[float, float]:
    """Return the subsidy of startups that are in the treated zones without the policy too, and all of it.

    A startup that has left or closed counts where it was last, with the policy as without it: else the
    windfall of those that did not live to the last month would be taken for success.
    """
    rows = same_startups(treated, baseline) if rows is None else rows
    extra = treated.subsidy.copy()
    extra[rows >= 0] -= baseline.subsidy[rows[rows >= 0]]
    anyway = _also(rows, _in_zones(baseline.zone, zones))
    return float(extra[anyway].sum()), float(extra.sum())


def _in_zones(zone: np.ndarray, zones: np.ndarray) -> np.ndarray:
    """Return which startups are in some zones, (n_startups,)."""
    chosen = np.zeros(max(int(zone.max(initial=-1)), int(np.max(zones, initial=-1))) + 1, dtype=bool)
    chosen[zones] = True
    return chosen[zone]


def _also(rows: np.ndarray, condition: np.ndarray) -> np.ndarray:
    """Return which startups of one run meet a condition in the other; those that it has not do not."""
    found = np.zeros(len(rows), dtype=bool)
    found[rows >= 0] = condition[rows[rows >= 0]]
    return found


def landlords_rmb(treated: dict[str, np.ndarray], baseline: dict[str, np.ndarray]) -> tuple[float, float]:
    """Return how much of a subsidy higher rents take, and the subsidy.

    Parameters
    ----------
    treated, baseline
        Series of the two runs by name, (months, n_zones) each, summed over segments: ``area_m2``,
        ``rent_bill_rmb``, ``subsidised_area_m2``, ``subsidy_rmb``, and ``zone_rent_rmb_m2_month``.

    Returns
    -------
    tuple
        Subsidised area times the rise of the mean rent paid in its zone, summed; all subsidy. In RMB.
    """
    rise = _paid_rent(treated) - _paid_rent(baseline)
    area = treated["subsidised_area_m2"] - baseline["subsidised_area_m2"]
    subsidy = treated["subsidy_rmb"] - baseline["subsidy_rmb"]
    return float((area * rise).sum()), float(subsidy.sum())


def _paid_rent(series: dict[str, np.ndarray]) -> np.ndarray:
    """Return the mean rent paid [RMB/m2/month]; the market rent where nobody pays one."""
    area = series["area_m2"]
    paid = series["rent_bill_rmb"] / np.where(area > 0, area, 1.0)
    return np.where(area > 0, paid, series["zone_rent_rmb_m2_month"])
