"""Startups as views and columns, sets that hold their members, universities and funds that own their tables."""

import copy
import gc

import mesa
import numpy as np
import pytest
from mesa.agentset import AgentSet

from sim.agents import VC, Members, Startup, University, weigh_access
from sim.ledger import ACTIVE
from sim.model import ClusterModel
from sim.startups import ATTRIBUTES

BOOK = ("uncalled", "purse", "invested", "returned")


@pytest.fixture
def model():
    built = ClusterModel.from_scenario("baseline", seed=1)
    built.step()
    return built


@pytest.fixture(scope="module")
def seen():
    """Return a model of some months; nobody may write it."""
    built = ClusterModel.from_scenario("baseline", seed=1)
    built.run(6)
    return built


def twins(seed=1):
    return [ClusterModel.from_scenario("baseline", seed=seed) for _ in range(2)]


# Views


def test_the_model_holds_universities_funds_and_startups(seen):
    by_type = {kind.__name__: len(agents) for kind, agents in seen.agents_by_type.items()}
    active = int((seen.world.startups["status"] == ACTIVE).sum())
    assert by_type == {"University": 14, "VC": 48, "Startup": active}
    assert len(seen.agents) == 14 + 48 + active == len(list(seen.agents))
    assert set(seen.agent_types) == {University, VC, Startup}


def test_a_view_reads_its_row(model):
    row = np.flatnonzero(model.world.startups["status"] == ACTIVE)[10]
    view = next(s for s in model.startups if s.unique_id == int(model.world.startups["uid"][row]))
    assert view.heads == model.world.startups["heads"][row]
    model.world.startups["heads"][row] += 1
    assert view.heads == model.world.startups["heads"][row]


def test_a_view_follows_its_startup_when_rows_change_place(model):
    view = model.startups.to_list()[7]
    heads = view.heads
    model.world.startups.replace(model.world.startups.whole()[::-1].copy())
    assert view.heads == heads


def test_a_view_of_a_startup_that_has_gone_raises(model):
    view = model.startups.to_list()[0]
    rows = model.world.startups.whole()
    model.world.startups.replace(rows[rows["uid"] != view.unique_id])
    with pytest.raises(LookupError, match="has left the model"):
        _ = view.heads
    assert view not in model.startups


def test_a_view_of_a_startup_that_ended_says_so_to_the_end_of_the_month_and_then_raises(model):
    views = model.startups.to_list()
    for _ in range(6):
        model.step()
    former = [view for view in views if view.unique_id not in set(model.startups.columns.unique_id.tolist())]
    ended = [view for view in former if view.unique_id in model.world.startups["uid"].tolist()]
    assert 0 < len(ended) < len(former)
    for view in former:
        if view in ended:
            assert view.status not in ("active", "waiting")
        else:
            with pytest.raises(LookupError, match="has left the model"):
                _ = view.status
        assert view not in model.startups


def test_two_views_of_one_startup_are_equal_and_of_two_models_are_not(model):
    assert model.startups.to_list()[3] == model.startups.to_list()[3]
    assert len({model.startups.to_list()[3], model.startups.to_list()[3]}) == 1
    other = ClusterModel.from_scenario("baseline", seed=1)
    other.step()
    assert model.startups.to_list()[3] != other.startups.to_list()[3]
    assert model.startups.to_list()[3] not in other.startups


def test_attributes_are_plain_python_values(seen):
    view = seen.startups.to_list()[0]
    for name in ATTRIBUTES:
        assert type(getattr(view, name)) in (int, float, str), name


def test_nothing_can_be_set_on_a_view(seen):
    view = seen.startups.to_list()[0]
    for name in ("heads", "visited"):
        with pytest.raises(AttributeError, match="nothing can be set on a startup"):
            setattr(view, name, 1.0)
    with pytest.raises(AttributeError):
        seen.startups.set("visited", True)


def test_a_startup_is_drawn_inside_its_cell_and_where_it_was_the_month_before(model):
    before = {view.unique_id: (view.pos, view.x, view.y) for view in model.startups}
    for pos, x, y in before.values():
        assert max(abs(x - pos[0]), abs(y - pos[1])) < 0.5
    model.step()
    after = {view.unique_id: (view.pos, view.x, view.y) for view in model.startups}
    stayed = [uid for uid in before.keys() & after.keys() if before[uid][0] == after[uid][0]]
    assert len(stayed) > 1000
    assert all(before[uid] == after[uid] for uid in stayed)
    inside = np.array([(x - pos[0], y - pos[1]) for pos, x, y in before.values()])
    assert len(np.unique(inside, axis=0)) > 0.99 * len(before)
    assert abs(np.corrcoef(inside.T)[0, 1]) < 4 / np.sqrt(len(before))
    np.testing.assert_allclose(inside.mean(axis=0), 0.0, atol=0.05)


