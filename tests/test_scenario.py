"""Scenario files: what they mean, what they inherit, and what is said about bad ones."""

import contextlib
import copy
import json
import math
import pathlib
import pickle
import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.levers import LEVERS, NewSpace, RentCut, months_between
from sim.parameters import SECTIONS
from sim.places import read_world, shipped_folder
from sim.scenario import Scenario, ScenarioError
from sim.schema import scenario_schema
from sim.toml_source import read_source

CUT = """
[[policies]]
id = "north"
kind = "rent-cut"
zones = ["north-latitude"]
share = 0.5
from = "2025-07"
"""


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a scenario file into the test's own folder."""

    def write(text: str, name: str = "file.toml") -> pathlib.Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write


def problems_of(path: pathlib.Path) -> list[str]:
    """Return what is said about a file, without the folder's name."""
    with pytest.raises(ScenarioError) as caught:
        Scenario.load(path)
    assert str(caught.value).splitlines() == [str(problem) for problem in caught.value.problems]
    return [str(problem).replace(f"{path.parent}/", "") for problem in caught.value.problems]


# What ships


@pytest.mark.parametrize("scenario_id", Scenario.shipped())
def test_every_shipped_scenario_is_valid_and_named_in_both_languages(scenario_id):
    scenario = Scenario.load(scenario_id)
    assert scenario.id == scenario_id
    assert scenario.name
    assert scenario.name_zh
    assert scenario.description


def test_shipped_scenarios_put_one_key_on_a_line():
    for scenario_id in Scenario.shipped():
        path = shipped_folder() / f"{scenario_id}.toml"
        text = path.read_text(encoding="utf-8").splitlines()
        places = read_source(path, scenario_id).places
        lines = [line for key, (line, _) in places.items() if isinstance(key[-1], str)]
        pairs = [line for line in lines if not text[line - 1].startswith("[")]
        assert len(pairs) == len(set(pairs)), scenario_id


def test_shipped_scenarios_name_the_schema_and_the_schema_is_not_stale():
    schema = shipped_folder() / "scenario.schema.json"
    assert json.loads(schema.read_text(encoding="utf-8")) == scenario_schema()
    for scenario_id in Scenario.shipped():
        first = (shipped_folder() / f"{scenario_id}.toml").read_text(encoding="utf-8").splitlines()[0]
        assert first == "#:schema ./scenario.schema.json"


def test_baseline_has_no_policy():
    assert Scenario.load("baseline").policies == ()


def test_rent_cut_halves_the_rent_of_one_zone_to_the_end():
    (cut,) = Scenario.load("rent-cut").policies
    assert (cut.zones, cut.share, cut.from_, cut.months) == (("north-latitude",), 0.5, "2025-07", None)


def test_north_space_takes_its_zones_to_their_potential_stock_and_the_north_to_9_9_million():
    scenario = Scenario.load("north-space")
    zones = {zone.id: zone for zone in read_world(scenario.world).zones}
    opened = {lever.zone: sum(phase.area_m2 for phase in lever.phases) for lever in scenario.policies}
    assert set(opened) == {"yongfeng", "cuihu", "wenquan"}
    for zone, area in opened.items():
        assert zones[zone].stock_m2 + area == zones[zone].potential_stock_m2
    north = [zone for zone in zones.values() if zone.belt == "north"]
    assert sum(zone.stock_m2 for zone in north) == 3.69e6
    assert sum(zone.stock_m2 + opened.get(zone.id, 0) for zone in north) == pytest.approx(9.9e6)
    first = min(phase.opens for lever in scenario.policies for phase in lever.phases)
    assert months_between(scenario.start, first) < 18


# What a scenario is


def test_a_scenario_has_one_table_for_each_process():
    assert [name for name in Scenario.model_fields if name in SECTIONS] == list(SECTIONS)
    for name, section in SECTIONS.items():
        assert type(getattr(Scenario.load("baseline"), name)) is section


def test_fingerprint_ignores_labels_and_id_but_no_value(write):
    baseline = Scenario.load("baseline")
    other = Scenario.load(write('name = "Another"\ndescription = "words"'))
    assert other.fingerprint == baseline.fingerprint
    assert other.with_values({"births.heredity": 0.41}).fingerprint != baseline.fingerprint
    assert other.with_values({"months": 60}).fingerprint != baseline.fingerprint


