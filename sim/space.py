"""The grid: cells, the zone of each, distances, and the spread of floor space over cells.

A cell belongs to the zone with the most stock there, and a zone spreads its stock over its own cells only,
so totals by zone are those of the table to the square metre. The set of cells depends on the world and on
the size of a cell, never on the scenario.
"""

import dataclasses
import functools

import numpy as np

from sim.compiled import exp, kernel
from sim.places import AnyWorld, Lattice, WorldError, WorldTables, read_world

NEAR_KM = 1.0 + 1e-9  #: a distance of 1 km, as rounded coordinates give it
SMALLEST_CELL_AT_KM = 0.5  #: size of the cells for which a world states its smallest stock


@dataclasses.dataclass(frozen=True, eq=False)
class Grid:
    """Cells of one world, ordered by zone and, inside a zone, by row and column.

    Attributes
    ----------
    tables
        The world's zones and nodes.
    cell_km
        Side of a cell [km].
    shape
        Columns and rows of the lattice.
    column, row
        Place of each cell on the lattice, (n_cells,).
    x, y
        Centre of each cell [km from the south-west corner], (n_cells,).
    zone
        Zone of each cell, (n_cells,).
    first
        First cell of each zone and, last, the number of cells, (n_zones + 1,).
    spread
        Share of its zone's stock that a cell holds, (n_cells,); sums to 1 in each zone.
    zone_x, zone_y, node_x, node_y
        Centres of zones and nodes [km].
    wraps
        Whether distances go around the edges of the lattice.
    apart
        Whether places have no distance: spillovers stay in a cell, and from everywhere all is equally near.
    """

    tables: WorldTables
    cell_km: float
    shape: tuple[int, int]
    column: np.ndarray
    row: np.ndarray
    x: np.ndarray
    y: np.ndarray
    zone: np.ndarray
    first: np.ndarray
    spread: np.ndarray
    zone_x: np.ndarray
    zone_y: np.ndarray
    node_x: np.ndarray
    node_y: np.ndarray
    wraps: bool = False
    apart: bool = False

    @classmethod
    def of(cls, world: AnyWorld, cell_km: float | None = None) -> "Grid":
        """Return the grid of a world: of a shipped one at its own cell size or another, of a made one as made.

        Raises
        ------
        WorldError
            If there is no such world, a zone has no cell on the grid, or a made world is to have other cells.
        ValueError
            If `cell_km` is no finite number above 0.
        """
        if cell_km is not None and not 0.0 < cell_km < np.inf:
            raise ValueError(f"cell_km: must be finite and above 0, not {cell_km}")
        tables = read_world(world)
        own = float(tables.settings["cell_km"])
        if tables.lattice is not None and cell_km not in (None, own):
            raise WorldError(f"a made world has cells of its own, of {own:g} km: change cell_km in its table")
        return _build(tables, own if cell_km is None else float(cell_km))

    def __deepcopy__(self, memo: dict) -> "Grid":
        # nothing writes a grid, and kernels' matrices are kept by its identity
        return self

    @property
    def n_cells(self) -> int:
        """Number of cells with floor space."""
        return len(self.zone)

    @property
    def n_zones(self) -> int:
        """Number of zones."""
        return len(self.first) - 1

    def zone_values(self, field: str) -> np.ndarray:
        """Return a column of the zone table, (n_zones,)."""
        return np.array([getattr(zone, field) for zone in self.tables.zones], dtype=float)

    @functools.cached_property
    def factory_space(self) -> np.ndarray:
        """Whether a zone has space for production, (n_zones,)."""
        belts = self.tables.settings.get("belts", {})
        return np.array([bool(belts.get(z.belt, {}).get("factory_space")) for z in self.tables.zones])

    def spread_stock(self, by_zone: np.ndarray) -> np.ndarray:
        """Return the cells' shares of stock by zone [m2], (n_cells,)."""
        return self.spread * by_zone[self.zone]

    def zone_sums(self, by_cell: np.ndarray) -> np.ndarray:
        """Return sums over each zone's cells, (n_zones,)."""
        return sum_zones(self.first, by_cell)

    @functools.cached_property
    def cell_distance(self) -> np.ndarray:
        """Distance between cell centres [km], (n_cells, n_cells); infinite between places without distance."""
        found = self._distance(self.x, self.y, self.x, self.y)
        if self.apart:
            found = np.full(found.shape, np.inf)
            np.fill_diagonal(found, 0.0)
        return found

    @functools.cached_property
    def near(self) -> tuple[np.ndarray, np.ndarray]:
        """Cells whose centres are within 1 km of each cell's, itself among them.

        Those of cell c are ``near[1][near[0][c] : near[0][c + 1]]``; shapes (n_cells + 1,) and (n_pairs,).
        """
        whose, near = np.nonzero(self.cell_distance <= NEAR_KM)
        return np.searchsorted(whose, np.arange(self.n_cells + 1)), near

    @functools.cached_property
    def zone_distance(self) -> np.ndarray:
        """Distance from each cell to each zone centre [km], (n_cells, n_zones)."""
        return self._distance(self.x, self.y, self.zone_x, self.zone_y)

    @functools.cached_property
    def reach_of_zones(self) -> np.ndarray:
        """Distance from each zone centre to each cell [km], (n_zones, n_cells)."""
        return self._distance(self.zone_x, self.zone_y, self.x, self.y)

    @functools.cached_property
    def reach_of_nodes(self) -> np.ndarray:
        """Distance from each node to each cell [km], (n_nodes, n_cells)."""
        return self._distance(self.node_x, self.node_y, self.x, self.y)

    @functools.cached_property
    def origin_distance(self) -> np.ndarray:
        """Distance from each origin, nodes first and then zones, to each zone centre [km]."""
        x, y = np.concatenate([self.node_x, self.zone_x]), np.concatenate([self.node_y, self.zone_y])
        return self._distance(x, y, self.zone_x, self.zone_y)

    def _distance(self, x1: np.ndarray, y1: np.ndarray, x2: np.ndarray, y2: np.ndarray) -> np.ndarray:
        """Return the distances between two sets of points as this world has them, (len(x1), len(x2))."""
        if self.apart:
            return np.zeros((x1.size, x2.size))
        if self.wraps:
            width, height = (n * self.cell_km for n in self.shape)
            return around(x1, y1, x2, y2, width, height)
        return distance(x1, y1, x2, y2)

    def kernel_sum(self, range_km: float, cut_km: float) -> float:
        """Return the sum of exp(-d / range) over all cells there could be, seen from one of them.

        On a torus these are its own cells; a plain goes on beyond its borders.
        """
        if self.apart:
            return 1.0
        if self.wraps:
            corner = self._distance(self.x[:1], self.y[:1], self.x, self.y)
            return float(total(decay(corner, range_km, cut_km)[0]))
        return float(lattice_kernel_sum(self.cell_km, range_km, cut_km))


