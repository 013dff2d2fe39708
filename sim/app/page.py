"""One reader's page: puts controls, map, histories and comparisons together and answers what the reader does."""

import dataclasses
import functools
import io
import pathlib
from collections.abc import Callable
from typing import Any

import panel as pn
from markupsafe import escape

from sim.app import compare, work
from sim.app.frames import Frames, history_of
from sim.app.history import difference_card, named_differences, place_card, startup_card
from sim.app.jobs import COMPARE, RUN, Job, QueueFullError, key_of
from sim.app.levers import LeverForms
from sim.app.loss import tell_of_loss
from sim.app.map import Map
from sim.app.state import LAYERS, MOST_SEED, MOST_SEEDS, VIEWS, State, as_file, from_query, load, new_lever
from sim.language import LANGUAGES, _, name_in, speaking, translated
from sim.problems import ScenarioError, shown
from sim.scenario import Scenario

HERE = pathlib.Path(__file__).parent
TICK_MS = 250  #: between looks at the work that was asked for
BORDER = ".bk-btn.bk-btn-default{border:1px solid #8A9299!important;background:#fff!important;border-radius:4px!important}"  #: of plain buttons
NAMES = {"en": "English", "zh": "中文"}
#: the address holds the whole state; where the browser does not let it be copied, it is shown
COPY = """navigator.clipboard.writeText(window.location.href).then(() => {
  source.label = copied;
  setTimeout(() => { source.label = label; }, 2500);
}, () => window.prompt(label, window.location.href))"""


