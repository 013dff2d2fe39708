"""TOML files that remember where each key stands.

The standard library parses; this module reads the file carefully first (nothing that a user can write may
take memory, time or the interpreter's stack) and then finds the line and column of every key.
"""

import bisect
import dataclasses
import os
import pathlib
import re
import stat
import tomllib
from collections.abc import Iterator
from typing import Any

from sim.language import N_, _
from sim.problems import Problem, ScenarioError

#: path of a key: names, and positions in arrays
KeyPath = tuple[str | int, ...]

MOST_BYTES = 1_000_000
TOML = ".toml"
MOST_VALUES = 10_000
DEEPEST = 16
LONGEST_NUMBER = 100


@dataclasses.dataclass(frozen=True)
class Source:
    """One parsed file.

    Attributes
    ----------
    path
        The file as the user named it, for messages.
    data
        What the file says.
    places
        Line and column, from 1, of each key and array element.
    """

    path: str
    data: dict[str, Any]
    places: dict[KeyPath, tuple[int, int]]

    def place(self, key: KeyPath) -> tuple[int, int]:
        """Return line and column of `key`, or of the innermost table around it."""
        for length in range(len(key), 0, -1):
            if key[:length] in self.places:
                return self.places[key[:length]]
        return 1, 1


def read_source(path: pathlib.Path, name: str) -> Source:
    """Read the TOML file at `path`, called `name` in messages.

    Raises
    ------
    ScenarioError
        If the file cannot be read, is no TOML, or is larger or deeper than any scenario.
    """
    text = read_text(path, name, TOML, MOST_BYTES)
    lines = Lines(text, name)
    excess = _excess(text)
    if excess is not None:
        raise lines.error(*excess)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _syntax_error(error, text, lines) from None
    except (ValueError, RecursionError, OverflowError) as error:
        raise lines.error(0, _("cannot be parsed: {why}").format(why=error)) from None
    places = _Locator(text).places()
    return Source(name, data, {key: lines.place(at) for key, at in places.items()})


def read_text(path: pathlib.Path, name: str, suffix: str, most_bytes: int) -> str:
    """Return the text of the file at `path`, called `name` in messages, with "\\n" at the end of each line.

    Raises
    ------
    ScenarioError
        If it cannot be read, is no plain UTF-8, or is larger than `most_bytes`.
    """
    return _decoded(_read(path, name, suffix, most_bytes), name)


def _read(path: pathlib.Path, name: str, suffix: str, most_bytes: int) -> bytes:
    def refuse(message: str) -> ScenarioError:
        return ScenarioError([Problem(name, 1, 1, "", message)])

    too_large = _("larger than {n} bytes").format(n=most_bytes)
    if suffix == TOML:
        too_large = _("larger than {n} bytes, which no scenario is").format(n=most_bytes)
    try:
        about = os.stat(path)
        if stat.S_ISDIR(about.st_mode):
            raise refuse(_("is a folder; name a {suffix} file").format(suffix=suffix))
        if not stat.S_ISREG(about.st_mode):
            raise refuse(_("is not a regular file"))
        if about.st_size > most_bytes:
            raise refuse(too_large)
        with path.open("rb") as file:
            data = file.read(most_bytes + 1)
    except FileNotFoundError:
        raise refuse(_("no such file")) from None
    except OSError as error:
        raise refuse(_("cannot be read: {why}").format(why=error.strerror or error)) from None
    except ScenarioError:
        raise
    except ValueError:
        raise refuse(_("is not a file name")) from None
    if len(data) > most_bytes:
        raise refuse(too_large)
    return data