def test_fingerprint_ignores_the_order_of_policies(write):
    second = CUT.replace('"north"', '"second"')
    forward = Scenario.load(write('name = "x"' + CUT + second))
    backward = Scenario.load(write('name = "x"' + second + CUT))
    assert forward.policies != backward.policies
    assert forward.fingerprint == backward.fingerprint


def test_history_depends_on_no_policy_date_or_outlook_but_on_every_other_section():
    baseline = Scenario.load("baseline")
    for scenario_id in Scenario.shipped():
        assert Scenario.load(scenario_id).history_fingerprint == baseline.history_fingerprint
    same = baseline.with_values({"months": 24, "start": "2026-01", "outlook.climate": 1.5})
    assert same.history_fingerprint == baseline.history_fingerprint
    for section in set(SECTIONS) - {"outlook"}:
        name, value = next((n, v) for n, v in getattr(baseline, section) if type(v) is float)
        changed = baseline.with_values({f"{section}.{name}": value * 1.01})
        assert changed.history_fingerprint != baseline.history_fingerprint, section


def test_treated_zones_are_those_of_all_levers_in_the_order_of_the_world():
    assert Scenario.load("baseline").treated_zones == ()
    assert Scenario.load("north-space").treated_zones == ("yongfeng", "cuihu", "wenquan")
    both = Scenario.load("north-space").with_values(
        {"policies.cut": {"kind": "rent-cut", "zones": ["jingxi", "zgc-west"], "share": 0, "from": "2025-01"}}
    )
    assert both.treated_zones == ("zgc-west", "yongfeng", "cuihu", "wenquan", "jingxi")


def test_a_scenario_and_its_error_survive_pickling(write):
    scenario = Scenario.load("north-space")
    again = pickle.loads(pickle.dumps(scenario))
    assert again == scenario
    assert again.origin == scenario.origin
    with pytest.raises(ScenarioError) as caught:
        Scenario.load(write("nam = 1"))
    assert pickle.loads(pickle.dumps(caught.value)).problems == caught.value.problems


def test_a_new_row_in_the_table_of_levers_is_all_that_a_new_kind_needs(write, monkeypatch):
    class Platform(NewSpace):
        kind: str

    path = write('name = "x"\n' + CUT.replace("rent-cut", "platform"))
    assert any('no kind "platform"' in line for line in problems_of(path))
    monkeypatch.setitem(LEVERS, "platform", Platform)
    assert any("policies[0].zone: required key is missing" in line for line in problems_of(path))
    kinds = [entry["properties"].get("cost_rmb_m2") for entry in offered(scenario_schema())]
    assert len([kind for kind in kinds if kind]) == 2


SEVENTEEN = {
    "ai-blocks", "baseline", "cash-benchmark", "everything", "funding-winter", "hardware-leaves",
    "incubators-and-administration", "jingxi", "north-latitude", "north-space", "opc-accelerator", "outside-rises",
    "rent-cut", "shared-platforms", "southern-crowding", "ten-measures", "vc-hub",
}  # fmt: skip
NO_POLICY = {"southern-crowding", "outside-rises", "funding-winter", "hardware-leaves", "cash-benchmark"}


def test_the_seventeen_scenarios_ship():
    assert set(Scenario.shipped()) >= SEVENTEEN


@pytest.mark.parametrize("scenario_id", sorted(SEVENTEEN - {"baseline"}))
def test_every_lever_that_ships_acts_within_the_first_eighteen_months(scenario_id):
    scenario = Scenario.load(scenario_id)
    assert scenario.policies
    for lever in scenario.policies:
        assert any(lever.since(scenario.start, month) is not None for month in range(18)), lever.id


@pytest.mark.parametrize("scenario_id", sorted(SEVENTEEN - {"baseline"}))
def test_the_head_of_a_scenario_file_tells_source_assumption_and_effect(scenario_id):
    head = (shipped_folder() / f"{scenario_id}.toml").read_text(encoding="utf-8").split("\n\n")[0]
    told = [
        line for line in head.splitlines() if line in ("# Source", "# Stated there", "# Assumed", "# Effect")
    ]
    expected = ["# Source", "# Stated there", "# Assumed", "# Effect"]
    without = "#   None;" in head
    assert told == [part for part in expected if not (without and part == "# Stated there")]