@functools.lru_cache(maxsize=8)
def _build(tables: WorldTables, cell_km: float) -> Grid:
    return _cut(tables, cell_km) if tables.lattice is None else _lay(tables, tables.lattice, cell_km)


def _lay(tables: WorldTables, lattice: Lattice, cell_km: float) -> Grid:
    """Return the grid of a made world, whose cells are given one by one."""
    counts = np.bincount(lattice.zone, minlength=len(tables.zones))
    centres = np.array([tables.km(zone.lon, zone.lat) for zone in tables.zones])
    return Grid(
        tables=tables,
        cell_km=cell_km,
        shape=lattice.shape,
        column=lattice.column,
        row=lattice.row,
        x=(lattice.column + 0.5) * cell_km,
        y=(lattice.row + 0.5) * cell_km,
        zone=lattice.zone,
        first=np.concatenate([[0], np.cumsum(counts)]),
        spread=1.0 / counts[lattice.zone],
        zone_x=np.ascontiguousarray(centres[:, 0]),
        zone_y=np.ascontiguousarray(centres[:, 1]),
        node_x=np.zeros(0),
        node_y=np.zeros(0),
        wraps=lattice.wraps,
        apart=lattice.apart,
    )


def _cut(tables: WorldTables, cell_km: float) -> Grid:
    """Return the grid of a shipped world, cut by where its zones have their stock."""
    settings = tables.settings
    shape = (round(settings["width_km"] / cell_km), round(settings["height_km"] / cell_km))
    columns, rows = (a.ravel() for a in np.meshgrid(np.arange(shape[0]), np.arange(shape[1])))
    x, y = (columns + 0.5) * cell_km, (rows + 0.5) * cell_km
    zone_x, zone_y = (np.array(v) for v in zip(*(tables.km(z.lon, z.lat) for z in tables.zones), strict=True))
    node_x, node_y = (np.array(v) for v in zip(*(tables.km(n.lon, n.lat) for n in tables.nodes), strict=True))

    radius = np.array([z.radius_km for z in tables.zones])
    shape_of_zone = gaussian(distance(zone_x, zone_y, x, y), radius, settings["stock_cut_radii"])
    membership = np.array([settings["membership_stock_m2"].get(z.id, z.stock_m2) for z in tables.zones])
    with np.errstate(invalid="ignore"):
        density = membership[:, None] * shape_of_zone / shape_of_zone.sum(axis=1)[:, None]
    owner = np.where(density.max(axis=0) > 0, density.argmax(axis=0), -1)

    smallest = settings["smallest_cell_stock_m2"] * (cell_km / SMALLEST_CELL_AT_KM) ** 2
    chosen, shares = [], []
    for z, zone in enumerate(tables.zones):
        cells = np.flatnonzero(owner == z)
        share = shape_of_zone[z, cells] / shape_of_zone[z, cells].sum()
        kept = share * zone.potential_stock_m2 >= smallest
        if not kept.any():
            raise WorldError(f"{tables.id}: zone {zone.id!r} has no cell of {cell_km} km on the grid")
        chosen.append(cells[kept])
        shares.append(share[kept] / share[kept].sum())
    cells = np.concatenate(chosen)
    first = np.concatenate([[0], np.cumsum([len(c) for c in chosen])])
    return Grid(
        tables=tables,
        cell_km=cell_km,
        shape=shape,
        column=columns[cells],
        row=rows[cells],
        x=x[cells],
        y=y[cells],
        zone=np.repeat(np.arange(len(chosen)), np.diff(first)),
        first=first,
        spread=np.concatenate(shares),
        zone_x=zone_x,
        zone_y=zone_y,
        node_x=node_x,
        node_y=node_y,
    )


