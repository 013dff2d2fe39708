"""The page of `sim app` in a real browser, with real runs: what a student and a planner do, and what they may not."""

import contextlib
import os
import pathlib
import re
import signal
import subprocess
import sys
import urllib.parse

import pytest
from playwright.sync_api import expect

import sim
from sim.app.security import hosts_of
from sim.figures.maps import difference_colour
from sim.figures.numbers import difference_bounds
from sim.figures.style import PALETTE
from sim.scenario import Scenario

ORANGE = "rgb(184, 98, 27)"  #: frame of a field whose value is refused
LONG = 300_000  #: a first run compiles the model [ms]
#: where on the screen the first startup of the right map is
DOT = """() => {
  const view = Bokeh.index.query_one(one => one.model.name == "map1"), map = view.model;
  const at = map.renderers.findLast(one => one.glyph?.type == "MultiLine").data_source.data;
  view.el.scrollIntoView({block: "center"});
  const box = view.el.getBoundingClientRect(), {x_scale, y_scale} = view.frame;
  const row = at.xs.findIndex(xs => xs.length);
  return [box.x + x_scale.compute(at.xs[row][0]), box.y + y_scale.compute(at.ys[row][0])];
}"""
#: what has the focus: its tag and what it says
FOCUSED = """() => {
  let at = document.activeElement;
  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
  return [at.tagName, at.innerText || at.closest("label")?.innerText || ""];
}"""
pytestmark = [pytest.mark.slow, pytest.mark.browser]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("app")


@contextlib.contextmanager
def serving(root):
    """Serve the page as the command does, from an empty folder; yield the process and the address."""
    variables = os.environ | {
        "PYTHONPATH": str(pathlib.Path(sim.__file__).parents[1]),
        "PYTHONUNBUFFERED": "1",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "sim", "app", "--port", "0"],
        cwd=root,
        env=variables,
        stdout=subprocess.PIPE,
        text=True,
    )
    found = re.search(r"http://\S+", process.stdout.readline())
    assert found
    yield process, found[0]
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    assert process.wait(300) == 0
    process.stdout.close()


@pytest.fixture(scope="module")
def address(root):
    """Serve the page from an empty folder for all tests."""
    with serving(root) as (_process, found):
        yield found


class Reader:
    """A page with what it asked for and complained of."""

    def __init__(self, browser, address, query="", width=1440):
        self.page = browser.new_page(viewport={"width": width, "height": 900})
        self.page.set_default_timeout(LONG)
        expect.set_options(timeout=LONG)
        self.requests, self.errors = [], []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.goto(address + query)

    def sees(self, text):
        """Wait until a text is on the page."""
        self.page.get_by_text(text).first.wait_for()

    def presses(self, name):
        """Press a button."""
        self.page.get_by_role("button", name=name, exact=True).click()

    @property
    def query(self):
        return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.page.url).query))

    def waits_for(self, name, wanted):
        """Wait until the address says something."""
        self.page.wait_for_function(
            "([name, wanted]) => new URLSearchParams(location.search).get(name)?.includes(wanted)",
            arg=[name, wanted],
        )


#: text and colour of every zone on the right map, once it shows a month
ZONES = """(month) => {
  const named = (name) => Bokeh.index.query_one(one => one.model.name == name).model;
  named("month").value = month;
  const data = named("map1").renderers.find(one => one.glyph?.type == "MultiPolygons").data_source.data;
  return data.text.map((text, z) => [text, data.fill[z]]);
}"""


@pytest.fixture
def reader(browser, address):
    made = Reader(browser, address)
    yield made
    made.page.close()


