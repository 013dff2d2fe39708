"""Plug-ins: found by entry point when a scenario names them, part of what a run is, named when they are broken."""

import hashlib
import json
import os
import subprocess
import sys
import tomllib
from typing import ClassVar

import numpy as np
import pytest
from click.testing import CliRunner

from sim import plugins
from sim.__main__ import cli
from sim.levers import LEVERS
from sim.model import ClusterModel
from sim.places import shipped_folder
from sim.problems import ScenarioError
from sim.randomness import uniform
from sim.scenario import Scenario
from sim.study_files import Study
from sim.work import read_work

EXAMPLE = shipped_folder().parent / "docs" / "howto" / "example-plugin"
SMALL = {"initial.startups": 100, "initial.history_months": 3}


def install(target, name, version, entry_points, modules):
    """Install a package by hand, as an installer leaves it: its modules and its .dist-info."""
    about = target / f"{name.replace('-', '_')}-{version}.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8"
    )
    text = "".join(
        f"[{group}]\n" + "".join(f"{key} = {value}\n" for key, value in entries.items())
        for group, entries in entry_points.items()
    )
    (about / "entry_points.txt").write_text(text, encoding="utf-8")
    for path, source in modules.items():
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        (target / path).write_text(source, encoding="utf-8")


def install_example(target):
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    sources = EXAMPLE / "sim_mentors"
    modules = {f"sim_mentors/{path.name}": path.read_text(encoding="utf-8") for path in sources.glob("*.py")}
    install(target, project["name"], project["version"], project["entry-points"], modules)


@pytest.fixture
def site(tmp_path, monkeypatch):
    """Return an empty folder on the path in which packages can be installed, and take away what they left."""
    before, modules = dict(LEVERS), set(sys.modules)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.setattr(plugins, "_LOADED", {})
    plugins.forget()
    yield tmp_path / "site"
    LEVERS.clear()
    LEVERS.update(before)
    for name in set(sys.modules) - modules:
        if name.partition(".")[0].startswith(("sim_", "broken")):
            del sys.modules[name]
    plugins.forget()


@pytest.fixture
def example(site):
    """Return the scenario file of the worked example, its package installed."""
    install_example(site)
    return EXAMPLE / "mentors.toml"


def sim(*words):
    return CliRunner().invoke(cli, [str(word) for word in words])


def test_the_worked_example_is_installed_and_its_own_tests_pass(tmp_path):
    install_example(tmp_path / "site")
    path = os.pathsep.join(map(str, (tmp_path / "site", EXAMPLE.parents[2])))
    words = [sys.executable, "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider", str(EXAMPLE / "tests")]
    done = subprocess.run(
        words, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": path}, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 passed" in done.stdout


def test_a_plug_in_has_validation_units_a_schema_and_a_table_like_the_models_own(example):
    assert sim("scenario", "validate", example).exit_code == 0
    shown = json.loads(sim("scenario", "show", example, "--json", "--origin").stdout)["values"]
    gain = shown["processes.learning.gain_per_month"]
    assert (gain["value"], gain["unit"], gain["origin"]) == (0.002, "log units/month", f"{example}:14")
    assert shown["processes.learning.until_months"]["origin"] == "default"
    assert shown["policies.mentors.cost_rmb_month"]["unit"] == "RMB/month"
    schema = json.loads(sim("scenario", "schema").stdout)["properties"]
    until = schema["processes"]["properties"]["learning"]["properties"]["until_months"]
    assert (until["minimum"], until["maximum"], until["default"]) == (0, 1200, 60.0)
    (mentors,) = [
        kind for kind in schema["policies"]["items"]["oneOf"]
        if kind.get("properties", {}).get("kind", {}).get("const") == "mentors"
    ]  # fmt: skip
    assert "zones" in mentors["required"]
    table = sim("plugins", "learning", "--markdown").stdout.splitlines()
    assert table[0] == "| key | unit | range | default | meaning |"
    assert (
        "| gain_per_month | log units/month | 0 – 1 | 0.0 | Rise of log quality in a month at work. |"
        in table
    )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("gain_per_month = 0.002", "gain_per_month = 2", "14:1: processes.learning.gain_per_month: must lie between 0 and 1, not 2"),
        ("gain_per_month = 0.002", "gain_per_mont = 0.1", '14:1: processes.learning.gain_per_mont: unknown key; did you mean "gain_per_month"?'),
        ("gain_per_month = 0.01", 'gain_per_month = "x"', "20:1: policies[0].gain_per_month: must be a number, not text"),
        ('zones = ["yongfeng"', 'zones = ["yongfen"', '19:10: policies[0].zones[0]: no zone "yongfen" in this world; did you mean "yongfeng"?'),
        ('["yongfeng", "cuihu"]', '["yongfeng", "yongfeng"]', '19:1: policies[0].zones: the zone "yongfeng" stands twice'),
        ("[processes.learning]\ngain_per_month = 0.002", "", 'processes: the lever "mentors" acts through the process "learning", which has no table here'),
        ("[processes.learning]", "[processes.learnin]", '13:1: processes.learnin: no process "learnin"'),
        ("[processes.learning]", "[processes.learnin]", 'is its package installed?); did you mean "learning"?'),
        ('kind = "mentors"', 'kind = "mentor"', '18:1: policies[0].kind: no kind "mentor"; did you mean "mentors"?'),
        ("[processes.learning]\ngain_per_month = 0.002", "[processes]\nlearning = 3", "14:1: processes.learning: must be a table"),
    ],
)  # fmt: skip
def test_mistakes_in_the_tables_of_a_plug_in_are_named_with_place_and_rule(example, tmp_path, old, new, said):
    text = example.read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "a.toml").write_text(text.replace(old, new, 1), encoding="utf-8")
    result = sim("scenario", "validate", tmp_path / "a.toml")
    assert result.exit_code == 2
    assert said in result.stderr, result.stderr


