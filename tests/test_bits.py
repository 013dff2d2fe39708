"""The same bits: whatever the machine, the compiler, the process, or the order of rows."""

import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__

import sim
from sim import ClusterModel, Scenario, world
from sim.compiled import source_hash
from sim.ledger import STARTUP
from sim.parameters import SECTIONS, Parameters
from sim.world import FUND, HOLDING, NODE

MONTHS = 24
#: instructions that glibc's libm may use; unknown names do no harm
LIBM = ",".join(f"-{name}" for name in ("AVX2", "AVX2_Usable", "FMA", "FMA_Usable", "FMA4", "FMA4_Usable", "AVX512F",
                                        "AVX512F_Usable", "AVX", "AVX_Usable"))  # fmt: skip

DIGEST = """
import sys
from sim import ClusterModel
print(ClusterModel.from_scenario(sys.argv[1], seed=int(sys.argv[2])).run(int(sys.argv[3])).digest)
"""

DRAWS = """
import hashlib
import numpy as np
from sim.compiled import exp, log
from sim.randomness import Draws, identity, normal, poisson, uniform
np.seterr(over="ignore")
digest = hashlib.sha256()
for seed, month in ((1, 0), (2, -7), (2**70, 119)):
    key = Draws(seed, month)("zone")
    for i in range(300):
        uid = np.uint64(identity(np.uint64(i), np.uint64(3), np.uint64(1)))
        some = (uid, uniform(key, uid, 0), normal(key, uid, 1), poisson(0.4, key, uid, 3),
                poisson(777.0, key, uid, 4), exp(i / 7 - 20), log(i + 0.3))
        digest.update(repr([float(number).hex() for number in some]).encode())
print(digest.hexdigest())
"""

#: where compiled code is kept, and whether it can be written there
PLACE = """
import os
import numba
import sim.compiled
print(numba.config.CACHE_DIR, os.access(os.path.dirname(numba.config.CACHE_DIR), os.W_OK))
"""


def output(script: str, *arguments: str, **environment: str) -> str:
    """Return what a script prints in a process of its own."""
    root = str(pathlib.Path(sim.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script, *arguments],
        env=os.environ | {"PYTHONPATH": root} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def digest(name: str, seed: int, months: int) -> str:
    """Return the digest of a run in this process."""
    return ClusterModel.from_scenario(name, seed=seed).run(months).digest


# Machines


def test_code_compiled_from_other_sources_is_not_found_also_in_a_folder_that_somebody_names(tmp_path):
    own = tmp_path / source_hash()[:16]
    assert output(PLACE, NUMBA_CACHE_DIR=str(tmp_path)) == f"{own} True"
    assert output(PLACE, NUMBA_CACHE_DIR=str(own)) == f"{own} True"  # of a process that another started


def test_without_a_place_to_write_compiled_code_is_kept_until_the_end():
    nowhere = dict.fromkeys(("HOME", "XDG_CACHE_HOME"), os.devnull) | {"NUMBA_CACHE_DIR": ""}
    folder, writable = output(PLACE, **nowhere).split()
    assert writable == "True"
    assert not pathlib.Path(folder).parent.exists()


@pytest.mark.slow
def test_a_plain_processor_gives_the_same_bits(tmp_path):
    """Compile for a generic processor, and keep NumPy and the C library from the faster instructions."""
    fast = [name for name in __cpu_dispatch__ if __cpu_features__[name]]
    plain = {
        "NUMBA_CPU_NAME": "generic",
        "NUMBA_CACHE_DIR": str(tmp_path),
        "NPY_DISABLE_CPU_FEATURES": " ".join(fast),
        "GLIBC_TUNABLES": f"glibc.cpu.hwcaps={LIBM}",
    }
    assert output(DIGEST, "rent-cut", "1", "12", **plain) == digest("rent-cut", 1, 12)


def test_draws_and_arithmetic_are_the_same_without_compilation():
    assert output(DRAWS) == output(DRAWS, NUMBA_DISABLE_JIT="1")


SMALL = """
from sim import ClusterModel, Scenario
small = Scenario.load("rent-cut").with_values(
    {"initial.history_months": 14, "initial.residual_months": 4, "births.founding_scale": 4.0, "start": "2025-07"})
print(ClusterModel.from_scenario(small, seed=1, cell_km=1.0).run(2).digest)
"""


@pytest.mark.slow
def test_a_run_is_the_same_without_compilation():
    assert output(SMALL) == output(SMALL, NUMBA_DISABLE_JIT="1")


# Rows and processes


def test_the_same_seed_gives_the_same_bits_and_another_seed_others():
    first = digest("rent-cut", 1, MONTHS)
    assert digest("rent-cut", 1, MONTHS) == first
    assert digest("rent-cut", 2, MONTHS) != first


def test_seeds_may_be_zero_negative_or_huge():
    assert len({digest("baseline", seed, 1) for seed in (0, -1, 2**63)}) == 3


@pytest.mark.parametrize("name", ["rent-cut", "north-space"])
def test_the_order_of_rows_in_the_ledger_changes_no_bit(name):
    mixed = ClusterModel.from_scenario(name, seed=1)
    ledger = mixed.world.startups
    ledger.replace(ledger.whole()[np.random.default_rng(8).permutation(ledger.n)].copy())
    assert mixed.run(MONTHS).digest == digest(name, 1, MONTHS)


def test_the_order_of_funds_changes_no_bit():
    mixed = ClusterModel.from_scenario("baseline", seed=1)
    order = np.random.default_rng(9).permutation(len(mixed.world.funds))
    mixed.world.funds = mixed.world.funds[order]
    held = mixed.world.holdings.rows
    held["fund"] = np.argsort(order)[held["fund"]]
    assert mixed.run(MONTHS).digest == digest("baseline", 1, MONTHS)


def test_the_digest_sees_one_head_more():
    run = ClusterModel.from_scenario("baseline", seed=1)
    run.world.startups["heads"][5] += 2.0**-15
    assert run.run(1).digest != digest("baseline", 1, 1)


def test_a_run_in_two_parts_is_a_run():
    whole, parts = (ClusterModel.from_scenario("rent-cut", seed=3) for _ in range(2))
    last = whole.run(18).rows[18]
    parts.run(7)
    assert np.array_equal(last, parts.run(11).rows[18])


# Records that plain Python and compiled code read alike


@pytest.mark.parametrize("table", [STARTUP, FUND, NODE, HOLDING], ids=["startup", "fund", "node", "holding"])
def test_every_field_of_a_row_reads_alike_compiled_and_plain(table):
    """NumPy's records have attributes of their own, such as size, that hide a field of that name."""
    row = np.zeros(1, dtype=table)[0]
    for i, name in enumerate(table.names):
        row[name] = i + 2
    unlike = [name for i, name in enumerate(table.names) if getattr(row, name, None) != i + 2]
    assert unlike == []


def test_every_parameter_reads_alike_compiled_and_plain():
    parameters = Parameters.of(Scenario.load("baseline"))
    for section in SECTIONS:
        record = getattr(parameters, section)
        for name in record.dtype.names:
            same = getattr(record, name) == record[name]
            assert np.all(same | (record[name] != record[name])), (section, name)


def test_sums_of_exact_numbers_do_not_depend_on_their_order():
    numbers = np.array([world.exact(x) for x in np.random.default_rng(1).lognormal(3, 2, 5000)])
    forward = backward = 0.0
    for x in numbers:
        forward += x
    for x in numbers[::-1]:
        backward += x
    assert forward == backward
    assert np.abs(numbers * 2**20 - np.round(numbers * 2**20)).max() == 0.0
