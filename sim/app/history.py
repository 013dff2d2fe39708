"""What happened in a zone, the region or one startup, as small figures and sentences; and what two runs differ in."""

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup, escape

from sim.app.frames import ABSENT, Frames, History, moved
from sim.app.map import segment_name
from sim.figures.numbers import difference_text, level_text
from sim.figures.style import PALETTE, Mark
from sim.language import _, current_language
from sim.ledger import ORIGINS
from sim.parameters import SEGMENTS
from sim.report.svg import GRID, INK, SECONDARY, Drawing, nice_ticks, number
from sim.report.text import money
from sim.report.words import kind_name
from sim.scenario import Scenario

WIDE, HIGH, LEFT, RIGHT, TOP, BOTTOM = 168.0, 104.0, 4.0, 42.0, 6.0, 18.0
A, ZERO = PALETTE["policies"][0]["colour"], PALETTE["baseline"]["colour"]


class _Panel:
    """A small figure over the months of a run."""

    def __init__(
        self, months: Sequence[str], low: float, high: float, factor: float = 1.0, suffix: str = ""
    ) -> None:
        self.months, self.drawing = months, Drawing(WIDE, HIGH, kind="fig")
        self.low, self.high = low, high if high > low else low + 1.0
        for tick in nice_ticks(self.low * factor, self.high * factor, 3):
            y = self.y(tick / factor)
            self.drawing.line(LEFT, y, WIDE - RIGHT, y, stroke=GRID)
            self.drawing.text(
                WIDE - RIGHT + 3, y + 3.5, f"{tick:,.6g}{suffix}", font_size=10.5, fill=SECONDARY
            )
        for t, anchor in ((0, "start"), (len(months) - 1, "end")):
            self.drawing.text(
                self.x(t), HIGH - 4, months[t][:4], font_size=10.5, fill=SECONDARY, text_anchor=anchor
            )

    def x(self, t: float) -> float:
        return LEFT + (WIDE - LEFT - RIGHT) * t / max(len(self.months) - 1, 1)

    def y(self, value: float) -> float:
        return TOP + (HIGH - TOP - BOTTOM) * (1 - (value - self.low) / (self.high - self.low))

    def line(self, values: np.ndarray, colour: str, dashes: str | None = None) -> None:
        known = [(t, v) for t, v in enumerate(values.tolist()) if np.isfinite(v)]
        if known:
            d = "M" + "L".join(f"{number(self.x(t))} {number(self.y(v))}" for t, v in known)
            self.drawing.path(d, stroke=colour, fill="none", stroke_width=1.6, stroke_dasharray=dashes)

    def area(self, lower: np.ndarray, upper: np.ndarray, colour: str) -> None:
        there = [f"{number(self.x(t))} {number(self.y(v))}" for t, v in enumerate(upper.tolist())]
        back = [f"{number(self.x(t))} {number(self.y(v))}" for t, v in enumerate(lower.tolist())]
        self.drawing.path(f"M{'L'.join(there)}L{'L'.join(reversed(back))}Z", fill=colour)


def _figure(title: str, drawing: Drawing) -> Markup:
    return Markup('<div class="small"><div class="t">{}</div>{}</div>').format(
        Markup(title), Markup(drawing.__html__())
    )


def _stack(frames: Frames, at: np.ndarray, top: float) -> Drawing:
    values = frames.by_segment[:, at].sum(axis=1)
    panel = _Panel(frames.months, 0.0, top)
    lower = np.zeros(len(frames.months))
    for segment in range(values.shape[1]):
        upper = lower + values[:, segment]
        panel.area(lower, upper, Mark.of_segment(segment).colour)
        lower = upper
    return panel.drawing


