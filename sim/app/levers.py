"""The form of a scenario: its levers, each with its fields, and one section of parameters at a time."""

from typing import Any

import panel as pn
from markupsafe import escape

from sim.app.controls import controls_of_lever, controls_of_section
from sim.app.forms import Field
from sim.app.state import State, load
from sim.language import _, current_language
from sim.levers import LEVERS
from sim.parameters import SECTIONS
from sim.problems import Problem
from sim.report.words import kind_name

#: fields that show at once; the others are behind a fold
MOST_OPEN = 3


class LeverForms:
    """Fields of all levers of the scenario and of one section of parameters.

    Parameters
    ----------
    session
        The page: told of every change.

    Attributes
    ----------
    view
        What stands on the page.
    """

    def __init__(self, session: Any) -> None:
        self.session = session
        self.fields: dict[str, Field] = {}
        self.section: str | None = None
        self.levers = pn.Column(margin=0)
        self.parameters = pn.Column(margin=0)
        self.other = pn.pane.HTML("", margin=0)
        add = pn.widgets.Select(name=_("Add a lever"), options={"–": "", **self.kinds()}, margin=(4, 0))
        add.param.watch(session.spoken(lambda event: self._add(add, event.new)), "value")
        names = section_names()
        self.sections = pn.widgets.Select(
            name=_("Parameters of the world: choose a group"), margin=(4, 0),
            options={"–": "", **{names.get(name, name): name for name in SECTIONS}},
        )  # fmt: skip
        self.sections.param.watch(session.spoken(lambda event: self._open(event.new or None)), "value")
        self.head = pn.pane.HTML("", margin=(8, 0, 0, 0))
        self.view = pn.Column(
            self.head, self.other, self.levers, add, self.sections, self.parameters, margin=0
        )

    def kinds(self, place_bound: bool = False) -> dict[str, str]:
        """Return the kinds of levers by name: policies first, then stresses; of them those that name zones, or all."""
        lang = current_language()
        named = {}
        for kind, lever in sorted(LEVERS.items(), key=lambda item: item[1].stress):
            placed = {"zone", "zones"} & set(lever.model_fields)
            if not place_bound or placed:
                text = kind_name(kind).of(lang)
                if kind == "placebo":
                    text = _("{kind} (a control, no policy)").format(kind=text)
                elif lever.stress:
                    text = _("{kind} (a stress, no policy)").format(kind=text)
                named[text] = kind
        return named

    def _add(self, select: Any, kind: str) -> None:
        if kind:
            select.value = ""
            fields = LEVERS[kind].model_fields
            self.session.add_lever(
                kind, self.session.state.zone or None if {"zone", "zones"} & set(fields) else None
            )

    def _open(self, section: str | None) -> None:
        self.section = section
        self._show_section(self.session.state)
        self.mark(self.session.state.problems())

    def show(self, state: State, opened: str = "") -> None:
        """Make the form of a state anew.

        Parameters
        ----------
        state
            What is shown.
        opened
            Id of the lever that is open; empty: the first.
        """
        self.fields = {}
        pill = '<span style="display:inline-grid;place-items:center;width:20px;height:20px;border-radius:10px;background:#1F6FD6;color:#fff;font-weight:700;font-size:12px">A</span>'
        self.head.object = (
            f"<h2 style='font-size:15px;margin:0'>{pill} {escape(_('Levers of policy A'))}</h2>"
        )
        policies = state.typed().get("policies")
        cards = []
        for i, (lever_id, table) in enumerate(policies.items() if isinstance(policies, dict) else ()):
            if isinstance(table, dict):
                cards.append(self._card(lever_id, table, opened == lever_id if opened else i == 0))
        note = _(
            "No lever: the baseline goes on. Add one below, or click a zone on the map and place it there."
        )
        self.levers.objects = cards or [pn.pane.HTML(f"<p style='color:#5F6871'>{escape(note)}</p>")]
        self._show_section(state)
        self.mark(state.problems())

    def _card(self, lever_id: str, table: dict[str, Any], is_open: bool) -> Any:
        controls = controls_of_lever(table, f"policies.{lever_id}")
        fields = [self._field(control) for control in controls]
        # what makes the lever comes first: what must be given, then what has no plain default
        order = sorted(
            range(len(fields)), key=lambda i: controls[i].optional or controls[i].kind in ("choices",)
        )
        first = [fields[i].view for i in order if not controls[i].optional][: max(MOST_OPEN, len(fields) - 6)]
        rest = [field.view for field in fields if field.view not in first]
        remove = self.session.button(_("Remove this lever"), lambda _event: self._remove(lever_id), width=160)
        kind = kind_name(str(table.get("kind"))).of(current_language())
        parts: list[Any] = [*first]
        if rest:
            parts.append(
                pn.Card(
                    *rest, title=_("More fields"), collapsed=True, margin=(4, 0), header_background="#fff"
                )
            )
        return pn.Card(*parts, remove, title=f"{kind} · {lever_id}", collapsed=not is_open, margin=(4, 0),
                       header_background="#fff", css_classes=["lever"])  # fmt: skip

    def _show_section(self, state: State) -> None:
        for key in [key for key in self.fields if not key.startswith("policies.")]:
            del self.fields[key]
        if self.section is None:
            self.parameters.objects = []
            return
        values = state.typed().get(self.section)
        self.parameters.objects = [self._field(c).view for c in controls_of_section(self.section, values)]

    def _field(self, control: Any) -> Field:
        field = Field(control, self.session.spoken(self._changed), self.session.map.short_names)
        self.fields[control.key] = field
        return field

    def _changed(self, key: str, value: Any) -> None:
        self.session.tell("")
        self.session.set(self.session.state.with_change(key, value))

    def _remove(self, lever_id: str) -> None:
        state, key = self.session.state, f"policies.{lever_id}"
        shipped = {lever.id for lever in load(state.scenario).policies}
        changed = state.with_change(key, None) if lever_id in shipped else state.without_change(key)
        self.session.set(changed)
        self.show(self.session.state)

    def mark(self, problems: list[Problem]) -> None:
        """Say beside each field what is wrong with it, and at the top what belongs to no field."""
        said = {problem.key: problem.message for problem in problems}
        for key, field in self.fields.items():
            own = [
                said.pop(name)
                for name in list(said)
                if name == key or name.startswith((f"{key}[", f"{key}."))
            ]
            field.judge(_("; ").join(own))
        text = "".join(f"<li>{escape(key)}: {escape(message)}</li>" for key, message in said.items())
        self.other.object = f"<ul style='color:#8A3B00;font-weight:700'>{text}</ul>" if text else ""


def section_names() -> dict[str, str]:
    """Return the names of the sections of parameters."""
    return {
        "access": _("Access: spillovers, talent, capital"), "land": _("Offices: rents and vacancy"),
        "location": _("Location: choosing a place"), "operations": _("Operations: heads, revenue, costs"),
        "labour": _("Labour market"), "compute": _("Compute"), "finance": _("Finance: rounds and funds"),
        "exits": _("Exits: failure, acquisition, listing"), "production": _("Production"),
        "births": _("Births: who founds where"), "initial": _("The first month"), "outlook": _("The world outside"),
    }  # fmt: skip
