"""What is wrong with a file that a user wrote: where, what, by which rule, and what was probably meant."""

import dataclasses
import difflib
import pathlib
import unicodedata
from collections.abc import Iterable

from sim.language import _

#: problems shown at once; a file of rubbish would have thousands
MOST_PROBLEMS = 100

_LONGEST = 120
# bidirectional marks, embeddings, overrides and isolates: they reorder what a reader sees
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def is_hidden(character: str) -> bool:
    """Return whether a character controls a terminal or reorders text instead of being seen."""
    return character in _BIDI or unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")


def shown(text: object) -> str:
    """Return `text` so that printing it cannot hurt: hidden characters escaped, long text but a path's cut."""
    try:
        plain = str(text)
    except ValueError:  # Python refuses to print an integer of many thousand digits
        plain = _("a huge number")
    if len(plain) > _LONGEST and not isinstance(text, pathlib.PurePath):
        plain = plain[:_LONGEST] + "..."
    return in_full(plain)


def in_full(text: str) -> str:
    """Return all of `text`, such as a command to copy, with hidden characters escaped."""
    return "".join(_escape(c) if is_hidden(c) else c for c in text)


def _escape(character: str) -> str:
    return f"\\u{ord(character):04x}" if ord(character) > 0xFF else f"\\x{ord(character):02x}"


@dataclasses.dataclass(frozen=True)
class Problem:
    """One thing that is wrong; `line` and `column` count from 1, `key` is dotted and may be empty."""

    path: str
    line: int | None
    column: int | None
    key: str
    message: str

    def __str__(self) -> str:
        """Return the problem as one line: path:line:column: key: message."""
        place = ":".join(str(part) for part in (self.path, self.line, self.column) if part is not None)
        return ": ".join(shown(part) for part in (place, self.key) if part) + ": " + self.message


class ScenarioError(ValueError):
    """A scenario, or a file that it extends, cannot be used; `problems` lists everything that is wrong."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(map(str, self.problems)))

    def __reduce__(self) -> tuple[type["ScenarioError"], tuple[list[Problem]]]:
        """Pickle by the problems, so that the error passes between processes."""
        return type(self), (self.problems,)


def not_installed(names: str, extra: str) -> ImportError:
    """Return the error that libraries of an extra are not installed; it says what to type, in a checkout or elsewhere."""
    checkout = (pathlib.Path(__file__).parents[1] / "pyproject.toml").exists()
    command = f"python -m uv sync --extra {extra}" if checkout else f'pip install "haidian-sim[{extra}]"'
    return ImportError(_("{names}: not installed; type: {command}").format(names=names, command=command))


def nearest(word: object, known: Iterable[str]) -> str:
    """Return '; did you mean "..."?' with the known word that is nearest to `word`, or nothing."""
    close = difflib.get_close_matches(str(word)[:_LONGEST], list(known), n=1, cutoff=0.6)
    return _('; did you mean "{word}"?').format(word=close[0]) if close else ""