def test_stresses_are_in_files_of_their_own():
    for scenario_id in SEVENTEEN:
        stress = {lever.stress for lever in Scenario.load(scenario_id).policies}
        assert len(stress) <= 1, scenario_id
    assert {
        name for name in SEVENTEEN if any(lever.stress for lever in Scenario.load(name).policies)
    } == NO_POLICY - {"cash-benchmark"}


def test_everything_holds_every_policy_of_the_other_files_and_nothing_else():
    """The rent cut stands in it as in north-latitude, which begins it three months earlier."""
    wanted = {
        lever.id: lever
        for scenario_id in sorted(SEVENTEEN - NO_POLICY - {"everything", "rent-cut"})
        for lever in Scenario.load(scenario_id).policies
    }
    found = {lever.id: lever for lever in Scenario.load("everything").policies}
    assert found == wanted
    assert set(found) >= {lever.id for lever in Scenario.load("rent-cut").policies}


def test_jingxi_takes_its_zone_to_its_potential_stock_at_the_stated_cost():
    scenario = Scenario.load("jingxi")
    (zone,) = (zone for zone in read_world(scenario.world).zones if zone.id == "jingxi")
    (space,) = (lever for lever in scenario.policies if lever.kind == "new-space")
    assert zone.stock_m2 + sum(phase.area_m2 for phase in space.phases) == zone.potential_stock_m2
    assert (space.phases[0].opens, space.phases[0].area_m2) == ("2026-01", 309_000)
    assert space.phases[0].area_m2 * space.cost_rmb_m2 == pytest.approx(3.9e9, rel=1e-4)


def test_southern_crowding_repeats_the_reported_half_year():
    (demand,) = Scenario.load("southern-crowding").policies
    assert 6 * len(demand.zones) * demand.area_m2_month == pytest.approx(76_000, rel=1e-3)
    south = {zone.id for zone in read_world("haidian").zones if zone.belt == "south"}
    assert set(demand.zones) == south


def test_hardware_leaves_turns_eighty_per_cent_into_ninety_five():
    (offer,) = Scenario.load("hardware-leaves").policies
    odds = 0.8 / 0.2 * math.exp(offer.rise_log_odds)
    assert odds / (1 + odds) == pytest.approx(0.95, abs=5e-4)


# Values changed in Python


def test_with_values_changes_what_it_names_and_nothing_else():
    scenario = Scenario.load("rent-cut")
    changed = scenario.with_values(
        {"births.outside_pull": 0.0, "policies.north-latitude-rent.share": 0.3, "months": 24}
    )
    assert (changed.births.outside_pull, changed.policies[0].share, changed.months) == (0.0, 0.3, 24)
    assert (changed.id, changed.name) == (scenario.id, scenario.name)
    unlike = {key for key, value in values_of(changed).items() if values_of(scenario)[key] != value}
    assert unlike == {"births.outside_pull", "policies.north-latitude-rent.share", "months"}
    assert {changed.origin[key] for key in unlike} == {"changed in Python"}


def test_with_values_adds_replaces_and_removes_whole_policies():
    scenario = Scenario.load("north-space")
    cut = RentCut(id="cut", kind="rent-cut", zones=("cuihu",), share=0.1, from_="2025-02")
    changed = scenario.with_values(
        {"policies.cuihu-space": None, "policies.cut": cut, "policies.wenquan-space.phases[1].area_m2": 1}
    )
    assert [lever.id for lever in changed.policies] == ["yongfeng-space", "wenquan-space", "cut"]
    assert changed.policies[1].phases[1].area_m2 == 1
    assert changed.policies[2] == cut
    assert changed.with_values({"policies": [cut]}).policies == (cut,)
    assert changed.with_values({}) == changed


def test_with_values_reports_all_wrong_keys_at_once():
    with pytest.raises(ScenarioError) as caught:
        Scenario.load("rent-cut").with_values(
            {"births.outside_pul": 0, "policies.nort.share": 1, "months": 10**400, "land": 3, "policies": 3}
        )
    assert [str(problem).split(": ", 2)[:2] for problem in caught.value.problems] == [
        ["rent-cut", key]
        for key in ("policies.nort.share", "policies", "months", "land", "births.outside_pul")
    ]


