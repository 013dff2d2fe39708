"""The page on verification: every test as the command asks it, with its numbers, its tolerances and its picture."""

import pathlib
import re
from collections.abc import Sequence

from matplotlib.figure import Figure

from sim.figures.style import house_style
from sim.verify import verify
from sim.verify.case import Case, Result, Row
from sim.verify.report import mark_of, numbers, summary_line, value_text

INTRODUCTION = """\
<!-- written by docs/refresh.py verification.md; the tests stand in sim/verify/ -->

# Verification

A simulation is believed where it reproduces what can be known exactly. Each test below switches features of the model
off by its own parameters until theory has an answer, puts the question to *the functions that a run uses*, and compares.
The theory side is closed forms, detailed balance, root finding and brute force of its own, with these exceptions. Where a
row says that theory and engine see the same draws (in *stock*, *survival*, *branching*, *gibrat*, *funnel* and *free-space*), and in
*matching*, theory reads the engine's uniform numbers and says by a formula of its own what must follow from them; *matching* rounds
money as the engine does. Such rows test what is made of a draw, not the draw. *splitting* compares the engine with itself
without the split, the row of *logit* on splitting starts from the engine's shares before it, *matching* in other orders and *paired*
compare runs of the engine with each other. Everything on this page was computed by

```sh
python -m uv run sim verify logit
```

for each test, or by `sim verify` for all of them. `sim verify --list` shows what can be asked; `--set key=value` asks at
other parameters, `--seed` with other draws, `--json` prints the numbers for other programs. The command ends with 1 if a
test fails. Most tests of choice play in [made worlds](howto/make-a-world-for-theory.md).

A row passes if theory and simulation are no further apart than *within*, and the letter leads to the reason for that
much. Where nothing is drawn that is rounding; where something is drawn it is so wide that, by the law named in the reason,
chance alone exceeds it about once in ten thousand rows or less often. Rows that could not fail at the parameters that are asked for are
left out, and a question without any other row is refused.

What is not here: the core-periphery model of Krugman (1991). Its startups would choose by real wages that come out of
trade costs and demand, and the chooser of this model takes no payoff from outside: utility is made of spillovers, rents
and access ([E5](ODD.md#e5-utility-of-a-cell)). Writing such wages into the one term that is free, the residual of a
zone, would test the logit again and nothing of that model. What its break and sustain points are to it, the take-off and the
fold of *hysteresis* are to this one.

"""


def write_page(folder: pathlib.Path, seed: int = 1) -> str:
    """Ask every case, write its picture into the folder's images, and return the page.

    Parameters
    ----------
    folder
        The folder of the page; pictures go to ``images`` beside it.
    seed
        Seed of all draws.
    """
    results = verify(seed=seed)
    pictures = {result.case.name: draw(result.case, folder / "images", seed) for result in results}
    return page(results, pictures)


def page(results: Sequence[Result], pictures: dict[str, str | None]) -> str:
    """Return the page of these results; `pictures` are paths by name of the case."""
    out = (
        INTRODUCTION
        + f"Outcome: {summary_line(results)}.\n\n| test | asks | rows | outcome |\n| --- | --- | --- | --- |\n"
    )
    for result in results:
        name, outcome = result.case.name, "passed" if result.passed else "**failed**"
        out += f"| [{name}](#{name}) | {result.case.title} | {len(result.rows)} | {outcome} |\n"
    return out + "".join(section(result, pictures.get(result.case.name)) for result in results)


def section(result: Result, picture: str | None) -> str:
    """Return what the page says of one case."""
    case = result.case
    out = f"\n## {case.name}\n\n**{case.title}.** {_escaped(case.about)}\n\n"
    if picture:
        out += f"![{case.title}]({picture})\n\n"
    settings = ", ".join(f"`{name}` = {value_text(value)}" for name, value in result.values.items())
    out += f"Asked at {settings}.\n\n" if settings else ""
    reasons = list(dict.fromkeys(row.reason for row in result.rows))
    out += "| quantity | theory | simulation | within | | |\n| --- | ---: | ---: | ---: | --- | --- |\n"
    for row in result.rows:
        verdict = "ok" if row.passed else "**failed**"
        cells = (_escaped(row.quantity), *shown(row), mark_of(reasons.index(row.reason)), verdict)
        out += "| " + " | ".join(cells) + " |\n"
    out += "\n" + "".join(f"- {mark_of(i)}: {_escaped(reason)}\n" for i, reason in enumerate(reasons))
    return out


def shown(row: Row) -> list[str]:
    """Return the numbers of a row without the digits in which machines differ."""
    least = row.tolerance / 100.0
    theory, simulated = (0.0 if abs(number) < least else float(f"{number:.6g}")
                         for number in (row.theory, row.simulated))  # fmt: skip
    row = Row(row.quantity, theory, simulated, row.tolerance, row.reason)
    return numbers(row)


def _escaped(text: str) -> str:
    """Return text in which Markdown sees no tables, emphasis or links."""
    return re.sub(r"([|*_<\[\]])", r"\\\1", text)


def draw(case: Case, folder: pathlib.Path, seed: int) -> str | None:
    """Draw the picture of a case into a folder; return its path seen from the page, None if the case draws none."""
    if case.picture is None:
        return None
    folder.mkdir(exist_ok=True)
    with house_style():
        figure = Figure(figsize=(8.0, 4.6), layout="constrained")
        case.picture(case.values(), seed, figure)
        figure.savefig(folder / f"verify-{case.name}.png", metadata={"Software": None})
    return f"{folder.name}/verify-{case.name}.png"