def place_card(runs: list[Frames], zone: int | None, stock: np.ndarray) -> str:
    """Return the months of a zone, or of the region, as four small figures.

    Parameters
    ----------
    runs
        The baseline, and the policy if there is one.
    zone
        Position of the zone; None: the region.
    stock
        Floor space of each zone [m2], (Z,).
    """
    at = np.arange(len(runs[0].zones)) if zone is None else np.array([zone])
    weights = stock[at] / stock[at].sum()
    names = [_("baseline"), _("policy A")]
    top = max(float(frames.startups[:, at].sum(axis=1).max()) for frames in runs)
    parts = []
    for frames, name in zip(runs, names, strict=False):
        last = level_text(float(frames.startups[-1, at].sum()))
        title = _("Startups, {name}: {n} in the last month").format(name=name, n=last)
        parts.append(_figure(str(escape(title)), _stack(frames, at, top)))
    for layer, title, factor, suffix in (
        ("rent", _("Market rent, RMB/m²/month"), 1.0, ""), ("vacancy", _("Vacancy"), 100.0, "%"),
        ("talent", _("R&D heads"), 1.0, ""), ("deals", _("Rounds in 12 months"), 1.0, ""),
    ):  # fmt: skip
        mean = layer in ("rent", "vacancy")
        lines = [
            frames.layer(layer)[:, at] @ weights if mean else frames.layer(layer)[:, at].sum(axis=1)
            for frames in runs
        ]
        known = np.concatenate(lines)
        known = known[np.isfinite(known)]
        low = float(known.min()) if layer == "rent" else 0.0
        panel = _Panel(runs[0].months, low, float(known.max(initial=low)), factor, suffix)
        for line, colour, dashes in zip(lines, (ZERO, A), (None, "5 3"), strict=False):
            panel.line(line, colour, dashes)
        parts.append(_figure(str(escape(title)), panel.drawing))
    legend = "".join(f'<i style="background:{Mark.of_segment(i).colour}"></i>{escape(segment_name(s))} '
                     for i, s in enumerate(SEGMENTS))  # fmt: skip
    strokes = (f'<svg width="26" height="8"><line x1="0" x2="26" y1="4" y2="4" stroke="{ZERO}" stroke-width="2"/></svg> '
             f'{escape(_("baseline"))} &nbsp; <svg width="26" height="8"><line x1="0" x2="26" y1="4" y2="4" stroke="{A}" '
             f'stroke-width="2" stroke-dasharray="5 3"/></svg> {escape(_("policy A"))}')  # fmt: skip
    return (
        f'<div class="figs">{Markup("").join(parts)}</div><div class="dots">{legend} &nbsp; {strokes}</div>'
    )


def startup_card(found: History | None, frames: Frames, zone_names: list[str]) -> str:
    """Return what happened to one startup: its zones, heads and rounds, in sentences and a figure."""
    if found is None:
        return f"<p>{escape(_('This startup is not active in this run.'))}</p>"
    months = frames.months
    origin = {"initial": _("there at the start"), "institute": _("spin-off of a university or institute"),
              "firm": _("spin-off of a firm"), "independent": _("founded independently"),
              "anchor": _("spin-off of an anchor firm"), "abroad": _("brought from abroad")}  # fmt: skip
    sentences = [
        _("{segment}; {origin}; active {first} to {last}.").format(
            segment=segment_name(SEGMENTS[found.segment]), origin=origin[ORIGINS[found.origin]],
            first=months[found.first], last=months[found.last]),
        _("Zones: {zones}.").format(zones=_zones_of(found, months, zone_names)),
        _("R&D heads: {first} at first, {last} at last.").format(
            first=f"{found.heads[found.first]:.0f}", last=f"{found.heads[found.last]:.0f}"),
    ]  # fmt: skip
    if found.deals:
        lang = current_language()
        rounds = _(", ").join(
            f"{months[t]} {money(amount).of(lang)}" for t, amount in found.deals if 0 <= t < len(months)
        )
        sentences.append(_("Rounds closed: {rounds}.").format(rounds=rounds))
    else:
        sentences.append(_("No round closed in these months."))
    panel = _Panel(months, 0.0, float(found.heads.max()))
    panel.line(np.where(found.zone == ABSENT, np.nan, found.heads), INK)
    for t, _amount in found.deals:
        if 0 <= t < len(months):
            panel.drawing.circle(panel.x(t), panel.y(float(found.heads[t])), 3.2, fill=A)
    text = "".join(f"<p>{escape(sentence)}</p>" for sentence in sentences)
    title = escape(_("R&D heads by month; dots: rounds closed"))
    return f'<div class="startup"><div>{text}</div>{_figure(str(title), panel.drawing)}</div>'


