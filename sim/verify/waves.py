"""Dispersion: which wavelengths of a small disturbance grow on a torus, and how fast."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.verify.case import Case, Knob, KnobError, Row
from sim.verify.engine import BARE, RELATIVE, Theatre

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HEIGHT = 1e-5  #: of the disturbance, as a share of the mean
MEAN = 50.0  #: startups, or heads, in each cell
DIGITS = 1e-4  #: four digits
STOCK_M2 = 40_000.0  #: floor space of a cell where rents and vacancy take part


def transform(side: int, cell_km: float, lambda_km: float) -> np.ndarray:
    """Return the transform of exp(-d/lambda) with sum 1 on a torus, by the number of waves, (side // 2 + 1,)."""
    steps = np.minimum(np.arange(side), side - np.arange(side)) * cell_km
    kernel = np.exp(-np.hypot(steps[:, None], steps[None, :]) / lambda_km)
    return np.fft.rfft((kernel / kernel.sum()).sum(axis=0)).real


class Waves:
    """A torus on which a wave is put on the mean, and the engine's answer to it is measured.

    Parameters
    ----------
    values
        Values of the case's knobs.
    changes
        Parameters by dotted key.
    """

    def __init__(self, values: Mapping[str, Any], changes: Mapping[str, Any]) -> None:
        side = values["side"]
        table = {"kind": "torus", "columns": side, "rows": side, "cell_km": values["cell_km"], "blocks": 1,
                 "stock_m2": STOCK_M2, "rent_rmb_m2_month": 170.0}  # fmt: skip
        self.theatre = Theatre(table, {**changes, "access.spillover_range_km": values["lambda_km"]})
        self.side, self.rho = side, values["rho"]
        self.column = self.theatre.grid.column

    def wave(self, mode: int) -> np.ndarray:
        """Return cos(k x), (n_cells,)."""
        return np.cos(2.0 * math.pi * mode * self.column / self.side)

    def growth(self, mode: int, prices: "Prices | None" = None) -> float:
        """Return by how much a wave grows in a month in which a share rho of the startups choose anew."""
        wave = self.wave(mode)
        n = MEAN * (1.0 + HEIGHT * wave)
        if prices is not None:
            prices.follow(self.theatre, n)
        after = (1.0 - self.rho) * n + self.rho * n.sum() * self.theatre.shares(n)
        height = float((after - MEAN) @ wave) / float(wave @ wave) / MEAN
        return height / HEIGHT - 1.0


class Prices:
    """Rent and vacancy that follow the number of heads in a cell.

    Parameters
    ----------
    rent_elasticity
        d ln rent / d ln n.
    area
        Floor space of one head [m2].
    """

    def __init__(self, rent_elasticity: float, area: float) -> None:
        self.rent_elasticity, self.area = rent_elasticity, area

    def follow(self, theatre: Theatre, n: np.ndarray) -> None:
        """Write rent and vacancy of n heads in each cell into the world."""
        world = theatre.world
        world.rent = world.reference_rent * (n / MEAN) ** self.rent_elasticity
        world.vacant = world.stock * 0.25 - self.area * n

    def vacancy_elasticity(self) -> float:
        """Return floor space of startups over vacant floor space: -d ln vacant / d ln n."""
        used = self.area * MEAN
        return used / (STOCK_M2 * 0.25 - used)


def check_dispersion(values: Mapping[str, Any], _seed: int) -> list[Row]:
    """Return the rows of each strength and wavelength."""
    hat, rho = transform(values["side"], values["cell_km"], values["lambda_km"]), values["rho"]
    rows = []
    waves = Waves(values, RELATIVE)
    whole = waves.theatre.matrix.sum(axis=1)
    rows.append(Row("sum of the kernel over the torus", 1.0, float(whole[np.abs(whole - 1.0).argmax()]), 1e-12,
                    "rounding of 64-bit sums"))  # fmt: skip
    for beta_j in values["beta_j"]:
        waves.theatre.tune("location.spillover_weight", beta_j)
        for mode in _modes(values):
            theory = rho * (beta_j * hat[mode] - 1.0)
            rows.append(
                _row(f"growth of {mode} waves at beta J = {beta_j:g}", theory, waves.growth(mode), rho)
            )
    return rows + _priced_rows(values, hat)


def _modes(values: Mapping[str, Any]) -> list[int]:
    return [int(mode) for mode in values["modes"]]


def _row(quantity: str, theory: float, simulated: float, rho: float) -> Row:
    # where growth is next to nothing, what counts as a digit is that of the fastest decay
    return Row(quantity, theory, simulated, max(DIGITS * abs(theory), 1e-6 * rho),
               f"four digits; a wave of {HEIGHT:g}, whose answer is linear to {HEIGHT**2:.0e}")  # fmt: skip


def _priced_rows(values: Mapping[str, Any], hat: np.ndarray) -> list[Row]:
    """Return the rows with logarithmic spillovers, rents and vacancy.

    J_eff(k) = b_M Khat(k) A/(a0 + A) - alpha (r_1 + c)/r_1 r/(r + c) e_r - e_v, A the mean field in heads.
    """
    weight, scale, alpha, other = 3.0, 20.0, 1.2, values["occupancy_cost"]
    prices = Prices(0.15, 15.0)
    changes = BARE | {
        "location.spillover_weight": weight,
        "access.spillover_scale_heads": scale,
        "location.rent_sensitivity": alpha,
        "location.occupancy_cost_rmb_m2_month": other,
        "location.size_weight": 1.0,
    }
    waves = Waves(values, changes)
    rent = float(waves.theatre.world.reference_rent[0])
    dear = alpha * (150.0 + other) / 150.0 * rent / (rent + other) * prices.rent_elasticity
    rows = []
    for mode in _modes(values):
        coupling = weight * hat[mode] * MEAN / (scale + MEAN) - dear - prices.vacancy_elasticity()
        rows.append(_row(f"growth of {mode} waves with log spillovers, rent and vacancy", values["rho"] * (coupling - 1.0),
                         waves.growth(mode, prices), values["rho"]))  # fmt: skip
    return rows


def draw_dispersion(values: Mapping[str, Any], _seed: int, figure: "Figure") -> None:
    """Draw growth over wavelength: theory as lines, the engine as dots."""
    ax = figure.subplots()
    hat, side = transform(values["side"], values["cell_km"], values["lambda_km"]), values["side"]
    modes = np.arange(1, side // 4 + 1)
    lengths = side * values["cell_km"] / modes
    waves = Waves(values, RELATIVE)
    for beta_j in values["beta_j"]:
        waves.theatre.tune("location.spillover_weight", beta_j)
        (line,) = ax.plot(lengths, values["rho"] * (beta_j * hat[modes] - 1.0), linewidth=3, alpha=0.35)
        dots = [waves.growth(int(mode)) for mode in modes[:: max(1, modes.size // 12)]]
        ax.plot(lengths[:: max(1, modes.size // 12)], dots, "o", markersize=4, color=line.get_color(),
                label=f"βJ = {beta_j:g}")  # fmt: skip
    ax.axhline(0.0, color="0.7", linewidth=1, zorder=0)
    ax.set(
        xscale="log",
        xlabel="wavelength [km]; dots: engine, lines: ρ(βJ K(k) − 1)",
        ylabel="growth in a month",
    )
    marks = [side * values["cell_km"] / 2**power for power in range(int(math.log2(modes[-1])), -1, -1)]
    ax.set_xticks(marks, [f"{mark:g}" for mark in marks], minor=False)
    ax.set_xticks([], minor=True)
    ax.legend(loc="upper left")


def _check_modes(values: Mapping[str, Any]) -> None:
    for mode in values["modes"]:
        if mode != int(mode) or mode > values["side"] // 2:
            most = values["side"] // 2
            raise KnobError(f"modes: must be whole numbers from 1 to {most}, half the side, not {mode:g}")


CASES = (
    Case(
        name="dispersion",
        title="A uniform plain: waves longer than the reach of spillovers grow if beta J is above 1",
        about=(
            "On a torus with a kernel of sum 1 a disturbance cos(k x) of the uniform state grows by rho (beta J Khat(k) - 1) "
            "a month, Khat being the discrete transform of the kernel. With logarithmic spillovers, rents that answer to "
            "crowding and vacant space in the choice, beta J Khat is replaced by J_eff(k) = b_M Khat A/(a0 + A) - alpha "
            "(r_1 + c)/r_1 r/(r + c) e_r - e_v. Under test: Grid distances around the edges, access.spillover_matrix, "
            "access.relative_counts and access.log_fields (E1), location.choice_shares (E5, E6). (The analysis is that of "
            "Krugman 1996 and of Papageorgiou and Smith 1983.)"
        ),
        knobs={
            "beta_j": Knob((0.8, 1.2), "strength of the social term", "utils", 0.0, 5.0),
            "lambda_km": Knob(1.0, "range of spillovers", "km", 0.05, 50.0),
            "cell_km": Knob(0.5, "side of a cell", "km", 0.01, 100.0),
            "rho": Knob(0.05, "share of startups that choose anew in a month", "1/month", 1e-3, 1.0),
            "modes": Knob((1.0, 2.0, 4.0, 8.0), "number of waves around the torus", "waves", 1.0, 32.0),
            "side": Knob(64, "cells along each side of the torus", "cells", 4, 64),
            "occupancy_cost": Knob(
                60.0, "other cost of occupancy c, in the rows with rents", "RMB/m2/month", 0.0, 1000.0
            ),
        },
        check=check_dispersion,
        picture=draw_dispersion,
        values_check=_check_modes,
    ),
)
