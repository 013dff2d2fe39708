"""Text in both languages at once, and numbers as a planner writes them."""

import dataclasses
import math
from typing import Any

from markupsafe import escape

from sim.figures.numbers import MINUS, count_text, difference_text
from sim.figures.words import MONTHS, month_name
from sim.intervals import Interval
from sim.language import LANGUAGES, in_language
from sim.rounding import rounded, whole_percent

NONE = "–"  #: where a number is not defined
NARROW = "\N{NO-BREAK SPACE}"  #: between a number and its unit
whole, signed = count_text, difference_text  # numbers are rounded as in figures
TAGS = {"en": "en", "zh": "zh-CN"}  #: of the languages, as HTML names them


@dataclasses.dataclass(frozen=True)
class Both:
    """A text in English and Chinese; in a page it is two elements of which one is shown."""

    en: str
    zh: str

    def of(self, lang: str) -> str:
        """Return the text in a language."""
        return self.zh if lang == "zh" else self.en

    def __html__(self) -> str:
        if self.en == self.zh:
            return str(escape(self.en))
        return "".join(
            f'<span class="{lang}" lang="{TAGS[lang]}">{escape(self.of(lang))}</span>' for lang in LANGUAGES
        )

    def __add__(self, other: "Both") -> "Both":
        """Return both texts one after the other, with the space that English wants between sentences."""
        return Both(f"{self.en} {other.en}".strip(), self.zh + other.zh)

    def __bool__(self) -> bool:
        return bool(self.en)


EMPTY = Both("", "")


def say(message: str, /, **fields: Any) -> Both:
    """Return a text of the catalogues in both languages, its fields filled in.

    Raises
    ------
    MissingEntryError
        If a catalogue lacks the text.
    """
    return Both(*(in_language(message, lang).format(**_in(fields, lang)) for lang in LANGUAGES))


def _in(fields: dict[str, Any], lang: str) -> dict[str, Any]:
    return {name: value.of(lang) if isinstance(value, Both) else value for name, value in fields.items()}


def counted(one: str, many: str, n: float, **fields: Any) -> Both:
    """Return one of two texts, for a number of one thing and for others; the number is the field n."""
    return say(one if n == 1 else many, n=whole(n), **fields)


def alike(text: str) -> Both:
    """Return a text that is the same in both languages: a name, a number."""
    return Both(text, text)


def name_of(thing: Any) -> Both:
    """Return the name of a scenario, zone or plan; where it has no Chinese name, its own."""
    return Both(thing.name, thing.name_zh or thing.name)


def listed(texts: list[Both]) -> Both:
    """Return texts as a list in a sentence."""
    return Both(", ".join(text.en for text in texts), "、".join(text.zh for text in texts))


def shown_percent(number: str) -> Both:
    """Return a number that stands for per cent: English puts a space before the sign, Chinese none."""
    return Both(f"{number}{NARROW}%", f"{number}%")


def ratio(value: float) -> str:
    """Return a positive ratio or price with two or three digits."""
    if not math.isfinite(value):
        return NONE
    size = abs(value)
    text = rounded(size) if size >= 19.5 else rounded(size, 1) if size >= 0.995 else f"{size:.2g}"
    return (MINUS if value < 0 and text.strip("0.") else "") + text


def percent(share: float) -> Both:
    """Return a share of 1 in per cent."""
    return shown_percent(whole_percent(share).replace("-", MINUS)) if math.isfinite(share) else alike(NONE)


def span(interval: Interval, scale: float = 1.0, sign: bool = True) -> Both:
    """Return an interval in square brackets, or nothing if there is none."""
    if interval.low is None or interval.high is None:
        return EMPTY
    show = signed if sign else ratio
    ends = (interval.low * scale, interval.high * scale)
    said = (_not_zero(end) if interval.excludes_zero and show(end) == "0" else show(end) for end in ends)
    return alike("[{}, {}]".format(*said))


def effect(interval: Interval) -> str:
    """Return the mean of an interval with its sign; no 0 where the interval excludes 0."""
    assert interval.mean is not None
    shown = signed(interval.mean)
    return _not_zero(interval.mean) if shown == "0" and interval.excludes_zero else shown


def _not_zero(value: float) -> str:
    """Return a number that rounding would put at 0, which its interval excludes, with one digit and no power of ten."""
    places = -math.floor(math.log10(abs(value)))
    return f"{'+' if value > 0 else MINUS}{abs(value):.{places}f}"


def limits(interval: Interval) -> Both:
    """Return the limits of an interval in words, without brackets."""
    assert interval.low is not None
    assert interval.high is not None
    show = whole if interval.low >= 0 else signed
    return say("{low} to {high}", low=show(interval.low), high=show(interval.high))


def money(rmb: float) -> Both:
    """Return an amount: millions or billions in English, ten thousands or hundred millions in Chinese."""
    if rmb == 0:
        return Both("0 RMB", "0元")
    english = f"{ratio(rmb / 1e9)} bn RMB" if abs(rmb) >= 1e9 else f"{ratio(rmb / 1e6)} M RMB"
    english = english.replace(" ", NARROW)
    chinese = f"{ratio(rmb / 1e8)}亿元" if abs(rmb) >= 1e8 else f"{ratio(rmb / 1e4)}万元"
    return Both(english, chinese)


def price_text(millions: float) -> Both:
    """Return a price [M RMB] without its unit, which heads its column: millions in English, ten thousands in Chinese."""
    return Both(ratio(millions), ratio(100 * millions))


def price_span(interval: Interval) -> Both:
    """Return the interval of a price [M RMB] in the units of `price_text`, or nothing if there is none."""
    return Both(span(interval, sign=False).en, span(interval, 100, sign=False).zh)


def money_span(rmb: float, interval: Interval) -> Both:
    """Return an interval of an amount in the unit in which `money` tells the amount, or nothing if there is none or no width."""
    if interval.low is None or interval.high is None or interval.low == interval.high:
        return EMPTY
    large, small = (1e9, 1e6), (1e8, 1e4)
    units = (large[abs(rmb) < large[0]], small[abs(rmb) < small[0]])
    return Both(*(f"[{ratio(interval.low / unit)}, {ratio(interval.high / unit)}]" for unit in units))


def date_of(start: str, months: int) -> Both:
    """Return the calendar month that is the last of so many from a first one."""
    return Both(month_name(start, months, "en"), month_name(start, months, "zh"))


def calendar(month: str) -> Both:
    """Return a calendar month, "YYYY-MM", as text."""
    year, number = month.split("-")
    return Both(f"{MONTHS[int(number) - 1]} {year}", f"{year}年{int(number)}月")


def as_sentence(text: Both) -> Both:
    """Return a note as a sentence, with a capital and a full stop."""
    return Both(f"{text.en[:1].upper()}{text.en[1:].rstrip('.')}.", f"{text.zh.rstrip('。')}。")
