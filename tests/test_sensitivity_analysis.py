"""Sensitivity: indices are those of functions whose indices are known, and every number of the model is looked at."""

import json

import numpy as np
import pytest

from sim.__main__ import cli
from sim.calibration import sensitivity
from sim.calibration.sensitivity import (
    EXACT,
    PAIR,
    Asked,
    Floor,
    Moved,
    Sensitivity,
    all_axes,
    analyse,
    gaps_of,
    morris,
    sobol,
    survivors,
)
from sim.designs import Axis
from sim.parameters import SECTIONS
from sim.scenario import Scenario
from sim.store import Failure

AXES = tuple(Axis(f"x{i}", low=0.0, high=1.0) for i in range(3))


def answering(function):
    """Return a stand-in for runs: outputs that are functions of the points and of the seeds, if they take those."""

    def outputs(_scenarios, _months, axes, points, seeds, _out, _workers):
        cube = np.array([[point.get(axis.key, 0.5) for axis in axes] for point in points]).reshape(
            len(points), -1
        )
        by_seed = {
            name: [f(cube, seed) if f.__code__.co_argcount > 1 else f(cube) for seed in seeds]
            for name, f in function.items()
        }
        return {name: np.stack(values, axis=1) for name, values in by_seed.items()}

    return outputs


def drawn(seed, sd):
    """Return luck of its own for each run: draws with so many standard deviations."""
    rng = np.random.default_rng(seed)
    return lambda x, _seed: rng.normal(0.0, sd, len(x))


def moved(key, output, strength, luck=0.0):
    return Moved(key, output, strength, 0.1, 0.0, luck)


def asked(trajectories=20, base=512):
    return Asked((), trajectories, base, 2, 12)


def test_elementary_effects_of_a_line_are_its_slopes(monkeypatch):
    monkeypatch.setattr(sensitivity, "outputs_of", answering({"y": lambda x: 3 * x[:, 0] - 2 * x[:, 1]}))
    found = {m.key: m for m in morris({}, asked(), AXES, None, 0)[0]}
    assert [found[f"x{i}"].strength for i in range(3)] == pytest.approx([3, 2, 0])
    assert all(m.other == pytest.approx(0, abs=1e-9) for m in found.values())


def test_a_product_has_effects_that_spread(monkeypatch):
    monkeypatch.setattr(sensitivity, "outputs_of", answering({"y": lambda x: x[:, 0] * x[:, 1]}))
    found = {m.key: m for m in morris({}, asked(), AXES, None, 0)[0]}
    assert found["x0"].other > 0.1
    assert found["x2"].strength == 0.0


def test_total_indices_are_those_of_a_function_whose_variance_is_known(monkeypatch):
    # Var(a x0) = a^2/12; the interaction x0 x1 has its own known part
    monkeypatch.setattr(sensitivity, "outputs_of", answering({"y": lambda x: 2 * x[:, 0] + x[:, 1]}))
    found = {m.key: m for m in sobol({}, asked(base=1024), AXES, None, 0)[0]}
    assert [found[f"x{i}"].strength for i in range(3)] == pytest.approx([0.8, 0.2, 0.0], abs=0.03)
    assert [found[f"x{i}"].other for i in range(3)] == pytest.approx([0.8, 0.2, 0.0], abs=0.05)
    assert all(
        abs(m.strength - truth) <= m.half + 0.02
        for m, truth in zip(found.values(), (0.8, 0.2, 0.0), strict=True)
    )


def test_total_indices_of_an_interaction_sum_to_more_than_one(monkeypatch):
    centred = lambda x: (x[:, 0] - 0.5) * (x[:, 1] - 0.5)  # noqa: E731
    monkeypatch.setattr(sensitivity, "outputs_of", answering({"y": centred}))
    found = {m.key: m for m in sobol({}, asked(base=1024), AXES, None, 0)[0]}
    assert found["x0"].strength == pytest.approx(1.0, abs=0.05)
    assert found["x1"].strength == pytest.approx(1.0, abs=0.05)
    assert found["x0"].other == pytest.approx(0.0, abs=0.1)


