"""The language of what a user reads: every such string passes through ``_``."""

import functools
import gettext
import pathlib


@functools.cache
def _catalogue() -> gettext.NullTranslations:
    return gettext.translation("sim", pathlib.Path(__file__).parent / "locale", fallback=True)


def _(text: str) -> str:
    """Return `text` in the user's language, or as it is where no catalogue has it."""
    return _catalogue().gettext(text)