def test_a_package_that_is_only_installed_is_not_imported_and_changes_nothing(example):
    fingerprint = Scenario.load("rent-cut").fingerprint
    run = ClusterModel.from_scenario(Scenario.load("rent-cut").with_values(SMALL), seed=1).run(2)
    assert "sim_mentors" not in sys.modules
    Scenario.load(example)
    assert "sim_mentors" in sys.modules
    assert Scenario.load("rent-cut").fingerprint == fingerprint
    again = ClusterModel.from_scenario(Scenario.load("rent-cut").with_values(SMALL), seed=1).run(2)
    np.testing.assert_array_equal(run.arrays["series"], again.arrays["series"])


def test_help_list_and_schema_load_neither_the_compiler_nor_mesa_for_a_plug_in(tmp_path):
    install_example(tmp_path / "site")
    script = (
        "import sys\n"
        "from click.testing import CliRunner\n"
        "from sim.__main__ import cli\n"
        "for words in (['list'], ['--help']):\n"
        "    assert CliRunner().invoke(cli, words).exit_code == 0\n"
        "assert 'importlib.metadata' not in sys.modules or 'sim_mentors' not in sys.modules\n"
        f"for words in (['scenario', 'validate', {str(EXAMPLE / 'mentors.toml')!r}], ['scenario', 'schema'], ['plugins']):\n"
        "    assert CliRunner().invoke(cli, words).exit_code == 0\n"
        "assert 'sim_mentors' in sys.modules\n"
        "print([m for m in ('mesa', 'numba', 'pandas', 'scipy') if m in sys.modules])\n"
    )
    path = os.pathsep.join(map(str, (tmp_path / "site", EXAMPLE.parents[2])))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True,
                          env=os.environ | {"PYTHONPATH": path}, check=False)  # fmt: skip
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr


def test_other_sources_of_a_plug_in_make_another_scenario_whose_results_are_never_mixed(
    example, site, tmp_path
):
    words = ["compare", example, "--seeds", "1", "--months", "1", "--workers", "0", "--no-controls", "--json",
             "--out", tmp_path / "out"]  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sim.effects.Comparison.draw", lambda comparison: None)
        assert sim(*words).exit_code == 0
    plan = json.loads((tmp_path / "out" / "plan.json").read_text(encoding="utf-8"))
    sha = hashlib.sha256((tmp_path / "out" / "plan.json").read_bytes()).hexdigest()
    before = Scenario.load(example)
    fingerprint, history = before.fingerprint, before.history_fingerprint
    assert fingerprint == plan["scenarios"][1]["fingerprint"]
    assert read_work(str(tmp_path / "out"), sha).plan.sha == sha
    source = site / "sim_mentors" / "policy.py"
    source.write_text(source.read_text(encoding="utf-8") + "\n# another version\n", encoding="utf-8")
    plugins.forget()
    after = Scenario.load(example)
    assert after.fingerprint != fingerprint
    assert after.history_fingerprint == history  # no plug-in acts in it
    with pytest.raises(ValueError, match="planned with other sources of a plug-in"):
        read_work(str(tmp_path / "out"), sha)
    assert sim(*words).exit_code == 2  # the folder holds another plan


