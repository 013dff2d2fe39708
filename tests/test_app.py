"""The page of `sim app`: state and address, controls from the schema, saving, frames, jobs, and who is answered."""

import contextlib
import dataclasses
import json
import pathlib
import re
import socket
import types
import typing

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tornado.httputil import HTTPHeaders

from sim.app import compare, controls, security
from sim.app.forms import Field
from sim.app.frames import ABSENT, Frames, history_of
from sim.app.history import MONEY, place_card
from sim.app.jobs import COMPARE, MOST_WAITING, RUN, Jobs, QueueFullError
from sim.app.levers import LeverForms
from sim.app.map import NARROWEST, Map
from sim.app.page import Session
from sim.app.state import LAYERS, LONGEST_QUERY, VIEWS, State, as_file, from_query, new_lever
from sim.figures.numbers import level_text
from sim.figures.style import text_width
from sim.language import speaking
from sim.levers import LEVERS
from sim.parameters import SECTIONS
from sim.scenario import Scenario
from sim.space import Grid

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::PendingDeprecationWarning")
PORT = 5006
SHARE = "policies.north-latitude-rent.share"


# -- state and address -------------------------------------------------------------------------------------

changes = st.dictionaries(
    st.sampled_from(["births.outside_pull", SHARE, "name", "policies.x", "location.revision"]),
    st.one_of(
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(max_size=20),
        st.none(),
        st.lists(st.integers(), max_size=3),
    ),
    max_size=4,
)


@given(
    st.builds(
        State, scenario=st.sampled_from(Scenario.shipped()), changes=changes, seed=st.integers(0, 2**31 - 1),
        seeds=st.integers(1, 200), months=st.none() | st.integers(1, 1200), layer=st.sampled_from(LAYERS),
        view=st.sampled_from(VIEWS), month=st.integers(0, 1200), zone=st.text(max_size=10), study=st.text(max_size=10),
        lang=st.sampled_from(["en", "zh"]),
    )
)  # fmt: skip
@settings(max_examples=40, deadline=None)
def test_an_address_brings_back_the_whole_state(state):
    found, wrong = from_query(state.to_query())
    assert found == state
    assert wrong == []


@given(st.text(max_size=300))
@settings(max_examples=60, deadline=None)
def test_no_address_breaks_the_page(query):
    state, _wrong = from_query(query)
    assert state.scenario in Scenario.shipped()


@pytest.mark.parametrize(
    "query",
    ["scenario=/etc/passwd", "scenario=rent-cuts", "seed=-1", "seed=x", "layer=gold", "month=1e9", "changes=[1]",
     "changes={" , "x" * (LONGEST_QUERY + 1), "changes=" + "[" * 5000, "lang=fr"],
)  # fmt: skip
def test_what_an_address_says_wrongly_is_named_and_left_out(query):
    state, wrong = from_query(query)
    assert wrong
    assert state == State()


def test_what_is_wrong_with_an_address_is_told_in_the_language_that_it_names():
    _state, wrong = from_query("scenario=nonsense&seed=-5&lang=zh", "en")
    assert len(wrong) == 2
    assert all(re.search("[\u4e00-\u9fff]", told) for told in wrong)
    _state, wrong = from_query("scenario=nonsense&lang=en", "zh")
    assert not re.search("[\u4e00-\u9fff]", wrong[0])


def test_the_placebo_is_offered_as_no_stress():
    with speaking("en"):
        names = {kind: name for name, kind in LeverForms.kinds(types.SimpleNamespace()).items()}
    assert "stress" in names["funding-climate"]
    assert "control" in names["placebo"]
    assert "stress" not in names["placebo"]


def test_hostile_changes_are_problems_and_no_failure():
    hostile = {
        "access": 5,
        "policies": "none",
        "policies.x.y.z": 1,
        "a[3].b": 2,
        "": 1,
        "births.outside_pull": {"a": []},
    }
    for key, value in hostile.items():
        state = State(changes={key: value})
        assert state.problems()
        state.typed()