# Inheritance


def values_of(scenario: Scenario) -> dict[str, Any]:
    """Return the resolved values by dotted key."""
    return {entry.key: entry.value for entry in scenario.entries()}


def as_toml(tree: dict[str, Any]) -> str:
    """Write a tree as TOML."""

    def value(what: Any) -> str:
        if isinstance(what, list):
            return f"[{', '.join(map(value, what))}]"
        if isinstance(what, dict):
            return "{" + ", ".join(f"{key} = {value(part)}" for key, part in what.items()) + "}"
        return json.dumps(what, ensure_ascii=False)

    lines = [f"{key} = {value(part)}" for key, part in tree.items() if key != "policies"]
    for entry in tree.get("policies", []):
        lines += ["[[policies]]", *(f"{key} = {value(part)}" for key, part in entry.items())]
    return "\n".join(lines)


def merge(parent: dict[str, Any], child: dict[str, Any]) -> dict[str, Any]:
    """Return what a child that extends a parent should mean, written down once more and plainly."""
    merged = copy.deepcopy(parent)
    for key, value in child.items():
        if key in SECTIONS:
            merged[key] = merged.get(key, {}) | value
        elif key != "policies":
            merged[key] = value
    policies = {entry["id"]: entry for entry in merged.get("policies", [])}
    for entry in child.get("policies", []):
        inherited = policies.get(entry["id"], {})
        if entry.get("remove"):
            del policies[entry["id"]]
        elif "kind" in entry and entry["kind"] != inherited.get("kind"):
            policies[entry["id"]] = entry
        else:
            policies[entry["id"]] = inherited | entry
    return merged | {"policies": list(policies.values())}


shares = st.floats(0, 1, allow_subnormal=False)
sections = st.fixed_dictionaries(
    {},
    optional={
        "births": st.fixed_dictionaries({}, optional={"heredity": shares, "segment_kept": shares}),
        "land": st.fixed_dictionaries({}, optional={"rent_step_limit": shares}),
        "access": st.fixed_dictionaries({}, optional={"self_spillover": st.booleans()}),
        "months": st.integers(100, 200),
    },
)
cuts = st.fixed_dictionaries(
    {"kind": st.just("rent-cut"), "zones": st.lists(st.sampled_from(["cuihu", "wenquan"]), min_size=1, unique=True),
     "share": shares, "from": st.sampled_from(["2025-01", "2026-12"])},
    optional={"max_stage": st.integers(0, 5)},
)  # fmt: skip
spaces = st.fixed_dictionaries(
    {"kind": st.just("new-space"), "zone": st.sampled_from(["cuihu", "jingxi"]),
     "phases": st.lists(st.fixed_dictionaries({"opens": st.just("2027-03"), "area_m2": shares}), min_size=1)},
)  # fmt: skip


@st.composite
def families(draw) -> tuple[dict[str, Any], dict[str, Any]]:
    """Draw a parent, and a child that adds, changes, replaces and removes."""
    parent, child = {"name": "parent", **draw(sections)}, {"name": "child", **draw(sections)}
    parents = draw(st.dictionaries(st.sampled_from("abc"), cuts | spaces))
    entries = []
    for policy_id in draw(st.permutations("abcd")):
        inherited = parents.get(policy_id)
        choices = ["leave", "own"] + (["remove", "change"] if inherited else [])
        choice = draw(st.sampled_from(choices))
        if choice == "remove":
            entries.append({"id": policy_id, "remove": True})
        elif choice == "own":
            entries.append({"id": policy_id, **draw(cuts | spaces)})
        elif choice == "change":
            whole = draw(cuts if inherited["kind"] == "rent-cut" else spaces)
            kept = draw(st.sets(st.sampled_from(sorted(whole))))
            entries.append({"id": policy_id} | {key: whole[key] for key in whole if key in kept})
    parent["policies"] = [{"id": policy_id, **entry} for policy_id, entry in parents.items()]
    return parent, child | {"policies": entries}