@kernel
def distance(x1, y1, x2, y2):
    """Return the distances between two sets of points, (len(x1), len(x2))."""
    out = np.empty((x1.size, x2.size))
    for i in range(x1.size):
        for j in range(x2.size):
            dx, dy = x1[i] - x2[j], y1[i] - y2[j]
            out[i, j] = np.sqrt(dx * dx + dy * dy)
    return out


@kernel
def around(x1, y1, x2, y2, width, height):
    """Return the shortest distances between two sets of points on a torus, (len(x1), len(x2))."""
    out = np.empty((x1.size, x2.size))
    for i in range(x1.size):
        for j in range(x2.size):
            dx, dy = abs(x1[i] - x2[j]), abs(y1[i] - y2[j])
            dx, dy = min(dx, width - dx), min(dy, height - dy)
            out[i, j] = np.sqrt(dx * dx + dy * dy)
    return out


@kernel
def gaussian(distances, radius, cut):
    """Return exp(-d^2 / 2 r^2) for each row's radius r, and 0 beyond `cut` radii."""
    out = np.zeros(distances.shape)
    for i in range(distances.shape[0]):
        for j in range(distances.shape[1]):
            ratio = distances[i, j] / radius[i]
            if ratio <= cut:
                out[i, j] = exp(-0.5 * ratio * ratio)
    return out


@kernel
def decay(distances, range_km, cut_km):
    """Return exp(-d / range), 0 beyond the cut (infinity: no cut)."""
    out = np.zeros(distances.shape)
    for i in range(distances.shape[0]):
        for j in range(distances.shape[1]):
            if distances[i, j] <= cut_km:
                out[i, j] = exp(-distances[i, j] / range_km)
    return out


@kernel
def lattice_kernel_sum(cell_km, range_km, cut_km):
    """Return the sum of exp(-d / range) over an unbounded lattice, from its centre.

    The kernel of a field is divided by this, so that it sums to 1 over the whole lattice and what falls
    outside the grid is lost, not thrown back. Beyond 40 ranges nothing is left that a double could hold.
    """
    reach = np.int64(min(cut_km, 40.0 * range_km) / cell_km) + 1
    total = 0.0
    for i in range(-reach, reach + 1):
        for j in range(-reach, reach + 1):
            d = cell_km * np.sqrt(np.float64(i * i + j * j))
            if d <= cut_km:
                total += exp(-d / range_km)
    return total


@kernel
def sum_zones(first, by_cell):
    """Return sums over each zone's cells in the order of the cells, (n_zones,)."""
    out = np.zeros(first.size - 1)
    for z in range(first.size - 1):
        for c in range(first[z], first[z + 1]):
            out[z] += by_cell[c]
    return out


@kernel
def spread(matrix, sources, out):
    """out_s = sum_j sources_sj matrix_j for each row s of `sources`, added in the order of j.

    Sources of 0 are passed over, and four rows of the matrix are added at a time, which keeps the sums in
    registers and the rows in the nearest cache; neither changes a bit.
    """
    for s in range(sources.shape[0]):
        chosen, n = np.empty(matrix.shape[0], dtype=np.int64), 0
        for j in range(matrix.shape[0]):
            if sources[s, j] != 0.0:
                chosen[n] = j
                n += 1
        row = out[s]
        row[:] = 0.0
        for k in range(0, n - n % 4, 4):
            j0, j1, j2, j3 = chosen[k], chosen[k + 1], chosen[k + 2], chosen[k + 3]
            a, b, c, d = sources[s, j0], sources[s, j1], sources[s, j2], sources[s, j3]
            first, second, third, fourth = matrix[j0], matrix[j1], matrix[j2], matrix[j3]
            for i in range(row.size):
                row[i] = (((row[i] + a * first[i]) + b * second[i]) + c * third[i]) + d * fourth[i]
        for k in range(n - n % 4, n):
            a, first = sources[s, chosen[k]], matrix[chosen[k]]
            for i in range(row.size):
                row[i] += a * first[i]


def spread_one(matrix: np.ndarray, sources: np.ndarray) -> np.ndarray:
    """Return sum_j sources_j matrix_j, (n_columns,)."""
    out = np.empty((1, matrix.shape[1]))
    spread(matrix, sources[None, :], out)
    return out[0]


@kernel
def sum_rows(values, out):
    """Write the sum of each row, added in order."""
    for i in range(out.size):
        out[i] = total(values[i])


@kernel
def total(values):
    """Return the sum, added in order."""
    out = 0.0
    for i in range(values.size):
        out += values[i]
    return out