# -- controls ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("section", SECTIONS)
def test_every_parameter_has_a_control_with_its_unit_and_bounds(section):
    found = {c.key: c for c in controls.controls_of_section(section, State("baseline").typed()[section])}
    for name, field in SECTIONS[section].model_fields.items():
        control, about = found[f"{section}.{name}"], field.json_schema_extra
        assert control.meaning
        assert (control.unit or "-") == about["unit"]
        if "bounds" in about:
            assert [control.low, control.high] == about["bounds"]
        if control.slider and control.sweep:
            low, high, step = control.slider
            assert low <= control.sweep[0] < control.sweep[1] <= high
            assert 0 < step < high - low


@pytest.mark.parametrize("kind", LEVERS)
def test_every_key_of_a_lever_can_be_set_or_is_fixed(kind):
    lever = new_lever(kind, Scenario.load("baseline"), None, [])
    found = {
        c.key.removeprefix("policies.x.").split("[")[0]
        for c in controls.controls_of_lever(lever, "policies.x")
    }
    assert found | set(controls.FIXED) == {
        field.alias or name for name, field in LEVERS[kind].model_fields.items()
    }


@pytest.mark.parametrize(
    "kind", [kind for kind in LEVERS if {"zone", "zones"} & set(LEVERS[kind].model_fields)]
)
def test_a_lever_placed_on_the_map_is_valid_and_in_its_zone(kind):
    baseline = Scenario.load("baseline")
    zone = Grid.of(baseline.world).tables.zones[3].id
    table = new_lever(kind, baseline, zone, [])
    state = State("baseline").with_change(f"policies.{table['id']}", table)
    (lever,) = state.resolved().policies
    assert lever.zone_ids() == (zone,)


@pytest.mark.parametrize("typed", ["3", "nan", "1e400", "-0.1", "many", "", "９９", "9" * 5000])
def test_what_is_not_allowed_is_kept_and_refused_with_its_key(typed):
    field = next(c for c in controls.controls_of_lever(State().typed()["policies"]["north-latitude-rent"], "policies.north-latitude-rent")
                 if c.key == SHARE)  # fmt: skip
    state = State().with_change(SHARE, controls.read(field, typed))
    assert [problem.key for problem in state.problems()] == [SHARE]
    again = next(c for c in controls.controls_of_lever(state.typed()["policies"]["north-latitude-rent"], "policies.north-latitude-rent")
                 if c.key == SHARE)  # fmt: skip
    assert again.value == controls.read(field, typed)


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("0.3", 0.3),
        (" 1,000 ", 1000),
        ("１２，０００", 12000),
        ("12,621.5", 12621.5),
        ("−0.5", -0.5),
        ("1_0", 10),
        ("０．５", 0.5),
        ("1e-3", 0.001),
    ],
)
def test_numbers_are_read_as_people_type_them(typed, value):
    assert controls.read(controls.Control("a.b", "number", "", 0.0), typed) == value


@pytest.mark.parametrize("typed", ["12,5", "1,5", "1，5", "12.621,5", "1,2345", "12,50,000", ",5"])
def test_a_decimal_comma_is_refused_with_the_advice_to_type_a_point(typed):
    control = next(c for c in controls.controls_of_section("births", {}) if c.kind == "number")
    assert controls.read(control, typed) == typed
    field = Field(control, lambda *_said: None, {})
    field.widget.value = typed
    field.judge("must be a number")
    assert "point" in field.note.object
    assert controls.advice(control, "many") == controls.advice(control, "12,000") == ""


def test_ranges_are_written_in_full():
    control = controls.Control("a.b", "number", "", 0.0, low=0.0, high=1e6, sweep=(0.25, 20000.0))
    assert control.range == "allowed 0 to 1,000,000; plausible 0.25 to 20,000"


def test_fields_of_phases_say_of_which_phase_they_are():
    lever = new_lever("new-space", Scenario.load("north-space"), None, [])
    lever["phases"] = [*lever["phases"][:1], *lever["phases"][:1]]
    meanings = [c.meaning for c in controls.controls_of_lever(lever, "policies.x")]
    assert len(set(meanings)) == len(meanings)
    assert sum(meaning.startswith("Phase 2: ") for meaning in meanings) == 2


