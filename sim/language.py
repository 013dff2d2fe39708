"""The language of what a user reads: every such string passes through ``_`` or, in two languages at once, `in_language`.

Catalogues are those of gettext, in ``locale/<language>/LC_MESSAGES``; tests/refresh_language.py renews them. The
language is that of ``--lang`` on the command line, else of the variable SIM_LANG, else of the locale.
"""

import contextlib
import contextvars
import functools
import gettext
import os
import pathlib
import re
import string
import sys
from collections.abc import Iterator, Mapping, Sequence

LANGUAGES = ("en", "zh")
DOMAIN = "sim"
FOLDER = pathlib.Path(__file__).parent / "locale"
#: what names the language in the environment
VARIABLE = "SIM_LANG"
#: of these the first that is set tells the locale
_LOCALE = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")

_FIELD = re.compile(r"\{(\w+)[^{}]*\}")
#: a filled-in text is known again by at least so many columns of its own, and by at most so many fields
FEWEST_COLUMNS, MOST_FIELDS = 12, 4
_spoken: contextvars.ContextVar[str | None] = contextvars.ContextVar("spoken", default=None)


class MissingEntryError(KeyError):
    """A catalogue lacks a text."""


class _Nothing(gettext.NullTranslations):
    """What is asked where a catalogue has no entry."""

    def gettext(self, message: str) -> str:
        """Refuse."""
        raise MissingEntryError(message)


def current(arguments: Sequence[str] | None = None, environment: Mapping[str, str] | None = None) -> str:
    """Return the language of the user, "en" or "zh".

    The command line is read here and not where its arguments are parsed, because texts of help are put together
    before that.

    Parameters
    ----------
    arguments
        Command line without the program; absent: that of this process.
    environment
        Variables; absent: those of this process.
    """
    given = sys.argv[1:] if arguments is None else arguments
    variables = os.environ if environment is None else environment
    locale = next((variables[name] for name in _LOCALE if variables.get(name)), "")
    for wanted in (asked(given), variables.get(VARIABLE), locale):
        if wanted:
            return next((lang for lang in LANGUAGES if wanted.lower().startswith(lang)), LANGUAGES[0])
    return LANGUAGES[0]


def asked(arguments: Sequence[str]) -> str | None:
    """Return what ``--lang`` says on a command line, None without it."""
    for i, argument in enumerate(arguments):
        if argument.startswith("--lang="):
            return argument.partition("=")[2]
        if argument == "--lang" and i + 1 < len(arguments):
            return arguments[i + 1]
    return None


@contextlib.contextmanager
def lending(lang: str) -> Iterator[None]:
    """Let libraries that speak through gettext, such as Click, speak from these catalogues, in a language."""
    before = os.environ.get(_LOCALE[0]), gettext.textdomain()
    os.environ[_LOCALE[0]] = lang  # where gettext looks first
    gettext.bindtextdomain(DOMAIN, str(FOLDER))
    gettext.textdomain(DOMAIN)
    try:
        yield
    finally:
        gettext.textdomain(before[1])
        if before[0] is None:
            del os.environ[_LOCALE[0]]
        else:
            os.environ[_LOCALE[0]] = before[0]


@contextlib.contextmanager
def speaking(lang: str) -> Iterator[None]:
    """Let `_` answer in a language, whatever the user's is."""
    before = _spoken.set(lang)
    try:
        yield
    finally:
        _spoken.reset(before)


def current_language() -> str:
    """Return the language in which `_` answers."""
    return _spoken.get() or current()


def name_in(lang: str, name: str, name_zh: str) -> str:
    """Return a name in a language, the English one where there is no Chinese."""
    return name_zh if lang == "zh" and name_zh else name


def split_off(arguments: Sequence[str] | None) -> tuple[str | None, list[str]]:
    """Return what ``--lang`` says on a command line, and the line without it, so that it may stand anywhere.

    A language that there is not stays on the line, for whoever parses it to refuse.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    lang = asked(given)
    if lang not in LANGUAGES:
        return None, given
    for i, argument in enumerate(given):
        if argument == "--lang":
            return lang, given[:i] + given[i + 2 :]
        if argument == f"--lang={lang}":
            return lang, given[:i] + given[i + 1 :]
    return lang, given


def speak(lang: str) -> None:
    """Let this process, and those that it starts, answer in a language."""
    os.environ[VARIABLE] = lang


@functools.cache
def _catalogue(lang: str, strict: bool) -> gettext.NullTranslations:
    found = gettext.translation(DOMAIN, FOLDER, [lang], fallback=not strict)
    if strict:
        found.add_fallback(_Nothing())
    return found


def _(text: str) -> str:
    """Return `text` in the user's language, or as it is where the catalogue lacks it."""
    return _catalogue(current_language(), False).gettext(text)


def in_language(text: str, lang: str) -> str:
    """Return `text` in a language.

    Raises
    ------
    MissingEntryError
        If the catalogue lacks it.
    """
    return _catalogue(lang, True).gettext(text)


def translated(said: str, lang: str) -> str:
    """Return what a catalogue has said, its fields filled in, in a language; what no catalogue says, as it stands.

    So a finished sentence that was kept, such as a note of an evaluation, can be read in either language.
    """
    for pattern, message in _patterns():
        match = pattern.fullmatch(said)
        if match is not None:
            fields = {
                name: translated(value, lang) for name, value in match.groupdict().items() if value != said
            }
            with contextlib.suppress(KeyError, ValueError, IndexError):
                return string.Formatter().vformat(_plain(in_language(message, lang)), (), fields)
    return said


@functools.cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    """Return what the texts of the catalogues look like when they are filled in, those with most words first."""
    found = []
    for lang in LANGUAGES:
        entries = _catalogue(lang, True)._catalog  # type: ignore[attr-defined]
        found += [
            (text, message) for message, text in entries.items() if isinstance(message, str) and message
        ]
    found.sort(key=lambda pair: -_width(pair[0]))
    kept = (pair for pair in found if _is_telling(pair[0]))
    return [(re.compile(_pattern(text), re.DOTALL), message) for text, message in kept]


def _is_telling(text: str) -> bool:
    """Return whether a text has enough words of its own to be known again when it is filled in."""
    fields = len(_FIELD.findall(text))
    return fields == 0 or (fields <= MOST_FIELDS and _width(text) >= FEWEST_COLUMNS)


def _width(text: str) -> int:
    """Return how many columns the words of a text take; a Chinese character takes two."""
    return sum(2 if ord(character) > 0x2E7F else 1 for character in _FIELD.sub("", text).strip())


def _pattern(text: str) -> str:
    """Return a text with fields as a pattern in which each field is a group, its second place the same again."""
    parts, end, seen = [], 0, set()
    for match in _FIELD.finditer(text):
        parts.append(re.escape(text[end : match.start()]))
        parts.append(f"(?P={match[1]})" if match[1] in seen else f"(?P<{match[1]}>.+?)")
        seen.add(match[1])
        end = match.end()
    return "".join([*parts, re.escape(text[end:])])


def _plain(text: str) -> str:
    """Return a text whose fields stand without their format, because what fills them is formatted."""
    return _FIELD.sub(r"{\1}", text)


def N_(text: str) -> str:  # noqa: N802 - its name in gettext
    """Mark a text for the catalogues that is translated where it is used; return it as it is."""
    return text
