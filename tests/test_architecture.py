"""The walls of the house: which module may import which, who draws, what the code may not name."""

import ast
import inspect
import pathlib
import re

import numpy as np
import pytest
from conftest import LONGEST

import sim
from sim.paired import MEANINGS, METRICS
from sim.parameters import SECTIONS
from sim.places import read_world

PACKAGE = pathlib.Path(sim.__file__).parent
SOURCES = sorted(PACKAGE.rglob("*.py"))
#: imports point down this list: a module may import those of lines above its own, and of its own line
LAYERS = [
    ["language", "compiled", "provenance"],
    ["alignment", "rounding", "problems", "progress", "randomness", "parameters", "indices", "files"],
    ["toml_source", "places", "made_worlds", "csv_source", "districts", "plugins"],
    ["space", "terms", "scenario_files"],
    ["measures", "meanings"],
    ["levers", "ledger"],
    ["policy"],
    ["explain", "world"],
    ["matching"],
    ["announced", "city"],
    ["scenario"],
    ["processes", "schema"],
    ["given", "counts"],
    ["history", "record"],
    ["agent_sets", "startups", "agents", "district", "collector", "checkpoint"],
    ["model"],
    ["plan", "warmup", "designs", "accepted"],
    ["study_tables"],
    ["dotted_keys"],
    ["study_files"],
    ["store"],
    ["work", "intervals", "additionality", "controls", "spending"],
    ["pool"],
    ["batch", "dask_executor"],
    ["studies", "probe"],
    ["paired", "summary"],
    ["effects"],
    ["evaluation"],
    ["figures"],
    ["report"],
    ["drawing", "new_city"],
    ["calibration"],
    ["verify"],
    ["app"],
    ["study_commands", "world_commands", "plugin_commands"],
    ["__main__", "__init__"],
]
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}


def module_of(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports_of(path, everywhere=False):
    """Return the modules of the package that a file imports: at its top, or anywhere."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = ast.walk(tree) if everywhere else tree.body
    found = set()
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "sim":
            module = node.module.split(".")
            names = [module[1:]] if len(module) > 1 else [[alias.name] for alias in node.names]
            found |= {".".join(name) for name in names}
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_down(path):
    own = module_of(path)
    for imported in imports_of(path):
        top = imported.split(".")[0]
        if top != own:
            assert LEVEL[top] <= LEVEL[own], f"{own} imports {top}"


def test_the_files_that_begin_first_are_there():
    assert {name for name in LONGEST if not (pathlib.Path(__file__).parent / name).exists()} == set()


@pytest.mark.parametrize("path", sorted((PACKAGE / "processes").glob("*.py")), ids=lambda p: p.stem)
def test_no_process_imports_a_process(path):
    assert not [name for name in imports_of(path, everywhere=True) if name.startswith("processes")]


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_no_source_draws_but_by_address(path):
    # resampling, shuffling and points of a design, with seeds of their own
    if path.stem in ("intervals", "discovery", "designs"):
        return
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"np\.random|numpy\.random|import random|default_rng", text)


def test_what_decides_a_trajectory_uses_portable_arithmetic_only():
    for path in [
        *(PACKAGE / "processes").glob("*.py"),
        *(PACKAGE / name for name in ("history.py", "matching.py", "space.py")),
    ]:
        text = path.read_text(encoding="utf-8")
        found = re.findall(
            r"np\.(?:exp|log|log1p|expm1|power|dot|matmul|einsum|mean|sum)\(|math\.(?!isnan)|\*\*| @ ", text
        )
        code = [f for f in found if f not in ("**",)]
        assert not code, f"{path.name}: {code}"


@pytest.mark.parametrize("name", sorted(set(sim.__all__) - {"__version__"}))
def test_tools_learn_the_type_of_all_that_a_public_name_takes_and_returns(name):
    assert (PACKAGE / "py.typed").exists()
    thing = getattr(sim, name)
    members = [
        getattr(m, "__func__", m) for key, m in vars(thing).items() if key[0] != "_" or key == "__init__"
    ]
    for function in [thing, *members]:
        if inspect.isfunction(function) and function.__module__.startswith("sim."):
            taken = inspect.signature(function).parameters
            untold = [key for key in taken if key != "self" and key not in function.__annotations__]
            assert set(untold) <= {"cls"}, function.__qualname__
            assert "return" in function.__annotations__, function.__qualname__


def test_no_public_name_is_a_module():
    modules = {module_of(path) for path in SOURCES}
    assert not modules & set(sim.__all__)
    assert len(sim.__all__) <= 10


def test_the_code_names_no_city_but_in_sources():
    for path in SOURCES:
        if path.parent.name == "parameters" or path.stem in (
            "compiled",
            "provenance",
            "__init__",
            "__main__",
            "problems",
        ):
            continue  # sources of figures, and the name of the distribution
        text = path.read_text(encoding="utf-8").replace("haidian.mplstyle", "")
        assert not re.search("haidian|beijing|zhongguancun", text, re.IGNORECASE), path.name


def test_the_code_names_no_zone_and_no_node():
    world = read_world("haidian")
    names = [item.id for item in (*world.zones, *world.nodes)]
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        for name in names:
            assert not re.search(rf"[\"'`]{re.escape(name)}[\"'`]", text), f"{path.name} names {name}"


def test_modules_and_functions_stay_short():
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        assert text.count("\n") <= 600, path.name
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                if body:
                    assert body[-1].end_lineno - body[0].lineno < 60, f"{path.name}: {node.name}"


@pytest.mark.parametrize("section", SECTIONS)
def test_every_parameter_says_what_it_is_and_who_said_so(section):
    for name, field in SECTIONS[section].model_fields.items():
        about = field.json_schema_extra
        assert field.description.endswith("."), name
        assert about["unit"], name
        assert about["source"], name
        assert about["sweep"], name
        assert about.get("bounds") or field.annotation is bool or "Literal" in str(field.annotation), name


@pytest.mark.parametrize("section", SECTIONS)
def test_the_sweep_of_a_parameter_lies_within_its_bounds(section):
    for name, field in SECTIONS[section].model_fields.items():
        about = field.json_schema_extra
        if "bounds" in about and isinstance(about["sweep"], list):
            low, high = about["bounds"]
            assert all(low <= value <= high for value in np.ravel(about["sweep"])), name


def test_every_parameter_is_read():
    text = "\n".join(
        path.read_text(encoding="utf-8")
        for path in SOURCES
        if path.parent.name != "parameters" or path.stem == "__init__"
    )
    for section, kind in SECTIONS.items():
        for name in kind.model_fields:
            assert re.search(rf"\.{name}\b", text), f"{section}.{name} is read by nothing"


def test_the_package_holds_sources_and_its_own_data_only():
    kinds = {path.suffix for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert kinds <= {".py", ".json", ".mplstyle", ".html", ".css", ".js", ".po", ".mo", ".typed"}


def test_every_metric_has_a_meaning():
    assert list(MEANINGS) == list(METRICS)