@pytest.mark.parametrize("act", ["step", "remove"])
def test_startups_cannot_be_stepped_or_removed_one_by_one(seen, act):
    with pytest.raises(TypeError):
        getattr(seen.startups.to_list()[0], act)()
    for agents in (seen.startups, seen.agents):
        with pytest.raises(TypeError):
            agents.shuffle_do(act)
        with pytest.raises(TypeError):
            agents.do(act)


# Columns


def test_columns_hold_what_the_views_say(seen):
    columns, views = seen.startups.columns, seen.startups.to_list()
    assert columns.unique_id.tolist() == [view.unique_id for view in views]
    for name in ATTRIBUTES:
        assert getattr(columns, name).tolist() == [getattr(view, name) for view in views], name


def test_a_column_that_startups_have_not_is_refused_with_the_nearest(seen):
    with pytest.raises(AttributeError, match="no column 'headz'; did you mean \"heads\""):
        _ = seen.startups.columns.headz


def test_get_by_columns_is_get_by_views(seen):
    views = Members(seen.startups)
    for names in ("heads", ["segment", "cash"], [], ["heads", "pos"]):
        assert seen.startups.get(names) == views.get(names)
    assert seen.startups.get("none", "default", 7) == [7] * len(views)
    assert seen.startups.agg("heads", [min, max]) == views.agg("heads", [min, max])
    with pytest.raises(AttributeError):
        seen.startups.get("none")


# Sets


def test_a_selection_holds_its_members_where_mesas_own_set_is_empty(seen):
    chosen = seen.agents.select(lambda a: isinstance(a, Startup) and a.segment == "MODEL")
    weak = AgentSet(seen.startups, seen.random)
    gc.collect(0)
    assert isinstance(chosen, Members)
    assert len(weak) == 0 < len(chosen) == len(chosen.to_list()) < len(seen.startups)
    assert chosen.agg("heads", np.mean) > 1


def test_select_takes_types_numbers_and_shares(seen):
    assert len(seen.agents.select(agent_type=VC)) == 48
    assert len(seen.startups.select(at_most=5)) == 5
    assert len(seen.startups.select(at_most=0.5)) == len(seen.startups) // 2
    assert seen.startups.select().to_list() == seen.startups.to_list()


def test_groups_hold_their_members(seen):
    groups = seen.startups.groupby("segment")
    assert set(groups.map(len)) == {"OPC", "APP", "MODEL", "EMB"}
    assert sum(groups.map(len).values()) == len(seen.startups)
    means = groups.map("agg", "heads", np.mean)
    assert means["OPC"] < means["APP"] < means["MODEL"]
    kinds = seen.agents.groupby(type, result_type="list").map(len)
    assert kinds[University] == 14


def test_sets_sort_shuffle_copy_and_index_as_mesas_do(seen):
    state = seen.random.getstate()
    heads = seen.startups.sort("heads").get("heads")
    assert heads == sorted(heads, reverse=True)
    assert seen.startups.sort(lambda a: a.cash, ascending=True)[0].cash == min(seen.startups.get("cash"))
    shuffled = seen.startups.shuffle()
    assert shuffled.to_list() != seen.startups.to_list()
    assert set(shuffled) == set(seen.startups)
    assert copy.copy(shuffled).to_list() == shuffled.copy().to_list() == shuffled.to_list()
    assert seen.agents[0].unique_id == 1
    seen.random.setstate(state)


def test_sets_join_meet_and_differ(seen):
    large = seen.startups.select(lambda a: a.heads > 20)
    assert set(seen.startups & large) == set(large)
    assert len(seen.startups - large) == len(seen.startups) - len(large)
    registered = seen.agents - seen.startups
    assert registered.agg("unique_id", max) == len(registered) == 14 + 48
    assert len(registered | large) == len(registered) + len(large)
    assert registered.random is seen.random


