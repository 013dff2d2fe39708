"""Where results come from: versions of Python and libraries, processor features, the checkout."""

import importlib.metadata
import pathlib
import platform
import subprocess
from typing import Any

LIBRARIES = ("haidian-sim", "mesa", "numpy", "numba", "scipy", "pyarrow", "pydantic", "matplotlib")


def provenance() -> dict[str, Any]:
    """Return what a result may depend on besides its plan; no name or path of the machine."""
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "libraries": {name: _version(name) for name in LIBRARIES},
        "processor_features": _processor_features(),
        "checkout": _checkout(),
    }


def _version(library: str) -> str | None:
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return None


def _processor_features() -> list[str]:
    try:
        from numpy._core._multiarray_umath import __cpu_features__
    except ImportError:  # NumPy's own list, of which it promises nothing
        return []
    return sorted(name for name, there in __cpu_features__.items() if there)


def _checkout() -> dict[str, Any] | None:
    """Return commit and whether anything was changed since; None outside a checkout of this program."""
    root = pathlib.Path(__file__).parent.parent
    if not (root / ".git").exists():
        return None
    try:
        commit = _git(root, "rev-parse", "HEAD")
        return {"commit": commit, "dirty": bool(_git(root, "status", "--porcelain"))}
    except (OSError, subprocess.SubprocessError):
        return None


def _git(root: pathlib.Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(root), *words], capture_output=True, text=True, timeout=5, check=True
    )
    return done.stdout.strip()
