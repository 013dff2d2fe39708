"""Each case of ``sim verify`` finds errors of about one per cent that are put into the engine's source on purpose.

An error is a change of a line of a module of ``sim``. The functions that it touches are compiled anew, without the
cache, and take the place of the true ones wherever Python calls those; kernels of other modules keep what they have
compiled.
"""

import ast
import contextlib
import importlib
import operator
import pathlib
import sys
import tomllib
import types

import numba
import pytest

import sim
from sim import compiled, history
from sim.policy import policies_of
from sim.verify import cases

SOURCE = pathlib.Path(sim.__file__).parent
TABLE = pathlib.Path(__file__).with_name("deliberate_errors.toml")
ERRORS = tomllib.loads(TABLE.read_text(encoding="utf-8"))["errors"]


def functions(text: str) -> dict[str, ast.FunctionDef]:
    """Return the functions of a module by name, methods with their class before them."""
    found = {}
    for node in ast.parse(text).body:
        inner = node.body if isinstance(node, ast.ClassDef) else [node]
        owner = f"{node.name}." if isinstance(node, ast.ClassDef) else ""
        found |= {owner + part.name: part for part in inner if isinstance(part, ast.FunctionDef)}
    return found


def touched(before: str, after: str) -> set[str]:
    """Return the functions that a change of the module's text changes, and those that use them."""
    old, new = functions(before), functions(after)
    found = {name for name in new if ast.dump(new[name]) != ast.dump(old[name])}
    uses = {name: {n.id for n in ast.walk(node) if isinstance(n, ast.Name)} for name, node in new.items()}
    while more := {name for name, used in uses.items() if name not in found and used & found}:
        found |= more
    return found


def with_error(true: types.ModuleType, file: str, was: str, becomes: str) -> dict[str, object]:
    """Return those functions of a module that an error touches, compiled on first use and never kept."""
    text = (SOURCE / file).read_text(encoding="utf-8")
    assert text.count(was) == 1, f"{file}: {was!r} stands there {text.count(was)} times"
    wrong = text.replace(was, becomes)
    module, names = types.ModuleType(true.__name__), touched(text, wrong)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled, "kernel", numba.njit(error_model="numpy"))
        patch.setattr(compiled, "inlined_kernel", numba.njit(error_model="numpy", forceinline=True))
        exec(compile(wrong, f"<{file} with an error>", "exec"), module.__dict__)
    # what the error does not touch need not be compiled anew
    kept = [name for name in functions(wrong) if name not in names and "." not in name]
    vars(module).update({name: vars(true)[name] for name in kept})
    return {name: operator.attrgetter(name)(module) for name in names}


@contextlib.contextmanager
def engine_with(file: str, was: str, becomes: str):
    """Let functions with an error take the place of the true ones, and every history be lived anew."""
    true = importlib.import_module("sim." + file.removesuffix(".py").replace("/", "."))
    wrong = with_error(true, file, was, becomes)
    states = history._states.copy()
    history._states.clear()
    policies_of.cache_clear()
    with pytest.MonkeyPatch.context() as patch:
        for name, function in wrong.items():
            owner, _, method = name.rpartition(".")
            if owner:
                patch.setattr(vars(true)[owner], method, function)
                continue
            usual = vars(true)[name]
            for module in [m for key, m in sys.modules.items() if key.split(".")[0] == "sim"]:
                for key in [key for key, value in vars(module).items() if value is usual]:
                    patch.setattr(module, key, function)
        try:
            yield
        finally:
            history._states.clear()
            history._states.update(states)
            policies_of.cache_clear()


def failing(name: str) -> list[str]:
    """Return the quantities in which a case, at its defaults, disagrees with theory."""
    case = cases()[name]
    return [row.quantity for row in case.check(case.values(), 1) if not row.passed]


def test_every_case_has_a_deliberate_error_that_it_finds():
    assert {name for error in ERRORS for name in error["found_by"]} == set(cases())
    assert len({(error["file"], error["was"], error["becomes"]) for error in ERRORS}) == len(ERRORS) >= 10


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error["error"])
def test_the_line_of_an_error_stands_once_in_its_file(error):
    assert (SOURCE / error["file"]).read_text(encoding="utf-8").count(error["was"]) == 1


def test_a_source_without_an_error_is_no_error():
    line = "if age <= FIRST_YEAR:"
    with engine_with("processes/exits.py", line, "if age < FIRST_YEAR + 1:"):
        assert failing("survival") == []


def test_an_error_touches_its_function_and_those_that_use_it_and_no_other():
    text = (SOURCE / "processes/exits.py").read_text(encoding="utf-8")
    line = "if age <= FIRST_YEAR:"
    assert touched(text, text.replace(line, line + "  # as it was")) == set()
    assert touched(text, text.replace(line, "if age < 12:")) == {"failure_probability", "end", "end_startups"}


@pytest.mark.slow
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error["error"])
def test_a_deliberate_error_is_found(error):
    with engine_with(error["file"], error["was"], error["becomes"]):
        found = {name: failing(name) for name in error["found_by"]}
    assert all(found.values()), found
