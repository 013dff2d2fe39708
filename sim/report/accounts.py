"""Accounts of a policy, line by line: who moved, and what the public pays for what."""

from typing import Any

from sim.evaluation.result import Estimate
from sim.figures.numbers import MINUS
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
    price_span,
    price_text,
    ratio,
    say,
    shown_percent,
    signed,
    span,
    whole,
)
from sim.rounding import rounded


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
        {"name": name, "note": note, "total": False, **_level_or_change(estimate, sign, estimate is account.gross)}
        for name, note, estimate, sign in lines
        if estimate.mean or (sign == 1 and estimate is account.gross)
    ]  # fmt: skip
    rows.append({"name": say("Net for the region"), "note": say("the only headline number"), "total": True,
                 "value": signed(account.net.mean or 0.0), "range": span(interval_of(account.net))})  # fmt: skip
    return rows


def _level_or_change(estimate: Estimate, sign: int, is_level: bool) -> dict[str, Any]:
    """Return number and interval of a line: a level without a sign, what is added to it or taken from it with one."""
    if is_level:
        return {"value": whole(estimate.mean or 0.0), "range": span(interval_of(estimate), sign=False)}
    return {
        "value": signed(sign * (estimate.mean or 0.0)),
        "range": span(_signed(interval_of(estimate), sign)),
    }


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
        account.substitution,
        account.multiplier,
        account.appraised,
    )
    if any(factor is None for factor in factors):
        return EMPTY
    dead, leak, moved, lost, multiplier, result = (float(factor) for factor in factors if factor is not None)
    # a digit more than a table has: of what is nearly all moved, a whole per cent would not give the product
    words = {"gross": whole(account.gross.mean or 0.0), "multiplier": ratio(multiplier), "net": signed(result)} | {
        name: shown_percent(rounded(100 * share, 1).replace("-", MINUS))
        for name, share in (("dead", dead), ("leak", leak), ("moved", moved), ("lost", lost))
    }  # fmt: skip
    return say("Check by the identity of appraisal: gross {gross} × (1 − deadweight {dead}) × (1 − leakage {leak}) × "
               "(1 − displacement {moved}) × (1 − substitution {lost}) × multiplier {multiplier} = {net}.", **words)  # fmt: skip


def cost_cells(row: Row) -> list[tuple[Both, Both]]:
    """Return spent, three prices, windfall, landlord capture and what is left, each with its interval."""
    account, left = row.result.additionality, row.result.persistence
    spent = row.cost.present_value_rmb if row.cost is not None else None
    cells = [
        (alike(NONE), EMPTY)
        if spent is None or spent.mean is None
        else (money(spent.mean), money_span(spent.mean, interval_of(spent)))
    ]
    for name in ("per_net_startup_rmb", "per_net_rd_job_rmb", "per_private_rmb"):
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
                else (say("at least {n}", n=price_text(least)), say("no upper limit"))
            )
        elif name == "per_private_rmb":  # RMB for each
            cells.append((alike(ratio(interval.mean * 1e6)), span(interval, 1e6, sign=False)))
        else:
            cells.append((price_text(interval.mean), price_span(interval)))
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