@pytest.mark.parametrize(("optional", "none"), [(True, None), (False, [])])
def test_boxes_that_are_ticked_are_the_value_and_none_is_no_value(optional, none):
    told = []
    control = controls.Control("a.zones", "zones", "", ["there"], optional=optional)
    field = Field(control, lambda *said: told.append(said), {"here": "Here", "there": "There"})
    assert (field.widget.labels, field.widget.active) == (["Here", "There"], [1])
    field.widget.active = [1, 0]
    field.widget.active = []
    assert told == [("a.zones", ["here", "there"]), ("a.zones", none)]


# -- saving ------------------------------------------------------------------------------------------------


def test_a_saved_scenario_is_the_one_that_ran(tmp_path):
    baseline = Scenario.load("baseline")
    placed = new_lever("new-space", baseline, Grid.of(baseline.world).tables.zones[2].id, [])
    cases = [
        State(),
        State().with_change(SHARE, 0.25).with_change("births.outside_pull", 0.4),
        State("baseline")
        .with_change("policies.new-space-1", placed)
        .with_change("policies.new-space-1.phases[0].area_m2", 5e5),
        State("everything").with_change("policies.jingxi-incubator", None),
        State("vc-hub").with_change("policies.vc-hub.months", 12).with_change("access.spillover_cut_km", 3.0),
        State("north-latitude").with_change("name", "</script> “x”"),
    ]
    for i, state in enumerate(cases):
        path = tmp_path / f"case-{i}.toml"
        path.write_text(as_file(state), encoding="utf-8")
        assert Scenario.load(path).fingerprint == state.resolved().fingerprint


def test_the_names_of_an_edited_scenario_are_each_in_their_own_language():
    names = []
    for lang in ("en", "zh"):
        with speaking(lang):
            found = State().with_change(SHARE, 0.25).resolved()
        names.append((found.name, found.name_zh))
    assert names[0] == names[1] == ("Rent cut, North Latitude, edited", "北纬社区租金减免（已修改）")


# -- frames ------------------------------------------------------------------------------------------------


def frames(cell, deals=()):
    """Return frames of startups whose cells by month are the rows of `cell`."""
    cell = np.array(cell)
    months, n = cell.shape
    return Frames(
        "a", "A", "", 1, tuple(f"2025-{t + 1:02d}" for t in range(months)), ("here", "there"), np.zeros((months, 2, 4)), {},
        np.arange(1, n + 1, dtype=np.uint64), np.zeros(n, int), cell, np.ones(cell.shape), np.zeros(cell.shape), np.zeros(n, int),
        np.rec.fromrecords(list(deals) or [(0, 0, 0.0)], dtype=[("month", int), ("uid", "<u8"), ("amount", float)]), {}, None,
    )  # fmt: skip


@given(st.lists(st.lists(st.integers(ABSENT, 3), min_size=3, max_size=3), min_size=1, max_size=8))
@settings(max_examples=60, deadline=None)
def test_spells_tell_where_everybody_was_in_every_month(cell):
    found = frames(cell)
    spells = found.spells()
    told = np.full(found.cell.shape, ABSENT)
    for who, at, first, last in zip(
        *(spells[name].tolist() for name in ("who", "cell", "first", "last")), strict=True
    ):
        assert (told[first : last + 1, who] == ABSENT).all()
        told[first : last + 1, who] = at
    assert (told == found.cell).all()


def test_a_history_has_the_zones_and_rounds_of_its_startup_alone():
    found = frames([[0, ABSENT], [1, 2], [ABSENT, 2]], deals=[(1, 1, 5.0), (2, 2, 7.0)])
    history = history_of(found, 1, np.array([0, 1, 1]))
    assert (history.first, history.last) == (0, 1)
    assert history.zone.tolist() == [0, 1, ABSENT]
    assert history.deals == ((1, 5.0),)
    assert history_of(found, 77, np.array([0, 1, 1])) is None


def test_frames_of_a_run_count_what_the_run_counts():
    from sim.app import watch as module

    scenario = Scenario.load("baseline").with_values({"initial.history_months": 24, "initial.startups": 200})
    found = module.frames_of(scenario, 1, 3)
    run = module.ClusterModel.from_scenario(scenario, seed=1).run(3)
    assert found.startups.sum(axis=1).tolist() == (found.cell != ABSENT).sum(axis=1).tolist()
    assert np.array_equal(found.by_segment, run.arrays["series"][:, :, :, 0])
    assert found.outcomes["startups_region"] == run.measures()["startups_region"][1]


