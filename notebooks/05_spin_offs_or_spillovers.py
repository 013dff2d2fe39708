# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 5. Spin-offs or spillovers?
#
# **Question.** Firms cluster. Is it because they profit from their neighbours (Marshall 1890), or only because good firms
# have children who stay near their parents (Klepper 2007)? Can you tell from a map?
#
# Both stories end with a dense place full of good firms. A model can do what history cannot: switch one force off and
# let the world grow again.

# %%
import sys

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from sim import ClusterModel, Scenario
from sim.figures import use_house_style

sys.path.insert(0, "../docs")
import klepper  # the worlds and the account of lineages of docs/klepper.md

use_house_style()

SEEDS, MONTHS = (1, 2), 72

# %% [markdown]
# ## Worlds
#
# All begin even: firms spread over floor space alone, so that what is clustered in the end has formed in the run. A world
# is a few parameters with other values.

# %%
worlds = {
    name: klepper.EVEN | klepper.WORLDS[name]
    for name in ("everything on", "no spillovers", "no spin-offs of firms", "no spillovers, no spin-offs")
}
for name, changes in worlds.items():
    print(f"{name}: {', '.join(changes)}")

# %%
runs = {
    name: [
        ClusterModel.from_scenario(Scenario.load("baseline").with_values(changes), seed=s).run(MONTHS)
        for s in SEEDS
    ]
    for name, changes in worlds.items()
}

# %% [markdown]
# ## How clustered is it?
#
# Firms need offices, and offices are clustered. So the question is not whether firms stand close, but whether they stand
# closer than the same firms *thrown on floor space*. The measure M (Marcon and Puech 2010) counts neighbours within half
# a kilometre against what floor space would give: 1 means as many.

# %%
found = {
    name: [run.clustering_null(draws=99)["marcon_puech_500m"] for run in of] for name, of in runs.items()
}
figure, ax = plt.subplots(figsize=(8, 3.2))
for row, nulls in enumerate(found.values()):
    for shift, null in zip(np.linspace(-0.12, 0.12, len(nulls)), nulls, strict=True):
        ax.plot([null.low, null.high], [row + shift] * 2, color="0.75", linewidth=6)
        ax.plot(null.observed, row + shift, "o", color="#0072B2", markersize=7)
ax.set_yticks(range(len(found)), list(found))
ax.set(
    xlabel="M within 0.5 km, a row a seed; grey: 95 % of the same firms thrown on floor space",
    ylim=(len(found) - 0.5, -0.5),
)
ax.margins(x=0.05)
ax.grid(axis="x")
plt.show()

# %% [markdown]
# **What to see.** Dots right of their grey bar are more clustered than chance. Look at which worlds lie far out: it is
# spillovers that make streets full of firms.
#
# ## How good are the children?
#
# Now forget the map and compare spin-offs of firms with other startups: Klepper's own evidence.

# %%
rows = {}
for name, of in runs.items():
    child, other, child_stays, other_stays = np.mean([klepper.lineage(run) for run in of], axis=0)
    rows[name] = {
        "log quality of spin-offs": child, "of others": other,
        "spin-offs still here after 3 years": child_stays, "others still here": other_stays,
    }  # fmt: skip
pd.DataFrame(rows).T.round(2)

# %% [markdown]
# **What to see.** Wherever there are spin-offs, they are better than others, with spillovers or without: how good children
# are says nothing about spillovers. The two worlds differ on the map at the scale of streets, not in how good firms are.
#
# A caution that belongs to the model and not to Haidian: the pull of home counts to the middle of a zone, so it can fill a
# zone but never a street. That streets fill by spillovers only is built in, and no way to tell which story is true.
# `docs/klepper.md` says what such runs show and what they do not, with more seeds.
#
# ## Exercises
#
# 1. Repeat the picture with a measure over whole zones (`eg_zones`, Ellison and Glaeser 1997). Does it separate the
#    worlds as well?
# 2. Children inherit a part of their parent's quality, `births.heredity`. Set it to 0 in the world without spillovers. Do
#    spin-offs lose what they have over others?

# %% tags=["exercise"]
# your answer

# %% [markdown]
# ### Solutions

# %% tags=["solution"] jupyter={"source_hidden": true}
for name, of in runs.items():
    null = of[0].clustering_null(draws=99)["eg_zones"]
    print(f"{name:30s} {null.observed:.4f}, thrown {null.low:.4f} to {null.high:.4f}")

# %% tags=["solution"] jupyter={"source_hidden": true}
changes = worlds["no spillovers"] | {"births.heredity": 0.0}
orphans = Scenario.load("baseline").with_values(changes)
without = np.mean(
    [klepper.lineage(ClusterModel.from_scenario(orphans, seed=s).run(MONTHS)) for s in SEEDS], axis=0
)
with_it = np.mean([klepper.lineage(run) for run in runs["no spillovers"]], axis=0)
for name, (child, other, *_) in (("with heredity", with_it), ("without", without)):
    print(f"{name:15s} log quality of spin-offs less that of others: {child - other:+.2f}")
