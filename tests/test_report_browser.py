"""The report in a real browser: from a file without a network, with hostile names, in both languages."""

import functools
import http.server
import pathlib
import threading

import pytest
from report_cases import ZONES, evaluation, policy
from test_report import HOSTILE

from sim.report import page_of
from sim.report.page import Page

pytestmark = [pytest.mark.slow, pytest.mark.browser]


class Watched:
    """A page that notes what it asks for and what it complains of."""

    def __init__(self, browser, path, width=1280):
        self.page = browser.new_page()
        self.page.set_viewport_size({"width": width, "height": 900})
        self.requests, self.messages = [], []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.messages.append(message.text))
        self.page.on("pageerror", lambda error: self.messages.append(str(error)))
        self.page.goto(path.as_uri())

    @property
    def outside(self):
        """Requests beyond the file itself and what is inside it."""
        return [url for url in self.requests[1:] if not url.startswith("data:")]

    def text(self):
        """Return what is shown."""
        return self.page.inner_text("body")


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(page_of(evaluation()), encoding="utf-8")
    return path


@pytest.fixture
def shown(browser, report):
    watched = Watched(browser, report)
    yield watched
    watched.page.close()


def test_a_report_from_a_file_asks_for_nothing_and_complains_of_nothing(browser, report):
    context = browser.new_context(offline=True)
    watched = Watched(context, report)
    watched.page.click("label.l-zh")
    watched.page.click("label.l-en")
    assert watched.outside == []
    assert watched.messages == []
    context.close()


def test_every_figure_is_drawn(shown):
    sizes = shown.page.evaluate(
        "[...document.querySelectorAll('main svg')].filter(s => s.getClientRects().length)"
        ".map(s => [s.getBoundingClientRect().width, s.getBoundingClientRect().height, s.childElementCount])"
    )
    assert len(sizes) > 50
    assert all(width > 5 and height > 5 for width, height, _ in sizes)


def test_styles_of_the_strict_policy_hold(shown):
    """A style that the policy blocks leaves the page in the browser's own font, and both languages on it."""
    assert shown.page.evaluate("getComputedStyle(document.body).fontSize") == "16px"
    zones = shown.page.evaluate(
        "[...document.querySelectorAll('svg.map use')].map(u => getComputedStyle(u).fill)")  # fmt: skip
    assert len(set(zones)) > 3  # shapes that lost their colours are all black


def test_languages_are_switched_by_mouse_and_by_keyboard(shown):
    page = shown.page
    assert "In short" in shown.text()
    assert "主要结论" not in shown.text()
    page.click("label.l-zh")
    assert "主要结论" in shown.text()
    assert "In short" not in shown.text()
    page.focus("#lang-zh")
    page.keyboard.press("ArrowLeft")
    assert "In short" in shown.text()


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_no_page_is_wider_than_its_screen(browser, report, width, lang):
    watched = Watched(browser, report, width)
    watched.page.click(f"label.l-{lang}")
    assert watched.page.evaluate("document.documentElement.scrollWidth") <= width
    watched.page.close()


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_no_text_of_a_figure_leaves_it(shown, lang):
    shown.page.click(f"label.l-{lang}")
    outside = shown.page.evaluate(
        "[...document.querySelectorAll('main svg text')].filter(t => t.getClientRects().length).filter(t => {"
        " const a = t.getBoundingClientRect(), b = t.ownerSVGElement.getBoundingClientRect();"
        " return a.left < b.left - 2 || a.right > b.right + 2 || a.top < b.top - 3 || a.bottom > b.bottom + 3"
        "}).map(t => t.textContent)"
    )
    assert outside == []


def test_a_screen_reader_hears_figures_tables_and_landmarks_in_one_language(shown):
    page = shown.page
    assert page.get_by_role("main").count() == 1
    assert page.get_by_role("navigation", name="Sections").count() == 1
    assert page.get_by_role("img", name="Baseline", exact=True).count() == 1
    assert page.get_by_role("region", name="Effects of each policy").count() == 1
    page.click("label.l-zh")
    assert page.get_by_role("img", name="基准情景", exact=True).count() == 1
    assert page.get_by_role("navigation", name="目录").count() == 1


def test_texts_have_contrast_on_their_background(shown):
    """4.5 to 1, by the formula of WCAG 2, for every text outside of figures."""
    poor = shown.page.evaluate(
        """() => {
          const lum = c => { const v = c.map(x => { x /= 255; return x <= .03928 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4 });
                             return .2126 * v[0] + .7152 * v[1] + .0722 * v[2] };
          const rgb = s => (s.match(/[\\d.]+/g) || []).map(Number);
          const back = e => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor);
                              if (c.length === 3 || c[3] > 0) return c.slice(0, 3) } return [255, 255, 255] };
          return [...document.querySelectorAll('body *')].filter(e => !e.closest('svg') && e.getClientRects().length
              && [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()))
            .map(e => { const a = lum(rgb(getComputedStyle(e).color).slice(0, 3)), b = lum(back(e));
                        return [(Math.max(a, b) + .05) / (Math.min(a, b) + .05), e.textContent.slice(0, 40)] })
            .filter(([ratio]) => ratio < 4.5)
        }"""
    )
    assert poor == []


