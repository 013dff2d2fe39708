"""Notebooks run, come in pairs, hold no outputs, and each teaches: question, picture, what to see, exercise, solution.

What Jupyter shows of a model and of a comparison is tested here too. Executing the notebooks takes the group
``notebooks`` and a kernel each; the other tests read the files alone.
"""

import html.parser
import io
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from matplotlib.image import imread

from sim import ClusterModel, Scenario, compare
from sim.figures import inline
from sim.figures.style import PNG_SCALE
from sim.summary import headline_rows

ROOT = pathlib.Path(__file__).parent.parent
FOLDER = ROOT / "notebooks"
SCRIPTS = sorted(FOLDER.glob("[0-9]*.py"))
HOSTILE = "</script><img src=x onerror=alert(1)>{{7*7}}$x$"

named = pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)


def text_of(path):
    return path.read_text(encoding="utf-8")


def cells_of_script(path):
    """Return kind, tags and source of each cell of a script in the percent format."""
    found = []
    for part in re.split(r"^# %%", text_of(path), flags=re.MULTILINE)[1:]:
        head, _, body = part.partition("\n")
        kind = "markdown" if "[markdown]" in head else "code"
        tags = re.findall(r"tags=\[(.*?)\]", head)
        source = body.strip("\n")
        if kind == "markdown":
            source = "\n".join(line.removeprefix("#").removeprefix(" ") for line in source.splitlines())
        found.append((kind, json.loads(f"[{tags[0]}]") if tags else [], source))
    return found


def notebook_of(path):
    return json.loads(text_of(path.with_suffix(".ipynb")))


def cells_of_notebook(path):
    return [
        (cell["cell_type"], cell["metadata"].get("tags", []), "".join(cell["source"]))
        for cell in notebook_of(path)["cells"]
    ]


# The files


def test_notebooks_are_numbered_from_1_and_listed_in_order():
    assert [int(path.stem[:2]) for path in SCRIPTS] == list(range(1, 11))
    assert [path.with_suffix(".py") for path in sorted(FOLDER.glob("*.ipynb"))] == SCRIPTS
    listed = re.findall(r"^\| \[(\w+)\]\((\w+)\.ipynb\)", text_of(FOLDER / "README.md"), re.MULTILINE)
    assert listed == [(path.stem, path.stem) for path in SCRIPTS]


@named
def test_script_and_notebook_say_the_same(script):
    assert cells_of_notebook(script) == cells_of_script(script)


@named
def test_a_notebook_holds_no_output_and_names_no_machine(script):
    notebook = notebook_of(script)
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            assert cell["execution_count"] is None
            assert not set(cell["metadata"]) - {"tags", "jupyter"}
    assert set(notebook["metadata"]) <= {"kernelspec", "language_info", "jupytext"}
    for text in (text_of(script), text_of(script.with_suffix(".ipynb"))):
        assert not re.search(r"[\"' ](?:/home|/root|/tmp|/Users|[A-Z]:\\\\)", text)


@named
def test_a_notebook_asks_shows_and_has_exercises_with_solutions(script):
    cells = cells_of_script(script)
    prose = "\n".join(source for kind, _, source in cells if kind == "markdown")
    assert prose.startswith(f"# {int(script.stem[:2])}. ")
    assert "**Question.**" in prose
    assert "**What to see.**" in prose
    assert "plt.show()" in "\n".join(source for kind, _, source in cells if kind == "code")
    tags = [tag for _, tags, _ in cells for tag in tags]
    exercises = re.findall(r"^\d\. ", prose.partition("## Exercises")[2], re.MULTILINE)
    assert tags == ["exercise"] + ["solution"] * len(exercises)
    assert len(exercises) >= 1


@named
def test_no_number_of_a_run_is_typed_into_the_prose(script):
    """Numbers in prose are those of the code, years of sources, or written with the word for what they are."""
    for kind, _, source in cells_of_script(script):
        if kind == "markdown":
            seen = re.findall(r"\*\*What to see\.\*\*(.*?)(?:\n\n|\Z)", source, re.DOTALL)
            assert not re.search(r"\d+(?:\.\d+)? ?%|\d+\.\d", " ".join(seen))