def test_an_output_that_never_moves_has_no_indices(monkeypatch):
    monkeypatch.setattr(sensitivity, "outputs_of", answering({"y": lambda x: np.zeros(len(x))}))
    assert sobol({}, asked(), AXES, None, 0) == ([], {})


def test_only_what_is_beyond_luck_goes_on_and_nothing_fills_up():
    beyond = [moved("loud", "y", 10.0), moved("quiet", "y", 2.0), moved("other", "z", 5.0)]
    assert survivors(beyond, 2) == ["loud", "other"]
    assert survivors(beyond, 9) == ["loud", "other", "quiet"]
    assert survivors([], 2) == []


def screened_by_luck(rng, matters, trajectories=4):
    """Return a screening of 200 parameters whose luck has heavy tails and sizes of its own; the first so many matter."""
    sizes = rng.lognormal(0.0, 0.7, 200)
    effects = sizes * rng.standard_t(3, (2, trajectories, 200)) + 15.0 * (np.arange(200) < matters)
    strength, luck = (
        np.abs(effects.mean(axis=0)).mean(axis=0),
        np.abs(np.diff(effects, axis=0)[0] / 2).mean(axis=0),
    )
    return [moved(f"x{i:03d}", "y", float(strength[i]), float(luck[i])) for i in range(200)]


def test_where_nothing_but_luck_moves_outputs_nothing_is_called_beyond_it():
    rng = np.random.default_rng(1)
    found = [Floor.of(screened_by_luck(rng, 0)).beyond for _ in range(100)]
    assert np.mean(np.array(found) > 0) <= 0.1


def test_a_tenth_of_what_is_called_beyond_luck_is_there_by_chance_and_most_that_matters_is_found():
    rng, false, right = np.random.default_rng(2), [], []
    for _ in range(100):
        screened = screened_by_luck(rng, 30)
        floor = Floor.of(screened)
        called = [m.key < "x030" for m in screened if floor.passed(m)]
        assert len(called) == floor.beyond
        false.append(1 - np.mean(called) if called else 0.0)
        right.append(np.sum(called) / 30)
    assert np.mean(false) <= 0.11  # a tenth, and what 100 draws leave open
    assert np.mean(right) > 0.7


def test_luck_is_measured_beside_what_a_parameter_does(monkeypatch):
    # luck of normal draws: half a difference of two seeds has half the variance of one run, over a step of 2/3
    axes = tuple(Axis(f"x{i}", low=0.0, high=1.0) for i in range(100))
    noise = drawn(1, 3.0)
    monkeypatch.setattr(sensitivity, "outputs_of", answering({"y": lambda x, s: 100 * x[:, 0] + noise(x, s)}))
    screened = morris({}, asked(), axes, None, 0)[0]
    expected = 3.0 * np.sqrt(2 / np.pi) / (2 / 3)
    assert np.mean([m.luck for m in screened]) == pytest.approx(expected, rel=0.05)
    assert np.mean([m.strength for m in screened[1:]]) == pytest.approx(expected, rel=0.05)


def test_what_a_seed_does_to_all_points_alike_is_no_luck_of_a_parameter(monkeypatch):
    monkeypatch.setattr(sensitivity, "outputs_of", answering({"y": lambda x, seed: x[:, 0] + 50 * seed}))
    assert [m.luck for m in morris({}, asked(), AXES, None, 0)[0]] == pytest.approx([0.0] * 3, abs=1e-12)
    assert [m.luck for m in sobol({}, asked(), AXES, None, 0)[0]] == pytest.approx([0.0] * 3, abs=1e-12)