def test_map_asks_each_member(seen):
    assert seen.agents.map(lambda a: a.unique_id) == [a.unique_id for a in seen.agents]
    doubled = []
    seen.startups.do(lambda a: doubled.append(2 * a.heads))
    assert doubled == [2 * heads for heads in seen.startups.get("heads")]


def test_the_sets_of_the_model_cannot_be_changed_but_copies_can(seen):
    view = seen.startups.to_list()[0]
    for agents in (seen.agents, seen.startups):
        for act in ("add", "discard", "remove"):
            with pytest.raises(TypeError, match="changes by births and ends only"):
                getattr(agents, act)(view)
        with pytest.raises(TypeError):
            agents.select(lambda a: True, inplace=True)
        own = agents.copy()
        own.remove(view)
        assert len(own) == len(agents) - 1
    with pytest.raises(AttributeError):
        seen.agents = []


def test_an_agent_registered_by_the_user_is_one_of_the_agents(model):
    class Minister(mesa.Agent):
        pass

    minister = Minister(model)
    assert minister in model.agents
    assert model.agents_by_type[Minister].to_list() == [minister]
    assert Minister in model.agent_types
    minister.remove()
    assert minister not in model.agents


# Universities


def test_a_university_owns_its_spinoffs_and_what_is_set_counts():
    model, twin = twins()
    for university in model.agents_by_type[University]:
        university.spinoffs_per_year = 0.0
    entries = [m.run(12).measures()["entries"][1] for m in (model, twin)]
    assert entries[0] < 0.7 * entries[1]
    university = max(twin.agents_by_type[University], key=lambda u: len(u.spinoffs))
    assert sum(university.spinoffs_by_segment.values()) == len(university.spinoffs) > 0
    uid = int(twin.world.nodes["uid"][university._position])
    assert {startup.parent for startup in university.spinoffs} == {uid}


def test_graduates_draw_startups_near_from_the_next_month_on():
    model, twin = twins()
    university = model.agents_by_type[University].to_list()[0]
    university.graduates_per_year *= 100
    assert university.graduates_per_year == 100 * twin.world.nodes["graduates_per_year"][0]
    gain = model.world.log_talent - twin.world.log_talent
    grid = model.world.grid
    near = np.hypot(grid.x - grid.node_x[0], grid.y - grid.node_y[0]) < 1
    assert gain[near].min() > 0 > gain.min()
    for built in (model, twin):
        built.step()
    assert (model.world.attraction[:, :, near] > twin.world.attraction[:, :, near]).all()
    assert (model.world.attraction[:, :, gain < -0.1] < twin.world.attraction[:, :, gain < -0.1]).all()


def test_setting_what_stands_changes_no_bit_also_after_new_space_has_opened():
    model, twin = (ClusterModel.from_scenario("north-space", seed=1) for _ in range(2))
    for built in (model, twin):
        built.run(13)
    for university in model.agents_by_type[University]:
        university.graduates_per_year, university.spinoffs_per_year = (
            university.graduates_per_year,
            university.spinoffs_per_year,
        )
    for fund in model.agents_by_type[VC]:
        fund.capital, fund.focus, fund.rounds, fund.zone = fund.capital, fund.focus, fund.rounds, fund.zone
    assert model.run(5).digest == twin.run(5).digest


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_a_number_below_zero_or_no_number_is_refused(model, value):
    university, fund = (model.agents_by_type[kind].to_list()[0] for kind in (University, VC))
    for agent, name in ((university, "graduates_per_year"), (university, "spinoffs_per_year"),
                        (fund, "capital"), (fund, "pace")):  # fmt: skip
        before = getattr(agent, name)
        with pytest.raises(ValueError, match=f"{name}: must be a number of 0 or more"):
            setattr(agent, name, value)
        assert getattr(agent, name) == before


def test_somebody_must_have_graduates(model):
    first, *others = model.agents_by_type[University]
    for university in others:
        university.graduates_per_year = 0.0
    assert np.isfinite(model.world.log_talent).all()
    with pytest.raises(ValueError, match="somebody in the region must have graduates"):
        first.graduates_per_year = 0.0


def test_universities_and_funds_stand_on_the_map_and_cannot_be_moved_or_removed(seen):
    width, height = seen.world.grid.shape
    for agent in [*seen.agents_by_type[University], *seen.agents_by_type[VC]]:
        column, row = agent.pos
        assert 0 <= column < width
        assert 0 <= row < height
        assert max(abs(agent.x - column), abs(agent.y - row)) <= 0.5
        with pytest.raises(TypeError):
            agent.pos = (0, 0)
        with pytest.raises(TypeError, match="is part of its world"):
            agent.remove()