# What Jupyter shows


@pytest.fixture(scope="module")
def parks():
    """Return a small made world with a hostile name."""
    world = {"kind": "line", "parks": 3, "startups": [30, 5, 5]}
    return Scenario.model_validate({"id": "parks", "name": HOSTILE, "months": 6, "world": world})


@pytest.fixture(scope="module")
def comparison(parks, tmp_path_factory):
    cut = {"kind": "rent-cut", "zones": ["park-2"], "share": 0.9, "from": "2025-01"}
    policy = parks.with_values({"policies.cut": cut}).model_copy(update={"id": "<b>cut & run</b>"})
    folder = tmp_path_factory.mktemp("parks")
    return compare([policy], parks, seeds=2, workers=0, out=folder / "results", figures=False)


class Tags(html.parser.HTMLParser):
    """Takes down the tags of a page, its images, and the text of each cell."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.images, self.cells, self.rest = [], [], [], ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag == "img":
            self.images.append(dict(attrs))
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_data(self, data):
        if self.tags[-1] in ("td", "th"):
            self.cells[-1] += data
        else:
            self.rest += data


def test_a_model_shows_itself_as_a_map_of_all_its_startups(parks, monkeypatch):
    drawn = []
    real = inline.draw_levels

    def draw(ax, by_zone, *rest):
        drawn.append(by_zone)
        real(ax, by_zone, *rest)

    monkeypatch.setattr(inline, "draw_levels", draw)
    model = ClusterModel.from_scenario(parks)
    model.run(2)
    data, shown = model._repr_png_()
    (by_zone,) = drawn
    zones = [startup.zone for startup in model.startups]
    assert by_zone.tolist() == [zones.count(f"park-{i}") for i in (1, 2, 3)]
    pixels = imread(io.BytesIO(data))
    assert pixels.shape[:2] == (PNG_SCALE * shown["height"], PNG_SCALE * shown["width"])
    assert len(np.unique(pixels.reshape(-1, pixels.shape[2]), axis=0)) > 20


def test_to_look_at_a_model_changes_nothing(parks):
    looked, other = (ClusterModel.from_scenario(parks, seed=3) for _ in range(2))
    looked._repr_png_()
    first, second = looked.run(3), other.run(3)
    assert first.digest == second.digest


def test_a_model_without_startups_shows_itself(parks):
    empty = parks.model_copy(update={"world": parks.world.model_copy(update={"startups": (0,)})})
    assert ClusterModel.from_scenario(empty)._repr_png_()[0].startswith(b"\x89PNG")


def test_a_comparison_shows_the_headlines_of_its_table_and_a_picture(comparison):
    page = Tags(comparison._repr_html_())
    rows = headline_rows(comparison)
    assert page.cells == [cell if i == 0 else cell.strip() for i, row in enumerate(rows) for cell in row]
    assert len(rows) == 1 + len(comparison.compared)
    (image,) = page.images
    assert image["src"].startswith("data:image/png;base64,")


def test_names_are_text_in_what_a_comparison_shows(comparison):
    page = Tags(comparison._repr_html_())
    assert set(page.tags) == {"div", "table", "caption", "thead", "tbody", "tr", "th", "td", "p", "img"}
    assert "<b>cut & run</b>" in page.cells
    assert "<b>cut & run</b>" in page.rest


def test_a_comparison_without_a_finished_pair_shows_no_picture(comparison, monkeypatch):
    monkeypatch.setattr(comparison, "seeds", ())
    assert not Tags(comparison._repr_html_()).images


# The notebooks at work


@pytest.mark.notebook
@named
def test_jupytext_reads_the_pair_as_one(script):
    import jupytext

    read = [jupytext.read(path) for path in (script, script.with_suffix(".ipynb"))]
    plain = [
        [(c.cell_type, c.source, c.metadata.get("tags", [])) for c in notebook.cells] for notebook in read
    ]
    assert plain[0] == plain[1]


def said_by(output):
    """Return the text of an output, without the pixels of pictures in it."""
    texts = [text for kind, text in output.get("data", {}).items() if kind.startswith("text/")]
    return re.sub(r"base64,[A-Za-z0-9+/=]+", "", output.get("text", "") + "\n".join(texts))


@pytest.mark.notebook
@named
def test_a_notebook_runs_from_top_to_bottom(script, tmp_path):
    import nbformat
    from nbclient import NotebookClient

    folder = tmp_path / "notebooks"
    folder.mkdir()
    (tmp_path / "results").mkdir()
    (tmp_path / "docs").mkdir()
    shutil.copy(ROOT / "docs" / "klepper.py", tmp_path / "docs")
    notebook = nbformat.read(script.with_suffix(".ipynb"), as_version=4)
    NotebookClient(notebook, timeout=900, resources={"metadata": {"path": str(folder)}}).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert any("image/png" in output.get("data", {}) for output in outputs)
    for output in outputs:
        said = said_by(output)
        assert "Warning" not in said
        for private in (tmp_path, ROOT, pathlib.Path.home()):
            assert str(private) not in said
    assert {path.name for path in tmp_path.iterdir()} == {"notebooks", "results", "docs"}
    assert not list(folder.iterdir())


#: what a reader is likely to change in a notebook, by its number: the text that is there, and another
OTHER_NUMBERS = {
    3: ("cells, path = 5,", "cells, path = 3,"),
    4: ("SEED, MONTHS = 1, 48", "SEED, MONTHS = 2, 24"),
    5: ("SEEDS, MONTHS = (1, 2), 72", "SEEDS, MONTHS = (1,), 12"),
    6: ("SEEDS, MONTHS = (1, 2, 3), 48", "SEEDS, MONTHS = (1,), 24"),
    7: ("SEEDS, MONTHS = 8, 24", "SEEDS, MONTHS = 4, 12"),
    8: ("MONTHS, VECTORS = 18, 24", "MONTHS, VECTORS = 12, 4"),
    9: ("seeds=6", "seeds=2"),
    10: ("seeds=5", "seeds=2"),
}


def failure_of(number, there, other, tmp_path):
    """Run a notebook's script with another text in the place of one, beside what it needs; return what went wrong."""
    (script,) = FOLDER.glob(f"{number:02d}_*.py")
    text = text_of(script)
    assert text.count(there) == 1
    for folder in ("notebooks", "results", "docs"):
        (tmp_path / folder).mkdir()
    shutil.copy(ROOT / "docs" / "klepper.py", tmp_path / "docs")
    (tmp_path / "notebooks" / script.name).write_text(text.replace(there, other), encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg"}
    done = subprocess.run([sys.executable, script.name], cwd=tmp_path / "notebooks", env=environment,
                          capture_output=True, text=True, check=False)  # fmt: skip
    return done.stderr[-2000:] if done.returncode else ""


@pytest.mark.notebook
@pytest.mark.parametrize("number", OTHER_NUMBERS)
def test_a_notebook_runs_with_other_numbers(number, tmp_path):
    assert failure_of(number, *OTHER_NUMBERS[number], tmp_path) == ""


@pytest.mark.notebook
def test_below_the_fold_and_above_1_the_worlds_of_notebook_3_do_not_depend_on_the_way_there(tmp_path):
    said = 'print(f"a cluster holds down to {fold:.3f}, but an even world tips only at 1")\n'
    same = (
        "for strength, one, other in zip(path, tops['lowered'][::-1], tops['raised'], strict=True):\n"
        "    assert fold <= strength <= 1 or abs(one - other) < 1e-6, strength\n"
    )
    assert failure_of(3, said, said + same, tmp_path) == ""
