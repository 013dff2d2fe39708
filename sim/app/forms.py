"""Widgets of a form: one field for each control of the schema, with its unit, its range and what is wrong with it."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import panel as pn
from bokeh.models import CheckboxGroup, CustomJS, Slider, TextInput
from markupsafe import escape

from sim.app.controls import THOUSANDS, Control, advice, read
from sim.app.map import segment_name, style
from sim.language import _
from sim.parameters import SEGMENTS

#: called with the key and the value of a field when it has changed
Changed = Callable[[str, Any], None]
#: look of a field: its label takes as many lines as it needs, and what is not allowed has a frame
FIELD = """.bk-input-group{white-space:normal}
:host(.refused) .bk-input{border:2px solid #B8621B;background:#fff}"""
#: boxes to tick, as many beside each other as there is room for
TICKS = """.bk-input-group{display:grid!important;grid-template-columns:repeat(auto-fill,minmax(104px,1fr));gap:2px 6px}
label{display:flex;align-items:center;font-size:12.5px;line-height:1.3;margin:0}
input{flex:none;margin:0 5px 0 0!important}span{top:0!important}
:host(.refused) .bk-input-group{border:2px solid #B8621B;background:#fff}"""
#: the slider was let go of: its value as one would type it
SLIDE = "text.value = String(Number(slider.value_throttled.toPrecision(12)))"
#: something was typed: the slider goes there, or to its nearest end
FOLLOW = """let typed = text.value.normalize("NFKC").replace("\u2212", "-").trim();
if (new RegExp("^" + thousands + "$").test(typed)) typed = typed.replace(/,/g, "");
typed = typed.replace(/_/g, "");
if (typed != "" && isFinite(typed)) slider.value = Math.min(Math.max(Number(typed), slider.start), slider.end)"""


class Field:
    """One control on the page: keeps what was typed, and says below it what is wrong and by which rule.

    Parameters
    ----------
    control
        What is set.
    changed
        Called when it has.
    zones
        Names of the zones by id.

    Attributes
    ----------
    view
        What stands on the page.
    """

    def __init__(self, control: Control, changed: Changed, zones: Mapping[str, str]) -> None:
        self.control, self._changed = control, changed
        self.note = pn.pane.HTML("", stylesheets=[style()], margin=(0, 0, 6, 0))
        label = control.meaning + (f" [{control.unit}]" if control.unit else "")
        self.widget = self._widget(label, zones)
        parts: list[Any] = [self.widget]
        if isinstance(self.widget, TextInput):
            self.widget.on_change("value", lambda _attr, _old, new: self._typed(new))
        elif isinstance(self.widget, CheckboxGroup):
            self.widget.on_change("active", lambda _attr, _old, new: self._ticked(new))
            title = f'<div class="label">{escape(label)}</div>'
            parts.insert(0, pn.pane.HTML(title, stylesheets=[style()], margin=(4, 0, 0, 0)))
        else:
            self.widget.param.watch(lambda event: self._changed(control.key, event.new), "value")
        self.slider = self._make_slider(label)
        if self.slider is not None:
            parts.append(self.slider)
        self.view = pn.Column(*parts, self.note, css_classes=["field"], margin=0)
        self.judge("")

    def _widget(self, label: str, zones: Mapping[str, str]) -> Any:
        control = self.control
        look: dict[str, Any] = {"name": label, "margin": (4, 0, 0, 0), "stylesheets": [FIELD]}
        value = control.value
        named = zones if control.kind in ("zone", "zones") else {c: self._word(c) for c in control.choices}
        if control.kind == "switch":
            return pn.widgets.Checkbox(value=value is True, **look)
        if control.kind in ("choice", "zone"):
            options: dict[str, Any] = {name: choice for choice, name in named.items()}
            if control.optional or value not in options.values():
                options = {"–": None, **options}
            return pn.widgets.Select(
                options=options, value=value if value in options.values() else None, **look
            )
        if control.kind in ("choices", "zones"):
            self.choices = list(named)
            ticked = value if isinstance(value, list) else []
            # boxes of the browser's own: the keyboard goes through them, and on
            return CheckboxGroup(
                labels=list(named.values()), active=[i for i, one in enumerate(named) if one in ticked],
                html_attributes={"role": "group", "aria-label": label}, margin=(2, 0, 0, 0),
                sizing_mode="stretch_width", stylesheets=[FIELD, TICKS],
            )  # fmt: skip
        # Bokeh's own: Panel's may send a text back to the browser, and there over what was typed since
        return TextInput(
            title=label, value=control.text, placeholder=_("none") if control.optional else "",
            margin=(4, 0, 0, 0), sizing_mode="stretch_width", stylesheets=[FIELD],
        )  # fmt: skip

    def _word(self, choice: str) -> str:
        return segment_name(choice) if choice in SEGMENTS else choice

    def _make_slider(self, label: str) -> Any:
        found = self.control.slider
        if found is None:
            return None
        low, high, step = found
        value = self.control.value
        known = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        slider = Slider(start=low, end=high, step=step, value=value if known else low, show_value=False, title="",
                        margin=(0, 4, 0, 4), sizing_mode="stretch_width", syncable=False,
                        html_attributes={"data-name": label})  # fmt: skip
        # the two follow each other in the browser: the server hears the text alone, and never writes it
        both = {"text": self.widget, "slider": slider, "thousands": THOUSANDS.pattern}
        slider.js_on_change("value_throttled", CustomJS(args=both, code=SLIDE))
        self.widget.js_on_change("value", CustomJS(args=both, code=FOLLOW))
        return slider

    def _typed(self, text: str) -> None:
        self._changed(self.control.key, read(self.control, text))

    def _ticked(self, active: list[int]) -> None:
        chosen = [self.choices[i] for i in sorted(active)]
        self._changed(self.control.key, chosen or (None if self.control.optional else []))

    def judge(self, problem: str) -> None:
        """Say what is wrong, or the range where nothing is."""
        if problem:
            if isinstance(self.widget, TextInput):
                problem = _("; ").join(filter(None, (problem, advice(self.control, self.widget.value))))
            self.note.object = f'<div class="wrong" role="alert">⚠ {escape(problem)}</div>'
        else:
            said = self.control.range
            self.note.object = f'<div class="s">{escape(said)}</div>' if said else ""
        self.widget.css_classes = ["refused"] if problem else []
