"""The report: what it says follows from the numbers, nothing leaves the page, both languages are whole."""

import base64
import csv
import dataclasses
import hashlib
import html.parser
import io
import re
import urllib.parse

import numpy as np
import pytest
from report_cases import MONTHS, ZONES, around, evaluation, policy

from sim.evaluation.result import Cost, Estimate, Plan
from sim.figures.geography import Geography
from sim.figures.numbers import level_text, share_text
from sim.intervals import Interval
from sim.language import LANGUAGES
from sim.made_worlds import WORLDS
from sim.report import page_of
from sim.report.accounts import account_rows, cost_cells, identity
from sim.report.flows import plan_line
from sim.report.heading import Heading
from sim.report.marks import Scale
from sim.report.page import Page
from sim.report.rows import price, rows_of
from sim.report.svg import nice_ticks
from sim.report.tables import as_csv
from sim.report.text import Both, money, percent, signed, span, whole
from sim.report.words import size_lines, stage_name
from sim.rounding import rounded
from sim.summary import number
from sim.summary import percent as said_percent

HOSTILE = ("</script><script>document.title=1337</script>", "<img src=x onerror=alert(1)>", "{{7*7}}", "=1+1")
#: words that are names in either language: units, methods, licences, ids
NAMES = {
    "English", "CSV", "OpenStreetMap", "contributors", "ODbL", "GeoNames", "CC", "BY", "geoBoundaries", "boundaries", "via",
    "line", "data", "Yihe", "Li", "MIT", "PRIM", "Holm", "t", "plan", "study", "location", "births", "scale", "rent", "weight",
    "M", "RMB", "m", "km",
}  # fmt: skip


class Elements(html.parser.HTMLParser):
    """Collects tags with attributes, text by the language that shows it, and ids."""

    EMPTY = frozenset({"meta", "input", "br", "img", "link"})

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.texts = [], [], {lang: [] for lang in LANGUAGES}
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        """Note a tag."""
        self.tags.append((tag, dict(attrs)))
        if tag not in self.EMPTY:
            self.open.append((tag, dict(attrs)))

    def handle_startendtag(self, tag, attrs):
        """Note a tag without content."""
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        """Close a tag; they must be nested."""
        assert self.open, f"</{tag}> closes nothing"
        last, _ = self.open.pop()
        assert last == tag, f"</{tag}> closes <{last}>"

    def handle_data(self, data):
        """Note a text under each language that shows it."""
        if not data.strip() or any(tag in ("style", "title") for tag, _ in self.open):
            return
        kinds = {kind for _, attrs in self.open for kind in (attrs.get("class") or "").split()}
        labels = any(tag == "label" for tag, _ in self.open)
        for lang in LANGUAGES:
            other = "zh" if lang == "en" else "en"
            if other not in kinds and not labels:
                self.texts[lang].append(data.strip())


@pytest.fixture(scope="module")
def text():
    return page_of(evaluation())


@pytest.fixture(scope="module")
def page(text):
    return Elements(text)


def shown(page, lang):
    return " ".join(page.texts[lang])


def sentence(mean, half, **more):
    (row, *_) = rows_of(evaluation([policy("P", mean, half, **more)]), MONTHS)
    return row


def test_tags_are_nested_and_ids_are_given_once(page):
    assert not page.open
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))


def test_whatever_is_referred_to_is_on_the_page(page):
    ids = {attrs["id"] for _, attrs in page.tags if "id" in attrs}
    for _, attrs in page.tags:
        for name in ("aria-labelledby", "aria-describedby", "for"):
            assert set((attrs.get(name) or "").split()) <= ids
        for value in attrs.values():
            assert set(re.findall(r"url\(#([^)]+)\)", value or "")) <= ids
        if (attrs.get("href") or "").startswith("#"):
            assert attrs["href"][1:] in ids


