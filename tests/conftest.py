"""Shared fixtures: the baseline's parameters, and its world before the first month."""

import contextlib
import importlib.util
import shutil

import pytest
import worlds

#: tests of what an extra or a group brings, by a module of it: collected where that is, which is in continuous integration
EXTRAS = {
    "panel": ["test_app.py", "test_app_browser.py"],
    "playwright": ["test_app_browser.py"],
    "pyabc": ["test_calibration_slow.py"],
    "solara": ["test_mesa_drawing.py"],
    "sphinx": ["test_docs_site.py"],
}
collect_ignore = [
    name for extra, names in EXTRAS.items() if not importlib.util.find_spec(extra) for name in names
]


#: files that take longest; they begin first, for one that began last would keep one worker busy and the others waiting
LONGEST = [
    "test_studies.py", "test_compare.py", "test_docs_snippets.py", "test_figures.py", "test_verify_choice.py",
    "test_figures_scenario.py", "test_plugins.py", "test_evaluation_worlds.py", "test_docs.py", "test_textbook.py",
]  # fmt: skip


def pytest_collection_modifyitems(items):
    """Put the tests of the longest files first."""
    place = {name: i for i, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path.name, len(place)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(config, specs):
    """Compile the model before the workers start, in two processes: each worker would compile the whole of it.

    Only where all tests are run, after a change of the sources; what is compiled is kept.
    """
    if config.args_source is not pytest.Config.ArgsSource.TESTPATHS:
        return
    with contextlib.suppress(Exception):  # what is wrong with the model, tests say better
        from sim.batch import compile_kernels
        from sim.progress import Progress
        from sim.scenario import Scenario

        with Progress(0) as progress:
            compile_kernels([Scenario.load("everything")], progress, len(specs) - 1)


@pytest.fixture(scope="session")
def par():
    """Return the parameters of the baseline; nothing writes them."""
    return worlds.parameters()


@pytest.fixture(scope="session")
def kept_start():
    """Return the state before month 0 of the baseline with seed 1; nobody may write it."""
    return worlds.start_world()


@pytest.fixture
def start(kept_start):
    """Return an own copy of the state before month 0."""
    return kept_start.copy()


@pytest.fixture(scope="session")
def neutral(kept_start):
    """Return the terms of a month without policy."""
    return worlds.terms_of(kept_start.grid)


@pytest.fixture
def toys(monkeypatch):
    """Let processes do toy runs, which need no compiled model."""
    import sim.batch
    import sim.pool

    monkeypatch.setattr(sim.batch, "compile_kernels", lambda *_a: None)
    monkeypatch.setattr(sim.pool, "PRELOAD", ["toy_runs"])


@pytest.fixture
def here(tmp_path):
    """Return a results folder that does not exist yet."""
    return tmp_path / "结果 with 'quotes'"


@pytest.fixture(scope="module")
def browser():
    """Start the system's Chromium, which asks nobody for anything by itself."""
    names = ("chromium", "chromium-browser", "google-chrome")
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        pytest.skip("no Chromium on this machine; on Debian: apt-get install chromium")
    sync_api = pytest.importorskip("playwright.sync_api", reason="no playwright: uv sync --group browser")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=options)
        yield started
        started.close()