@given(families())
@settings(max_examples=60, deadline=None)
def test_a_child_means_its_parent_with_its_own_keys_laid_over(tmp_path_factory, family):
    parent, child = family
    folder = tmp_path_factory.mktemp("family")
    (folder / "parent.toml").write_text(as_toml(parent), encoding="utf-8")
    (folder / "child.toml").write_text('extends = "parent.toml"\n' + as_toml(child), encoding="utf-8")
    (folder / "merged.toml").write_text(as_toml(merge(parent, child)), encoding="utf-8")
    resolved, expected = Scenario.load(folder / "child.toml"), Scenario.load(folder / "merged.toml")
    assert resolved.policies == expected.policies
    assert resolved.fingerprint == expected.fingerprint
    assert resolved.name == expected.name


def test_labels_are_not_inherited(write):
    child = Scenario.load(write('extends = "baseline"\nname = "Child"'))
    assert (child.name, child.name_zh, child.description) == ("Child", "", "")
    assert problems_of(write('extends = "baseline"')) == [
        "file.toml:1:1: name: required key is missing: Name of the scenario, as tables and figures show it"
    ]


def test_origin_names_file_and_line_of_every_value(write):
    write('name = "p"\nmonths = 60\n[births]\nheredity = 0.3\nsegment_kept = 0.5\n' + CUT, "parent.toml")
    changed = '[[policies]]\nid = "north"\nshare = 0.1'
    child = write(f'extends = "parent.toml"\nname = "c"\nbirths.heredity = 0.2\n\n{changed}')
    scenario = Scenario.load(child)
    origin = {key: value.removeprefix(f"{child.parent}/") for key, value in scenario.origin.items()}
    assert origin["births.heredity"] == "file.toml:3"
    assert origin["births.segment_kept"] == "parent.toml:5"
    assert origin["births.entry_size"] == "default"
    assert origin["months"] == "parent.toml:2"
    assert origin["policies.north.share"] == "file.toml:7"
    assert origin["policies.north.from"] == "parent.toml:12"
    assert set(origin) == set(values_of(scenario))


def test_error_in_a_parent_names_the_parents_file_and_its_own_position(write):
    write('name = "p"\n' + CUT + CUT.replace('"north"', '"b"').replace("0.5", "5"), "parent.toml")
    child = write('extends = "parent.toml"\nname = "c"\n[[policies]]\nid = "north"\nremove = true\n[brths]')
    assert problems_of(child) == [
        'file.toml:6:1: brths: unknown key; did you mean "births"?',
        "parent.toml:14:1: policies[1].share: must lie between 0 and 1, not 5 (share)",
    ]


@pytest.mark.parametrize(
    "outside",
    ["/etc/hosts", "../outside.toml", "sub/../../outside.toml", "https://example.org/a.toml",
     "file:///etc/hosts", "C:\\a.toml", "..\\a.toml", "link.toml", "linked/file.toml", "a\\u202eb.toml",
     "~/a.toml", "/dev/zero", ""],
)  # fmt: skip
def test_nothing_outside_the_folder_is_extended(write, tmp_path, outside):
    write('name = "secret"', "outside.toml")
    write("", "inside/sub/keep.toml")
    (tmp_path / "inside/link.toml").symlink_to(tmp_path / "outside.toml")
    (tmp_path / "inside/linked").symlink_to(tmp_path)
    (line,) = problems_of(write(f'extends = {json.dumps(outside)}\nname = "x"', "inside/file.toml"))
    assert line.startswith("file.toml:1:1: extends: ")
    assert "secret" not in line


def test_a_parent_may_stand_in_a_folder_below(write):
    write('name = "p"\nmonths = 7', "sub/parent.toml")
    assert Scenario.load(write('extends = "sub/parent.toml"\nname = "c"')).months == 7


def test_a_file_that_extends_itself_is_refused(write):
    assert "extends: extends itself" in problems_of(write('extends = "file.toml"\nname = "x"'))[0]
    write('extends = "b.toml"\nname = "a"', "a.toml")
    write('extends = "c.toml"\nname = "b"', "b.toml")
    path = write('extends = "a.toml"\nname = "c"', "c.toml")
    (line,) = problems_of(path)
    assert line.startswith("b.toml:1:1: extends: extends itself")


def test_eight_parents_are_allowed_and_nine_are_not(write):
    write('name = "0"\nmonths = 5', "f0.toml")
    for i in range(1, 10):
        path = write(f'name = "{i}"\nextends = "f{i - 1}.toml"', f"f{i}.toml")
    assert Scenario.load(path.parent / "f8.toml").months == 5
    assert "more than 8 files deep" in problems_of(path)[0]


