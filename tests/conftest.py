"""Shared fixtures: the baseline's parameters, and its world before the first month."""

import importlib.util

import pytest
import worlds

#: Mesa's drawings need the extra "viz", which continuous integration asks for by the file's name
collect_ignore = [] if importlib.util.find_spec("solara") else ["test_mesa_drawing.py"]


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