def test_rounds_of_twelve_months_are_told_once_twelve_months_are_known():
    from sim.app import watch as module

    scenario = Scenario.load("baseline").with_values({"initial.history_months": 24, "initial.startups": 200})
    found = module.frames_of(scenario, 1, 13).layer("deals")
    run = module.ClusterModel.from_scenario(scenario, seed=1).run(13)
    rounds = run.arrays["series"][:, :, :, module.POSITION["deals"]].sum(axis=2)
    assert np.isnan(found[:11]).all()
    assert found[11:].tolist() == [rounds[:12].sum(axis=0).tolist(), rounds[1:].sum(axis=0).tolist()]


def with_layers(found, factor=1.0):
    """Return frames with numbers in all layers."""
    values = factor * np.array([[3.0, 170.0], [9.0, 400.0], [30.0, 6000.0]])
    layers = dict.fromkeys(LAYERS, values) | {"deals": np.full((3, 2), np.nan)}
    return dataclasses.replace(found, layers=layers, by_segment=np.stack([values] * 4, axis=2))


def test_a_colour_means_the_same_beside_whatever_policy():
    base = with_layers(frames([[0], [1], [1]]))
    shown = Map("haidian", lambda _said: None)
    told = [
        shown._about([base, with_layers(base, factor)], [], ["0", "A"])["layers"] for factor in (1, 1.1, 9)
    ]
    assert told[0] == told[1] == told[2]
    for layer in told[0]:
        assert list(layer["bounds"]) == sorted(set(layer["bounds"]))
        assert list(layer["differences"]) == [-bound for bound in reversed(layer["differences"])]


def test_a_run_of_few_months_is_shown_without_rounds_of_a_year():
    base = with_layers(frames([[0], [1], [1]]))
    assert "Rounds in 12 months" in place_card([base], None, np.ones(2))


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_names_and_numbers_of_zones_lie_within_the_map(lang):
    with speaking(lang):
        shown = Map("haidian", lambda _said: None)
    west, east, south, north = shown.extent
    km, places = (east - west) / NARROWEST, shown._label_places()
    for x, y, align, name in zip(*(places[key] for key in ("x", "y", "align", "text")), strict=True):
        wide = text_width(f"{name} 13,840", 11.0) * km
        left = x - {"left": 0.0, "center": 0.5, "right": 1.0}[align] * wide
        assert west < left < left + wide < east, name
        assert south < y - 7 * km < y + 7 * km < north, name


# -- work beside the page ----------------------------------------------------------------------------------


class FakeWorker:
    """A process that does nothing, and says what it is told to say."""

    made: typing.ClassVar[list] = []

    def __init__(self, *given):
        self.given, self.ended, self.said = given, False, []
        self.connection = types.SimpleNamespace(
            send=lambda _task: None, poll=lambda: bool(self.said), recv=lambda: self.said.pop(0))  # fmt: skip
        FakeWorker.made.append(self)

    def end(self, politely):
        self.ended = True

    def has_ended(self):
        return self.ended


@pytest.fixture
def jobs(monkeypatch):
    monkeypatch.setattr("sim.app.jobs.Worker", FakeWorker)
    FakeWorker.made = []
    return Jobs()


def test_a_thousand_runs_are_refused_with_a_message_beyond_a_few(jobs):
    taken = 0
    for _i in range(1000):
        with contextlib.suppress(QueueFullError):
            jobs.submit("reader", RUN, "what")
            taken += 1
    assert taken == MOST_WAITING
    with pytest.raises(QueueFullError, match="full"):
        jobs.submit("another", RUN, "what")
    jobs.submit("another", COMPARE, print)