def test_addresses_are_of_the_page_or_hold_data(page):
    found = [
        attrs[name]
        for _, attrs in page.tags
        for name in ("src", "href", "xlink:href", "action")
        if name in attrs
    ]
    assert found
    assert all(address.startswith(("#", "data:")) for address in found)


def test_no_script_no_event_no_style_attribute(page):
    assert not [
        tag for tag, _ in page.tags if tag in ("script", "iframe", "object", "embed", "form", "link", "base")
    ]
    assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on") or name == "style"]


def test_the_policy_names_the_style_block_by_its_hash(text):
    css = re.search(r"<style>(.*?)</style>", text, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    policies = re.findall(r'Content-Security-Policy" content="([^"]*)"', text)
    assert len(policies) == 1
    assert f"style-src &#39;sha256-{digest}&#39;" in policies[0]
    assert "default-src &#39;none&#39;" in policies[0]
    assert "unsafe" not in policies[0]


def test_every_figure_has_a_name_and_a_description_or_is_passed_over(page):
    figures = [attrs for tag, attrs in page.tags if tag == "svg"]
    assert len(figures) > 20
    for attrs in figures:
        named = attrs.get("role") == "img" and attrs.get("aria-labelledby") and attrs.get("aria-describedby")
        assert named or attrs.get("aria-hidden") == "true"


def test_tables_say_what_their_headings_are_of(page):
    heads = [attrs for tag, attrs in page.tags if tag == "th"]
    assert heads
    assert all(attrs.get("scope") in ("col", "row", "colgroup", "rowgroup") for attrs in heads)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_is_text_whatever_it_looks_like(name):
    made = page_of(evaluation([policy(name, 12.0, 3.0, (ZONES[0].id,), name_zh=name, id=name)], baseline_name=name,
                              study=name, failures=(name,), notes=(name,)))  # fmt: skip
    page = Elements(made)
    assert name in shown(page, "en")
    assert name in shown(page, "zh")
    assert not [tag for tag, _ in page.tags if tag in ("script", "img")]
    assert (
        "49" not in re.sub(r"\d{2,}", lambda m: "" if m[0] != "49" else "49", "".join(page.texts["en"]))
        or name != "{{7*7}}"
    )


def test_cells_that_a_spreadsheet_would_compute_are_defused():
    rows = list(
        csv.reader(
            io.StringIO(as_csv(("a",), [[bad] for bad in ("=1+1", "+1", "-1", "@x", "\tx", "fine", -2.5)]))
        )
    )
    assert [row[0] for row in rows[1:]] == ["'=1+1", "'+1", "'-1", "'@x", "'\tx", "fine", "-2.5"]


def test_downloads_hold_the_numbers_of_the_evaluation(page):
    made = evaluation()
    addresses = {attrs["download"]: attrs["href"] for _, attrs in page.tags if "download" in attrs}
    body = urllib.parse.unquote(addresses["effects.csv"].partition(",")[2]).removeprefix("\ufeff")
    rows = list(csv.DictReader(io.StringIO(body)))
    assert len(rows) == sum(e.margin == "region" for p in made.policies for e in p.effects)
    for row in rows:
        effect = made.policy(row["scenario"]).effect(row["metric"], int(row["horizon"]))
        assert float(row["mean"]) == pytest.approx(effect.mean, rel=1e-5)


def test_no_english_sentence_stands_in_the_chinese_page(page):
    for said in page.texts["zh"]:
        words = set(re.findall(r"[A-Za-z]+", said)) - NAMES
        assert len(words) < 2 or not re.search(
            r"[a-z]{2,} [a-z]{2,}", " ".join(re.findall(r"[A-Za-z ]+", said))
        ), said


def test_no_chinese_stands_in_the_english_page(page):
    found = [said for said in page.texts["en"] if re.search(r"[\u4e00-\u9fff\u3001\u3002\uff0c]", said)]
    assert not found


def test_both_languages_say_the_same_numbers():
    made = [  # amounts have units of their own
        dataclasses.replace(
            one, costs=(), effects=tuple(e for e in one.effects if not e.metric.endswith("_rmb"))
        )
        for one in evaluation().policies
    ]
    page = Elements(page_of(evaluation(made)))
    number = lambda said: sorted(re.findall(r"\d+(?:[.,]\d+)*", said))  # noqa: E731
    short = [s for s in page.texts["en"] if s.startswith("[")]
    assert short == [s for s in page.texts["zh"] if s.startswith("[")]
    row = rows_of(evaluation(), MONTHS)[0]
    assert number(row.sentence.en) == number(row.sentence.zh)


@pytest.mark.parametrize(
    ("mean", "half", "word"),
    [(30.0, 5.0, "adds"), (-30.0, 5.0, "takes"), (4.0, 3.0, "adds"), (3.0, 4.0, "less than 10"),
     (12.0, 30.0, "could not be established"), (0.0, 0.0, "does not change the number")],
)  # fmt: skip
def test_the_interval_picks_the_verb(mean, half, word):
    assert word in sentence(mean, half).sentence.en


def test_a_policy_that_never_acts_is_not_judged_by_its_zeros():
    never = dataclasses.replace(policy("P", 0.0, 0.0).levers[0], months=0)
    assert "not in force in any month" in sentence(0.0, 0.0, levers=(never,)).sentence.en
    assert "未生效" in sentence(0.0, 0.0, levers=(never,)).sentence.zh


@pytest.mark.parametrize(("half", "resolved"), [(3.0, True), (3.0, False), (0.0, True)])
def test_the_dot_over_time_is_hollow_where_the_sentence_is_unresolved(half, resolved):
    shown = policy("P", 12.0, half)
    effects = tuple(
        dataclasses.replace(e, resolved=resolved, chip="▲" if resolved else "◇") for e in shown.effects
    )
    (figure,) = Page(evaluation([dataclasses.replace(shown, effects=effects)])).paths
    assert ('fill="#fff"' in figure.drawing.__html__()) is not resolved


@pytest.mark.parametrize("mean", np.linspace(-20, 20, 9))
def test_no_verb_of_change_stands_where_the_interval_holds_zero(mean):
    row = sentence(float(mean), abs(float(mean)) + 1.0)
    assert row.verb.en not in ("adds", "adds a little", "loses", "loses a little")
    assert " adds " not in row.sentence.en
    assert " takes " not in row.sentence.en
    assert "净增 " not in row.sentence.zh


def test_few_seeds_get_no_verb():
    few = policy("P", 30.0, 5.0)
    bare = [e.__class__(**{**vars(e), "low": None, "high": None, "chip": "–", "resolved": False, "verb": "provisional"})
            for e in few.effects]  # fmt: skip
    made = evaluation([few.__class__(**{**vars(few), "effects": tuple(bare)})])
    assert "adds" not in rows_of(made, MONTHS)[0].sentence.en
    assert "provisional" in shown(Elements(page_of(made)), "en")


def test_an_incomplete_study_says_so_on_top():
    assert "26 of 40 runs are done" in shown(
        Elements(page_of(evaluation(complete=False, runs=40, done=26))), "en"
    )


def test_policies_stand_in_the_order_of_their_net_effect_with_letters_of_the_study():
    rows = [row for row in Page(evaluation()).rows if row.role == "policy"]
    assert [row.net_mean for row in rows] == sorted((row.net_mean for row in rows), reverse=True)
    letters = {row.result.id: row.mark.letter for row in rows}
    assert [letters[p.id] for p in evaluation().policies if p.role == "policy"] == list("ABCDE")


def test_controls_stand_in_every_table(page, text):
    for name in ("short", "effects", "cost", "robust"):
        part = text[text.index(f'<section id="{name}"') :]
        part = part[: part.index("</section>")]
        assert "Cash benchmark" in part, name
        assert "Placebo" in part, name


def test_a_price_without_upper_limit_says_what_it_costs_at_least():
    (row, *_) = rows_of(evaluation([policy("P", 2.0, 8.0)]), MONTHS)
    said = shown(Elements(page_of(evaluation([policy("P", 2.0, 8.0)]))), "en")
    assert "at least 10" in said  # 100 M RMB over a net effect of at most 10
    assert "no upper limit" in said
    assert row.chip in ("◇", "＝")


def test_a_price_stands_in_the_unit_of_its_language():
    row = rows_of(evaluation(), MONTHS)[0]
    price, range_ = cost_cells(row)[1]
    assert (price.en, price.zh) == ("8.0", "800")
    assert (range_.en, range_.zh) == ("[6.0, 10.0]", "[600, 1,000]")


@pytest.mark.parametrize(("stated", "median"), [(200, 153), (200, 20), (20, 200), (60, 100), (150, 160)])
def test_the_name_of_a_plan_is_not_crossed_by_its_line(stated, median):
    plan = Plan("n", "n", "startups", None, stated, "2030-12", around(0.0, 0.1), around(0.0, 0.1), median, 5)
    drawn = str(plan_line(plan, Both("plan", "plan"), Both("median", "median")).__html__())
    line = float(re.search(r'<line x1="([\d.]+)" y1="6"', drawn)[1])
    x, y, anchor = re.search(r'<text x="([\d.]+)" y="(\d+)"[^>]*text-anchor="(\w+)">plan', drawn).groups()
    assert float(y) > 26 or (float(x) > line if anchor == "start" else float(x) < line)


def test_an_interval_that_excludes_zero_shows_no_zero():
    assert span(Interval(2.0, 0.02, 4.0)).en == "[+0.02, +4]"
    assert span(Interval(-2.0, -4.0, -0.003)).en == "[−4, −0.003]"
    assert span(Interval(2.0, -0.02, 4.0)).en == "[0, +4]"


def test_what_loses_startups_has_no_net_gain_and_what_is_open_is_not_resolved():
    rows = {str(row.name.en): row for row in rows_of(evaluation(), MONTHS)}
    assert cost_cells(rows["Fund"])[1][0].en == "no net gain"
    assert price(rows["Hub"], "per_net_rd_job_rmb")[1].en == "not resolved"


def test_the_factors_of_the_identity_multiply_to_the_net_effect():
    attracted, lost, elsewhere = 5.3, 2.7, -24.4
    net = attracted - lost + elsewhere
    row = rows_of(evaluation([policy("New space", net, 9.0, (ZONES[10].id,))]), MONTHS)[0]
    account = dataclasses.replace(
        row.result.additionality, gross=around(369.0, 30.0), deadweight_share=123 / 369, leakage=0.0,
        displacement=1 - attracted / 246, substitution=lost / attracted,
        multiplier=net / (attracted - lost), appraised=net,
    )  # fmt: skip
    told = identity(dataclasses.replace(row, result=dataclasses.replace(row.result, additionality=account)))
    for said in (told.en, told.zh):
        factors, result = said.replace("−", "-").rsplit("=", 1)
        gross, *shares, multiplier = map(float, re.findall(r"-?\d+(?:\.\d+)?", factors.replace("1 -", "")))
        product = gross * np.prod([1 - share / 100 for share in shares]) * multiplier
        assert product == pytest.approx(float(re.search(r"-?\d+", result)[0]), rel=0.05)


def test_changes_in_the_account_have_a_sign_and_the_level_has_none():
    rows = account_rows(rows_of(evaluation(), MONTHS)[0])
    level, *changed = rows
    assert "+" not in level["value"] + level["range"].en
    assert all(line["value"][0] in "+−" for line in changed)


def test_no_stage_is_called_by_the_letter_of_a_policy():
    names = [stage_name(stage) for stage in "012345"]
    assert not {"A", "B", "C"} & {said for name in names for said in (name.en, name.zh)}


def test_the_report_says_how_large_a_policy_is_in_both_languages():
    made = policy("Rent cut", 4.5, 3.0, (ZONES[9].id,))
    use = dataclasses.replace(made.levers[0], size={"share": 0.5, "budget_rmb_year": 2e7})
    text = page_of(evaluation([dataclasses.replace(made, levers=(use,))]))
    for said in ("Share of the rent that the public pays: 50\N{NO-BREAK SPACE}%", "财政承担的租金份额：50%",
                 "20\N{NO-BREAK SPACE}M\N{NO-BREAK SPACE}RMB/year", "2,000万元/年"):  # fmt: skip
        assert said in text


def test_the_size_of_a_lever_is_named_in_few_words_in_both_languages():
    voucher = size_lines("compute-voucher", {"share": 0.2, "cap_rmb_year": 2e5, "budget_rmb_year": 3e6})
    assert len(voucher) == 3
    for line in voucher:
        for said in (line.en, line.zh):
            assert not re.search(r"[;；(（]", said), said
    assert voucher[1].zh == "单个企业每个日历年的上限：20万元/年"


def test_nobody_without_a_chance_stands_among_the_likeliest_to_be_best():
    made = evaluation()
    names = [made.policies[0].id, "cash-benchmark", "north-space"]
    best = dataclasses.replace(made.best, policies=(*names,), probability=(0.16, 0.84, 0.0), sure=None)
    assert Page(dataclasses.replace(made, best=best)).best[1].en.count("%") == 2
    tied = dataclasses.replace(best, probability=(0.0, 0.0, 0.0))
    assert Page(dataclasses.replace(made, best=tied)).best[1].en.count("%") == 3


def test_the_account_of_who_moved_adds_up():
    item = Page(evaluation()).flows[0]
    value = lambda line: float(line["value"].replace("\N{MINUS SIGN}", "-").replace(",", ""))  # noqa: E731
    *parts, total = item["rows"]
    assert sum(value(line) for line in parts) == pytest.approx(value(total), abs=1.0)


def test_intervals_stand_where_the_scale_says():
    scale = Scale.of([Interval(2.0, -10.0, 30.0)])
    places = [scale.at(value) for value in (-10.0, 0.0, 2.0, 30.0)]
    assert places == sorted(places)
    assert (places[2] - places[1]) / (places[3] - places[0]) == pytest.approx(2 / 40)


def test_a_logarithmic_scale_has_equal_steps_for_equal_ratios():
    scale = Scale(1.0, 100.0, log=True)
    assert scale.at(10.0) - scale.at(1.0) == pytest.approx(scale.at(100.0) - scale.at(10.0))


@pytest.mark.parametrize(
    ("low", "high"), [(0.0, 1.0), (-3.7, 12.0), (0.02, 0.9), (-4000.0, 10.0), (5.0, 6.0)]
)
def test_ticks_are_round_and_inside(low, high):
    ticks = nice_ticks(low, high, 5)
    assert 1 <= len(ticks) <= 7
    assert all(low - 1e-9 <= tick <= high + 1e-9 for tick in ticks)


def test_numbers_read_as_planners_write_them():
    assert [whole(v) for v in (0.0, 0.04, 1.0, 9.96, 1234.5, -2.25)] == [
        "0",
        "0",
        "1",
        "10",
        "1,235",
        "\N{MINUS SIGN}2.3",
    ]
    assert [signed(v) for v in (3.0, -3.0, 0.0)] == ["+3", "\N{MINUS SIGN}3", "0"]
    assert money(1e8) == Both("100\N{NO-BREAK SPACE}M\N{NO-BREAK SPACE}RMB", "1.0亿元")
    assert [percent(v).zh for v in (0.0, 0.004, 0.5, 0.996, 1.0)] == ["0%", "<1%", "50%", ">99%", "100%"]


@pytest.mark.parametrize("value", [1848.5, 130.5, 68.5, 22.5, -130.5, 10.25, 2.25])
def test_console_pictures_and_report_round_a_number_alike(value):
    shown = {number(value), whole(value)} | ({level_text(value)} if abs(value) > 20 else set())
    if abs(value) < 10 or abs(value) > 20:  # between them the console has a decimal more
        assert len(shown) == 1
    assert number(value).replace("\N{MINUS SIGN}", "-") == rounded(value, 0 if abs(value) > 20 else 1)


@pytest.mark.parametrize("percents", [0.5, 12.5, 62.5, 99.8])
def test_console_pictures_and_report_round_shares_alike(percents):
    said = said_percent(percents / 100)
    if 1 <= percents <= 99:
        assert said == share_text(percents / 100)
    assert percent(percents / 100).zh == said.replace(" ", "")


@pytest.mark.parametrize(
    ("value", "text"), [(2.5, "3"), (-2.5, "-3"), (-0.4, "0"), (1234.5, "1,235"), (1.15, "1")]
)
def test_halves_are_rounded_away_from_zero(value, text):
    assert rounded(value) == text
    assert rounded(1.15, 1) == "1.2"


def test_no_dot_is_filled_above_the_words_that_every_dot_is_hollow():
    few = policy("P", 30.0, 5.0, (ZONES[0].id,))
    effects = tuple(
        dataclasses.replace(e, low=None, high=None, chip="–", resolved=False) for e in few.effects
    )
    account = dataclasses.replace(few.additionality, displaced_share=Estimate(0.6))
    made = evaluation([dataclasses.replace(few, effects=effects, additionality=account)])
    cells = Page(made).effects_table()["cells"]
    plots = [str(cell.plot.__html__()) for row in cells.values() for cell in row if cell.plot is not None]
    assert len(plots) == 3
    assert all("<circle" not in plot or 'fill="#fff"' in plot for plot in plots)


def alone(role, *more):
    return evaluation([policy("Winter", -60.0, 9.0, id="winter", role=role), *more], equal_budget=None, regret=None,
                      best=None, discoveries=(), notes=())  # fmt: skip


def test_one_policy_is_not_said_to_differ_from_itself():
    page = Elements(page_of(alone("policy")))
    assert "differs by policy" not in shown(page, "en")
    assert "1.0亿元（现值）" in page.texts["zh"]


def test_a_development_outside_alone_is_what_its_report_is_about():
    made = alone("stress")
    text = page_of(made)
    page = Elements(text)
    said = shown(page, "en")
    assert "How does “Winter” change" in said
    assert "“某项政策”会使" in shown(page, "zh")
    assert "0 polic" not in said
    assert "differ in cost" not in said
    assert "Beside" not in said
    (cells,) = Page(made).effects_table()["cells"].values()
    assert [cell.plot is not None for cell in cells[:2]] == [True, True]
    assert len(Page(made).paths) == len(Page(made).spreads()) == 1


def test_no_axis_stands_above_a_column_without_numbers():
    made = evaluation([policy("P", 12.0, 3.0, costs=())])  # bound to no place, and not counted
    axes = Page(made).effects_table()["axes"]
    assert [bool(str(axis.__html__())) for axis in axes] == [True, True, False, False]


def test_public_cost_has_its_interval_and_says_why_it_reaches_below_zero():
    note = "an interval of public cost reaches below 0 where few seeds spend much and others little; no seed costs less than 0"
    spent = Estimate(5.7e6, -1.4e6, 12.9e6, "t", note)
    none = Estimate()
    made = policy("P", 2.0, 8.0, costs=(Cost(MONTHS, spent, spent, none, none, none),))
    page = Elements(page_of(evaluation([made])))
    assert "[\N{MINUS SIGN}1.4, 12.9]" in page.texts["en"]
    assert "[\N{MINUS SIGN}140, 1,290]" in page.texts["zh"]
    assert "no seed costs less than 0" in shown(page, "en")
    assert "财政成本的区间会低于 0" in shown(page, "zh")


def test_seventeen_scenarios_stay_under_three_megabytes():
    many = [policy(f"Policy {i}", 3.0 * i - 20, 6.0, (ZONES[i % 16].id,)) for i in range(16)]
    base = evaluation([*many, policy("Cash", 3.0, 1.0, id="cash-benchmark", role="cash")])
    assert len(page_of(base).encode()) < 3_000_000


def test_outlines_are_defined_once_and_referred_to(text):
    defined = re.findall(r'<path id="zone-\d+" d="([^"]+)"', text)
    assert len(defined) == len(ZONES)
    assert all(text.count(outline) == 1 for outline in defined)
    assert text.count('href="#zone-0"') >= 5


def test_worlds_and_boxes_say_what_would_change_the_conclusion(page):
    said = shown(page, "en")
    assert "If the world is “Funding winter”" in said
    assert "location.rent_weight is below 1.9 and births.scale lies between 0.2 and 0.4" in said
    assert "coverage 78\N{NO-BREAK SPACE}%" in said


def test_a_study_without_worlds_parameters_zones_or_money_still_has_a_report():
    bare = policy(
        "P", 12.0, 3.0, additionality=None, costs=(), against_cash=None, persistence=None, levers=(), paths=()
    )
    made = evaluation([bare], vectors=1, best=None, regret=None, discoveries=(), equal_budget=None, notes=())
    said = shown(Elements(page_of(made)), "en")
    assert "each in at least two worlds" in said
    assert "is bound to a place" in said
    assert "Does “P” add AI startups to the region" in said


def test_a_policy_has_its_zones_also_where_nobody_kept_who_was_there():
    bound = policy("P", 12.0, 3.0, (ZONES[0].id,), additionality=None)
    page = Elements(page_of(evaluation([bound])))
    assert "bound to a place" not in shown(page, "en")
    assert "不针对特定片区" not in shown(page, "zh")
    assert "does not keep who was where" in shown(page, "en")
    assert "not kept" in page.texts["en"]
    assert "未保留记录" in page.texts["zh"]


@pytest.mark.parametrize("method", ["accepted", "sobol", "grid", ""])
def test_points_are_called_plausible_worlds_only_where_a_calibration_accepted_them(method):
    page = Elements(page_of(evaluation(), manifest={"method": method}))
    accepted = method == "accepted"
    assert (("Plausible worlds" in page.texts["en"]) and ("可信情形" in page.texts["zh"])) is accepted
    for lang, words in (
        ("en", ("plausible world", "accepted parameter", "Worlds with a gain")),
        ("zh", ("通过校准",)),
    ):
        said = shown(page, lang).replace("not held to be plausible worlds", "")
        assert [word in said for word in words] == [accepted] * len(words)
    assert ("Points of the design" in page.texts["en"]) is not accepted
    assert ("试验设计的参数点" in page.texts["zh"]) is not accepted


@pytest.mark.parametrize("kind", WORLDS)
def test_a_made_world_has_a_name_in_both_languages(kind):
    place = Heading(evaluation(), [], Geography.of(WORLDS[kind](kind=kind)), "").place
    assert re.fullmatch(r"[A-Z][a-z ]+", place.en)
    assert re.fullmatch(r"[\u4e00-\u9fff]+", place.zh)


@pytest.mark.slow
def test_a_comparison_ends_by_writing_the_report(tmp_path):
    from sim.effects import compare
    from sim.report import write_report

    compared = compare(["rent-cut"], seeds=2, months=6, workers=0, out=tmp_path / "study")
    written = (compared.folder / "report.html").read_bytes()
    assert written == write_report(compared.folder, tmp_path / "again.html").read_bytes()
    assert "of 8 runs" in shown(Elements(written.decode()), "en")


def test_what_is_not_known_is_refused():
    with pytest.raises(ValueError, match="must be one of en, zh"):
        page_of(evaluation(), "fr")


def test_estimates_of_the_cases_hold_their_mean():  # the cases themselves
    assert around(2.0, 1.0).low < 2.0 < around(2.0, 1.0).high
