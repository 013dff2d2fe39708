# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 2. How a startup decides
#
# **Question.** A founder looks for rooms. What draws her to one place rather than another, and can you compute the odds
# by hand?
#
# A founder compares small squares of office space, the *cells*. A cell $c$ is worth
#
# $$V = b_M L + b_J J + b_T \ln T + b_W \ln W + \xi - \alpha' \ln\frac{r + c_o}{r_1 + c_o}$$
#
# to her: neighbours of her own kind ($L$), a mixed neighbourhood ($J$), graduates near ($T$), funds near ($W$), what
# else a zone has that nobody measured ($\xi$), less its rent. She takes it with probability proportional to
# $\mathrm{vac}(c)\, e^{V(c)}$: the more room and the more worth, the likelier. This is the logit of McFadden (1978).

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from sim import ClusterModel
from sim.figures import draw_levels, level_bounds, use_house_style
from sim.parameters import SEGMENTS
from sim.processes import location

use_house_style()

model = ClusterModel.from_scenario("rent-cut", seed=1)
model.run(7)  # the first month of the cut, July 2025, is in force
world, grid, weights = model.world, model.world.grid, model.setup.location
zone_ids = [zone.id for zone in grid.tables.zones]
APP = SEGMENTS.index("APP")

# %% [markdown]
# ## By hand
#
# All that stands in the formula lies in arrays with one number for each cell.


# %%
def rent_term(rent):
    """Return what rent takes away [utils]."""
    reference, other = weights.reference_rent_rmb_m2_month, weights.occupancy_cost_rmb_m2_month
    slope = weights.rent_sensitivity * (reference + other) / reference
    return -slope * np.log((rent + other) / (reference + other))


terms = {
    "own kind": weights.spillover_weight * world.log_spillovers[APP],
    "mixture": weights.diversity_weight * world.diversity,
    "graduates": weights.talent_weight * world.log_talent,
    "funds": weights.capital_weight * world.log_capital,
    "rent": rent_term(world.rent),
    "unexplained": world.residual[grid.zone],
}


def shares_by_hand(terms, vacant=world.vacant):
    """Return the odds of each cell."""
    worth = vacant**weights.size_weight * np.exp(sum(terms.values()))
    return worth / worth.sum()


by_hand = shares_by_hand(terms)

# %% [markdown]
# ## Against the engine
#
# `choice_shares` are the odds from which the model draws in every month.

# %%
in_force = model.policies.in_force(world.month)
engine = location.choice_shares(world, model.parameters, in_force, APP)
print(
    f"{grid.n_cells} cells; largest difference between hand and engine: {np.abs(by_hand - engine).max():.1e}"
)

# %% [markdown]
# The two agree but for the rounding of the machine. Added up by zone, of 1,000 founders of applications so many take each
# zone:

# %%
by_zone = 1000 * np.bincount(grid.zone, by_hand)
figure, ax = plt.subplots(figsize=(6.5, 5))
draw_levels(ax, by_zone, level_bounds(by_zone.max()))
ax.set_title("Of 1,000 founders of applications, so many choose", loc="left")
plt.show()

# %% [markdown]
# ## What draws them
#
# Each term by zone, as a mean over vacant space, less the mean of the zones. One util more multiplies the odds by
# $e \approx 2.7$.


# %%
def mean_by_zone(values):
    """Return the mean over vacant space of each zone."""
    return np.bincount(grid.zone, values * world.vacant) / np.bincount(grid.zone, world.vacant)


table = pd.DataFrame({name: mean_by_zone(values) for name, values in terms.items()}, index=zone_ids)
table = table - table.mean()
table["room, log"] = np.log(np.bincount(grid.zone, world.vacant))
table["room, log"] -= table["room, log"].mean()
table["share, %"] = by_zone / 10
table.sort_values("share, %", ascending=False).round(2)

# %% [markdown]
# **What to see.** A crowded zone with high rent can still win, because its neighbours weigh more than its rent; an empty
# one can win because it has room. No single column explains the last.
#
# ## A rent cut, by hand
#
# The scenario pays half of the rent in one zone to those who are eligible. To them that zone's cells are worth more,
# and nothing else changes.

# %%
treated = np.isin(grid.zone, [zone_ids.index(zone) for zone in model.setup.treated_zones])
cut = terms | {"rent": rent_term(np.where(treated, 0.5 * world.rent, world.rent))}
with_cut = shares_by_hand(cut)
eligible = location.choice_shares(world, model.parameters, in_force, APP, mask=1)
print(
    f"odds of the treated zone: {by_hand[treated].sum():.2%} without, {with_cut[treated].sum():.2%} with the cut"
)
print(f"largest difference between hand and engine: {np.abs(with_cut - eligible).max():.1e}")

# %% [markdown]
# ## Exercises
#
# 1. All other cells lose to the treated zone. Do they lose in proportion? Compute the ratio of the odds with and without
#    the cut for all untreated cells. What does the answer say about two zones that lie side by side?
# 2. Which share of the rent would have to be paid to double the odds of the treated zone?
# 3. Draw 1,000 founders from `by_hand` with NumPy and compare the counts by zone with `by_zone`. How far apart may they
#    lie by chance?

# %% tags=["exercise"]
# your answer

# %% [markdown]
# ### Solutions

# %% tags=["solution"] jupyter={"source_hidden": true}
open_to_all = (by_hand > 0) & ~treated
ratio = with_cut[open_to_all] / by_hand[open_to_all]
print(f"with / without: from {ratio.min():.6f} to {ratio.max():.6f}")
print(
    "All lose in the same proportion: to the model a zone next door is no closer substitute than one far away."
)

# %% tags=["solution"] jupyter={"source_hidden": true}
for share in np.linspace(0, 1, 101):
    rent = np.where(treated, (1 - share) * world.rent, world.rent)
    odds = shares_by_hand(terms | {"rent": rent_term(rent)})[treated].sum()
    if odds >= 2 * by_hand[treated].sum():
        print(f"{share:.0%} of the rent doubles the odds")
        break
else:
    print(f"not even a free office does: {odds:.2%}, for a free office still costs what is not rent")

# %% tags=["solution"] jupyter={"source_hidden": true}
drawn = np.random.default_rng(1).multinomial(1000, by_hand)
counts = np.bincount(grid.zone, drawn)
error = np.sqrt(by_zone * (1 - by_zone / 1000))
print("distances in standard errors:", np.round((counts - by_zone) / error, 1))
