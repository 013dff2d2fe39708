"""The ledger: parts that stay together, and rows that leave it."""

import numpy as np
import pytest
import worlds
from worlds import startups

from sim.ledger import (
    ACQUIRED,
    ACTIVE,
    CLOSED,
    DORMANT,
    LEFT,
    LISTED,
    LOST,
    STARTUP,
    WAITING,
    Ledger,
    Table,
    distinct,
    in_order,
    in_turn,
    turns,
)


def ledger_of(rows: np.ndarray) -> Ledger:
    """Return a ledger with these rows."""
    ledger = Ledger()
    ledger.replace(rows)
    return ledger


def test_a_whole_record_has_every_field_of_the_parts_once():
    names = [name for part in Ledger().parts for name in part.dtype.names]
    assert sorted(names) == sorted(STARTUP.names)
    assert len(set(names)) == len(names)


def test_every_part_of_a_row_is_whole_cache_lines_and_begins_at_one():
    for part in ledger_of(startups(3)).parts:
        assert part.dtype.itemsize % 64 == 0
        assert part.ctypes.data % 64 == 0


def test_what_is_written_to_a_column_is_in_the_whole_record():
    ledger = ledger_of(startups(4))
    for i, name in enumerate(STARTUP.names):
        ledger[name][2] = i
    assert [ledger.whole()[2][name] for name in STARTUP.names] == list(range(len(STARTUP.names)))
    with pytest.raises(KeyError):
        ledger["colour"]


def test_growing_keeps_the_rows_of_all_parts():
    ledger = ledger_of(startups(900, cash=np.arange(900.0), ask=np.arange(900.0)))
    before = ledger.whole()
    ledger.reserve(100_000)
    assert worlds.same(ledger.whole(), before)


@pytest.mark.parametrize("which", [[], [0], [9], [0, 9], [3, 4, 5], list(range(10))])
def test_rows_that_move_are_whole_and_nobody_else_is_touched(which):
    rng = np.random.default_rng(1)
    rows = startups(10, cash=rng.random(10), log_quality=rng.random(10), ask=rng.random(10))
    here, there = ledger_of(rows), ledger_of(startups(2, uid=[501, 502]))
    here.give(np.array(which, dtype=np.int64), there)
    assert len(here) == 10 - len(which)
    assert len(there) == 2 + len(which)
    after = np.sort(np.concatenate([here.whole(), there.whole()[2:]]), order="uid")
    assert worlds.same(after, np.sort(rows, order="uid"))
    assert set(there["uid"][2:].tolist()) == set(rows["uid"][which].tolist())


def test_who_ends_leaves_the_ledger_next_month_and_counts_as_long_as_something_can_change():
    statuses = [ACTIVE, LISTED, WAITING, DORMANT, ACQUIRED, ACQUIRED, LEFT, LOST, CLOSED, CLOSED]
    boosts = [0, 0, 0, 0, 9, 0, 0, 0, 9, 0]
    world = worlds.settle(worlds.town(), startups(10, status=statuses, boost_end=boosts, cell=0))
    world.month = 5
    world.begin_month()
    assert sorted(world.startups["status"]) == sorted([ACTIVE, LISTED, WAITING])
    assert sorted(world.former["status"]) == sorted([DORMANT, ACQUIRED, CLOSED])
    assert sorted(world.gone["status"]) == sorted([ACQUIRED, LEFT, LOST, CLOSED])
    world.month = 9
    world.begin_month()
    assert world.former["status"].tolist() == [DORMANT]


def test_a_copy_of_a_table_is_its_own():
    ledger = ledger_of(startups(5))
    twin = ledger.copy()
    twin["cash"][:] = -1.0
    assert (ledger["cash"] > 0).all()
    assert isinstance(twin, Table)


@pytest.mark.parametrize("number", [0, 1, 2, 3, 7, 64, 1000])
def test_whoever_draws_the_smaller_number_is_first_and_equal_numbers_go_by_uid(number):
    rng = np.random.default_rng(number)
    numbers = rng.integers(0, max(number // 3, 1), number) / 7.0
    uids = rng.permutation(number).astype(np.uint64)
    assert in_order(numbers, uids).tolist() == np.lexsort((uids, numbers)).tolist()


@pytest.mark.parametrize("number", [0, 1, 5, 300])
def test_distinct_masks_ascend_and_each_has_the_position_of_its_own(number):
    masks = np.random.default_rng(number).integers(0, 9, number)
    found, columns = distinct(masks)
    assert found.tolist() == sorted(set(masks.tolist()))
    assert found[columns].tolist() == masks.tolist()


@pytest.mark.parametrize("number", [0, 1, 2, 700])
def test_the_order_of_service_is_that_of_the_numbers_drawn(number):
    firms, key = ledger_of(startups(number)).parts[0], np.uint64(5)
    chosen = np.random.default_rng(number).permutation(number)
    assert in_turn(firms, chosen, key).tolist() == chosen[np.argsort(turns(firms, chosen, key))].tolist()


def test_the_order_of_service_does_not_depend_on_the_order_of_rows():
    firms, key = ledger_of(startups(50)).parts[0], np.uint64(1)
    shuffled = np.random.default_rng(3).permutation(50)
    assert in_turn(firms, shuffled, key).tolist() == in_turn(firms, np.arange(50), key).tolist()
