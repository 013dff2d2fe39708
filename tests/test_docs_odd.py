"""docs/ODD.md describes this model: its elements, its schedule, its equations, their parameters and words."""

import ast
import inspect
import pathlib
import re
import textwrap

import pytest
from test_docs import DOCS, SOURCES, refresh, text_of

import sim
from sim import meanings
from sim.levers import LEVERS
from sim.model import ClusterModel
from sim.paired import METRICS
from sim.parameters import SECTIONS
from sim.places import read_world
from sim.record import SERIES
from sim.scenario import Scenario
from sim.world import CAPS

PACKAGE = pathlib.Path(sim.__file__).parent
PROCESSES = {
    path.stem: path for path in SOURCES if path.parent.name == "processes" and path.stem != "__init__"
}
ODD = text_of(DOCS / "ODD.md")
EQUATIONS = {
    int(section.split(".")[0]): section
    for section in re.split(r"^### E(?=\d)", re.split(r"^### Switches", ODD, flags=re.MULTILINE)[0], flags=re.MULTILINE)[1:]
}  # fmt: skip
CONCEPTS = (
    "Basic principles", "Emergence", "Adaptation", "Objectives", "Learning", "Prediction", "Sensing", "Interaction",
    "Stochasticity", "Collectives", "Observation",
)  # fmt: skip


def part(text, name):
    """Return the bullet of an equation's section that begins with a name."""
    found = re.search(rf"^- \*\*{name}:\*\*(.*?)(?=^- |^$)", text, re.MULTILINE | re.DOTALL)
    assert found, f"no {name}: {text[:40]!r}"
    return " ".join(found.group(1).split())


def files_of(text):
    """Return the files in which an equation lives: those named, and those of the functions named."""
    where = part(text, "Where")
    named = {PACKAGE.parent / path for path in re.findall(r"`(sim/[\w/]+\.py)`", where)}
    return named | {
        PROCESSES[module] for module, _ in re.findall(r"`(\w+)\.(\w+)`", where) if module in PROCESSES
    }


def functions_in(path):
    """Return the functions of a file, and the methods of its classes as Class.method."""
    names = set()
    for node in ast.parse(text_of(path)).body:
        if isinstance(node, ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.ClassDef):
            names |= {f"{node.name}.{item.name}" for item in node.body if isinstance(item, ast.FunctionDef)}
    return names


def equations_of(path):
    """Return the numbers of the equations that the docstring of a process file declares."""
    docstring = ast.get_docstring(ast.parse(text_of(path)))
    return {int(number) for number in re.findall(r"^\(E(\d+)\)", docstring, re.MULTILINE)}


def test_it_has_the_seven_elements_in_their_order():
    headings = re.findall(r"^## \d\. (.+)$", ODD, re.MULTILINE)
    assert headings == [
        "Purpose and patterns",
        "Entities, state variables, and scales",
        "Process overview and scheduling",
        "Design concepts",
        "Initialization",
        "Input data",
        "Submodels",
    ]


def test_it_has_the_eleven_design_concepts_in_their_order():
    section = ODD[ODD.index("## 4.") : ODD.index("## 5.")]
    assert tuple(re.findall(r"^\*\*([\w ]+)\.\*\*", section, re.MULTILINE)) == CONCEPTS


def test_the_schedule_is_the_order_of_step():
    tree = ast.parse(textwrap.dedent(inspect.getsource(ClusterModel.step)))
    calls = [
        (node.lineno, f"{node.func.value.id}.{node.func.attr}")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id in PROCESSES
    ]
    section = ODD[ODD.index("<!-- schedule -->") : ODD.index("<!-- end of schedule -->")]
    assert re.findall(r"^\| `(\w+\.\w+)` \|", section, re.MULTILINE) == [name for _, name in sorted(calls)]


def test_the_schedule_names_every_equation():
    section = ODD[ODD.index("<!-- schedule -->") : ODD.index("<!-- end of schedule -->")]
    named = {int(number) for number in re.findall(r"E(\d+)", section)}
    assert named == set(EQUATIONS) - {2, 3}  # computed before the first month


@pytest.mark.parametrize("path", PROCESSES.values(), ids=PROCESSES)
def test_every_equation_of_a_process_is_described(path):
    numbers = equations_of(path)
    assert numbers
    for number in numbers:
        assert number in EQUATIONS, f"E{number} of {path.name} is not described"
        assert path in files_of(EQUATIONS[number]), f"E{number} does not name {path.name}"
    marked = {int(number) for group in re.findall(r"\((?:part of )?E\d+[^)]*\)", text_of(path))
              for number in re.findall(r"E(\d+)", group)}  # fmt: skip
    assert marked <= set(EQUATIONS)


@pytest.mark.parametrize("number", EQUATIONS)
def test_every_equation_described_is_in_the_code(number):
    text = EQUATIONS[number]
    assert f"\\tag{{E{number}}}" in text
    assert any(path in PROCESSES.values() and number in equations_of(path) for path in files_of(text))
    for name in re.findall(r"`(\w+\.\w+)`", part(text, "Where")):
        module, function = name.split(".")
        if module in PROCESSES:
            assert function in functions_in(PROCESSES[module]), name
        else:
            assert any(name in functions_in(path) for path in files_of(text)), name


@pytest.mark.parametrize("number", EQUATIONS)
def test_every_equation_says_who_said_so_and_what_is_simplified(number):
    said = part(EQUATIONS[number], "Source")
    assert "sources.md#" in said or "ssumed" in said or "efinition" in said
    assert part(EQUATIONS[number], "Simplified")


@pytest.mark.parametrize("number", EQUATIONS)
def test_the_parameters_of_an_equation_are_read_where_it_lives(number):
    rows = refresh.ODD_ROW.findall(EQUATIONS[number])
    files = [*files_of(EQUATIONS[number]), PACKAGE / "parameters" / "__init__.py"]
    code = "\n".join(text_of(path) for path in files)
    for _, section, name in rows:
        assert name in SECTIONS[section].model_fields, f"{section}.{name}"
        assert re.search(rf"\.{name}\b", code), f"{section}.{name} is not read there"


def test_every_parameter_stands_in_a_table():
    listed = set(refresh.places_in_odd(ODD))
    assert listed == {f"{section}.{name}" for section, kind in SECTIONS.items() for name in kind.model_fields}


def test_every_counter_of_bounds_is_explained():
    table = ODD[ODD.index("| counter |") :].split("\n\n")[0]
    assert re.findall(r"`(\w+)`", table) == list(CAPS.names) == list(meanings.CAPS)


def test_names_of_scenarios_levers_and_series_are_made_of_words_of_the_lexicon():
    section = ODD[ODD.index("### Lexicon") : ODD.index("## 3.")]
    cells = re.findall(r"^\| (`.+?) \|", section, re.MULTILINE)
    lexicon = {word for cell in cells for word in re.findall(r"`(\w+)`", cell)}
    lexicon |= set(re.findall(r"`(\w+)`", section))
    places = {word for zone in read_world("haidian").zones for word in zone.id.split("-")}
    run = ClusterModel.from_scenario("baseline").run(1)
    names = {*Scenario.shipped(), *LEVERS, *METRICS, *SECTIONS, *(column.name for column in SERIES)}
    for table in (run.outcomes, run.region, run.presence, run.costs, run.deals):
        names |= set(table.column_names)
    for lever in LEVERS.values():
        names |= {field.alias or name for name, field in lever.model_fields.items()}
    for scenario in Scenario.shipped():
        names |= {lever.id for lever in Scenario.load(scenario).policies}
    words = {word for name in names for word in re.split("[-_]", name)}
    assert not words - lexicon - places
