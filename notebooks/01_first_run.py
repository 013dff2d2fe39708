# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 1. First run
#
# **Question.** What is in the model, what happens in a month of it, and how much of what you see is chance?
#
# The model is a map of office zones with startups, universities and venture funds on it. A step is a month: startups
# are founded, look for rooms, hire, raise money, move, fail or leave.

# %%
import matplotlib.pyplot as plt
import numpy as np

from sim import ClusterModel
from sim.figures import Mark, Named, draw_group_paths, use_house_style
from sim.parameters import SEGMENTS

use_house_style()

# %% [markdown]
# ## A model shows itself
#
# A model is built from a *scenario*, a text file, and a *seed*, the number from which all chance in it follows. Left
# alone at the end of a cell it draws a map: active startups by zone, darker where there are more. White triangles are
# universities, institutes and anchor firms.

# %%
model = ClusterModel.from_scenario("baseline", seed=1)
model

# %% [markdown]
# ## Three years
#
# `run` advances the model and returns what happened, in tables whose columns have units.

# %%
run = model.run(36)
model

# %%
series = run.series.to_pandas()
flows = ["entries", "failures", "acquisitions", "listings", "departures"]
print("Three years of the whole region, in startups:")
series[flows].sum().astype(int)

# %% [markdown]
# **What to see.** Startups do not only come: most of the movement is replacement. What changes the number is the small
# difference between entries and all the ways of ending.
#
# ## By segment
#
# One-person companies (OPC), applications (APP), large models (MODEL) and embodied AI (EMB) have different lives.

# %%
startups = series.pivot_table(
    index="month", columns="segment", values="startups", aggfunc="sum", observed=True
)
groups = {
    Named(code, Mark.of_segment(s)): startups[code].to_numpy()[None, :] for s, code in enumerate(SEGMENTS)
}
figure, ax = plt.subplots(figsize=(8, 3.5))
figure.subplots_adjust(right=0.8)
draw_group_paths(ax, groups, run.start)
ax.set_title("Active startups by segment, seed 1", loc="left")
plt.show()

# %% [markdown]
# ## One seed is a story
#
# The same scenario with other seeds: the same rules, another chance. How far apart are the stories?

# %%
paths = np.array([
    ClusterModel.from_scenario("baseline", seed=seed).run(36).arrays["series"][..., 0].sum(axis=(1, 2))
    for seed in range(1, 6)
])  # fmt: skip
figure, ax = plt.subplots(figsize=(8, 3.5))
ax.plot(np.arange(1, 37), paths.T, linewidth=1.2)
ax.set(xlabel="month", title="Active startups in the region, seeds 1 to 5")
end = paths[:, -1]
print(f"After 36 months between {end.min():.0f} and {end.max():.0f} startups: "
      f"the seeds lie {np.ptp(end) / end.mean():.1%} of their mean apart.")  # fmt: skip
plt.show()

# %% [markdown]
# **What to see.** The paths cross. A policy that adds ten startups is smaller than the distance between two seeds: to
# see it, one has to compare with and without *on the same seed*. That is notebook 7.
#
# ## Exercises
#
# 1. Which zone gained most startups in these three years, and which lost most?
# 2. Run seed 1 a second time. Is the result the same to the last bit? (`run.digest` is a fingerprint of everything that
#    was recorded.)

# %% tags=["exercise"]
# your answer

# %% [markdown]
# ### Solutions

# %% tags=["solution"] jupyter={"source_hidden": true}
by_zone = series.pivot_table(index="month", columns="zone", values="startups", aggfunc="sum", observed=True)
gain = (by_zone.iloc[-1] - by_zone.iloc[0]).sort_values()
print(
    f"most gained: {gain.index[-1]} ({gain.iloc[-1]:+.0f}); most lost: {gain.index[0]} ({gain.iloc[0]:+.0f})"
)

# %% tags=["solution"] jupyter={"source_hidden": true}
again = ClusterModel.from_scenario("baseline", seed=1).run(36)
print("the same to the last bit:", again.digest == run.digest)