def test_processes_act_at_their_place_in_the_order_of_their_names_with_draws_of_their_own():
    heard = []

    class Late(plugins.Process):
        place: ClassVar[str] = "ends"

        def act(self, world, terms, key):
            assert type(key) is np.uint64
            heard.append(("late", world.month, int(key), float(world.seen)))

    class Early(Late):
        place: ClassVar[str] = "places"

        def act(self, world, terms, key):
            world.seen = 1.0
            heard.append(("early", world.month, int(key), 0.0))

    class Other(Early):
        def act(self, world, terms, key):
            heard.append(("other", world.month, int(key), 0.0))

    model = ClusterModel.from_scenario(Scenario.load("baseline").with_values(SMALL), seed=7)
    model.added = plugins.Added({"b": Early(), "a": Other(), "c": Late()}, seed=7)
    model.step()
    model.step()
    assert [(name, month) for name, month, _, _ in heard] == [
        (name, month) for month in (0, 1) for name in ("other", "early", "late")
    ]
    assert len({key for _, _, key, _ in heard}) == 6
    again = ClusterModel.from_scenario(Scenario.load("baseline").with_values(SMALL), seed=7)
    again.added = plugins.Added({"b": Early()}, seed=7)
    first = [key for name, month, key, _ in heard if (name, month) == ("early", 0)]
    heard.clear()
    again.step()
    assert [key for _, _, key, _ in heard] == first


BROKEN = {
    "raises": ("raise RuntimeError('no licence')", "cannot be loaded: RuntimeError: no licence"),
    "lacks": ("", "cannot be loaded: AttributeError"),
    "is nothing of ours": ("class Thing: pass", "is no complete subclass of sim.levers.base.Lever"),
    "is abstract": ("from sim.levers.base import Dated as Thing", "is no complete subclass of sim.levers.base.Lever"),
    "has another kind": (
        "from sim.levers import RentCut as Thing", 'needs the field kind: Literal["thing"]'),
}  # fmt: skip


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_plug_in_is_named_with_its_package_and_ends_with_4(site, tmp_path, what):
    source, said = BROKEN[what]
    install(
        site, "bad-package", "1.0", {"sim.policies": {"thing": "broken_one:Thing"}}, {"broken_one.py": source}
    )
    file = tmp_path / "a.toml"
    file.write_text(
        'extends = "baseline"\nname = "A"\n[[policies]]\nid = "a"\nkind = "thing"\nfrom = "2025-01"\n',
        encoding="utf-8",
    )
    for words in (["scenario", "validate", file], ["scenario", "schema"], ["plugins"]):
        result = sim(*words)
        assert result.exit_code == 4, result.output
        assert "plug-in thing of bad-package" in result.stderr
        assert said in result.stderr, result.stderr
        assert "Traceback" not in result.output
    for words in (["list"], ["scenario", "validate", "rent-cut"]):  # nobody asks for it
        assert sim(*words).exit_code == 0


def test_a_plug_in_that_fails_while_it_runs_is_named(site, tmp_path):
    source = (
        "from sim.plugins import Process, parameter\n"
        "class Thing(Process):\n"
        "    def act(self, world, terms, key):\n"
        "        raise ZeroDivisionError('by nothing')\n"
    )
    install(
        site,
        "bad-package",
        "1.0",
        {"sim.processes": {"thing": "broken_two:Thing"}},
        {"broken_two.py": source},
    )
    file = tmp_path / "a.toml"
    file.write_text('extends = "baseline"\nname = "A"\n[processes.thing]\n[initial]\nstartups = 50\nhistory_months = 1\n',
                    encoding="utf-8")  # fmt: skip
    result = sim("run", file, "--months", "1")
    assert result.exit_code == 4
    assert "plug-in thing of bad-package: failed: ZeroDivisionError: by nothing" in result.stderr


def test_processes_of_plug_ins_act_with_every_seed(example):
    small = Scenario.load(example).with_values({"initial.startups": 20, "initial.history_months": 2})
    uniform(3, np.uint64(5), 0)  # a small key before them changes nothing
    for seed in range(1, 31):
        ClusterModel.from_scenario(small, seed=seed).step()


def test_a_study_varies_a_parameter_of_a_plug_ins_process_over_the_range_that_it_states(example, tmp_path):
    (tmp_path / "mentors.toml").write_text(example.read_text(encoding="utf-8"), encoding="utf-8")
    file = tmp_path / "study.toml"
    file.write_text(
        'scenarios = ["baseline", "mentors.toml"]\nseeds = 1\nmonths = 1\n[design]\nmethod = "grid"\nlevels = 2\n'
        '[[design.axes]]\nkey = "processes.learning.gain_per_month"\n',
        encoding="utf-8",
    )
    study = Study.load(file)
    gains = [
        study.applied("mentors", point).processes["learning"].model_dump()["gain_per_month"]
        for point in study.points
    ]
    assert gains == [0.0, 0.01]
    file.write_text(
        file.read_text(encoding="utf-8").replace("gain_per_month", "gain_per_mont"), encoding="utf-8"
    )
    with pytest.raises(
        ScenarioError, match=r'no such key|did you mean "processes\.learning\.gain_per_month"'
    ):
        Study.load(file)


