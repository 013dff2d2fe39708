# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 3. When does a cluster tip?
#
# **Question.** Startups like to be where startups are. From which strength of that liking on does an even world become
# a cluster, and does the cluster go away when the liking weakens again?
#
# Here everything is switched off but the liking: equal places, no rent, no distance, no limit of rooms. Then theory has
# exact answers, and the engine that runs every scenario is held against them.

# %%
import matplotlib.pyplot as plt
import numpy as np

from sim.figures import use_house_style
from sim.verify.engine import RELATIVE, Company
from sim.verify.social import Pair, Ring, strength_at, theory_fold, theory_m, widest_field

use_house_style()

# %% [markdown]
# ## Two places
#
# Let $m$ be the share of the first place less that of the second, and $\beta J$ the strength of the liking. Choosers who
# see $m$ produce $\tanh(\beta J\, m)$. The world rests where both are the same (Brock and Durlauf 2001).

# %%
strengths = np.linspace(0.2, 2.5, 300)
theory = np.array([theory_m(float(b), 0.0) for b in strengths])
dots = np.linspace(0.3, 2.4, 15)
rests = [Pair(float(b), 0.0).equilibrium() for b in dots]
figure, ax = plt.subplots(figsize=(7.5, 4))
ax.plot(strengths, theory, color="0.6", linewidth=3, label="theory: m = tanh(βJ m)")
ax.plot(strengths, -theory, color="0.6", linewidth=3)
ax.plot(
    strengths[strengths > 1], 0 * strengths[strengths > 1], ":", color="0.6", label="theory, does not last"
)
ax.plot(dots, rests, "o", markersize=5, label="engine, started with all in the first place")
ax.set(xlabel="βJ, strength of the liking", ylabel="m, first place less second")
ax.legend(loc="lower left", frameon=False)
gap = np.abs(np.array(rests) - [theory_m(float(b), 0.0) for b in dots]).max()
print(f"largest distance of the engine from the curve: {gap:.1e}")
plt.show()

# %% [markdown]
# **What to see.** Up to $\beta J = 1$ the world is even, whatever it began with. Beyond it, evenness does not last, and
# there are two other worlds: a cluster here, or a cluster there. Nothing in the places decides which.
#
# ## What decides: chance
#
# Two hundred startups begin evenly, with $\beta J$ just above 1; each month half of them choose anew. The same rules, six
# seeds:

# %%
changes = RELATIVE | {"location.spillover_weight": 1.3, "location.revision_rate_per_month": 0.5}
tips = np.zeros((6, 60))
for seed in range(6):
    company = Company({"kind": "places", "startups": (100, 100)}, changes, seed + 1)
    for month in range(60):
        company.revise()
        tips[seed, month] = 1 - 2 * np.mean(company.cells)
figure, ax = plt.subplots(figsize=(7.5, 3.5))
ax.plot(tips.T, linewidth=1.2)
for end in (theory_m(1.3, 0.0), -theory_m(1.3, 0.0)):
    ax.axhline(end, color="0.6", linestyle="--", linewidth=1)
ax.set(xlabel="month", ylabel="m", ylim=(-1, 1), title="200 startups, six seeds; dashed: theory")
plt.show()

# %% [markdown]
# **What to see.** Each history ends near one of the two dashed lines. Which one is decided early, by nothing
# but chance, and then stays decided: history matters.
#
# ## Five places: the way back is another
#
# Now the strength is first lowered, then raised again, slowly, and the world follows. The grey curve is exact.

# %%
cells, path = 5, np.linspace(0.5, 1.3, 21)
fold, _ = theory_fold(cells)
tops = {}
for label, steps in (("lowered", path[::-1]), ("raised", path)):
    ring, shares = Ring(cells), np.full(cells, 1.0 / cells)
    if label == "lowered":
        shares = np.full(cells, 1e-6)
        shares[0] = 1 - (cells - 1) * 1e-6
    tops[label] = []
    for strength in steps:
        shares = shares + 1e-6 * (np.arange(cells) == 0)  # a breath in favour of the first place
        shares = ring.rest(float(strength), shares / shares.sum(), 2000)
        tops[label].append(shares.max())

share = np.linspace(1 / cells + 1e-3, 0.99, 400)
curve = np.array([strength_at(float(s), cells) for s in share])
upper = share >= share[curve.argmin()]
figure, ax = plt.subplots(figsize=(7.5, 4))
ax.plot(curve[upper], share[upper], color="0.6", linewidth=3, label="theory, lasts")
ax.plot(curve[~upper], share[~upper], ":", color="0.6", label="theory, does not last")
ax.plot([0.5, 1], [1 / cells, 1 / cells], color="0.6", linewidth=3)
ax.plot(path[::-1], tops["lowered"], "v", markersize=6, label="engine, strength lowered")
ax.plot(path, tops["raised"], "^", markersize=6, label="engine, strength raised")
ax.set(xlabel="βJ", ylabel="share of the largest place", xlim=(0.5, 1.3), ylim=(0, 1.02))
ax.legend(loc="center right", frameon=False)
print(f"a cluster holds down to {fold:.3f}, but an even world tips only at 1")
plt.show()

# %% [markdown]
# **What to see.** Between the two thresholds both worlds last. A cluster that is there survives what would not have made
# it: a policy that starts one may end without the cluster ending, and a cluster that is lost does not come back when the
# old conditions do. This is *hysteresis*.
#
# ## Exercises
#
# 1. Make the first place better by a little: `Pair(1.5, h)` with `h` above 0. Up to which `h` can the *second* place
#    still hold a cluster? Find it with `lowest_excess`, and compare with `widest_field(1.5)`.
# 2. How does the width of the zone in which both worlds last depend on the number of places? Use `theory_fold`.

# %% tags=["exercise"]
# your answer

# %% [markdown]
# ### Solutions

# %% tags=["solution"] jupyter={"source_hidden": true}
pair = Pair(1.5, 0.0)
low, high = 0.0, 1.0
for _ in range(30):  # below 0: an equilibrium holds where the second place has more
    middle = (low + high) / 2
    low, high = (middle, high) if pair.lowest_excess(middle) < 0 else (low, middle)
print(f"engine {low:.6f}, theory {widest_field(1.5):.6f}: the worse place keeps its cluster up to there")

# %% tags=["solution"] jupyter={"source_hidden": true}
for places in (2, 3, 5, 10, 30):
    print(f"{places:2d} places: both last from {theory_fold(places)[0]:.3f} to 1")