def test_total_indices_of_what_only_changes_luck_are_the_share_of_luck(monkeypatch):
    noise = drawn(1, 0.5)
    monkeypatch.setattr(sensitivity, "outputs_of", answering({"y": lambda x, s: 3 * x[:, 0] + noise(x, s)}))
    indices = sobol({}, asked(base=1024), AXES, None, 0)[0]
    found = Sensitivity([], indices, {"y": 0.5}, {"y": 0.0}, {}, asked())
    variance = 9 / 12 + 0.25 / 2
    assert [m.strength for m in indices if m.key != "x0"] == pytest.approx([0.125 / variance] * 2, rel=0.15)
    assert [m.luck for m in indices] == pytest.approx([0.125 / variance] * 3, rel=0.15)
    assert found.luck_share["y"] == max(m.luck for m in indices)


def test_what_moves_nothing_beyond_luck_is_called_so():
    found = Sensitivity([moved("a", "y", 1.0, 0.9)], [], {"y": 1.0}, {"y": 10.0}, {}, asked())
    assert found.rows()[1][-1] == "nothing beyond luck"
    assert "no total indices" in found.lines()[-1]
    assert found.to_dict()["morris"][0]["beyond"] is False


def test_ten_pairs_are_beyond_luck_or_none_is():
    assert Floor.of([moved(f"x{i}", "y", 1.0) for i in range(9)]).beyond == 0
    assert Floor.of([moved(f"x{i}", "y", 1.0) for i in range(10)]).beyond == 10
    # what is beyond luck is named though more that is not moves the output more
    loud = [moved(f"loud{i}", "y", 20.0, 20.0) for i in range(9)]
    quiet = Sensitivity(
        loud + [moved(f"x{i}", "y", 1.0) for i in range(10)], [], {"y": 1.0}, {"y": 0.0}, {}, asked()
    )
    assert quiet.rows()[1][-1].startswith("x0 1, x1 1")
    against = [moved("against", "y", 0.0, 1.0)]
    assert Floor.of([moved(f"x{i}", "y", 1.0) for i in range(19)] + against).beyond == 0
    floor = Floor.of([moved(f"x{i}", "y", 1.0) for i in range(20)] + against)
    assert (floor.beyond, floor.by_chance) == (20, 1)


def test_the_unit_of_an_output_does_not_decide_what_is_beyond_luck():
    rng = np.random.default_rng(3)
    one = [
        moved(f"x{i}", "y", float(s), float(n)) for i, (s, n) in enumerate(rng.exponential((3, 1), (60, 2)))
    ]
    other = [moved(m.key, "z", 1e9 * m.strength, 1e9 * m.luck) for m in one]
    floor = Floor.of(one + other)
    assert floor.beyond > 0
    assert [floor.passed(m) for m in one] == [floor.passed(m) for m in other]


def test_an_output_without_a_value_somewhere_is_left_out_by_name(monkeypatch):
    def holed(x):
        return np.where(np.arange(len(x)) == 3, np.nan, 5 * x[:, 0] + x[:, 1])

    runs = answering({"y": lambda x: 5 * x[:, 0] + x[:, 1], "holed": holed})
    monkeypatch.setattr(sensitivity, "outputs_of", runs)
    for found, missing in (morris({}, asked(), AXES, None, 0), sobol({}, asked(), AXES, None, 0)):
        assert {m.output for m in found} == {"y"}
        assert missing == {"holed": len(PAIR)}
    assert gaps_of({"y": np.zeros((2, 2))}) == {}


def test_an_analysis_says_what_it_leaves_out(monkeypatch, tmp_path):
    axes = tuple(Axis(f"x{i:02d}", low=0.0, high=1.0) for i in range(12))
    runs = answering(
        {"y": lambda x: x.sum(axis=1), "holed": lambda x: np.where(x[:, :1].sum(axis=1) > 0.9, np.nan, 1.0)}
    )
    monkeypatch.setattr(sensitivity, "outputs_of", runs)
    monkeypatch.setattr(sensitivity, "all_axes", lambda _scenario: axes)
    found = analyse(Asked((), 4, 16, 3, 12), tmp_path, 0)
    assert list(found.noise) == ["y"]
    assert found.missing["holed"] > 0
    assert {m.output for m in found.screened + found.indices} == {"y"}
    assert len({m.key for m in found.indices}) == 3
    assert any("Left out" in line and "holed" in line for line in found.lines())


