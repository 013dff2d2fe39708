# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 7. A fair experiment
#
# **Question.** When may you say that a policy *did* something?
#
# Three rules make a comparison fair: compare on the same chance, count the whole region and not the treated zone, and give
# competing policies the same money.

# %%
import pathlib
import shutil

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from sim import compare
from sim.evaluation.evaluate import evaluate
from sim.evaluation.intervals import seeds_needed
from sim.figures import use_house_style
from sim.studies import run_study
from sim.study_files import Study

use_house_style()
RESULTS = pathlib.Path("../results")  # a notebook runs in its own folder
SEEDS, MONTHS = 8, 24
YEARS = 2  # of the study with one budget

# %%
shutil.rmtree(RESULTS / "notebook-07", ignore_errors=True)  # begin anew: a results folder holds one plan
comparison = compare(["rent-cut", "north-space"], seeds=SEEDS, months=MONTHS, workers=0,
                     out=RESULTS / "notebook-07", figures=False)  # fmt: skip
comparison

# %% [markdown]
# ## Rule 1: the same chance
#
# Every founder and every stroke of luck follows from the seed, whatever the policy. So each seed gives a pair: the same
# world with and without.

# %%
policy = "north-space"
treated, control = comparison.differences[policy]["startups_region"]
difference = treated - control
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.5), width_ratios=(2, 1))
left.plot([0, 1], [control, treated], color="0.7", linewidth=1)
left.plot(np.zeros(SEEDS), control, "o", color="0.4")
left.plot(np.ones(SEEDS), treated, "o", color="#D55E00")
left.set_xticks([0, 1], ["baseline", policy])
left.set(xlim=(-0.3, 1.3), title="Startups in the region, a line a seed")
right.axhline(0, color="0.4", linewidth=1)
right.plot(np.zeros(SEEDS), difference, "o", color="#D55E00")
right.set(title="The differences", xticks=[], xlim=(-1, 1))

paired = difference.std(ddof=1)
unpaired = np.sqrt(treated.var(ddof=1) + control.var(ddof=1))
print(
    f"standard deviation of the difference: {paired:.1f} with pairs, {unpaired:.1f} if the seeds were different"
)
print(f"for the same precision without pairs: {(unpaired / paired) ** 2:.0f} times as many runs")
plt.show()

# %% [markdown]
# **What to see.** The lines run side by side: what differs between seeds is the same with the policy and without, and the
# difference drops it. A placebo runs in every comparison: a change without meaning, in which some funds happen to like other
# startups. Its true effect is nothing, and what comes out for it is the noise that other effects have to exceed.
#
# ## Rule 2: the whole region
#
# The startups in the treated zone at the end are of three kinds: there anyway, moved from elsewhere in the region, and new.

# %%
parts = {
    "gross": "gross",
    "deadweight": "there anyway",
    "displaced": "moved from the region",
    "attracted": "new to the region",
    "net": "net for the region",
}
table = pd.DataFrame(
    {
        name: {
            words: getattr(comparison.result(name).additionality, part).mean for part, words in parts.items()
        }
        for name in comparison.policies
    }
).T.round(1)
table

# %% [markdown]
# **What to see.** A press release counts the first number. What the region has of it is the last.
#
# ## Rule 3: the same money
#
# One policy costs millions, another billions. A study can bring policies to one budget before it compares them: here
# ten million RMB of present value over two years.

# %%
file = RESULTS / "notebook-07-budget.toml"
file.write_text(f"""
scenarios = ["baseline", "rent-cut", "north-space"]
seeds = 5
controls = true
equal_budget = {{ present_value_rmb = 1e7, years = {YEARS} }}
""", encoding="utf-8")  # fmt: skip
folder = RESULTS / "notebook-07-budget"
shutil.rmtree(folder, ignore_errors=True)
run_study(Study.load(file), folder, workers=0)
found = evaluate(folder)
for lever in found.equal_budget.levers:
    print(f"{lever.scenario}: {lever.reason or f'{lever.factor:.4f} of its size costs that much'}")

# %%
rows = []
for result in found.policies:
    net = result.effect("startups_region", 12 * YEARS)
    spent = result.costs[-1].present_value_rmb.mean
    rows.append(
        {
            "policy": result.id,
            "spent, M RMB": spent / 1e6,
            "net startups": net.mean,
            "low": net.low,
            "high": net.high,
        }
    )
pd.DataFrame(rows).set_index("policy").round(2)

# %% [markdown]
# **What to see.** At the same money the great programme is a small one, and few differences are larger than their interval.
# *Cash* for every entrant is the yardstick: a programme that does not beat it would better be paid out.
#
# ## Exercises
#
# 1. How many seeds would it take to see a net effect of 2 startups of the rent cut (an interval whose half width is 2)?
#    The half width is $t s/\sqrt{n}$, $s$ being the standard deviation of the paired difference and $t$ the 97.5 % point of
#    Student's distribution with $n - 1$ degrees of freedom: 12.7 for two seeds, 2.8 for five, and nearly 2 for many. The
#    program makes no interval from fewer than five.
# 2. Break rule 1 on purpose: pair each baseline run with the policy run of *another* seed. What becomes of the interval?

# %% tags=["exercise"]
# your answer

# %% [markdown]
# ### Solutions

# %% tags=["solution"] jupyter={"source_hidden": true}
own = np.subtract(*comparison.differences["rent-cut"]["startups_region"]).std(ddof=1)
(needed,) = seeds_needed(np.array([2.0]), np.array([own]), np.array([0.95]))
print(f"s = {own:.2f}: {needed:.0f} seeds, of which five are needed for any interval")

# %% tags=["solution"] jupyter={"source_hidden": true}
for name, other in (("same seed", treated), ("another seed", np.roll(treated, 1))):
    gap = other - control
    half = 2 * gap.std(ddof=1) / np.sqrt(SEEDS)
    print(f"{name:13s} {gap.mean():+.1f} ± {half:.1f}")
