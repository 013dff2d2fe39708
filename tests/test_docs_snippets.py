"""Every fenced block and every command on a page runs, or changes files as the page says.

A page is worked through from top to bottom in a copy of the tree. Python runs in one namespace a page; of a shell
block each line is a command, run inside this process where that is the same thing; a TOML block is a scenario file.
A comment before a block says that it changes files instead:

    <!-- file: PATH -->              the block is the whole content of PATH
    <!-- before: PATH: LINE -->      the block goes in front of LINE, which PATH has once
    <!-- after: PATH: LINE -->       the block goes behind LINE
    <!-- instead: PATH: LINE -->     the block replaces LINE

Pages that change files are run as commands of their own, which takes minutes and is marked slow; that their blocks
fit the tree is checked always. The two set-up commands are not run (they fetch from the net, and the second is this
very test run): what they start is looked up. What builds the site is run by `test_docs_site.py`. Runs use this process and draw no figures, which have tests of their own.
"""

import ast
import dataclasses
import importlib.util
import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
import tomllib

import click
import pytest
from click.testing import CliRunner
from test_docs import PAGES, ROOT, text_of, without_blocks

from sim.__main__ import cli

SET_UP = ("pip install uv && python -m uv run sim compare", "pip install uv && python -m uv run pytest")
RUN = "python -m uv run "
#: what builds the site of the documentation; run by tests/test_docs_site.py
SITE = (
    "python -m uv run --group docs sphinx-build -W docs docs/_build",
    "python -m uv run --group docs sphinx-build -W -D language=zh docs docs/_build/zh",
    "python -m uv run --group docs sphinx-build -Q -b gettext -D include_patterns=index.md,evaluation.md,report.md "
    "docs docs/_build/gettext",
    "python -m uv run --group docs sphinx-intl update -p docs/_build/gettext -d docs/locale -l zh",
)
BLOCK = re.compile(r"(?:^<!-- (\w+): ([^\n]+) -->\n+)?^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CHANGES = ("file", "before", "after", "instead")
TOOLS = ("ruff", "mypy")
#: opens a page of Mesa, which tests/test_mesa_drawing.py renders
MESA_PAGE = "python -m uv run --extra viz solara run docs/howto/mesa_page.py"
#: started from a group of pyproject.toml, which the notebooks' own tests ask for
IN_GROUPS = ("jupyter", "jupytext")
LANGUAGES = ("", "sh", "python", "toml", "text", "markdown")
LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "results", "uv.lock", "_build")


@dataclasses.dataclass(frozen=True)
class Block:
    """A fenced block: what the comment before it says to do, with which file, at which line; language and text."""

    action: str
    path: str
    line: str
    language: str
    text: str

    @property
    def commands(self):
        """The lines of a shell block."""
        return (
            [line for line in self.text.splitlines() if line.strip()] if self.language in ("", "sh") else []
        )


def blocks_of(page):
    found = []
    for action, argument, language, text in BLOCK.findall(text_of(page)):
        path, _, line = argument.partition(": ")
        found.append(Block(action, path, line, language, text))
    return found


BLOCKS = {page: blocks_of(page) for page in PAGES}
CHANGING = [page for page, blocks in BLOCKS.items() if any(block.action for block in blocks)]
RUNNING = [page for page, blocks in BLOCKS.items() if blocks and page not in CHANGING]


#: its commands make every generated page anew, which takes a minute
LONG = ROOT / "CONTRIBUTING.md"


def name_of(page):
    return str(page.relative_to(ROOT))


def slow(page):
    """Mark a page whose commands take long."""
    return pytest.param(page, marks=pytest.mark.slow) if page == LONG else page


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """Return a copy of the tree, in which the test works."""
    copy = tmp_path / "checkout"
    shutil.copytree(ROOT, copy, ignore=LEFT_OUT)
    monkeypatch.chdir(copy)
    return copy


@pytest.fixture
def quick(monkeypatch):
    """Run comparisons in this process, and draw no figures."""
    monkeypatch.setattr("sim.effects._workers", lambda workers: 0)
    monkeypatch.setattr("sim.effects.Comparison.draw", lambda comparison: None)


def change(tree, block):
    """Change a file of the tree as a block says."""
    path = tree / block.path
    if block.action == "file":
        path.write_text(block.text, encoding="utf-8")
        return
    text = path.read_text(encoding="utf-8")
    if block.text in text:  # somebody has followed the page
        return
    lines = text.splitlines(keepends=True)
    places = [i for i, line in enumerate(lines) if line.strip() == block.line.strip()]
    assert len(places) == 1, f"{block.path} has {len(places)} lines {block.line!r}"
    (place,) = places
    first, last = {"before": (place, place), "after": (place + 1, place + 1), "instead": (place, place + 1)}[
        block.action
    ]
    path.write_text("".join([*lines[:first], block.text, *lines[last:]]), encoding="utf-8")


def words_of(command):
    """Return the words of a command without the prefix that every command has, and where its output goes."""
    assert command.startswith((RUN, "cp ")), f"not in a form that a newcomer can type: {command}"
    words = shlex.split(command.removeprefix(RUN), posix=os.name == "posix")
    if words[0] in ("--extra", "--group"):
        words = words[2:]
    if ">" in words:
        return words[: words.index(">")], words[words.index(">") + 1]
    return words, None


def look_up(command):
    """Check that what a set-up command starts is there."""
    name = command.rpartition(RUN)[2].split()
    assert (name[0] == "sim" and name[1] in cli.commands) or importlib.util.find_spec(name[0])