def test_the_page_plays_places_compares_saves_and_comes_back_by_its_address(
    reader, browser, address, root, tmp_path
):
    page = reader.page
    reader.sees("active startups in the region")

    # play: the month moves although the server is not asked
    month = page.locator(".mo")
    before = month.inner_text()
    reader.presses("▶ Play")
    expect(month).not_to_have_text(before)
    reader.presses("❚❚ Pause")
    expect(page.get_by_role("button", name="▶ Play", exact=True)).to_be_visible()

    # a control out of range keeps what was typed, names the rule, and blocks the run
    share = page.get_by_role("textbox", name="Share of the rent that the public pays")
    for typed in ("0.3", "2", "0.9", "7"):
        share.fill(typed)
        share.press("Enter")
    reader.sees("must lie between 0 and 1, not 7")
    expect(page.get_by_role("button", name="Run one seed")).to_be_disabled()
    expect(share).to_have_css("border-top-color", ORANGE)
    expect(share).to_have_value("7")
    share.fill("0.2")
    share.press("Enter")
    reader.waits_for("changes", "0.2")
    expect(page.get_by_text("must lie between")).to_have_count(0)
    expect(share).not_to_have_css("border-top-color", ORANGE)

    # a park on the map
    page.get_by_label("Zone: choose here or click the map").select_option(index=2)
    page.get_by_label("Lever to place in this zone").select_option("New space")
    reader.presses("Place it")
    reader.waits_for("changes", "new-space-1")
    reader.sees("New space: new-space-1")

    # saving
    with page.expect_download() as download:
        page.get_by_text("Save scenario").click()
    saved = tmp_path / "rent-cut-edited.toml"
    download.value.save_as(saved)
    assert {lever.kind for lever in Scenario.load(saved).policies} == {"rent-cut", "new-space"}

    # comparing few seeds, in the report's words
    page.get_by_label("Seeds", exact=True).fill("3")
    page.get_by_label("Seeds", exact=True).press("Enter")
    reader.waits_for("seeds", "3")
    reader.presses("Compare")
    reader.sees("In short")
    reader.waits_for("study", "app-rent-cut-edited")
    (folder,) = (root / "results").glob("app-rent-cut-edited-*")
    assert (folder / "report.html").is_file()
    expect(page.get_by_text("Effects of each policy")).to_be_visible()

    # the language, without losing anything
    reader.page.get_by_text("中文", exact=True).click()
    reader.sees("政策 A 的工具")
    reader.sees("主要结论")
    reader.waits_for("lang", "zh")

    # the address brings the state back, and starts nothing
    again = Reader(browser, address, "?" + urllib.parse.urlsplit(page.url).query)
    again.sees("政策 A 的工具")
    again.sees("new-space-1")
    again.waits_for("changes", "new-space-1")
    assert again.query["changes"] == reader.query["changes"]
    again.page.close()

    own = tuple(
        f"{scheme}://{host}"
        for scheme in ("http", "ws")
        for host in hosts_of(int(address.rsplit(":", 1)[1].strip("/")))
    )
    assert [url for url in reader.requests if not url.startswith((*own, "data:", "blob:"))] == []
    assert reader.errors == []


def test_keys_play_and_step_unless_a_field_wants_them(reader):
    page, month = reader.page, reader.page.locator(".mo")
    reader.sees("active startups in the region")
    last = month.inner_text()
    body = page.locator("body")
    body.press("ArrowLeft")
    expect(month).not_to_have_text(last)
    before = month.inner_text()
    body.press("ArrowLeft")
    expect(month).not_to_have_text(before)
    body.press("ArrowRight")
    expect(month).to_have_text(before)
    body.press("Space")
    expect(page.get_by_role("button", name="❚❚ Pause", exact=True)).to_be_visible()
    body.press("Space")
    expect(page.get_by_role("button", name="▶ Play", exact=True)).to_be_visible()
    stopped = month.inner_text()
    share = page.get_by_role("textbox", name="Share of the rent that the public pays")
    share.fill("0.3")
    share.press("ArrowLeft")
    share.press("Space")
    expect(share).to_have_value("0. 3")
    expect(month).to_have_text(stopped)
    assert reader.errors == []


@pytest.mark.parametrize(
    ("lang", "shown", "zone", "last"),
    [
        ("en", "active startups in the region", "Wudaokou", "Compare"),
        ("zh", "区域在营初创企业", "五道口", "比较"),
    ],
)
def test_the_keyboard_ticks_a_zone_and_goes_on_to_the_last_button(browser, address, lang, shown, zone, last):
    reader = Reader(browser, address, f"?lang={lang}")
    reader.sees(shown)
    seen = []
    for _press in range(100):
        reader.page.keyboard.press("Tab")
        seen.append(reader.page.evaluate(FOCUSED))
        if seen[-1] == ["INPUT", zone]:
            reader.page.keyboard.press("Space")
        if seen[-1] == ["BUTTON", last]:
            break
    assert seen[-1] == ["BUTTON", last]
    assert any("▶" in text for _tag, text in seen)
    reader.waits_for("changes", "wudaokou")
    assert reader.errors == []
    reader.page.close()


