"""Accounts of a policy, line by line: who moved, and what the public pays for what."""

from typing import Any

from sim.evaluation.result import Estimate
from sim.intervals import Interval
from sim.report.rows import Row, interval_of, least_price, price
from sim.report.text import (
    EMPTY,
    NONE,
    Both,
    alike,
    money,
    money_span,
    percent,
    ratio,
    say,
    signed,
    span,
    whole,
)


def account_rows(row: Row) -> list[dict[str, Any]]:
    """Return the account of a policy line by line; its numbers add up."""
    account = row.result.additionality
    assert account is not None
    lines: list[tuple[Both, Both, Estimate, int]] = [
        (say("In its zones with the policy"), say("gross"), account.gross, 1),
        (say("Would be there anyway"), say("deadweight"), account.deadweight, -1),
        (say("Moved from other zones"), say("displacement within the region"), account.displaced, -1),
        (
            say("Lost from its zones"),
            say("there without the policy, gone from the region with it"),
            account.lost_treated,
            -1,
        ),
        (
            say("Gained in other zones"),
            say("new to the region, in rooms that were left"),
            account.gained_elsewhere,
            1,
        ),
        (say("Lost in other zones"), say("gone from the region"), account.lost_elsewhere, -1),
    ]
    rows = [
        {"name": name, "note": note, "total": False, "value": signed(sign * (estimate.mean or 0.0)).removeprefix("+"),
         "range": span(_signed(interval_of(estimate), sign)) if estimate.mean else EMPTY}
        for name, note, estimate, sign in lines
        if estimate.mean or (sign == 1 and estimate is account.gross)
    ]  # fmt: skip
    rows.append({"name": say("Net for the region"), "note": say("the only headline number"), "total": True,
                 "value": signed(account.net.mean or 0.0), "range": span(interval_of(account.net))})  # fmt: skip
    return rows


def _signed(interval: Interval, sign: int) -> Interval:
    if sign > 0 or interval.mean is None or interval.low is None or interval.high is None:
        return interval
    return Interval(-interval.mean, -interval.high, -interval.low)


def identity(row: Row) -> Both:
    """Return the standard identity of appraisal with its factors, as far as they are defined."""
    account = row.result.additionality
    assert account is not None
    factors = (
        account.deadweight_share,
        account.leakage,
        account.displacement,
        account.multiplier,
        account.appraised,
    )
    if any(factor is None for factor in factors):
        return EMPTY
    dead, leak, moved, multiplier, result = (float(factor) for factor in factors if factor is not None)
    words = {"gross": whole(account.gross.mean or 0.0), "dead": percent(dead), "leak": percent(leak),
             "moved": percent(moved), "multiplier": ratio(multiplier), "net": signed(result)}  # fmt: skip
    return say("Check by the identity of appraisal: gross {gross} × (1 − deadweight {dead}) × (1 − leakage {leak}) × "
               "(1 − displacement {moved}) × multiplier {multiplier} = {net}.", **words)  # fmt: skip


def cost_cells(row: Row) -> list[tuple[Both, Both]]:
    """Return spent, three prices, windfall, landlord capture and what is left, each with its interval."""
    account, left = row.result.additionality, row.result.persistence
    spent = row.cost.present_value_rmb if row.cost is not None else None
    cells = [
        (alike(NONE), EMPTY)
        if spent is None or spent.mean is None
        else (money(spent.mean), money_span(spent.mean, interval_of(spent)))
    ]
    for name, scale in (("per_net_startup_rmb", 1.0), ("per_net_rd_job_rmb", 1.0), ("per_private_rmb", 1e6)):
        interval, why = price(row, name)
        if interval.mean is None:
            least = (
                least_price(row)
                if name == "per_net_startup_rmb" and row.net_interval.low is not None
                else None
            )
            cells.append(
                (why, EMPTY)
                if least is None
                else (say("at least {n}", n=ratio(least)), say("no upper limit"))
            )
        else:
            cells.append((alike(ratio(interval.mean * scale)), span(interval, scale, sign=False)))
    shares = (
        account.windfall_share if account is not None else None,
        account.landlord_capture if account is not None else None,
        left.kept_share if left is not None else None,
    )
    for estimate in shares:
        interval = interval_of(estimate)
        cells.append((alike(NONE), EMPTY) if interval.mean is None else
                     (percent(interval.mean), span(interval, 100, sign=False)))  # fmt: skip
    return cells
