"""Who was there: columns of the presence table as arrays, cut by step."""

import itertools

import numpy as np
import pyarrow as pa

from sim.additionality import Present
from sim.evaluation.metrics import STAGES
from sim.ledger import STATUSES

_ACTIVE, _LISTED = (STATUSES.index(status) for status in ("active", "listed"))
#: by status, how far behind all stages a startup is counted that is not active, or neither active nor listed
_UNLESS_ACTIVE, _UNLESS_HERE = (
    np.array([0 if i in counted else STAGES for i in range(len(STATUSES))], dtype=np.int8)
    for counted in ((_ACTIVE,), (_ACTIVE, _LISTED))
)


def numbers(column: pa.ChunkedArray) -> np.ndarray:
    """Return a column of numbers as an array; unlike `to_numpy`, without importing pandas first."""
    if column.num_chunks == 1 and not column.null_count:
        return np.from_dlpack(column.chunk(0))
    return column.to_numpy()


def columns_of_presence(table: pa.Table, zones: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Return columns as numbers, (n_rows,) each; words as positions among the zones, and among the statuses."""
    return {
        "step": numbers(table["step"]),
        "uid": numbers(table["uid"]),
        "zone": _codes(table["zone"], zones),
        "stage": numbers(table["stage"]),
        "status": _codes(table["status"], STATUSES),
        "heads": numbers(table["rd_heads"]),
        "subsidy": numbers(table["subsidy_rmb"]),
    }


def _codes(column: pa.ChunkedArray, words: tuple[str, ...]) -> np.ndarray:
    """Return the position of each word of a dictionary column among `words`, -1 for others."""
    parts = []
    for chunk in column.chunks:
        positions = [words.index(word) if word in words else -1 for word in chunk.dictionary.to_pylist()]
        parts.append(np.array(positions, dtype=np.int8)[np.from_dlpack(chunk.indices)])
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int8)


def by_stage(rows: dict[str, np.ndarray]) -> np.ndarray:
    """Return startups, and R&D heads of startups and listed firms, by stage, (2, `STAGES`), from the rows of one step."""
    counted = [
        np.bincount(rows["stage"] + after[rows["status"]], weights, STAGES)[:STAGES]
        for after, weights in ((_UNLESS_ACTIVE, None), (_UNLESS_HERE, rows["heads"]))
    ]
    return np.stack(counted)


def steps_of(columns: dict[str, np.ndarray]) -> dict[int, dict[str, np.ndarray]]:
    """Return the rows of one run by step; they are stored step by step."""
    step = columns["step"]
    if len(step) == 0:
        return {}
    starts = np.concatenate([[0], np.flatnonzero(np.diff(step)) + 1, [len(step)]])
    return {
        int(step[a]): {name: column[a:b] for name, column in columns.items()}
        for a, b in itertools.pairwise(starts)
    }


def present(rows: dict[str, np.ndarray]) -> Present:
    """Return the rows of one step as who was there."""
    return Present(rows["uid"], rows["zone"], rows["status"] == _ACTIVE, rows["subsidy"])
