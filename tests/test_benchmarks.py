"""Benchmarks: each runs to its end, however small; what one says of the month is said of lines that the month has."""

import pathlib
import subprocess
import sys

import pytest

FOLDER = pathlib.Path(__file__).parent.parent / "benchmarks"
#: the least that each can be asked for
SMALLEST = {
    "evaluation.py": ["--seeds 2 --real 1 --months 2 --repeats 1"],
    "mesa_face.py": ["--startups 200 --repeats 1"],
    "month.py": ["--startups 200 --months 1 --repeats 1"],
    "studies.py": [
        "overhead --runs 1 --months 2",
        "haidian --scenarios 2 --seeds 1 --months 2 --workers 1 2",
        "tiny --runs 20 --by process pool shards",
        "memory --runs 50",
    ],
    "textbook.py": ["--startups 200 --months 2 --seeds 1 --batch-months 2 --growth 200 --twin-most 10"],
}
COMMANDS = [(name, line) for name, lines in SMALLEST.items() for line in lines]


def run(name, *words):
    return subprocess.run(
        [sys.executable, FOLDER / name, *words], capture_output=True, text=True, timeout=600, check=False
    )


@pytest.mark.slow
@pytest.mark.parametrize(("name", "line"), COMMANDS, ids=[f"{name} {line}" for name, line in COMMANDS])
def test_a_benchmark_runs_to_its_end(name, line):
    if name == "mesa_face.py":
        pytest.importorskip("solara", reason="no drawing of Mesa: uv sync --extra viz")
    done = run(name, *line.split())
    assert done.returncode == 0, done.stderr
    assert done.stdout


@pytest.mark.browser
def test_the_benchmark_of_the_page_runs_to_its_end():
    done = run("page.py")
    assert done.returncode == 0, done.stderr
    assert "a month of rent" in done.stdout


def test_no_benchmark_is_left_out():
    assert {path.name for path in FOLDER.glob("*.py")} == {*SMALLEST, "page.py"}


def test_bytes_and_arithmetic_are_given_for_lines_of_the_month_only(monkeypatch):
    monkeypatch.syspath_prepend(FOLDER)
    import month

    names = [name for _, name in month.lines_of_step()]
    assert names.index("begin_month") < names.index("refresh_fields") < names.index("keep_list")
    assert set(month.LINES) | set(month.WORK) | set(month.MATRIX) <= set(names)
