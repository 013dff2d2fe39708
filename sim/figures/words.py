"""What figures say, in English or Chinese."""

from typing import Any

from sim.language import LANGUAGES, N_, in_language

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

#: phrases that figures name in tables and conditions; those that stand in a call of `say` need no mark
NAMED = (
    N_("Active startups by zone, {date} (month {month}); mean of {seeds} seeds"),
    N_("Active startups, policy minus baseline, {date} (month {month}); brackets: not resolved"),
    N_(
        "Line: mean; band: 95 % interval over {seeds} seeds; hollow dot: direction not resolved. One scale for each column"
    ),
    N_("Line: mean of {seeds} seeds; fewer than {fewest} have no interval. One scale for each column"),
    N_("Active startups, policy minus baseline, {date} (month {month}). One scale for all policies"),
    N_("University"),
    N_("Institute"),
    N_("Anchor firms"),
    N_("Metro station"),
    N_("Zone centre"),
    N_("Seed round"),
    N_("Series A"),
    N_("Series B"),
    N_("Series C"),
    N_("Series D or later"),
    N_("{name}: {count} startups"),
    N_("{name}: {count} startups, {seeds} seeds"),
    N_("Acquired {share}"),
    N_("Moved away {share}"),
    N_("brackets: {interval}"),
    N_("band, brackets: {interval}"),
    N_("One-person"),
    N_("Applications"),
    N_("Large models"),
    N_("Embodied AI"),
)


def say(phrase: str, lang: str = "en", **fields: Any) -> str:
    """Return a phrase in English or Chinese, with its fields filled in.

    Raises
    ------
    MissingEntryError
        If the catalogue of the language lacks the phrase.
    ValueError
        If the language is neither "en" nor "zh".
    """
    if lang not in LANGUAGES:
        raise ValueError(f"lang = {lang!r}: must be one of {', '.join(LANGUAGES)}")
    return in_language(phrase, lang).format(**fields)


def month_name(start: str, months: int, lang: str = "en") -> str:
    """Return the calendar month that is the last of `months` months from `start` ("YYYY-MM")."""
    year, month = (int(part) for part in start.split("-"))
    year, month = divmod(year * 12 + month - 1 + months - 1, 12)
    return f"{MONTHS[month]} {year}" if lang == "en" else f"{year}年{month + 1}月"