@functools.cache
def _file(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def html(text: str = "", **look: Any) -> pn.pane.HTML:
    """Return a piece of HTML in the style of the page."""
    return pn.pane.HTML(
        text,
        stylesheets=[_file("page.css")],
        sizing_mode="stretch_width",
        margin=look.pop("margin", 0),
        **look,
    )


def page_for(app: Any, lang: str) -> Any:
    """Return the page of a new reader; opening it starts no run."""
    session = Session(app, lang)
    template = pn.Template(_file("page.html"), location=True)
    for name, part in session.parts.items():
        template.add_panel(name, part)
    pn.state.add_periodic_callback(session.tick, TICK_MS)
    pn.state.on_session_destroyed(lambda _context: app.jobs.forget(session))
    return template


class Session:
    """What one reader sees and asks for.

    Parameters
    ----------
    app
        The server: its jobs, and the folder below which studies lie.
    lang
        Language where the address names none.
    """

    def __init__(self, app: Any, lang: str) -> None:
        self.app = app
        self.location = pn.state.location
        self.state, wrong = from_query(self.location.search if self.location is not None else "", lang)
        self.parts = {name: pn.Column(margin=0) for name in ("top", "left", "middle", "right")}
        self.runs: list[Frames] = []
        self.scenarios: list[Scenario] = []
        self.shown: tuple[Any, ...] = ()
        self.run_job: Job | None = None
        self.compare_job: Job | None = None
        self.wanted, self.quiet = False, False
        self.said: dict[str, str] = {}
        self.stale_map = False
        self.build()
        if pn.state.curdoc is not None:
            pn.state.curdoc.js_on_event("document_ready", self.map.first_draw)
            tell_of_loss(pn.state.curdoc)
        self.stale_map = False
        with speaking(self.state.lang):
            if self.state.zone and self.state.zone not in self.zone_names:
                unknown = _('no zone "{word}" in this world').format(word=shown(self.state.zone))
                wrong.append(_("{name}: {text}").format(name="zone", text=unknown))
                self._choose_zone("")
            if wrong:
                self.tell(_("Left out of the address: {what}").format(what=_("; ").join(wrong)))

    # -- building ---------------------------------------------------------------------------------------

    def build(self) -> None:
        """Make everything on the page anew, in the language of the state."""
        with speaking(self.state.lang):
            self.world = load(self.state.baseline).world
            self.map = Map(self.world, self.spoken(self._chose), self.state.layer, self.state.view)
            self.zone_names = {
                zone.id: name_in(self.state.lang, zone.name, zone.name_zh)
                for zone in self.map.geography.grid.tables.zones
            }
            self.forms = LeverForms(self)
            made = {name: getattr(self, f"_{name}")() for name in self.parts}
            self.said = {}
            self.forms.show(self.state)
            if self.runs:  # also where a refused value lets nothing be run
                self.show_runs()
            self.offer_frames()
            self.show_study()
            self.put_address()
            self._tick()
            for name, parts in made.items():  # last: what stands on the page is changed in `tick` alone
                self.parts[name].objects = parts
            self.stale_map = bool(self.runs)

    def spoken(self, does: Callable[..., Any]) -> Callable[..., Any]:
        """Return a callback that speaks the reader's language, and says what went wrong instead of failing."""

        @functools.wraps(does)
        def called(*given: Any) -> Any:
            with speaking(self.state.lang):
                try:
                    return does(*given)
                except (QueueFullError, ScenarioError, OSError, ValueError) as error:
                    self.tell(str(error))

        return called

    def button(self, label: str, does: Callable[[Any], Any], kind: str = "default", **look: Any) -> Any:
        """Return a button."""
        look.setdefault("stylesheets", [BORDER])
        made = pn.widgets.Button(name=label, button_type=kind, margin=look.pop("margin", (2, 4, 2, 0)),
                                 sizing_mode=look.pop("sizing_mode", None), **look)  # fmt: skip
        made.on_click(self.spoken(does))
        return made

    def _select(
        self, label: str, options: dict[str, Any], value: Any, does: Callable[[Any], Any], **look: Any
    ) -> Any:
        made = pn.widgets.Select(name=label, options=options, value=value, margin=(0, 8, 0, 0), **look)
        made.param.watch(self.spoken(lambda event: does(event.new)), "value")
        return made

    def _top(self) -> list[Any]:
        settings = self.map.geography.settings
        place = settings.get("name_zh" if self.state.lang == "zh" else "name") or ""
        title = html(f"<h1 lang='{self.state.lang}'>{escape(_('AI-startup clusters: {place}').format(place=place))}</h1>"
                     f"<div class='s'>{escape(_('Scenario differences, not forecasts. Nothing leaves this machine.'))}</div>",
                     max_width=265)  # fmt: skip
        names = self._scenario_names()
        policy = self._select(
            _("Policy A: scenario"), names, self.state.scenario, self._choose_scenario, width=240
        )
        baseline = self._select(
            _("Baseline, pinned"), names, self.state.baseline, self._choose_baseline, width=165
        )
        seed = pn.widgets.IntInput(
            name=_("Seed"), value=self.state.seed, start=0, end=MOST_SEED, width=80, margin=(0, 8, 0, 0)
        )
        seed.param.watch(self.spoken(lambda event: self._number(event, "seed")), "value")
        self.file = pn.widgets.FileDownload(
            callback=self._file_to_save, filename="scenario.toml", label=_("Save scenario"), button_type="default",
            width=125, margin=(18, 4, 0, 0), auto=True, stylesheets=[BORDER],
        )  # fmt: skip
        link = pn.widgets.Button(name=_("Copy link"), width=90, margin=(18, 4, 0, 0), stylesheets=[BORDER])
        link.js_on_click(args={"label": _("Copy link"), "copied": _("Copied")}, code=COPY)
        self.language = pn.widgets.RadioButtonGroup(
            options={NAMES[lang]: lang for lang in LANGUAGES}, value=self.state.lang, width=130, margin=(18, 0, 0, 4),
            button_type="default", button_style="outline",
        )  # fmt: skip
        self.language.param.watch(lambda event: self._speak(event.new), "value")
        self.message = html(visible=False)
        bar = pn.FlexBox(
            title, policy, baseline, seed, self.file, link, self.language, align_items="center", gap="4px 8px"
        )
        return [bar, self.message]

    def _scenario_names(self) -> dict[str, str]:
        names: dict[str, str] = {}
        for name in Scenario.shipped():
            one = load(name)
            names[name_in(self.state.lang, one.name, one.name_zh)] = name
        return names

    def _left(self) -> list[Any]:
        self.run_button = self.button(_("Run one seed"), self._run, "primary", sizing_mode="stretch_width")
        self.auto = pn.widgets.Checkbox(name=_("Run at every change"), value=True, margin=(2, 0))
        self.status = html()
        return [self.run_button, self.auto, self.status, self.forms.view]

    def _middle(self) -> list[Any]:
        self.hint = html()
        self.place_select = self._select(
            _("Zone: choose here or click the map"), {_("the whole region"): "", **{n: z for z, n in self.zone_names.items()}},
            self.state.zone if self.state.zone in self.zone_names else "", lambda zone: self._choose_zone(zone or ""), width=260,
        )  # fmt: skip
        self.kind_select = pn.widgets.Select(name=_("Lever to place in this zone"), options=self.forms.kinds(place_bound=True),
                                             width=220, margin=(0, 8, 0, 0))  # fmt: skip
        self.place_button = self.button(
            _("Place it"), self._place, "primary", width=110, margin=(18, 0, 0, 0)
        )
        self.place = html()
        self.startup = html()
        self.differs = html()
        return [
            self.hint, pn.pane.Bokeh(self.map.layout, sizing_mode="stretch_width", margin=0),
            pn.FlexBox(self.place_select, self.kind_select, self.place_button, align_items="center", gap="4px 8px"),
            self.place, self.startup, self.differs,
        ]  # fmt: skip

    def _right(self) -> list[Any]:
        self.seeds = pn.widgets.IntInput(name=_("Seeds"), value=self.state.seeds, start=1, end=MOST_SEEDS, width=90,
                                         margin=(0, 8, 0, 0))  # fmt: skip
        self.seeds.param.watch(self.spoken(lambda event: self._number(event, "seeds")), "value")
        self.controls = pn.widgets.Checkbox(
            name=_("with placebo and cash for comparison"), value=False, margin=(4, 0)
        )
        self.compare_button = self.button(
            _("Compare"), self._compare, "primary", width=130, margin=(18, 0, 0, 0)
        )
        self.cancel_button = self.button(
            _("Cancel"), self._cancel, width=100, margin=(18, 0, 0, 4), visible=False
        )
        self.progress = html()
        studies = compare.studies_below(self.app.root)
        known = {"–": "", **{name: name for name in studies}}
        value = self.state.study if self.state.study in studies else ""
        self.study_select = self._select(_("Open results below this folder"), known, value, self._open)
        self.cards = pn.pane.HTML("", margin=0)
        head = html(f"<h2>{escape(_('What many seeds say'))}</h2><div class='s'>"
                    f"{escape(_('Policy A and the baseline on the same seeds, shown as in the report.'))}</div>")  # fmt: skip
        return [head, pn.FlexBox(self.seeds, self.compare_button, self.cancel_button, align_items="center"), self.controls,
                self.progress, self.study_select, self.cards]  # fmt: skip

    # -- what the reader does -----------------------------------------------------------------------------

    def change(self, **values: Any) -> None:
        """Take new values into the state; a change of what is run may run it."""
        self.set(dataclasses.replace(self.state, **values))

    def _number(self, event: Any, name: str) -> None:
        """Take a whole number; an empty field gets its number back."""
        if event.new is None:
            event.obj.value = event.old
        else:
            self.change(**{name: event.new})

    def set(self, state: State) -> None:
        """Take a new state."""
        if state == self.state:
            return
        before, self.state = self.state, state
        self.put_address()
        if any(
            getattr(state, n) != getattr(before, n)
            for n in ("scenario", "baseline", "changes", "seed", "months")
        ):
            self.forms.mark(self.state.problems())
            self.wanted = self.auto.value
        self._tick()

    def put_address(self) -> None:
        """Write the state into the address."""
        if self.location is not None:
            self.location.search = f"?{self.state.to_query()}"

    def tell(self, text: str) -> None:
        """Show a message at the top."""
        self.message.object = f'<div class="bad" role="alert">{escape(text)}</div>' if text else ""
        self.message.visible = bool(text)

    def _speak(self, lang: str) -> None:
        self.state = dataclasses.replace(self.state, lang=lang)
        self.build()

    def _choose_scenario(self, name: str) -> None:
        self.tell("")
        self.set(dataclasses.replace(self.state, scenario=name, changes={}))
        self.forms.show(self.state)

    def _choose_baseline(self, name: str) -> None:
        self.tell("")
        self.change(baseline=name)

    def _choose_zone(self, zone: str) -> None:
        self.state = dataclasses.replace(self.state, zone=zone)
        self.put_address()
        self.show_place()

    def _chose(self, said: dict[str, Any]) -> None:
        """Take what the reader did on the map."""
        values: dict[str, Any] = {}
        if isinstance(said.get("month"), int | float):
            last = len(self.runs[0].months) if self.runs else 0
            if last:  # before the first run the slider stands somewhere, which nobody has chosen
                values["month"] = 0 if int(said["month"]) == last else int(said["month"])
            values["layer"], values["view"] = LAYERS[int(said["layer"])], VIEWS[int(said["view"])]
        if said.get("zone") in self.zone_names:
            values["zone"] = said["zone"]
        if isinstance(said.get("startup"), str) and said["startup"].isdecimal():
            values["startup"] = said["startup"]
        before, self.state = self.state, dataclasses.replace(self.state, **values)
        self.put_address()
        if self.state.zone != before.zone and self.place_select.value != self.state.zone:
            self.place_select.value = self.state.zone
        if self.state.startup != before.startup:
            self.show_startup()

    def _place(self, _event: Any) -> None:
        zone = self.state.zone
        if not zone:
            raise ValueError(_("Choose a zone first: click one on the map, or take one from the list."))
        self.add_lever(self.kind_select.value, zone)

    def add_lever(self, kind: str, zone: str | None) -> None:
        """Add a lever of a kind to the scenario, in a zone if it has one."""
        shipped = load(self.state.scenario)
        taken = {*(lever.id for lever in shipped.policies), *self.state.typed()["policies"]}
        table = new_lever(kind, shipped, zone, taken)
        self.set(self.state.with_change(f"policies.{table['id']}", table))
        self.forms.show(self.state, opened=table["id"])

    def _file_to_save(self) -> io.StringIO | None:
        with speaking(self.state.lang):
            try:
                text = as_file(self.state)
            except ScenarioError as error:
                self.tell(str(error))
                return io.StringIO("")
            self.file.filename = f"{self.state.policy_id}.toml"
            said = _("Saved as below; check it with: sim scenario validate {name}").format(
                name=self.file.filename
            )
            self.message.object = f'<div class="say">{escape(said)}<pre>{escape(text)}</pre></div>'
            self.message.visible = True
            return io.StringIO(text)

    # -- one seed -------------------------------------------------------------------------------------------

    def asked(self) -> list[Scenario]:
        """Return the scenarios of the map: the baseline, and the policy if it is another.

        Raises
        ------
        ScenarioError
            If a value is not allowed.
        """
        baseline, policy = load(self.state.baseline), self.state.resolved()
        return [baseline] if policy.fingerprint == baseline.fingerprint else [baseline, policy]

    def _run(self, _event: Any = None) -> None:
        self.tell("")
        scenarios = self.asked()
        if self.run_job is not None and self.run_job.open:
            self.wanted = True
            return
        kept = self.app.jobs.kept
        missing = [s for s in scenarios if key_of(s, self.state.seed, self.state.months) not in kept]
        if missing:
            self.run_job = self.app.jobs.submit(
                self, RUN, missing, self.state.seed, self.state.months, self.state.lang
            )
        self._tick()

    def offer_frames(self) -> None:
        """Show the runs of the state if they are done.

        The map consists of Bokeh's models, which may be changed only while the document is locked: by `tick`, not by what
        Panel's widgets call.
        """
        try:
            scenarios = self.asked()
        except ScenarioError:
            return
        keys = tuple(key_of(s, self.state.seed, self.state.months) for s in scenarios)
        kept = self.app.jobs.kept
        if keys != self.shown and all(key in kept for key in keys):
            self.shown, self.runs, self.scenarios = keys, [kept[key] for key in keys], scenarios
            self.show_runs()

    def show_runs(self) -> None:
        """Show the runs that are there, in the language spoken."""
        names = [self._name(s) for s in self.scenarios]
        titles = [f'<span class="pill zero">0</span><b>{escape(names[0])}</b>']
        if len(names) > 1:
            titles.append(f'<span class="pill a">A</span><b>{escape(names[1])}</b>')
        self.treated = self.scenarios[-1].treated_zones
        self.named = named_differences(self.scenarios) if len(names) > 1 else []
        self.map.show(self.runs, self.treated, titles, self.state.month, self.state.layer, self.state.view)
        self.show_place()
        self.show_startup()

    def _name(self, scenario: Scenario) -> str:
        return name_in(self.state.lang, scenario.name, scenario.name_zh)

    def show_place(self) -> None:
        """Show the months of the chosen zone, or of the region, and what the runs differ in."""
        zone = self.zone_names.get(self.state.zone)
        if not self.runs:
            self.place.object = self.differs.object = ""
            return
        at = list(self.zone_names).index(self.state.zone) if zone else None
        note = ""
        if at is not None:
            own = self.map.geography.grid.tables.zones[at]
            note = _("{stock} m² of floor space (synthetic stock)").format(stock=f"{own.stock_m2:,.0f}")
        head = f"<h2>{escape(zone or _('The whole region'))} <span class='s'>{escape(note)}</span></h2>"
        self.place.object = head + place_card(self.runs, at, self.map.stock)
        self.differs.object = ""
        if len(self.runs) > 1:
            title = (
                f"<h2>{escape(_('Baseline and policy A on seed {seed}').format(seed=self.runs[0].seed))}</h2>"
            )
            self.differs.object = title + difference_card(self.runs, self.treated, self.named)

    def show_startup(self) -> None:
        """Show the history of the chosen startup."""
        if not self.runs or not self.state.startup.isdecimal() or int(self.state.startup) >= 2**64:
            text = _("Click a dot on the map to see the history of a startup.") if self.runs else ""
            self.startup.object = f"<p class='s'>{escape(text)}</p>"
            return
        uid, names = int(self.state.startup), list(self.zone_names.values())
        parts = []
        for frames, title in zip(self.runs, (_("in the baseline"), _("under policy A")), strict=False):
            found = history_of(frames, uid, self.map.geography.grid.zone)
            parts.append(
                f"<h3>{escape(_('One startup, {where}').format(where=title))}</h3>{startup_card(found, frames, names)}"
            )
        self.startup.object = "".join(parts)

    # -- many seeds -----------------------------------------------------------------------------------------

    def _compare(self, _event: Any) -> None:
        self.tell("")
        scenarios = self.asked()
        if len(scenarios) < 2:
            raise ValueError(
                _(
                    "Policy A is the baseline: there is nothing to compare. Choose another scenario or add a lever."
                )
            )
        if self.compare_job is not None and self.compare_job.open:
            return
        baseline, policy = scenarios
        name = compare.comparison_folder(policy, baseline, self.state.months, self.controls.value)
        self.compare_job = self.app.jobs.submit(
            self, COMPARE, work.compare_in_process, policy, baseline, self.state.seeds, self.state.months, str(self.app.root / name),
            self.controls.value, self.state.lang,
        )  # fmt: skip
        self._tick()

    def _cancel(self, _event: Any) -> None:
        if self.compare_job is not None:
            self.app.jobs.cancel(self.compare_job)
        self._tick()

    def _open(self, name: str) -> None:
        self.tell("")
        self.state = dataclasses.replace(self.state, study=name)
        self.put_address()
        self.show_study(read=True)

    def show_study(self, read: bool = False) -> None:
        """Show the open study; one that was not evaluated yet is, if the reader asked for it here."""
        name = self.state.study
        folder = compare.study_folder(self.app.root, name) if name else None
        if folder is None:
            text = _("No comparison yet. Pick a policy, then Compare.")
            if name:
                text = _("{name}: no results folder below the one in which the page was started").format(
                    name=name
                )
            self.cards.object = f'<p class="s" style="color:#5F6871">{escape(text)}</p>'
            return
        found = compare.known_evaluation(folder)
        if found is not None:
            linked = name if compare.report_of(folder).is_file() else ""
            self.cards.object = compare.cards(found, self.state.lang, linked)
        elif read and (self.compare_job is None or not self.compare_job.open):
            self.compare_job = self.app.jobs.submit(
                self, COMPARE, work.evaluate_in_process, str(folder), self.state.lang
            )
        else:
            text = _("{name} is not evaluated yet: choose it again in the list above.").format(name=name)
            self.cards.object = f"<p>{escape(text)}</p>"

    # -- what goes on beside --------------------------------------------------------------------------------

    def tick(self) -> None:
        """Look at the work that goes on; called often."""
        if self.stale_map:
            self.stale_map = False
            self.map.again()
        self.spoken(self.offer_frames)()
        self.spoken(self._tick)()

    def _tick(self) -> None:
        job = self.run_job
        if job is not None and not job.open:
            self.run_job = None
            if job.status == "failed":
                self.tell(_("The run failed: {why}").format(why=job.message))
        if self.wanted and self.run_job is None:
            self.wanted = False
            if not self.state.problems():
                self._run()
        problems = self.state.problems()
        self.put("status", self.status, self._run_words(bool(problems)))
        self.run_button.disabled = bool(problems)
        self.compare_button.disabled = bool(problems)
        self._tick_comparison()

    def _run_words(self, wrong: bool) -> str:
        if wrong:
            text = _("Some values are not allowed; mend what is marked, then run.")
            return f'<div class="bad" role="alert">{escape(text)}</div>'
        job = self.run_job or next(
            (j for j in [self.app.jobs.running[RUN]] if j is not None and j.owner is None), None
        )
        if job is not None and job.open and not self._is_shown():
            text = (
                _("waiting for {n} other runs").format(n=len(self.app.jobs.queues[RUN]))
                if job.status == "waiting"
                else (self._step(job))
            )
            if job.total and job.status == "running":
                text += f" {job.finished}/{job.total}"
            return f'<div class="say" role="status">{escape(_("Running: {what}").format(what=text))}</div>'
        if not self.runs:
            return f'<div class="warn">{escape(_("Nothing was run yet: press Run."))}</div>'
        if not self._is_shown():
            text = _("The map still shows the run before your changes: press Run.")
            return f'<div class="warn">{escape(text)}</div>'
        text = _(
            "Seed {seed}, {n} months. One run is a story, not a result; effects stand under “What many seeds say”."
        )
        return f'<div class="s">{escape(text.format(seed=self.state.seed, n=len(self.runs[0].months)))}</div>'

    def _step(self, job: Job) -> str:
        """Return what a job does just now; that of the page itself may have been asked for in another language."""
        own = job.asked[-1] == self.state.lang
        return (job.step if own else translated(job.step, self.state.lang)) or _("starting the model")

    def _is_shown(self) -> bool:
        try:
            return self.shown == tuple(key_of(s, self.state.seed, self.state.months) for s in self.asked())
        except ScenarioError:
            return False

    def _tick_comparison(self) -> None:
        job = self.compare_job
        self.cancel_button.visible = job is not None and job.open
        if job is None:
            return
        words = {"waiting": _("waiting for another comparison"), "failed": _("failed: {why}").format(why=job.message),
                 "cancelled": _("cancelled; {n} of {all} runs were done. What was written is kept: the same comparison goes on there.")
                 .format(n=job.finished, all=job.total or "?"), "done": _("done")}  # fmt: skip
        text = words.get(job.status, "")
        if job.status == "running":
            text = f"{self._step(job)}: {job.finished} / {job.total or '?'}"
            if job.failed:
                text += _(", {n} failed").format(n=job.failed)
        share = 100 * (job.finished + job.failed) / job.total if job.total else 0
        bar = f'<div class="progress"><i style="width:{share:.0f}%"></i></div>' if job.open else ""
        self.put("progress", self.progress, f'<div class="s" role="status">{escape(text)}</div>{bar}')
        if job.status == "done" and job.result is not None:
            name = str(pathlib.Path(job.result).relative_to(self.app.root))
            job.result = None
            self.state = dataclasses.replace(self.state, study=name)
            self.put_address()
            studies = compare.studies_below(self.app.root)
            self.study_select.options = {"–": "", **{one: one for one in studies}}
            self.study_select.value = name
            self.show_study()

    def put(self, name: str, pane: Any, text: str) -> None:
        """Put text into a pane if it says something else now."""
        if self.said.get(name) != text:
            self.said[name] = text
            pane.object = text