@pytest.mark.parametrize(
    ("base", "nearest"),
    [("1", "16"), ("3", "16"), ("15", "16"), ("17", "16"), ("48", "32"), ("100", "128"), ("65535", "65536")],
)
def test_a_base_of_sobol_that_is_no_power_of_two_is_refused_with_the_nearest(base, nearest, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["sensitivity", "--sobol", base])
    assert ended.value.code == 2
    assert f"the nearest is {nearest}" in " ".join(capsys.readouterr().err.split())


def test_a_failed_run_ends_with_one_and_names_the_point_and_why(monkeypatch, tmp_path, capsys):
    failure = Failure("r", "baseline", 2, "boom", point=7)
    monkeypatch.setattr(sensitivity, "run_study", lambda _study, _out, _workers: [failure])
    with pytest.raises(SystemExit) as ended:
        cli.main(["sensitivity", "--out", str(tmp_path / "s")])
    said = capsys.readouterr().err
    assert ended.value.code == 1
    assert "point 7 of baseline with seed 2: boom" in said
    assert "sim study rerun" in said
    assert "--point 7" in said


def test_every_number_with_a_plausible_range_is_looked_at():
    scenario = Scenario.load("baseline")
    looked_at = {axis.key for axis in all_axes(scenario)}
    numbers = {
        f"{section}.{name}"
        for section, kind in SECTIONS.items()
        for name, field in kind.model_fields.items()
        if isinstance(getattr(getattr(scenario, section), name), int | float)
        and not isinstance(getattr(getattr(scenario, section), name), bool)
    }
    left_out = {key.split(".")[1] for key in numbers - looked_at - set(EXACT)}
    assert left_out == {"revision_rate_per_month", "window_months", "first_window_months"}
    assert {"finance.round_probability", "operations.revenue_share"} <= looked_at  # tables, by a factor


def test_tables_name_what_moves_an_output_most_first():
    screened = [moved(f"x{i:02d}", "y", 1.0 + i, 0.01) for i in range(12)]
    index = Moved("x11", "y", 0.9, 0.05, 0.8, 0.01)
    found = Sensitivity(screened, [index], {"y": 0.3}, {"y": 10.0}, {}, asked())
    assert found.rows()[1][-1] == "x11 12, x10 11, x09 10, x08 9, x07 8, x06 7"
    assert "0.90 ± 0.05" in "\n".join(found.lines())
    assert found.index_rows()[-1][1] == "0.01"
    said = json.loads(json.dumps(found.to_dict()))
    assert said["noise"] == {"y": 0.3}
    assert [m["beyond"] for m in said["morris"]] == [True] * 12


def test_the_picture_is_pale_where_the_table_is_silent(monkeypatch, tmp_path):
    from matplotlib.figure import Figure

    from sim.calibration import pictures

    screened = [moved(f"x{i:02d}", "y", 10.0 + i, 0.5) for i in range(12)] + [moved("idle", "z", 3.0, 2.9)]
    found = Sensitivity(screened, [], {"y": 1.0, "z": 1.0}, {"y": 10.0, "z": 1.0}, {}, asked())
    kept = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, *_args, **_options: kept.append(figure))
    pictures.draw_screening(tmp_path / "p.png", found)
    (figure,) = kept
    for axes, row in zip(figure.axes, found.rows()[1:], strict=True):
        labels = [label.get_text() for label in axes.get_yticklabels()]
        strokes = [line.get_xdata()[0] for line in axes.lines]
        bars = dict(zip(labels, axes.patches, strict=True))
        full = [key for key, bar in bars.items() if bar.get_alpha() == 1.0]
        assert [
            key for key, stroke in zip(labels, strokes, strict=True) if bars[key].get_width() >= stroke
        ] == full
        named = [part.split()[0] for part in row[-1].split(", ")] if row[-1] != "nothing beyond luck" else []
        assert full[: len(named)] == named
        assert bool(full) == bool(named)
