# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 6. Money
#
# **Question.** How many founders ever raise money, and if the public adds a fund, how much more money is there in the end?
#
# A startup that runs short looks for a round. Funds have seats, segments they know, tickets they can write and a purse
# that empties over the years; each month startups and funds are matched from the best pair down.

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from sim import ClusterModel, Scenario
from sim.figures import Cohort, Funnel, Mark, Named, draw_funnel, use_house_style
from sim.parameters import SEGMENTS, STAGES

use_house_style()

SEEDS, MONTHS = (1, 2, 3), 48
baseline = [ClusterModel.from_scenario("baseline", seed=seed).run(MONTHS) for seed in SEEDS]

# %% [markdown]
# ## The funnel
#
# Of the startups that entered in the first year, how many closed a round of each stage within three years?

# %%
cohort = Cohort.of(baseline, entry_months=12)
funnels = {
    Named(code, Mark.of_segment(s)): Funnel.of(cohort.of_segment(s), within=min(36, MONTHS - 12))
    for s, code in enumerate(SEGMENTS) if code != "OPC"
}  # fmt: skip
figure, ax = plt.subplots(figsize=(8, 6.2))
draw_funnel(ax, funnels)
plt.show()

# %% [markdown]
# **What to see.** A first round is common; from stage to stage most drop out, and three years are too short for the last.
# One-person companies are left out: with their first round they become something else.
#
# ## Few rounds, most of the money

# %%
deals = pd.concat([run.deals.to_pandas() for run in baseline])
by_stage = deals.groupby("stage")["raised_rmb"].agg(["size", "sum"])
by_stage.index = [f"from {STAGES[stage]}" for stage in by_stage.index]
table = 100 * by_stage / by_stage.sum()
table.columns = ["% of rounds", "% of money"]
table.round(1)

# %% [markdown]
# ## A guided fund
#
# Now the public announces a billion RMB a year for large models and embodied AI. It pays beside private funds, never alone.
# Three things stand between what is announced and what is new:
#
# - a part of it is really there to be called (`realisation_share`),
# - it is called only where a private fund leads,
# - private money that would have come anyway stays away (`crowd_out_share`): nobody knows how much, so we ask at three
#   values.

# %%
fund = {"kind": "guided-fund", "from": "2025-01", "capital_rmb_year": 1e9, "segments": ["MODEL", "EMB"]}
total = lambda runs, name: np.array([run.outcomes[name][0].as_py() for run in runs])  # noqa: E731

rows, with_fund, by_seed = [], {}, []
for crowd_out in (0.0, 0.4, 1.0):
    scenario = Scenario.load("baseline").with_values({"policies.fund": fund | {"crowd_out_share": crowd_out}})
    with_fund[crowd_out] = [ClusterModel.from_scenario(scenario, seed=seed).run(MONTHS) for seed in SEEDS]
    runs = with_fund[crowd_out]
    more = {
        name: (total(runs, name) - total(baseline, name)).mean()
        for name in ("capital_rmb", "startups_region")
    }
    by_seed.append((total(runs, "capital_rmb") - total(baseline, "capital_rmb")) / 1e6)
    rows.append({
        "crowd-out": crowd_out,
        "announced": 1e9 * MONTHS / 12 / 1e6,
        "guided money in rounds": total(runs, "guided_rmb").mean() / 1e6,
        "more money in all": more["capital_rmb"] / 1e6,
        "more startups": more["startups_region"],
    })  # fmt: skip
accounts = pd.DataFrame(rows).set_index("crowd-out")
accounts.round(1)

# %%
figure, ax = plt.subplots(figsize=(7.5, 3.5))
place = np.arange(len(accounts))
for shift, (name, colour) in zip((-0.27, 0, 0.27), (
    ("announced", "0.8"), ("guided money in rounds", "#56B4E9"), ("more money in all", "#0072B2")), strict=True):  # fmt: skip
    ax.bar(place + shift, accounts[name], width=0.25, color=colour, label=name)
ax.plot(place + 0.27, by_seed, "k_", markersize=10)
ax.set_xticks(place, [f"crowd-out {share:g}" for share in accounts.index])
ax.axhline(0, color="0.3", linewidth=1)
ax.set_title(
    f"Million RMB in {MONTHS // 12} years, means of {len(SEEDS)} seeds; strokes: each seed", loc="left"
)
ax.set_ylim(top=1.25 * max(accounts["announced"].max(), np.max(by_seed)))
ax.legend(frameon=False, ncols=3, loc="upper left")
plt.show()

# %% [markdown]
# **What to see.** Compare the first bar with the last. What is announced is the size of a press release; what is new is
# what is left when everything that would have happened anyway is taken off, and that depends on a number nobody has
# measured here. The strokes say how far to trust a bar: where they lie on both sides of 0, its sign may be chance, and so may
# what the solution of exercise 2 makes of it. Money is also not startups: look at the last column of the table, where the same
# holds.
#
# ## Exercises
#
# 1. Did the favoured segments raise more, and did the others raise less? Compare `raised_rmb` by segment with
#    `crowd_out_share = 1` and in the baseline.
# 2. What does the fund cost the public? Only the part of its money that is lost counts (`loss_share`). Compute
#    `public_cost_rmb` per million RMB of new money for the three values.

# %% tags=["exercise"]
# your answer

# %% [markdown]
# ### Solutions

# %% tags=["solution"] jupyter={"source_hidden": true}
by_segment = pd.DataFrame({
    name: pd.concat([run.deals.to_pandas() for run in runs]).groupby("segment", observed=False)["raised_rmb"].sum()
    for name, runs in (("baseline", baseline), ("with the fund", with_fund[1.0]))
}) / 1e6 / len(SEEDS)  # fmt: skip
by_segment["change, M RMB"] = by_segment["with the fund"] - by_segment["baseline"]
by_segment.round(0)

# %% tags=["solution"] jupyter={"source_hidden": true}
for crowd_out, runs in with_fund.items():
    cost, new = total(runs, "public_cost_rmb").mean() / 1e6, accounts.loc[crowd_out, "more money in all"]
    each = f"{cost / new:.2f} RMB for one of new money" if new > 0 else "and there is no new money"
    print(f"crowd-out {crowd_out:g}: {cost:,.0f} M RMB lost, {each}")