def _zones_of(found: History, months: Sequence[str], names: list[str]) -> str:
    stays = []
    for t in range(found.first, found.last + 1):
        if found.zone[t] != ABSENT and (t == found.first or found.zone[t] != found.zone[t - 1]):
            stays.append(f"{names[found.zone[t]]} ({months[t]})")
    return " → ".join(stays)


#: units of amounts beside counts: million RMB; in Chinese 亿元 and 万元, as their titles say
MONEY = {
    "en": {"capital_rmb": 1e-6, "public_cost_pv_rmb": 1e-6},
    "zh": {"capital_rmb": 1e-8, "public_cost_pv_rmb": 1e-4},
}


def difference_card(runs: list[Frames], treated: tuple[str, ...], named: list[str]) -> str:
    """Return what two runs on the same seed differ in: values of the scenario, outcomes at the end, who moved.

    Parameters
    ----------
    runs
        The baseline and the policy.
    treated
        Zones of the policy's place-bound levers.
    named
        What the scenarios differ in, in words.
    """
    base, policy = runs
    words = {
        "startups_region": _("active startups"), "rd_heads_region": _("R&D heads"), "entries": _("entrants"),
        "founded_outside": _("founded outside the region"), "failures": _("failures"), "departures": _("departures"),
        "moves": _("moves within the region"), "deals": _("rounds closed"), "capital_rmb": _("capital raised, M RMB"),
        "public_cost_pv_rmb": _("public cost, present value, M RMB"),
    }  # fmt: skip
    rows = []
    for name, title in words.items():
        factor = MONEY[current_language()].get(name, 1.0)
        without, with_it = base.outcomes[name] * factor, policy.outcomes[name] * factor
        rows.append(f"<tr><th scope='row'>{escape(title)}</th><td>{level_text(without)}</td><td>{level_text(with_it)}</td>"
                    f"<td><b>{difference_text(with_it - without)}</b></td></tr>")  # fmt: skip
    same = bool(np.array_equal(base.by_segment, policy.by_segment)) and base.outcomes == policy.outcomes
    head = "".join(
        f"<th scope='col'>{escape(text)}</th>" for text in ("", _("baseline"), _("policy A"), _("difference"))
    )
    said = f"<p><b>{escape(_('Exactly 0 in every series.'))}</b></p>" if same else ""
    what = "".join(f"<li>{escape(text)}</li>" for text in named) or f"<li>{escape(_('nothing'))}</li>"
    account = moved(policy, base, treated)
    if account is not None and not same:
        said += f"<p>{escape(_account_sentence(account))}</p>"
    months = _("At the end of {month}, seed {seed}; sums over all {n} months.").format(
        month=base.months[-1], seed=base.seed, n=len(base.months))  # fmt: skip
    return (f"<p class='s'>{escape(_('What the scenarios differ in:'))}</p><ul>{what}</ul>{said}"
            f"<table class='diff'><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
            f"<p class='s'>{escape(months)} {escape(_('One run is a story, not a result: compare many seeds.'))}</p>")  # fmt: skip


def _account_sentence(account: dict[str, float]) -> str:
    return _("Of the {gross} startups in the policy's zones at the end, {deadweight} are there in the baseline too, "
             "{displaced} are elsewhere in the region in it, and {attracted} are new to the region.").format(
        **{name: level_text(account[name]) for name in ("gross", "deadweight", "displaced", "attracted")})  # fmt: skip


def named_differences(scenarios: list[Scenario]) -> list[str]:
    """Return what a policy's scenario has that the baseline has not, in words: levers and values."""
    base, policy = scenarios
    own = {lever.id: lever for lever in base.policies}
    lang = current_language()
    lines = [
        _("{name}: {text}").format(name=kind_name(str(getattr(lever, "kind", ""))).of(lang), text=lever.id)
        for lever in policy.policies
        if own.get(lever.id) != lever
    ]
    lines += [
        _("without {lever}").format(lever=name) for name in own if name not in {p.id for p in policy.policies}
    ]
    theirs = {entry.key: entry.value for entry in base.entries()}
    for entry in policy.entries():
        if (
            not entry.key.startswith(("policies", "announced", "name", "description", "extends"))
            and theirs.get(entry.key) != entry.value
        ):
            lines.append(f"{entry.key} = {entry.value} ({theirs.get(entry.key)})")
    return lines