def run_here(command, tree, monkeypatch):
    """Run a command inside this process."""
    if command in SET_UP:
        return look_up(command)
    if command in (*SITE, MESA_PAGE):
        return None
    words, target = words_of(command)
    if words[0] == "sim":
        result = CliRunner().invoke(cli, words[1:])
        assert result.exit_code == 0, result.output
        if target:
            (tree / target).write_text(result.stdout, encoding="utf-8")
    elif words[0] == "python" and len(words) > 1:
        monkeypatch.setattr(sys, "argv", words[1:])
        monkeypatch.syspath_prepend(str((tree / words[1]).parent))
        runpy.run_path(str(tree / words[1]), run_name="__main__")
    elif words[0] == "cp":
        shutil.copy(tree / words[1], tree / words[2])
    elif words[0] in TOOLS:
        assert importlib.util.find_spec(words[0])  # run by a test of their own, marked slow
    elif words[0] in IN_GROUPS:
        group = command.removeprefix(RUN).split()[1]
        project = tomllib.loads((tree / "pyproject.toml").read_text(encoding="utf-8"))
        named = project["dependency-groups"][group]
        assert any(package.startswith(words[0]) for package in named)
        assert all((tree / word).exists() for word in words if "/" in word)
    else:
        pytest.fail(f"no way to run {command!r}")
    return None


def run_apart(command, tree):
    """Run a command as a process of its own, on the code of the tree."""
    words, target = words_of(command)
    start = {"sim": ["-m", "sim"], "python": [], "pytest": ["-m", "pytest", "-p", "no:cacheprovider"],
             "ruff": ["-m", "ruff"], "mypy": ["-m", "mypy"]}  # fmt: skip
    line = words if words[0] == "cp" else [sys.executable, *start[words[0]], *words[1:]]
    environment = os.environ | {"PYTHONPATH": str(tree), "NUMBA_CACHE_DIR": str(tree / ".numba")}
    done = subprocess.run(line, capture_output=True, text=True, env=environment, cwd=tree, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    if target:
        (tree / target).write_text(done.stdout, encoding="utf-8")


@pytest.mark.parametrize("page", BLOCKS, ids=name_of)
def test_every_block_is_of_a_kind_that_is_tested(page):
    assert text_of(page).count("\n```") == 2 * len(BLOCKS[page]) - text_of(page).startswith("```")
    for block in BLOCKS[page]:
        assert block.language in LANGUAGES
        assert block.action in ("", *CHANGES)
        for command in block.commands:
            assert command in SET_UP or words_of(command)


def test_code_is_never_shown_as_text():
    for page, blocks in BLOCKS.items():
        for block in blocks:
            if block.language == "text":
                assert not re.search(
                    r"^(?:import |from \w+ import|def |python |pip |sim |\$ )", block.text, re.M
                ), page


@pytest.mark.parametrize("page", [slow(page) for page in RUNNING], ids=name_of)
def test_the_blocks_of_a_page_run(page, tree, quick, monkeypatch):
    names = {}
    for block in BLOCKS[page]:
        for command in block.commands:
            run_here(command, tree, monkeypatch)
        if block.language == "python":
            exec(compile(block.text, name_of(page), "exec"), names)
        elif block.language == "toml":
            check_scenario(tree, block.text)


def check_scenario(tree, text):
    """Check a scenario file that a page shows."""
    from sim.scenario import Scenario

    assert tomllib.loads(text)
    path = tree / "shown.toml"
    path.write_text(text, encoding="utf-8")
    Scenario.load(path)


@pytest.mark.parametrize("page", CHANGING, ids=name_of)
def test_the_blocks_of_a_page_that_changes_files_fit_the_tree(page, tree):
    for block in BLOCKS[page]:
        if block.action:
            change(tree, block)
            if block.path.endswith(".py"):
                ast.parse((tree / block.path).read_text(encoding="utf-8"))
        else:
            assert block.commands, f"{name_of(page)}: a block that is neither a change nor a command"


@pytest.mark.slow
@pytest.mark.parametrize("page", CHANGING, ids=name_of)
def test_a_page_that_changes_files_works_when_followed_to_the_letter(page, tree):
    for block in BLOCKS[page]:
        if block.action:
            change(tree, block)
        for command in block.commands:
            run_apart(command, tree)


@pytest.mark.slow
@pytest.mark.parametrize("page", RUNNING, ids=name_of)
def test_the_tools_of_a_page_pass(page, tree):
    for block in BLOCKS[page]:
        for command in block.commands:
            if command not in SET_UP and words_of(command)[0][0] in TOOLS:
                run_apart(command, tree)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_inside_a_sentence_can_be_typed(page):
    for span in re.findall(r"`([^`]+)`", without_blocks(text_of(page))):
        words = " ".join(span.split()).removeprefix(RUN).split()
        words = words[2:] if words[0] in ("--extra", "--group") else words
        if span in SET_UP or not (words[0] == "sim" or span.startswith(RUN)):
            continue
        if words[0] == "sim" and len(words) > 1:
            for choice in alternatives(words[1:]):
                parse(choice)
        elif words[0] != "sim":
            assert importlib.util.find_spec(words[0]) or words[0] == "python", span
            paths = [word for word in words[1:] if "/" in word]
            assert all((ROOT / path).exists() for path in paths), span


def alternatives(words):
    """Return the commands that words such as ``scenario show|validate`` stand for."""
    choices = [[]]
    for word in words:
        choices = [[*choice, part] for choice in choices for part in word.split("|")]
    return choices


def parse(words):
    """Check that the command `sim` understands the words, without running anything."""
    command, context = cli, click.Context(cli)
    while isinstance(command, click.Group) and words:
        name, words = words[0], words[1:]
        command = command.get_command(context, name)
        assert command is not None, name
    if words:
        command.make_context(command.name, list(words))
