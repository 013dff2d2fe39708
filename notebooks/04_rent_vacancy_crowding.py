# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 4. Rent, vacancy, crowding
#
# **Question.** A cluster draws firms in until something pushes back. What pushes, how hard, and what do new buildings do?
#
# Startups are a small part of the office market. The rest is held by other tenants, who take less when rents rise. What
# neither holds is vacant, and rents move by vacancy: up where less is vacant than normal, down where more is
# (Wheaton and Torto 1988).

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from sim import ClusterModel, Scenario
from sim.figures import MarketChange, ZoneState, draw_rent_and_vacancy, use_house_style
from sim.record import POSITION

use_house_style()

SEED, MONTHS = 1, 48  # two years at least: the building opens after one
baseline = ClusterModel.from_scenario("baseline", seed=SEED).run(MONTHS)


def column(run, name):
    """Return a series by month and zone."""
    values = run.arrays["series"][..., POSITION[name]]
    values = (
        values[:, :, 0] if name.startswith("zone_") else values.sum(axis=2)
    )  # of the zone, or of its segments
    return pd.DataFrame(values, columns=run.zones)


# %% [markdown]
# ## Rents and empty rooms today, and at the end
#
# Hollow is the first month, filled the last.

# %%
change = MarketChange(
    "haidian",
    ZoneState.of([baseline], 1),
    ZoneState.of([baseline], MONTHS),
    ("first month", f"after {MONTHS / 12:g} years"),
)
figure, ax = plt.subplots(figsize=(7.5, 5.5))
draw_rent_and_vacancy(ax, change)
plt.show()

# %% [markdown]
# ## The law of the push
#
# Each dot is a zone in a year: vacancy at its start, and what happened to its rent within the year.

# %%
rent, stock = column(baseline, "zone_rent_rmb_m2_month"), column(baseline, "zone_stock_m2")
vacancy = column(baseline, "zone_vacant_m2") / stock
dots = [(vacancy.iloc[y], np.log(rent.iloc[y + 12] / rent.iloc[y])) for y in range(0, MONTHS - 12, 12)]
x, y = (np.concatenate([pair[i] for pair in dots]) for i in (0, 1))
new = np.concatenate([rent.columns == "north-latitude"] * len(dots))
slope, _ = np.polyfit(x[x < 0.2], y[x < 0.2], 1)
figure, ax = plt.subplots(figsize=(7.5, 3.8))
ax.axhline(0, color="0.6", linewidth=1)
ax.plot(100 * x[~new], 100 * y[~new], "o", markersize=5)
ax.plot(100 * x[new], 100 * y[new], "s", markersize=6, label="North Latitude, nearly empty at first")
ax.set(xlabel="vacancy at the start of the year, %", ylabel="rent over the year, %", xlim=(0, 95))
ax.legend(frameon=False)
print(
    f"among zones with less than 20 % vacant, five points more go with {0.05 * slope:+.1%} rent over the year"
)
plt.show()

# %% [markdown]
# **What to see.** Tight zones get dearer, empty ones cheaper. It is not one line. Where much was empty from the start, that is
# taken for normal, and fades only slowly, so it hardly presses the rent; and a rent far from its first level is pulled back.
# North Latitude, the emptiest of all, even gets dearer: it fills faster than that expectation fades, and so counts as tight.
#
# ## Crowding
#
# In the scenario `southern-crowding` large firms want more of the south every month. Same seed, same startups: what do
# they do about it?

# %%
crowded = ClusterModel.from_scenario("southern-crowding", seed=SEED).run(MONTHS)
(demand,) = Scenario.load("southern-crowding").policies
rows = {
    "rent, %": 100 * (column(crowded, "zone_rent_rmb_m2_month").iloc[-1] / rent.iloc[-1] - 1),
    "startups": (column(crowded, "startups") - column(baseline, "startups")).iloc[-1],
}
table = pd.DataFrame(rows)
table["belt"] = ["south" if zone in demand.zones else "elsewhere" for zone in table.index]
table.groupby("belt").agg({"rent, %": "mean", "startups": "sum"}).round(1)

# %% [markdown]
# **What to see.** Compare the two rows. Who does not find rooms in the south is partly elsewhere in the region; the rest
# never came, or left. With one seed the startups are a story: notebook 7 shows how to make them a result.
#
# ## A building
#
# A policy is data. This one opens 300,000 m² in Wudaokou in January 2026.

# %%
building = {"kind": "new-space", "zone": "wudaokou", "phases": [{"opens": "2026-01", "area_m2": 300_000}]}
built = ClusterModel.from_scenario(
    Scenario.load("baseline").with_values({"policies.building": building}), seed=SEED
)
with_building = built.run(MONTHS)

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.5))
for run, name in ((baseline, "baseline"), (with_building, "with the building")):
    left.plot(column(run, "zone_rent_rmb_m2_month")["wudaokou"], label=name)
    right.plot(100 * (column(run, "zone_vacant_m2") / column(run, "zone_stock_m2"))["wudaokou"])
left.set(title="Rent in Wudaokou, RMB/m²/month", xlabel="month")
right.set(title="Vacancy in Wudaokou, %", xlabel="month")
left.legend(frameon=False)
plt.show()

# %% [markdown]
# **What to see.** Vacancy jumps in a month, and the rent hardly notices: new space is expected to stand empty at first, an
# expectation that fades with the half-life `land.new_space_half_life_months`. Where rooms are let faster than that, the rent
# ends *higher* than without the building, for the new neighbours draw others.
#
# ## Exercises
#
# 1. Who fills the building? Compare the area of startups (`area_m2`) and of other tenants (`zone_tenants_m2`) in Wudaokou
#    with and without it, at the end.
# 2. Where do they come from? Compare startups by zone with and without the building, and then rents.

# %% tags=["exercise"]
# your answer

# %% [markdown]
# ### Solutions

# %% tags=["solution"] jupyter={"source_hidden": true}
for name, who in (("area_m2", "startups"), ("zone_tenants_m2", "other tenants")):
    more = (column(with_building, name) - column(baseline, name)).iloc[-1]["wudaokou"]
    print(f"{who}: {more:+,.0f} m²")

# %% tags=["solution"] jupyter={"source_hidden": true}
more = (column(with_building, "startups") - column(baseline, "startups")).iloc[-1]
change = 100 * (column(with_building, "zone_rent_rmb_m2_month").iloc[-1] / rent.iloc[-1] - 1)
print(
    f"Wudaokou {more['wudaokou']:+.0f} startups, the other zones {more.drop('wudaokou').sum():+.0f} together"
)
pd.DataFrame({"startups": more, "rent, %": change}).sort_values("startups").round(1)