def test_it_prints_on_a4_with_every_section_and_without_the_bar(shown, tmp_path):
    pdf = tmp_path / "report.pdf"
    shown.page.pdf(path=str(pdf), prefer_css_page_size=True)
    assert pdf.read_bytes().startswith(b"%PDF")
    shown.page.emulate_media(media="print")
    assert not shown.page.is_visible(".bar")
    for name in (
        "short",
        "effects",
        "maps",
        "time",
        "flow",
        "cost",
        "robust",
        "plans",
        "read",
        "limits",
        "data",
    ):
        assert shown.page.is_visible(f"#{name}"), name


def test_a_download_is_the_table(shown):
    with shown.page.expect_download() as waiting:
        shown.page.click("a[download='effects.csv']")
    text = pathlib.Path(waiting.value.path()).read_text(encoding="utf-8-sig")
    assert text.startswith("scenario,unit,metric,horizon")


class Silent(http.server.BaseHTTPRequestHandler):
    """Notes what is asked for and gives nothing."""

    asked: list

    def do_GET(self):
        """Note a request."""
        self.asked.append(self.path)
        self.send_response(404)
        self.end_headers()

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def listener():
    asked = []
    handler = type("Listener", (Silent,), {"asked": asked})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=functools.partial(server.serve_forever, poll_interval=0.05), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/", asked
    server.shutdown()
    server.server_close()


def test_hostile_names_are_shown_and_do_nothing(browser, listener, tmp_path):
    address, asked = listener
    names = [*HOSTILE, f"<img src='{address}x.png'>", f"\"><svg onload=\"fetch('{address}y')\">",
             f"</style><style>body{{background:url({address}z)}}</style>"]  # fmt: skip
    made = evaluation([policy(name, 12.0 + i, 3.0, (ZONES[i].id,), name_zh=name, id=name) for i, name in enumerate(names)],
                      notes=tuple(names), failures=tuple(names), baseline_name=names[0], study=names[1])  # fmt: skip
    path = tmp_path / "hostile.html"
    path.write_text(page_of(made), encoding="utf-8")
    watched = Watched(browser, path)
    watched.page.wait_for_timeout(300)
    assert watched.page.title() == Page(made).heading.question.en
    assert watched.messages == []
    assert watched.outside == []
    assert asked == []
    for name in names:
        assert name in watched.text()
    watched.page.close()


LONG_NAMES = (
    "Donaudampfschifffahrtsgesellschaftskapitaenswitwenrente-" * 2 + "scheme",
    "一个非常长的政策名称" * 12,
)


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_names_without_a_space_widen_neither_the_page_nor_a_map(browser, tmp_path, width):
    en, zh = LONG_NAMES
    path = tmp_path / "long.html"
    path.write_text(page_of(evaluation(policies=[
        policy(f"{en} {n}", mean, 6.0, (ZONES[9].id,), zh) for n, mean in enumerate((14.0, 4.0))])), encoding="utf-8")  # fmt: skip
    watched = Watched(browser, path, width)
    for lang in ("en", "zh"):
        watched.page.click(f"label.l-{lang}")
        assert watched.page.evaluate("document.documentElement.scrollWidth") <= width
        widths = watched.page.evaluate(
            "[...document.querySelectorAll('svg.map')].map(m => m.getBoundingClientRect().width)"
        )
        assert max(widths) <= 400
    watched.page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_figures_and_the_language_can_be_read_in_high_contrast(browser, report, scheme):
    """The colours of the system would leave dark letters on a dark ground, and no language chosen."""
    context = browser.new_context(forced_colors="active", color_scheme=scheme)
    page = context.new_page()
    page.goto(report.as_uri())
    grounds = page.evaluate(
        "['svg.map', 'label.l-en', 'label.l-zh'].map(s => getComputedStyle(document.querySelector(s)).backgroundColor)"
    )
    assert grounds == ["rgb(255, 255, 255)", "rgb(27, 31, 36)", "rgb(255, 255, 255)"]
    context.close()


def test_paper_narrower_than_a_screen_has_tables_and_no_cards(browser, report):
    """Some browsers ask for the width between the margins of A4, 688 px."""
    watched = Watched(browser, report, 688)
    watched.page.emulate_media(media="print")
    assert (
        watched.page.evaluate("getComputedStyle(document.querySelector('.eff td')).display") == "table-cell"
    )
    assert watched.page.evaluate("document.documentElement.scrollWidth") <= 688
    watched.page.close()
