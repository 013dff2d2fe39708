"""Evaluations of made studies against what was put into them, and against slow twins on the tables themselves."""

import dataclasses
import functools
import json
import re

import made_studies
import numpy as np
import pyarrow as pa
import pytest
import worlds
from click.testing import CliRunner
from scipy import stats

from sim.__main__ import cli
from sim.evaluation import afterwards, design
from sim.evaluation.choosing import alone_first
from sim.evaluation.effects import Levels
from sim.evaluation.evaluate import EvaluationError, evaluate, load, save
from sim.evaluation.metrics import HEADLINE, SOURCES, horizons
from sim.evaluation.reading import Reader, read
from sim.evaluation.result import Evaluation
from sim.evaluation.table import lines
from sim.ledger import LISTED, NEVER
from sim.measures import survival
from sim.report import write_report
from sim.report.rows import price as shown_price
from sim.report.rows import rows_of as rows_of_report
from sim.store import Store

MONTHS, SEEDS = 48, 6
IDS = ("baseline", "rent-cut", "cash-benchmark")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a study of whole made runs."""
    plan = made_studies.plan_of(IDS, SEEDS, MONTHS, keep=("series", "presence", "costs"))
    return made_studies.write(
        tmp_path_factory.mktemp("made") / "study", plan, made_studies.Region(plan).tables
    )


@pytest.fixture(scope="module")
def found(folder):
    """Return its evaluation."""
    return evaluate(folder)


@functools.lru_cache(maxsize=4)
def rows_of(folder, table):
    """Return the rows of a table of a study as dictionaries, by scenario and seed."""
    out = {}
    for row in getattr(Store(folder), table)().to_pylist():
        out.setdefault((row["scenario"], row["seed"]), []).append(row)
    return out


def differences(folder, table, value):
    """Return value(rows with rent-cut) - value(rows without), seed by seed."""
    rows = rows_of(folder, table)
    return [value(rows["rent-cut", s]) - value(rows["baseline", s]) for s in range(1, SEEDS + 1)]


def test_effects_at_every_horizon_are_those_of_the_series(folder, found):
    assert found.horizons == (12, 36, 48)
    for horizon in found.horizons:
        for part in ("OPC", "EMB"):
            twin = differences(folder, "series", lambda rows, h=horizon, p=part: sum(
                row["startups"] for row in rows if row["month"] == h - 1 and row["segment"] == p))  # fmt: skip
            effect = found.policy("rent-cut").effect("startups_region", horizon, "segment", part)
            interval = stats.ttest_1samp(twin, 0.0).confidence_interval(0.95)
            assert (effect.mean, effect.low, effect.high) == pytest.approx((np.mean(twin), *interval))
            assert effect.same_sign == np.mean(np.sign(twin) == np.sign(np.mean(twin)))
        raised = differences(folder, "series", lambda rows, h=horizon: sum(
            row["capital_rmb"] - row["guided_rmb"] for row in rows if row["month"] < h))  # fmt: skip
        assert found.policy("rent-cut").effect("private_capital_rmb", horizon).mean == pytest.approx(
            np.mean(raised)
        )


def test_effects_by_stage_are_those_of_presence(folder, found):
    for stage in range(6):
        twin = differences(folder, "presence", lambda rows, k=stage: sum(
            row["step"] == 36 and row["stage"] == k and row["status"] == "active" for row in rows))  # fmt: skip
        assert found.policy("rent-cut").effect("startups_region", 36, "stage", str(stage)).mean == np.mean(
            twin
        )
        heads = differences(folder, "presence", lambda rows, k=stage: sum(
            row["rd_heads"] for row in rows
            if row["step"] == 36 and row["stage"] == k and row["status"] in ("active", "listed")))  # fmt: skip
        effect = found.policy("rent-cut").effect("rd_heads_region", 36, "stage", str(stage))
        assert effect.mean == pytest.approx(np.mean(heads))


def test_survival_without_late_entry_is_that_of_kaplan_and_meier():
    rng = np.random.default_rng(8)
    born, life = rng.integers(0, 60, 500), rng.integers(1, 90, 500)
    ended, failed = np.where(born + life <= 59, born + life, -1), rng.random(500) < 0.7
    seen = np.where(ended >= 0, ended, 59) - born
    watched = seen > 0  # the first age at which a startup can fail is one month
    died = (failed & (ended >= 0))[watched]
    theirs = stats.ecdf(stats.CensoredData(uncensored=seen[watched][died], right=seen[watched][~died])).sf
    for age in (1, 12, 36):
        assert survival(born, ended, failed, 0, 59, age) == pytest.approx(
            float(theirs.evaluate(age)), rel=1e-12
        )


def test_going_public_does_not_end_the_watching():
    rows = worlds.start_world().startups.whole()
    listed = rows["status"] == LISTED
    assert listed.any()
    assert (rows["ended"][listed] == NEVER).all()


def test_survival_counts_a_startup_only_at_the_ages_at_which_it_is_seen():
    # ages 1 and 2 are seen of the last two only, age 3 of all: one of two fails at 2, one of the three left at 3
    born, ended = np.array([-3, -3, 0, 0]), np.array([0, -1, 2, -1])
    failed = np.array([True, False, True, False])
    assert survival(born, ended, failed, 0, 6, 1) == 1.0
    assert survival(born, ended, failed, 0, 6, 2) == 0.5
    assert survival(born, ended, failed, 0, 6, 3) == pytest.approx(0.5 * 2 / 3)
    assert survival(born, ended, np.zeros(4, bool), 0, 6, 3) == 1.0  # other ends only end the watching
    assert survival(born, ended, failed, 0, 6, 12) is None  # nobody is seen so long


@pytest.mark.parametrize("metric", ["startups_region", "rd_heads_region"])
@pytest.mark.parametrize("margin", ["zone", "belt", "segment", "stage"])
def test_parts_of_a_margin_add_up_to_the_region(found, margin, metric):
    for policy in found.policies:
        for horizon in found.horizons:
            parts = [
                e.mean for e in policy.effects if (e.metric, e.horizon, e.margin) == (metric, horizon, margin)
            ]
            assert sum(parts) == pytest.approx(policy.effect(metric, horizon).mean)


def test_the_account_of_startups_adds_up_both_ways(found):
    account = found.policy("rent-cut").additionality
    assert account.displaced.mean > 0
    assert account.attracted.mean > 0
    assert account.gross.mean == pytest.approx(
        account.deadweight.mean + account.displaced.mean + account.attracted.mean
    )
    gains, losses = (
        account.attracted.mean + account.gained_elsewhere.mean,
        account.lost_treated.mean + account.lost_elsewhere.mean,
    )
    assert account.net.mean == pytest.approx(gains - losses)
    assert account.agrees
    assert account.appraised == pytest.approx(account.net.mean)
    assert sum(row.startups for row in account.displaced_from) == pytest.approx(account.displaced.mean)
    assert not {row.zone for row in account.displaced_from} & set(account.zones)


def test_cost_is_discounted_to_the_first_month(folder, found):
    rows = rows_of(folder, "costs")
    twin = [
        sum(
            row["cost_rmb"] / 1.05 ** (row["month"] / 12)
            for row in rows["rent-cut", seed]
            if row["month"] < 36
        )
        for seed in range(1, SEEDS + 1)
    ]
    cost = next(row for row in found.policy("rent-cut").costs if row.horizon == 36)
    assert cost.present_value_rmb.mean == pytest.approx(np.mean(twin))


def test_there_is_no_price_where_the_effect_may_be_nothing(found):
    for policy in found.policies:
        for cost in policy.costs:
            net = policy.effect("startups_region", cost.horizon)
            assert (cost.per_net_startup_rmb.mean is None) == (not net.resolved or net.low <= 0)
            if net.low <= 0:
                assert "reaches 0" in cost.per_net_startup_rmb.note


def test_there_is_no_price_beside_a_verb_that_is_not_resolved(tmp_path):
    rng, ids = np.random.default_rng(8), ("rent-cut", "vc-hub", "incubators-and-administration")
    tables = made_studies.noisy_outcomes(
        rng, dict(zip(ids, (2.6, 2.6, 12.0), strict=True)), dict.fromkeys(ids, 1e8)
    )
    folder = made_studies.write(tmp_path / "s", made_studies.plan_of(("baseline", *ids), 20), tables)
    found, kinds = evaluate(folder), set()
    for policy in found.policies:
        net, price = policy.effect("startups_region", 120), policy.costs[-1].per_net_startup_rmb
        assert (price.mean is not None) == (net.chip == "▲")
        if net.low > 0 and not net.resolved:
            assert price.note == net.note
            assert "tests" in price.note
        kinds.add((net.low > 0, net.resolved))
    assert {(True, True), (True, False)} <= kinds
    row = next(row for row in rows_of_report(found, 120) if row.result.id == "rent-cut")
    assert shown_price(row, "per_net_startup_rmb")[0].mean is None
    gone = made_studies.write(
        tmp_path / "t", made_studies.plan_of(("baseline", *ids), 20), tables, leave_out=[(ids[2], 3)]
    )
    assert evaluate(gone).policy(ids[2]).costs[-1].per_net_startup_rmb.note == "not all seeds are done"


def test_the_region_at_the_last_month_is_that_of_the_outcomes(folder):
    runs = read(Store(folder))
    levels = Levels(runs)
    for metric in (
        "startups_region",
        "rd_heads_region",
        "production_heads_region",
        "private_capital_rmb",
        "entries",
    ):
        np.testing.assert_allclose(levels.region(metric)[..., -1], levels._at_the_end(metric), rtol=1e-12)


def test_critical_mass_is_the_first_month_of_twenty_with_half_a_year_of_growth_without_subsidy(folder):
    reader = Reader(Store(folder))
    startups = np.zeros((1, MONTHS, len(reader.zones), 4))
    startups[0, :, 3, 1] = np.minimum(np.arange(MONTHS), 30)  # one more a month: twenty at index 20
    startups[0, :, 4, 0] = 25  # many, but no growth
    startups[0, :, 5, :] = 10 + np.arange(MONTHS)[:, None] / 10  # four segments of less than twenty
    startups[0, :, 6, 2] = 2 * np.arange(MONTHS)
    near = startups.copy()
    near[0, :, 6, 2] = 19  # many, but far from each other
    reader.count[:] = 1
    places = [[(0, 0, 0), (1, 0, 0)]]
    cut = reader.members[1].scenario
    spent = np.zeros((MONTHS, len(cut.policies)))
    reader._take_critical_mass(places, {"startups": startups, "startups_within_1km": near}, [spent])
    first = reader.sums["critical"][0, 0, 0]
    assert first[3] == 21
    assert np.isinf(np.delete(first, 3)).all()
    paid = list(reader.ids).index(cut.treated_zones[0])
    startups[0, :, paid, 1] = near[0, :, paid, 1] = np.arange(MONTHS)
    spent[:30] = 1.0
    reader.sums.clear()
    reader._take_critical_mass(places, {"startups": startups, "startups_within_1km": near}, [spent])
    assert reader.sums["critical"][0, 0, 0, paid] == 21
    assert reader.sums["critical"][1, 0, 0, paid] == 36  # half a year after the last payment


def test_critical_mass_of_a_design_is_counted_in_every_vector(tmp_path):
    points = tuple({"births.outside_pull": pull} for pull in (0.1, 0.2, 0.3, 0.4))
    plan = made_studies.plan_of(
        ("baseline", "north-space"), SEEDS, MONTHS, points, ("series", "presence", "costs")
    )
    region, zone = made_studies.Region(plan), made_studies.ZONES.index("wenquan")

    def tables(arm):
        found, rows = region.tables(arm), np.zeros((MONTHS, len(made_studies.ZONES), 4))
        if arm.point != 3:  # one more a month in three of four vectors
            rows[:, zone, 1] = np.arange(MONTHS)
        for name in ("startups", "startups_within_1km"):
            at = found["series"].column_names.index(name)
            found["series"] = found["series"].set_column(
                at, found["series"].schema.field(name), pa.array(rows.ravel())
            )
        return found

    runs = read(Store(made_studies.write(tmp_path / "s", plan, tables)))
    mass = {row.zone: row for row in afterwards.critical_mass(runs, runs.members[1])}
    assert mass["wenquan"].share.mean == pytest.approx(0.75)
    assert mass["wenquan"].months == 21
    assert mass["yongfeng"].share.mean == 0.0


def test_every_headline_effect_of_the_last_month_is_split_between_vectors_and_seeds(tmp_path):
    points = tuple({"births.outside_pull": pull} for pull in (0.1, 0.2, 0.3))
    plan = made_studies.plan_of(("baseline", "rent-cut"), SEEDS, 36, points, ("series", "presence", "costs"))
    policy = evaluate(made_studies.write(tmp_path / "s", plan, made_studies.Region(plan).tables)).policy(
        "rent-cut"
    )
    told = {metric: policy.effect(metric, 36).mean for metric in HEADLINE}
    assert {row.metric: row.mean for row in policy.decomposition} == pytest.approx(told)


def test_staying_is_counted_startup_by_startup(folder, tmp_path):
    plan = made_studies.plan_of(("baseline", "rent-cut"), SEEDS, 60, keep=("series", "presence", "costs"))
    short = plan.scenarios["rent-cut"]["content"]
    short["policies"][0] |= {"months": 4}
    made_studies.write(tmp_path / "s", plan, made_studies.Region(plan).tables)
    left = evaluate(tmp_path / "s").policy("rent-cut").persistence
    assert (left.from_step, left.to_step) == (12, 36)
    zones, still, there = set(evaluate(tmp_path / "s").policy("rent-cut").zones), 0, 0
    for (scenario, _seed), rows in rows_of(tmp_path / "s", "presence").items():
        if scenario == "rent-cut":
            at = {step: {r["uid"] for r in rows if r["step"] == step and r["status"] == "active" and r["zone"] in zones}
                  for step in (12, 36)}  # fmt: skip
            still, there = still + len(at[12] & at[36]), there + len(at[12])
    assert left.still_there.mean == pytest.approx(still / there)


def test_every_table_has_the_cash_benchmark_in_it(found):
    for horizon in found.horizons:
        for metric in HEADLINE[:4]:
            assert found.policy("cash-benchmark").effect(metric, horizon).mean is not None
    assert found.policies[-1].role == design.CASH_ROLE
    assert found.policy("rent-cut").against_cash is not None
    assert any("placebo" in note for note in found.notes)  # that it is missing


def test_a_lever_that_does_worse_than_cash_says_so(tmp_path):
    plan = made_studies.plan_of(IDS, 20)
    tables = made_studies.noisy_outcomes(np.random.default_rng(1), {"rent-cut": 20.0, "cash-benchmark": 100.0},
                                         {"rent-cut": 1e8, "cash-benchmark": 1e8})  # fmt: skip
    found = evaluate(made_studies.write(tmp_path / "s", plan, tables))
    policy = found.policy("rent-cut")
    assert policy.against_cash.verdict == "worse"
    assert "worse than cash" in policy.caution
    assert found.best.sure == "cash-benchmark"
    assert sum(found.best.probability) == pytest.approx(1.0)


def test_beside_cash_a_policy_that_costs_something_in_one_seed_only_has_no_interval(tmp_path):
    plan = made_studies.plan_of(IDS, 8)
    drawn = made_studies.noisy_outcomes(
        np.random.default_rng(3),
        effects={"rent-cut": 20.0, "cash-benchmark": 10.0},
        costs={"cash-benchmark": 1e8},
    )

    def tables(arm):
        row = drawn(arm)["outcomes"].to_pylist()[0]
        if (arm.scenario, arm.seed) == ("rent-cut", 2):
            row["public_cost_pv_rmb"] = row["public_cost_rmb"] = 5e6
        return {"outcomes": made_studies.outcomes_of(row)}

    beside = evaluate(made_studies.write(tmp_path / "s", plan, tables)).policy("rent-cut").against_cash
    assert (beside.verdict, beside.difference.low, beside.difference.high) == ("not resolved", None, None)
    assert beside.difference.note == "no interval: the denominator may be 0"


def test_a_bare_ranking_is_never_given(tmp_path):
    plan = made_studies.plan_of(("baseline", "rent-cut", "vc-hub"), 20)
    tables = made_studies.noisy_outcomes(np.random.default_rng(2), {"rent-cut": 50.0, "vc-hub": 50.0},
                                         {"rent-cut": 1e8, "vc-hub": 1e8})  # fmt: skip
    best = evaluate(made_studies.write(tmp_path / "s", plan, tables)).best
    assert best.sure is None
    assert "no policy is surely best" in best.sentence
    assert min(best.probability) > 0.05


def test_no_policy_is_surely_best_whose_own_effect_is_unresolved(tmp_path):
    plan = made_studies.plan_of(("baseline", "rent-cut", "vc-hub"), 20)
    tables = made_studies.noisy_outcomes(np.random.default_rng(5), {"rent-cut": 1.0, "vc-hub": -200.0},
                                         {"rent-cut": 1e8, "vc-hub": 1e8})  # fmt: skip
    best = evaluate(made_studies.write(tmp_path / "s", plan, tables)).best
    assert best.probability[0] > 0.99
    assert best.sure is None
    assert "not resolved that it adds any" in best.sentence


def test_policies_that_are_exactly_alike_are_not_ranked(tmp_path):
    plan = made_studies.plan_of(("baseline", "rent-cut", "vc-hub"), 6)

    def alike(arm):
        cost = 0.0 if arm.scenario == "baseline" else 1e8
        means = {name: mean for name, (mean, _sd) in made_studies.OUTCOMES.items()}
        means |= {"public_cost_pv_rmb": cost, "public_cost_rmb": cost}
        return {"outcomes": made_studies.outcomes_of(means)}

    best = evaluate(made_studies.write(tmp_path / "s", plan, alike)).best
    assert (best.sure, best.probability) == (None, (0.0, 0.0))
    assert "no policy yields more" in best.sentence


@pytest.mark.parametrize(
    ("values", "shares"),
    [
        ([[1.0, 1.0], [2.0, 1.0]], [0.5, 0.0]),
        ([[0.0, 0.0, 0.0]], [0, 0, 0]),
        ([[3.0, 1.0, 3.0], [0, 1, 2]], [0, 0, 0.5]),
    ],
)
def test_a_tie_counts_for_nobody(values, shares):
    np.testing.assert_array_equal(alone_first(np.array(values)), shares)


def test_a_policy_that_changes_nothing_is_exactly_zero_everywhere(tmp_path):
    plan = made_studies.plan_of(("baseline", "rent-cut"), 6)
    tables = made_studies.noisy_outcomes(np.random.default_rng(3))
    kept = {}
    made_studies.write(tmp_path / "s", plan, lambda arm: kept.setdefault(arm.seed, tables(arm)))
    policy = evaluate(tmp_path / "s").policy("rent-cut")
    assert {(e.mean, e.low, e.high) for e in policy.effects} == {(0.0, 0.0, 0.0)}
    assert {(e.bca_low, e.bca_high) for e in policy.effects if e.metric in HEADLINE} == {(0.0, 0.0)}
    assert "exactly 0 in every seed" in policy.sentence


def test_seeds_without_a_pair_are_left_out_and_named(tmp_path):
    plan = made_studies.plan_of(IDS, 8)
    tables = made_studies.noisy_outcomes(np.random.default_rng(4), {"rent-cut": 30.0})
    found = evaluate(
        made_studies.write(tmp_path / "s", plan, tables, leave_out={("rent-cut", 3), ("baseline", 5)})
    )
    policy = found.policy("rent-cut")
    assert policy.missing_seeds == (3, 5)
    assert {e.pairs for e in policy.effects} == {6}
    assert found.policy("cash-benchmark").missing_seeds == (5,)
    assert not found.complete
    assert policy.effect("startups_region", 120).verb == "provisional"  # no verb before all seeds are done


@pytest.mark.parametrize("price", ["nan", "inf", "-inf", "-5", "0"])
def test_a_price_that_no_policy_can_be_held_against_is_refused(tmp_path, price):
    answer = CliRunner().invoke(cli, ["evaluate", str(tmp_path), "--price", price])
    assert answer.exit_code == 2
    assert "--price" in answer.output


def test_a_study_without_any_pair_is_refused(tmp_path):
    plan = made_studies.plan_of(("baseline", "rent-cut"), 2)
    tables = made_studies.noisy_outcomes(np.random.default_rng(5))
    made_studies.write(tmp_path / "s", plan, tables, leave_out={("rent-cut", 1), ("baseline", 2)})
    with pytest.raises(EvaluationError, match="no seed is done both"):
        evaluate(tmp_path / "s")
    answer = CliRunner().invoke(cli, ["evaluate", str(tmp_path / "s")], standalone_mode=False)
    assert isinstance(answer.exception, SystemExit)
    assert answer.exception.code == 2


@pytest.mark.parametrize("command", [evaluate, write_report])
@pytest.mark.parametrize(
    ("holds", "hint"),
    [
        ((), "sim study run FILE --out DIR"),
        (("outcomes.parquet",), "holds one run"),
        (("b/plan.json", "a/plan.json", "outcomes.parquet"), "did you mean {folder}/a?"),
        (("parts/1-of-2/plan.json",), "sim study merge {folder}"),
    ],
)
def test_a_folder_without_a_study_says_what_it_holds_and_what_to_type(tmp_path, command, holds, hint):
    for name in holds:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    with pytest.raises(EvaluationError, match=re.escape(hint.format(folder=tmp_path))) as refused:
        command(tmp_path)
    assert refused.value.exit_code == 2
    assert not list(tmp_path.glob("report.html"))


def test_the_tree_survives_json(found, folder):
    save(found, folder)
    assert load(folder) == found
    again = json.loads((folder / "evaluation.json").read_text(encoding="utf-8"))
    assert Evaluation.from_dict(again) == found
    with pytest.raises(ValueError, match="format"):
        Evaluation.from_dict(again | {"format": 0})


def test_nothing_of_the_tree_can_be_changed(found):
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.policies[0].effects[0].mean = 0.0


def test_the_command_prints_text_and_json(folder):
    text = CliRunner().invoke(cli, ["evaluate", str(folder)], standalone_mode=False)
    for policy in ("rent-cut", "cash-benchmark"):
        assert policy in text.stdout
    answer = CliRunner().invoke(cli, ["evaluate", str(folder), "--json"], standalone_mode=False)
    assert Evaluation.from_dict(json.loads(answer.stdout)).policy("rent-cut").pairs == SEEDS


def test_every_policy_stands_in_the_tables_of_the_terminal(found):
    text = "\n".join(lines(found))
    for policy in found.policies:
        assert text.count(policy.id) >= 4


@pytest.mark.parametrize(
    ("months", "expected"), [(6, (6,)), (12, (12,)), (60, (12, 36, 60)), (130, (12, 36, 60, 120, 130))]
)
def test_horizons_end_with_the_runs(months, expected):
    assert horizons(months) == expected


def test_every_metric_says_what_it_is(found):
    for name in SOURCES:
        assert found.metrics[name].meaning, name
        assert found.metrics[name].unit, name


@pytest.mark.slow
def test_policies_without_effect_get_no_verb_of_change_in_95_of_100_studies(tmp_path):
    rng, wrong, covered = np.random.default_rng(6), 0, []
    plan = made_studies.plan_of(("baseline", "rent-cut", "vc-hub"), 10)
    studies = 300
    for i in range(studies):
        tables = made_studies.noisy_outcomes(rng, {"vc-hub": 12.0})
        found = evaluate(made_studies.write(tmp_path / str(i), plan, tables))
        nothing = [found.policy("rent-cut").effect(metric, 120) for metric in HEADLINE]
        wrong += any(e is not None and e.chip in "▲▼" for e in nothing)
        known = found.policy("vc-hub").effect("startups_region", 120)
        covered.append(known.low < 12.0 < known.high)
    assert wrong <= 0.05 * studies
    assert 0.93 - 0.0126 < np.mean(covered) < 0.97 + 0.0126  # one standard error of 300 studies