def test_who_goes_takes_what_was_asked_for_along_and_nobody_elses(jobs):
    mine, waiting, other = (jobs.submit(owner, RUN, "x") for owner in ("me", "me", "you"))
    comparison = jobs.submit("me", COMPARE, print)
    jobs.poll()
    assert (mine.status, comparison.status) == ("running", "running")
    running = list(FakeWorker.made)
    jobs.forget("me")
    assert {mine.status, waiting.status, comparison.status} == {"cancelled"}
    assert all(worker.ended for worker in running)
    jobs.poll()
    assert other.status == "running"


def test_one_job_of_a_lane_runs_at_a_time_and_its_frames_are_kept(jobs):
    first, second = jobs.submit("me", RUN, "x"), jobs.submit("me", RUN, "y")
    jobs.poll()
    assert second.status == "waiting"
    (worker,) = FakeWorker.made
    worker.said += [("progress", "runs", 1, 0, 2), ("done", {("f", 1, 12): "frames"})]
    jobs.poll()
    assert (first.status, first.finished, first.total) == ("done", 1, 2)
    assert jobs.kept == {("f", 1, 12): "frames"}
    assert second.status == "running"


def test_a_job_of_the_page_is_told_in_the_language_of_the_reader(jobs):
    job = jobs.submit(None, RUN, "what", "en")
    job.step = "compiling the model, first time only"
    for lang, said in (("zh", "正在编译模型，仅首次需要"), ("en", job.step)):
        assert Session._step(types.SimpleNamespace(state=State(lang=lang)), job) == said


def test_the_link_to_a_report_leads_to_the_folder_whatever_signs_its_name_has(monkeypatch):
    monkeypatch.setattr("sim.report.build.sections_of", lambda _found: ("", ""))
    shown = compare.cards(types.SimpleNamespace(complete=True, failures=()), "en", "results/rents #1?")
    assert 'href="report/results/rents%20%231%3F"' in shown


def test_a_comparison_that_runs_is_not_forgotten_for_a_study_that_is_opened(jobs, tmp_path):
    (tmp_path / "older").mkdir()
    (tmp_path / "older" / "plan.json").touch()
    page = types.SimpleNamespace(app=types.SimpleNamespace(root=tmp_path, jobs=jobs), cards=types.SimpleNamespace(),
                                 state=State(study="older"), compare_job=jobs.submit("me", COMPARE, print))  # fmt: skip
    running = page.compare_job
    Session.show_study(page, read=True)
    assert page.compare_job is running
    assert "older" in page.cards.object
    jobs.cancel(running)
    Session.show_study(page, read=True)
    assert page.compare_job is not running


# -- who is answered ---------------------------------------------------------------------------------------


def asked(method="GET", path="/", host=f"127.0.0.1:{PORT}", **headers):
    """Return the status with which a request is refused, None if it is answered."""
    given = HTTPHeaders({"Host": host} | {name.replace("_", "-"): value for name, value in headers.items()})
    found = security.refusal(method, path, given, PORT)
    return None if found is None else found[0]


