"""The command ``sim``: what it prints, its exit codes, and what hostile files get."""

import json
import os
import shlex
import subprocess
import sys
import time
from importlib.metadata import version

import click
import pytest
from click.testing import CliRunner

import sim
from sim.__main__ import cli
from sim.places import shipped_folder
from sim.scenario import Scenario


def run(*args: object):
    """Run the command inside this process."""
    return CliRunner().invoke(cli, [str(arg) for arg in args])


def in_python(code: str) -> str:
    """Run code in a fresh interpreter and return what it prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


# What it prints


def test_list_names_every_shipped_scenario_with_its_policies():
    lines = run("list").stdout.splitlines()[1:]
    assert [line.split()[0] for line in lines] == Scenario.shipped()
    rows = json.loads(run("list", "--json").stdout)
    assert {row["id"]: row["policies"] for row in rows}["rent-cut"] == ["north-latitude-rent"]
    assert {row["name_zh"] for row in rows} >= {"基准情景", "北纬社区租金减免"}


def test_show_prints_every_value_with_its_unit_and_where_it_comes_from():
    file = shipped_folder() / "rent-cut.toml"
    lines = run("scenario", "show", file, "--origin").stdout.splitlines()
    (share,) = [line for line in lines if line.startswith("policies.north-latitude-rent.share ")]
    number = next(i for i, text in enumerate(file.read_text().splitlines(), 1) if text == "share = 0.5")
    assert share.split() == ["policies.north-latitude-rent.share", "0.5", "share", f"{file}:{number}"]
    (limit,) = [line for line in lines if line.startswith("land.rent_step_limit ")]
    assert limit.endswith("default")
    values = json.loads(run("scenario", "show", "rent-cut", "--json").stdout)["values"]
    assert values["births.outside_pull"] == {"value": 0.5, "unit": None}
    assert set(values) == {entry.key for entry in Scenario.load("rent-cut").entries()}


def test_validate_goes_on_after_a_bad_file(tmp_path):
    bad = tmp_path / "bad.toml"
    bad.write_text('nam = "x"')
    good = shipped_folder() / "baseline.toml"
    result = run("scenario", "validate", bad, good)
    assert result.exit_code == 2
    assert result.stdout == f"{good}: ok\n"
    assert f'{bad}:1:1: nam: unknown key; did you mean "name"?' in result.stderr.splitlines()
    assert run("scenario", "validate", good).exit_code == 0


def test_schema_prints_what_is_shipped():
    shipped = (shipped_folder() / "scenario.schema.json").read_text(encoding="utf-8")
    assert run("scenario", "schema").stdout == shipped


def test_every_command_has_help_with_an_example():
    def commands(command: click.Command, path: tuple[str, ...]):
        yield path
        for name, inner in getattr(command, "commands", {}).items():
            yield from commands(inner, (*path, name))

    for path in commands(cli, ()):
        result = run(*path, "--help")
        assert result.exit_code == 0
        if path != ("scenario",):
            assert "Example: sim " in result.stdout, path


def test_bad_usage_and_unknown_scenarios_end_with_2_and_a_hint():
    assert run("scenario", "show", "baseline", "--bogus").exit_code == 2
    result = run("scenario", "show", "rentcut")
    assert (result.exit_code, result.stdout) == (2, "")
    assert 'did you mean "rent-cut"?' in result.stderr


def test_a_fault_of_the_program_is_one_line_and_no_traceback(monkeypatch):
    def fail(_id: str) -> Scenario:
        raise RuntimeError("boom \x1b[31m")

    monkeypatch.setattr(Scenario, "load", fail)
    result = run("scenario", "show", "baseline")
    assert result.exit_code == 70
    assert "boom \\x1b[31m" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    monkeypatch.setenv("SIM_DEBUG", "1")
    assert isinstance(run("scenario", "show", "baseline").exception, RuntimeError)


@pytest.mark.parametrize(("error", "code"), [(OSError("no room"), 4), (KeyboardInterrupt(), 130)])
def test_environment_and_interruption_have_codes_of_their_own(monkeypatch, error, code):
    def fail(_id: str) -> Scenario:
        raise error

    monkeypatch.setattr(Scenario, "load", fail)
    assert run("scenario", "show", "baseline").exit_code == code


def test_an_interruption_that_compiled_code_turns_into_another_error_is_no_fault_of_the_program(monkeypatch):
    def fail(_id: str) -> Scenario:
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt as error:
            raise SystemError("returned a result with an exception set") from error

    monkeypatch.setattr(Scenario, "load", fail)
    result = run("scenario", "show", "baseline")
    assert (result.exit_code, result.stderr) == (130, "interrupted\n")


@pytest.mark.parametrize(
    ("error", "hinted"),
    [(PermissionError("no"), True), (ConnectionError("gone"), False), (TimeoutError("30 s"), False)],
)
def test_another_results_folder_is_proposed_only_where_files_are_the_trouble(monkeypatch, error, hinted):
    def fail(_id: str) -> Scenario:
        raise error

    monkeypatch.setattr(Scenario, "load", fail)
    result = run("scenario", "show", "baseline")
    assert result.exit_code == 4
    assert ("--out" in result.stderr) == hinted


# What it loads


def test_scenario_commands_load_no_heavy_library():
    # one after the other in one interpreter, which forgets no module
    commands = [["--help"], ["list"], ["scenario", "show", "baseline"], ["scenario", "schema"]]
    heavy = in_python(
        "import sys, contextlib, io\n"
        "from sim.__main__ import cli\n"
        f"for command in {commands!r}:\n"
        "    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        "        cli.main(command)\n"
        "    print(command, [m for m in ('mesa', 'numba', 'pandas', 'scipy') if m in sys.modules])"
    )
    assert heavy.splitlines() == [f"{command} []" for command in commands]


def test_help_loads_neither_numpy_nor_pydantic():
    code = "import sys, sim, sim.__main__; print([m for m in ('numpy', 'pydantic') if m in sys.modules])"
    assert in_python(code) == "[]"


def test_public_names_are_at_most_ten_and_none_is_a_module():
    assert len(sim.__all__) <= 10
    modules = {path.stem for path in (shipped_folder().parent / "sim").glob("*.py")}
    assert not modules & set(sim.__all__)
    assert sim.Scenario is Scenario
    assert sim.__version__ == version("haidian-sim")
    assert set(sim.__all__) <= set(dir(sim))
    with pytest.raises(AttributeError, match="scenaro"):
        _ = sim.scenaro


# Hostile files

BRACKETS = 100_000
CORPUS = {
    "nested brackets": b"a = " + b"[" * BRACKETS + b"]" * BRACKETS,
    "nested open brackets": b'name = "x"\na = ' + b"[" * BRACKETS,
    "nested tables": b"a = " + b"{a = " * BRACKETS,
    "long dotted key": b"a." * 400_000 + b"a = 1",
    "long header": b"[" + b"a." * 400_000 + b"a]",
    "huge integer": b"months = " + b"9" * 20_000,
    "huge hexadecimal integer": b"months = 0x" + b"f" * 20_000,
    "integer beyond floats": b"land.rent_step_limit = 1" + b"0" * 90,
    "nan": b"[births]\nheredity = nan",
    "inf": b"[births]\nheredity = -inf",
    "overflow": b"[births]\nheredity = 1e999",
    "byte order mark": b'\xef\xbb\xbfname = "x"',
    "UTF-16": 'name = "x"'.encode("utf-16"),
    "UTF-16 without mark": 'name = "x"'.encode("utf-16-le"),
    "not UTF-8": 'name = "北"'.encode("gb18030"),
    "NUL": b'name = "a\0b"',
    "50 MB": None,
    "duplicate keys": b'name = "x"\nname = "y"',
    "many values": b"a = [" + b"1," * 400_000 + b"]",
    "many tables": b"[[a]]\n" * 150_000,
    "many keys": b"\n".join(b"k%d=1" % i for i in range(100_000)),
    "open strings": b'a = """' + b'\n\\"""' * 150_000,
    "quotes": b"a = " + b'"' * 900_000,
    "newlines": b"\n" * 900_000 + b"x",
    "empty": b"",
}


@pytest.mark.parametrize("kind", CORPUS)
def test_a_malformed_file_ends_with_2_and_a_position_in_bounded_time(tmp_path, kind):
    file = tmp_path / "file.toml"
    if CORPUS[kind] is None:
        with file.open("wb") as big:
            big.truncate(50_000_000)
    else:
        file.write_bytes(CORPUS[kind])
    began = time.process_time()  # of this process alone, however busy the machine is
    result = run("scenario", "validate", file)
    took = time.process_time() - began
    print(f"{kind}: {took:.3f} s")
    assert result.exit_code == 2
    assert took < 10  # promised: 1 s
    assert result.stderr.splitlines()
    for line in result.stderr.splitlines():
        assert line.startswith(f"{file}:")
        assert all(number.isdigit() for number in line.removeprefix(f"{file}:").split(":")[:2])


def test_a_malformed_file_takes_little_memory(tmp_path):
    file = tmp_path / "file.toml"
    file.write_bytes(CORPUS["nested brackets"])
    script = (
        "import sim.__main__ as m\n"
        f"try: m.cli.main(['scenario', 'validate', {str(file)!r}])\n"
        "finally:\n"
        "    import os, resource\n"
        "    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"  # on Linux not below its parent's
        "    proc = '/proc/self/status'\n"
        "    print(open(proc).read() if os.path.exists(proc) else f'VmHWM: {own}')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    peak = int(done.stdout.partition("VmHWM:")[2].split()[0])
    print(f"peak {peak / 1000:.0f} MB")
    assert peak < 2_000_000  # kB; promised: 200 MB


@pytest.mark.parametrize("name", ["", "no-such.toml", "nul\0.toml", "a" * 5000 + ".toml", "\udcff.toml"])
def test_a_file_that_cannot_be_read_ends_with_2(tmp_path, name):
    result = run("scenario", "validate", os.path.join(tmp_path, name))
    assert result.exit_code == 2
    assert result.stderr.splitlines()[0].startswith(str(tmp_path))


def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.toml")
    result = run("scenario", "validate", tmp_path / "pipe.toml")
    assert result.exit_code == 2
    assert "is not a regular file" in result.stderr


def test_a_hostile_file_name_does_not_reach_the_terminal(tmp_path):
    file = tmp_path / "a\x1b[31m\u202e.toml"
    file.write_text("nam = 1")
    result = run("scenario", "validate", file)
    assert result.exit_code == 2
    assert "\\x1b[31m\\u202e.toml:1:1: nam: unknown key" in result.stderr
    assert "\x1b" not in result.stderr


def test_a_reader_that_goes_away_is_no_failure():
    command = f"{shlex.quote(sys.executable)} -m sim scenario schema | head -c 10; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