def test_an_unknown_parent_is_reported_with_the_nearest_id_and_the_files_own_errors(write):
    path = write('extends = "baselin"\nname = "x"\nmonths = 0\n[[policies]]\nid = "inherited"\nshare = 0.1')
    assert problems_of(path) == [
        'file.toml:1:1: extends: no shipped scenario "baselin" (a file beside this one ends with .toml); '
        'did you mean "baseline"?',
        "file.toml:3:1: months: must lie between 1 and 1,200, not 0 (months)",
    ]


def test_only_an_inherited_policy_can_be_removed(write):
    path = write('name = "x"\nextends = "rent-cut"\n[[policies]]\nid = "north-latitude-ren"\nremove = true')
    assert problems_of(path) == [
        'file.toml:3:1: policies[0]: nothing inherited to remove; did you mean "north-latitude-rent"?'
    ]
    path = write('name = "x"\nextends = "rent-cut"\n[[policies]]\nid = "north-latitude-rent"\nremove = true')
    assert Scenario.load(path).policies == ()


# Errors


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('mnths = 3', '1:1: mnths: unknown key; did you mean "months"?'),
        ('outside_pull = 3', '1:1: outside_pull: unknown key; did you mean "births.outside_pull"?'),
        ('id = "x"', "1:1: id: unknown key; the id of a scenario is the name of its file"),
        ("months = 1.5",
         "1:1: months: must be a whole number, not a number with a fraction (1 to 1,200, months)"),
        ("[land]\n  rent_step_limit = true",
         "2:3: land.rent_step_limit: must be a number, not true or false (0 to 1, log rent/month)"),
        ('[access]\ntalent_range_km = "3 km"',
         "2:1: access.talent_range_km: must be a number, not text (0.05 to 100, km)"),
        ("[access]\ntalent_range_km = 1000",
         "2:1: access.talent_range_km: must lie between 0.05 and 100, not 1000.0 (km)"),
        ("access.talent_range_km = inf",
         "1:8: access.talent_range_km: must be finite, not inf (0.05 to 100, km)"),
        ("access.talent_range_km = nan",
         "1:8: access.talent_range_km: must be finite, not nan (0.05 to 100, km)"),
        ("births.entrant_segments = [1, 2]",
         "1:8: births.entrant_segments: too few values: must be 4 numbers"),
        ("births.entrant_segments = [0, 0, 0, 0, 0]",
         "1:8: births.entrant_segments: too many values: must be 4 numbers"),
        ("operations.target_heads = [[1]]",
         "1:12: operations.target_heads: too few values: must be 4 x 6 numbers"),
        ('location.revision = "on"', '1:10: location.revision: must be "all" or "one", not "on"; '
         'did you mean "one"?'),
        ("[initial]\nhistory_months = 0", "2:1: initial.history_months: must be at least 1: the 1300 startups of the first "
         "month come out of the history (initial.startups = 0 asks for none)"),
        ('access = 3', "1:1: access: must be a table, not a whole number"),
        ('policies = 3', "1:1: policies: must be an array, not a whole number"),
        ("[policies.north]", "1:1: policies: must be an array, not a table"),
        ('policies = ["x"]', "1:13: policies[0]: must be a table, not text"),
        ('world = "haidan"', '1:1: world: no world "haidan"; did you mean "haidian"?'),
        ('start = "2025"', '1:1: start: must be a month like "2025-07" (YYYY-MM), not "2025"'),
        ("start = 2025-01-01", '1:1: start: must be text, not a bare date (put it in quotes, as "2025-07")'),
        (CUT.replace("share", "shar"), '6:1: policies[0].shar: unknown key; did you mean "share"?'),
        (CUT.replace("from", "from_"), '7:1: policies[0].from_: unknown key; did you mean "from"?'),
        (CUT.replace("zones", "zonee"), '5:1: policies[0].zonee: unknown key; did you mean "zones"?'),
        (CUT.replace("-latitude", "-lattitude"),
         '5:10: policies[0].zones[0]: no zone "north-lattitude" in this world; '
         'did you mean "north-latitude"?'),
        (CUT.replace("rent-cut", "rentcut"),
         '4:1: policies[0].kind: no kind "rentcut"; did you mean "rent-cut"?'),
        (CUT.replace('id = "north"', ""), "2:1: policies[0].id: required key is missing: "
         "Name of the lever inside its scenario"),
        (CUT.replace("kind", "sort"), "2:1: policies[0].kind: required key is missing"),
        (CUT.replace("2025-07", "2025-13"),
         '7:1: policies[0].from: must be a month like "2025-07" (YYYY-MM), not "2025-13"'),
        (CUT.replace("2025-07", "2024-12"), "7:1: policies[0].from: must lie in the scenario's own months, "
         "2025-01 to 2034-12, not 2024-12"),
        ("months = 6" + CUT, "7:1: policies[0].from: must lie in the scenario's own months, "
         "2025-01 to 2025-06, not 2025-07"),
        (CUT + CUT, '10:1: policies[1].id: the id "north" stands twice, first in policies[0]'),
        ('[[policies]]\nid = "A b"\nkind = "new-space"\nzone = "cuihu"\nphases = []',
         '5:1: policies[0].phases: must not be empty'),
        ('[[policies]]\nid = "a"\nkind = "new-space"\nzone = "cuihu"\n[[policies.phases]]\nopens = "2025-02"',
         "5:1: policies[0].phases[0].area_m2: required key is missing: Lettable floor space that opens "
         "(0 to 1,000,000,000, m2)"),
        ('name = "a\\u202eb"', "1:1: name: must not hold control or text-direction characters (U+202E)"),
        ('name = "a\\u001bb"', "1:1: name: must not hold control or text-direction characters (U+001B)"),
        ('name_zh = "a\\nb"', "1:1: name_zh: must not hold control or text-direction characters (U+000A)"),
        ('name = "  "', "1:1: name: must not be blank"),
        ('"a\\u001bb" = 3', "1:1: a\\x1bb: unknown key"),
        ("a = [1,", "1:8: no TOML: Invalid value"),
        ("from = 2025-07", '1:12: no TOML: Expected newline or end of document after a statement (a month stands in quotes, as "2025-07")'),
        ("months = 3\nmonths = 4", "2:1: months: given twice; the first stands in line 1"),
        ("[land]\n[births]\n[land]", "3:1: land: given twice; the first stands in line 1"),
        ("births = {heredity = 0.1, heredity = 0.2}", "1:27: births.heredity: given twice; "
         "the first stands in line 1"),
    ],
)  # fmt: skip
def test_an_error_says_where_what_and_the_nearest_valid_word(write, text, expected):
    assert f"file.toml:{expected}" in problems_of(write(text))