# Funds


def test_taking_one_funds_money_changes_who_is_funded():
    model, twin = twins()
    largest = max(model.agents_by_type[VC], key=lambda fund: fund.capital)
    largest.capital = 0.0
    without, usual = model.run(6), twin.run(6)
    position = largest._position
    assert not (model.world.deals.rows["lead"] == position).any()
    assert (twin.world.deals.rows["lead"] == position).any()
    assert without.digest != usual.digest


def test_capital_set_is_capital_held_and_the_books_of_the_fund_balance():
    model = ClusterModel.from_scenario("baseline", seed=1)
    model.run(6)
    fund = model.agents_by_type[VC].to_list()[3]
    for wanted in (3e9, 0.0, 1e9, 2.5e9):
        fund.capital = wanted
        assert fund.capital == pytest.approx(wanted, rel=1e-12)
        assert fund.pace == pytest.approx(wanted / model.parameters.values.finance.period_months)
        row = fund._row
        gap = row["committed"] - sum(row[name] for name in BOOK) + row["recycled"]
        assert abs(gap) < 1e-9 * max(row["committed"], 1.0)
    assert fund._row["uncalled"] > 0
    fund.pace = 5e7
    assert fund.pace == pytest.approx(5e7)
    before = fund._row["uncalled"]
    model.step()
    called = before - fund._row["uncalled"]
    assert called == pytest.approx(5e7 / 1e4, abs=1e-5)


def test_a_fund_invests_in_its_focus_and_rounds_as_set():
    model = ClusterModel.from_scenario("baseline", seed=1)
    for fund in model.agents_by_type[VC]:
        fund.focus, fund.rounds = ("EMB", "APP"), ("A", "seed", "B")
    fund = model.agents_by_type[VC].to_list()[0]
    assert fund.focus == ("APP", "EMB")
    assert fund.rounds == ("seed", "A", "B")
    model.run(12)
    deals = model.world.deals.rows
    assert set(deals["segment"].tolist()) == {1, 3}
    assert set(deals["stage"].tolist()) == {0, 1, 2}


def test_a_fund_that_moves_takes_the_nearness_of_capital_along():
    model, twin = twins()
    fund = max(model.agents_by_type[VC], key=lambda fund: fund.capital)
    target = model.world.grid.tables.zones[-1].id
    assert fund.zone != target
    fund.zone = target
    assert fund.zone == target
    own = model.world.grid.zone == len(model.world.grid.tables.zones) - 1
    assert (model.world.log_capital[own] > twin.world.log_capital[own]).all()
    assert model.run(6).digest != twin.run(6).digest


def test_words_that_do_not_exist_are_refused_with_the_nearest(model):
    fund = model.agents_by_type[VC].to_list()[0]
    before = fund.focus, fund.rounds, fund.zone
    with pytest.raises(ValueError, match="no segment 'MODELS'; did you mean \"MODEL\""):
        fund.focus = ["APP", "MODELS"]
    with pytest.raises(ValueError, match="no round 'pre-seed'"):
        fund.rounds = ["pre-seed"]
    with pytest.raises(ValueError, match="must follow one another"):
        fund.rounds = ["seed", "B"]
    with pytest.raises(ValueError, match="no zone 'nowhere'"):
        fund.zone = "nowhere"
    assert (fund.focus, fund.rounds, fund.zone) == before


def test_a_funds_portfolio_are_startups_that_it_financed(seen):
    fund = max(seen.agents_by_type[VC], key=lambda f: len(f.portfolio))
    assert len(fund.portfolio) > 0
    assert all(startup.rounds > 0 for startup in fund.portfolio)
    assert set(fund.rounds) <= {"seed", "A", "B", "C", "D+"}
    assert set(fund.focus) <= {"OPC", "APP", "MODEL", "EMB"}


def test_access_weighed_anew_is_that_of_the_history(seen):
    other = copy.deepcopy(seen)
    weigh_access(other)
    np.testing.assert_array_equal(other.world.log_talent, seen.world.log_talent)
    np.testing.assert_array_equal(other.world.log_capital, seen.world.log_capital)
