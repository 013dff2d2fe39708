# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 10. Your own
#
# **Question.** How do you ask the model something that nobody has asked yet: with a policy, a process and a city of your own?

# %%
import pathlib
import shutil

import matplotlib.pyplot as plt
import numpy as np

from sim import ClusterModel, Scenario, ScenarioError, compare
from sim.figures import use_house_style
from sim.ledger import ACTIVE

use_house_style()
OWN = pathlib.Path("../results/notebook-10")  # a notebook runs in its own folder
OWN.mkdir(parents=True, exist_ok=True)

# %% [markdown]
# ## A policy is a text file
#
# It says what differs from another scenario. This one has two mistakes in it.

# %%
file = OWN / "my-cut.toml"
file.write_text("""
extends = "baseline"
name = "My cut"

[[policies]]
id = "my-cut"
kind = "rent-cut"
zones = ["wudaoku"]
share = 1.5
from = "2025-07"
max_age_months = 36
""", encoding="utf-8")  # fmt: skip
try:
    Scenario.load(file)
except ScenarioError as error:
    for problem in error.problems:
        print(f"line {problem.line}: {problem.key}: {problem.message}")

# %% [markdown]
# All mistakes are named at once, with their line and the nearest word that exists. Mended, it runs beside the baseline:

# %%
text = file.read_text(encoding="utf-8").replace("wudaoku", "wudaokou").replace("1.5", "0.5")
file.write_text(text, encoding="utf-8")
shutil.rmtree(OWN / "cut", ignore_errors=True)  # begin anew: a results folder holds one plan
comparison = compare([file], seeds=5, months=24, workers=0, out=OWN / "cut", figures=False)
comparison

# %% [markdown]
# Which kinds of levers there are, with every key, stands in `docs/levers.md`. If none of them is what you mean,
# `docs/howto/add-a-policy.md` adds a kind, from its first line to its first result.
#
# ## A process is a line in the month
#
# `ClusterModel.step` is the order of events and nothing else. To try an idea, put it behind: here startups *learn by doing*,
# a little better each month they work (Arrow 1962).


# %%
class Learning(ClusterModel):
    """Startups at work get better every month."""

    gain = 0.004  # log units a month

    def step(self):
        """Advance one month, then learn."""
        super().step()
        startups = self.world.startups
        startups["log_quality"][startups["status"] == ACTIVE] += self.gain


plain, learning = (kind.from_scenario("baseline", seed=1).run(48) for kind in (ClusterModel, Learning))
figure, ax = plt.subplots(figsize=(7.5, 3.3))
for run, name in ((plain, "as it is"), (learning, "with learning by doing")):
    ax.plot(run.arrays["series"][..., 0].sum(axis=(1, 2)), label=name)
ax.set(xlabel="month", title="Active startups in the region, seed 1")
ax.legend(frameon=False)
plt.show()

# %% [markdown]
# **What to see.** Better startups fail less. But they also grow, take rooms, and hire people that others do not get: what comes
# out is not what went in. A process that is to stay gets a file, parameters with units and sources, a kernel and tests:
# `docs/howto/add-a-process.md`.
#
# ## A city is a table
#
# `world` names a shipped city, or describes a made one: here five parks in a row, nearly all startups in the first.

# %%
(OWN / "parks.toml").write_text("""
name = "Five parks in a row"
months = 60

[world]
kind = "line"
parks = 5
gap_cells = 4
startups = [60, 5, 5, 5, 5]
""", encoding="utf-8")  # fmt: skip
parks = ClusterModel.from_scenario(OWN / "parks.toml", seed=1)
parks

# %%
run = parks.run(60)
parks

# %%
series = run.series.to_pandas()
by_park = series.pivot_table(index="month", columns="zone", values="startups", aggfunc="sum", observed=True)
ax = by_park.plot(figsize=(7.5, 3.3), style=["-", "--", "-.", ":", "-"])
ax.set_title("Startups by park")
ax.set_ylim(0, 1.25 * by_park.to_numpy().max())
ax.legend(frameon=False, ncols=5, loc="upper center")
print(f"share of the first park: {by_park.iloc[0, 0] / by_park.iloc[0].sum():.0%} at first, "
      f"{by_park.iloc[-1, 0] / by_park.iloc[-1].sum():.0%} after five years")  # fmt: skip
plt.show()

# %% [markdown]
# **What to see.** The first park does not keep its lead: every park has room, founders come on their own, and what a
# neighbour is worth has its limits.
#
# All kinds of made worlds stand in `docs/howto/make-a-world-for-theory.md`; how to make a city from a map of districts and two
# tables, in `docs/howto/a-city-of-your-own.md`. With Mesa's own browser page you can watch any of
# them month by month: `docs/howto/use-mesa.md` shows the line to type.
#
# ## Exercises
#
# 1. A policy of your own in a city of your own: write a scenario that extends `parks.toml` and pays half of the rent in
#    `park-2`. What has that park of it after five years, and what have the others, over five seeds?
# 2. What would `Learning` change if only startups *older than three years* learned? Startups know their month of birth,
#    `startups["born"]`, and the model its month, `self.world.month`.

# %% tags=["exercise"]
# your answer

# %% [markdown]
# ### Solutions

# %% tags=["solution"] jupyter={"source_hidden": true}
(OWN / "dear-parks.toml").write_text("""
extends = "parks.toml"
name = "Five parks, half price at the second"

[[policies]]
id = "second-park"
kind = "rent-cut"
zones = ["park-2"]
share = 0.5
from = "2025-01"
""", encoding="utf-8")  # fmt: skip
ends = {
    name: np.array([
        ClusterModel.from_scenario(OWN / f"{name}.toml", seed=seed).run(60).arrays["series"][-1, :, :, 0].sum(axis=1)
        for seed in range(1, 6)
    ])
    for name in ("parks", "dear-parks")
}  # fmt: skip
more = (ends["dear-parks"] - ends["parks"]).mean(axis=0)
print(
    "startups more, means of five seeds:",
    ", ".join(f"park {i}: {n:+.1f}" for i, n in enumerate(more, start=1)),
)
print(f"in all parks together: {more.sum():+.1f}")


# %% tags=["solution"] jupyter={"source_hidden": true}
class LateLearning(Learning):
    """Startups of more than three years get better every month."""

    def step(self):
        """Advance one month, then let the old ones learn."""
        ClusterModel.step(self)
        startups = self.world.startups
        old = (startups["status"] == ACTIVE) & (self.world.month - startups["born"] > 36)
        startups["log_quality"][old] += self.gain


late = LateLearning.from_scenario("baseline", seed=1).run(48)
for run, name in ((plain, "nobody learns"), (late, "the old learn"), (learning, "all learn")):
    print(f"{name}: {run.outcomes['startups_region'][0].as_py():.0f} startups after four years")