LEVER = (
    "import numpy as np\n"
    "from typing import ClassVar, Literal\n"
    "from pydantic import Field\n"
    "from sim.levers.base import Dated\n"
    "class Thing(Dated):\n"
    "    kind: Literal['thing'] = Field(description='Kind.')\n"
    "    {strength}\n"
    "    def offer(self, terms, row, since, zones):\n"
    "        {offer}\n"
    "    def fixed_cost_rmb(self, since):\n"
    "        {cost}\n"
    "    def budget_rmb(self, months, years):\n"
    "        {budget}\n"
    "    {since}\n"
)
FINE = {"strength": "", "offer": "pass", "cost": "return 1.0", "budget": "return None", "since": ""}
FAULTS = {
    "an offer that is no number": ({"offer": "terms.attraction[0, 0, 0] = np.nan"}, "offer: attraction: no finite number"),
    "an offer of its own that is no number": ({"offer": "terms.own['x'] = {'y': np.inf}"}, "offer: own: no finite number"),
    "a cost that is no number": ({"cost": "return float('nan')"}, "fixed_cost_rmb: nan is no finite number"),
    "a cost that raises": ({"cost": "1 / 0"}, "failed: ZeroDivisionError"),
    "months that raise": ({"since": "def since(self, start, month): 1 / 0"}, "failed: ZeroDivisionError"),
    "a budget that raises": ({"budget": "1 / 0"}, "failed: ZeroDivisionError"),
    "a strength that is no field": ({"strength": "strength: ClassVar[tuple] = ('power',)"}, "strength names what is no field: power"),
}  # fmt: skip


@pytest.mark.parametrize("what", FAULTS)
def test_whatever_fails_in_the_lever_of_a_plug_in_names_its_package_before_a_month_is_over(
    site, tmp_path, what
):
    parts, said = FAULTS[what]
    install(
        site, "bad-package", "1.0", {"sim.policies": {"thing": "broken_five:Thing"}},
        {"broken_five.py": LEVER.format(**FINE | parts)},
    )  # fmt: skip
    file = tmp_path / "a.toml"
    file.write_text(
        'extends = "baseline"\nname = "A"\n[initial]\nstartups = 50\nhistory_months = 1\n'
        '[[policies]]\nid = "a"\nkind = "thing"\nfrom = "2025-01"\n',
        encoding="utf-8",
    )
    result = sim("run", file, "--months", "1")
    assert result.exit_code == 4, result.output
    assert "plug-in thing of bad-package" in result.stderr
    assert said in result.stderr, result.stderr


def test_a_process_that_leaves_cash_that_is_no_number_is_named(site):
    source = (
        "from sim.plugins import Process\n"
        "class Thing(Process):\n"
        "    def act(self, world, terms, key):\n"
        "        world.startups['cash'][:1] = float('nan')\n"
    )
    install(
        site,
        "bad-package",
        "1.0",
        {"sim.processes": {"thing": "broken_six:Thing"}},
        {"broken_six.py": source},
    )
    scenario = Scenario.load("baseline").with_values(SMALL | {"processes.thing": {}})
    with pytest.raises(plugins.PluginError, match=r"plug-in thing of bad-package: failed: .*cash of 1 of"):
        ClusterModel.from_scenario(scenario, seed=1).step()


def test_a_name_of_two_packages_or_of_this_program_is_no_name(site):
    module = {"broken_three.py": "from sim.levers import RentCut as Thing"}
    install(site, "one", "1.0", {"sim.policies": {"thing": "broken_three:Thing"}}, module)
    install(
        site,
        "two",
        "1.0",
        {"sim.policies": {"thing": "broken_three:Thing", "rent-cut": "broken_three:Thing"}},
        {},
    )
    result = sim("plugins")
    assert result.exit_code == 4
    assert "plug-in thing of one, two: several packages have a plug-in of this name" in result.stderr
    assert "plug-in rent-cut: is never used, because this program has a kind of this name" in result.stderr
    assert LEVERS["rent-cut"].__module__ == "sim.levers.space"


def test_a_name_that_no_plug_in_has_is_a_mistyped_command():
    result = sim("plugins", "zonk")
    assert result.exit_code == 2
    assert 'no plug-in "zonk"' in result.stderr


def test_a_process_whose_parameters_have_no_meaning_is_refused(site):
    source = (
        "from sim.plugins import Process\n"
        "class Thing(Process):\n"
        "    speed: float = 1.0\n"
        "    def act(self, world, terms, key): pass\n"
    )
    install(
        site,
        "bad-package",
        "1.0",
        {"sim.processes": {"thing": "broken_four:Thing"}},
        {"broken_four.py": source},
    )
    with pytest.raises(plugins.PluginError, match="parameters without a meaning: speed"):
        plugins.process_class("thing")