def test_a_click_on_a_dot_tells_its_history_and_a_value_tried_before_shows_its_run_again(reader):
    page = reader.page
    reader.sees("active startups in the region")
    x, y = page.evaluate(DOT)
    page.mouse.click(x, y)
    reader.sees("One startup, in the baseline")
    reader.waits_for("startup", "")
    share, said = (
        page.get_by_role("textbox", name="Share of the rent that the public pays"),
        page.locator(".v.a"),
    )
    first, typed = said.inner_text(), share.input_value()
    share.fill("0.9")
    share.press("Enter")
    expect(said).not_to_have_text(first)
    share.fill(typed)
    share.press("Enter")
    expect(said).to_have_text(first)
    assert reader.errors == []


def test_another_language_keeps_the_map_while_a_value_is_refused(reader):
    page = reader.page
    reader.sees("active startups in the region")
    share = page.get_by_role("textbox", name="Share of the rent that the public pays")
    share.fill("7")
    share.press("Enter")
    reader.sees("must lie between 0 and 1, not 7")
    shown = page.locator(".v.a").inner_text()
    page.get_by_text("中文", exact=True).click()
    reader.sees("政策 A 的工具")
    reader.sees("区域在营初创企业")
    expect(page.locator(".v.a")).to_have_text(shown)
    assert page.evaluate(DOT)
    # the keys play the map that stands there now
    month = page.locator(".mo")
    last = month.inner_text()
    page.locator("body").press("ArrowLeft")
    expect(month).not_to_have_text(last)
    assert reader.errors == []


def test_a_shared_link_keeps_what_it_shows_and_copies_on_what_is_there(browser, address):
    reader = Reader(
        browser, address, "?lang=en&layer=rent&view=difference&seed=77&month=30&zone=wudaokou&mail=x"
    )
    page = reader.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    shown = {
        "layer": "rent",
        "view": "difference",
        "seed": "77",
        "month": "30",
        "zone": "wudaokou",
        "lang": "en",
    }
    page.wait_for_function("!location.search.includes('mail')")
    assert reader.query == shown
    reader.presses("Run one seed")
    reader.sees("month 30 of 120")
    expect(page.get_by_text("minus")).not_to_have_count(0)
    assert reader.query == shown
    # the address is no history: going back leaves the page, and there is one state to copy
    share = page.get_by_role("textbox", name="Share of the rent that the public pays")
    entries = page.evaluate("history.length")
    share.fill("0.8")
    share.press("Enter")
    reader.waits_for("changes", "0.8")
    assert page.evaluate("history.length") == entries
    reader.presses("Copy link")
    expect(page.get_by_role("button", name="Copied", exact=True)).to_be_visible()
    copied = urllib.parse.urlsplit(page.evaluate("navigator.clipboard.readText()")).query
    known = dict(urllib.parse.parse_qsl(copied))
    assert known == shown | {"changes": '{"policies.north-latitude-rent.share":0.8}'}
    expect(page.get_by_role("button", name="Copy link", exact=True)).to_be_visible()
    assert reader.errors == []
    page.close()


def test_a_difference_stands_alone_under_its_name_in_mirrored_colours(reader):
    page = reader.page
    reader.sees("active startups in the region")
    maps = page.locator(".maptitle")
    expect(maps.nth(1)).to_have_text("ARent cut, North Latitude")
    reader.presses("Difference")
    expect(page.locator(".maptitle:visible")).to_have_text(re.compile("Rent cut, North Latitude minus"))
    reader.sees("active startups by zone; policy minus baseline")
    expect(page.get_by_text("one startup each")).to_have_count(0)
    colours, seen = PALETTE["differences"], {}
    bounds = difference_bounds(160.0)
    for month in (12, 24, 60, 120):
        for text, fill in page.evaluate(ZONES, month):
            value = float(text.replace("\N{MINUS SIGN}", "-"))
            assert fill == difference_colour(value, bounds), text
            seen[value] = colours.index(fill)
    assert {1.0, -1.0} <= set(seen)
    reader.presses("Vacancy")
    expect(page.locator(".v.a")).to_contain_text(" pp)")
    assert [text for text, _fill in page.evaluate(ZONES, 120) if not text.endswith(" pp")] == []
    reader.presses("Side by side")
    expect(page.locator(".maptitle:visible")).to_have_count(2)
    reader.presses("Remove this lever")
    expect(page.locator(".maptitle:visible")).to_have_count(1)
    expect(page.locator(".maptitle:visible")).to_have_text("0Baseline")
    assert reader.errors == []


