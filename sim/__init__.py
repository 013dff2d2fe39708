"""How an AI-startup cluster forms in a city, and which policies keep its firms.

The public names are found when they are first used, so that importing the package loads nothing heavy.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sim.effects import Comparison, compare
    from sim.model import ClusterModel
    from sim.problems import ScenarioError
    from sim.record import Run
    from sim.scenario import Scenario

    __version__: str

__all__ = ["ClusterModel", "Comparison", "Run", "Scenario", "ScenarioError", "__version__", "compare"]

_MODULES = {
    "ClusterModel": "sim.model",
    "Comparison": "sim.effects",
    "Run": "sim.record",
    "Scenario": "sim.scenario",
    "ScenarioError": "sim.problems",
    "compare": "sim.effects",
}


def __getattr__(name: str) -> Any:
    """Return a public name from the module that defines it."""
    if name == "__version__":
        return importlib.import_module("importlib.metadata").version("haidian-sim")
    if name in _MODULES:
        return getattr(importlib.import_module(_MODULES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """Return the public names, also those not loaded yet."""
    return sorted({*globals(), *__all__})