def test_every_error_of_a_file_is_reported_at_once_in_the_order_of_the_lines(write):
    path = write('name = 3\nmonths = "x"\n[birth]\n' + CUT.replace("share = 0.5", "share = -1\nzone = 2"))
    places = [line.split(": ")[:2] for line in problems_of(path)]
    assert places == [
        ["file.toml:1:1", "name"],
        ["file.toml:2:1", "months"],
        ["file.toml:3:1", "birth"],
        ["file.toml:9:1", "policies[0].share"],
        ["file.toml:10:1", "policies[0].zone"],
    ]


def test_rubbish_by_the_thousand_is_reported_by_the_hundred(write):
    lines = problems_of(write("\n".join(f"key{i} = {i}" for i in range(9000))))
    assert len(lines) == 101
    assert lines[-1].endswith("and more problems")


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "{{7*7}}", "=1+1", "基准 👩‍💻", "a" * 120])
def test_names_that_look_like_code_are_accepted(write, name):
    assert Scenario.load(write(f"name = {json.dumps(name, ensure_ascii=False)}")).name == name


# Where keys stand

fragments = st.sampled_from(
    ["a", "b-1", '"q.\\u00e9"', "'l i'", ".", " . ", " = ", "=", "1", "-2.5", '"s # ]"', "'''x\n= [''''",
     '"""y\\"\n""" ', "[", "]", "[[", "]]", "{", "}", ", ", "\n", "# c = [\n", "2025-01-01 00:00:00", "true",
     "\na = ", "\n[t]\n", "\n[[t.u]]\n", "\n'x'.y = {k = [1, {z = 2}]}\n"]
)  # fmt: skip