def _decoded(data: bytes, name: str) -> str:
    remedy = _("save it as plain UTF-8")
    for mark, encoding in ((b"\xef\xbb\xbf", "UTF-8"), (b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16")):
        if data.startswith(mark):
            message = _("begins with a byte order mark ({encoding}); {remedy}, without the mark")
            raise ScenarioError([Problem(name, 1, 1, "", message.format(encoding=encoding, remedy=remedy))])
    nul = data.find(b"\0")
    if nul >= 0:
        before = data[:nul].decode("utf-8", "replace")
        raise Lines(before, name).error(len(before), _("NUL byte: no text file; {}").format(remedy))
    try:
        return data.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8")
        message = _("byte 0x{byte:02x} is not UTF-8; {remedy}")
        message = message.format(byte=data[error.start], remedy=remedy)
        raise Lines(before, name).error(len(before), message) from None


class Lines:
    """Turns positions in a text, called `name` in messages, into lines and columns."""

    def __init__(self, text: str, name: str) -> None:
        self.name = name
        self.starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def place(self, at: int) -> tuple[int, int]:
        """Return line and column, from 1, of a position."""
        line = bisect.bisect_right(self.starts, at)
        return line, at - self.starts[line - 1] + 1

    def error(self, at: int, message: str, key: str = "") -> ScenarioError:
        """Return the error that something is wrong at a position."""
        return ScenarioError([Problem(self.name, *self.place(at), key, message)])


_MARK = re.compile(
    rf"""\"{{3}}|'{{3}}|"|'|\#|[\[\]{{}}]|[.=,]|(?P<long>[0-9][0-9A-Za-z_]{{{LONGEST_NUMBER},}})"""
)
_STRING_ENDS = {
    '"""': re.compile(r'(?:[^"\\]++|\\.|"(?!""))*+"{3,5}', re.DOTALL),
    "'''": re.compile(r"(?:[^']++|'(?!''))*+'{3,5}"),
    '"': re.compile(r'(?:[^"\\\n]++|\\.)*+"'),
    "'": re.compile(r"[^'\n]*'"),
    "#": re.compile(r"[^\n]*"),
}


def _excess(text: str) -> tuple[int, str] | None:
    """Return where `text`, TOML or not, is deeper or longer than a parser can be trusted with."""
    at, depth, dots, values = 0, 0, 0, 0
    while match := _MARK.search(text, at):
        mark, at = match.group(), match.end()
        if match["long"]:
            return match.start(), _("a number of more than {n} digits").format(n=LONGEST_NUMBER)
        if mark in _STRING_ENDS:
            end = _STRING_ENDS[mark].match(text, at)
            if end is None:
                return None  # never closed: the parser says so
            at = end.end()
        elif mark == ".":
            dots += 1
        else:
            dots = 0
            depth += (mark in "[{") - (mark in "]}")
            values += mark in "=,["
        if max(depth, dots) > DEEPEST:
            return match.start(), _("nested more than {n} deep").format(n=DEEPEST)
        if values > MOST_VALUES:
            return match.start(), _("more than {n} values").format(n=MOST_VALUES)
    return None


#: what the parser says, as a whole or before it quotes the file
_PARSER_SAYS = (
    N_("Invalid value"), N_("Invalid statement"), N_("Invalid initial character for a key part"),
    N_("Invalid date or datetime"), N_("Unclosed array"), N_("Unclosed inline table"), N_("Unterminated string"),
    N_("Expected '=' after a key in a key/value pair"), N_("Expected newline or end of document after a statement"),
    N_("Expected ']' at the end of a table declaration"), N_("Expected ']]' at the end of an array declaration"),
    N_("Unescaped '\\' in a string"), N_("Cannot overwrite a value"),
    N_("Illegal character"), N_("Found invalid character"), N_("Duplicate inline table key"), N_("Expected"),
    N_("Invalid hex value"), N_("Escaped character is not a Unicode scalar value"),
)  # fmt: skip


def _parser_said(what: str) -> str:
    """Return what the parser says in the user's language, what it quotes of the file as it stands."""
    told, quote = re.fullmatch(r"""(.*?)( ['"].*)?""", what, re.DOTALL).groups("")  # type: ignore[union-attr]
    return _(what) if not quote or _(what) != what else _(told) + quote


_BARE_MONTH = re.compile(r"=\s*[0-9]{4}-[0-9]{2}\s*(#|$)")


def _syntax_error(error: tomllib.TOMLDecodeError, text: str, lines: Lines) -> ScenarioError:
    found = re.fullmatch(
        r"(?P<what>.*?) \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)",
        str(error),
        re.DOTALL,
    )
    if found is None:
        return lines.error(0, str(error))
    at = len(text)
    if found["line"]:
        at = min(at, lines.starts[int(found["line"]) - 1] + int(found["column"]) - 1)
    repeat = _Locator(text[:at]).repeat()
    if repeat is not None and found["what"].startswith(("Cannot", "Duplicate")):
        key, first, again = repeat
        message = _("given twice; the first stands in line {line}").format(line=lines.place(first)[0])
        return lines.error(again, message, dotted(key))
    why = _parser_said(found["what"])
    line = text[lines.starts[lines.place(at)[0] - 1] :].partition("\n")[0]
    if _BARE_MONTH.search(line):
        why += _(' (a month stands in quotes, as "2025-07")')
    return lines.error(at, _("no TOML: {why}").format(why=why))


def dotted(key: KeyPath) -> str:
    """Return a key as users write it: ``policies[0].phases[1].opens``."""
    text = ""
    for part in key:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text


_BLANK = re.compile(r"(?:[ \t\n]+|#[^\n]*)+")
_SPACE = re.compile(r"[ \t]*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR = re.compile(r"[^,\]}#\n]*")


class _Locator:
    """Finds the keys of a text that the parser accepted (or of the part before it gave up)."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._counts: dict[KeyPath, int] = {}
        self._found: dict[KeyPath, int] = {}
        self._headers: set[KeyPath] = set()
        self._repeats: list[tuple[KeyPath, int, int]] = []
        self._run()

    def places(self) -> dict[KeyPath, int]:
        """Return the position of each key, in the order of the text."""
        return self._found

    def repeat(self) -> tuple[KeyPath, int, int] | None:
        """Return the last key that stands twice, with both positions."""
        return self._repeats[-1] if self._repeats else None

    def _run(self) -> None:
        table: KeyPath = ()
        while self._skip(_BLANK) < len(self._text):
            start = self._at
            if self._peek() == "[":
                table = self._header()
            else:
                self._pair(table)
            if self._at == start:
                return  # text that the parser refused

    def _header(self) -> KeyPath:
        start, double = self._at, self._text.startswith("[[", self._at)
        self._at += 2 if double else 1
        parts = [name for name, _position in self._key()]
        self._at += 2 if double else 1
        table: KeyPath = ()
        for i, name in enumerate(parts):
            table += (name,)
            last = i == len(parts) - 1
            if last and not double:
                self._note(table, start, again=table in self._headers)
                self._headers.add(table)
            else:
                self._note(table, start)
            if last and double:
                self._counts[table] = self._counts.get(table, -1) + 1
            if table in self._counts:
                table += (self._counts[table],)
                self._note(table, start)
        return table

    def _pair(self, table: KeyPath) -> None:
        parts = list(self._key())
        for i, (name, position) in enumerate(parts):
            table += (name,)
            self._note(table, position, again=i == len(parts) - 1 and table in self._found)
        if self._skip(_SPACE) < len(self._text) and self._peek() == "=":
            self._at += 1
            self._value(table)

    def _key(self) -> Iterator[tuple[str, int]]:
        while True:
            start = self._skip(_SPACE)
            if self._peek() in ('"', "'"):
                self._string()
                name = _unquoted(self._text[start : self._at])
            else:
                self._skip(_BARE)
                name = self._text[start : self._at]
            yield name, start
            self._skip(_SPACE)
            if self._peek() != ".":
                return
            self._at += 1

    def _value(self, key: KeyPath) -> None:
        self._skip(_SPACE)
        mark = self._peek()
        if mark in ('"', "'"):
            self._string()
        elif mark == "[":
            self._items("]", key)
        elif mark == "{":
            self._items("}", key)
        else:
            self._skip(_SCALAR)

    def _items(self, close: str, key: KeyPath) -> None:
        """Pass over an array or an inline table, noting what it holds."""
        self._at += 1
        count = 0
        while self._skip(_BLANK) < len(self._text):
            start = self._at
            if self._peek() == close:
                self._at += 1
                return
            if self._peek() == ",":
                self._at += 1
            elif close == "}":
                self._pair(key)
            else:
                self._note((*key, count), start)
                self._value((*key, count))
                count += 1
            if self._at == start:
                return

    def _string(self) -> None:
        quote = self._peek()
        if self._text.startswith(quote * 3, self._at):
            quote *= 3
        end = _STRING_ENDS[quote].match(self._text, self._at + len(quote))
        self._at = end.end() if end else len(self._text)

    def _note(self, key: KeyPath, position: int, again: bool = False) -> None:
        first = self._found.setdefault(key, position)
        if again and first != position:
            self._repeats.append((key, first, position))

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _skip(self, pattern: re.Pattern[str]) -> int:
        match = pattern.match(self._text, self._at)
        if match:
            self._at = match.end()
        return self._at


def _unquoted(key: str) -> str:
    if "\\" not in key or key[0] == "'":
        return key[1:-1]
    try:
        return next(iter(tomllib.loads(f"{key} = 0")))
    except tomllib.TOMLDecodeError:
        return key