def test_a_comparison_is_cancelled_by_its_button_and_by_leaving(browser, address):
    reader = Reader(browser, address, "?scenario=vc-hub&seeds=100")
    reader.sees("What many seeds say")
    reader.presses("Compare")
    reader.presses("Cancel")
    reader.sees("cancelled;")
    reader.presses("Compare")
    reader.page.get_by_text(re.compile(r"\d+ / 200")).wait_for()
    reader.page.close()
    # another reader's comparison begins, because that of the one who left is gone
    other = Reader(browser, address, "?scenario=cash-benchmark&seeds=2")
    other.sees("What many seeds say")
    other.presses("Compare")
    other.sees("In short")
    other.page.close()


def test_a_page_names_an_unknown_zone_and_says_when_its_program_has_ended(browser, tmp_path):
    with serving(tmp_path) as (process, address):
        reader = Reader(browser, address, "?lang=zh&zone=moon")
        reader.sees("该世界中没有片区“moon”")
        assert "zone" not in reader.query
        process.send_signal(signal.SIGINT)
        note = reader.page.get_by_role("alert").filter(has_text="已停止")
        note.wait_for()
        assert "sim app" in note.inner_text()
        reader.page.close()
        process.wait(300)


def test_hostile_names_in_the_address_are_shown_as_they_are(browser, address):
    name = "<img src=x onerror=document.title=1337></script><script>document.title=1337</script>"
    changes = urllib.parse.quote('{"name":"' + name + '"}')
    reader = Reader(browser, address, f"?scenario=rent-cut&changes={changes}&study=..%2f..%2fetc")
    reader.sees("no results folder below")
    reader.presses("Run one seed")
    reader.sees("onerror")
    expect(reader.page).not_to_have_title(re.compile("1337"))
    assert reader.errors == []
    reader.page.close()


def test_on_a_phone_nothing_but_tables_is_wider_than_the_screen(browser, address):
    reader = Reader(browser, address, width=390)
    reader.sees("Levers of policy A")
    assert reader.page.evaluate("document.documentElement.scrollWidth") <= 390
    reader.page.close()


def test_every_control_has_a_name_and_says_what_is_chosen(reader):
    reader.sees("active startups in the region")
    lines = [line.strip() for line in reader.page.locator("body").aria_snapshot().splitlines()]
    unnamed = [
        line for line in lines if re.match(r"- (button|checkbox|slider|textbox|combobox)(?! [\"'])", line)
    ]
    assert unnamed == []
    assert '- button "Startups" [pressed]' in lines
    reader.presses("Rent")
    reader.page.get_by_role("button", name="Rent", exact=True, pressed=True).wait_for()
    assert reader.page.get_by_role("button", name="Startups", exact=True, pressed=True).count() == 0
    assert reader.page.get_by_role("slider", name="Month").count() == 1
    assert reader.page.get_by_role("img", name=re.compile("Map of the baseline")).count() == 1


def test_the_focus_is_seen_wherever_the_keyboard_goes(reader):
    reader.sees("active startups in the region")
    rings = set()
    for _step in range(50):
        reader.page.keyboard.press("Tab")
        rings.add(
            reader.page.evaluate("""() => {
          let at = document.activeElement;
          while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
          const look = getComputedStyle(at);
          return [look.outlineWidth, look.outlineStyle, look.outlineColor].join(" ");
        }""")
        )
    assert rings == {"3px solid rgb(31, 111, 214)"}


@pytest.mark.parametrize("width", [320, 360, 720])
def test_the_page_is_no_wider_than_a_telephone(browser, address, width):
    made = Reader(browser, address, width=width)
    made.sees("active startups in the region")
    assert made.page.evaluate("document.documentElement.scrollWidth") <= width
    made.page.close()


def test_what_is_chosen_is_seen_in_high_contrast(browser, address):
    made = Reader(browser, address)
    made.page.emulate_media(forced_colors="active")
    made.sees("active startups in the region")
    grounds = {
        name: made.page.get_by_role("button", name=name, exact=True).evaluate(
            "e => getComputedStyle(e).backgroundColor"
        )
        for name in ("Startups", "Rent")
    }
    assert grounds["Startups"] != grounds["Rent"]
    made.page.close()


def test_levels_beyond_three_years_carry_a_warning_and_differences_none(reader):
    reader.sees("active startups in the region")
    warning = reader.page.get_by_text("levels beyond three years mean little")
    warning.wait_for()
    reader.page.evaluate("Bokeh.index.query_one(one => one.model.name == 'month').model.value = 36")
    expect(warning).to_have_count(0)
    reader.page.evaluate("Bokeh.index.query_one(one => one.model.name == 'month').model.value = 37")
    expect(warning).to_have_count(1)
    reader.presses("Difference")
    expect(warning).to_have_count(0)