def paths(tree: Any, key: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Return the path of every key and element of parsed TOML."""
    parts = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [path for part, value in parts for path in [(*key, part), *paths(value, (*key, part))]]


@given(st.lists(fragments, max_size=25).map("".join))
@settings(max_examples=250, deadline=None)
def test_every_key_that_the_parser_finds_is_located(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "located.toml"
    path.write_text(text, encoding="utf-8")
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        with pytest.raises(ScenarioError):
            read_source(path, "located.toml")
        return
    source = read_source(path, "located.toml")
    assert set(source.places) == set(paths(data))
    assert source.data == data


def test_keys_are_located_in_dotted_quoted_and_inline_form(write):
    text = (
        "# a = 1\n"
        'a . "b.c" = """\n[x]\ny = 1\n"""\n'
        "[t]  # comment\n"
        "  k = [ 1, # one\n"
        "    {z = '#', y.w = 2} ]\r\n"
        "[[t.u]]\n"
        "[[t.u]]\n"
        "v = 1\n"
    )
    path = write("")
    path.write_bytes(text.encode())
    assert read_source(path, "").places == {
        ("a",): (2, 1),
        ("a", "b.c"): (2, 5),
        ("t",): (6, 1),
        ("t", "k"): (7, 3),
        ("t", "k", 0): (7, 9),
        ("t", "k", 1): (8, 5),
        ("t", "k", 1, "z"): (8, 6),
        ("t", "k", 1, "y"): (8, 15),
        ("t", "k", 1, "y", "w"): (8, 17),
        ("t", "u"): (9, 1),
        ("t", "u", 0): (9, 1),
        ("t", "u", 1): (10, 1),
        ("t", "u", 1, "v"): (11, 1),
    }


# Rubbish

words = st.sampled_from(
    ["name", "policies", "[[", "]]", "[", "]", "{", "}", "=", ".", '"', "'", '"""', "\n", "id", "kind",
     '"rent-cut"', "zones", "1e999", "nan", "9" * 90, "true", "births", "extends", ",", '"baseline"',
     "remove", "#", "\\", "\x1b", "2025-01-01", "months", "access", "world"]
)  # fmt: skip
rubbish = st.one_of(
    st.binary(max_size=200),
    st.text(max_size=100).map(str.encode),
    st.lists(words, max_size=40).map(lambda parts: " ".join(parts).encode()),
)


@given(rubbish)
@settings(max_examples=200, deadline=None)
def test_no_bytes_give_anything_but_a_scenario_or_a_scenario_error(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "rubbish.toml"
    path.write_bytes(data)
    with contextlib.suppress(ScenarioError):
        Scenario.load(path)
        return
    with pytest.raises(ScenarioError) as caught:
        Scenario.load(path)
    for problem in caught.value.problems:
        assert problem.path.endswith("rubbish.toml")
        assert problem.line is not None
        assert str(problem).isprintable()


# The schema for editors


def offered(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the shapes of a policy."""
    return schema["properties"]["policies"]["items"]["oneOf"]


def test_the_editors_schema_knows_every_key_with_its_unit_range_and_zones():
    schema = scenario_schema()
    for name, section in SECTIONS.items():
        table = schema["properties"][name]
        assert set(table["properties"]) == set(section.model_fields)
        assert table["additionalProperties"] is False
    reserve = schema["properties"]["location"]["properties"]["lease_reserve"]
    assert (reserve["minimum"], reserve["maximum"], reserve["default"]) == (1, 10, 1.3)
    rent = schema["properties"]["location"]["properties"]["reference_rent_rmb_m2_month"]
    assert "RMB/m2/month" in rent["description"]
    heads = schema["properties"]["operations"]["properties"]["target_heads"]
    assert heads["items"]["items"] == {"type": "number", "minimum": 0.1, "maximum": 100_000}
    zones = [zone.id for zone in read_world("haidian").zones]
    cut, space, *_others, removal, _change = offered(schema)
    assert cut["properties"]["zones"]["items"]["enum"] == zones
    assert space["properties"]["zone"]["enum"] == zones
    assert removal["properties"]["remove"] == {"const": True}
    assert schema["required"] == ["name"]
    assert "$ref" not in json.dumps(schema)
