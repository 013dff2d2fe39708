"""Recovery: can a calibration find parameters that it did not know, when the model itself has made the targets?

From runs at points drawn evenly from the plausible ranges each is taken in turn as the world. The others that come nearest to
it are what a calibration would accept. If the machinery is right, the true value of a parameter is as likely to stand at
any rank among the accepted ones; if the targets identify it, the accepted ones stand close together. What is accepted comes near
the world but does not meet it, which widens the set; a local regression takes that part off again.

References
----------
M. Beaumont, W. Zhang and D. Balding (2002), Approximate Bayesian computation in population genetics, Genetics 162, 2025-2035,
doi:10.1093/genetics/162.4.2025.
S. Talts et al. (2018), Validating Bayesian inference algorithms with simulation-based calibration, arXiv:1804.06788.
"""

import dataclasses

import numpy as np

from sim.calibration.smc import distance
from sim.calibration.targets import Targets


def made_targets(targets: Targets, values: np.ndarray) -> Targets:
    """Return the same targets with other values, (n_targets,), and tolerances as wide as before on both sides."""
    rows = tuple(
        target.model_copy(update={"value": float(v), "low": float(v) - (target.value - target.low),
                                  "high": float(v) + (target.high - target.value)})
        for target, v in zip(targets.rows, values, strict=True)
    )  # fmt: skip
    return dataclasses.replace(targets, rows=rows)


@dataclasses.dataclass(frozen=True, eq=False)
class Recovery:
    """How points that were taken as the world were found again.

    Attributes
    ----------
    ranks
        Share of the accepted values below the true one, from 0 to 1, (n_truths, n_axes).
    widths
        Mean width of the central 90 % of the accepted values over that of the range, (n_axes,).
    """

    ranks: np.ndarray
    widths: np.ndarray

    def p_values(self, bins: int = 5) -> np.ndarray:
        """Return for each axis how likely ranks as uneven as these are if they are even, by chi-square, (n_axes,)."""
        from scipy.stats import chisquare

        counts = [np.histogram(column, bins=bins, range=(0.0, 1.0))[0] for column in self.ranks.T]
        return np.array([float(chisquare(count).pvalue) for count in counts])


def recover(cube: np.ndarray, values: np.ndarray, targets: Targets, truths: int, accepted: int) -> Recovery:
    """Take points in turn as the world and find them again among the others.

    Parameters
    ----------
    cube
        Points drawn evenly from the unit cube, (n_points, n_axes).
    values
        Moments of the run at each, (n_points, n_targets).
    targets
        What is looked at, and with which tolerances.
    truths, accepted
        How many points are taken as the world, and how many of the others are accepted for each.
    """
    ranks, widths = [], []
    for truth in range(truths):
        world = made_targets(targets, values[truth])
        away = distance(values, world)
        away[truth] = np.inf
        chosen = np.argsort(away, kind="stable")[:accepted]
        near = adjusted(cube[chosen], world.deviations(values[chosen]))
        # a rank among n has n + 1 places; the middle of the place keeps it inside
        ranks.append(((near < cube[truth]).sum(axis=0) + 0.5) / (accepted + 1))
        low, high = np.quantile(near, (0.05, 0.95), axis=0)
        widths.append((high - low) / 0.9)
    return Recovery(np.array(ranks), np.mean(widths, axis=0))


def adjusted(near: np.ndarray, deviations: np.ndarray) -> np.ndarray:
    """Return accepted points as they would stand if their runs had met the world, (n, n_axes).

    Parameters
    ----------
    near
        Points of the unit cube, (n, n_axes); on the logistic scale they are linear in what their runs miss.
    deviations
        What their runs miss, in tolerances, (n, n_targets).
    """
    logit = np.log(near / (1.0 - near))
    terms = np.hstack([np.ones((len(near), 1)), deviations])
    coefficients = np.linalg.lstsq(terms, logit)[0]
    return 1.0 / (1.0 + np.exp(-(logit - deviations @ coefficients[1:])))
