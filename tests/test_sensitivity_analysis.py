"""Sensitivity: indices are those of functions whose indices are known, and every number of the model is looked at."""

import numpy as np
import pytest

from sim.calibration import sensitivity
from sim.calibration.sensitivity import (
    EXACT,
    Asked,
    Moved,
    Sensitivity,
    all_axes,
    luck,
    morris,
    sobol,
    survivors,
)
from sim.designs import Axis
from sim.parameters import SECTIONS
from sim.scenario import Scenario

AXES = tuple(Axis(f"x{i}", low=0.0, high=1.0) for i in range(3))


def answering(function):
    """Return a stand-in for runs: outputs that are functions of the points."""

    def outputs(_scenarios, _months, axes, points, _seeds, _out, _workers):
        cube = np.array([[point[axis.key] for axis in axes] for point in points])
        return {name: f(cube) for name, f in function.items()}

    return outputs


def asked(trajectories=20, base=512):
    return Asked((), trajectories, base, 2, 12)


def test_elementary_effects_of_a_line_are_its_slopes(monkeypatch):
    monkeypatch.setattr(sensitivity, "outputs_of", answering({"y": lambda x: 3 * x[:, 0] - 2 * x[:, 1]}))
    found = {m.key: m for m in morris({}, asked(), AXES, None, 0)}
    assert [found[f"x{i}"].strength for i in range(3)] == pytest.approx([3, 2, 0])
    assert all(m.other == pytest.approx(0, abs=1e-9) for m in found.values())


def test_a_product_has_effects_that_spread(monkeypatch):
    monkeypatch.setattr(sensitivity, "outputs_of", answering({"y": lambda x: x[:, 0] * x[:, 1]}))
    found = {m.key: m for m in morris({}, asked(), AXES, None, 0)}
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
    assert sobol({}, asked(), AXES, None, 0) == ([], {"y": 0.0})


def test_what_moves_less_than_the_noise_does_not_go_on():
    screened = [Moved("loud", "y", 10.0, 1.0, 0.0), Moved("quiet", "y", 0.9, 0.1, 0.0), Moved("quiet", "z", 0.2, 0.1, 0.0),
                Moved("loud", "z", 0.1, 0.1, 0.0), Moved("other", "z", 5.0, 0.1, 0.0)]  # fmt: skip
    assert survivors(screened, {"y": 1.0, "z": 1.0}, 2) == ["loud", "other"]
    assert survivors(screened, {"y": 0.5, "z": 0.1}, 3)[2] == "quiet"


def test_luck_alone_exceeds_the_floor_of_the_screening_once_in_a_hundred(monkeypatch):
    # runs whose outputs are nothing but luck: the floor is where it should be, for few trajectories and many
    axes = tuple(Axis(f"x{i}", low=0.0, high=1.0) for i in range(400))
    for trajectories in (4, 20):
        rng = np.random.default_rng(trajectories)
        monkeypatch.setattr(
            sensitivity, "outputs_of", answering({"y": lambda x, rng=rng: rng.normal(0.0, 3.0, len(x))})
        )
        screened = morris({}, asked(trajectories), axes, None, 0)
        above = np.mean([m.strength > luck(3.0, trajectories) for m in screened])
        assert above == pytest.approx(0.01, abs=0.02)
        assert np.mean([m.strength for m in screened]) == pytest.approx(
            2 * 3.0 / np.sqrt(np.pi) * 1.5, rel=0.05
        )


def test_total_indices_of_what_only_changes_luck_are_the_share_of_luck(monkeypatch):
    rng = np.random.default_rng(1)
    monkeypatch.setattr(
        sensitivity, "outputs_of", answering({"y": lambda x: 3 * x[:, 0] + rng.normal(0.0, 0.5, len(x))})
    )
    indices, spread = sobol({}, asked(base=1024), AXES, None, 0)
    found = Sensitivity([], indices, {"y": 0.5}, {"y": 0.0}, spread, asked())
    idle = [m.strength for m in indices if m.key != "x0"]
    assert idle == pytest.approx([found.luck_share["y"]] * 2, rel=0.15)


def test_what_moves_nothing_beyond_luck_is_called_so():
    found = Sensitivity([Moved("a", "y", 1.0, 0.1, 0.0)], [], {"y": 1.0}, {"y": 10.0}, {}, asked())
    assert found.rows()[1][-1] == "nothing beyond luck"


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
    screened = [Moved("a", "y", 1.0, 0.1, 0.0), Moved("b", "y", 3.0, 0.1, 0.0)]
    found = Sensitivity(
        screened, [Moved("b", "y", 0.9, 0.05, 0.8)], {"y": 0.3}, {"y": 10.0}, {"y": 3.0}, asked()
    )
    assert found.rows()[1][-1] == "b 3, a 1"
    assert "0.90 ± 0.05" in "\n".join(found.lines())
    assert found.index_rows()[-1][1] == "0.01"
    assert found.to_dict()["noise"] == {"y": 0.3}