def test_only_this_machine_under_its_own_name_is_answered():
    assert asked() is None
    assert asked(host=f"localhost:{PORT}", Origin=f"http://localhost:{PORT}") is None
    for host in (
        "",
        "example.org",
        f"example.org:{PORT}",
        "127.0.0.1",
        f"127.0.0.1:{PORT}.example.org",
        f"[::1]:{PORT}",
    ):
        assert asked(host=host) == 403, host
    for origin in ("http://example.org", "null", f"https://127.0.0.1:{PORT}", f"http://127.0.0.1:{PORT + 1}"):
        assert asked(Origin=origin) == asked(Sec_WebSocket_Origin=origin) == 403, origin
    assert asked(Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="no-cors") == 403
    assert asked(Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate") is None


def test_bodies_other_methods_and_paths_that_climb_are_refused():
    assert asked("POST", Content_Length="10000000") == 413
    assert asked("POST", Content_Length="x") == 413
    assert asked("POST", Content_Length="3") == 405
    assert asked("GET", Content_Length="10000000") == 413
    assert asked("GET", Transfer_Encoding="chunked") == 413
    for path in (
        "/../x",
        "/static/../../x",
        "/report/%2e%2e/x",
        "/report/%252e%252e/x",
        "/static/..%2f..%2fx",
        "/a\\..\\b",
        "/%00",
    ):
        assert asked(path=path) == 404, path
    assert asked(path="/" + "a" * 30_000) == 414


def test_no_folder_outside_is_a_study(tmp_path):
    root, outside = tmp_path / "root", tmp_path / "outside"
    for folder in (root / "results" / "one", outside):
        folder.mkdir(parents=True)
        (folder / "plan.json").write_text("{}")
    (root / "link").symlink_to(outside)
    assert compare.study_folder(root, "results/one") == (root / "results" / "one").resolve()
    assert compare.studies_below(root) == ["results/one"]
    for name in (
        "../outside",
        str(outside),
        "link",
        "results/one/../../../outside",
        "",
        ".",
        "results",
        "\0",
        "a" * 5000,
    ):
        assert compare.study_folder(root, name) is None, name


# -- the server itself -------------------------------------------------------------------------------------


@pytest.fixture
def server(tmp_path, monkeypatch):
    """Serve the page; the work beside it is fake."""
    import asyncio
    import threading

    from sim.app.server import App

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sim.app.jobs.Worker", FakeWorker)
    FakeWorker.made = []
    box, ready = {}, threading.Event()

    def serve():
        asyncio.set_event_loop(asyncio.new_event_loop())
        box["app"] = app = App(0, "en", tmp_path)
        app.start()
        app.server.io_loop.add_callback(ready.set)
        app.server.io_loop.start()
        app.stop()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    assert ready.wait(600)
    yield box["app"]
    box["app"].server.io_loop.add_callback(box["app"].server.io_loop.stop)
    thread.join(30)


def request(app, head, body=b""):
    """Send bytes and return the status of the answer."""
    with socket.create_connection(("127.0.0.1", app.port), timeout=60) as line:
        with contextlib.suppress(OSError):
            line.sendall(head.replace("PORT", str(app.port)).encode() + b"\r\n\r\n" + body)
        return int(line.recv(4096).split(b" ", 2)[1])


@pytest.mark.filterwarnings("ignore")
def test_the_server_answers_loopback_alone_and_a_get_starts_nothing(server):
    for held in server.server._http._sockets.values():
        assert held.getsockname()[0] == "127.0.0.1"
    first = len(FakeWorker.made) + sum(map(len, server.jobs.queues.values()))
    changed = json.dumps({SHARE: 0.1})
    assert (
        request(
            server,
            f"GET /?scenario=rent-cut&changes={changed.replace(' ', '')} HTTP/1.1\r\nHost: 127.0.0.1:PORT",
        )
        == 200
    )
    assert len(FakeWorker.made) + sum(map(len, server.jobs.queues.values())) <= max(first, 1)
    assert all(job is None or job.owner is None for job in server.jobs.running.values())
    assert request(server, "GET / HTTP/1.1\r\nHost: example.org") == 403
    assert request(server, "GET / HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nOrigin: http://example.org") == 403
    assert request(server, "GET /ws HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                           "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\nOrigin: http://example.org") == 403  # fmt: skip
    assert request(server, "GET /report/../../etc/passwd HTTP/1.1\r\nHost: 127.0.0.1:PORT") == 404
    assert request(server, "GET /report/nothing HTTP/1.1\r\nHost: 127.0.0.1:PORT") == 404
    body = b"x" * 10_000_000
    assert (
        request(server, f"POST / HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nContent-Length: {len(body)}", body)
        == 413
    )


def test_the_page_names_no_address_but_its_own():
    import sim.app

    folder = pathlib.Path(sim.app.__file__).parent
    for path in folder.iterdir():
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            assert "https://" not in text, path.name
            assert "cdn" not in text.lower(), path.name


@pytest.mark.parametrize(("lang", "capital", "cost"), [("en", "3,000", "40"), ("zh", "30", "4,000")])
def test_amounts_of_the_page_stand_in_the_units_of_the_language(lang, capital, cost):
    """3 billion RMB of capital are 30 亿元, 40 million of cost 4,000 万元."""
    assert level_text(3e9 * MONEY[lang]["capital_rmb"]) == capital
    assert level_text(4e7 * MONEY[lang]["public_cost_pv_rmb"]) == cost
